"""The state of one document, derived from its facts: the same on every device that holds the same facts.

Owns the order of work: each fact once, in one order; those that count by kind to their rule; everything else shown as
unverified, as unreadable or as not understood by this version. Nothing that was stated is left out of the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from edge_runtime.clinical.allergies import AllergyList, derive_allergies
from edge_runtime.clinical.checks import Problem
from edge_runtime.clinical.layout import Kind, WorkflowType
from edge_runtime.clinical.medications import Medication, derive_medications
from edge_runtime.clinical.reviews import Review, ReviewKind, settle
from edge_runtime.clinical.schemas import SCHEMAS, flaw
from edge_runtime.clinical.standing import (
    Unverified,
    counting,
    quarantined,
    replaced_heads,
    unsettled,
    unverified_reviews,
    visible,
    withheld,
)
from edge_runtime.clinical.status import PriorityState, StatusState, derive_priority, derive_status
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import in_order, successors, within
from edge_runtime.clinical.vitals import Observation, derive_observations
from edge_runtime.facts import CausalGraph, FactId, PlacedFact
from sync_protocol.ids import DocumentId

_ALLERGY_REVIEWS = frozenset({ReviewKind.ALLERGY_REFUTED, ReviewKind.ALLERGY_NONE_KNOWN})
_SHOWN_ELSEWHERE = frozenset(SCHEMAS) - {Kind.SOURCE}


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact for which this version has no further rule than supersession.

    Attributes:
        fact: what was stated.
        superseded_by: the facts that replace it; empty for one that stands.
    """

    fact: PlacedFact
    superseded_by: tuple[FactId, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A fact of a known kind that this version cannot use; it hides and lowers nothing.

    Attributes:
        fact: what was stated.
        problem: what is wrong with it.
    """

    fact: PlacedFact
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentState:
    """What a document says.

    Attributes:
        document: its id.
        headers: its `document` facts; the last that stands gives type and title.
        identity: the patient as stated; several that stand are all shown.
        status: where it stands.
        priority: how urgent it is.
        allergies: the allergy list.
        medications: the medication list, by first mention.
        problems: diagnoses, by first mention.
        procedures: what was done.
        observations: vital signs and findings, corrected ones included.
        attachments: files that belong to it, replaced ones included.
        reviews: what a person must decide or has decided, by id.
        decisions: the decisions themselves.
        unreadable: facts that this version cannot use.
        others: facts that no rule of this version reads: unknown kinds, and what an import could not map.
        unverified: quarantined facts that stay visible; they are in nothing above but reviews.
        withheld: the other quarantined facts.
    """

    document: DocumentId
    headers: tuple[Statement, ...]
    identity: tuple[Statement, ...]
    status: StatusState
    priority: PriorityState
    allergies: AllergyList
    medications: tuple[Medication, ...]
    problems: tuple[Statement, ...]
    procedures: tuple[Statement, ...]
    observations: tuple[Observation, ...]
    attachments: tuple[Statement, ...]
    reviews: tuple[Review, ...]
    decisions: tuple[PlacedFact, ...]
    unreadable: tuple[Unreadable, ...]
    others: tuple[PlacedFact, ...]
    unverified: tuple[Unverified, ...]
    withheld: tuple[PlacedFact, ...]

    @property
    def workflow_type(self) -> WorkflowType | None:
        """What the document is for; None while nothing says so."""
        found = self._header("workflow_type")
        return WorkflowType(found) if found else None

    @property
    def title(self) -> str | None:
        """What people call it."""
        return self._header("title")

    @property
    def allergies_incomplete(self) -> bool:
        """Whether the allergy list must not be relied on as complete."""
        return (
            lacks(Kind.ALLERGY, self.unreadable)
            or unsettled(Kind.ALLERGY, self.unverified, self.reviews)
            or any(review.open and review.kind in _ALLERGY_REVIEWS for review in self.reviews)
        )

    @property
    def medications_incomplete(self) -> bool:
        """Whether the medication list must not be relied on as complete."""
        return (
            lacks(Kind.MEDICATION, self.unreadable)
            or unsettled(Kind.MEDICATION, self.unverified, self.reviews)
            or any(item.disputed for item in self.medications)
        )

    def _header(self, key: str) -> str | None:
        standing = [said(header.fact.fact, key) for header in self.headers if not header.superseded_by]
        return standing[-1] if standing else None


def derive(document: DocumentId, facts: Iterable[PlacedFact], graphs: Iterable[CausalGraph]) -> DocumentState:
    """Derive the state of one document.

    Args:
        document: which; facts of other documents are left aside.
        facts: in any order, any number of times.
        graphs: the causal graph of each of the document's streams, in any order.
    """
    own = in_order(fact for fact in facts if fact.document == document)
    kept = quarantined(own)
    readable, unreadable = sort_out(counting(own))
    scope = within(document, graphs)
    status, status_reviews = derive_status(scope, of_kind(Kind.STATUS, readable))
    allergies, allergy_reviews = derive_allergies(scope, of_kind(Kind.ALLERGY, readable))
    medications, medication_reviews = derive_medications(scope, of_kind(Kind.MEDICATION, readable))
    observations, observation_reviews = derive_observations(scope, of_kind(Kind.OBSERVATION, readable))
    decisions = of_kind(Kind.REVIEW_DECISION, readable)
    raised = (*status_reviews, *allergy_reviews, *medication_reviews, *observation_reviews)
    reviews = settle(chain(raised, unverified_reviews(scope, kept, readable, raised)), decisions)
    return DocumentState(
        document=document,
        headers=_statements(Kind.DOCUMENT, readable),
        identity=_statements(Kind.IDENTITY, readable),
        status=replace(status, disputed=bool(open_subjects(ReviewKind.STATUS, reviews))),
        priority=derive_priority(of_kind(Kind.PRIORITY, readable)),
        allergies=allergies,
        medications=_undisputed(medications, reviews),
        problems=_statements(Kind.DIAGNOSIS, readable),
        procedures=_statements(Kind.PROCEDURE, readable),
        observations=observations,
        attachments=_statements(Kind.ATTACHMENT, readable),
        reviews=reviews,
        decisions=decisions,
        unreadable=unreadable,
        others=tuple(fact for fact in readable if fact.fact.kind not in _SHOWN_ELSEWHERE),
        unverified=visible(kept, readable),
        withheld=withheld(kept),
    )


def of_kind(kind: Kind, facts: Sequence[PlacedFact]) -> tuple[PlacedFact, ...]:
    """The facts of one kind, in the order given."""
    return tuple(fact for fact in facts if fact.fact.kind == kind)


def lacks(kind: Kind, unreadable: Iterable[Unreadable]) -> bool:
    """Tell whether a list of `kind` lacks what could not be read."""
    return any(item.fact.fact.kind == kind for item in unreadable)


def open_subjects(kind: ReviewKind, reviews: Iterable[Review]) -> frozenset[str]:
    """What the open reviews of one kind are about."""
    return frozenset(review.subject for review in reviews if review.kind == kind and review.open)


def sort_out(facts: Sequence[PlacedFact]) -> tuple[tuple[PlacedFact, ...], tuple[Unreadable, ...]]:
    """Part what this version can use, or does not judge, from what is unreadable; each in the order given."""
    readable: list[PlacedFact] = []
    unreadable: list[Unreadable] = []
    for fact in facts:
        problem = flaw(fact.fact) if fact.fact.kind in SCHEMAS else None
        if problem is None:
            readable.append(fact)
        else:
            unreadable.append(Unreadable(fact, problem))
    return tuple(readable), tuple(unreadable)


def _undisputed(medications: Iterable[Medication], reviews: Iterable[Review]) -> tuple[Medication, ...]:
    """Medications whose reviews were decided are disputed no more."""
    still = open_subjects(ReviewKind.MEDICATION, reviews)
    restored = replaced_heads(Kind.MEDICATION, reviews)
    return tuple(
        replace(item, disputed=item.subject in still or any(head.id in restored for head in item.heads))
        for item in medications
    )


def _statements(kind: Kind, readable: Sequence[PlacedFact]) -> tuple[Statement, ...]:
    facts = of_kind(kind, readable)
    replaced = successors(facts)
    return tuple(Statement(fact, replaced.get(fact.id, ())) for fact in facts)
