"""Facts of MedicationRequest and MedicationStatement.

Owns how a dosage reads. A dose is stated apart only where there is one dosage with one dose; a taper or a choice is
told whole in `frequency`, for half of it would be a wrong prescription. A proposal, a plan and a prohibition
(`doNotPerform`) are no medication that the patient takes. Pure.

Source: FHIR R4 sections 11.1, 11.4, 2.25 Dosage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from edge_runtime.clinical.layout import Action, Kind
from edge_runtime.clinical.payloads import CODE_CHARS_MAX
from edge_runtime.fhir.importing.stated import Reading, Stated, When, fact, in_dispute, read_status, reason, spoken
from edge_runtime.fhir.reading.elements import Concept, Node, concept, quantity, shortened
from edge_runtime.fhir.reading.strict_json import UnmappableError

Lookup: TypeAlias = Callable[[str], Node | None]
"""Finds a Medication by a literal reference."""

_INTENTS: Final = (
    "proposal",
    "plan",
    "order",
    "original-order",
    "reflex-order",
    "filler-order",
    "instance-order",
    "option",
)
_NOT_ORDERED: Final = frozenset({"proposal", "plan", "option"})


def medication_request(node: Node, lookup: Lookup) -> Stated:
    """Map a MedicationRequest."""
    if node.flag("doNotPerform"):
        raise UnmappableError(f"{node.path}.doNotPerform", expected="an order to give", got="one not to give")
    intent = node.word("intent", _INTENTS)
    if not intent:
        raise node.wrong("intent", "one of " + ", ".join(_INTENTS), "none")
    return _medication(node, node.nodes("dosageInstruction"), lookup, ordered=intent not in _NOT_ORDERED)


def medication_statement(node: Node, lookup: Lookup) -> Stated:
    """Map a MedicationStatement."""
    return _medication(node, node.nodes("dosage"), lookup, ordered=True)


def _medication(node: Node, dosages: tuple[Node, ...], lookup: Lookup, *, ordered: bool) -> Stated:
    status, reading = read_status(node)
    stopped = reading in {Reading.ENDED, Reading.WITHDRAWN} or not ordered
    substance = _substance(node, lookup)
    found = fact(
        Kind.MEDICATION,
        text=spoken(substance, "Unspecified medication"),
        **substance.coded("rxnorm", "snomed"),
        action=(Action.STOP if stopped else Action.CONTINUE).value,
        **({} if stopped else _regimen(dosages)),
        reason=reason("" if reading is Reading.PLAIN else status, in_dispute(node)),
    )
    return Stated((found,), When.KNOWN if reading is Reading.WITHDRAWN or not ordered else When.ALWAYS)


def _substance(node: Node, lookup: Lookup) -> Concept:
    """The medication: coded in place, or in a Medication that is contained or was imported with it."""
    coded, reference = node.node("medicationCodeableConcept"), node.node("medicationReference")
    if (coded is None) == (reference is None):
        raise node.wrong("medication[x]", "a CodeableConcept or a Reference", "both or neither")
    if reference is None:
        return concept(coded)
    target = lookup(reference.text("reference"))
    found = _medication_concept(target) if target else concept(None)
    return found if found.text else Concept(shortened(reference.text("display")), found.codes)


def _medication_concept(node: Node) -> Concept:
    """What a Medication is: its code, else its ingredients."""
    coded = concept(node.node("code"))
    if coded.text:
        return coded
    names = (concept(part.node("itemCodeableConcept")).text for part in node.nodes("ingredient"))
    return Concept(shortened(" + ".join(filter(None, names))), coded.codes)


def _regimen(dosages: tuple[Node, ...]) -> dict[str, str]:
    if not dosages:
        return {}
    told = [_told(dosage) for dosage in dosages]
    if len(dosages) > 1:
        return {"frequency": shortened("; then: ".join(filter(None, told)))}
    (dosage,) = dosages
    route = concept(dosage.node("route")).text
    return {**_dose(dosage), "route": route, "frequency": shortened(told[0])}


def _told(dosage: Node) -> str:
    """How often and when, for a person: the prescriber's own words before ours."""
    timing = dosage.node("timing")
    written = dosage.text("text") or dosage.text("patientInstruction")
    if written:
        return written
    repeat = timing.node("repeat") if timing else None
    reasons = concept(dosage.node("asNeededCodeableConcept")).text
    as_needed = f"as needed: {reasons}" if reasons else "as needed" if dosage.flag("asNeededBoolean") else ""
    often = concept(timing.node("code") if timing else None).text or _repeated(repeat)
    parts = (_amounts(dosage), _rates(dosage), often, _times(repeat), _bounds(repeat), as_needed, *_limits(dosage))
    return ", ".join(filter(None, parts))


