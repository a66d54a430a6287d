"""Which resource stands for a document that is no Encounter: the one that opened it, or one of ours.

Owns that choice, and what of a document was stated here since an import. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from edge_runtime.clinical.layout import Kind, WorkflowType
from edge_runtime.clinical.state import DocumentState
from edge_runtime.facts import FactId, PlacedFact
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.identity import address_of, urn, uuid_of
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.scene import Scene
from edge_runtime.fhir.reading.strict_json import Json

_TYPES: Final = {WorkflowType.CARE_PLAN: "CarePlan", WorkflowType.LAB_ORDER: "ServiceRequest"}


def opened_by(scene: Scene, state: DocumentState) -> Kept | None:
    """The imported resource that opened a document; None where it is ours, or the resource is sealed."""
    for thread in scene.threads(Kind.DOCUMENT, state.document):
        for kept in thread.kept:
            if kept.resource is not None:
                return kept
    return None


def of_type(scene: Scene, workflow_type: WorkflowType, type_: str) -> Iterator[tuple[DocumentState, Kept | None]]:
    """The documents that a resource of one type stands for, each with the imported one, if there is one.

    Args:
        scene: the chart.
        workflow_type: of documents of ours that become such a resource.
        type_: of the resource.
    """
    for state in scene.states():
        kept = opened_by(scene, state)
        if (kept is None and state.workflow_type is workflow_type) or (kept is not None and kept.type == type_):
            yield state, kept


def name_of(type_: str, state: DocumentState) -> str:
    """The id of the resource of ours that stands for a document."""
    return uuid_of(type_, str(state.document))


def document_reference(scene: Scene, state: DocumentState) -> dict[str, Json] | None:
    """A reference to what stands for a document; None for a chart document."""
    kept = opened_by(scene, state)
    if kept is not None:
        return references.reference(address_of(kept))
    found = references.encounter(scene, state.document)
    type_ = _TYPES.get(state.workflow_type or WorkflowType.CHART)
    if found is None and type_ is not None:
        return references.reference(urn(name_of(type_, state)))
    return found


def imported(kept: Kept) -> frozenset[FactId]:
    """What an imported resource stated, in any version."""
    return frozenset(fact.id for fact in (*kept.stated, *kept.earlier))


def own(facts: Iterable[PlacedFact], kept: Kept | None) -> tuple[PlacedFact, ...]:
    """Those facts that an imported resource did not state."""
    known = imported(kept) if kept is not None else frozenset[FactId]()
    return tuple(fact for fact in facts if fact.id not in known)


def headers(state: DocumentState) -> tuple[PlacedFact, ...]:
    """The headers of a document that stand."""
    return tuple(item.fact for item in state.headers if not item.superseded_by)


def first_said(state: DocumentState) -> PlacedFact | None:
    """The first statement of a document: by its author and clock the document was begun."""
    found = [item.fact for item in state.headers]
    return found[0] if found else None
