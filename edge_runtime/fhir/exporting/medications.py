"""MedicationRequest and MedicationStatement of a chart.

Owns the status and the dosage. What a physician started or changed is an order, what anybody else stated is a statement
of what is taken; the first fact of a thread decides, so that the type never changes. A medication in dispute has status
`unknown`, no dosage that a machine could read, and a note that holds every line: a receiver that took one of two doses
for the dose would harm. Pure.

Source: FHIR R4 sections 11.1 MedicationRequest, 11.4 MedicationStatement, 2.25 Dosage.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.clinical.checks import decimal
from edge_runtime.clinical.layout import Action, Kind
from edge_runtime.clinical.medications import Line, Medication
from edge_runtime.facts import FactId
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.elements import annotation, concept, plain, quantity
from edge_runtime.fhir.exporting.identity import practitioner
from edge_runtime.fhir.exporting.safety import code_of, notes, words
from edge_runtime.fhir.exporting.scene import Made, Scene, Thread, instant
from edge_runtime.fhir.exporting.statements import Elements, Form, Shown, made_of
from edge_runtime.fhir.reading.strict_json import Json
from sync_protocol.roles import Role

REQUEST: Final = "MedicationRequest"
STATEMENT: Final = "MedicationStatement"

_ORDERING: Final = frozenset({Action.START, Action.CHANGE})
_TOLD: Final = ("dose", "unit", "route", "frequency")


def medications(scene: Scene) -> list[Made]:
    """Every medication, stopped ones and those in dispute included."""
    return list(made_of(scene, _FORM))


def type_of(thread: Thread) -> str:
    """The resource type of a medication of ours, by the first fact of its thread."""
    first = next((fact for fact in thread.facts if fact.id == thread.origin), thread.facts[0])
    orders = words(first, "action") in _ORDERING and Role.PHYSICIAN.value in first.author.role.split(" and ")
    return REQUEST if orders else STATEMENT


def item_of(scene: Scene, thread: Thread) -> Medication | None:
    """The medication of the document's list that a thread belongs to."""
    standing = {fact.id for fact in thread.standing}
    listed = (item for state in scene.states() for item in state.medications)
    return next((item for item in listed if not standing.isdisjoint(head.id for head in item.heads)), None)


def is_disputed(scene: Scene, thread: Thread) -> bool:
    """Whether lines of the medication contradict each other, in its document or between documents."""
    standing = {fact.id for fact in thread.standing}
    items = (*scene.state.medications, *(item for state in scene.states() for item in state.medications))
    return any(item.disputed and not standing.isdisjoint(head.id for head in item.heads) for item in items)


def _disputing(scene: Scene) -> dict[FactId, tuple[str, ...]]:
    """What a dispute replaces, whoever began it, by each line of it."""
    items = (*scene.state.medications, *(item for state in scene.states() for item in state.medications))
    names = ("status", "note", "dosageInstruction", "dosage")
    return {head.id: names for item in items if item.disputed for head in item.heads}


def _lines(scene: Scene, thread: Thread) -> tuple[str, ...]:
    """Every line of a medication in dispute, those of other documents included."""
    standing = {fact.id for fact in thread.standing}
    items = (*scene.state.medications, *(item for state in scene.states() for item in state.medications))
    touched = (item for item in items if not standing.isdisjoint(head.id for head in item.heads))
    return tuple(dict.fromkeys(line.words for item in touched for line in item.lines))


def _elements(scene: Scene, shown: Shown) -> Elements:
    head, thread = shown.head, shown.thread
    disputed = not shown.unverified and is_disputed(scene, thread)
    request = shown.type == REQUEST
    stopped, stated = _regimen(scene, shown)
    status = "unknown" if shown.unverified or disputed else "stopped" if stopped else "active"
    told = [annotation("IN DISPUTE: " + "; ".join(_lines(scene, thread)), instant(head.wall_ms))] if disputed else []
    encounter = references.encounter(scene, thread.document)
    dosage = None if disputed or status == "stopped" else _dosage(stated)
    common: Elements = {
        "status": status,
        "medication[x]": {"medicationCodeableConcept": code_of(shown)},
        "subject": references.patient(scene),
        "note": [*notes(shown), *told],
    }
    if request:
        return {
            "status": common.pop("status"),
            "intent": "order",
            **common,
            "encounter": encounter,
            "authoredOn": instant(head.wall_ms),
            "requester": practitioner(head.author),
            "dosageInstruction": dosage,
        }
    return {**common, "context": encounter, "dateAsserted": instant(head.wall_ms), "dosage": dosage}


def _regimen(scene: Scene, shown: Shown) -> tuple[bool, dict[str, str]]:
    """Whether it is stopped, and dose, unit, route and frequency, kept ones included."""
    found = None if shown.unverified else item_of(scene, shown.thread)
    line = _line_of(found, shown) if found else None
    if line is None:
        stated = {name: words(shown.head, name) for name in _TOLD}
        return words(shown.head, "action") == Action.STOP, {name: value for name, value in stated.items() if value}
    return line.regimen.stopped, dict(line.regimen.stated)


def _line_of(item: Medication, shown: Shown) -> Line | None:
    return next((line for line in item.lines if any(fact.id == shown.head.id for fact in line.facts)), None)


def _dosage(stated: dict[str, str]) -> Json:
    """One dosage: the frequency in words as its timing, so that no text repeats the dose beside the dose."""
    dose, unit = stated.get("dose", ""), stated.get("unit", "")
    made: dict[str, Json] = {}
    if dose and any(decimal("", dose)):
        told = (dose, unit, stated.get("frequency", ""))
        made["text"] = plain(" ".join(filter(None, told)))
    elif stated.get("frequency"):
        made["timing"] = {"code": concept(stated["frequency"])}
    if stated.get("route"):
        made["route"] = concept(stated["route"])
    if dose and not any(decimal("", dose)):
        made["doseAndRate"] = [{"doseQuantity": quantity(dose, unit)}]
    return [made] if made else None


_FORM: Final = Form(
    kind=Kind.MEDICATION,
    types=frozenset({REQUEST, STATEMENT}),
    type_of=type_of,
    elements=_elements,
    groups=(
        (("text", "code", "system", "rxnorm"), ("medication[x]",)),
        (("reason",), ("note",)),
        (("dose", "unit", "route", "frequency"), ("dosageInstruction", "dosage")),
    ),
    always=("status", "note"),
    unsettled=("dosageInstruction", "dosage"),
    retired={REQUEST: {"status": "stopped"}, STATEMENT: {"status": "stopped"}},
    touched=_disputing,
)
