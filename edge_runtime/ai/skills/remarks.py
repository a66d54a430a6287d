"""What a rule or a model remarks about a note: of which kind, in words, and on which of its words that rests."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class RemarkKind(StrEnum):
    """Of what kind, the most pressing first."""

    CONTRADICTION = "contradiction"
    UNIT = "unit"
    MISSING = "missing"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark.

    Attributes:
        kind: of what.
        text: for a person; a whole sentence.
        places: start and end of the words that it rests on, in the note; none where something is not there at all.
    """

    kind: RemarkKind
    text: str = field(repr=False)
    places: tuple[tuple[int, int], ...] = ()


QUOTED_CHARS_MAX: Final = 80
"""Of a note's own words within a remark."""


def quoted(text: str, start: int, end: int) -> str:
    """A note's own words as a remark quotes them: on one line, and not without end."""
    said = " ".join(text[start : min(end, start + QUOTED_CHARS_MAX)].split())
    return f"{said}…" if end - start > QUOTED_CHARS_MAX else said
