"""Trees read from tiles and grown into them: the log's own, which are believed, and fetched ones, which are checked.

`TileReader` reads what this process stored. `CheckedTiles` believes nothing: the tiles at the edge must lead to a
signed root, and every other tile to a hash in one that was checked before, or it is a forgery.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

from sync_protocol import merkle
from sync_protocol.errors import forged
from sync_protocol.ids import Hash
from sync_protocol.limits import HASH_BYTES
from sync_protocol.tiles import (
    TILE_BYTES,
    TILE_HASHES,
    TILE_HEIGHT,
    Tile,
    TileName,
    edge_names,
    path_names,
    split_hashes,
    tile_of,
)

Load: TypeAlias = Callable[[Collection[TileName]], Mapping[TileName, bytes]]
"""Reads stored tiles; leaves out those that do not exist."""
Fetch: TypeAlias = Callable[[Sequence[Tile]], Mapping[Tile, bytes]]
"""Gets published tiles from somewhere; may leave some out, and may lie."""


class TileReader:
    """Reads complete subtrees from tiles, each of them loaded and hashed up once."""

    def __init__(self, load: Load) -> None:
        """Read by `load`."""
        self._load = load
        self._tiles: dict[TileName, list[list[bytes]]] = {}

    def fetch(self, names: Collection[TileName]) -> None:
        """Load tiles ahead, in one go."""
        for name, hashes in self._load(names).items():
            self._tiles[name] = _hashed_up(split_hashes(hashes))

    def read(self, level: int, index: int) -> bytes:
        """A complete subtree's hash; `merkle.ReadNode`."""
        name, height, at = place(level, index)
        if name not in self._tiles:
            self.fetch([name])
        return self._tiles[name][height][at]

    def paths(self, indices: Sequence[int], size: int) -> list[tuple[Hash, ...]]:
        """Inclusion paths of leaves in the tree of the first `size` leaves.

        Raises:
            MisuseError: no such leaf.
        """
        self.fetch(path_names(indices, size))
        return merkle.inclusion_paths_from(self.read, indices=indices, size=size)

    def consistency_paths(self, firsts: Sequence[int], second: int) -> list[tuple[Hash, ...]]:
        """Proofs that the trees of the first `firsts` leaves are prefixes of the tree of the first `second`.

        Raises:
            MisuseError: one of `firsts` is negative or above `second`.
        """
        # Such a proof has the siblings on the way up from the smaller tree's last leaf, so it reads the same tiles.
        self.fetch(path_names([first - 1 for first in firsts if 0 < first < second], second))
        return [merkle.consistency_path_from(self.read, first=first, second=second) for first in firsts]


