"""Who a document is for and where: the last writer is shown, and everything that was ever stated beside it.

Nobody is harmed by the wrong ward in a line of text as by a lost allergy, so no person is asked: the statement with the
latest logical time stands first, and others that nobody replaced are shown with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import Scope, parted
from edge_runtime.facts import PlacedFact


@dataclass(frozen=True, slots=True)
class Placing:
    """Who or where.

    Attributes:
        heads: the statements that nobody replaced, in order; the last is shown as current.
        history: those that were superseded, in order.
    """

    heads: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]

    @property
    def current(self) -> PlacedFact | None:
        """The last writer's; None where nothing was stated."""
        return self.heads[-1] if self.heads else None


def derive_placing(_scope: Scope, facts: Sequence[PlacedFact]) -> tuple[Placing, tuple[Review, ...]]:
    """Derive from the readable assignment facts, or place facts, of one document, in order; it raises no review."""
    return Placing(*parted(facts)), ()


def display(fact: PlacedFact) -> str:
    """What an assignment or place says, in a few words."""
    parts = (said(fact.fact, name) for name in ("to", "location", "department"))
    return ", ".join(part for part in parts if part)
