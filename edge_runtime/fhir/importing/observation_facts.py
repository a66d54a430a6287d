"""Facts of Observation.

Owns which results are numbers. `value` holds a decimal with its unit, digits as written; whatever is not exactly one
number (a comparator, a range, a ratio, words, yes and no, a number that a fact cannot hold) is told in `finding`. A
component that is a number stays a component, any other joins the finding. Pure.

Source: FHIR R4 section 10.1 Observation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.payloads import CODE_CHARS_MAX, COMPONENTS_MAX, REASON_CHARS_MAX
from edge_runtime.fhir.importing.stated import Reading, Stated, When, fact, read_status, reason, required, start_of
from edge_runtime.fhir.reading.elements import Concept, Node, concept, plain_decimal, quantity, shortened
from edge_runtime.fhir.reading.strict_json import UnmappableError
from sync_protocol.encoding import Value


class _Result(NamedTuple):
    """A value[x]: a decimal with its unit, or words."""

    decimal: str = ""
    unit: str = ""
    words: str = ""


_NONE: Final = _Result()
_FOCUS_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/observation-focusCode"
"""Says the same as `focus`, by a code. Source: R4, extensions of Observation."""


def _quantity(node: Node, name: str) -> _Result:
    found = quantity(required(node, name))
    return _Result(found.decimal, found.unit, "") if found.decimal else _Result(words=found.shown)


def _integer(node: Node, name: str) -> _Result:
    number = node.number(name)
    written = plain_decimal(number) if number else ""
    return _Result(decimal=written) if written else _Result(words=number.text if number else "")


def _boolean(node: Node, name: str) -> _Result:
    return _Result(words="yes" if node.flag(name) else "no")


def _concept(node: Node, name: str) -> _Result:
    return _Result(words=concept(required(node, name)).text)


def _ends(node: Node, name: str, ends: tuple[str, str], between: str) -> _Result:
    """Read two quantities; where one is missing, name the one that is there."""
    span = required(node, name)
    shown = {side: quantity(end).shown for side in ends if (end := span.node(side))}
    whole = len(shown) == len(ends)
    return _Result(
        words=between.join(shown.values()) if whole else " ".join(f"{side} {end}" for side, end in shown.items())
    )


_VALUES: Final[Mapping[str, Callable[[Node, str], _Result]]] = MappingProxyType(
    {
        "valueQuantity": _quantity,
        "valueCodeableConcept": _concept,
        "valueString": lambda node, name: _Result(words=node.text(name)),
        "valueBoolean": _boolean,
        "valueInteger": _integer,
        "valueRange": lambda node, name: _ends(node, name, ("low", "high"), " to "),
        "valueRatio": lambda node, name: _ends(node, name, ("numerator", "denominator"), " : "),
        "valueSampledData": lambda _node, _name: _Result(words="a curve, in the source"),
        "valueTime": lambda node, name: _Result(words=node.text(name)),
        "valueDateTime": lambda node, name: _Result(words=node.moment(name)),
        "valuePeriod": lambda node, name: _Result(words=_period(required(node, name))),
    }
)
"""Every type that value[x] may have."""


def _period(node: Node) -> str:
    return " to ".join((node.moment("start") or "?", node.moment("end") or "?"))


def _result(node: Node) -> _Result:
    """Read value[x], or why there is none."""
    names = [name for name in node.content if name.startswith("value") and name[5:6].isupper()]
    if len(names) > 1 or not set(names) <= _VALUES.keys():
        raise node.wrong("value[x]", "one value of a type that R4 allows", "another, or several")
    if names:
        return _VALUES[names[0]](node, names[0])
    absent = concept(node.node("dataAbsentReason")).text
    return _Result(words=f"absent: {absent}") if absent else _NONE


def observation(node: Node) -> Stated:
    """Map an Observation; one that was cancelled only takes back what it had said.

    Raises:
        UnmappableError: what was observed is not the patient, but a fetus, a donor, a relative, an implant.
    """
    if node.nodes("focus") or any(one.text("url") == _FOCUS_EXTENSION for one in node.nodes("extension")):
        raise UnmappableError(f"{node.path}.focus", expected="an observation of the patient", got="one of another")
    status, reading = read_status(node)
    code = concept(required(node, "code"))
    if not code.text:
        raise node.wrong("code", "a code or text", "neither")
    withdrawn = reading is Reading.WITHDRAWN
    result = _result(node)
    components, words = _components(node)
    finding = "; ".join(filter(None, (result.words, *words)))
    found = fact(
        Kind.OBSERVATION,
        text=code.text,
        **coded(code),
        value="" if withdrawn else result.decimal,
        unit="" if withdrawn else result.unit,
        components=[] if withdrawn else components,
        finding="withdrawn" if withdrawn else shortened(finding, REASON_CHARS_MAX),
        effective=start_of(node, "effective"),
        device=shortened(device.text("display")) if (device := node.node("device")) else "",
        reason="" if reading is Reading.PLAIN else reason(status),
    )
    return Stated((found,), When.KNOWN if withdrawn else When.ALWAYS)


def coded(code: Concept) -> dict[str, str]:
    """The code; of an observation that has only words, the words themselves, in no system."""
    if coded := code.coded("loinc", "snomed"):
        return coded
    return {"code": word_code(code.text)}


def word_code(text: str) -> str:
    """The code of an observation that has only words."""
    if len(text) <= CODE_CHARS_MAX:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: CODE_CHARS_MAX - len(mark) - 1]}…{mark}"


def _components(node: Node) -> tuple[list[Value], list[str]]:
    """The components that are numbers, and what the others say."""
    numbers: list[Value] = []
    words: list[str] = []
    for component in node.nodes("component"):
        code = concept(required(component, "code"))
        if not code.text:
            raise component.wrong("code", "a code or text", "neither")
        result = _result(component)
        if result.decimal and len(numbers) < COMPONENTS_MAX:
            parts = {**coded(code), "text": code.text, "value": result.decimal, "unit": result.unit}
            numbers.append({name: part for name, part in parts.items() if part})
        else:
            shown = " ".join(filter(None, (result.decimal, result.unit, result.words)))
            words.append(f"{code.text}: {shown or 'nothing stated'}")
    return numbers, words
