"""How hard a text is to read: the Flesch-Kincaid grade level, computed the same everywhere.

Source: Kincaid JP, Fishburne RP, Rogers RL, Chissom BS, Derivation of new readability formulas for Navy enlisted
personnel, Research Branch Report 8-75, 1975. Syllables are counted by groups of vowels, which is right for about nine
English words of ten; other languages have no level here.
"""

from __future__ import annotations

import re
from typing import Final

from edge_runtime.ai.checking.sentences import sentences

GRADE_ADVISED: Final = 6
"""The school grade that texts for patients should not exceed. Source: Weiss BD, Health literacy and patient safety,
second edition, American Medical Association Foundation 2007."""
WORDS_MIN: Final = 10
"""Fewer words have no level."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_VOWELS: Final = re.compile(r"[aeiouy]+")
_LATIN: Final = 0.9
"""Share of plain letters from which on a text may be English."""


def reading_level(text: str) -> float | None:
    """The school grade at which a text can be read, to one decimal; None for few words, or another script."""
    words = _WORD.findall(text.lower())
    plain = sum(word.isascii() for word in words)
    lines = len(sentences(text))
    if len(words) < WORDS_MIN or plain < _LATIN * len(words) or not lines:
        return None
    sounds = sum(map(syllables, words))
    return max(round(0.39 * len(words) / lines + 11.8 * sounds / len(words) - 15.59, 1), 0.0)


def syllables(word: str) -> int:
    """About how many syllables a lower-case English word has, at least one."""
    groups = len(_VOWELS.findall(word))
    silent = (word.endswith("e") and not word.endswith(("le", "ee", "ie", "oe", "ye"))) or (
        word.endswith("ed") and not word.endswith(("ted", "ded", "eed", "ied"))
    )
    return max(groups - silent, 1)
