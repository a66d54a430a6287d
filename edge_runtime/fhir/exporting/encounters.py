"""Encounters of a chart: its documents of the types that are one.

Owns the status and the class. Six words of ours stand for nine of FHIR: `arrived` and `triaged` are told apart only
where somebody triaged; statuses that contradict each other are exported as `unknown`, for none of them is known. Pure.

Source: FHIR R4 section 8.11 Encounter; v3 ActEncounterCode and ActPriority.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind, Priority, Status, WorkflowType
from edge_runtime.clinical.placing import display
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.subjects import said
from edge_runtime.facts import PlacedFact
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.elements import coding, concept, overlaid, plain, without_empty
from edge_runtime.fhir.exporting.identity import address_of, plain_uuid, urn
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.scene import Content, Made, Scene, instant
from edge_runtime.fhir.exporting.statements import Elements
from edge_runtime.fhir.importing.chart_facts import ENCOUNTER_STATUS, WORKFLOW_EXTENSION
from edge_runtime.fhir.reading.strict_json import Json

ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ACT_PRIORITY: Final = "http://terminology.hl7.org/CodeSystem/v3-ActPriority"

STATUSES: Final[Mapping[Status, str]] = MappingProxyType(
    {
        Status.PENDING: "planned",
        Status.ACTIVE: "in-progress",
        Status.PAUSED: "onleave",
        Status.ERROR: "entered-in-error",
        Status.CANCELLED: "cancelled",
        Status.COMPLETED: "finished",
    }
)
"""Where nothing more is known; see `status_of`."""
CLASSES: Final[Mapping[WorkflowType, tuple[str, str]]] = MappingProxyType(
    {
        WorkflowType.ENCOUNTER: ("AMB", "ambulatory"),
        WorkflowType.CONSULTATION: ("AMB", "ambulatory"),
        WorkflowType.PROCEDURE: ("AMB", "ambulatory"),
        WorkflowType.DISCHARGE: ("IMP", "inpatient encounter"),
        WorkflowType.TELEMEDICINE: ("VR", "virtual"),
        WorkflowType.FIELD_TRIAGE: ("FLD", "field"),
    }
)
"""By type of document."""
_TOLD_APART: Final = frozenset({WorkflowType.CONSULTATION, WorkflowType.PROCEDURE, WorkflowType.DISCHARGE})
_EMERGENCY: Final = ("EMER", "emergency")
_HOME: Final = ("HH", "home health")
_HOME_TEMPLATES: Final = ("home",)
"""Beginnings of the names of templates for visits at home; the layout has no type for them."""
_PRIORITIES: Final[Mapping[Priority, tuple[str, str]]] = MappingProxyType(
    {
        Priority.ROUTINE: ("R", "routine"),
        Priority.URGENT: ("UR", "urgent"),
        Priority.EMERGENCY: ("EM", "emergency"),
        Priority.CRITICAL: ("S", "stat"),
    }
)


def encounters(scene: Scene) -> Iterator[Made]:
    """One for each document that is an encounter, ours or imported."""
    for state in scene.states():
        kept = references.kept_encounter(scene, state.document)
        if kept is None and state.workflow_type not in references.ENCOUNTERS:
            continue
        if kept is None:
            name = plain_uuid(state.document)
            content: Content = {"resourceType": "Encounter", "id": name}
            content |= without_empty(_elements(scene, state))
            yield Made(content=content, address=urn(name), facts=_facts(state))
        elif not _as_imported(state, kept):
            changes = _changes(scene, state, kept)
            yield Made(content=overlaid(kept, changes), address=address_of(kept), facts=_facts(state), keys=(kept.key,))


def status_of(state: DocumentState) -> str:
    """The status of a document as an Encounter's."""
    if state.status.disputed:
        return "unknown"
    if state.status.value is Status.ACTIVE and state.triage.value is not None:
        started = any(head.lamport > state.triage.heads[-1].lamport for head in state.status.heads)
        return "in-progress" if started else "triaged"
    return STATUSES[state.status.value]


