"""Bugs to plant: each is a patch of the real program that breaks one promise, and shows that a checker notices.

Owns the patches. A plant is switched on by name, for a whole run, after the template was made by the program as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch


@dataclass(frozen=True, slots=True)
class Plant:
    """One bug.

    Attributes:
        shows: what it does, and to whom it would matter.
        checker: which checker catches it.
    """

    name: str
    shows: str
    checker: str
    planted: Callable[[], AbstractContextManager[Any]]


def _swap(target: str, value: Any) -> Callable[[], AbstractContextManager[Any]]:
    """A plant that replaces one name of a module or class."""
    return lambda: patch(target, value)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


PLANTS: Final[dict[str, Plant]] = {}
