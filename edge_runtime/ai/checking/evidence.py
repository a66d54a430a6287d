"""Whether a source bears a figure out: the same value in a unit of the same kind, said in any way.

Owns the comparison of figures. A source that says a value without its unit bears out the value with one, but a small
count of days, weeks or years must stand near a word of time. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.ai.checking.figures import DIGITS_MAX, Figure, Form, figures
from edge_runtime.ai.checking.number_words import ORDINALS
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.units import TIME, UNITS, Unit, unit_at
from edge_runtime.ai.checking.words import listed

NEAR_WORDS_MAX: Final = 14
"""Words around a bare count in which a word of time may stand."""
SCORE_WORDS_MAX: Final = 80
"""Words between a score and what it is out of: "from one to ten? ... I'd say seven"."""
PLACES_MAX: Final = 256
"""Places of one value that are kept: a source that says a value so often says it of many things."""
_SMALL: Final = 12
_YEAR_MIN: Final = 1900
_YEAR_MAX: Final = 2100
_TEN: Final = 10
_VAGUE: Final = {
    "couple": 2.0,
    "few": 3.0,
    "half": 0.5,
    "dozen": 12.0,
    "pair": 2.0,
    "twice": 2.0,
    "both": 2.0,
    "twin": 2.0,
}
_SINGLE: Final = listed(
    """
    a an one per each every last next past this another /
    """
)
_ROMAN: Final = {"i": 1.0, "ii": 2.0, "iii": 3.0, "iv": 4.0, "v": 5.0, "vi": 6.0, "vii": 7.0, "viii": 8.0, "ix": 9.0}
_TAIL: Final = re.compile(r"[a-z]+(\d{1,6})")
_AGE: Final = frozenset({"old", "age", "aged", "i'm", "he's", "she's", "turned", "birthday"})
_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTH: Final = {name: float(value) for value, name in enumerate(_MONTHS.split(), start=1)}
_NAMES: Final = {
    scale: frozenset(name[0] for name, unit in UNITS.items() if unit.kind == TIME and unit.scale == scale)
    for scale in {unit.scale for unit in UNITS.values() if unit.kind == TIME}
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where a bare value stood."""

    place: int
    unit: str | None