def _times(repeat: Node | None) -> str:
    """On which days and when on them."""
    if repeat is None:
        return ""
    named = (("on", "dayOfWeek"), ("at", "timeOfDay"), ("when", "when"))
    offset = repeat.number("offset")
    told = [f"{word} {' and '.join(found)}" for word, name in named if (found := repeat.texts(name))]
    return ", ".join((*told, *((f"offset {offset.text} min",) if offset else ())))


def _bounds(repeat: Node | None) -> str:
    """For how long, or how often in all."""
    if repeat is None:
        return ""
    duration, span, period = (repeat.node(f"bounds{name}") for name in ("Duration", "Range", "Period"))
    count = repeat.number("count")
    ends = [quantity(end).shown for name in ("low", "high") if span and (end := span.node(name))]
    days = [
        f"{word} {day}" for word, name in (("from", "start"), ("to", "end")) if period and (day := period.moment(name))
    ]
    told = (
        f"for {quantity(duration).shown}" if duration else "",
        f"for {' to '.join(ends)}" if ends else "",
        " ".join(days),
        f"{count.text} times in all" if count else "",
    )
    return ", ".join(filter(None, told))


def _rates(dosage: Node) -> str:
    """How fast."""
    told: list[str] = []
    for rate in dosage.nodes("doseAndRate"):
        simple, ratio, span = (rate.node(f"rate{name}") for name in ("Quantity", "Ratio", "Range"))
        ends = [quantity(end).shown for name in ("low", "high") if span and (end := span.node(name))]
        told += [quantity(simple).shown if simple else _ratio(ratio) if ratio else " to ".join(ends)]
    shown = " or ".join(filter(None, told))
    return f"at {shown}" if shown else ""


def _limits(dosage: Node) -> tuple[str, ...]:
    """The most that may be given, and what must be minded."""
    period = dosage.node("maxDosePerPeriod")
    single = (dosage.node(f"maxDosePer{name}") for name in ("Administration", "Lifetime"))
    most = (_ratio(period) if period else "", *(quantity(one).shown if one else "" for one in single))
    minded = (concept(one).text for one in dosage.nodes("additionalInstruction"))
    return (*(f"at most {one}" for one in most if one), *minded)


def _ratio(node: Node) -> str:
    ends = (node.node("numerator"), node.node("denominator"))
    return " per ".join(quantity(end).shown for end in ends if end)


def _repeated(repeat: Node | None) -> str:
    if repeat is None:
        return ""
    times, most, period, longest = (
        number.text if (number := repeat.number(name)) else ""
        for name in ("frequency", "frequencyMax", "period", "periodMax")
    )
    if not period:
        return ""
    span = f"{period} to {longest}" if longest else period
    often = f"{times or '1'} to {most}" if most else times or "1"
    return f"{often} x per {span} {repeat.text('periodUnit')}".rstrip()


def _amounts(dosage: Node) -> str:
    """The doses that are not stated apart."""
    if _dose(dosage):
        return ""
    return " or ".join(filter(None, map(_amount, dosage.nodes("doseAndRate"))))


def _amount(node: Node) -> str:
    spans, doses = node.node("doseRange"), node.node("doseQuantity")
    ends = [quantity(end).shown for end in (spans.node("low"), spans.node("high")) if end] if spans else []
    return quantity(doses).shown if doses else " to ".join(ends)


def _dose(dosage: Node) -> dict[str, str]:
    """Dose and unit, where there is exactly one dose that is a number."""
    doses = [dose for rate in dosage.nodes("doseAndRate") if (dose := rate.node("doseQuantity"))]
    if len(dosage.nodes("doseAndRate")) != 1 or len(doses) != 1:
        return {}
    found = quantity(doses[0])
    if not found.decimal or len(found.unit) > CODE_CHARS_MAX:
        return {}
    return {"dose": found.decimal, "unit": found.unit}
