"""Where the sentences of a text begin and end: notes, lists, dialogues and JSON alike.

Owns the rule. A line is a sentence of its own unless it was only wrapped. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from edge_runtime.ai.checking.folded import Folded, folded

LONGEST: Final = 2_000
"""Characters of the longest sentence; what goes on longer is cut, so that no rule's work grows with its square."""
WRAP_MIN: Final = 60
"""Characters of a line from which on its end may be a mere wrap."""
_END: Final = re.compile(r"[.?!]+[\"')\]]*(?=\s|$)|\n+|\u2022|\u3002")
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:dr|mr|mrs|ms|prof|vs|approx|e\.g|i\.e|etc)|(?<![\w.])[a-z]|(?:\b[a-z]\.)+[a-z])$"
)
_LISTED: Final = re.compile(r"(?:^|\s)\d{1,2}$")
_SAYS: Final = re.compile(r"\w")


def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """The sentences of a text, in order and without overlap.

    Args:
        text: as it was written; any text at all.

    Returns:
        Start and end of each, in code points; white space around a sentence belongs to none.
    """
    plain = folded(text)
    return tuple(plain.span(start, end) for start, end in spans(plain, text))


def spans(plain: Folded, text: str) -> Iterator[tuple[int, int]]:
    """The same in the plain text."""
    whole = plain.plain
    begin = 0
    line = 0
    for found in _END.finditer(whole):
        start, end = found.span()
        sign = whole[start]
        if sign == "\n":
            wrapped = end - start == 1 and start - line >= WRAP_MIN and _goes_on(plain, text, end)
            line = end
            if wrapped:
                continue
        elif sign == "." and _is_short(whole, begin, start, end):
            continue
        yield from _trimmed(whole, begin, end)
        begin = end
    yield from _trimmed(whole, begin, len(whole))


def _goes_on(plain: Folded, text: str, place: int) -> bool:
    """Whether a line begins as the middle of a sentence does."""
    return place < len(plain.plain) and text[plain.places[place]].islower()


def _is_short(whole: str, begin: int, start: int, end: int) -> bool:
    """Whether a full stop ends an abbreviation, or the number of a list's item."""
    before = whole[max(begin, start - 12) : start]
    if start - begin <= 12 and _LISTED.search(before) and not before[begin - start :].strip("0123456789 \t\n"):  # noqa: PLR2004 a list's item number is short
        return True
    follows = whole[end : end + 2].strip(" ")
    return _ABBREVIATION.search(before) is not None and bool(follows) and follows[0].isalnum()


def _trimmed(whole: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch without the white space around it, in pieces where it is longer than any sentence."""
    while end - begin > LONGEST:
        space = whole.rfind(" ", begin + 1, begin + LONGEST)
        cut = space if space > begin else begin + LONGEST
        yield from _piece(whole, begin, cut)
        begin = cut
    yield from _piece(whole, begin, end)


def _piece(whole: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    while begin < end and (whole[begin].isspace() or whole[begin] in "\u2022*\"'"):
        begin += 1
    while begin < end and whole[end - 1].isspace():
        end -= 1
    if begin < end and _SAYS.search(whole, begin, end):
        yield begin, end
