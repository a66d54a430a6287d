"""Diagnoses: threads of statements about one problem, of which none is hidden by somebody who did not know of it.

Facts form one diagnosis when one supersedes the other or when they share a subject key (the same code, or the same
text). What is refuted or entered in error hides only what it supersedes; beside a statement that stands, written
without knowledge of each other, both are shown and a person is asked. Documents of a chart are not compared: what one
encounter suspected and a later one refuted is how diagnoses are made.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.layout import Certainty
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import said, subject_keys, text_key
from edge_runtime.clinical.succession import Scope, links, opposed, parted, threads
from edge_runtime.facts import Fact, PlacedFact

_REFUTING: Final = frozenset({Certainty.REFUTED, Certainty.ENTERED_IN_ERROR})
_CERTAINTIES: Final = (Certainty.UNCONFIRMED, Certainty.DIFFERENTIAL, Certainty.PROVISIONAL, Certainty.CONFIRMED)
"""From the least certain to the most."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One diagnosis.

    Attributes:
        subject: names it within the document, the same on every device.
        keys: every key by which its facts name it.
        live: heads that assert it, in order; empty for a refuted one, which is still listed.
        refutations: heads that refute it, or say that it was entered in error.
        history: what was superseded, in order.
        disputed: it is asserted and refuted without knowledge of each other, and nobody has decided yet.
    """

    subject: str
    keys: frozenset[str]
    live: tuple[PlacedFact, ...]
    refutations: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]
    disputed: bool

    @property
    def heads(self) -> tuple[PlacedFact, ...]:
        """The facts that stand."""
        return (*self.live, *self.refutations)

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called by what stands, each name once."""
        shown = self.live or self.refutations
        return tuple({text_key(fact.fact): said(fact.fact, "text") or "" for fact in shown}.values())

    @property
    def certainty(self) -> Certainty | None:
        """The most certain of what stands; None where none says."""
        stated = {said(fact.fact, "certainty") for fact in self.live}
        return next((one for one in reversed(_CERTAINTIES) if one in stated), None)


def derive_diagnoses(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[tuple[Diagnosis, ...], tuple[Review, ...]]:
    """Derive the list from the readable diagnosis facts of one document, in order."""
    items: list[Diagnosis] = []
    reviews: list[Review] = []
    for thread in threads(facts, tokens):
        standing, history = parted(thread)
        live = tuple(fact for fact in standing if not refutes(fact.fact))
        refutations = tuple(fact for fact in standing if refutes(fact.fact))
        subject = text_key(thread[0].fact)
        found = list(_contradictions(scope, subject, live, refutations))
        keys = frozenset().union(*(subject_keys(fact.fact) for fact in thread))
        items.append(Diagnosis(subject, keys, live, refutations, history, bool(found)))
        reviews += found
    return tuple(items), tuple(reviews)


def refutes(fact: Fact) -> bool:
    """Tell whether a fact takes back what it is about."""
    return said(fact, "certainty") in _REFUTING


def display(fact: PlacedFact) -> str:
    """What a diagnosis fact says, in a few words."""
    parts = (said(fact.fact, key) for key in ("text", "code", "certainty"))
    return ", ".join(part for part in parts if part)


def tokens(fact: PlacedFact) -> frozenset[Hashable]:
    """What ties a fact to others: its keys, and the ids in `links`."""
    return links(fact) | subject_keys(fact.fact)


def _contradictions(
    scope: Scope, subject: str, live: Sequence[PlacedFact], refutations: Sequence[PlacedFact]
) -> Iterator[Review]:
    apart = opposed(refutations, live, scope.concurrent)
    if apart:
        reason = "One person states this diagnosis and another, who did not know that, refutes it; both are shown."
        yield raise_review(scope, ReviewKind.DIAGNOSIS, subject, apart, display=display, reason=reason)
