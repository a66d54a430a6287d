"""What a figure is a figure of: a pulse, a temperature, an age; so that a right number at the wrong thing is found.

Owns the names of what is measured. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.checking.figures import Figure, Form
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.units import TIME

NEAR_WORDS_MAX: Final = 5
"""Words of a draft from a name to its figure."""
FAR_WORDS_MAX: Final = 16
"""Words of a source behind a name in which its figures stand."""
_LINES: Final = """
pressure = bp | blood pressure | pressure
pulse = hr | heart rate | pulse | heart beat | pulse rate
respiration = rr | respiratory rate | respirations | respiration | resp | breathing rate | breaths
temperature = temperature | temp | tmax | t
saturation = spo2 | sao2 | o2 sat | o2 sats | oxygen saturation | oxygen saturations | saturation | sat | sats
saturation = pulse ox
weight = weight | weighs | wt | weighed | weighing
height = height | ht
glucose = glucose | blood sugar | blood sugars | sugar | sugars | bg
a1c = a1c | hba1c | hemoglobin a1c
hemoglobin = hemoglobin | hgb | hb
hematocrit = hematocrit | hct
creatinine = creatinine | cr
potassium = potassium
sodium = sodium
lactate = lactate
platelets = platelets | platelet count | plt
white cells = wbc | white count | white blood cell count | white cells
inr = inr
troponin = troponin
bmi = bmi | body mass index
ejection = ejection fraction | ef | lvef
cholesterol = total cholesterol
ldl = ldl
hdl = hdl
tsh = tsh
gcs = gcs | glasgow coma scale
bilirubin = bilirubin
albumin = albumin
calcium = calcium
magnesium = magnesium
bun = bun
age = age | aged | old | years old | year old
"""


@cache
def _names() -> Mapping[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for line in _LINES.strip().splitlines():
        label, _, names = line.partition(" = ")
        found |= {tuple(name.split()): label for name in names.split(" | ")}
    return MappingProxyType(found)


@dataclass(frozen=True, slots=True)
class Labelled:
    """The figures of a source by what they are figures of.

    Attributes:
        values: for each name, the values that stand behind it.
    """

    values: Mapping[str, set[tuple[float, ...]]] = field(repr=False)

    def contradicts(self, label: str | None, figure: Figure) -> bool:
        """Whether the source gives other figures for what a draft's figure is one of, and not this one."""
        known = self.values.get(label or "")
        if figure.form is Form.OFTEN or (figure.unit is not None and figure.unit.kind == TIME):
            return False
        return bool(known) and known is not None and not any(one in known for one in _values(figure))


def labelled(page: Page, found: list[Figure], *, talks: bool) -> Labelled:
    """Lay out the figures of a source by their names: in a note the one before each, in talk all that may be."""
    values: defaultdict[str, set[tuple[float, ...]]] = defaultdict(set)
    names = sorted((place, label) for place, label in labels(page))
    at = 0
    recent: list[tuple[int, str]] = []
    for figure in found:
        while at < len(names) and names[at][0] < figure.first:
            recent.append(names[at])
            at += 1
        recent = [one for one in recent if figure.first - one[0] <= FAR_WORDS_MAX]
        for _, label in recent if talks else [one for one in recent if one[0] == recent[-1][0]]:
            values[label].update(_values(figure))
    return Labelled(values)


def label_of(page: Page, figure: Figure) -> str | None:
    """What a figure of a draft is a figure of, where the words right before it say so."""
    line = page.lines[page.line_of[figure.first]]
    names = _names()
    for place in range(figure.first - 1, max(line.first, figure.first - NEAR_WORDS_MAX) - 1, -1):
        if page.texts[place] in {",", ";", "and"} or page.texts[place][0].isdigit():
            return None
        for length in (1, 2, 3):
            label = names.get(tuple(page.texts[place - length + 1 : place + 1])) if place >= length - 1 else None
            if label is not None and label != "age":  # an age is told in too many ways to be held against a draft
                return label
    return None


def labels(page: Page) -> set[tuple[int, str]]:
    """Each name of a measurement in a text, by the place of its first word."""
    names = _names()
    firsts = {name[0] for name in names}
    texts = page.texts
    return {
        (place, label)
        for place, word in enumerate(texts)
        if word in firsts
        for length in (1, 2, 3, 4)
        if (label := names.get(tuple(texts[place : place + length]))) is not None
    }


def _values(figure: Figure) -> set[tuple[float, ...]]:
    if figure.form is Form.RATIO:
        return {figure.values, *((value,) for value in figure.values)}
    return {(value,) for value in figure.readings or figure.values}
