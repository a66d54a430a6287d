"""Links to other charts and documents, and whether two charts are one patient.

A link is what was said of one target; whether it is the same patient is one question, and each other relation another.
`not_same_patient` undoes a `same_patient` that its author saw. Where both stand, a person is asked: until then the
charts count as two patients, so that nobody is lost by being taken for somebody else, and `joined` still says that the
more urgent triage of both is to be shown, so that nobody is downgraded either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime.clinical.layout import Relation
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import Scope, grouped, opposed, parted
from edge_runtime.facts import Fact, PlacedFact

_SAME = frozenset({Relation.SAME_PATIENT, Relation.NOT_SAME_PATIENT})


@dataclass(frozen=True, slots=True)
class Link:
    """What is said of one target.

    Attributes:
        subject: names the link within the document, the same on every device.
        chart: the whole id of the other chart; None where only a document is named.
        document: the whole id of the other document.
        stands: the relation that stands; None while it is disputed.
        joined: somebody says that it is the same patient, and nobody who saw that took it back.
        disputed: it is said to be the same patient and not to be, and nobody has decided yet.
        heads: the statements that stand, in order.
        history: those that were superseded, in order.
    """

    subject: str
    chart: str | None
    document: str | None
    stands: Relation | None
    joined: bool
    disputed: bool
    heads: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]


def derive_links(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[tuple[Link, ...], tuple[Review, ...]]:
    """Derive from the readable link facts of the scope, in order."""
    items: list[Link] = []
    reviews: list[Review] = []
    for subject, group in grouped(facts, lambda fact: subject_of(fact.fact)).items():
        standing, history = parted(group)
        relations = {_relation(fact.fact) for fact in standing}
        same = [fact for fact in standing if _relation(fact.fact) is Relation.SAME_PATIENT]
        other = [fact for fact in standing if _relation(fact.fact) is Relation.NOT_SAME_PATIENT]
        items.append(
            Link(
                subject=subject,
                chart=said(group[0].fact, "chart"),
                document=said(group[0].fact, "document"),
                stands=next(iter(relations)) if len(relations) == 1 else None,
                joined=bool(same),
                disputed=len(relations) > 1,
                heads=standing,
                history=history,
            )
        )
        apart = opposed(same, other, scope.beside)
        if apart:
            reason = (
                "One person says that this chart and another are the same patient, another says that they are not; "
                "they are shown as two patients until somebody decides."
            )
            kind = ReviewKind.DUPLICATE_PATIENT
            reviews.append(raise_review(scope, kind, subject, apart, display=display, reason=reason))
    return tuple(items), tuple(reviews)


def subject_of(fact: Fact) -> str:
    """What a readable link is about: the question, then the target."""
    relation = _relation(fact)
    question = "patient" if relation in _SAME else str(relation)
    return f"{question} {said(fact, 'chart') or '-'} {said(fact, 'document') or '-'}"


def display(fact: PlacedFact) -> str:
    """What a link says, in a few words, whether or not it can be read."""
    target = (said(fact.fact, "chart") or said(fact.fact, "document") or "")[:8]
    words = f"{(said(fact.fact, 'relation') or '').replace('_', ' ')}, {target}"
    reason = said(fact.fact, "reason")
    return f"{words}: {reason}" if reason else words


def _relation(fact: Fact) -> Relation:
    return Relation(said(fact, "relation") or "")
