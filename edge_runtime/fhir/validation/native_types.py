"""The rules of the data types as plain functions, since they are judged at every element of every resource.

Owns those of Element, Extension, Quantity and its kinds, Period, Range, Ratio, Reference, Attachment, ContactPoint,
Expression and Timing. Each stands under the expression that it embodies, so that a rule which changes in the
definitions is judged by FHIRPath again; a test judges both on random elements and compares. Refuses elements of a wrong
form by TypeError: a rule over them says nothing.

Source: FHIR R4 section 2.24 data types, their constraints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge_runtime.fhir.validation import moments
from edge_runtime.fhir.validation.native_parts import (
    UCUM,
    Element,
    Rule,
    any_there,
    needs,
    number,
    one_of,
    system_is,
    text,
    there,
)
from edge_runtime.fhir.validation.scope import Scope

_CURRENCIES: Final = "urn:iso:std:iso:4217"
_MEALS: Final = frozenset({"C", "CM", "CD", "CV"})


def has_content(element: Element, _: Scope) -> bool:
    """ele-1: an element has a value or children beside an id."""
    return len(element) > ("id" in element)


def _value_or_extensions(extension: Element, _: Scope) -> bool:
    """ext-1."""
    return there(extension, "extension") != any_there(extension, "value")


def _code_for_value(quantity: Element) -> bool:
    return there(quantity, "code") or not there(quantity, "value")


def _age(age: Element, _: Scope) -> bool:
    """age-1."""
    value = number(age, "value")
    return _code_for_value(age) and system_is(age, UCUM) and (value is None or value > 0)


def _count(quantity: Element, _: Scope) -> bool:
    """cnt-3."""
    value = number(quantity, "value")
    whole = value is None or "." not in str(value)
    one = not there(quantity, "code") or quantity.get("code") == "1"
    return _code_for_value(quantity) and system_is(quantity, UCUM) and one and whole


def _distance(distance: Element, _: Scope) -> bool:
    """dis-1."""
    return _code_for_value(distance) and system_is(distance, UCUM)


def _duration(duration: Element, _: Scope) -> bool:
    """drt-1: a code without the system of UCUM is broken, as by HL7's own validator."""
    return not there(duration, "code") or (duration.get("system") == UCUM and there(duration, "value"))


def _money(quantity: Element, _: Scope) -> bool:
    """mqty-1."""
    return _code_for_value(quantity) and system_is(quantity, _CURRENCIES)


def _without_comparator(quantity: Element, _: Scope) -> bool:
    """sqty-1."""
    return not there(quantity, "comparator")


def _period(period: Element, _: Scope) -> bool:
    """per-1; where precision leaves the order open, the end includes the start: section 2.24.0.11."""
    start, end = text(period, "start"), text(period, "end")
    return start is None or end is None or moments.not_after(start, end)


def _range(between: Element, _: Scope) -> bool:
    """rng-2, for limits of the same unit; limits of different units are not compared."""
    low, high = between.get("low"), between.get("high")
    if low is None or high is None:
        return True
    if not (isinstance(low, Mapping) and isinstance(high, Mapping)):
        raise TypeError("no quantities")
    least, most = number(low, "value"), number(high, "value")
    same = low.get("system") == high.get("system") and low.get("code") == high.get("code")
    if "code" not in low and "code" not in high:
        same = low.get("unit") == high.get("unit")
    return least is None or most is None or not same or least <= most


def _ratio(ratio: Element, _: Scope) -> bool:
    """rat-1."""
    both = there(ratio, "numerator") == there(ratio, "denominator")
    return both and (there(ratio, "numerator") or there(ratio, "extension"))


def _reference(reference: Element, scope: Scope) -> bool:
    """ref-1; `#` alone is the container, and no reference at all is no local one."""
    address = text(reference, "reference")
    return address is None or not address.startswith("#") or scope.found(address) is not None


def _not_negative(name: str) -> Rule:
    def keeps(repeat: Element, _: Scope) -> bool:
        value = number(repeat, name)
        return value is not None and value >= 0 if there(repeat, name) else True

    return keeps


def _offset(repeat: Element, _: Scope) -> bool:
    """tim-9."""
    if not there(repeat, "offset"):
        return True
    events = repeat.get("when")
    return there(repeat, "when") and not (isinstance(events, list) and _MEALS.intersection(events))


TYPE_RULES: Final[Mapping[str, Rule]] = {
    "hasValue() or (children().count() > id.count())": has_content,
    "extension.exists() != value.exists()": _value_or_extensions,
    "(code.exists() or value.empty()) and (system.empty() or system = %ucum)"
    " and (value.empty() or value.hasValue().not() or value > 0)": _age,
    "(code.exists() or value.empty()) and (system.empty() or system = %ucum) and (code.empty() or code = '1')"
    " and (value.empty() or value.hasValue().not() or value.toString().contains('.').not())": _count,
    "(code.exists() or value.empty()) and (system.empty() or system = %ucum)": _distance,
    "code.exists() implies ((system = %ucum) and value.exists())": _duration,
    "(code.exists() or value.empty()) and (system.empty() or system = 'urn:iso:std:iso:4217')": _money,
    "comparator.empty()": _without_comparator,
    "code.empty() or system.exists()": needs("code", "system"),
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": _period,
    "low.empty() or high.empty() or (low <= high)": _range,
    "(numerator.empty() xor denominator.exists()) and (numerator.exists() or extension.exists())": _ratio,
    "reference.startsWith('#').not() or"
    " (reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))": _reference,
    "data.empty() or contentType.exists()": needs("data", "contentType"),
    "value.empty() or system.exists()": needs("value", "system"),
    "expression.exists() or reference.exists()": one_of("expression", "reference"),
    "duration.empty() or durationUnit.exists()": needs("duration", "durationUnit"),
    "period.empty() or periodUnit.exists()": needs("period", "periodUnit"),
    "duration.exists() implies duration >= 0": _not_negative("duration"),
    "period.exists() implies period >= 0": _not_negative("period"),
    "periodMax.empty() or period.exists()": needs("periodMax", "period"),
    "durationMax.empty() or duration.exists()": needs("durationMax", "duration"),
    "countMax.empty() or count.exists()": needs("countMax", "count"),
    "offset.empty() or (when.exists() and ((when in ('C' | 'CM' | 'CD' | 'CV')).not()))": _offset,
    "timeOfDay.empty() or when.empty()": lambda repeat, _: not (there(repeat, "timeOfDay") and there(repeat, "when")),
}
"""By the expression of R4 that the function embodies."""
