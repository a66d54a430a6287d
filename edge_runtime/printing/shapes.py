"""Which characters our fonts have shapes for, as their own tables say.

Owns the folder of the fonts and the reading of one table. Source: OpenType 1.9, `cmap`, format 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from struct import unpack_from
from typing import Final

FONTS: Final = Path(__file__).with_name("fonts")
"""Regular and bold of each family; a family's weights have shapes for the same characters."""
_SEGMENTS: Final = 12
"""The format of a table that names whole runs of characters, those beyond 16 bits among them."""


@cache
def shapes() -> frozenset[int]:
    """The code points for which one of our fonts has a shape; read once."""
    return frozenset(point for font in sorted(FONTS.glob("*-Regular.ttf")) for point in points_of(font.read_bytes()))


def points_of(font: bytes) -> Iterator[int]:
    """The code points of one font."""
    start = _table(font, b"cmap")
    (count,) = unpack_from(">H", font, start + 2)
    places = [start + unpack_from(">I", font, start + 4 + 8 * index + 4)[0] for index in range(count)]
    place = next(one for one in places if unpack_from(">H", font, one)[0] == _SEGMENTS)
    (groups,) = unpack_from(">I", font, place + 12)
    for index in range(groups):
        first, last, glyph = unpack_from(">III", font, place + 16 + 12 * index)
        yield from range(first if glyph else first + 1, last + 1)  # glyph 0 is the box of what has no shape


def _table(font: bytes, tag: bytes) -> int:
    (count,) = unpack_from(">H", font, 4)
    records = (unpack_from(">4sIII", font, 12 + 16 * index) for index in range(count))
    return next(int(offset) for name, _, offset, _ in records if name == tag)
