"""Observations append; vital signs are known by their LOINC codes, and an implausible value asks for confirmation.

A correction supersedes and keeps the old value; corrections that differ are a review. Nothing is refused for its value:
shock and arrest are real. An author who was asked and stands by a value says so by `confirmed`.

LOINC codes are used under the LOINC licence (loinc.org/license); copyright Regenstrief Institute.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from edge_runtime.clinical.layout import SYSTEMS
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import normalised, number, same_number
from edge_runtime.clinical.succession import Scope, links, origin, parted, successors, threads
from edge_runtime.facts import Fact, FactId, PlacedFact


@dataclass(frozen=True, slots=True)
class Vital:
    """A vital sign.

    Attributes:
        name: what to call it.
        ranges: lowest and highest plausible value for each UCUM unit that it may be given in.
    """

    name: str
    ranges: Mapping[str, tuple[Decimal, Decimal]]


def _vital(name: str, **ranges: tuple[str, str]) -> Vital:
    return Vital(name, {_UNITS[unit]: (Decimal(low), Decimal(high)) for unit, (low, high) in ranges.items()})


_UNITS: Final = {
    "mmhg": "mm[Hg]",
    "per_minute": "/min",
    "percent": "%",
    "celsius": "Cel",
    "fahrenheit": "[degF]",
    "kilograms": "kg",
    "centimetres": "cm",
    "score": "{score}",
    "mg_per_dl": "mg/dL",
    "mmol_per_l": "mmol/L",
    "litres_per_minute": "L/min",
}

_LOINC: Final = "http://loinc.org"
SYSTOLIC: Final = "8480-6"
DIASTOLIC: Final = "8462-4"

VITALS: Final[Mapping[str, Vital]] = MappingProxyType(
    {
        # Systolic, heart rate and saturation: the ranges that the product's requirements ask for (row 9).
        SYSTOLIC: _vital("systolic blood pressure", mmhg=("50", "300")),
        "8867-4": _vital("heart rate", per_minute=("20", "250")),
        "2708-6": _vital("oxygen saturation", percent=("70", "100")),
        "59408-5": _vital("oxygen saturation by pulse oximetry", percent=("70", "100")),
        # The requirements are silent on what follows. These ranges are ours: wide enough for patients who live, narrow
        # enough to catch a slipped decimal point, a swapped field or another unit. They judge typing, not health.
        DIASTOLIC: _vital("diastolic blood pressure", mmhg=("20", "200")),
        "9279-1": _vital("respiratory rate", per_minute=("4", "80")),  # a newborn's 60 is normal; apnoea asks
        # Survivors are on record at 13.7 (Gilbert, Lancet 2000) and 46.5 Celsius (Slovis, Ann Emerg Med 1982).
        "8310-5": _vital("body temperature", celsius=("25", "44"), fahrenheit=("77", "111.2")),
        "29463-7": _vital("body weight", kilograms=("0.3", "400")),
        "8302-2": _vital("body height", centimetres=("20", "250")),
        "9269-2": _vital("Glasgow coma score", score=("3", "15")),  # by definition of the scale, as its parts
        "9267-6": _vital("Glasgow coma score, eyes", score=("1", "4")),
        "9270-0": _vital("Glasgow coma score, verbal", score=("1", "5")),
        "9268-4": _vital("Glasgow coma score, motor", score=("1", "6")),
        "3151-8": _vital("inhaled oxygen flow", litres_per_minute=("0", "80")),  # high-flow therapy gives up to 80
        "3150-0": _vital("inhaled oxygen concentration", percent=("21", "100")),  # room air to pure
        "2339-0": _vital("blood glucose", mg_per_dl=("20", "1000")),
        "15074-8": _vital("blood glucose", mmol_per_l=("1.1", "55.5")),
    }
)
"""Vital signs by LOINC code; a blood pressure panel (85354-9) carries its two as components."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation, current or corrected.

    Attributes:
        fact: what was stated.
        corrected_by: the facts that supersede it; empty for a current one.
        question: what to confirm about its value; None where nothing is implausible, or it was confirmed.
    """

    fact: PlacedFact
    corrected_by: tuple[FactId, ...]
    question: str | None


def derive_observations(
    scope: Scope, facts: Sequence[PlacedFact]
) -> tuple[tuple[Observation, ...], tuple[Review, ...]]:
    """Derive the observations from the readable observation facts of one document, in order."""
    corrected = successors(facts)
    found = tuple(Observation(fact, corrected.get(fact.id, ()), needs_confirmation(fact.fact)) for fact in facts)
    return found, tuple(_correction_reviews(scope, facts))


def needs_confirmation(fact: Fact) -> str | None:
    """What to ask the author of an observation before it is signed; None where nothing needs asking.

    The question names the vital sign and its range, never the value.
    """
    if fact.payload.get("confirmed") is True:
        return None
    measured = list(_measurements(fact))
    return next(_questions(measured), None) if measured else None


def _questions(measured: Sequence[tuple[str, Decimal, str]]) -> Iterator[str]:
    for code, value, unit in measured:
        vital = VITALS[code]
        low_high = vital.ranges.get(unit)
        if low_high is None:
            yield f"{vital.name} is expected in {' or '.join(vital.ranges)}: is the unit right?"
        elif not low_high[0] <= value <= low_high[1]:
            yield f"{vital.name} is outside {low_high[0]} to {low_high[1]} {unit}: was this measured?"
    pressures = {code: value for code, value, _ in measured}
    if SYSTOLIC in pressures and DIASTOLIC in pressures and pressures[DIASTOLIC] >= pressures[SYSTOLIC]:
        yield "diastolic blood pressure is not below the systolic: were they swapped?"


def _measurements(fact: Fact) -> Iterator[tuple[str, Decimal, str]]:
    """Every number of an observation that is a vital sign: code, value, unit."""
    components = fact.payload.get("components")
    for part in (fact.payload, *components) if isinstance(components, list) else (fact.payload,):
        if not isinstance(part, (dict, Mapping)):
            continue
        code = part.get("code")
        if not isinstance(code, str) or code not in VITALS or not is_loinc(part):
            continue
        value, unit = number(part.get("value")), part.get("unit")
        if value is not None:
            yield code, value, unit if isinstance(unit, str) else ""


def is_loinc(part: Mapping[Any, Any]) -> bool:
    """Whether a part is coded in LOINC; without a system, its code is one."""
    system = part.get("system")
    if not isinstance(system, str):
        return "code" in part
    if system != _LOINC:
        system = normalised(system)
        system = SYSTEMS.get(system, system)
    return system in {"loinc", _LOINC} and "code" in part


def parts(fact: Fact) -> Iterator[dict[str, str]]:
    """The texts of the observation itself, then of each of its components."""
    components = fact.payload.get("components")
    for part in (fact.payload, *(components if isinstance(components, list) else ())):
        if isinstance(part, (dict, Mapping)):
            yield {str(name): value for name, value in part.items() if isinstance(value, str)}


def _correction_reviews(scope: Scope, facts: Sequence[PlacedFact]) -> Iterator[Review]:
    for thread in threads(_replaced_or_replacing(facts), links):
        standing, _ = parted(thread)
        if len({_content(fact.fact) for fact in standing}) < 2:  # noqa: PLR2004 a conflict takes two
            continue
        reason = "It was corrected in different ways; all of them are shown."
        kind, subject = ReviewKind.OBSERVATION_CORRECTION, str(origin(thread))
        yield raise_review(scope, kind, subject, standing, display=display, reason=reason)


def _replaced_or_replacing(facts: Sequence[PlacedFact]) -> list[PlacedFact]:
    """Those that a correction concerns; of thousands most often a few."""
    named = {earlier for fact in facts for earlier in fact.fact.supersedes}
    return [fact for fact in facts if fact.fact.supersedes or fact.id in named]


def _content(fact: Fact) -> tuple[Hashable, ...]:
    """What an observation says, equal for two that say the same."""
    names = ("code", "text", "unit", "finding", "effective")
    measured = [
        (same_number(part.get("value", "")), *(normalised(part.get(name, "")) for name in names))
        for part in parts(fact)
    ]
    return (measured[0], *sorted(measured[1:]))


def display(fact: PlacedFact) -> str:
    """What an observation says, in a few words."""
    names = ("text", "value", "unit", "finding")
    return " ".join(part[name] for part in parts(fact.fact) for name in names if name in part)
