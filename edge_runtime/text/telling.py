"""What in a line turns its meaning most: its numbers, its units and its negations, in order.

Owns how they are found. Words end where Unicode ends them: letters and marks make a word, so that a vowel sign of Hindi
is no end of it and a digit is. Refuses to understand: it says only whether two readings of a line differ in these.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from edge_runtime.text.telling_words import NEGATIONS, SYMBOLS, UNITS, UNITS_AFTER_NUMBERS

_APOSTROPHES: Final = "'\u2019\u02bc"
_JOINERS: Final = frozenset(_APOSTROPHES + "\u200c\u200d")
_WITHIN_NUMBERS: Final = frozenset(".,:/\u2044\u066b\u066c\u00d7")
_SIGNS: Final = frozenset("<>=+-\u00b1~\u2248\u2264\u2265\u2212\u2010\u2011\u2012\u2013\u2014")
_VOWEL_SIGNS: Final = re.compile("[\u064b-\u0652\u0670\u0640]")
_TOKEN: Final = re.compile(r"(?P<number>(?:s+b?)?n+(?:[ps]n+)*)|(?P<word>w+)|(?P<symbol>u)")
_BETWEEN: Final = frozenset({"", " ", "/", " / "})


def telling(line: str) -> tuple[str, ...]:
    """The numbers, units and negations of a line, in order.

    A number comes with its sign or comparison, and with the points, commas, colons, slashes and dashes between its
    digits. Units keep their case, negations do not.
    """
    return tuple(_found(_VOWEL_SIGNS.sub("", unicodedata.normalize("NFKC", line))))


def _found(line: str) -> Iterator[str]:
    end = -1
    for match in _TOKEN.finditer("".join(map(_class, line))):
        said = line[match.start() : match.end()]
        follows = end >= 0 and line[end : match.start()] in _BETWEEN
        if match.lastgroup == "word":
            found = _word(line, match.start(), said, follows=follows)
            if found is None:
                continue
            end = -1 if found in NEGATIONS else match.end()
            yield found
        else:
            end = match.end()
            yield said


def _word(line: str, start: int, said: str, *, follows: bool) -> str | None:
    """A word if it is telling: itself as a unit, or what it denies with."""
    word = said.strip(_APOSTROPHES)
    folded = word.casefold()
    if folded in UNITS or (follows and folded in UNITS_AFTER_NUMBERS):
        return word
    for whole in (line[start : start + 3].casefold(), line[max(0, start - 1) : start + len(said)].casefold()):
        if whole in {"w/o", "-ve", "+ve"}:
            return whole
    plain = folded.translate(_PLAIN)
    pieces = plain.split("'")
    if plain in NEGATIONS or not NEGATIONS.isdisjoint(pieces) or plain.endswith("n't") or pieces[0] == "n":
        return _denial(plain, pieces)
    return None


def _denial(plain: str, pieces: list[str]) -> str:
    """The one word that stands for a negation: `not` for the contracted ones, so that "don't" reads as "do not"."""
    if plain.endswith("n't") or plain == "cannot":
        return "not"
    return next((piece for piece in pieces if piece in NEGATIONS), "ne")


_PLAIN: Final = str.maketrans(dict.fromkeys(_APOSTROPHES, "'"))


def _class(character: str) -> str:
    """One letter for what a character is: number, word, unit symbol, sign, point within numbers, blank, other."""
    if character.isnumeric():
        return "n"
    if character.isalpha() or character in _JOINERS or unicodedata.category(character)[0] == "M":
        return "w"
    if character in SYMBOLS or character == "∅":
        return "u"
    if character in _SIGNS:
        return "s"
    if character in _WITHIN_NUMBERS:
        return "p"
    return "b" if character == " " else "o"
