"""From which observations a score takes each input, and how units become its own.

Owns the table of LOINC codes and every conversion: what stands here is converted, and anything else is unreadable to
a score and named. Nothing is guessed from a code, a text or a missing unit.

LOINC codes are used under the LOINC licence (loinc.org/license); copyright Regenstrief Institute. Answers of 67775-7:
LOINC answer list of that code, and LA6560-2 for confusion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.scores.gcs import NOT_TESTABLE
from edge_runtime.clinical.scores.measured import SPO2_SCALE_CODE, Measured
from edge_runtime.clinical.scores.result import Given
from edge_runtime.clinical.subjects import normalised

RESPIRATORY_RATE: Final = "9279-1"
SATURATIONS: Final = ("59408-5", "2708-6")
"""Pulse oximetry before arterial blood, where both have one time."""
SYSTOLIC: Final = "8480-6"
PULSE: Final = "8867-4"
TEMPERATURE: Final = "8310-5"
CONSCIOUSNESS: Final = "67775-7"
OXYGEN_FLOW: Final = "3151-8"
OXYGEN_CONCENTRATION: Final = "3150-0"
GCS_TOTAL: Final = "9269-2"
GCS_PARTS: Final[Mapping[str, str]] = MappingProxyType({"eye": "9267-6", "verbal": "9270-0", "motor": "9268-4"})

AIR_PERCENT: Final = 21
"""Oxygen in room air; more is supplemental."""
_TENTH: Final = Decimal("0.1")
_RATES: Final = frozenset({"/min", "{beats}/min", "{breaths}/min"})
_SCORES: Final = frozenset({"{score}", "1", ""})
_NOT_TESTABLE: Final = frozenset({"nt", "not testable"})

ANSWERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "a": "A",
        "alert": "A",
        "la9340-6": "A",
        "c": "C",
        "confused": "C",
        "confusion": "C",
        "new confusion": "C",
        "la6560-2": "C",
        "v": "V",
        "voice": "V",
        "verbal": "V",
        "responds to voice": "V",
        "la17108-4": "V",
        "p": "P",
        "pain": "P",
        "painful": "P",
        "responds to pain": "P",
        "la17107-6": "P",
        "u": "U",
        "unresponsive": "U",
        "la9343-0": "U",
    }
)
"""How a level of responsiveness may be written, and the letter that it is; compared without regard to case."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an input comes from.

    Attributes:
        codes: of the observations, the preferred one first.
        read: from a measurement to the input; None for one that cannot be read.
        any_true: several measurements of one time are true together if one of them is.
        standing: holds until somebody says otherwise, however old it is.
    """

    codes: tuple[str, ...]
    read: Callable[[Measured], Given | None]
    any_true: bool = False
    standing: bool = False


def _in(*units: str) -> Callable[[Measured], Given | None]:
    known = frozenset(units)
    return lambda found: found.value if found.unit in known else None


def celsius(found: Measured) -> Given | None:
    """A temperature; one in Fahrenheit is converted and rounded to a tenth, as the chart of NEWS2 reads."""
    if found.value is None or found.unit == "Cel":
        return found.value
    if found.unit == "[degF]":
        return ((found.value - 32) * 5 / 9).quantize(_TENTH, ROUND_HALF_EVEN)
    return None


def on_oxygen(found: Measured) -> Given | None:
    """Whether oxygen is given: a flow above zero, or a concentration above room air's."""
    if found.value is None:
        return None
    if found.code == OXYGEN_FLOW:
        return found.value > 0 if found.unit == "L/min" else None
    return found.value > AIR_PERCENT if found.unit == "%" else None


def responsiveness(found: Measured) -> Given | None:
    """The letter of a level of responsiveness."""
    return ANSWERS.get(normalised(found.finding))


def grade(found: Measured) -> Given | None:
    """A part of the coma scale, or that it cannot be tested."""
    if found.value is None:
        return NOT_TESTABLE if normalised(found.finding) in _NOT_TESTABLE else None
    return found.value if found.unit in _SCORES else None


SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "respiratory_rate": Source((RESPIRATORY_RATE,), _in(*_RATES)),
        "spo2": Source(SATURATIONS, _in("%")),
        "spo2_scale": Source((SPO2_SCALE_CODE,), _in(*_SCORES), standing=True),
        "on_oxygen": Source((OXYGEN_FLOW, OXYGEN_CONCENTRATION), on_oxygen, any_true=True),
        "systolic_bp": Source((SYSTOLIC,), _in("mm[Hg]")),
        "pulse": Source((PULSE,), _in(*_RATES)),
        "consciousness": Source((CONSCIOUSNESS,), responsiveness),
        "temperature": Source((TEMPERATURE,), celsius),
        "gcs": Source((GCS_TOTAL,), _in(*_SCORES)),
        **{name: Source((code,), grade) for name, code in GCS_PARTS.items()},
    }
)
"""Every input that a chart can give, by its name in the scores."""
