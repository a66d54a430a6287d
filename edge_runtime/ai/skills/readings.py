"""Vital signs as people write them in a note: "BP 120/80", "temp 38.6 C", "sats 94%".

Owns how they are found, each with the LOINC code under which `clinical.vitals` knows its range. Refuses to convert:
what was written stays as it was, and a unit that was not written stays empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.vitals import DIASTOLIC, SYSTOLIC

TEMPERATURE: Final = "8310-5"
PULSE: Final = "8867-4"
RESPIRATION: Final = "9279-1"
SATURATION: Final = "59408-5"
WEIGHT: Final = "29463-7"
HEIGHT: Final = "8302-2"
GLUCOSE: Final = "2339-0"
GLUCOSE_MOLAR: Final = "15074-8"
_BETWEEN: Final = r"(?:[\s:=]|\b(?:is|was|of|at|measured)\b){0,6}"
_NUMBER: Final = r"(?<![\d.,])(\d{1,4}(?:[.,]\d{1,2})?)(?![\d/])"


def _pattern(names: str, unit: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{names})\b{_BETWEEN}{_NUMBER}[ ]?({unit})?", re.IGNORECASE)


_SIMPLE: Final[Mapping[str, tuple[str, re.Pattern[str]]]] = MappingProxyType(
    {
        TEMPERATURE: (
            "temperature",
            _pattern(r"temp|temperature|(?-i:T)", r"°? ?(?:c|f)\b|(?:degrees? )?(?:celsius|centigrade|fahrenheit)\b|°"),
        ),
        PULSE: ("heart rate", _pattern("hr|heart rate|pulse(?: rate)?", r"bpm\b|/ ?min\b|per minute\b")),
        RESPIRATION: ("respiratory rate", _pattern("rr|resp(?:iratory)? rate", r"/ ?min\b|per minute\b")),
        SATURATION: (
            "oxygen saturation",
            _pattern("spo2|sao2|o2 sats?|sats?|(?:oxygen )?saturations?", "%|percent|per cent"),
        ),
        WEIGHT: ("weight", _pattern("weight|wt|weighs|weighed", r"kgs?\b|kilos?\b|kilograms?\b|lbs?\b|pounds?\b|g\b")),
        HEIGHT: (
            "height",
            _pattern("height|ht", r"cms?\b|centimet(?:er|re)s?\b|m\b|met(?:er|re)s?\b|ft\b|feet\b|in\b"),
        ),
        GLUCOSE: (
            "blood glucose",
            _pattern("(?:blood )?glucose|blood sugar|bgl|cbg", r"mmol(?:/l| per lit(?:er|re))?\b|mg/dl\b"),
        ),
    }
)
_PRESSURE: Final = re.compile(
    rf"\b(?:bp|blood pressure|pressure)\b{_BETWEEN}(\d{{2,3}})\s?(?:/|over)\s?(\d{{2,3}})(?!\d)", re.IGNORECASE
)
_UNITS: Final[tuple[tuple[str, str], ...]] = (
    ("fahrenheit", "[degF]"),
    ("celsius", "Cel"),
    ("centigrade", "Cel"),
    ("mmol", "mmol/L"),
    ("mg", "mg/dL"),
    ("lb", "[lb_av]"),
    ("pound", "[lb_av]"),
    ("k", "kg"),
    ("cm", "cm"),
    ("centimet", "cm"),
    ("f", "[degF]"),
    ("c", "Cel"),
    ("m", "m"),
    ("g", "g"),
    ("in", "[in_i]"),
)
_ALWAYS: Final[Mapping[str, str]] = MappingProxyType({PULSE: "/min", RESPIRATION: "/min", SATURATION: "%"})
"""Vital signs that are given in one unit only, said or not."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A vital sign in a note.

    Attributes:
        code: LOINC; of a blood pressure the systolic.
        name: for a person.
        value: as written.
        unit: UCUM; empty where none was written and it could be several.
        start: of name, value and unit in the note.
        end: of them.
        diastolic: of a blood pressure.
    """

    code: str
    name: str
    value: Decimal = field(repr=False)
    unit: str
    start: int
    end: int
    diastolic: Decimal | None = field(default=None, repr=False)

    @property
    def said(self) -> tuple[Decimal, Decimal | None, str]:
        """What makes two readings the same."""
        return self.value, self.diastolic, self.unit


def readings(text: str) -> tuple[Reading, ...]:
    """The vital signs of a note, in its order."""
    return tuple(sorted(_found(text), key=lambda one: (one.start, one.code)))


def _found(text: str) -> Iterator[Reading]:
    for code, (name, pattern) in _SIMPLE.items():
        for match in pattern.finditer(text):
            unit = _unit(code, (match[2] or "").lower())
            own = GLUCOSE_MOLAR if code == GLUCOSE and unit == "mmol/L" else code
            value = Decimal(match[1].replace(",", "."))
            yield Reading(own, name, value, unit, match.start(), match.end())
    for match in _PRESSURE.finditer(text):
        systolic, diastolic = Decimal(match[1]), Decimal(match[2])
        yield Reading(SYSTOLIC, "blood pressure", systolic, "mm[Hg]", match.start(), match.end(), diastolic)


def _unit(code: str, written: str) -> str:
    plain = written.replace("°", "").replace("degrees", "").replace("degree", "").strip()
    if code in _ALWAYS:
        return _ALWAYS[code]
    if code == HEIGHT and plain.startswith("f"):
        return "[ft_i]"
    return next((unit for begins, unit in _UNITS if plain.startswith(begins)), "") if plain else ""


PARTS: Final = (SYSTOLIC, DIASTOLIC)
"""The two of a blood pressure."""
