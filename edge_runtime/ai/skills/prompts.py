"""The wording of every question to a model: a file for each skill, version and style, and one way to fill them in.

A template's slots are `[[name]]`. What stands in a slot is put there once and never read again for slots, so that no
source can open another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

STYLES: Final = ("chat", "completion", "demonstration")
"""A full instruction for a model that was taught to follow one; examples for one that only continues; the bare word
and the source for our own toy, which knows nothing else."""
DEFAULT_STYLE: Final = "chat"

_FOLDER: Final = "data/prompts"
_SLOT: Final = re.compile(r"\[\[([a-z_]+)\]\]")


def known_style(wanted: str) -> str:
    """The style itself where there is one of that name, otherwise the default."""
    return wanted if wanted in STYLES else DEFAULT_STYLE


@cache
def template(name: str, version: int, style: str, variant: str = "") -> str | None:
    """The text of one prompt, unfilled; None where the package holds none.

    Args:
        name: of the skill.
        version: of its template.
        style: one of STYLES.
        variant: another wording of the same, such as "short".
    """
    place = files("edge_runtime").joinpath(_FOLDER, f"{stem(name, version, style, variant)}.txt")
    return place.read_text(encoding="utf-8").removesuffix("\n") if place.is_file() else None


def stem(name: str, version: int, style: str, variant: str = "") -> str:
    """The file of a prompt, without its ending."""
    return "-".join((name, str(version), style, *([variant] if variant else [])))


def slots(text: str) -> frozenset[str]:
    """The names of a template's slots."""
    return frozenset(_SLOT.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into a template's slots; a value's own brackets are only characters.

    Args:
        text: a template.
        values: exactly one for each slot, already neutral.
    """
    assert slots(text) <= values.keys(), "a prompt has a slot that its skill does not fill"
    return _SLOT.sub(lambda slot: values[slot[1]], text)
