"""CarePlans and ServiceRequests of a chart: its documents of types care_plan and lab_order, ours or imported.

Owns their statuses and the activities of a plan. Statuses that contradict each other are exported as `unknown`, for
none of them is known. An imported resource keeps its elements; what was stated since is laid over it. Pure.

Source: FHIR R4 sections 9.5 CarePlan (cpl-3), 9.8 ServiceRequest; value sets request-status, request-priority.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind, Priority, Status, WorkflowType
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.steps import Step
from edge_runtime.clinical.subjects import said
from edge_runtime.facts import FactId, PlacedFact
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.documents import first_said, headers, name_of, of_type, own
from edge_runtime.fhir.exporting.elements import coded, overlaid, plain, without_empty
from edge_runtime.fhir.exporting.identity import address_of, practitioner, urn
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.scene import Content, Made, Scene, instant
from edge_runtime.fhir.exporting.steps import (
    ACTIVITY,
    DISPUTED_ACTIVITY,
    extension,
    facts_of,
    notes_of,
    reason_of,
    with_extension,
    with_notes,
)
from edge_runtime.fhir.importing.order_facts import activity_names
from edge_runtime.fhir.importing.plan import part_key
from edge_runtime.fhir.reading.elements import Node
from edge_runtime.fhir.reading.strict_json import FhirError, Json

REQUEST: Final[Mapping[Status, str]] = MappingProxyType(
    {
        Status.PENDING: "draft",
        Status.ACTIVE: "active",
        Status.PAUSED: "on-hold",
        Status.ERROR: "entered-in-error",
        Status.CANCELLED: "revoked",
        Status.COMPLETED: "completed",
    }
)
"""Status of a CarePlan or ServiceRequest."""
PRIORITY: Final[Mapping[Priority, str]] = MappingProxyType(
    {
        Priority.ROUTINE: "routine",
        Priority.URGENT: "urgent",
        Priority.EMERGENCY: "asap",
        Priority.CRITICAL: "stat",
    }
)
"""Priority of a request."""
_LABORATORY: Final = coded("http://snomed.info/sct", "108252007", "Laboratory procedure")


def care_plans(scene: Scene) -> Iterator[Made]:
    """One for each care plan."""
    for state, kept in of_type(scene, WorkflowType.CARE_PLAN, "CarePlan"):
        facts = (*headers(state), *state.status.heads, *(fact for step in state.steps.items for fact in facts_of(step)))
        if kept is None:
            first = first_said(state)
            elements: dict[str, Json] = {
                "status": _status(state),
                "intent": "plan",
                "title": plain(state.title or ""),
                "subject": references.patient(scene),
                "created": instant(first.wall_ms) if first else None,
                "author": practitioner(first.author) if first else None,
                "activity": [_activity(step) for step in state.steps.items],
            }
            yield _own("CarePlan", state, elements, facts)
        elif own(facts, kept):
            changes = _changes(state, kept, "title", plain(state.title or ""))
            steps = _steps_since(scene, state, kept)
            if steps:
                changes["activity"] = _activities(kept, steps)
            yield Made(content=overlaid(kept, changes), address=address_of(kept), facts=facts, keys=(kept.key,))


def service_requests(scene: Scene) -> Iterator[Made]:
    """One for each laboratory order."""
    for state, kept in of_type(scene, WorkflowType.LAB_ORDER, "ServiceRequest"):
        facts = (*headers(state), *state.status.heads, *state.priority.heads)
        title: Json = {"text": plain(state.title)} if state.title else None
        priority = PRIORITY[state.priority.value] if state.priority.value else None
        if kept is None:
            first = first_said(state)
            elements: dict[str, Json] = {
                "status": _status(state),
                "intent": "order",
                "category": [dict(_LABORATORY)],
                "priority": priority,
                "code": title,
                "subject": references.patient(scene),
                "authoredOn": instant(first.wall_ms) if first else None,
                "requester": practitioner(first.author) if first else None,
            }
            yield _own("ServiceRequest", state, elements, facts)
        elif own(facts, kept):
            changes = _changes(state, kept, "code", title)
            if own(state.priority.heads, kept):
                changes["priority"] = priority
            yield Made(content=overlaid(kept, changes), address=address_of(kept), facts=facts, keys=(kept.key,))


def _own(type_: str, state: DocumentState, elements: dict[str, Json], facts: tuple[PlacedFact, ...]) -> Made:
    name = name_of(type_, state)
    content: Content = {"resourceType": type_, "id": name}
    content |= without_empty(elements)
    return Made(content=content, address=urn(name), facts=facts)


def _status(state: DocumentState) -> str:
    return "unknown" if state.status.disputed else REQUEST[state.status.value]


def _changes(state: DocumentState, kept: Kept, name: str, title: Json) -> dict[str, Json]:
    """The status and the title, where they were stated anew."""
    changes: dict[str, Json] = {}
    if own(state.status.heads, kept) or state.status.disputed:
        changes["status"] = _status(state)
    if own(headers(state), kept):
        changes[name] = title
    return changes


def _activity(step: Step) -> dict[str, Json]:
    detail: dict[str, Json] = {"extension": [extension(step)], **_detail(step), "description": plain(step.name)}
    return without_empty({"progress": [*notes_of(step)], "detail": without_empty(detail)})


def _detail(step: Step) -> dict[str, Json]:
    status = DISPUTED_ACTIVITY if step.disputed else ACTIVITY[step.status]
    return {"status": status, "statusReason": reason_of(step)}


def _steps_since(scene: Scene, state: DocumentState, kept: Kept) -> dict[int | None, list[Step]]:
    """The steps that were stated or went on since a plan was imported, by their activity there; None for new ones."""
    numbers = _numbers(scene, kept)
    found: dict[int | None, list[Step]] = {}
    for step in state.steps.items:
        names = {fact.id for fact in (*step.heads, *step.history)}
        number = next((numbers[name] for name in names if name in numbers), None)
        if own(facts_of(step), kept):
            found.setdefault(number, []).append(step)
    return found


def _numbers(scene: Scene, kept: Kept) -> dict[FactId, int]:
    """By each step that an imported plan stated, the number of its activity."""
    try:
        listed = activity_names(Node("CarePlan", kept.resource or {}).nodes("activity"))
    except FhirError:
        return {}
    names = {part_key(name, kept.key): number for number, name in enumerate(listed)}
    return {
        FactId(fact.id.entry, fact.id.index - 1): names[key]
        for fact in scene.facts
        if fact.fact.kind == Kind.SOURCE and (key := said(fact.fact, "key")) in names and fact.id.index
    }


def _activities(kept: Kept, steps: Mapping[int | None, list[Step]]) -> list[Json]:
    """The activities of an imported plan, with what became of them, and the new ones behind."""
    listed = (kept.resource or {}).get("activity")
    made: list[Json] = list(listed) if isinstance(listed, list) else []
    for number, found in steps.items():
        before = made[number] if number is not None and number < len(made) else None
        if number is None or not isinstance(before, dict):
            made += [_activity(step) for step in found]
        else:
            made[number] = _continued(before, found[-1], kept)
    return made


def _continued(before: Mapping[str, Json], step: Step, kept: Kept) -> dict[str, Json]:
    earlier = before.get("detail")
    detail: dict[str, Json] = dict(earlier) if isinstance(earlier, dict) else {}
    if own(step.heads, kept) or not detail:
        detail["description"] = plain(step.name)
    if own(step.events, kept) or "status" not in detail:
        detail |= _detail(step)
    detail["extension"] = with_extension(detail, step)
    notes = with_notes(before, [*notes_of(step)], "progress")
    left = {name: value for name, value in before.items() if name != "reference"}
    return without_empty({**left, "progress": notes, "detail": without_empty(detail)})
