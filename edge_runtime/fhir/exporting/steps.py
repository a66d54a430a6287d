"""Steps as FHIR: the parts that a Task and an activity of a CarePlan share; and Tasks.

Owns the words for how far a step is, and the extension that carries what R4 has no element for. A step that was ended
in two ways has no status that is known: a Task is then on hold, with what was said, until a person decides. Pure.

Source: FHIR R4 section 12.17 Task; value sets task-status, care-plan-activity-status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind, StepStatus, WorkflowType
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.steps import Step
from edge_runtime.clinical.subjects import said
from edge_runtime.facts import PlacedFact
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.documents import document_reference, opened_by, own
from edge_runtime.fhir.exporting.elements import annotation, overlaid, plain, without_empty
from edge_runtime.fhir.exporting.identity import address_of, practitioner, thread_id, urn
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.scene import Content, Made, Scene, instant
from edge_runtime.fhir.importing.step_facts import OF_EVENTS, STEP_EXTENSION, STEP_PARTS
from edge_runtime.fhir.reading.strict_json import Json, Number

TASK: Final[Mapping[StepStatus, str]] = MappingProxyType(
    {
        StepStatus.PENDING: "requested",
        StepStatus.IN_PROGRESS: "in-progress",
        StepStatus.FAILED: "failed",
        StepStatus.SKIPPED: "cancelled",
        StepStatus.COMPLETED: "completed",
    }
)
"""Status of a Task."""
ACTIVITY: Final[Mapping[StepStatus, str]] = MappingProxyType(
    {
        StepStatus.PENDING: "not-started",
        StepStatus.IN_PROGRESS: "in-progress",
        StepStatus.FAILED: "stopped",
        StepStatus.SKIPPED: "cancelled",
        StepStatus.COMPLETED: "completed",
    }
)
"""Status of an activity of a CarePlan."""
DISPUTED_TASK: Final = "on-hold"
DISPUTED_ACTIVITY: Final = "unknown"


def tasks(scene: Scene) -> Iterator[Made]:
    """A Task for each step, but for those that are activities of a CarePlan."""
    for state in scene.states():
        focus = document_reference(scene, state)
        threads = {thread.origin: thread for thread in scene.threads(Kind.STEP, state.document)}
        for step in state.steps.items:
            found = threads.get(step.id)
            kept = next((one for one in found.kept if one.resource is not None), None) if found else None
            if kept is None and not is_plan(scene, state):
                yield _task(scene, state, step, focus)
            elif kept is not None and kept.type == "Task" and own(facts_of(step), kept):
                changes = _changes(step, kept)
                yield Made(
                    content=overlaid(kept, changes), address=address_of(kept), facts=facts_of(step), keys=(kept.key,)
                )


def is_plan(scene: Scene, state: DocumentState) -> bool:
    """Whether the steps of a document are activities of the CarePlan that stands for it."""
    opener = opened_by(scene, state)
    return state.workflow_type is WorkflowType.CARE_PLAN if opener is None else opener.type == "CarePlan"


def facts_of(step: Step) -> tuple[PlacedFact, ...]:
    """What stands of a step and of what happened to it."""
    return (*step.heads, *step.events)


def _task(scene: Scene, state: DocumentState, step: Step, focus: dict[str, Json] | None) -> Made:
    name = thread_id("Task", step.id)
    written = (*step.history, *step.heads, *step.past, *step.events)
    first = min(written, key=lambda fact: (fact.lamport, fact.id))
    newest = max(fact.wall_ms for fact in written)
    content: Content = {"resourceType": "Task", "id": name}
    content |= without_empty(
        {
            "extension": [extension(step)],
            **_progress(step),
            "intent": "order",
            "code": {"text": plain(step.name)},
            "focus": focus,
            "for": references.patient(scene),
            "encounter": references.encounter(scene, state.document),
            "authoredOn": instant(first.wall_ms),
            "lastModified": instant(max(newest, first.wall_ms)),
            "requester": practitioner(first.author),
        }
    )
    return Made(content=content, address=urn(name), facts=facts_of(step))


def _progress(step: Step) -> dict[str, Json]:
    return {
        "status": DISPUTED_TASK if step.disputed else TASK[step.status],
        "statusReason": reason_of(step),
        "note": [*notes_of(step)],
    }


def _changes(step: Step, kept: Kept) -> dict[str, Json]:
    """What of an imported Task was stated anew."""
    changes: dict[str, Json] = {}
    if own(step.events, kept):
        progress = _progress(step)
        changes |= progress | {"note": with_notes(kept.resource or {}, progress["note"])}
    if own(step.heads, kept):
        changes |= {"code": {"text": plain(step.name)}, "description": None}
    return changes | {"extension": with_extension(kept.resource or {}, step)}


def reason_of(step: Step) -> dict[str, Json] | None:
    """Why a step is as it is, in the words of those who said so; disputed, all that they said."""
    told = [reason for fact in step.events if (reason := said(fact.fact, "reason"))]
    if step.disputed:
        told = [
            "IN DISPUTE",
            *(": ".join(filter(None, (said(one.fact, "to"), said(one.fact, "reason")))) for one in step.events),
        ]
    return {"text": plain("; ".join(dict.fromkeys(told)))} if told else None


def notes_of(step: Step) -> list[dict[str, Json]]:
    """What was noted beside a step."""
    notes = dict.fromkeys(note for fact in step.events if (note := said(fact.fact, "note")))
    return [annotation(note) for note in notes]


def with_notes(base: Mapping[str, Json], notes: Json, name: str = "note") -> list[Json]:
    """The notes of an imported element, and behind them those that it does not have."""
    before = base.get(name)
    made: list[Json] = list(before) if isinstance(before, list) else []
    known = [note.get("text") for note in made if isinstance(note, dict)]
    added = notes if isinstance(notes, list) else []
    return [*made, *(note for note in added if isinstance(note, dict) and note.get("text") not in known)]


def extension(step: Step) -> dict[str, Json]:
    """What R4 has no element for."""
    parts: list[Json] = []
    for key, (url, member) in STEP_PARTS.items():
        facts = step.events if key in OF_EVENTS else step.heads
        value = next((found for fact in reversed(facts) if (found := fact.fact.payload.get(key)) is not None), None)
        if isinstance(value, bool | str) or value is None:
            written: Json = value
        else:
            written = Number(str(value))
        if written not in (None, ""):
            parts.append({"url": url, member: written})
    return {"url": STEP_EXTENSION, "extension": parts}


def with_extension(content: Mapping[str, Json], step: Step) -> list[Json]:
    """The extensions of an imported element, with a step's own in the place of an earlier one."""
    listed = content.get("extension")
    others = [one for one in listed if not _is_own(one)] if isinstance(listed, list) else []
    return [*others, extension(step)]


def _is_own(one: Json) -> bool:
    return isinstance(one, dict) and one.get("url") == STEP_EXTENSION
