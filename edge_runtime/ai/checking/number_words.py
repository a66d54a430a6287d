"""Numbers as they are said: "one twenty" is 120, "ninety eight point six" is 98.6, "twenty ten" is 2010.

Owns how said numbers are read. Speech does not mark where one number ends, so a row of words has one best reading and
may have others; a source is searched by all of them, so that a true figure is never held against a draft. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final

ROW_MAX: Final = 12
"""Words of one said number."""
_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
WORDS: Final[Mapping[str, int]] = MappingProxyType(
    {word: value for value, word in enumerate(_SMALL.split())}
    | {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}
    | {"fourty": 40, "fourties": 40, "forties": 40, "twenties": 20, "thirties": 30, "fifties": 50, "sixties": 60}
    | {"seventies": 70, "eighties": 80, "nineties": 90}
)
"""Words below one hundred."""
POWERS: Final[Mapping[str, int]] = MappingProxyType({"hundred": 100, "thousand": 1000, "million": 1_000_000})
ORDINALS: Final[Mapping[str, int]] = MappingProxyType(
    {
        word: value
        for value, word in enumerate(
            [
                "first",
                "second",
                "third",
                "fourth",
                "fifth",
                "sixth",
                "seventh",
                "eighth",
                "ninth",
                "tenth",
                "eleventh",
                "twelfth",
                "thirteenth",
                "fourteenth",
                "fifteenth",
                "sixteenth",
                "seventeenth",
                "eighteenth",
                "nineteenth",
                "twentieth",
            ],
            start=1,
        )
    }
    | {"thirtieth": 30, "fortieth": 40, "fiftieth": 50}
)
_TENS_VALUES: Final = frozenset(range(20, 100, 10))
_OH: Final = frozenset({"oh", "o"})
_TWO_DIGITS: Final = 10
_HUNDRED: Final = 100


@dataclass(frozen=True, slots=True)
class Said:
    """A number that was said.

    Attributes:
        value: the best reading.
        readings: every reading, the best among them.
        behind: the place of the word behind it.
    """

    value: float
    readings: frozenset[float]
    behind: int


def said_at(texts: Sequence[str], place: int) -> Said | None:
    """The number that begins at a word; None where none does."""
    groups, behind = _groups(texts, place)
    if not groups:
        return _tail(texts, place) if texts[place] == "point" else None
    value, readings = _joined(groups)
    ordinal = ORDINALS.get(texts[behind], 20) if behind < len(texts) else 20
    if len(groups) == 1 and value in _TENS_VALUES and ordinal < _TWO_DIGITS:
        return Said(value + ordinal, frozenset({value + ordinal}), behind + 1)
    if texts[behind : behind + 1] == ["."] and behind + 1 < len(texts):
        after, _ = _groups(texts, behind + 1)  # a transcript's "seven . five"; its two numbers may also be two
        readings |= {float(f"{int(one)}.{after[0]}") for one in readings if after and 0 <= after[0] < _HUNDRED}
    if texts[behind : behind + 1] == ["point"]:
        tail, last = _groups(texts, behind + 1, decimals=True)
        if tail:
            digits = _written(tail)
            value = float(f"{int(value)}.{digits}")
            return Said(value, frozenset({value, *(float(f"{int(one)}.{digits}") for one in readings)}), last)
    if tuple(texts[behind : behind + 3]) in {("and", "a", "half"), ("and", "one", "half")}:
        return Said(value + 0.5, frozenset({value + 0.5}), behind + 3)
    return Said(value, readings, behind)


def _tail(texts: Sequence[str], place: int) -> Said | None:
    """Read "point five"."""
    tail, behind = _groups(texts, place + 1, decimals=True)
    if not tail:
        return None
    value = float(f"0.{_written(tail)}")
    return Said(value, frozenset({value}), behind)


def _written(groups: list[int]) -> str:
    """Numbers in a row as digits; one below zero stands for a digit behind "oh"."""
    return "".join(f"0{one + 1000}" if one < 0 else str(one) for one in groups)


def _groups(texts: Sequence[str], place: int, *, decimals: bool = False) -> tuple[list[int], int]:
    """The numbers in a row of words, each as large as its words allow."""
    groups: list[int] = []
    end = min(len(texts), place + ROW_MAX)
    while place < end:
        found = _group(texts, place, end, first=not groups and not decimals)
        if found is None:
            break
        value, place = found
        groups.append(value)
    return groups, place


def _group(texts: Sequence[str], place: int, end: int, *, first: bool) -> tuple[int, int] | None:
    word = texts[place]
    if word in _OH and not first and place + 1 < end and WORDS.get(texts[place + 1], 10) < _TWO_DIGITS:
        return WORDS[texts[place + 1]] - 1000, place + 2  # below zero: a digit behind "oh", for _joined
    begins = word in {"a", "one"} and place + 1 < end and texts[place + 1] in POWERS
    value = 1 if begins else WORDS.get(word)
    if value is None:
        return None
    place += 1
    if value >= 20 and place < end:  # noqa: PLR2004 from twenty on a digit may follow
        hyphen = 1 if texts[place] == "-" else 0
        digit = WORDS.get(texts[place + hyphen], 0) if place + hyphen < end else 0
        if 0 < digit < _TWO_DIGITS:
            value, place = value + digit, place + hyphen + 1
    while place < end and texts[place] in POWERS:
        value, place = value * POWERS[texts[place]], place + 1
        joined = place + 1 if place < end and texts[place] == "and" else place
        rest = _group(texts, joined, end, first=True) if joined < end else None
        if rest is not None and 0 < rest[0] < value:
            value, place = value + rest[0], rest[1]
    return value, place


def _joined(groups: list[int]) -> tuple[float, frozenset[float]]:
    """What a row of numbers means as one, and what else it may mean."""
    if len(groups) == 1:
        return float(groups[0]), frozenset({float(groups[0])})
    best = float(_written(groups))
    others = {float(one) for one in groups if one >= 0}
    pairs = {float(f"{one}{two}") for one, two in pairwise(groups) if one >= 0 and two >= 0}
    first, last = groups[0], groups[-1]
    if len(groups) == 2 and 0 < first < _HUNDRED and last < 0:  # noqa: PLR2004 "one oh one", "twenty oh four"
        best = float(first * _HUNDRED + last + 1000)
    return best, frozenset({best, *others, *pairs})
