"""The state of a chart: its documents, and the lists that a clinician reads across them.

A conflict inside one document is that document's review; the chart adds only conflicts between documents, which no
causal order connects, as reviews of the chart document. A fact never supersedes one of another document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from edge_runtime.clinical.allergies import AllergyList
from edge_runtime.clinical.clock import derive_clock
from edge_runtime.clinical.diagnoses import Diagnosis
from edge_runtime.clinical.document import derive_sorted, of_kind, sorted_out
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.links import Link
from edge_runtime.clinical.medications import Medication
from edge_runtime.clinical.reviews import Review, ReviewKind, settle
from edge_runtime.clinical.rules import RULES
from edge_runtime.clinical.settling import flagged, open_subjects
from edge_runtime.clinical.standing import Unverified
from edge_runtime.clinical.state import DocumentState, Statement
from edge_runtime.clinical.succession import ACROSS, across, grouped, in_order, within
from edge_runtime.clinical.triage import TriageState
from edge_runtime.facts import CausalGraph, PlacedFact
from sync_protocol.ids import DocumentId

RULES_ACROSS: Final = tuple(
    rule for rule in RULES if rule.kinds in {(Kind.ALLERGY,), (Kind.MEDICATION,), (Kind.TRIAGE,), (Kind.LINK,)}
)
"""The rules that are applied across the documents of a chart too."""


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
    known, own = tuple(graphs), grouped(facts, lambda fact: fact.document)
    found = {document: sorted_out(own.get(document, ())) for document in documents_of(chart_document, own)}
    documents = tuple(derive_sorted(within(document, known), one) for document, one in found.items())
    scope = across(chart_document)
    readable = in_order(chain.from_iterable(one.readable for one in found.values()))
    made = {rule.part: rule.derive(scope, of_kind(rule.kinds[0], readable)) for rule in RULES_ACROSS}
    stated = in_order(chain.from_iterable(one.stated for one in found.values()))
    raised = (*chain.from_iterable(reviews for _, reviews in made.values()), *derive_clock(scope, stated, known))
    return join(chart_document, documents, {part: value for part, (value, _) in made.items()}, raised)


def documents_of(chart_document: DocumentId, names: Iterable[DocumentId]) -> list[DocumentId]:
    """The documents of a chart in order: the chart document, whether or not anything was stated there, then by id."""
    return [chart_document, *sorted(set(names) - {chart_document})]


def join(
    chart_document: DocumentId,
    documents: tuple[DocumentState, ...],
    parts: Mapping[str, Any],
    raised: Iterable[Review],
) -> ChartState:
    """The state of a chart from those of its documents and what each of `RULES_ACROSS` made.

    Args:
        chart_document: which of the documents is the chart document.
        documents: in order.
        parts: what each rule made, by part.
        raised: the reviews between documents.
    """
    between = settle(raised, documents[0].decisions)
    inside = chain.from_iterable(document.reviews for document in documents)
    return ChartState(
        chart_document=chart_document,
        documents=documents,
        allergies=parts["allergies"],
        medications=_disputed(parts["medications"], documents, between),
        triage=replace(parts["triage"], disputed=_triage_disputed(documents, between)),
        links=_links_disputed(parts["links"], documents, between),
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
    return flagged(medications, lambda item: ACROSS + item.subject in still or not inside.isdisjoint(item.keys))


def _triage_disputed(documents: Iterable[DocumentState], between: Iterable[Review]) -> bool:
    return bool(open_subjects(ReviewKind.TRIAGE, between)) or any(document.triage.disputed for document in documents)


def _links_disputed(
    links: Iterable[Link], documents: Iterable[DocumentState], between: Iterable[Review]
) -> tuple[Link, ...]:
    still = open_subjects(ReviewKind.DUPLICATE_PATIENT, between)
    inside = frozenset(item.subject for document in documents for item in document.links if item.disputed)
    return flagged(links, lambda item: ACROSS + item.subject in still or item.subject in inside)
