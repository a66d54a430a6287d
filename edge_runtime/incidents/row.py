"""One casualty as the board shows it.

Owns what a row holds and how rows are ordered. How it comes about, `board` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.triage import TriageState
from edge_runtime.facts import PlacedFact

_SHORT: Final = 8


class Presence(StrEnum):
    """What of a casualty's chart is on this device."""

    HERE = "here"
    NOT_HERE = "not_here"
    """Nothing of it, or not all that it began with: it comes with the next meeting or sync."""
    CLOSED = "closed"
    """It may not be read here."""


class Urgency(StrEnum):
    """How soon somebody must go there, the most urgent first."""

    IMMEDIATE = "immediate"
    UNKNOWN = "unknown"
    """Without a category, or not here: who was not looked at may be dying."""
    DELAYED = "delayed"
    MINOR = "minor"
    EXPECTANT = "expectant"
    DECEASED = "deceased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One casualty.

    Attributes:
        chart: the whole id of its chart.
        numbers: those that the register gives it, else the one that its own title names; empty where none is known.
        registered: whether the register names it, as far as it is here.
        presence: what of its chart is here.
        own: what its own chart says; None for a chart that is not here.
        shown: the category to act on, that of linked casualties included; None where none is known.
        disputed: dead stands beside alive, in its chart or in a linked one, and nobody has decided.
        linked: charts that are the same patient without doubt, this one left out.
        doubted: charts of which somebody says that they are the same patient, and somebody else that they are not.
        names: the names that stand, each once.
        identity: the statements of who it is that stand.
        place: where it is, by the last who said so.
        note: what the register says of it.
        unverified: its triage and numbers by somebody whose access was revoked; they change nothing.
        reviews: what a person must decide, in its chart and about its number.
    """

    chart: str
    numbers: tuple[str, ...]
    registered: bool
    presence: Presence
    own: TriageState | None
    shown: Triage | None
    disputed: bool
    linked: tuple[str, ...]
    doubted: tuple[str, ...]
    names: tuple[str, ...]
    identity: tuple[PlacedFact, ...]
    place: str | None
    note: str | None
    unverified: tuple[PlacedFact, ...]
    reviews: tuple[Review, ...]

    @property
    def urgency(self) -> Urgency:
        """How soon somebody must go there."""
        return Urgency.UNKNOWN if self.shown is None else Urgency(self.shown.value)

    @property
    def looked_ms(self) -> int | None:
        """When somebody last said how urgent it is, by the clock of that device; None where nobody did."""
        return None if self.own is None else max((fact.wall_ms for fact in self.own.heads), default=None)

    @property
    def label(self) -> str:
        """What people call it: its numbers, else the beginning of its chart's id."""
        return " / ".join(self.numbers) or self.chart[:_SHORT]
