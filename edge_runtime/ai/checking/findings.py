"""What the checks say of a draft: content that the source does not bear out, and where each statement came from.

Positions are Unicode code points, from 0, the end exclusive, in the text that was handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class FindingKind(StrEnum):
    """What is not borne out."""

    NUMBER = "number"
    DRUG = "drug"
    DOSE = "dose"
    ALLERGY = "allergy"
    NEGATION = "negation"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A place in a draft that its source does not bear out.

    Attributes:
        kind: of what.
        text: the draft's own words there.
        start: of them in the draft.
        end: of them in the draft.
    """

    kind: FindingKind
    text: str = field(repr=False)
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Citation:
    """Where in the source a statement of a draft comes from.

    Attributes:
        start: of the statement in the draft.
        end: of the statement in the draft.
        source_start: of the words in the source.
        source_end: of the words in the source.
    """

    start: int
    end: int
    source_start: int
    source_end: int
