"""A text made plain for comparison, with the way back: lower case, bare letters, ASCII digits, no JSON punctuation.

Owns every question of Unicode and of JSON, so that no rule asks them again. Each character of the plain text knows the
character of the handed-in text that it came from. Refuses nothing: every text has a plain form. Pure.

Source: Unicode UAX #15 (normal forms), RFC 8259 section 7 (strings).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

_JSON: Final = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*+)("|\\?$)(\s*:)?', re.DOTALL)
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL
)
_ESCAPED: Final = {"n": "\n", "r": "\n", "t": "\t", "b": " ", "f": "\n"}
_PLAIN: Final = {
    "\u2018": "'",
    "\u2019": "'",
    "\u02bc": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2044": "/",
    "\u00d7": "x",
} | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
_SURROGATES: Final = range(0xD800, 0xE000)
_BREAKS: Final = frozenset("\u2028\u2029\x0b\x0c\x85\r")
_THIN: Final = frozenset("\u00a0\u2009\u202f")
"""Spaces that group the digits of one number, and are spaces elsewhere."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A plain text and where each of its characters stood.

    Attributes:
        plain: the text that rules read.
        places: for each character of it, and for its end, the code point in the text that was handed in.
    """

    plain: str = field(repr=False)
    places: Sequence[int] = field(repr=False)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the plain text stood; `start` is below `end`."""
        last = self.places[end - 1]
        after = end
        while after < len(self.places) - 1 and self.places[after] <= last:
            after += 1
        return self.places[start], max(self.places[after], last + 1)


def folded(text: str) -> Folded:
    """Make a text plain; a JSON object or array, whole or cut off, is read as the strings in it."""
    if _JSON.match(text) is None:
        if text.isascii():
            return Folded(text.lower().replace("\r", "\n"), range(len(text) + 1))
        return _folded(enumerate(text), len(text))
    return _folded(_unquoted(text), len(text))


def _folded(signs: Iterator[tuple[int, str]] | enumerate[str], length: int) -> Folded:
    plain: list[str] = []
    places: list[int] = []
    for place, sign in signs:
        made = sign.lower() if sign.isascii() else _made(sign)
        if made == "\x00":
            made = "" if plain and plain[-1].isdigit() else " "
        plain += made
        places += [place] * len(made)
    places.append(length)
    return Folded("".join(plain).replace("\r", "\n"), places)


def _unquoted(text: str) -> Iterator[tuple[int, str]]:
    """The signs that a JSON text means: keys as headings, strings as paragraphs."""
    place = 0
    for found in _STRING.finditer(text):
        yield from _between(text, place, found.start())
        key = found[3] is not None
        yield found.start(), "\n"
        yield from _unescaped(text, found.start(1), found.end(1), key=key)
        yield found.end(1), "\n"
        place = found.end()
    yield from _between(text, place, len(text))


def _between(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    for place in range(start, end):
        sign = text[place]
        yield place, "\n" if sign in "{}[]," else " " if sign in ':"' else sign


def _unescaped(text: str, start: int, end: int, *, key: bool) -> Iterator[tuple[int, str]]:
    place = start
    while place < end:
        found = _ESCAPE.match(text, place, end) if text[place] == "\\" else None
        if found is None:
            yield place, " " if key and text[place] == "_" else text[place]
            place += 1
            continue
        yield place, _meant(found[0])
        place = found.end()


def _meant(escape: str) -> str:
    if len(escape) > 2:  # noqa: PLR2004 a backslash and one sign is the short form
        codes = [int(one, 16) for one in escape.split("\\u")[1:]]
        if len(codes) == 2:  # noqa: PLR2004 a pair of surrogates is one character
            return chr(0x10000 + ((codes[0] - 0xD800) << 10) + (codes[1] - 0xDC00))
        return " " if codes[0] in _SURROGATES else chr(codes[0])
    return _ESCAPED.get(escape[1], escape[1])


@lru_cache(maxsize=1024)
def _made(sign: str) -> str:
    """One character made plain; the character NUL for a space that may group digits."""
    if sign in _PLAIN:
        return _PLAIN[sign]
    if sign.isspace() or sign in _BREAKS:
        return "\n" if sign in _BREAKS else "\x00" if sign in _THIN else " "
    if unicodedata.category(sign) in {"Mn", "Cf", "Me"}:
        return ""
    number = unicodedata.decimal(sign, None)
    return str(number) if number is not None else _decomposed(sign)


def _decomposed(sign: str) -> str:
    """A character without its accents; a fraction apart from the number before it, a power behind its sign."""
    form = unicodedata.decomposition(sign)
    made = "".join(one for one in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(one)).casefold()
    made = made.replace("\u2044", "/")
    if form.startswith("<fraction>"):
        return f" {made}"
    return f"^{made}" if form.startswith("<super>") and made.isdigit() else made
