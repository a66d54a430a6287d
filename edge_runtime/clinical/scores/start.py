"""START, simple triage and rapid treatment: walks, breathes, perfusion, commands.

Source: START adult triage algorithm (Super, Groth, Hook; Newport Beach Fire Department and Hoag Hospital, 1983, revised
1994), as the U.S. Department of Health and Human Services shows it (CHEMM, "START Adult Triage Algorithm"). The flow
chart asks one thing after another and stops at the first that decides: what stands later is not looked at.

Perfusion is judged by capillary refill, by the radial pulse (revision of 1994, for darkness and cold), or by both; one
bad sign decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.scores.fields import AGE, RESPIRATORY_RATE, Amount, Fields, Truth
from edge_runtime.clinical.scores.inputs import contradiction
from edge_runtime.clinical.scores.result import Result
from edge_runtime.clinical.scores.scale import Form, Read, Rule, Scale, age_refusal, halted, reached, refused

_Branch: TypeAlias = Callable[[Read], Result]
NAME: Final = "start"
AGE_MIN_YEARS: Final = 8
RATE_MAX: Final = 30
REFILL_MAX_S: Final = 2
_REFILL_PLAUSIBLE_S: Final = (Decimal(0), Decimal(20))
WALKS_WITHOUT_BREATH: Final = "Walks, and does not breathe: is this one casualty?"

WALKS: Final = Truth("walks", "whether the casualty walks when told to")
BREATHING: Final = Truth("breathing", "whether the casualty breathes; a respiratory_rate says it too")
AFTER_AIRWAY: Final = Truth(
    "breathing_after_airway", "of one who does not breathe: whether breathing resumes once the airway is opened"
)

FIELDS: Final[Fields] = (
    WALKS,
    BREATHING,
    AFTER_AIRWAY,
    RESPIRATORY_RATE,
    Amount("capillary_refill_s", "capillary refill; or radial_pulse in its place", "seconds", _REFILL_PLAUSIBLE_S),
    Truth("radial_pulse", "whether a radial pulse is felt; or capillary_refill_s in its place"),
    Truth("obeys_commands", "whether the casualty follows simple commands"),
    AGE,
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "walks": Rule("Walks.", "minor", Triage.MINOR),
        "not_breathing": Rule("Does not breathe with the airway open.", "deceased", Triage.DECEASED),
        "breathing_resumes": Rule("Breathes once the airway is opened.", "immediate", Triage.IMMEDIATE),
        "rate_over_30": Rule("Breathes more than 30 times a minute.", "immediate", Triage.IMMEDIATE),
        "perfusion": Rule(
            "Capillary refill takes more than 2 seconds, or there is no radial pulse.", "immediate", Triage.IMMEDIATE
        ),
        "no_commands": Rule("Does not follow simple commands.", "immediate", Triage.IMMEDIATE),
        "none_of_these": Rule(
            "Does not walk; breathing, perfusion and commands are in order.", "delayed", Triage.DELAYED
        ),
    }
)


def _judge(read: Read) -> Result:
    age = read.get("age_years")
    if isinstance(age, Decimal) and age < AGE_MIN_YEARS:
        whom = f"a casualty of about {AGE_MIN_YEARS} years or more"
        return refused(NAME, age_refusal(whom, "a younger one", "use JumpSTART, from 1 year on, or SALT"))
    return sorted_out(NAME, RULES, read, breathes=_breathing, breathes_not=_not_breathing)


def _not_breathing(read: Read) -> Result:
    resumes = read.get("breathing_after_airway")
    if resumes is None:
        return halted(NAME, "breathing_after_airway")
    return reached(NAME, RULES, "breathing_resumes" if resumes else "not_breathing")


def _breathing(read: Read) -> Result:
    rate, commands = read.get("respiratory_rate"), read.get("obeys_commands")
    if not isinstance(rate, Decimal):
        return halted(NAME, "respiratory_rate")
    if rate > RATE_MAX:
        return reached(NAME, RULES, "rate_over_30")
    refill, pulse = read.get("capillary_refill_s"), read.get("radial_pulse")
    if refill is None and pulse is None:
        return halted(NAME, "capillary_refill_s", "radial_pulse")
    if pulse is False or (isinstance(refill, Decimal) and refill > REFILL_MAX_S):
        return reached(NAME, RULES, "perfusion")
    if commands is None:
        return halted(NAME, "obeys_commands")
    return reached(NAME, RULES, "none_of_these" if commands else "no_commands")


def sorted_out(name: str, rules: Mapping[str, Rule], read: Read, *, breathes: _Branch, breathes_not: _Branch) -> Result:
    """The first questions of START and JumpSTART: who walks waits; the others are told apart by their breath.

    Args:
        name: the flow chart's.
        rules: its own.
        read: what is known.
        breathes: how it goes on for one who breathes.
        breathes_not: and for one who does not.

    Raises:
        InputError: see `_found_breathing`.
    """
    breath, walks = _found_breathing(name, read), read.get("walks")
    if walks is None:
        return halted(name, "walks")
    if walks:
        return reached(name, rules, "walks", questions=[WALKS_WITHOUT_BREATH] if breath is False else [])
    if breath is None:
        return halted(name, "breathing")
    return breathes(read) if breath else breathes_not(read)


def _found_breathing(name: str, read: Read) -> bool | None:
    """Whether a casualty breathes: as it is said, or as a respiratory rate says.

    Raises:
        InputError: a casualty who breathes at a rate of 0.
    """
    said, rate = read.get("breathing"), read.get("respiratory_rate")
    if said is not None:
        if said and rate == 0:
            raise contradiction(f"{name}.respiratory_rate", "a number above 0 of one who breathes", "0")
        return bool(said)
    return None if rate is None else rate != 0


START: Final = Scale(
    name=NAME,
    title="START, simple triage and rapid treatment",
    whom=f"Adults, and children from about {AGE_MIN_YEARS} years.",
    source="START adult triage algorithm, Newport Beach Fire Department and Hoag Hospital, 1983, revised 1994.",
    form=Form.CATEGORY,
    fields=FIELDS,
    rules=RULES,
    judge=_judge,
)
