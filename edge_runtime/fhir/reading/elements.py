"""Typed access to the elements of one FHIR resource: what is absent is empty, what has a wrong type is refused by path.

Owns FHIR's data types as far as the mapping needs them: primitives, CodeableConcept, Quantity, HumanName. Refuses to
repair: a date that does not exist, a word outside its required binding or a number where text belongs is a `FhirError`
that names the element and never its content. Blank text counts as absent. Pure.

Source: FHIR R4 sections 2.24 Data Types, 2.6.2 JSON.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from edge_runtime.clinical import checks
from edge_runtime.clinical.layout import SYSTEMS
from edge_runtime.clinical.payloads import CODE_CHARS_MAX, NAME_CHARS_MAX
from edge_runtime.fhir.reading.strict_json import FhirError, Json, Number

_T = TypeVar("_T", str, bool, Number, "dict[str, Json]", "list[Json]")

_FORMS: Final[tuple[tuple[type, str], ...]] = (
    (str, "text"),
    (bool, "true or false"),
    (Number, "a number"),
    (dict, "an object"),
    (list, "a list"),
    (type(None), "null"),
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NUMBER_CHARS_MAX: Final = 40
_EXPONENT_MAX: Final = 40
UCUM: Final = "http://unitsofmeasure.org"


def form_of(value: Json | type) -> str:
    """Name the JSON type of a value, or of the values of a type."""
    kind = value if isinstance(value, type) else type(value)
    return dict(_FORMS)[kind]


@dataclass(frozen=True, slots=True)
class Node:
    """An object within a resource.

    Attributes:
        path: where it is, from the resource type down.
        content: its members.
    """

    path: str
    content: Mapping[str, Json]

    def _member(self, name: str, form: type[_T]) -> _T | None:
        value = self.content.get(name)
        if value is None:
            return None
        if not isinstance(value, form):
            raise self.wrong(name, form_of(form), form_of(value))
        return value

    def wrong(self, name: str, expected: str, got: str) -> FhirError:
        """Make the error for a member."""
        return FhirError(f"{self.path}.{name}", expected=expected, got=got)

    def text(self, name: str) -> str:
        """Text with its spaces collapsed; empty where there is none."""
        return self._collapsed(name, self._member(name, str) or "")

    def _collapsed(self, name: str, written: str) -> str:
        if _CONTROLS.search(written):
            raise self.wrong(name, "text", "control characters")
        return " ".join(written.split())

    def flag(self, name: str) -> bool | None:
        """True, false, or None where nothing is said."""
        return self._member(name, bool)

    def number(self, name: str) -> Number | None:
        """A number as written."""
        value = self._member(name, Number)
        if value is not None and len(value.text) > _NUMBER_CHARS_MAX:
            raise self.wrong(name, f"a number of at most {_NUMBER_CHARS_MAX} characters", "a longer one")
        return value

    def word(self, name: str, allowed: Collection[str]) -> str:
        """A code of a required binding; empty where there is none."""
        code = self.text(name)
        if code and code not in allowed:
            raise self.wrong(name, "one of " + ", ".join(allowed), "another code")
        return code

    def moment(self, name: str) -> str:
        """A dateTime, instant or date; empty where there is none."""
        return self._dated(name, checks.moment)

    def day(self, name: str) -> str:
        """A date; empty where there is none."""
        return self._dated(name, checks.day)

    def _dated(self, name: str, check: checks.Check) -> str:
        written = self.text(name)
        if written:
            for problem in check(name, written):
                raise self.wrong(name, problem.expected, "another form, or a day that does not exist")
        return written

    def node(self, name: str) -> Node | None:
        """An object; None where there is none."""
        value = self._member(name, dict)
        return None if value is None else Node(f"{self.path}.{name}", value)

    def nodes(self, name: str) -> tuple[Node, ...]:
        """A list of objects; empty where there is none."""
        found = []
        for index, item in enumerate(self._member(name, list) or ()):
            if not isinstance(item, dict):
                raise self.wrong(f"{name}[{index}]", form_of(dict), form_of(item))
            found.append(Node(f"{self.path}.{name}[{index}]", item))
        return tuple(found)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts without its blanks; FHIR writes null where only an extension stands."""
        found = []
        for index, item in enumerate(self._member(name, list) or ()):
            if item is not None and not isinstance(item, str):
                raise self.wrong(f"{name}[{index}]", form_of(str), form_of(item))
            found.append(self._collapsed(f"{name}[{index}]", item or ""))
        return tuple(filter(None, found))


