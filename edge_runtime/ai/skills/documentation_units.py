"""Vital signs and doses of a note that cannot be meant in the unit that they have, or have none where it matters.

Owns those rules. The ranges are those of `clinical.vitals`, which judge typing and not health; those of drugs are ours,
wide, and judge a slipped unit, never a dose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.checking.drugs import sound
from edge_runtime.ai.skills.drug_lines import DrugLine
from edge_runtime.ai.skills.readings import (
    GLUCOSE,
    GLUCOSE_MOLAR,
    HEIGHT,
    TEMPERATURE,
    WEIGHT,
    Reading,
)
from edge_runtime.ai.skills.remarks import Remark, RemarkKind
from edge_runtime.clinical.vitals import DIASTOLIC, SYSTOLIC, VITALS

_NEED_A_UNIT: Final = frozenset({TEMPERATURE, WEIGHT, HEIGHT, GLUCOSE})
_CALLED: Final[Mapping[str, str]] = MappingProxyType(
    {"Cel": "Celsius", "[degF]": "Fahrenheit", "kg": "kilograms", "cm": "centimetres", "mg/dL": "mg/dL"}
)
_CONVERTED: Final[Mapping[tuple[str, str], tuple[str, Decimal]]] = MappingProxyType(
    {
        (WEIGHT, "[lb_av]"): ("kg", Decimal("0.45359237")),
        (WEIGHT, "g"): ("kg", Decimal("0.001")),
        (HEIGHT, "m"): ("cm", Decimal(100)),
        (HEIGHT, "[in_i]"): ("cm", Decimal("2.54")),
        (HEIGHT, "[ft_i]"): ("cm", Decimal("30.48")),
    }
)
"""Units that the ranges do not have, and what one of each is in one that they have. Source: NIST SP 811, appendix B."""
_MASS_INDEX_LOW, _MASS_INDEX_HIGH = Decimal(7), Decimal(110)
"""kg/m2: outside of these, weight and height were rather swapped or mistyped."""
_IN_MICROGRAMS: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        "levothyroxine": Decimal(1),
        "liothyronine": Decimal(1),
        "digoxin": Decimal("1.5"),
        "fentanyl": Decimal(2),
        "misoprostol": Decimal(2),
        "desmopressin": Decimal(1),
        "tamsulosin": Decimal(2),
        "salbutamol": Decimal(20),
        "albuterol": Decimal(20),
        "colchicine": Decimal(5),
        "clonidine": Decimal(2),
    }
)
"""Drugs that are given in micrograms or very few milligrams, and milligrams above which the unit is asked about."""
_GRAMS_MAX: Final = Decimal(30)
_MICROGRAM_DRUGS_ONLY: Final = frozenset(
    {
        *("paracetamol", "acetaminophen", "ibuprofen", "naproxen", "aspirin", "diclofenac", "amoxicillin"),
        *("flucloxacillin", "cefalexin", "cephalexin", "ceftriaxone", "azithromycin", "clarithromycin"),
        *("doxycycline", "ciprofloxacin", "metronidazole", "metformin", "atorvastatin", "simvastatin"),
        *("omeprazole", "lisinopril", "enalapril", "losartan", "amlodipine", "prednisone", "prednisolone"),
        *("gabapentin", "sertraline", "furosemide", "nitrofurantoin", "trimethoprim"),
    }
)
"""Drugs of which nobody gives micrograms."""
_LIMITS: Final = {key: limit for name, limit in _IN_MICROGRAMS.items() for key in (name, sound(name))}
_NEVER_MICROGRAMS: Final = frozenset(key for name in _MICROGRAM_DRUGS_ONLY for key in (name, sound(name)))


def reading_remarks(found: tuple[Reading, ...]) -> Iterator[Remark]:
    """What is wrong with the units of vital signs."""
    for one in found:
        place = ((one.start, one.end),)
        if not one.unit and one.code in _NEED_A_UNIT:
            yield Remark(RemarkKind.MISSING, f"The {one.name} has no unit.", place)
        asked = _implausible(one)
        if asked:
            yield Remark(RemarkKind.UNIT, asked, place)
    yield from _swapped(found)


def _implausible(one: Reading) -> str:
    """What to ask about a value; empty where it may well be."""
    ranges = VITALS[one.code].ranges
    if one.code == SYSTOLIC and one.diastolic is not None:
        low, high = VITALS[DIASTOLIC].ranges["mm[Hg]"]
        if one.diastolic >= one.value:
            return "The diastolic blood pressure is not below the systolic: were they swapped?"
        if not low <= one.diastolic <= high:
            return f"The diastolic blood pressure is outside {low} to {high} mmHg: was this measured?"
    unit, value = one.unit, one.value
    if (one.code, unit) in _CONVERTED:
        unit, factor = _CONVERTED[one.code, unit]
        value *= factor
    if unit in ranges and not _within(value, ranges[unit]):
        other = next((name for name, bounds in _ranges(one).items() if name != unit and _within(value, bounds)), None)
        fits = f" It would fit {_CALLED.get(other, other)}." if other else ""
        return f"The {one.name} is outside what is plausible in {_CALLED.get(unit, unit)}: is the unit right?{fits}"
    if not unit and not any(_within(value, bounds) for bounds in _ranges(one).values()):
        return f"The {one.name} is plausible in no unit: was this measured?"
    return ""


def _ranges(one: Reading) -> Mapping[str, tuple[Decimal, Decimal]]:
    """The plausible ranges by unit, of both codes of a blood glucose."""
    if one.code in {GLUCOSE, GLUCOSE_MOLAR}:
        return {**VITALS[GLUCOSE].ranges, **VITALS[GLUCOSE_MOLAR].ranges}
    return VITALS[one.code].ranges


def _within(value: Decimal, bounds: tuple[Decimal, Decimal]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _swapped(found: tuple[Reading, ...]) -> Iterator[Remark]:
    """Weight and height that no body has together."""
    weight = next((one for one in found if one.code == WEIGHT and one.unit == "kg"), None)
    height = next((one for one in found if one.code == HEIGHT and one.unit == "cm"), None)
    if weight is None or height is None or not height.value:
        return
    index = weight.value / (height.value / 100) ** 2
    if not _MASS_INDEX_LOW <= index <= _MASS_INDEX_HIGH:
        yield Remark(
            RemarkKind.UNIT,
            "Weight and height do not fit each other: were they swapped, or is a unit wrong?",
            ((weight.start, weight.end), (height.start, height.end)),
        )


def dose_remarks(lines: tuple[DrugLine, ...]) -> Iterator[Remark]:
    """Doses whose unit slipped by a thousand."""
    for line in lines:
        for amount in line.amounts:
            place = ((line.start, line.end), (amount.start, amount.end))
            milligrams = amount.milligrams
            limit = min((_LIMITS[key] for key in line.keys if key in _LIMITS), default=None)
            if milligrams is not None and limit is not None and milligrams > limit:
                yield Remark(RemarkKind.UNIT, f"{line.said}: is the unit micrograms rather than {amount.unit}?", place)
            elif amount.unit == "mcg" and not line.keys.isdisjoint(_NEVER_MICROGRAMS):
                yield Remark(RemarkKind.UNIT, f"{line.said}: is the unit milligrams rather than micrograms?", place)
            elif amount.unit == "g" and amount.value > _GRAMS_MAX:
                yield Remark(RemarkKind.UNIT, f"{line.said}: is the unit milligrams rather than grams?", place)
