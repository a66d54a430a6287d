"""The table of UCUM as it is published: atoms and prefixes, each with its name and what it is defined by.

Owns the reading of the table's file, which comes with ucumvert. Loaded by `ucum_table` alone.

Source: The Unified Code for Units of Measure 2.2, ucum-essence.xml, by its terms of use (ucum.org/license).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element

from ucumvert.xml_util import root

_TENS: Final = frozenset({"10*", "10^"})
"""A number that takes powers, not a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """One unit of the table.

    Attributes:
        name: what people call it.
        value: how many of `within` it is; 1 for a base unit and for a special one.
        within: the code that it is defined by; None for a base unit, and for a special one.
        special: on a scale of its own, such as a logarithm; temperatures with a zero of their own are among them.
        arbitrary: defined by a procedure, and by no other unit.
        metric: whether it takes a prefix.
    """

    name: str
    value: Fraction
    within: str | None
    special: bool
    arbitrary: bool
    metric: bool


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix: its name and its factor."""

    name: str
    factor: Fraction


def version() -> str:
    """Of the table."""
    return str(root.get("version"))


def prefixes() -> Mapping[str, Prefix]:
    """Every prefix by code."""
    found = _all("prefix")
    return MappingProxyType(
        {code: Prefix(_text(one, "name"), _number(_part(one, "value").get("value"))) for code, one in found.items()}
    )


def atoms() -> Mapping[str, Atom]:
    """Every unit by code, the base units first."""
    bases = {
        code: Atom(name=_text(one, "name"), value=Fraction(1), within=None, special=False, arbitrary=False, metric=True)
        for code, one in _all("base-unit").items()
    }
    return MappingProxyType(bases | {code: _atom(code, one) for code, one in _all("unit").items()})


def _atom(code: str, element: Element) -> Atom:
    value = _part(element, "value")
    special = element.get("isSpecial") == "yes"
    return Atom(
        name="10" if code in _TENS else _text(element, "name"),
        value=Fraction(1) if special else _number(value.get("value")),
        within=None if special else value.get("Unit"),
        special=special,
        arbitrary=element.get("isArbitrary") == "yes",
        metric=element.get("isMetric") == "yes",
    )


def _all(tag: str) -> dict[str, Element]:
    return {str(one.get("Code")): one for one in root.findall(f"{{*}}{tag}")}


def _part(element: Element, tag: str) -> Element:
    found = element.find(f"{{*}}{tag}")
    assert found is not None, "every row of the table has one"
    return found


def _text(element: Element, tag: str) -> str:
    return " ".join("".join(_part(element, tag).itertext()).split())


def _number(written: str | None) -> Fraction:
    assert written is not None, "every row of the table that is not special has one"
    return Fraction(Decimal(written))
