"""Specimens: where each is on its way to a result, by the events that stand.

Of several events the one furthest along the way is shown. A rejection is shown before all others, because a specimen
that is not drawn again gives no result; beside an event whose author did not know of it, it is a review.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.layout import SpecimenStatus
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import normalised, said
from edge_runtime.clinical.succession import Scope, grouped, opposed, parted
from edge_runtime.facts import Fact, PlacedFact

_WAY: Final = tuple(SpecimenStatus)


@dataclass(frozen=True, slots=True)
class Specimen:
    """One specimen.

    Attributes:
        subject: its label as compared.
        status: how far it is.
        disputed: it is rejected beside an event that says otherwise, and nobody has decided yet.
        heads: the events that stand, in order.
        history: those that were superseded, in order.
    """

    subject: str
    status: SpecimenStatus
    disputed: bool
    heads: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]

    @property
    def label(self) -> str:
        """What is written on it, by the last event that stands."""
        return said(self.heads[-1].fact, "specimen") or ""


def derive_specimens(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[tuple[Specimen, ...], tuple[Review, ...]]:
    """Derive the specimens from the readable specimen facts of one document, in order."""
    items: list[Specimen] = []
    reviews: list[Review] = []
    for subject, group in grouped(facts, lambda fact: subject_of(fact.fact)).items():
        standing, history = parted(group)
        rejected = [fact for fact in standing if _to(fact) is SpecimenStatus.REJECTED]
        others = [fact for fact in standing if _to(fact) is not SpecimenStatus.REJECTED]
        apart = opposed(rejected, others, scope.concurrent)
        status = max(map(_to, standing), key=_WAY.index)
        items.append(Specimen(subject, status, bool(apart), standing, history))
        if apart:
            reason = (
                "This specimen was rejected, and somebody who did not know that says it is on its way or received; "
                "it is shown as rejected."
            )
            reviews.append(raise_review(scope, ReviewKind.SPECIMEN, subject, apart, display=display, reason=reason))
    return tuple(items), tuple(reviews)


def subject_of(fact: Fact) -> str:
    """The label by which events of one specimen are told from others."""
    return normalised(said(fact, "specimen") or "")


def display(fact: PlacedFact) -> str:
    """What a specimen event says, in a few words."""
    parts = (said(fact.fact, name) for name in ("specimen", "type", "to", "reason"))
    return " ".join(part for part in parts if part)


def _to(fact: PlacedFact) -> SpecimenStatus:
    return SpecimenStatus(said(fact.fact, "to") or "")
