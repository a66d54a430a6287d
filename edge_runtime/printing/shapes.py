"""Which characters our fonts have shapes for, as their own tables say.

Owns the folder of the fonts and the reading of one table. Source: OpenType 1.9, `cmap`, formats 4 and 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from struct import unpack_from
from typing import Final

FONTS: Final = Path(__file__).with_name("fonts")
"""Regular and bold of each family; a family's weights have shapes for the same characters."""
_WITHIN_16_BITS: Final = 4
_BEYOND: Final = 12
"""The two formats of tables that name runs of characters."""


@cache
def shapes() -> frozenset[int]:
    """The code points for which one of our fonts has a shape; read once."""
    return frozenset(point for font in sorted(FONTS.glob("*-Regular.ttf")) for point in points_of(font.read_bytes()))


def points_of(font: bytes) -> frozenset[int]:
    """The code points of one font, by every table of it that can be read here."""
    start = _table(font, b"cmap")
    (count,) = unpack_from(">H", font, start + 2)
    places = {start + unpack_from(">I", font, start + 8 + 8 * index)[0] for index in range(count)}
    readers = {_WITHIN_16_BITS: _short_runs, _BEYOND: _long_runs}
    formats = ((unpack_from(">H", font, place)[0], place) for place in places)
    return frozenset(point for one, place in formats if one in readers for point in readers[one](font, place))


def _long_runs(font: bytes, place: int) -> Iterator[int]:
    (groups,) = unpack_from(">I", font, place + 12)
    for index in range(groups):
        first, last, glyph = unpack_from(">III", font, place + 16 + 12 * index)
        yield from range(first if glyph else first + 1, last + 1)  # glyph 0 is the box of what has no shape


def _short_runs(font: bytes, place: int) -> Iterator[int]:
    (size,) = unpack_from(">H", font, place + 6)  # twice the number of runs
    for at in range(place + 14, place + 14 + size, 2):
        (last,) = unpack_from(">H", font, at)
        (first,) = unpack_from(">H", font, at + size + 2)
        (delta,) = unpack_from(">H", font, at + 2 * size + 2)
        pointer = at + 3 * size + 2
        (offset,) = unpack_from(">H", font, pointer)
        for point in range(first, last + 1):
            glyph = unpack_from(">H", font, pointer + offset + 2 * (point - first))[0] if offset else point
            if (glyph + delta) & 0xFFFF and (glyph or not offset):
                yield point


def _table(font: bytes, tag: bytes) -> int:
    (count,) = unpack_from(">H", font, 4)
    records = (unpack_from(">4sIII", font, 12 + 16 * index) for index in range(count))
    return next(int(offset) for name, _, offset, _ in records if name == tag)
