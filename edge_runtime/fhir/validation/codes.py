"""Whether a code is in the value set of a required binding: by list, or by form where no list can hold it.

Owns membership. Refuses nothing by itself; what a missing code means is for the walk to say.

Source: FHIR R4 section 4.1 using codes, value sets of the specification; RFC 5646 (BCP 47) section 2.1; RFC 6838
section 4.2; ISO 4217; UCUM section 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
# Parameters are not read: an official example has one with a blank that RFC 2045 would want in quotes.
_MEDIA: Final = rf"{_NAME}/{_NAME}(?:[ \t]*;[ -~]*)?"
SHAPES: Final[Mapping[str, re.Pattern[str]]] = {
    # Subtags of letters and digits, the language first: 2 to 8 letters, or private use.
    "bcp-47": re.compile(r"(?:[A-Za-z]{2,8}|[xXiI](?=-))(?:-[A-Za-z0-9]{1,8})*"),
    "media-type": re.compile(_MEDIA),
    "media-type-or-format": re.compile(rf"xml|json|ttl|{_MEDIA}"),
    "iso-4217": re.compile(r"[A-Z]{3}"),
    # Printable ASCII without blanks outside of annotations; the code system itself is not read here.
    "ucum": re.compile(r"(?:[!-z|~]|\{[ -z|~]*\})+"),
}
"""The forms of codes that no list holds."""
_SHAPE_SYSTEMS: Final[Mapping[str, str]] = {
    "bcp-47": "urn:ietf:bcp:47",
    "media-type": "urn:ietf:bcp:13",
    "media-type-or-format": "urn:ietf:bcp:13",
    "iso-4217": "urn:iso:std:iso:4217",
    "ucum": "http://unitsofmeasure.org",
}


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of one value set.

    Attributes:
        by_system: the codes by code system; empty where a form stands for them.
        any_system: all codes together, for elements of type `code`, which name no system.
        shape: the form; None where there is a list.
        shape_system: the code system of the form.
    """

    by_system: Mapping[str, frozenset[str]]
    any_system: frozenset[str]
    shape: re.Pattern[str] | None = None
    shape_system: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Codes:
        """Take a row of the table."""
        if shape := row.get("shape"):
            return cls({}, frozenset(), SHAPES[shape], _SHAPE_SYSTEMS[shape])
        by_system = {system: frozenset(codes) for system, codes in row["systems"].items()}
        return cls(by_system, frozenset().union(*by_system.values()))

    def holds(self, code: str) -> bool:
        """Whether a `code` element may say this."""
        return code in self.any_system if self.shape is None else self.shape.fullmatch(code) is not None

    def has(self, system: str, code: str) -> bool:
        """Whether a Coding may say this."""
        if self.shape is not None:
            return system == self.shape_system and self.shape.fullmatch(code) is not None
        return code in self.by_system.get(system, frozenset())
