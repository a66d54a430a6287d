"""A text in statements: sentences, and the items of lists, with where they stand."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int]
"""Start and end in code points, the end exclusive."""

_ABBREVIATED: Final = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|St|vs|approx|No|e\.g|i\.e|etc)|\b[a-z]\.[a-z](?:\.[a-z])?)\.$")
"""A full stop after these ends no sentence. "No." is the abbreviation of a number only before digits."""
_STOP: Final = re.compile(r"[.!?]+[\"')\]]*(?=\s|$)|[;](?=\s)")
_BULLET: Final = re.compile(r"[ \t]*(?:[-*\u2022\u00b7]|\d{1,2}[.)])[ \t]+")


def statements(text: str) -> tuple[Span, ...]:
    """Where each statement stands, without the white space and the bullet around it, in order."""
    found: list[Span] = []
    at = 0
    for line in text.splitlines(keepends=True):
        bullet = _BULLET.match(line)
        start = at + (bullet.end() if bullet else 0)
        for stop in _STOP.finditer(text, start, at + len(line)):
            if not _ends(text, start, stop):
                continue
            _keep(text, (start, stop.end()), found)
            start = stop.end()
        _keep(text, (start, at + len(line)), found)
        at += len(line)
    return tuple(found)


def overlaps(one: Span, other: Span) -> bool:
    """Whether two spans share a place."""
    return one[0] < other[1] and other[0] < one[1]


def _ends(text: str, start: int, stop: re.Match[str]) -> bool:
    before = text[start : stop.start() + 1]
    if before.endswith("No.") and not text[stop.end() :].lstrip()[:1].isdigit():
        return True
    return _ABBREVIATED.search(before) is None or text[stop.end() : stop.end() + 1] == "\n"


def _keep(text: str, span: Span, found: list[Span]) -> None:
    words = text[span[0] : span[1]]
    start = span[0] + len(words) - len(words.lstrip())
    end = span[0] + len(words.rstrip())
    if any(sign.isalnum() for sign in text[start:end]):
        found.append((start, end))