@dataclass(frozen=True, slots=True)
class Concept:
    """A CodeableConcept.

    Attributes:
        text: what a person reads; empty if it says nothing.
        codes: code by system, as far as they fit a fact; systems by their short name where they have one.
    """

    text: str
    codes: Mapping[str, str]

    def coded(self, *preferred: str) -> dict[str, str]:
        """The payload keys `system` and `code`: the preferred system that it has, else the first; maybe nothing."""
        for system in (*preferred, *self.codes):
            if system in self.codes:
                return {"code": self.codes[system]} | ({"system": system} if system else {})
        return {}


_NOTHING_SAID: Final = Concept("", {})


def concept(node: Node | None) -> Concept:
    """Read a CodeableConcept."""
    if node is None:
        return _NOTHING_SAID
    codings = node.nodes("coding")
    codes: dict[str, str] = {}
    for coding in codings:
        system, code = coding.text("system"), coding.text("code")
        if code and len(code) <= CODE_CHARS_MAX and len(system) <= NAME_CHARS_MAX:
            codes.setdefault(SYSTEMS.get(system, system), code)
    shown = [coding.text("display") for coding in codings] + [coding.text("code") for coding in codings]
    text = node.text("text") or next(filter(None, shown), "")
    return Concept(shortened(text), codes)


def concepts(nodes: tuple[Node, ...]) -> str:
    """What several CodeableConcepts say, for a person."""
    return ", ".join(dict.fromkeys(filter(None, (concept(node).text for node in nodes))))


def shortened(text: str, chars_max: int = NAME_CHARS_MAX) -> str:
    """Cut what does not fit a fact, and say so; the whole stands in the source."""
    mark = "… (more in the source)"
    return text if len(text) <= chars_max else text[: chars_max - len(mark)] + mark


def plain_decimal(number: Number) -> str:
    """A number as a decimal without exponent, its digits kept; empty where a fact cannot hold it."""
    value = Decimal(number.text)
    if not -_EXPONENT_MAX < value.adjusted() < _EXPONENT_MAX:
        return ""
    written = format(value, "f")
    return "" if any(checks.decimal("", written)) else written


@dataclass(frozen=True, slots=True)
class Quantity:
    """A Quantity.

    Attributes:
        number: its value as written; empty if it has none.
        decimal: the value as a fact holds it; empty where it has a comparator, no value, or one that does not fit.
        unit: the UCUM code, else the unit for people; maybe empty.
        shown: everything, for a person.
    """

    number: str
    decimal: str
    unit: str
    shown: str


def quantity(node: Node) -> Quantity:
    """Read a Quantity, Age, Duration or SimpleQuantity."""
    number = node.number("value")
    comparator = node.word("comparator", ("<", "<=", ">=", ">"))
    ucum = node.text("code") if node.text("system") == UCUM else ""
    unit = ucum or node.text("unit") or node.text("code")
    written = number.text if number else ""
    fits = number is not None and not comparator and len(unit) <= CODE_CHARS_MAX
    shown = " ".join(filter(None, (comparator, written, node.text("unit") or unit)))
    return Quantity(written, plain_decimal(number) if number and fits else "", unit, shown)


_NAME_USES: Final = ("official", "usual", "", "temp", "anonymous", "nickname", "old", "maiden")


def human_name(nodes: tuple[Node, ...]) -> str:
    """The name to call a person by; empty where none says anything."""
    ranked = sorted(nodes, key=lambda node: _NAME_USES.index(node.word("use", _NAME_USES)))
    return shortened(next(filter(None, map(_spoken, ranked)), ""))


def _spoken(node: Node) -> str:
    parts = (*node.texts("prefix"), *node.texts("given"), node.text("family"), *node.texts("suffix"))
    return node.text("text") or " ".join(filter(None, parts))
