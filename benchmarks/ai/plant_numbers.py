"""Numbers that the source does not bear out: changed, moved from elsewhere in it, added."""

from __future__ import annotations

import random
import re
from decimal import Decimal
from typing import Final

from benchmarks.ai.lexicon import drug_pattern
from benchmarks.ai.planting import Change, Page, added, holds, shuffled
from benchmarks.ai.quantities import DIGITS, ONES, TIMED, UNITS, WORDS, numbers

_DOSE_UNITS: Final = "|".join(re.escape(way) for row in UNITS.values() for way in row if row[0] not in {"%", "g", "ml"})
_NUMBER: Final = re.compile(
    r"(?<![\w.,/:#\-])(?P<one>\d{1,4}(?:\.\d{1,2})?)(?!\d|st\b|nd\b|rd\b|th\b)"
    r"(?:(?P<of>/| over )(?P<two>\d{1,3})(?![\d/]))?(?![:/]\d)"
)
_DATED: Final = re.compile(r"\d{1,4}[/-]\d{1,2}[/-]\d{1,4}|\b(?:19|20)\d\d\b")
_DOSED: Final = re.compile(rf"[\d./]+ ?(?:{_DOSE_UNITS})(?!\w)")
_WORDED: Final = re.compile(
    rf"\b(?P<word>{'|'.join(ONES[2:])})(?=[ -](?:{TIMED}|times|episodes|pillows|cigarettes|glasses|sessions|points)\b)",
    re.IGNORECASE,
)
_LIST: Final = re.compile(r"(?:^|[.;:]\s{1,2}|\n)[ \t]*\d{1,2}[.)]\s")
_SCALE: Final = {"3", "5", "6", "10"}
"""What a score is out of: the part before it is what a note gets wrong."""
_SMALL, _LARGE = 20, 300

_NEW: Final = (
    ("temperature", "Temperature {} °C.", (35.1, 40.4, 1)),
    ("pulse|heart rate", "Pulse {} at rest.", (41, 149, 0)),
    ("saturation|SpO2|oxygen", "Oxygen saturation {}%.", (78, 100, 0)),
    ("respirat", "Respiratory rate {}.", (9, 39, 0)),
    ("weight|weigh", "Weight today {} kg.", (42, 131, 1)),
    ("potassium", "Potassium {} mmol/L.", (2.6, 6.4, 1)),
    ("h[ae]+moglobin", "Haemoglobin {} g/L.", (71, 168, 0)),
    ("white cell|leukocyte|WBC", "White cell count {}.", (2.3, 21.9, 1)),
    ("ejection", "Ejection fraction {}%.", (21, 69, 0)),
    ("creatinine", "Creatinine {} µmol/L.", (48, 310, 0)),
    ("CRP", "CRP {} mg/L.", (6, 290, 0)),
    ("pain", "Rates the pain {}/10.", (1, 9, 0)),
    ("months|weeks|years|days", "Symptoms began about {} weeks ago.", (3, 29, 0)),
    ("smok|pack", "Smokes {} cigarettes a day.", (3, 39, 0)),
    ("episode|times", "There were {} such episodes before.", (3, 17, 0)),
)


def changed(page: Page, chance: random.Random) -> Change | None:
    """A measurement, an age, a time or a count becomes another that the source does not hold."""
    known = numbers(page.source)
    for match, group in shuffled(chance, _places(page)):
        old = match[group]
        for new in _others(old, chance):
            if Decimal(new).normalize() not in known:
                return _edit(page, match, group, new, "changed")
    return None


def worded(page: Page, chance: random.Random) -> Change | None:
    """A number in words becomes another."""
    known = numbers(page.source)
    for match in shuffled(chance, _WORDED.finditer(page.text)):
        value = WORDS[match["word"].lower()]
        for word in shuffled(chance, ONES[max(2, value - 3) : value + 6]):
            if Decimal(WORDS[word]) not in known:
                new = word.capitalize() if match["word"][0].isupper() else word
                return Change(kind="number", way="changed, in words", start=match.start(), end=match.end(), new=new)
    return None


def moved(page: Page, chance: random.Random) -> Change | None:
    """A number becomes one that the source holds of something else, such as a pulse that was the pressure."""
    known = [one[0] for one in DIGITS.finditer(page.source)]
    for match, group in shuffled(chance, [place for place in _places(page) if not place[0]["two"]]):
        old = match[group]
        like = [one for one in known if len(one) == len(old) and ("." in one) == ("." in old) and one != old]
        for new in shuffled(chance, sorted(set(like))):
            before = re.search(r"([A-Za-z]+)\W*$", page.text[: match.start()])
            after = re.match(r"[ -]?([A-Za-z%°/]+)", page.text[match.end() :])
            beside = [rf"{re.escape(before[1])}\W{{1,3}}{new}"] if before else []
            beside += [rf"{new}[ -]?{re.escape(after[1])}"] if after else []
            if beside and not any(re.search(one, page.source, re.IGNORECASE) for one in beside):
                return _edit(page, match, group, new, "moved")
    return None


def new(page: Page, chance: random.Random) -> Change | None:
    """A measurement, a time or a count that the source does not have."""
    known = numbers(page.source)
    for topic, words, (low, high, places) in shuffled(chance, _NEW):
        value = f"{chance.uniform(low, high):.{places}f}"
        if Decimal(value).normalize() not in known and not re.search(topic, page.source, re.IGNORECASE):
            return added(page, chance, "number", "added", words.format(value), near=r"\d")
    return None


def _places(page: Page) -> list[tuple[re.Match[str], str]]:
    """Every number that is no date, no item of a list and no dose."""
    skipped = [match.span() for pattern in (_DATED, _LIST, _DOSED) for match in pattern.finditer(page.text)]
    found: list[tuple[re.Match[str], str]] = []
    for match in _NUMBER.finditer(page.text):
        if any(match.start() < end and start < match.end() for start, end in skipped) or _near_drug(page, match):
            continue
        found.append((match, "one"))
        if match["two"] and match["two"] not in _SCALE:
            found.append((match, "two"))
    return found


def _near_drug(page: Page, match: re.Match[str]) -> bool:
    """Whether it may be a dose without its unit."""
    return drug_pattern().search(page.text[max(0, match.start() - 25) : match.start()]) is not None


def _others(old: str, chance: random.Random) -> list[str]:
    """Numbers that a tired writer or a model would put in its place."""
    if "." in old:
        places = len(old.partition(".")[2])
        value = float(old)
        step = 10**-places
        shifted = [value + sign * step * by for sign in (1, -1) for by in (2, 3, 5, 8, 14)] + [value * 10, value / 10]
        return shuffled(chance, [f"{one:.{places}f}" for one in shifted if round(one, places) > 0])
    value = int(old)
    if value <= _SMALL:
        near = [value + by for by in (-3, -2, -1, 1, 2, 3, 4, 7)] + [value * 2, value * 3]
    else:
        by = (3, 5, 7, 9, 11, 14, 20) if value < _LARGE else (10, 40, 70, 120)
        near = [value + sign * one for sign in (1, -1) for one in by] + [int(old[::-1]), int(old[1:] + old[0])]
    return shuffled(chance, [str(one) for one in near if one > 0 and one != value])


def _edit(page: Page, match: re.Match[str], group: str, new: str, way: str) -> Change:
    """The number alone is replaced; what is marked is the whole value, "128/74" or "38.4"."""
    start, end = match.span()
    one, two = match.span(group)
    words = page.text[start:one] + new + page.text[two:end]
    assert holds(words, new) or "." in new, "the new number stands in the draft"
    return Change(kind="number", way=way, start=start, end=end, new=words)
