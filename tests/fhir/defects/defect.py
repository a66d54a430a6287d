"""What a defect is: an official example with one thing wrong, and where a validator must say so."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.fhir.defects.sites import Object, Sample


class Spoilt(NamedTuple):
    """What a maker did to a sample.

    Attributes:
        path: of the element that is wrong now.
        way: how, in a few words: the same kind can be made in several ways.
        also: other names of the place, as those of a choice.
    """

    path: str
    way: str
    also: tuple[str, ...] = ()


Maker = Callable[[random.Random, Sample], Spoilt | None]
"""Spoils a sample in place; None where it has no place for this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A spoilt example.

    Attributes:
        example: the official example that it was.
        kind: the sort of defect.
        way: how it was made.
        path: of the element that is wrong.
        also: other names of the place.
        resource: the spoilt example.
    """

    example: str
    kind: str
    way: str
    path: str
    also: tuple[str, ...]
    resource: Object

    @property
    def data(self) -> bytes:
        """The spoilt example as a file."""
        return json.dumps(self.resource, ensure_ascii=False).encode()

    @property
    def name(self) -> str:
        """For a person who looks for it."""
        return f"{self.kind} ({self.way}) in {self.example} at {self.path}"

    def is_named_by(self, path: str) -> bool:
        """Whether a path that somebody reports means this defect: its element, what is below it, or its parent."""
        said = _MARKS.sub("", path.removesuffix(_UNNAMED))
        return any(_means(said, wanted) for wanted in (self.path, *self.also))


_UNNAMED: Final = ".?"
"""A member whose name is nobody's to repeat: its parent is what is named."""
_MARKS: Final = re.compile(r"\.ofType\(\w+\)|\[x\]")
_LAST_INDEX: Final = re.compile(r"\[\d+\]$")


def _means(said: str, wanted: str) -> bool:
    """An index at the end says no more than where in the element it is."""
    element = _LAST_INDEX.sub("", wanted)
    parent = element.rpartition(".")[0]
    return said in {wanted, element, parent} or said.startswith((f"{wanted}.", f"{wanted}["))
