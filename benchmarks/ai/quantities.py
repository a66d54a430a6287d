"""Numbers, units and frequencies as they are said and written, for whoever plants, rewords or looks for facts.

Reads generously: whether a source holds a number must never be denied because it was spelled out.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORDS: Final = {word: value for value, word in enumerate(ONES)} | {word: 20 + 10 * n for n, word in enumerate(TENS)}
_LOOSE: Final = {"once": 1, "twice": 2, "half": 1, "quarter": 4, "single": 1, "both": 2, "couple": 2, "nought": 0}
_ORDINAL: Final = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "twelfth": 12, "fifteenth": 15, "twentieth": 20,
}  # fmt: skip
_HUNDRED: Final = 100
_RUN_MAX: Final = 6
"""Number words that belong together, at most."""
DIGITS: Final = re.compile(r"\d+(?:[.,]\d+)?")
_WORD: Final = re.compile(r"[a-z]+|\d+(?:[.,]\d+)?", re.IGNORECASE)
TIMED: Final = r"(?:day|week|month|year|hour|minute|hr|wk|yr)s?"

FREQUENCIES: Final = {
    "once daily": ("once daily", "once a day", "QD", "one time a day", "every day", "1 time daily", "daily"),
    "twice daily": ("twice daily", "twice a day", "BID", "two times a day", "b.i.d.", "2 times daily"),
    "three times daily": ("three times daily", "three times a day", "TID", "t.i.d.", "3 times daily"),
    "four times daily": ("four times daily", "four times a day", "QID", "4 times daily"),
    "once weekly": ("once weekly", "once a week", "weekly"),
    "every other day": ("every other day", "on alternate days"),
    "every 4 hours": ("every 4 hours", "every four hours", "q4h"),
    "every 6 hours": ("every 6 hours", "every six hours", "q6h"),
    "every 8 hours": ("every 8 hours", "every eight hours", "q8h"),
    "at night": ("at night", "at bedtime", "nightly", "QHS"),
    "as needed": ("as needed", "PRN", "when needed", "if needed", "p.r.n."),
    "in the morning": ("in the morning", "each morning", "every morning"),
}
UNITS: Final = {
    "mg": ("mg", "milligrams", "milligram"),
    "microgram": ("micrograms", "mcg", "µg", "μg", "microgram"),
    "g": ("g", "grams", "gram"),
    "ml": ("ml", "mL", "millilitres", "milliliters"),
    "units": ("units", "international units", "IU"),
    "%": ("%", "percent", "per cent"),
}
"""Units of a dose, the first of each as it is written most."""


def frequency_pattern() -> re.Pattern[str]:
    """Any way to say any frequency."""
    ways = sorted((way for row in FREQUENCIES.values() for way in row), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, ways))})(?!\w)", re.IGNORECASE)


def frequency(words: str) -> str:
    """The frequency that words say; empty where they say none."""
    return next((name for name, row in FREQUENCIES.items() if words.lower() in map(str.lower, row)), "")


def unit(words: str) -> str:
    """The unit that words say, as the first key of `UNITS`; empty where they say none."""
    return next((name for name, row in UNITS.items() if words.lower() in map(str.lower, row)), "")


def numbers(text: str) -> frozenset[Decimal]:
    """Every number that a text could be said to hold, digits or words: 128 also in "one twenty-eight" and "128/74"."""
    found: set[Decimal] = set()
    run: list[int] = []
    for word in (*_WORD.findall(text.lower().replace("o'clock", " ")), ""):
        if word in WORDS or word in {"hundred", "thousand", "oh"}:
            run.append(WORDS.get(word, {"hundred": 100, "thousand": 1000}.get(word, 0)))
            continue
        if run and word in {"and", "a"}:
            continue
        found |= _spoken(run)
        if run and word == "half":
            found |= {Decimal(value) + Decimal("0.5") for value in run}
        run = []
        if word[:1].isdigit():
            found.add(Decimal(word.replace(",", ".")))
        elif word in _LOOSE | _ORDINAL:
            found.add(Decimal((_LOOSE | _ORDINAL)[word]))
    found |= {Decimal(digits.replace(",", "")) for digits in re.findall(r"\d{1,3}(?:,\d{3})+", text)}
    return frozenset(value.normalize() for value in found | _pointed(text))


def _pointed(text: str) -> set[Decimal]:
    """Decimals in words: "seven point two", "thirty-eight point four"."""
    digit, whole = "|".join((*ONES[:10], "oh")), "|".join((*TENS, *ONES))
    found: set[Decimal] = set()
    for before, after in re.findall(rf"((?:\b(?:{whole})[ -])+)point ((?:{digit})(?: (?:{digit}))?)\b", text.lower()):
        part = "".join(str(WORDS.get(word, 0)) for word in after.split())
        found |= {
            value + Decimal(f"0.{part}") for value in _spoken([WORDS[word] for word in re.findall("[a-z]+", before)])
        }
    return found


def _spoken(run: list[int]) -> set[Decimal]:
    """Every number that a run of number words can mean, read whole or in any part.

    Both as it is counted ("one hundred twenty-eight") and as it is said ("one twenty-eight", "nineteen eighty-four").
    """
    found: set[Decimal] = set()
    for start in range(len(run)):
        found |= {Decimal(_counted(run[start:end])) for end in range(start + 1, min(len(run), start + _RUN_MAX) + 1)}
    for at in range(1, len(run)):
        head, tail = _counted(run[max(0, at - 2) : at]), _counted(run[at : at + 2])
        found |= {Decimal(one * _HUNDRED + two) for one in (run[at - 1], head) for two in (run[at], tail)}
    return found


def _counted(run: list[int]) -> int:
    total = part = 0
    for value in run:
        if value > _HUNDRED:
            total, part = total + max(part, 1) * value, 0
        else:
            part = max(part, 1) * value if value == _HUNDRED else part + value
    return total + part
