"""Validations: whether a laboratory result was released, by the statements that stand about it.

A result is validated only while nobody who stands says otherwise: validated beside rejected is shown as not validated,
and a person is asked. A correction is another observation, and has to be validated itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime.clinical.layout import Validation
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import Scope, grouped, parted
from edge_runtime.facts import Fact, FactId, PlacedFact


@dataclass(frozen=True, slots=True)
class Release:
    """What was said of one result.

    Attributes:
        observation: the result, whether or not it has arrived.
        value: what all that stands says; None where it differs.
        disputed: it differs, and nobody has decided yet.
        heads: the statements that stand, in order.
        history: those that were superseded, in order.
    """

    observation: FactId
    value: Validation | None
    disputed: bool
    heads: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]


def derive_validations(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[tuple[Release, ...], tuple[Review, ...]]:
    """Derive from the readable validation facts of one document, in order."""
    items: list[Release] = []
    reviews: list[Review] = []
    for observation, group in grouped(facts, lambda fact: observation_of(fact.fact)).items():
        standing, history = parted(group)
        values = {Validation(said(fact.fact, "to") or "") for fact in standing}
        disputed = len(values) > 1
        items.append(Release(observation, None if disputed else next(iter(values)), disputed, standing, history))
        if disputed:
            reason = "One person validated this result and another rejected it; it is shown as not validated."
            kind, subject = ReviewKind.VALIDATION, str(observation)
            reviews.append(raise_review(scope, kind, subject, standing, display=display, reason=reason))
    return tuple(items), tuple(reviews)


def observation_of(fact: Fact) -> FactId:
    """The result that a readable validation is about."""
    return FactId.parse(said(fact, "observation") or "")


def display(fact: PlacedFact) -> str:
    """What a validation says, in a few words."""
    parts = (said(fact.fact, name) for name in ("to", "reason"))
    return ": ".join(part for part in parts if part)
