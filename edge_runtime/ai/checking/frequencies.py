"""How often: once daily, b.i.d., every six hours, three times a week; all of them as times a day.

Owns the abbreviations of prescriptions and their words. Pure.

Source: ISMP, List of Error-Prone Abbreviations (qd, hs and the like are read, because they are still written).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.checking.number_words import WORDS

_DAYS: Final[Mapping[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("day", "daily", "d", "days", "night", "nightly", "morning", "evening", "bedtime"), 1.0),
        **dict.fromkeys(("nights", "mornings", "evenings", "noon", "24"), 1.0),
        **dict.fromkeys(("week", "weekly", "weeks", "wk"), 7.0),
        **dict.fromkeys(("month", "monthly", "months"), 30.0),
        **dict.fromkeys(("year", "yearly", "years", "annually"), 360.0),
        **dict.fromkeys(("hour", "hourly", "hours", "hr", "hrs", "h"), 1 / 24),
    }
)
_SHORT: Final[Mapping[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("qd", "qday", "daily", "od", "qhs", "qam", "qpm", "nightly", "qdaily", "hs", "q24h"), 1.0),
        **dict.fromkeys(("bid", "bd", "q12h"), 2.0),
        **dict.fromkeys(("tid", "tds", "q8h"), 3.0),
        **dict.fromkeys(("qid", "qds", "q6h"), 4.0),
        **dict.fromkeys(("qod",), 0.5),
        **dict.fromkeys(("weekly", "qweek"), 1 / 7),
        **dict.fromkeys(("monthly",), 1 / 30),
    }
)
_COUNTS: Final[Mapping[str, int]] = MappingProxyType({"once": 1, "twice": 2, "thrice": 3})
_EVERY: Final = frozenset({"every", "each", "per", "q", "/"})
_QH: Final = re.compile(r"q(\d{1,2})(h|hr|hrs|d|w)?")
_PER: Final = frozenset({"a", "per", "each", "every", "/", "in", "the", "one"})
_AT: Final = frozenset({("at", "bedtime"), ("at", "night"), ("in", "the", "morning"), ("in", "the", "evening")})


@dataclass(frozen=True, slots=True)
class Often:
    """How often something is done.

    Attributes:
        daily: times a day.
        behind: the place of the word behind it.
    """

    daily: float
    behind: int


def often_at(texts: Sequence[str], place: int) -> Often | None:
    """What begins at a word that is no number; None where nothing does."""
    word = texts[place]
    if word in _SHORT:
        return Often(round(_SHORT[word], 4), place + 1)
    if word in _COUNTS:
        return often_after(texts, place + 1, _COUNTS[word], bare=True)
    short = _QH.fullmatch(word)
    if short is not None and int(short[1]):
        per = short[2] or ("h" if texts[place + 1 : place + 2] and texts[place + 1] in {"h", "hours", "hrs"} else "d")
        days = {"w": 7.0, "d": 1.0}.get(per, 1 / 24) * int(short[1])
        return Often(round(1 / days, 4), place + (1 if short[2] else 2 if per == "h" else 1))
    if word in _EVERY:
        return _every(texts, place + 1)
    for words in _AT:
        if tuple(texts[place : place + len(words)]) == words:
            return Often(1.0, place + len(words))
    return None


def _every(texts: Sequence[str], place: int) -> Often | None:
    """Read "every six hours", "every other day", "each morning", "per day"."""
    if place >= len(texts):
        return None
    place += texts[place] == "." and place + 1 < len(texts)
    count, behind = 1.0, place
    if texts[place] == "other":
        count, behind = 2.0, place + 1
    elif texts[place].isdigit() or texts[place] in WORDS:
        count, behind = _count(texts[place]), place + 1
    if behind >= len(texts) or texts[behind] not in _DAYS or not count or texts[behind].isdigit():
        return None
    return Often(round(1 / (count * _DAYS[texts[behind]]), 4), behind + 1)


def _count(word: str) -> float:
    return float(WORDS[word] if word in WORDS else int(word[:4]) if word.isdigit() else 0)


def often_after(texts: Sequence[str], place: int, count: float, *, bare: bool = False) -> Often | None:
    """What follows a count: "times a day", "daily", "x / week"; `bare` where the count is once or twice."""
    named = texts[place : place + 1] in (["times"], ["time"], ["x"])
    if named:
        place += 1
    elif not bare:
        return None
    first = place
    while place < len(texts) and texts[place] in _PER and place < first + 2:
        place += 1
    if place >= len(texts) or texts[place] not in _DAYS or texts[place].isdigit() or count <= 0:
        return None
    said = texts[place].endswith("ly")
    return Often(round(count / _DAYS[texts[place]], 4), place + 1) if place > first or said else None
