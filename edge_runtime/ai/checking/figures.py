"""Every figure of a text: its value, its unit, and the form that it was written in.

Owns how figures are read, in digits or words: plain ones, ratios (120/80, three out of six), dates, how often in a day.
Refuses to judge: `numbers` compares. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import zip_longest
from typing import Final

from edge_runtime.ai.checking.frequencies import Often, often_after, often_at
from edge_runtime.ai.checking.number_words import POWERS, WORDS, said_at
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.units import Unit, unit_at

_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_COMMA: Final = re.compile(r"\d+,\d+")
_TIMES: Final = re.compile(r"x(\d{1,4})")
_RATIOS: Final = {("/",): 1, ("over",): 1, ("out", "of"): 2, ("on",): 1}
_JOINTS: Final = frozenset({"-", "to", "or", ",", "and"})
_ENDINGS: Final = frozenset({"st", "nd", "rd", "th"})
_HUNDRED: Final = 100
_ALL_FOUR: Final = frozenset({"extremities", "quadrants", "limbs"})
DIGITS_MAX: Final = 15
"""Digits of one figure; a longer row of digits is a number of some register, and compared as it is written."""


class Form(Enum):
    """How a figure was written."""

    PLAIN = "plain"
    RATIO = "ratio"
    DATE = "date"
    OFTEN = "often"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure.

    Attributes:
        form: of it.
        values: one value, two of a ratio, three of a date, times a day.
        readings: of a plain figure: everything that it may mean.
        unit: None where none was written.
        first: place of its first word.
        behind: place of the word behind it and its unit.
        spelled: whether it was written in words.
    """

    form: Form
    values: tuple[float, ...]
    readings: frozenset[float]
    unit: Unit | None
    first: int
    behind: int
    spelled: bool

    @property
    def claims(self) -> bool:
        """Whether a draft that holds it says how many: "one" in prose does not, nor does the beginning of a scale."""
        if self.form is not Form.PLAIN or self.unit is not None:
            return True
        return self.values[0] > 1 if self.spelled else self.values[0] > 0


def figures(page: Page) -> list[Figure]:
    """Every figure of a text, in order and without overlap."""
    found: list[Figure] = []
    place, item = 0, 1
    while place < len(page.texts):
        if page.texts[place] == str(item) and _is_item(page, place):
            place, item = place + 2, item + 1
            continue
        one = _figure(page, place)
        if one is not None:
            found.append(one)
        place = one.behind if one is not None else place + 1
    return list(_shared_units(page, found))


def _is_item(page: Page, place: int) -> bool:
    """Whether a number counts the items of a list."""
    behind = page.texts[place + 1 : place + 2]
    if behind not in (["."], [")"]) or page.ends(place) != page.starts(place + 1):
        return False
    spaced = page.ends(place + 1) < len(page.plain) and page.plain[page.ends(place + 1)].isspace()
    return spaced and (place == 0 or page.texts[place - 1] in {".", ":", ";", "\u2022"} or page.opens(place))


def _figure(page: Page, place: int) -> Figure | None:
    texts = page.texts
    often = often_at(texts, place)
    if often is not None:
        return _often(place, often, spelled=False)
    one = _number(page, place)
    if one is None or _is_name(page, place):
        return None
    after = often_after(texts, one.behind, one.values[0])
    if after is not None:
        return _often(place, after, spelled=one.spelled)
    return _with_unit(page, _ratio(page, one) or one)


def _often(place: int, often: Often, *, spelled: bool) -> Figure:
    return Figure(Form.OFTEN, (often.daily,), frozenset(), None, place, often.behind, spelled)


def _is_name(page: Page, place: int) -> bool:
    """Whether digits are part of a name: covid-19, omega-3, #2."""
    if place == 0 or page.ends(place - 1) != page.starts(place):
        return False
    before = page.texts[place - 1]
    if before == "#":
        return True
    letters = page.texts[place - 2] if place > 1 else ""
    joined = before == "-" and letters[:1].isalpha() and page.ends(place - 2) == page.starts(place - 1)
    return joined and letters not in WORDS and letters not in POWERS


def _number(page: Page, place: int) -> Figure | None:
    """A number alone, in digits or words."""
    text = page.texts[place]
    times = _TIMES.fullmatch(text)
    if times is not None:
        text = times[1]
    if text[0].isdigit() or (text[0] == "." and len(text) > 1):
        return _digits(page, place, text)
    said = said_at(page.texts, place)
    if said is None or (page.texts[place + 1 : place + 2] and page.texts[place + 1] in _ALL_FOUR):
        return None
    return Figure(Form.PLAIN, (said.value,), said.readings, None, place, said.behind, spelled=True)


