"""Facts of Task, and of whatever else is a step: what is to be done, and how far it is.

Owns the reading of a step's extension, with which this program exports what Task and CarePlan have no element for. A
task of which no status says that it was asked for is no step; one that was entered in error ends the step that it had
stated as skipped, for a step is never deleted. Pure.

Source: FHIR R4 section 12.17 Task, value set task-status.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from edge_runtime.clinical.layout import Kind, StepStatus
from edge_runtime.clinical.payloads import REASON_CHARS_MAX
from edge_runtime.facts import Fact
from edge_runtime.fhir.importing.stated import NAMED, Part, Stated, When, fact, reason, spoken
from edge_runtime.fhir.reading.elements import Node, concept, shortened
from edge_runtime.fhir.reading.strict_json import UnmappableError
from sync_protocol.encoding import Value

STEP_EXTENSION: Final = "https://fieldward.org/fhir/StructureDefinition/step"
"""What a step says that R4 has no element for; its own extensions are `STEP_PARTS`."""
STEP_PARTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "fraction": ("fraction", "valueString"),
        "type": ("type", "valueString"),
        "key": ("key", "valueCode"),
        "estimated_minutes": ("estimated-minutes", "valuePositiveInt"),
        "required": ("required", "valueBoolean"),
        "quality": ("quality", "valueUnsignedInt"),
        "actual_minutes": ("actual-minutes", "valuePositiveInt"),
    }
)
"""By the key of a fact: the address within the extension, and the member that holds the value."""
OF_EVENTS: Final = frozenset({"quality", "actual_minutes"})
"""Those of an event; the others are the step's own."""
PROGRESS: Final = "progress"
"""The part that says what happened to a step; of an activity, a part of that part."""
NOT_PLANNED: Final = "no longer planned"
"""Why a step ends that its source does not ask for any more."""
_MIDDLE: Final = "V"
"""The place of a step that states none."""


class Course(NamedTuple):
    """What a status says of a step.

    Attributes:
        to: how far it is; None where it is not asked for, or was entered in error.
        plain: a step that is so is exported with this status, so it needs no reason.
    """

    to: StepStatus | None
    plain: bool = False


TASK_STATUS: Final[Mapping[str, Course]] = MappingProxyType(
    {
        "draft": Course(None),
        "requested": Course(StepStatus.PENDING, plain=True),
        "received": Course(StepStatus.PENDING),
        "accepted": Course(StepStatus.PENDING),
        "rejected": Course(StepStatus.SKIPPED),
        "ready": Course(StepStatus.PENDING),
        "cancelled": Course(StepStatus.SKIPPED, plain=True),
        "in-progress": Course(StepStatus.IN_PROGRESS, plain=True),
        "on-hold": Course(StepStatus.PENDING),
        "failed": Course(StepStatus.FAILED, plain=True),
        "completed": Course(StepStatus.COMPLETED, plain=True),
        "entered-in-error": Course(None),
    }
)
"""All twelve."""
INTENTS: Final = (
    *("unknown", "proposal", "plan", "order", "original-order", "reflex-order", "filler-order", "instance-order"),
    "option",
)
NOT_ORDERED: Final = frozenset({"proposal", "plan", "option"})


def task(node: Node) -> Stated:
    """Map a Task to a step and what happened to it."""
    status = node.word("status", TASK_STATUS)
    if not status:
        raise node.wrong("status", "one of " + ", ".join(TASK_STATUS), "none")
    intent = node.word("intent", INTENTS)
    if intent in NOT_ORDERED or not intent:
        raise UnmappableError(f"{node.path}.intent", expected="something that is asked for", got=intent or "nothing")
    course = TASK_STATUS[status]
    name = shortened(node.text("description")) or concept(node.node("code")).text
    notes = "; ".join(filter(None, (note.text("text") for note in node.nodes("note"))))
    why = status_reason(node, status, course)
    if course.to is None:
        return Stated((), parts=(event(node, PROGRESS, "", StepStatus.SKIPPED, why=why),))
    return Stated((step(node, name),), parts=(event(node, PROGRESS, "", course.to, why=why, note=notes),))


def step(node: Node, name: str, fraction: str = _MIDDLE) -> Fact:
    """Make the step that a Task or an activity asks for; its own place, if it states one, counts more."""
    stated = {"fraction": fraction} | _extended(node)
    parts = {key: value for key, value in stated.items() if key not in OF_EVENTS}
    return fact(Kind.STEP, name=name or "Unspecified task", **parts)


def event(node: Node, name: str, about: str, to: StepStatus, *, why: str = "", note: str = "") -> Part:
    """Make what happened to a step; that it is still to be done is said only of one that was further."""
    parts = {key: value for key, value in _extended(node).items() if key in OF_EVENTS}
    found = fact(
        Kind.STEP_EVENT,
        step=NAMED,
        to=to.value,
        reason=shortened(why, REASON_CHARS_MAX),
        note=shortened(note, REASON_CHARS_MAX),
        **parts,
    )
    silent = to is StepStatus.PENDING and not (found.payload.keys() - {"step", "to"})
    return Part(name, Stated((found,), When.KNOWN if silent else When.ALWAYS), about)


def status_reason(node: Node, status: str, course: Course) -> str:
    """Why something is so, in the source's words; with its status, where a step has no word for that."""
    told = concept(node.node("statusReason")).text
    return "; ".join(filter(None, (told, "" if course.plain else reason(status))))


def _extended(node: Node) -> dict[str, Value]:
    """What the extension of a step says, as far as a fact may hold it."""
    found: dict[str, Value] = {}
    by_url = {url: (key, member) for key, (url, member) in STEP_PARTS.items()}
    for extension in node.nodes("extension"):
        if extension.text("url") != STEP_EXTENSION:
            continue
        for part in extension.nodes("extension"):
            key, member = by_url.get(part.text("url"), ("", ""))
            if key:
                found[key] = _value(part, member)
    return {key: value for key, value in found.items() if value not in ("", None)}


def _value(node: Node, member: str) -> Value:
    if member == "valueBoolean":
        return node.flag(member)
    if member in {"valuePositiveInt", "valueUnsignedInt"}:
        number = node.number(member)
        return int(number.text) if number and number.text.isdecimal() else None
    return node.text(member)


def unspoken(text: str) -> str:
    """What a step is called that says nothing of itself."""
    return text or spoken(concept(None), "Unspecified activity")
