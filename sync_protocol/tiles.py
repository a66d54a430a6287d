"""A transparency log as published files: tiles of 256 hashes, bundles of 256 entries, and their names.

Owns the geometry and the strict names after C2SP tlog-tiles. A tile of level L holds roots of complete subtrees over
256**L leaves each; one that is not full yet is partial and named with its width. `tile_tree` reads trees from tiles.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from sync_protocol.errors import MisuseError, malformed, over_limit
from sync_protocol.limits import HASH_BYTES, LOG_SIZE_MAX

TILE_HEIGHT: Final = 8
TILE_HASHES: Final = 1 << TILE_HEIGHT
TILE_BYTES: Final = TILE_HASHES * HASH_BYTES
"""A full tile."""
LEVELS: Final = -(-LOG_SIZE_MAX.bit_length() // TILE_HEIGHT)
"""Levels that the largest log has tiles on."""
ENTRY_BYTES_MAX: Final = 2**16 - 1
_LENGTH: Final = struct.Struct(">H")
_GROUP: Final = 1000
_NUMBER: Final = r"(?P<number>(?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
"""15 digits, of which LOG_SIZE_MAX / 256 has 13."""
_TILE: Final = re.compile(rf"tile/(?P<level>0|[1-9][0-9]?)/{_NUMBER}")
_BUNDLE: Final = re.compile(rf"tile/entries/{_NUMBER}")

TileName: TypeAlias = tuple[int, int]
"""Level and number of a tile, whatever its width."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Tile:
    """One tile as it is published.

    Attributes:
        level: 0 over leaf hashes.
        number: from the left, on its level.
        width: hashes in it, 1 to 256.
    """

    level: int
    number: int
    width: int = TILE_HASHES

    def __post_init__(self) -> None:
        """Raise LimitError for a tile that no log has, MalformedError for another width."""
        if not 0 <= self.level < LEVELS:
            raise over_limit("a tile's level", LEVELS - 1, self.level, "")
        _check_place(self.number, self.width, leaves=TILE_HASHES ** (self.level + 1))

    @property
    def name(self) -> TileName:
        """Level and number."""
        return self.level, self.number

    @property
    def path(self) -> str:
        """Below the log's address. Source: C2SP tlog-tiles, section Merkle Tree."""
        return f"tile/{self.level}/{_number_path(self.number)}{_suffix(self.width)}"

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path in its one form.

        Raises:
            MalformedError: another form.
            LimitError: a tile that no log has.
        """
        found = _TILE.fullmatch(path)
        if found is None:
            raise malformed("tile/<level>/<number>[.p/<width>]", "another path")
        return cls(level=int(found["level"]), number=_number(found), width=_width(found))


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Bundle:
    """The entries under one tile of level 0.

    Attributes:
        number: the tile's.
        width: entries in it, 1 to 256.
    """

    number: int
    width: int = TILE_HASHES

    def __post_init__(self) -> None:
        """Raise LimitError for a bundle that no log has, MalformedError for another width."""
        _check_place(self.number, self.width, leaves=TILE_HASHES)

    @property
    def path(self) -> str:
        """Below the log's address. Source: C2SP tlog-tiles, section Log entries."""
        return f"tile/entries/{_number_path(self.number)}{_suffix(self.width)}"

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path in its one form.

        Raises:
            MalformedError: another form.
            LimitError: a bundle that no log has.
        """
        found = _BUNDLE.fullmatch(path)
        if found is None:
            raise malformed("tile/entries/<number>[.p/<width>]", "another path")
        return cls(number=_number(found), width=_width(found))


def tile_of(name: TileName, size: int) -> Tile:
    """The tile of that name in a tree of `size` leaves.

    Raises:
        MisuseError: the tree has none there.
    """
    level, number = name
    width = min(TILE_HASHES, (size >> TILE_HEIGHT * level) - (number << TILE_HEIGHT))
    if width < 1:
        raise MisuseError(
            "tile",
            expected=f"a tile of a tree of {size} leaves",
            got=f"tile {number} on level {level}",
            do="ask for a larger tree, or report a bug",
        )
    return Tile(level=level, number=number, width=width)


def tiles_of(size: int) -> list[Tile]:
    """All tiles of a tree of `size` leaves, level by level; a partial one is the last of its level."""
    return [
        tile_of((level, number), size)
        for level in range(level_count(size))
        for number in range(-(-(size >> TILE_HEIGHT * level) // TILE_HASHES))
    ]


def level_count(size: int) -> int:
    """Levels on which a tree of `size` leaves has tiles."""
    return -(-size.bit_length() // TILE_HEIGHT)


def edge_names(size: int) -> list[TileName]:
    """The partial tiles of a tree of `size` leaves: together they hold all that its root is made from."""
    widths = ((level, size >> TILE_HEIGHT * level) for level in range(level_count(size)))
    return [(level, width >> TILE_HEIGHT) for level, width in widths if width % TILE_HASHES]


def path_names(indices: Sequence[int], size: int) -> set[TileName]:
    """The tiles with the siblings on the way from leaves to a tree's root, and those of its edge."""
    names = set(edge_names(size))
    for index in indices:
        level, number = 0, index >> TILE_HEIGHT
        while (level, number) not in names and level < level_count(size):
            names.add((level, number))
            level, number = level + 1, number >> TILE_HEIGHT
    return names


def split_hashes(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """A bundle of entries, 1 to 256 of at most 65,535 bytes each.

    Raises:
        MisuseError: none, too many, or one too long.

    Source: C2SP tlog-tiles, section Log entries.
    """
    if not 0 < len(entries) <= TILE_HASHES or any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
        raise MisuseError(
            "bundle",
            expected=f"1 to {TILE_HASHES} entries of at most {ENTRY_BYTES_MAX} bytes",
            got=f"{len(entries)} entries",
            do="report this as a bug",
        )
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle, unverified: each one's leaf hash must stand in a verified tile.

    Raises:
        MalformedError: not exactly `width` whole entries.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < width:
        start = at + _LENGTH.size
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise malformed("whole entries behind their lengths", "a part of one")
        entries.append(data[start:at])
    if at != len(data) or len(entries) != width:
        raise malformed(f"a bundle of {width} entries", "more or fewer")
    return entries


def _check_place(number: int, width: int, *, leaves: int) -> None:
    """Check a tile's number and width; a full one spans that many leaves."""
    if not 1 <= width <= TILE_HASHES:
        raise malformed(f"a width from 1 to {TILE_HASHES}", f"{width}")
    if not 0 <= number <= LOG_SIZE_MAX // leaves:
        raise over_limit("a tile's number", LOG_SIZE_MAX // leaves, number, "")


def _number_path(number: int) -> str:
    groups = [f"{number % _GROUP:03}"]
    while number := number // _GROUP:
        groups.append(f"x{number % _GROUP:03}")
    return "/".join(reversed(groups))


def _suffix(width: int) -> str:
    return "" if width == TILE_HASHES else f".p/{width}"


def _number(found: re.Match[str]) -> int:
    """The number in a path; zeros in front of it are another form."""
    number = int(found["number"].replace("x", "").replace("/", ""))
    if _number_path(number) != found["number"]:
        raise malformed("a number without further zeros", "another form")
    return number


def _width(found: re.Match[str]) -> int:
    """The width in a path; a full tile is named without."""
    width = found["width"]
    if width is None:
        return TILE_HASHES
    if int(width) >= TILE_HASHES:
        raise malformed(f"a partial width below {TILE_HASHES}", width)
    return int(width)