def _digits(page: Page, place: int, text: str) -> Figure:
    behind = place + 1
    readings = set()
    if len(text) > DIGITS_MAX or text.count(".") > 1:
        value = float(abs(hash_of(text)))
    elif _GROUPED.fullmatch(text):
        value = float(text.replace(",", ""))
        readings.add(float(text.replace(",", ".", 1).replace(",", "")) if "." not in text else value)
    elif _COMMA.fullmatch(text):
        value = float(text.replace(",", "."))
    else:
        value = float(text.split(",", maxsplit=1)[0] or 0) if text.count(",") else float(text)
    following = page.texts[behind : behind + 3]
    if following[:1] and following[0] in POWERS:
        value, behind = value * POWERS[following[0]], behind + 1
    elif following[:1] == ["point"] and following[1:2] and following[1].isdigit() and value.is_integer():
        value, behind = float(f"{int(value)}.{following[1]}"), behind + 2
    elif following in (["and", "a", "half"], ["and", "one", "half"], ["1", "/", "2"]):
        value, behind = value + 0.5, behind + 3
    elif page.texts[behind : behind + 4] == ["-", "1", "/", "2"]:
        value, behind = value + 0.5, behind + 4
    elif following[:1] == ["s"] and value > _HUNDRED:
        readings.add(value % _HUNDRED)
    elif following[:1] and following[0] in _ENDINGS and page.ends(place) == page.starts(behind):
        behind += 1
    return Figure(Form.PLAIN, (value,), frozenset({value, *readings}), None, place, behind, spelled=False)


def hash_of(text: str) -> int:
    """A number for a row of digits that is no quantity; the same row gives the same, in every run."""
    return int(text.replace(".", "").replace(",", "")[:300]) % (2**52) + 2**52


def _ratio(page: Page, one: Figure) -> Figure | None:
    """A ratio, a time of day or a date that a number begins."""
    texts = page.texts
    for sign, length in _RATIOS.items():
        if tuple(texts[one.behind : one.behind + length]) == sign and one.behind + length < len(texts):
            two = _number(page, one.behind + length)
            if two is None or (sign == ("on",) and two.values[0] < 20):  # noqa: PLR2004 "on two tablets" is no pressure
                return None
            tight = sign == ("/",) and texts[two.behind : two.behind + 1] == ["/"] and two.behind + 1 < len(texts)
            three = _number(page, two.behind + 1) if tight else None
            if three is not None:
                values = (one.values[0], two.values[0], three.values[0] % 100)
                return replace(one, form=Form.DATE, values=values, behind=three.behind)
            return replace(one, form=Form.RATIO, values=one.values + two.values, behind=two.behind)
    if texts[one.behind : one.behind + 1] == [":"] and page.ends(one.behind - 1) == page.starts(one.behind):
        two = _number(page, one.behind + 1) if one.behind + 1 < len(texts) else None
        if two is not None and page.ends(one.behind) == page.starts(one.behind + 1):
            return replace(one, form=Form.RATIO, values=one.values + two.values, behind=two.behind)
    return None


def _with_unit(page: Page, one: Figure) -> Figure:
    texts = page.texts
    place = one.behind
    if texts[place : place + 1] == ["-"] and page.ends(place) == page.starts(min(place + 1, len(texts) - 1)):
        place += 1
    if place >= len(texts) or one.form is Form.DATE:
        return one
    found = unit_at(texts, place, digits=not one.spelled and place == one.behind)
    if found is None:
        return one
    unit, behind = found
    if texts[behind : behind + 2] in (["-", "old"], ["of", "age"]):
        behind += 2
    elif texts[behind : behind + 1] == ["old"]:
        behind += 1
    return replace(one, unit=unit, behind=behind)


def _shared_units(page: Page, found: list[Figure]) -> Iterator[Figure]:
    """The figures, the unit of a range given to both its ends: "four to five miles"."""
    for one, two in zip_longest(found, found[1:]):
        joined = (
            two is not None
            and one.unit is None
            and one.form is Form.PLAIN
            and two.unit is not None
            and two.first == one.behind + 1
            and page.texts[one.behind] in _JOINTS
        )
        yield replace(one, unit=two.unit) if joined and two is not None else one
