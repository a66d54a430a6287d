"""The Apgar score of a newborn: five signs, 0 to 2 points each, at 1 and 5 minutes after birth.

Source: Apgar, "A proposal for a new method of evaluation of the newborn infant", Curr Res Anesth Analg 1953;32:260-267;
American Academy of Pediatrics and ACOG, "The Apgar Score", Pediatrics 2015;136(4):819-822 (bands at 5 minutes; repeat
every 5 minutes up to 20 while below 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.scores.fields import Amount, Fields, Grade
from edge_runtime.clinical.scores.result import Part, Result
from edge_runtime.clinical.scores.scale import Form, Read, Rule, Scale, lacking

NAME: Final = "apgar"
POINTS_MAX: Final = 2
LOW_MAX: Final = 3
REASSURING_MIN: Final = 7
MINUTES_MAX: Final = 20

SIGNS: Final = (
    Grade("appearance", "colour: blue or pale, limbs blue, pink all over", 0, POINTS_MAX),
    Grade("pulse", "heart rate: none, under 100, 100 or more", 0, POINTS_MAX),
    Grade("grimace", "reflexes: no response, grimace, cry or withdrawal", 0, POINTS_MAX),
    Grade("activity", "muscle tone: limp, some flexion, active", 0, POINTS_MAX),
    Grade("respiration", "breathing: none, weak or irregular, good cry", 0, POINTS_MAX),
)
_MINUTE: Final = Amount(
    "minute", "optional: minutes after birth", "minutes after birth", (Decimal(1), Decimal(MINUTES_MAX))
)
FIELDS: Final[Fields] = (*SIGNS, _MINUTE)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "low": Rule("0 to 3 points: low.", "low"),
        "moderate": Rule("4 to 6 points: moderately abnormal.", "moderately abnormal"),
        "reassuring": Rule("7 to 10 points: reassuring.", "reassuring"),
    }
)


def _judge(read: Read) -> Result:
    parts = tuple(Part(sign.name, _points(read, sign.name)) for sign in SIGNS)
    total = sum(part.points for part in parts if part.points is not None)
    missing = [part.name for part in parts if part.points is None]
    if missing:
        return lacking(NAME, parts, missing, at_least=total, words=f"What is known adds up to {total}.")
    word = "low" if total <= LOW_MAX else "moderate" if total < REASSURING_MIN else "reassuring"
    rule, notes = RULES[word], tuple(_notes(read, total))
    return Result(
        name=NAME, rule=f"{NAME}.{word}", meaning=rule.meaning, score=total, band=rule.gives, parts=parts, notes=notes
    )


def _points(read: Read, name: str) -> int | None:
    value = read.get(name)
    return int(value) if isinstance(value, Decimal) else None


def _notes(read: Read, total: int) -> Iterable[str]:
    minute = read.get("minute")
    if minute is None:
        yield "The minute is not given: the bands are those at 5 minutes after birth."
    if total < REASSURING_MIN and (minute is None or (isinstance(minute, Decimal) and minute < MINUTES_MAX)):
        yield f"Below {REASSURING_MIN}: repeat every 5 minutes, up to {MINUTES_MAX} minutes after birth."
    yield "Resuscitation never waits for this score."


APGAR: Final = Scale(
    name=NAME,
    title="Apgar score",
    whom="Newborns, in their first 20 minutes.",
    source="Apgar, Curr Res Anesth Analg 1953;32:260-267; AAP and ACOG, Pediatrics 2015;136(4):819-822.",
    form=Form.SCORE,
    fields=FIELDS,
    rules=RULES,
    judge=_judge,
)
