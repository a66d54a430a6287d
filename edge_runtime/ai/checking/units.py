"""Units as people write and say them, and what they have in common: a figure is compared in one unit of its kind.

Owns the table. Only exact relations are in it: grams and milligrams, weeks and days; pounds are not turned into
kilograms, because a text that does so says something new. A month counts 30 days and a year 12 months. Pure.

Source: BIPM, The International System of Units, 9th edition; ISMP, List of Error-Prone Abbreviations (for what is
written in practice).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.checking.words import listed

TIME: Final = "time"
_MONTH: Final = 30.0
_LINES: Final = f"""
mass 1 = mg | mgs | m g | milligram | milligrams | milligramme | milligrammes
mass 1000 = g | gm | gms | gram | grams | gramme | grammes
mass 0.001 = mcg | m c g | ug | mug | \u03bcg | microgram | micrograms
weight 1 = kg | kgs | kilo | kilos | kilogram | kilograms
pound 1 = lb | lbs | pound | pounds
ounce 1 = oz | ounce | ounces
volume 1 = ml | mls | m l | c c | cc | ccs | milliliter | milliliters | millilitre | millilitres
volume 1000 = l | liter | liters | litre | litres
unit 1 = unit | units | iu | ius | u | international units
equivalent 1 = meq | milliequivalent | milliequivalents
mole 1 = mmol | millimole | millimoles
share 1 = % | percent | per cent | percentage
temperature/f 1 = degrees fahrenheit | degree fahrenheit | degrees f | fahrenheit | \u00b0f | \u00b0 f | f
temperature/c 1 = degrees celsius | degree celsius | degrees c | celsius | centigrade | \u00b0c | \u00b0 c | c
temperature 1 = degrees | degree | \u00b0 | deg
pressure 1 = mmhg | mm hg | millimeters of mercury | millimetres of mercury
rate 1 = bpm | beats per minute | beats a minute | breaths per minute | breaths a minute | beats / min | breaths / min
rate 1 = / min | / minute | per minute | per min | beats / minute | breaths / minute
length 1 = mm | millimeter | millimeters | millimetre | millimetres
length 10 = cm | centimeter | centimeters | centimetre | centimetres
inch 1 = inch | inches
foot 1 = ft | foot | feet
mile 1 = mile | miles
time {1 / 86400} = seconds | secs | sec
time {1 / 1440} = minute | minutes | min | mins
time {1 / 24} = hour | hours | hr | hrs | h
time 1 = day | days | d | night | nights
time 7 = week | weeks | wk | wks
time {_MONTH} = month | months | mo | mos
time {12 * _MONTH} = year | years | yr | yrs | yo | y / o | year old | years old | years of age
tablet 1 = tablet | tablets | tab | tabs | pill | pills | capsule | capsules | cap | caps | caplet | caplets
puff 1 = puff | puffs | inhalation | inhalations | spray | sprays
drop 1 = drop | drops | gtt | gtts
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure.

    Attributes:
        kind: units of one kind are compared.
        scale: how many of the kind's first unit it is.
    """

    kind: str
    scale: float


def _read() -> dict[tuple[str, ...], Unit]:
    found = {}
    for line in _LINES.strip().splitlines():
        head, _, names = line.partition(" = ")
        kind, scale = head.split()
        for name in names.split("|"):
            found[tuple(name.split())] = Unit(kind, float(scale))
    return found


UNITS: Final[Mapping[tuple[str, ...], Unit]] = MappingProxyType(_read())
"""By the words of its name."""
NAME_WORDS_MAX: Final = max(map(len, UNITS))
DOSES: Final = frozenset({"mass", "volume", "unit", "equivalent", "mole", "tablet", "puff", "drop"})
"""Kinds that measure out a drug."""
_OVER: Final = listed(
    """
    dl ml l kg hr h hour hours min day m m2 ul mm actuation dose tablet
    """
)
_LETTERS: Final = listed(
    """
    f c g l u d h
    """
)
"""Units of one letter: only right after digits."""


def unit_at(texts: Sequence[str], place: int, *, digits: bool) -> tuple[Unit, int] | None:
    """The unit that begins at a word.

    Args:
        texts: the words.
        place: of the first.
        digits: whether the figure before it was written in digits.

    Returns:
        The unit, and the place behind it; None where there is none.
    """
    for length in range(min(NAME_WORDS_MAX, len(texts) - place), 0, -1):
        unit = UNITS.get(tuple(texts[place : place + length]))
        if unit is None or (length == 1 and texts[place] in _LETTERS and not digits):
            continue
        behind = place + length
        over = texts[behind + 1 : behind + 2]
        if texts[behind : behind + 1] in (["/"], ["per"]) and over and over[0] in _OVER and unit.kind != TIME:
            if over[0] == "day":
                return unit, behind
            return Unit(f"{unit.kind}/{'dl' if over[0] == 'dl' else over[0]}", unit.scale), behind + 2
        return unit, behind
    return None
