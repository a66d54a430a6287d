"""Whether a draft holds a fact of its reference, however it words it.

A fact is held where one statement has all its numbers and drugs and two thirds of its other words, after digits and
words, units, frequencies, spellings, abbreviations and names of drugs have been made the same; a negation also needs a
word that denies, an allergy one that speaks of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from benchmarks.ai.encounters import Fact
from benchmarks.ai.lexicon import drug_pattern, same_drug
from benchmarks.ai.quantities import FREQUENCIES, UNITS, WORDS, frequency, frequency_pattern
from benchmarks.ai.statements import statements

_WORDS_SHARE: Final = 2 / 3
_TOKEN: Final = re.compile(r"\d+(?:[.,]\d+)?|[a-z][a-z'-]*|%", re.IGNORECASE)
_UNIT: Final = {way.lower(): name for name, row in UNITS.items() for way in row}
_SHORT: Final = {
    "bp": "blood pressure", "hr": "pulse", "heart rate": "pulse", "rr": "respirations", "temp": "temperature",
    "respiratory rate": "respirations", "spo2": "saturation", "oxygen saturation": "saturation", "wt": "weight",
    "mi": "myocardial infarction", "htn": "hypertension", "uti": "urinary infection", "hrs": "hours", "hr.": "hours",
    "x-ray": "film", "review": "return", "come back": "return", "follow up": "return", "follow-up": "return",
    "throwing up": "vomiting", "high blood pressure": "hypertension", "swelling": "oedema", "temperature": "fever",
}  # fmt: skip
_EMPTY: Final = frozenset(
    {
        *("a", "an", "the", "of", "in", "on", "at", "for", "to", "with", "and", "or", "is", "are", "was", "were", "be"),
        *("been", "has", "have", "had", "he", "she", "it", "his", "her", "their", "this", "that", "from", "by", "as"),
        *("no", "not", "any", "per", "day", "patient"),
    }
)
DENIAL: Final = re.compile(
    r"\b(?:no|not|non|den(?:y|ies|ied)|without|never|negative|none|nor|neither|nil|absent|free|avoid\w*|withheld|stop)\b"
    r"|n't\b|\bnon-?",
    re.IGNORECASE,
)
"""Words of which one stands in a statement that denies something."""
_ADVERSE: Final = re.compile(
    r"allerg|intoleran|react|caus|hives|rash|anaphyla|avoid|gave|made|withheld|no ", re.IGNORECASE
)


def holds(draft: str, fact: Fact) -> bool:
    """Whether some statement of a draft, or two in a row, hold a fact."""
    spans = statements(draft)
    singles = [draft[start:end] for start, end in spans]
    doubles = [draft[one[0] : two[1]] for one, two in pairwise(spans)]
    return any(_said(words, fact) for words in (*singles, *(() if fact.kind == "negation" else doubles)))


def _said(words: str, fact: Fact) -> bool:
    if fact.kind == "negation" and DENIAL.search(words) is None:
        return False
    if fact.kind == "allergy" and _ADVERSE.search(words) is None:
        return False
    return _covers(tokens(words), tokens(fact.words))


def _covers(said: Sequence[str], asked: Sequence[str]) -> bool:
    """Whether all numbers and drugs and most of the words are there."""
    known = set(said)
    exact = [one for one in asked if one[0].isdigit() or one in same_drug()]
    other = [one for one in asked if one not in exact]
    if not known.issuperset(exact):
        return False
    return not other or sum(one in known for one in other) >= _WORDS_SHARE * len(other)


def tokens(text: str) -> list[str]:
    """The words of a text that carry meaning, each in one spelling."""
    plain = drug_pattern().sub(lambda match: same_drug()[match[0].lower()][0], text.lower())
    plain = frequency_pattern().sub(lambda match: f" {frequency(match[0]).replace(' ', '-')} ", plain)
    for short, long in _SHORT.items():
        plain = re.sub(rf"(?<!\w){re.escape(short)}(?!\w)", long, plain)
    return [one for word in _TOKEN.findall(plain) if (one := _token(word)) not in _EMPTY]


def _token(word: str) -> str:
    if word in WORDS:
        return str(WORDS[word])
    if word[0].isdigit():
        number = word.replace(",", ".")
        return number.rstrip("0").rstrip(".") if "." in number else number
    if word in _UNIT:
        return _UNIT[word]
    if word in same_drug() or word.replace("-", " ") in FREQUENCIES:
        return word
    plain = word.replace("oe", "e").replace("ae", "e").replace("-", "")
    for ending in ("ing", "ed", "es", "s", "y", "e"):
        if plain.endswith(ending) and len(plain) - len(ending) >= len("cou"):
            return plain[: -len(ending)]
    return plain
