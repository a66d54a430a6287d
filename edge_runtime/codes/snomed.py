"""SNOMED CT: the form of an identifier. Its content is licensed, and none of it is here.

Owns the reading of the three parts of an identifier that say something without a list: its length, what it identifies,
and its check digit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.codes.check_digits import verhoeff_holds
from edge_runtime.codes.system import Judgement

_SHAPE: Final = re.compile(r"[1-9][0-9]{5,17}", re.ASCII)
"""Source: SNOMED CT Release File Specification, SCTID: 6 to 18 digits, the first of them not 0."""
_EXPRESSION: Final = frozenset(":=+|{}")
"""Source: SNOMED CT Compositional Grammar: what joins concepts to an expression, which FHIR lets stand as a code."""
_CONCEPTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "00": "a concept of the international edition",
        "10": "a concept of a national or local extension",
    }
)
_OTHERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "01": "a description",
        "11": "a description",
        "02": "a relationship",
        "12": "a relationship",
    }
)
"""Source: SNOMED CT Release File Specification, partition identifier: the third and second last digit."""
_EXTENSION_DIGITS_MIN: Final = 11
"""Of an extension's identifier: an item, seven digits of its namespace, two of the partition, one check digit."""


class _Snomed:
    """The code system."""

    name: Final = "snomed"
    title: Final = "SNOMED CT"
    uri: Final = "http://snomed.info/sct"

    def check(self, code: str) -> Judgement:
        """Judge an identifier by its form alone: valid means well formed, and the identifier of a concept."""
        fault = _fault_of_form(code) or _fault_of_parts(code)
        if fault is not None:
            return Judgement(valid=False, display=None, reason=fault)
        reason = f"well formed: {_CONCEPTS[code[-3:-1]]}; whether it exists is not checked, as no list may be here"
        return Judgement(valid=True, display=None, reason=reason)


def _fault_of_form(code: str) -> str | None:
    if _EXPRESSION.intersection(code):
        return "an expression of several concepts: one identifier is checked at a time"
    if _SHAPE.fullmatch(code) is None:
        return "not the shape of a SNOMED CT identifier: 6 to 18 digits, the first of them not 0"
    return None if verhoeff_holds(code) else "the check digit is wrong: a digit was mistyped or two changed places"


def _fault_of_parts(code: str) -> str | None:
    """What an identifier says of itself that no code may say; its check digit holds."""
    partition = code[-3:-1]
    if partition in _OTHERS:
        return f"identifies {_OTHERS[partition]}: a code is the identifier of a concept"
    if partition not in _CONCEPTS:
        return "its partition, the third and second last digit, is none of SNOMED CT"
    if partition.startswith("1") and len(code) < _EXTENSION_DIGITS_MIN:
        return "names an extension and is too short to hold its namespace"
    return None


SYSTEM: Final = _Snomed()