class CheckedTiles:
    """Reads complete subtrees of a signed tree from tiles that somebody else holds, each checked before it is used."""

    def __init__(self, fetch: Fetch, *, size: int, root: Hash) -> None:
        """Fetch the edge of the tree and check it against the root, which comes from a verified checkpoint.

        Raises:
            ForgedError: tiles that are missing, have another width, or lead to another root.
        """
        self._fetch = fetch
        self._size = size
        self._tiles: dict[TileName, list[list[bytes]]] = {}
        fetched = self._fetched(edge_names(size))
        self._tiles.update(fetched)
        # Every hash of these tiles goes into the root, so a right root vouches for all of them.
        if not hmac.compare_digest(merkle.root_from(self._read_checked, size), root):
            self._tiles.clear()
            raise forged("tiles that lead to the signed root", "tiles of another tree")

    def read(self, level: int, index: int) -> bytes:
        """A complete subtree's hash; `merkle.ReadNode`.

        Raises:
            ForgedError: a tile on the way to it is missing or is not this tree's.
        """
        self.check([place(level, index)[0]])
        return self._read_checked(level, index)

    def root_at(self, size: int) -> Hash:
        """The root over the first `size` leaves of this tree.

        Raises:
            ForgedError: see `read`.
        """
        if 0 < size < self._size:
            self.check(path_names([size - 1], self._size))
        return merkle.root_from(self.read, size)

    def consistency_path(self, first: int) -> tuple[Hash, ...]:
        """The proof from a smaller tree to this one.

        Raises:
            ForgedError: see `read`.
            MisuseError: `first` is no smaller size.
        """
        if 0 < first < self._size:
            self.check(path_names([first - 1], self._size))
        return merkle.consistency_path_from(self.read, first=first, second=self._size)

    def inclusion_path(self, index: int) -> tuple[Hash, ...]:
        """The proof from a leaf to this tree's root.

        Raises:
            ForgedError: see `read`.
            MisuseError: no such leaf.
        """
        if 0 <= index < self._size:
            self.check(path_names([index], self._size))
        return merkle.inclusion_path_from(self.read, index=index, size=self._size)

    def leaf_hashes(self, number: int) -> list[bytes]:
        """The leaf hashes in a tile of level 0.

        Raises:
            ForgedError: see `read`.
            MisuseError: the tree has no such tile.
        """
        self.check([(0, number)])
        return self._tiles[0, number][0]

    def check(self, names: Collection[TileName]) -> None:
        """Fetch tiles ahead, in one go, and check each against the one above it, from the top down.

        Raises:
            ForgedError: one is missing or is not this tree's.
            MisuseError: one that the tree does not have.
        """
        wanted: set[TileName] = set()
        for name in names:
            level, number = name
            while (level, number) not in self._tiles:
                wanted.add(tile_of((level, number), self._size).name)  # every tile of the tree is below one of its edge
                level, number = level + 1, number >> TILE_HEIGHT
        fetched = self._fetched(sorted(wanted, reverse=True))
        for (level, number), rows in fetched.items():
            above = self._tiles[level + 1, number >> TILE_HEIGHT][0][number % TILE_HASHES]
            if not hmac.compare_digest(rows[-1][0], above):
                raise forged(f"tile {number} on level {level} of the signed tree", "another tile")
            self._tiles[level, number] = rows

    def _fetched(self, names: Sequence[TileName]) -> dict[TileName, list[list[bytes]]]:
        tiles = [tile_of(name, self._size) for name in names]
        found = self._fetch(tiles) if tiles else {}
        result: dict[TileName, list[list[bytes]]] = {}
        for tile in tiles:
            data = found.get(tile)
            if data is None or len(data) != tile.width * HASH_BYTES:
                raise forged(f"{tile.path} with {tile.width} hashes", "none" if data is None else "another size")
            result[tile.name] = _hashed_up(split_hashes(data))
        return result

    def _read_checked(self, level: int, index: int) -> bytes:
        name, height, at = place(level, index)
        return self._tiles[name][height][at]


def place(level: int, index: int) -> tuple[TileName, int, int]:
    """Where a complete subtree's hash lies: its tile, the height above the tile's hashes, and the place there."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    number, first = divmod(index << height, TILE_HASHES)
    return (tile_level, number), height, first >> height


def edge(reader: TileReader, size: int) -> merkle.CompactRange:
    """The right edge of the tree of the first `size` leaves."""
    reader.fetch(edge_names(size))
    levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
    return merkle.CompactRange(size, tuple(reader.read(level, (size >> level) - 1) for level in levels))


def grow(held: Mapping[TileName, bytes], size: int, leaves: Sequence[bytes]) -> dict[TileName, bytes]:
    """The tiles that change when leaves are added to a tree of `size`.

    Args:
        held: the tiles at the tree's right edge, those that are not full.
        size: leaves so far.
        leaves: leaf hashes, in order.
    """
    changed: dict[TileName, bytes] = {}
    level, start, hashes = 0, size, b"".join(leaves)
    while hashes:
        number, width = divmod(start, TILE_HASHES)
        data = (held[level, number] if width else b"") + hashes
        tiles = [data[at : at + TILE_BYTES] for at in range(0, len(data), TILE_BYTES)]
        changed.update({(level, number + i): tile for i, tile in enumerate(tiles)})
        hashes = b"".join(merkle.root(split_hashes(tile)) for tile in tiles if len(tile) == TILE_BYTES)
        level, start = level + 1, number
    return changed


def _hashed_up(hashes: list[bytes]) -> list[list[bytes]]:
    """A tile's hashes and, by height, those of the complete subtrees over them."""
    levels = [hashes]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([merkle.node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return levels
