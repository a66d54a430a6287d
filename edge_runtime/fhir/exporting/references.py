"""References from one exported resource to another: by the address under which each stands in the export.

Owns who a chart's Patient is, and which documents are Encounters. An imported resource is referred to by its own
address. Pure.
"""

from __future__ import annotations

import re
from typing import Final

from edge_runtime.clinical.layout import Kind, WorkflowType
from edge_runtime.clinical.subjects import said
from edge_runtime.facts import Fact
from edge_runtime.fhir.exporting.identity import address_of, plain_uuid, thread_id, urn
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.scene import Scene, Thread
from edge_runtime.fhir.importing.chart_facts import UNRECORDED
from edge_runtime.fhir.reading.references import LOCAL
from edge_runtime.fhir.reading.strict_json import Json
from sync_protocol.ids import DocumentId

ENCOUNTERS: Final = frozenset(
    {
        WorkflowType.ENCOUNTER,
        WorkflowType.CONSULTATION,
        WorkflowType.PROCEDURE,
        WorkflowType.DISCHARGE,
        WorkflowType.TELEMEDICINE,
        WorkflowType.FIELD_TRIAGE,
    }
)
"""The types of documents that are Encounters."""

_NAMED: Final = re.compile(r"Patient/(?P<id>[A-Za-z0-9\-.]{1,64})")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def reference(address: str) -> dict[str, Json]:
    """A literal reference."""
    return {"reference": address}


def kept_patient(scene: Scene) -> Kept | None:
    """The imported Patient of a chart; None where there is none, or its text is sealed from this device."""
    found = [kept for kept in scene.kept_of("Patient") if kept.resource is not None and kept.stated]
    return found[0] if found else None


def patient_name(scene: Scene) -> tuple[str, str]:
    """Id and address of a chart's Patient.

    Of a patient whom imported resources name, and whose Patient came in no import, they are those that the resources
    name, so that these find one.
    """
    kept = kept_patient(scene)
    if kept is not None:
        return kept.id, address_of(kept)
    for fact in (statement.fact.fact for statement in scene.state.identity):
        found = _NAMED.fullmatch(_placeholder(fact))
        if found:
            name = found["id"]
            return name, urn(name) if _UUID.fullmatch(name) else f"{LOCAL}Patient/{name}"
    name = plain_uuid(scene.chart)
    return name, urn(name)


def patient(scene: Scene) -> dict[str, Json]:
    """A reference to the chart's Patient."""
    return reference(patient_name(scene)[1])


def kept_encounter(scene: Scene, document: DocumentId) -> Kept | None:
    """The imported Encounter that opened a document; None where there is none, or its text is sealed."""
    for thread in scene.threads(Kind.DOCUMENT, document):
        for kept in thread.kept:
            if kept.type == "Encounter" and kept.resource is not None:
                return kept
    return None


def encounter(scene: Scene, document: DocumentId) -> dict[str, Json] | None:
    """A reference to the Encounter of a document; None where the document is none."""
    kept = kept_encounter(scene, document)
    if kept is not None:
        return reference(address_of(kept))
    for state in scene.states():
        if state.document == document and state.workflow_type in ENCOUNTERS:
            return reference(urn(plain_uuid(document)))
    return None


def name_of_thread(type_: str, thread: Thread) -> tuple[str, str]:
    """Id and address of the resource that a thread becomes."""
    for kept in thread.kept:
        if kept.resource is not None and kept.type == type_:
            return kept.id, address_of(kept)
    name = thread_id(type_, thread.origin)
    return name, urn(name)


def of_thread(type_: str, thread: Thread) -> dict[str, Json]:
    """A reference to the resource that a thread becomes."""
    return reference(name_of_thread(type_, thread)[1])


def _placeholder(fact: Fact) -> str:
    listed = fact.payload.get("identifiers")
    if said(fact, "name") != UNRECORDED or not isinstance(listed, list):
        return ""
    values = [one.get("value") for one in listed if isinstance(one, dict) and one.get("type") == "FHIR reference"]
    return str(values[0]) if values else ""
