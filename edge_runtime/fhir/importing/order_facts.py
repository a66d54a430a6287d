"""Facts of CarePlan and ServiceRequest: headers of the documents that they open, a plan's steps, an order's urgency.

Owns which of them is an order. A proposal, a plan to order, an option and a prohibition never become one; an order
that no laboratory carries out has no document of its own here. All of these are kept as they came. Goals, teams and
notes stay in the source. Pure.

Source: FHIR R4 sections 9.5 CarePlan, 9.8 ServiceRequest; value sets request-status, request-intent, request-priority,
care-plan-activity-status, servicerequest-category.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.fractions import spread
from edge_runtime.clinical.layout import LAYOUT_VERSION, Kind, Priority, Status, StepStatus, WorkflowType
from edge_runtime.facts import Fact
from edge_runtime.fhir.importing.stated import Part, Stated, fact, reason
from edge_runtime.fhir.importing.step_facts import (
    INTENTS,
    NOT_PLANNED,
    PROGRESS,
    Course,
    event,
    status_reason,
    step,
    unspoken,
)
from edge_runtime.fhir.reading.elements import Node, concept, concepts, shortened
from edge_runtime.fhir.reading.strict_json import UnmappableError

REQUEST_STATUS: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "draft": Status.PENDING,
        "active": Status.ACTIVE,
        "on-hold": Status.PAUSED,
        "revoked": Status.CANCELLED,
        "completed": Status.COMPLETED,
        "entered-in-error": Status.ERROR,
        "unknown": Status.PENDING,
    }
)
"""All seven, of both types. `unknown` reads as the least final, and the reason says that it is not known."""
PRIORITIES: Final[Mapping[str, Priority]] = MappingProxyType(
    {
        "routine": Priority.ROUTINE,
        "urgent": Priority.URGENT,
        "asap": Priority.EMERGENCY,
        "stat": Priority.CRITICAL,
    }
)
"""In R4's order of urgency, and in ours."""
ACTIVITY_STATUS: Final[Mapping[str, Course]] = MappingProxyType(
    {
        "not-started": Course(StepStatus.PENDING, plain=True),
        "scheduled": Course(StepStatus.PENDING),
        "in-progress": Course(StepStatus.IN_PROGRESS, plain=True),
        "on-hold": Course(StepStatus.PENDING),
        "completed": Course(StepStatus.COMPLETED, plain=True),
        "cancelled": Course(StepStatus.SKIPPED, plain=True),
        "stopped": Course(StepStatus.FAILED, plain=True),
        "unknown": Course(StepStatus.PENDING),
        "entered-in-error": Course(None),
    }
)
"""All nine."""
STEPS_MAX: Final = 64
"""Activities of one plan that become steps."""
LABORATORY: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "http://snomed.info/sct": frozenset({"108252007"}),
        "http://terminology.hl7.org/CodeSystem/observation-category": frozenset({"laboratory"}),
        "http://terminology.hl7.org/CodeSystem/v2-0074": frozenset(
            {
                *("BG", "BLB", "CG", "CH", "CP", "GE", "HM", "IMM", "LAB", "MB", "MCB", "MYC", "OSL", "PAR", "PAT"),
                *("SP", "SR", "TX", "URN", "VR"),
            }
        ),
    }
)
"""What says that a laboratory does it.

Source: value sets servicerequest-category, observation-category; v2 table 0074."""
_ORDERED: Final = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})
_PLAN_INTENTS: Final = ("proposal", "plan", "order", "option")
_REQUEST_INTENTS: Final = ("directive", *INTENTS[1:])


def header(type_: WorkflowType, title: str) -> Fact:
    """Make the header of a document."""
    return fact(Kind.DOCUMENT, schema=LAYOUT_VERSION, workflow_type=type_.value, title=shortened(title))


def request_status(node: Node) -> Fact:
    """Map the status of a CarePlan or ServiceRequest."""
    status = node.word("status", REQUEST_STATUS)
    if not status:
        raise node.wrong("status", "one of " + ", ".join(REQUEST_STATUS), "none")
    return fact(Kind.STATUS, to=REQUEST_STATUS[status].value, reason=reason(status) if status == "unknown" else "")


