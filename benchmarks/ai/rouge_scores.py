"""ROUGE-1, ROUGE-2 and ROUGE-L as F-measures.

Source: C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004. Words are compared in lower case
without stemming; ROUGE-L takes the longest common subsequence of the two texts as wholes. The packages that could be
installed here count each word once (`rouge`) or need a compiler (`rouge-score`), so these forty lines stand instead.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"\d+(?:[.,]\d+)*|\w+")


@dataclass(frozen=True, slots=True)
class Rouge:
    """How much two texts share, 0 to 1."""

    one: float
    two: float
    longest: float


def rouge(draft: str, reference: str) -> Rouge:
    """Compare a draft with a reference; an empty text shares nothing."""
    ours, theirs = _words(draft), _words(reference)
    return Rouge(
        one=_overlap(_grams(ours, 1), _grams(theirs, 1)),
        two=_overlap(_grams(ours, 2), _grams(theirs, 2)),
        longest=_f(_longest(ours, theirs), len(ours), len(theirs)),
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _grams(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def _overlap(ours: Counter[tuple[str, ...]], theirs: Counter[tuple[str, ...]]) -> float:
    return _f((ours & theirs).total(), ours.total(), theirs.total())


def _f(shared: int, ours: int, theirs: int) -> float:
    return 2 * shared / (ours + theirs) if shared else 0.0


def _longest(ours: Sequence[str], theirs: Sequence[str]) -> int:
    row = [0] * (len(theirs) + 1)
    for word in ours:
        diagonal = 0
        for at, other in enumerate(theirs, 1):
            diagonal, row[at] = row[at], diagonal + 1 if word == other else max(row[at], row[at - 1])
    return row[-1]
