"""The state of a chart: its documents, and the lists that a clinician reads across them.

A conflict inside one document is that document's review; the chart adds only conflicts between documents, which no
causal order connects, as reviews of the chart document. A fact never supersedes one of another document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from edge_runtime.clinical.allergies import AllergyList, derive_allergies
from edge_runtime.clinical.clock import derive_clock
from edge_runtime.clinical.diagnoses import Diagnosis
from edge_runtime.clinical.document import derive, of_kind, sort_out
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.links import Link, derive_links
from edge_runtime.clinical.medications import Medication, derive_medications
from edge_runtime.clinical.reviews import Review, ReviewKind, settle
from edge_runtime.clinical.settling import open_subjects
from edge_runtime.clinical.standing import Unverified, counting
from edge_runtime.clinical.state import DocumentState, Statement
from edge_runtime.clinical.succession import ACROSS, across, in_order
from edge_runtime.clinical.triage import TriageState, derive_triage
from edge_runtime.facts import CausalGraph, PlacedFact
from sync_protocol.ids import DocumentId

_ACROSS: Final = frozenset({Kind.ALLERGY, Kind.MEDICATION, Kind.TRIAGE, Kind.LINK})
"""Kinds that are read across the documents of a chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartState:
    """What a chart says.

    Attributes:
        chart_document: the document that holds what outlasts an encounter.
        documents: the chart document first, then the others by id.
        allergies: the list across all documents.
        medications: the list across all documents.
        triage: the most urgent of all documents; immediate where one says dead and another alive.
        links: what is said of other charts, across all documents.
        reviews: those of all documents and those between them, by id.
    """

    chart_document: DocumentId
    documents: tuple[DocumentState, ...]
    allergies: AllergyList
    medications: tuple[Medication, ...]
    triage: TriageState
    links: tuple[Link, ...]
    reviews: tuple[Review, ...]

    @property
    def identity(self) -> tuple[Statement, ...]:
        """The patient as stated in any document."""
        return tuple(item for document in self.documents for item in document.identity)

    @property
    def problems(self) -> tuple[Statement, ...]:
        """Diagnoses of all documents."""
        return tuple(item for document in self.documents for item in document.problems)

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Diagnoses of all documents by what they are about, those of each document apart."""
        return tuple(item for document in self.documents for item in document.diagnoses)

    @property
    def newer_layout(self) -> bool:
        """Whether a newer version wrote in any of its documents."""
        return any(document.newer_layout for document in self.documents)

    @property
    def unverified(self) -> tuple[Unverified, ...]:
        """Quarantined facts of all documents that stay visible."""
        return tuple(item for document in self.documents for item in document.unverified)

    @property
    def allergies_incomplete(self) -> bool:
        """Whether the allergy list must not be relied on as complete."""
        kinds = (ReviewKind.ALLERGY_REFUTED, ReviewKind.ALLERGY_NONE_KNOWN)
        between = any(open_subjects(kind, self.reviews) for kind in kinds)
        return between or any(document.allergies_incomplete for document in self.documents)

    @property
    def medications_incomplete(self) -> bool:
        """Whether the medication list must not be relied on as complete."""
        between = any(item.disputed for item in self.medications)
        return between or any(document.medications_incomplete for document in self.documents)


def derive_chart(chart_document: DocumentId, facts: Iterable[PlacedFact], graphs: Iterable[CausalGraph]) -> ChartState:
    """Derive the state of a chart.

    Args:
        chart_document: which of the documents is the chart document.
        facts: of all its documents, in any order, any number of times.
        graphs: the causal graph of each stream of each document, in any order.
    """
    known, everything = tuple(graphs), in_order(facts)
    own: dict[DocumentId, list[PlacedFact]] = {chart_document: []}
    for fact in everything:
        own.setdefault(fact.document, []).append(fact)
    order = sorted(own, key=lambda document: (document != chart_document, document))
    documents = tuple(derive(document, own[document], known) for document in order)
    stated = counting(everything)
    readable, _ = sort_out(tuple(fact for fact in stated if fact.fact.kind in _ACROSS))
    scope = across(chart_document)
    allergies, allergy_reviews = derive_allergies(scope, of_kind(Kind.ALLERGY, readable))
    medications, medication_reviews = derive_medications(scope, of_kind(Kind.MEDICATION, readable))
    triage, triage_reviews = derive_triage(scope, of_kind(Kind.TRIAGE, readable))
    links, link_reviews = derive_links(scope, of_kind(Kind.LINK, readable))
    raised = (*allergy_reviews, *medication_reviews, *triage_reviews, *link_reviews)
    between = settle((*raised, *derive_clock(scope, stated, known)), documents[0].decisions)
    inside = (review for document in documents for review in document.reviews)
    return ChartState(
        chart_document=chart_document,
        documents=documents,
        allergies=allergies,
        medications=_disputed(medications, documents, between),
        triage=replace(triage, disputed=_triage_disputed(documents, between)),
        links=_links_disputed(links, documents, between),
        reviews=tuple(sorted((*inside, *between), key=lambda review: review.id)),
    )


def _disputed(
    medications: Iterable[Medication], documents: Iterable[DocumentState], between: Iterable[Review]
) -> tuple[Medication, ...]:
    """A medication is disputed where documents contradict each other, and where one of them disputes it itself."""
    still = open_subjects(ReviewKind.MEDICATION, between)
    inside = frozenset(
        key for document in documents for item in document.medications if item.disputed for key in item.keys
    )
    return tuple(
        replace(item, disputed=ACROSS + item.subject in still or not inside.isdisjoint(item.keys))
        for item in medications
    )


def _triage_disputed(documents: Iterable[DocumentState], between: Iterable[Review]) -> bool:
    return bool(open_subjects(ReviewKind.TRIAGE, between)) or any(document.triage.disputed for document in documents)


def _links_disputed(
    links: Iterable[Link], documents: Iterable[DocumentState], between: Iterable[Review]
) -> tuple[Link, ...]:
    still = open_subjects(ReviewKind.DUPLICATE_PATIENT, between)
    inside = frozenset(item.subject for document in documents for item in document.links if item.disputed)
    return tuple(replace(item, disputed=ACROSS + item.subject in still or item.subject in inside) for item in links)