def care_plan(node: Node, *, told: bool) -> Stated:
    """Map a CarePlan to a document and its steps.

    Args:
        node: the CarePlan.
        told: whether the title may say what the plan is for.
    """
    intent = node.word("intent", _PLAN_INTENTS)
    if intent not in {"plan", "order"}:
        raise UnmappableError(f"{node.path}.intent", expected="a plan that is followed", got=intent or "nothing")
    title = node.text("title") or concepts(node.nodes("category")) if told else ""
    facts = (header(WorkflowType.CARE_PLAN, title), request_status(node))
    return Stated(facts, parts=tuple(_activities(node)))


def _activities(node: Node) -> Iterator[Part]:
    """A step for each activity; what is no more to be done ends the step that an earlier version had stated."""
    listed = node.nodes("activity")
    if len(listed) > STEPS_MAX:
        most = f"at most {STEPS_MAX} activities"
        raise UnmappableError(f"{node.path}.activity", expected=most, got=f"{len(listed)}")
    for one, place, name in zip(listed, spread(len(listed)), activity_names(listed), strict=True):
        course, found = _activity(one, place)
        if found is None or course is None or course.to is None:
            yield event(node, PROGRESS, name, StepStatus.SKIPPED, why=reason(NOT_PLANNED))
            continue
        detail = one.node("detail") or one
        notes = "; ".join(filter(None, (note.text("text") for note in one.nodes("progress"))))
        why = status_reason(detail, detail.text("status"), course) if course.to else ""
        yield Part(name, Stated((found,)))
        yield event(detail, PROGRESS, name, course.to, why=why, note=notes)


def activity_names(listed: Sequence[Node]) -> list[str]:
    """What tells each activity of a plan from the others in every version: its element id, else its words.

    Of several with the same words, their order among these. So one that is put in front renames none behind it.
    """
    said: Counter[str] = Counter()
    names: list[str] = []
    for one in listed:
        words = f"id {identifier}" if (identifier := one.text("id")) else f"words {_words(one)}"
        said[words] += 1
        names.append(f"activity {said[words]} {words}")
    return names


def _words(activity: Node) -> str:
    """What an activity is called."""
    detail, reference = activity.node("detail"), activity.node("reference")
    if detail is None:
        return (reference.text("reference") or reference.text("display")) if reference else ""
    return detail.text("description") or concept(detail.node("code")).text


def _activity(activity: Node, place: str) -> tuple[Course | None, Fact | None]:
    """What an activity asks for; nothing where it is told elsewhere, or must not be done."""
    detail, reference = activity.node("detail"), activity.node("reference")
    if detail is None:
        shown = reference.text("display") if reference and not reference.text("reference") else ""
        return Course(StepStatus.PENDING, plain=True), step(activity, shown, place) if shown else None
    status = detail.word("status", ACTIVITY_STATUS)
    if not status:
        raise detail.wrong("status", "one of " + ", ".join(ACTIVITY_STATUS), "none")
    if detail.flag("doNotPerform"):
        return None, None
    name = shortened(detail.text("description")) or concept(detail.node("code")).text
    return ACTIVITY_STATUS[status], step(detail, unspoken(name), place)


def service_request(node: Node, *, told: bool, sampled: bool) -> Stated:
    """Map a ServiceRequest to a laboratory order.

    Args:
        node: the ServiceRequest.
        told: whether the title may say what is ordered.
        sampled: whether a Specimen names it as its request.
    """
    if node.flag("doNotPerform"):
        raise UnmappableError(f"{node.path}.doNotPerform", expected="an order", got="what must not be done")
    intent = node.word("intent", _REQUEST_INTENTS)
    if intent not in _ORDERED:
        raise UnmappableError(f"{node.path}.intent", expected="an order", got=intent or "nothing")
    if not is_laboratory(node, sampled=sampled):
        return Stated(())
    title = concept(node.node("code")).text if told else ""
    facts = (header(WorkflowType.LAB_ORDER, title), request_status(node))
    priority = node.word("priority", PRIORITIES)
    urgency = (fact(Kind.PRIORITY, to=PRIORITIES[priority].value),) if priority else ()
    return Stated(facts, parts=(Part("priority", Stated(urgency)),) if urgency else ())


def is_laboratory(node: Node, *, sampled: bool = False) -> bool:
    """Tell whether a laboratory does it: by its category, or, where it states none, by there being a specimen."""
    categories = node.nodes("category")
    codings = [coding for category in categories for coding in category.nodes("coding")]
    if any(coding.text("code") in LABORATORY.get(coding.text("system"), ()) for coding in codings):
        return True
    return not codings and (sampled or bool(node.nodes("specimen")))
