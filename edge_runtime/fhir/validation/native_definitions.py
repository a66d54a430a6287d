"""The rules of ElementDefinition as plain functions: a Bundle of definitions holds them by the ten thousand.

Owns eld-1 to eld-22 but for those of types and bindings that FHIRPath judges fast enough. Each stands under the
expression that it embodies. Refuses elements of a wrong form by TypeError.

Source: FHIR R4 section 2.27 ElementDefinition, its constraints.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from edge_runtime.fhir.validation.native_parts import (
    Element,
    Rule,
    any_there,
    items,
    needs,
    number,
    one_of,
    text,
    there,
)
from edge_runtime.fhir.validation.scope import Scope

_INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)
_NAME: Final = r"[^\s.,:;'\"/|?!@#$%&*()\[\]{}]{1,64}"
_PATH: Final = re.compile(rf"{_NAME}(\.{_NAME}(\[x\])?(:[^\s.]+)?)*")
_PLAIN_PATH: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*(\[x])?)*")
_SLICE: Final = re.compile(r"[a-zA-Z0-9/\-_\[\]@]+")
_REFERRING: Final = frozenset({"Reference", "canonical"})


def _least_below_most(element: Element, _: Scope) -> bool:
    """eld-2; a max that is no number is eld-3's to name, and breaks this one too."""
    least, most = number(element, "min"), text(element, "max")
    if least is None or most is None or most == "*":
        return True
    return _INTEGER.fullmatch(most) is not None and least <= int(most)


def _content_elsewhere(element: Element, _: Scope) -> bool:
    """eld-5."""
    choices = ("defaultValue", "fixed", "pattern", "minValue", "maxValue")
    plain = ("type", "example", "maxLength", "binding")
    own = any(there(element, name) for name in plain) or any(any_there(element, name) for name in choices)
    return not (there(element, "contentReference") and own)


def _one_type(name: str) -> Rule:
    """eld-6 and eld-7."""
    return lambda element, _: not any_there(element, name) or sum(1 for _ in items(element, "type")) <= 1


def _coded_type(element: Element, _: Scope) -> bool:
    """eld-11, which holds as R4 expresses it wherever a type has a code: select() gives one truth for each type."""
    return not there(element, "binding") or "type" not in element or any(True for _ in items(element, "type"))


def _distinct(list_name: str, name: str) -> Rule:
    """eld-13 and eld-14."""

    def keeps(element: Element, _: Scope) -> bool:
        values = [item[name] for item in items(element, list_name) if name in item]
        return len(values) == len(set(values))

    return keeps


def _formed(name: str, form: re.Pattern[str]) -> Rule:
    """eld-16, eld-19 and eld-20: the whole text."""

    def keeps(element: Element, _: Scope) -> bool:
        value = text(element, name)
        return value is None or form.fullmatch(value) is not None

    return keeps


def _modifier_reason(element: Element, _: Scope) -> bool:
    """eld-18."""
    return element.get("isModifier") is not True or there(element, "isModifierReason")


def _only_referring(name: str) -> Rule:
    """eld-4 and eld-17, at an element's type."""
    return lambda kind, _: not there(kind, name) or kind.get("code") in _REFERRING


def _schemed(binding: Element, _: Scope) -> bool:
    """eld-12."""
    address = text(binding, "valueSet")
    return address is None or address.startswith(("http:", "https", "urn:"))


DEFINITION_RULES: Final[Mapping[str, Rule]] = {
    "discriminator.exists() or description.exists()": one_of("discriminator", "description"),
    "min.empty() or max.empty() or (max = '*') or iif(max != '*', min <= max.toInteger())": _least_below_most,
    "aggregation.empty() or (code = 'Reference') or (code = 'canonical')": _only_referring("aggregation"),
    "contentReference.empty() or (type.empty() and defaultValue.empty() and fixed.empty() and pattern.empty()"
    " and example.empty() and minValue.empty() and maxValue.empty() and maxLength.empty() and binding.empty())": (
        _content_elsewhere
    ),
    "fixed.empty() or (type.count()  <= 1)": _one_type("fixed"),
    "pattern.empty() or (type.count() <= 1)": _one_type("pattern"),
    "pattern.empty() or fixed.empty()": lambda element, _: (
        not (any_there(element, "pattern") and any_there(element, "fixed"))
    ),
    "binding.empty() or type.code.empty() or type.select((code = 'code') or (code = 'Coding')"
    " or (code='CodeableConcept') or (code = 'Quantity') or (code = 'string') or (code = 'uri')).exists()": _coded_type,
    "valueSet.exists() implies (valueSet.startsWith('http:') or valueSet.startsWith('https')"
    " or valueSet.startsWith('urn:'))": _schemed,
    "type.select(code).isDistinct()": _distinct("type", "code"),
    "constraint.select(key).isDistinct()": _distinct("constraint", "key"),
    "defaultValue.empty() or meaningWhenMissing.empty()": lambda element, _: (
        not (any_there(element, "defaultValue") and there(element, "meaningWhenMissing"))
    ),
    r"sliceName.empty() or sliceName.matches('^[a-zA-Z0-9\\/\\-_\\[\\]\\@]+$')": _formed("sliceName", _SLICE),
    "(code='Reference' or code = 'canonical') or targetProfile.empty()": _only_referring("targetProfile"),
    "(isModifier.exists() and isModifier) implies isModifierReason.exists()": _modifier_reason,
    r"""path.matches('[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}"""
    r"""(\\.[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\[x\\])?(\\:[^\\s\\.]+)?)*')""": _formed("path", _PATH),
    r"path.matches('[A-Za-z][A-Za-z0-9]*(\\.[a-z][A-Za-z0-9]*(\\[x])?)*')": _formed("path", _PLAIN_PATH),
    "expression.exists()": one_of("expression"),
    "sliceIsConstraining.exists() implies sliceName.exists()": needs("sliceIsConstraining", "sliceName"),
    "binding.empty() or binding.valueSet.exists() or binding.description.exists()": lambda element, _: all(
        there(binding, "valueSet") or there(binding, "description") for binding in items(element, "binding")
    ),
}
"""By the expression of R4 that the function embodies."""
