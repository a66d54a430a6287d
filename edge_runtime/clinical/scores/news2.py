"""NEWS2, the National Early Warning Score: seven measurements of an adult, each 0 to 3 points.

Source: Royal College of Physicians, "National Early Warning Score (NEWS) 2: Standardising the assessment of
acute-illness severity in the NHS", London 2017: chart 1 (points), chart 2 (thresholds and triggers), and the chapter on
oxygen saturation scale 2. Reproduced as the college allows.

The chart goes in whole numbers, and in tenths of a degree. A value between two of its columns takes the points of the
one further from normal: 38.05 Celsius counts as above 38.0. Which saturation scale holds is a decision of a clinician;
scale 1 is never assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

from edge_runtime.clinical.scores.fields import AGE, RESPIRATORY_RATE, SYSTOLIC_BP, Fields, Grade, Truth, Word, vital
from edge_runtime.clinical.scores.result import Part, Refusal, Result
from edge_runtime.clinical.scores.scale import Form, Read, Rule, Scale, age_refusal, lacking, refused

NAME: Final = "news2"
AGE_MIN_YEARS: Final = 16
URGENT: Final = 5
"""Aggregate from which the chart asks for an urgent response."""
EMERGENCY: Final = 7
"""Aggregate from which it asks for an emergency response."""
OXYGEN_POINTS: Final = 2
ALTERED_POINTS: Final = 3

Columns: TypeAlias = tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]
"""Below a bound, points; above a bound, points: the bounds nearest to normal first."""

CHART: Final[Mapping[str, Columns]] = MappingProxyType(
    {
        "respiratory_rate": ((("12", 1), ("9", 3)), (("20", 2), ("24", 3))),
        "spo2 scale 1": ((("96", 1), ("94", 2), ("92", 3)), ()),
        "spo2 scale 2 on air": ((("88", 1), ("86", 2), ("84", 3)), ()),
        "spo2 scale 2 on oxygen": ((("88", 1), ("86", 2), ("84", 3)), (("92", 1), ("94", 2), ("96", 3))),
        "systolic_bp": ((("111", 1), ("101", 2), ("91", 3)), (("219", 3),)),
        "pulse": ((("51", 1), ("41", 3)), (("90", 1), ("110", 2), ("130", 3))),
        "temperature": ((("36.1", 1), ("35.1", 3)), (("38.0", 1), ("39.0", 2))),
    }
)

FIELDS: Final[Fields] = (
    RESPIRATORY_RATE,
    vital("spo2", "oxygen saturation", "59408-5", "%", "percent"),
    Grade("spo2_scale", "which saturation scale holds: 2 only where a clinician decided so, for hypercapnia", 1, 2),
    Truth("on_oxygen", "whether any supplemental oxygen is given"),
    SYSTOLIC_BP,
    vital("pulse", "heart beats a minute", "8867-4", "/min", "beats a minute"),
    Word(
        "consciousness",
        "alert, new confusion, responds to voice, to pain, unresponsive",
        ("A", "C", "V", "P", "U"),
    ),
    vital("temperature", "body temperature", "8310-5", "Cel", "degrees Celsius", negative=True),
    AGE,
    Truth("pregnant", "optional; the score is not for pregnancy"),
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "high": Rule("7 or more points: emergency response.", "high"),
        "medium": Rule("5 or 6 points: urgent response.", "medium"),
        "single_3": Rule("3 points in one part: urgent review on the ward.", "low-medium"),
        "low": Rule("0 to 4 points, none of them 3 in one part: response on the ward.", "low"),
    }
)


def _judge(read: Read) -> Result:
    refusal = _refusal(read)
    if refusal is not None:
        return refused(NAME, refusal)
    saturation = _saturation(read)
    decided = len(saturation) == 1 and "spo2_scale" in read
    parts = tuple(
        Part(name, next(iter(saturation)) if decided else None) if name == "spo2" else Part(name, _points(name, read))
        for name in ("respiratory_rate", "spo2", "on_oxygen", "systolic_bp", "pulse", "consciousness", "temperature")
    )
    missing = tuple(field.name for field in FIELDS if field.name not in {*read, "age_years", "pregnant"})
    known = [part.points for part in parts if part.points is not None]
    if missing:
        least = sum(known) + (0 if decided else min(saturation, default=0))
        single = any(part.points == ALTERED_POINTS for part in parts) or min(saturation, default=0) == ALTERED_POINTS
        return lacking(NAME, parts, missing, at_least=least, words=_certain(least, single=single))
    total = sum(known)
    word = _word(total, single=ALTERED_POINTS in known)
    rule = RULES[word]
    notes = tuple(_unchecked(read))
    return Result(
        name=NAME, rule=f"{NAME}.{word}", meaning=rule.meaning, score=total, band=rule.gives, parts=parts, notes=notes
    )


def _word(total: int, *, single: bool) -> str:
    if total >= EMERGENCY:
        return "high"
    if total >= URGENT:
        return "medium"
    return "single_3" if single else "low"


def _certain(least: int, *, single: bool) -> str:
    """What holds whatever the missing parts turn out to be."""
    word = _word(least, single=single)
    known = f"What is known adds up to {least}"
    return f"{known}." if word == "low" else f"{known}, which alone means: {RULES[word].meaning}"


def _points(name: str, read: Read) -> int | None:
    """The points of every part but saturation; None where it is missing."""
    value = read.get(name)
    if value is None:
        return None
    if isinstance(value, Decimal):
        return _column(name, value)
    if name == "on_oxygen":
        return OXYGEN_POINTS if value else 0
    return 0 if value == "A" else ALTERED_POINTS


def _saturation(read: Read) -> frozenset[int]:
    """Every number of points that saturation may have, given what is known; none where it is missing itself."""
    value, scale, oxygen = read.get("spo2"), read.get("spo2_scale"), read.get("on_oxygen")
    if not isinstance(value, Decimal):
        return frozenset()
    rows = []
    if scale != Decimal(2):
        rows.append("spo2 scale 1")
    if scale != Decimal(1):
        rows += [
            f"spo2 scale 2 on {gas}" for gas, given in (("air", False), ("oxygen", True)) if oxygen in {None, given}
        ]
    return frozenset(_column(row, value) for row in rows)


def _column(row: str, value: Decimal) -> int:
    below, above = CHART[row]
    low = [points for bound, points in below if value < Decimal(bound)]
    high = [points for bound, points in above if value > Decimal(bound)]
    return max((*low, *high), default=0)


def _refusal(read: Read) -> Refusal | None:
    age = read.get("age_years")
    if isinstance(age, Decimal) and age < AGE_MIN_YEARS:
        whom = f"a patient of {AGE_MIN_YEARS} years or more"
        return age_refusal(whom, "a younger one", "use the paediatric early warning score of your service")
    if read.get("pregnant") is True:
        return Refusal(
            "pregnancy",
            expected="a patient who is not pregnant",
            got="a pregnant one",
            do="use the obstetric early warning score of your service",
        )
    return None


def _unchecked(read: Read) -> Iterable[str]:
    if "age_years" not in read:
        yield f"Age is not given: this score is not for patients under {AGE_MIN_YEARS} years."
    if "pregnant" not in read:
        yield "Pregnancy is not stated: this score is not for pregnancy."
    if read["spo2_scale"] == Decimal(2):
        yield "Saturation scale 2 is only for hypercapnic respiratory failure that a clinician confirmed."


NEWS2: Final = Scale(
    name=NAME,
    title="NEWS2, National Early Warning Score",
    whom=f"Adults from {AGE_MIN_YEARS} years; not in pregnancy.",
    source="Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017.",
    form=Form.SCORE,
    fields=FIELDS,
    rules=RULES,
    judge=_judge,
)