class _Places(dict[float, list[_Seen]]):
    """Where each value stood; of one value not more places than matter."""

    def add(self, value: float, place: int, unit: str | None) -> None:
        known = self.setdefault(value, [])
        if len(known) < PLACES_MAX:
            known.append(_Seen(place, unit))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The figures of a source, to be asked.

    Attributes:
        page: the source.
        figures: of it.
        values: where each bare value stood, and with which kind of unit.
        measures: values in the first unit of their kind.
        pairs: ratios.
        dates: day, month, year, as they were written.
        often: times a day.
        months: that are named.
    """

    page: Page = field(repr=False)
    figures: list[Figure] = field(repr=False)
    values: _Places = field(repr=False)
    measures: set[tuple[str, float]] = field(repr=False)
    pairs: set[tuple[float, ...]] = field(repr=False)
    dates: set[tuple[float, ...]] = field(repr=False)
    often: set[float] = field(repr=False)
    months: set[float] = field(repr=False)

    def bears(self, one: Figure) -> bool:
        """Whether the source says a figure of a draft."""
        if one.form is Form.OFTEN:
            return one.values[0] in self.often
        if one.form is Form.DATE:
            return self._bears_date(one.values)
        if one.form is Form.RATIO:
            return self._bears_pair(one)
        return any(self._bears_value(value, one) for value in one.readings)

    def places(self, value: float, unit: Unit | None) -> list[int]:
        """Where the source says a value, with a unit of that kind or none."""
        kind = unit.kind.partition("/")[0] if unit is not None else None
        seen = self.values.get(value, ())
        return [one.place for one in seen if kind is None or one.unit is None or one.unit.partition("/")[0] == kind]

    def _bears_value(self, value: float, one: Figure) -> bool:
        seen = self.values.get(value, ())
        if one.unit is None:
            return bool(seen)
        if (one.unit.kind, round(value * one.unit.scale, 4)) in self.measures:
            return True
        if one.unit.kind != TIME:
            return any(each.unit is None or self._alike(each.unit, one.unit, value) for each in seen)
        bare = [each for each in seen if each.unit is None]
        return any(value > _SMALL or self._near_time(each.place, one.unit.scale) for each in bare)

    def _alike(self, kind: str, unit: Unit, value: float) -> bool:
        """Whether a kind of the source differs only in what it is measured against: mg and mg/dl."""
        short, ours = kind.partition("/")[0], unit.kind.partition("/")[0]
        return (
            short == ours
            and ("/" in kind) != ("/" in unit.kind)
            and (kind, round(value * unit.scale, 4)) in self.measures
        )

    def _near_time(self, place: int, scale: float) -> bool:
        around = self.page.texts[max(place - NEAR_WORDS_MAX, 0) : place + NEAR_WORDS_MAX]
        return any(word in _NAMES[scale] or (word in _AGE and scale >= 30) for word in around)  # noqa: PLR2004 months on

    def _bears_pair(self, one: Figure) -> bool:
        if one.values in self.pairs:
            return True
        left, right = one.values
        if right and round(left / right, 4) in self.values and left < right <= 4:  # noqa: PLR2004 halves and quarters
            return True
        if left in self.months and right >= _YEAR_MIN:
            return right in self.values or right % 100 in self.values
        clock = left * 100 + right
        if clock in self.values or (right == 0 and left in self.values):
            return True
        far = SCORE_WORDS_MAX if right <= _TEN else NEAR_WORDS_MAX
        others = [each.place for each in self.values.get(right, ())]
        return any(abs(each.place - other) <= far for each in self.values.get(left, ()) for other in others[:64])

    def _bears_date(self, values: tuple[float, ...]) -> bool:
        if values in self.dates:
            return True
        month, day, year = values
        known = any(one in self.months and other in self.values for one, other in ((month, day), (day, month)))
        years = {value for value in self.values if _YEAR_MIN <= value <= _YEAR_MAX}
        return known and (not years or bool({year, year + 1900, year + 2000} & self.values.keys()))


def evidence(source: Page) -> Evidence:
    """Lay out the figures of a source."""
    found = Evidence(source, figures(source), _Places(), set(), set(), set(), set(), set())
    for one in found.figures:
        if one.form is Form.OFTEN:
            found.often.add(one.values[0])
            found.values.add(float(round(one.values[0])), one.first, None)
        elif one.form is Form.DATE:
            found.dates.add(one.values)
            for value in (*one.values, one.values[2] + 2000, one.values[2] + 1900):
                found.values.add(value, one.first, None)
            found.months.update(one.values[:2])
        else:
            _add(found, one)
    covered = {place for one in found.figures for place in range(one.first, one.behind)}
    for place, word in enumerate(source.texts):
        if place in covered and word.isdigit():
            continue
        _add_word(found, place, word)
    return found


def _add(found: Evidence, one: Figure) -> None:
    kind = one.unit.kind if one.unit is not None else None
    if one.form is Form.RATIO:
        found.pairs.add(one.values)
        for value in one.values:
            found.values.add(value, one.first, "ratio")
        return
    for value in one.readings:
        found.values.add(value, one.first, kind)
        if one.unit is not None:
            found.measures.add((one.unit.kind, round(value * one.unit.scale, 4)))


def _add_word(found: Evidence, place: int, word: str) -> None:
    """What words say that are no numbers: "a week", "a couple of months", "type ii", "march", "l4"."""
    texts = found.page.texts
    value = _VAGUE.get(word) or _ROMAN.get(word) or ORDINALS.get(word)
    if value is not None:
        found.values.add(float(value), place, None)
        behind = place + 1 + (texts[place + 1 : place + 2] in (["of"], ["a"]))
        unit = unit_at(texts, behind, digits=False) if behind < len(texts) else None
        if unit is not None:
            found.measures.add((unit[0].kind, round(value * unit[0].scale, 4)))
            if word in {"couple", "few"}:
                found.measures.add((unit[0].kind, round(3 * unit[0].scale, 4)))
    elif word[0].isdigit() and word.isdigit() and len(word) <= DIGITS_MAX:
        found.values.add(float(word), place, None)
    elif word in _SINGLE and place + 1 < len(texts):
        unit = unit_at(texts, place + 1, digits=False)
        if unit is not None:
            found.measures.add((unit[0].kind, unit[0].scale))
            found.values.add(1.0, place, unit[0].kind)
            if texts[unit[1] : unit[1] + 3] == ["and", "a", "half"]:
                found.measures.add((unit[0].kind, 1.5 * unit[0].scale))
    elif word[:3] in _MONTH and word[0].isalpha():
        found.months.add(_MONTH[word[:3]])
        found.values.add(_MONTH[word[:3]], place, None)
    else:
        tail = _TAIL.fullmatch(word)
        if tail is not None:
            found.values.add(float(tail[1]), place, None)
