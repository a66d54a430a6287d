"""The words of a plain text and their stems; the words that carry no matter of their own.

Owns the tokens that every rule counts in. Pure.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_WORD: Final = re.compile(
    r"(?:[a-z]\.){2,}(?![a-z])|[a-z]+\d[a-z\d]*|\d+(?:[.,]\d+)*|(?<![\w.])\.\d+|[^\W\d_]+(?:'[a-z]+)?|n't|[^\s\w]|_"
)
_FILLERS: Final = """
    a about after again all also although am an and any are as at be because been before being but by can could did do
    does doing done down during each else for from further get gets getting go going gon got had has have having he her
    here hers him his how i i'd i'll i'm i've if in into is it it's its just kind let let's like lot may me might more
    most much my na now of off okay on one or other our out over own patient please put really right same she should
    since so some something still such than that that's the their them then there there's these they they're thing
    things this those though through to today too um uh under until up us very want was we we'll we're well were what
    when where which while who will with would yeah yes you you're your you've mr mrs ms dr doctor say says said state
    states stated note notes noted report reports reported feel feels feeling know see seen think mean make makes made
    actually mm hmm oh alright great good sure wan
"""
FILLERS: Final = frozenset(_FILLERS.split())
"""Words that two texts share by chance."""


class Word(NamedTuple):
    """One word, number or sign of a plain text.

    Attributes:
        text: it; an abbreviation with dots has lost them.
        start: of it in the plain text.
        end: of it in the plain text.
    """

    text: str
    start: int
    end: int


def words(plain: str) -> list[Word]:
    """Every word, number and sign in its order."""
    found = []
    for one in _WORD.finditer(plain):
        text = one[0]
        dotted = "." in text and text[0].isalpha()
        found.append(Word(text.replace(".", "") if dotted else text, one.start(), one.end()))
    return found


def stem(word: str) -> str:
    """A word without the endings that number and tense give it; rough, and alike for both sides of a comparison."""
    word = word.removesuffix("'s")
    if len(word) <= 3:  # noqa: PLR2004 too short to have an ending
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "xes", "ches", "shes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # noqa: PLR2004 what is left must still be a word
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "ls":
                word = word[:-1]
            break
    if word.endswith("e") and len(word) > 4:  # noqa: PLR2004 "hive" is not "hiv"
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") else word


def matters(word: str) -> bool:
    """Whether a word says something of its own."""
    return len(word) > 1 and word[0].isalpha() and word not in FILLERS


def listed(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(text.split())