def class_of(state: DocumentState) -> tuple[str, str]:
    """Code and display of the class: an emergency by its priority, a visit at home by its template, else by type."""
    kind = state.workflow_type or WorkflowType.ENCOUNTER
    ordinary = CLASSES.get(kind, CLASSES[WorkflowType.ENCOUNTER])
    if ordinary[0] != "AMB":
        return ordinary
    if state.priority.value in {Priority.EMERGENCY, Priority.CRITICAL}:
        return _EMERGENCY
    template = next((name for head in state.headers if (name := said(head.fact.fact, "template"))), "")
    return _HOME if template.startswith(_HOME_TEMPLATES) else ordinary


def _elements(scene: Scene, state: DocumentState) -> Elements:
    priority = state.priority.value
    told = state.workflow_type in _TOLD_APART
    return {
        "extension": [{"url": WORKFLOW_EXTENSION, "valueCode": str(state.workflow_type)}] if told else None,
        "status": status_of(state),
        "class": coding(ACT_CODE, *class_of(state)),
        "type": [concept(state.title)] if state.title else None,
        "priority": {"coding": [coding(ACT_PRIORITY, *_PRIORITIES[priority])]} if priority else None,
        "subject": references.patient(scene),
        "period": _period(state),
        "location": _places(state),
    }


def _period(state: DocumentState) -> Json:
    """From when the document was opened or went on, until it was completed; by the clocks of the authors."""
    started = [fact for fact in (*state.status.history, *state.status.heads) if said(fact.fact, "to") == Status.ACTIVE]
    opened = [item.fact for item in state.headers]
    first = next(iter((*started, *opened)), None)
    if first is None or (state.status.value is Status.PENDING and not started):
        return None
    made: dict[str, Json] = {"start": instant(first.wall_ms)}
    ended = [fact for fact in state.status.heads if said(fact.fact, "to") == Status.COMPLETED]
    if state.status.value is Status.COMPLETED and ended and ended[-1].wall_ms >= first.wall_ms:
        made["end"] = instant(ended[-1].wall_ms)
    return made


def _places(state: DocumentState) -> Json:
    """Where it is, by the last writer."""
    current = state.place.current
    if current is None or not display(current):
        return None
    return [{"location": {"display": plain(display(current))}}]


def _as_imported(state: DocumentState, kept: Kept) -> bool:
    """Whether nothing that the Encounter says was stated since."""
    stated = {fact.id for fact in (*kept.stated, *kept.earlier)}
    ours = state.priority.heads or state.place.heads or state.status.disputed
    return not ours and all(fact.id in stated for fact in _facts(state))


def _changes(scene: Scene, state: DocumentState, kept: Kept) -> Elements:
    elements = _elements(scene, state)
    stated = {fact.id for fact in (*kept.stated, *kept.earlier)}
    changed: Elements = {}
    if any(head.id not in stated for head in state.status.heads) or state.status.disputed:
        status = elements["status"]
        before = kept.resource.get("status") if kept.resource else None
        same = isinstance(before, str) and STATUSES[ENCOUNTER_STATUS.get(before, Status.PENDING)] == status
        changed["status"] = before if same else status
        if status == "finished":
            changed["period"] = _ended(kept, elements["period"])
    if any(item.fact.id not in stated for item in state.headers if not item.superseded_by):
        changed["type"] = elements["type"]
    if state.priority.heads:
        changed["priority"] = elements["priority"]
    if state.place.heads:
        changed["location"] = elements["location"]
    return changed


def _ended(kept: Kept, period: Json) -> Json:
    """The period of the source, with the end that was stated since."""
    before = kept.resource.get("period") if kept.resource else None
    base = dict(before) if isinstance(before, dict) else {}
    end = period.get("end") if isinstance(period, dict) else None
    return base if end is None or "end" in base else base | {"end": end}


def _facts(state: DocumentState) -> tuple[PlacedFact, ...]:
    """What stands and says something of the encounter itself."""
    headers = tuple(item.fact for item in state.headers if not item.superseded_by)
    others = (*state.status.heads, *state.priority.heads, *state.place.heads)
    return tuple(fact for fact in (*headers, *others) if fact.fact.kind in _KINDS)


_KINDS: Final = frozenset({Kind.DOCUMENT, Kind.STATUS, Kind.PRIORITY, Kind.PLACE})
