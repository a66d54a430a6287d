"""What a document needs before it is complete: the shapes of that judgement, and its words.

Owns the words of each reason. How a document is judged, `completeness` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Signed(StrEnum):
    """Whether somebody answers for all that a document says."""

    NO = "no"
    PART = "part"
    """Somebody signed sections of it, nobody the whole."""
    CHANGED = "changed"
    """It was signed, and something was written that no signature covers."""
    YES = "yes"


class Why(StrEnum):
    """Why something counts as there, or lacks."""

    THERE = "there"
    ABSENT = "absent"
    DISPUTED = "disputed"
    INCOMPLETE_HERE = "incomplete_here"
    """This device cannot show all of the text now."""
    ON_ITS_WAY = "on_its_way"
    NOT_VALIDATED = "not_validated"
    OWN_RESULT = "own_result"
    """Only whoever entered a result validated it."""
    SIGNED_IN_PART = "signed_in_part"
    CHANGED_SINCE = "changed_since"
    NOT_DONE = "not_done"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNDECIDED = "undecided"
    NOT_UNDERSTOOD = "not_understood"


WORDS: Final[Mapping[Why, str]] = MappingProxyType(
    {
        Why.THERE: "there",
        Why.ABSENT: "not there yet",
        Why.DISPUTED: "people differ on it, and nobody has decided yet",
        Why.INCOMPLETE_HERE: "this device cannot show all of it now; sync, then look again",
        Why.ON_ITS_WAY: "a specimen is still on its way",
        Why.NOT_VALIDATED: "a result is not validated",
        Why.OWN_RESULT: "a result was validated only by whoever entered it",
        Why.SIGNED_IN_PART: "only sections of it are signed",
        Why.CHANGED_SINCE: "something was written since it was signed",
        Why.NOT_DONE: "not done yet",
        Why.SKIPPED: "skipped",
        Why.FAILED: "failed",
        Why.UNDECIDED: "a conflict that nobody has decided yet",
        Why.NOT_UNDERSTOOD: "asked for by a newer version of the program; update this device to see",
    }
)
"""Each reason, for a person."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text section, as far as it matters here.

    Attributes:
        text: what it reads.
        complete: whether this device shows all of it.
        disputed: whether something may not be merged into it.
    """

    text: str
    complete: bool = True
    disputed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands in a document beside its facts.

    Attributes:
        sections: its texts, by section.
        signed: whether somebody answers for all of it.
    """

    sections: Mapping[str, Written] = field(default_factory=dict)
    signed: Signed = Signed.NO


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a document needs before it is complete.

    Attributes:
        item: a word of `requirements`, `step:<fact id>`, or `review:<review id>`.
        words: what it is, in the words of the template or of whoever named the step.
        why: why it counts as there, or lacks.
    """

    item: str
    words: str
    why: Why

    @property
    def there(self) -> bool:
        """Whether it lacks no more."""
        return self.why is Why.THERE


@dataclass(frozen=True, slots=True)
class Completeness:
    """How far a document is.

    Attributes:
        needs: what it asks for, in the template's order; then its required steps; then its open conflicts.
    """

    needs: tuple[Need, ...]

    @property
    def lacking(self) -> tuple[Need, ...]:
        """What is not there."""
        return tuple(need for need in self.needs if not need.there)

    @property
    def percentage(self) -> int | None:
        """How many of a hundred needs are there, rounded down; None where nothing is asked for."""
        there = len(self.needs) - len(self.lacking)
        return 100 * there // len(self.needs) if self.needs else None
