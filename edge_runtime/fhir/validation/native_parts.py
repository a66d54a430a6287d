"""What the native rules ask of an element: whether a member is there, has a value, or holds a certain code.

Owns the reading of members as FHIRPath means `exists()` and `hasValue()`. Refuses nothing: a member of a wrong form is
there, and the check of the structure speaks about it.

Source: FHIRPath N1 sections 5.1.1 and 5.1.2; FHIR R4 section 2.6.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from edge_runtime.fhir.validation.scope import Scope

Element = Mapping[str, Any]
Rule = Callable[[Element, Scope], bool]
"""Whether an element keeps to a rule."""
UCUM: Final = "http://unitsofmeasure.org"


def there(element: Element, name: str) -> bool:
    """FHIRPath's exists() of a member, whether by a value or by extensions beside it."""
    value = element.get(name)
    if value is None or value == []:
        value = element.get(f"_{name}")
        return value is not None and value != []
    return True


def any_there(element: Element, name: str) -> bool:
    """Whether a choice is there: `value` for `valueQuantity`, `valueString` and all others."""
    return any(key.startswith((name, f"_{name}")) for key in element)


def items(element: Element, name: str) -> Iterator[Element]:
    """The objects of a member, whether it is a list or one."""
    value = element.get(name)
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, Mapping):
            yield item


def number(element: Element, name: str) -> Decimal | int | None:
    """A member's number; None where it is none.

    Raises:
        TypeError: something else than a number or extensions.
    """
    value = element.get(name)
    if value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool)):
        return value
    raise TypeError("no number")


def text(element: Element, name: str) -> str | None:
    """A member's text; None where it has none.

    Raises:
        TypeError: something else than a text or extensions.
    """
    value = element.get(name)
    if value is None or isinstance(value, str):
        return value
    raise TypeError("no text")


def coded(element: Element, name: str, system: str, *codes: str) -> bool:
    """Whether a CodeableConcept, or one of a list, holds one of some codes of a system."""
    return any(
        coding.get("system") == system and coding.get("code") in codes
        for concept in items(element, name)
        for coding in items(concept, "coding")
    )


def system_is(element: Element, system: str) -> bool:
    """Whether `system` is not there or is this one."""
    return not there(element, "system") or element.get("system") == system


def needs(name: str, *others: str) -> Rule:
    """The rule that where one member is there, one of some others must be."""
    return lambda element, _: not there(element, name) or any(there(element, other) for other in others)


def not_both(name: str, other: str) -> Rule:
    """The rule that two members must not stand together."""
    return lambda element, _: not (there(element, name) and there(element, other))


def one_of(*names: str) -> Rule:
    """The rule that one of some members must be there."""
    return lambda element, _: any(there(element, name) for name in names)
