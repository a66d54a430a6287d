"""What each character of a stranger's text becomes on a page, and which way a line runs.

Owns three rules. What could deceive is shown as its number, as on a terminal; beyond that, what breaks lines where no
author sees it, characters that no Unicode has, a mark with nothing to stand on, and heaps of marks that would cover
the lines around them. In a PDF, a character for which our fonts have no shape is shown as its number, too: nothing is
ever a box or a gap. A line runs the way of its first letter. Source: Unicode TR36 section 2.3; UAX #9 rules P2 and P3;
UAX #44 table 12.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

from edge_runtime.wording import safe

MARKS_MAX: Final = 5
"""Marks on one character; Vietnamese takes two, Arabic three, Hebrew with cantillation four."""
_NOWHERE: Final = frozenset({"Cn", "Zl", "Zp"})
"""Unassigned characters and non-characters; separators of lines and paragraphs, which few programs show."""
_MARKS: Final = frozenset({"Mn", "Me"})
_INVISIBLE: Final = frozenset("\n\u200c\u200d\u200e\u200f\u061c")
"""Characters without a shape of their own, which fonts need not have."""
_RIGHT: Final = frozenset({"R", "AL"})
_STRONG: Final = _RIGHT | {"L"}
_PLAIN: Final = re.compile(r"[\n\t -~]*")
_TAB: Final = "    "
FIRST_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"


def harmless(text: str) -> str:
    """A text as a page may show it; of plain text nothing changes."""
    joined = text.replace("\r\n", "\n")
    if _PLAIN.fullmatch(joined):
        return joined
    return "".join(_settled(safe(joined)))


def shaped(text: str, known: Collection[int]) -> str:
    """A harmless text, with the number of each character for which a font has no shape.

    Args:
        text: as `harmless` left it.
        known: code points of which there are shapes.
    """
    spaced = text.replace("\t", _TAB)
    if _PLAIN.fullmatch(spaced):
        return spaced
    return "".join(
        character if ord(character) in known or character in _INVISIBLE else number(character) for character in spaced
    )


def runs_left(text: str) -> bool:
    """Whether a line runs from right to left: by its first letter, and from left to right where it has none."""
    classes = (unicodedata.bidirectional(character) for character in text)
    return next((one for one in classes if one in _STRONG), "L") in _RIGHT


def isolated(text: str) -> str:
    """A text that turns nothing beside it, whichever way it runs itself; plain text needs nothing for that."""
    turns = any(unicodedata.bidirectional(character) in _RIGHT for character in text)
    return f"{FIRST_ISOLATE}{text}{POP_ISOLATE}" if turns else text


def number(character: str) -> str:
    """A character as its number."""
    return f"<U+{ord(character):04X}>"


def _settled(text: str) -> Iterator[str]:
    marks = MARKS_MAX  # nothing to stand on yet
    for character in text:
        category = unicodedata.category(character)
        if category in _MARKS:
            marks += 1
            yield character if marks <= MARKS_MAX else number(character)
            continue
        marks = MARKS_MAX if character == "\n" else 0
        yield number(character) if category in _NOWHERE else character
