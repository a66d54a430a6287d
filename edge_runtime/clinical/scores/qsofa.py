"""qSOFA: three signs that an infection may be sepsis, one point each, at the bedside and without a laboratory.

Source: Singer et al., "The Third International Consensus Definitions for Sepsis and Septic Shock (Sepsis-3)", JAMA
2016;315(8):801-810, box 4; a Glasgow Coma Scale below 15 as altered mentation: Seymour et al., JAMA
2016;315(8):762-774.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.scores.fields import AGE, RESPIRATORY_RATE, SYSTOLIC_BP, Fields, Grade, Truth
from edge_runtime.clinical.scores.inputs import contradiction
from edge_runtime.clinical.scores.result import Part, Result
from edge_runtime.clinical.scores.scale import Form, Read, Rule, Scale, age_refusal, lacking, refused

NAME: Final = "qsofa"
AGE_MIN_YEARS: Final = 18
RESPIRATION_MIN: Final = 22
SYSTOLIC_MAX: Final = 100
ALERT_GCS: Final = 15
POSITIVE: Final = 2
"""Points from which the score is positive."""

FIELDS: Final[Fields] = (
    RESPIRATORY_RATE,
    Truth("altered_mentation", "whether mentation is altered; or gcs in its place"),
    Grade("gcs", "Glasgow Coma Scale, total; below 15 is altered mentation", 3, ALERT_GCS),
    SYSTOLIC_BP,
    AGE,
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "positive": Rule("2 or 3 points: with a suspected infection, look for organ dysfunction now.", "positive"),
        "negative": Rule("0 or 1 point: does not exclude sepsis; go by clinical judgement and repeat.", "negative"),
    }
)


def _judge(read: Read) -> Result:
    age = read.get("age_years")
    if isinstance(age, Decimal) and age < AGE_MIN_YEARS:
        whom = f"a patient of {AGE_MIN_YEARS} years or more"
        return refused(NAME, age_refusal(whom, "a younger one", "use the paediatric sepsis criteria of your service"))
    respiration, altered, systolic = read.get("respiratory_rate"), _altered(read), read.get("systolic_bp")
    parts = (
        Part("respiratory_rate", int(respiration >= RESPIRATION_MIN) if isinstance(respiration, Decimal) else None),
        Part("altered_mentation", None if altered is None else int(altered)),
        Part("systolic_bp", int(systolic <= SYSTOLIC_MAX) if isinstance(systolic, Decimal) else None),
    )
    known = sum(part.points for part in parts if part.points is not None)
    missing = [part.name for part in parts if part.points is None]
    if missing:
        words = RULES["positive"].meaning if known >= POSITIVE else ""
        certain = f"What is known adds up to {known}" + (f", which alone means: {words}" if words else ".")
        return lacking(NAME, parts, missing, at_least=known, words=certain)
    word = "positive" if known >= POSITIVE else "negative"
    rule = RULES[word]
    notes = tuple(_unchecked(read))
    return Result(
        name=NAME, rule=f"{NAME}.{word}", meaning=rule.meaning, score=known, band=rule.gives, parts=parts, notes=notes
    )


def _altered(read: Read) -> bool | None:
    """Whether mentation is altered.

    Raises:
        InputError: it is said not to be, beside a coma scale that says so.
    """
    said, gcs = read.get("altered_mentation"), read.get("gcs")
    if not isinstance(gcs, Decimal):
        return said if isinstance(said, bool) else None
    altered = gcs < ALERT_GCS
    if said is not None and said != altered:
        expected = f"true exactly where gcs is below {ALERT_GCS}, or one of the two left out"
        raise contradiction(f"{NAME}.altered_mentation", expected, "the opposite of what gcs says")
    return altered


def _unchecked(read: Read) -> Iterable[str]:
    if "age_years" not in read:
        yield f"Age is not given: this score is not for patients under {AGE_MIN_YEARS} years."
    yield "For patients with a suspected infection, outside intensive care."


QSOFA: Final = Scale(
    name=NAME,
    title="qSOFA, quick sepsis-related organ failure assessment",
    whom=f"Adults from {AGE_MIN_YEARS} years with a suspected infection.",
    source="Singer et al., Sepsis-3, JAMA 2016;315(8):801-810; Seymour et al., JAMA 2016;315(8):762-774.",
    form=Form.SCORE,
    fields=FIELDS,
    rules=RULES,
    judge=_judge,
)
