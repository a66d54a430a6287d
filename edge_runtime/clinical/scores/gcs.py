"""The Glasgow Coma Scale: eyes 1 to 4, verbal 1 to 5, motor 1 to 6.

A part that cannot be tested (a tube, swelling, paralysis) is "NT": there is no total then, and the parts are reported
as they are. Nothing stands in for it, least of all a 1.

Source: Teasdale and Jennett, Lancet 1974;2:81-84; Teasdale et al., "The Glasgow Coma Scale at 40 years", Lancet Neurol
2014;13:844-854 (parts that cannot be tested, and reporting them one by one). Bands of head injury: NICE NG232.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.scores.fields import AGE, Fields, Grade
from edge_runtime.clinical.scores.result import Part, Result
from edge_runtime.clinical.scores.scale import Form, Read, Rule, Scale, lacking

NAME: Final = "gcs"
NOT_TESTABLE: Final = "NT"
ADULT_SCALE_YEARS: Final = 5
"""From this age on the adult's verbal scale is used."""
SEVERE_MAX: Final = 8
MODERATE_MAX: Final = 12
EYE_MAX: Final = 4
VERBAL_MAX: Final = 5
MOTOR_MAX: Final = 6

PARTS: Final = ("eye", "verbal", "motor")
FIELDS: Final[Fields] = (
    Grade("eye", "eye opening: none, to pressure, to sound, spontaneous", 1, EYE_MAX, NOT_TESTABLE),
    Grade("verbal", "verbal: none, sounds, words, confused, orientated", 1, VERBAL_MAX, NOT_TESTABLE),
    Grade("motor", "motor: none, extension, abnormal flexion, flexion, localising, obeys", 1, MOTOR_MAX, NOT_TESTABLE),
    AGE,
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "severe": Rule("3 to 8: coma; the airway may not be safe.", "severe"),
        "moderate": Rule("9 to 12: moderate.", "moderate"),
        "mild": Rule("13 to 15: mild, or normal at 15.", "mild"),
    }
)


def _judge(read: Read) -> Result:
    parts = tuple(Part(name, _grade(read, name)) for name in PARTS)
    missing = [name for name in PARTS if name not in read]
    untested = [name for name in PARTS if read.get(name) == NOT_TESTABLE]
    if missing:
        return lacking(NAME, parts, (*missing, *untested), at_least=None, words="")
    if untested:
        meaning = f"No score: {', '.join(untested)} cannot be tested. Report the parts one by one."
        return Result(name=NAME, rule=None, meaning=meaning, parts=parts, missing=tuple(untested))
    total = sum(part.points for part in parts if part.points is not None)
    word = "severe" if total <= SEVERE_MAX else "moderate" if total <= MODERATE_MAX else "mild"
    rule, age = RULES[word], read.get("age_years")
    young = isinstance(age, Decimal) and age < ADULT_SCALE_YEARS
    notes = (f"Under {ADULT_SCALE_YEARS} years the verbal part needs the scale for children.",) if young else ()
    return Result(
        name=NAME, rule=f"{NAME}.{word}", meaning=rule.meaning, score=total, band=rule.gives, parts=parts, notes=notes
    )


def _grade(read: Read, name: str) -> int | None:
    value = read.get(name)
    return int(value) if isinstance(value, Decimal) else None


GCS: Final = Scale(
    name=NAME,
    title="GCS, Glasgow Coma Scale",
    whom=f"Adults, and children from {ADULT_SCALE_YEARS} years; younger ones with the verbal scale for children.",
    source="Teasdale and Jennett, Lancet 1974;2:81-84; Teasdale et al., Lancet Neurol 2014;13:844-854.",
    form=Form.SCORE,
    fields=FIELDS,
    rules=RULES,
    judge=_judge,
)
