"""JumpSTART: triage of children, who stop breathing before their heart stops.

Source: Romig, "Pediatric triage: a system to JumpSTART your triage of young patients at MCIs", JEMS 2002;27(7):52-63;
the flow chart as the U.S. Department of Health and Human Services shows it (CHEMM, "JumpSTART Pediatric Triage
Algorithm"). It asks one thing after another and stops at the first that decides. Minor casualties, and infants who are
carried, are looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.scores.fields import AGE, RESPIRATORY_RATE, Fields, Truth, Word
from edge_runtime.clinical.scores.result import Result
from edge_runtime.clinical.scores.scale import Form, Read, Rule, Scale, age_refusal, halted, reached, refused
from edge_runtime.clinical.scores.start import AFTER_AIRWAY, BREATHING, WALKS, sorted_out

NAME: Final = "jumpstart"
AGE_MIN_YEARS: Final = 1
AGE_END_YEARS: Final = 9
"""A child who is 8 is still under this."""
RATE_MIN: Final = 15
RATE_MAX: Final = 45

FIELDS: Final[Fields] = (
    WALKS,
    BREATHING,
    AFTER_AIRWAY,
    Truth("palpable_pulse", "whether a peripheral pulse is felt; asked of those who breathe and of those who do not"),
    Truth(
        "breathing_after_rescue_breaths",
        "of one with a pulse who does not breathe: whether breathing resumes after five rescue breaths",
    ),
    RESPIRATORY_RATE,
    Truth("irregular_breathing", "whether breathing is irregular"),
    Word("avpu", "alert, responds to voice, to pain, unresponsive", ("A", "V", "P", "U")),
    Word("pain_response", "of one who responds to pain only: how", ("appropriate", "inappropriate")),
    AGE,
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "walks": Rule("Walks.", "minor", Triage.MINOR),
        "breathing_resumes": Rule("Breathes once the airway is opened.", "immediate", Triage.IMMEDIATE),
        "no_pulse_no_breath": Rule(
            "Does not breathe with the airway open, and has no palpable pulse.", "deceased", Triage.DECEASED
        ),
        "rescue_breaths_help": Rule("Breathes after five rescue breaths.", "immediate", Triage.IMMEDIATE),
        "rescue_breaths_fail": Rule("Does not breathe after five rescue breaths.", "deceased", Triage.DECEASED),
        "rate": Rule(
            "Breathes fewer than 15 or more than 45 times a minute, or irregularly.", "immediate", Triage.IMMEDIATE
        ),
        "no_pulse": Rule("Has no palpable pulse.", "immediate", Triage.IMMEDIATE),
        "mental_state": Rule("Responds inappropriately to pain, or not at all.", "immediate", Triage.IMMEDIATE),
        "none_of_these": Rule(
            "Does not walk; breathing and pulse are in order; alert, or responds to voice or appropriately to pain.",
            "delayed",
            Triage.DELAYED,
        ),
    }
)


def _judge(read: Read) -> Result:
    age = read.get("age_years")
    if isinstance(age, Decimal) and not AGE_MIN_YEARS <= age < AGE_END_YEARS:
        whom = f"a child of about {AGE_MIN_YEARS} to {AGE_END_YEARS - 1} years"
        got, do = ("a younger one", "use SALT") if age < AGE_MIN_YEARS else ("an older casualty", "use START, or SALT")
        return refused(NAME, age_refusal(whom, got, do))
    return sorted_out(NAME, RULES, read, breathes=_breathing, breathes_not=_not_breathing)


def _not_breathing(read: Read) -> Result:
    resumes, pulse = read.get("breathing_after_airway"), read.get("palpable_pulse")
    if resumes is None:
        return halted(NAME, "breathing_after_airway")
    if resumes:
        return reached(NAME, RULES, "breathing_resumes")
    if pulse is None:
        return halted(NAME, "palpable_pulse")
    if not pulse:
        return reached(NAME, RULES, "no_pulse_no_breath")
    rescued = read.get("breathing_after_rescue_breaths")
    if rescued is None:
        return halted(NAME, "breathing_after_rescue_breaths")
    return reached(NAME, RULES, "rescue_breaths_help" if rescued else "rescue_breaths_fail")


def _breathing(read: Read) -> Result:
    rate, irregular, pulse = (read.get(name) for name in ("respiratory_rate", "irregular_breathing", "palpable_pulse"))
    if irregular is True or (isinstance(rate, Decimal) and not RATE_MIN <= rate <= RATE_MAX):
        return reached(NAME, RULES, "rate")
    if rate is None:
        return halted(NAME, "respiratory_rate")
    if irregular is None:
        return halted(NAME, "irregular_breathing")
    if pulse is None:
        return halted(NAME, "palpable_pulse")
    return _mental_state(read) if pulse else reached(NAME, RULES, "no_pulse")


def _mental_state(read: Read) -> Result:
    response, to_pain = read.get("avpu"), read.get("pain_response")
    if response is None:
        return halted(NAME, "avpu")
    if response == "P" and to_pain is None:
        return halted(NAME, "pain_response")
    bad = response == "U" or (response == "P" and to_pain == "inappropriate")
    return reached(NAME, RULES, "mental_state" if bad else "none_of_these")


JUMPSTART: Final = Scale(
    name=NAME,
    title="JumpSTART, triage of children",
    whom=f"Children of about {AGE_MIN_YEARS} to {AGE_END_YEARS - 1} years.",
    source="Romig, A system to JumpSTART your triage of young patients at MCIs, JEMS 2002;27(7):52-63.",
    form=Form.CATEGORY,
    fields=FIELDS,
    rules=RULES,
    judge=_judge,
)
