"""The transparency log in tiles: hashes by 256, one row a tile, and the signed checkpoints over them.

The leaf of an entry is `merkle.leaf_hash` of its hash, at its arrival index. Hash `i` of the tile (level, number) is
the complete subtree of height `8 * level` with the index `256 * number + i`; what lies between is hashed up when it is
asked for. A tile is rewritten while it grows, and an upper tile gets a hash when the tile below it is full. So a commit
reads and writes a tile a level, and a proof reads two, whatever the size of the log.

Source: C2SP tlog-tiles, section Merkle Tree; RFC 6962 section 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import and_, bindparam, insert, or_, select, update

from server.relay.database import slices
from server.relay.models import CheckpointRow, LogTile, table
from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.ids import Hash
from sync_protocol.limits import HASH_BYTES, LOG_SIZE_MAX

if TYPE_CHECKING:
    from sqlalchemy import Connection

TILE_HEIGHT: Final = 8
TILE_HASHES: Final = 1 << TILE_HEIGHT
_TILE_BYTES: Final = TILE_HASHES * HASH_BYTES
_NAMES_MAX: Final = 400
"""Tiles that one statement asks for."""
_TILE: Final = table(LogTile)
_CHECKPOINT: Final = table(CheckpointRow)

TileName: TypeAlias = tuple[int, int]
"""Level and number."""
Load: TypeAlias = Callable[[Collection[TileName]], Mapping[TileName, bytes]]


class TileReader:
    """Reads complete subtrees from tiles, each of them loaded and hashed up once."""

    def __init__(self, load: Load) -> None:
        """Read by `load`, which leaves out tiles that do not exist."""
        self._load = load
        self._tiles: dict[TileName, list[list[bytes]]] = {}

    def fetch(self, names: Collection[TileName]) -> None:
        """Load tiles ahead, in one go."""
        for name, hashes in self._load(names).items():
            self._tiles[name] = _hashed_up(_split(hashes))

    def read(self, level: int, index: int) -> bytes:
        """A complete subtree's hash; `merkle.ReadNode`."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, first = divmod(index << height, TILE_HASHES)
        if (tile_level, number) not in self._tiles:
            self.fetch([(tile_level, number)])
        return self._tiles[tile_level, number][height][first >> height]

    def paths(self, indices: Sequence[int], size: int) -> list[tuple[Hash, ...]]:
        """Inclusion paths of leaves in the tree of the first `size` leaves.

        Raises:
            MisuseError: no such leaf.
        """
        names = set(_edge_names(size))
        for index in indices:
            level, number = 0, index >> TILE_HEIGHT
            while (level, number) not in names and level * TILE_HEIGHT < size.bit_length():
                names.add((level, number))
                level, number = level + 1, number >> TILE_HEIGHT
        self.fetch(names)
        return [merkle.inclusion_path_from(self.read, index=index, size=size) for index in indices]


def edge(reader: TileReader, size: int) -> merkle.CompactRange:
    """The right edge of the tree of the first `size` leaves."""
    reader.fetch(_edge_names(size))
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
        tiles = [data[at : at + _TILE_BYTES] for at in range(0, len(data), _TILE_BYTES)]
        changed.update({(level, number + i): tile for i, tile in enumerate(tiles)})
        hashes = b"".join(merkle.root(_split(tile)) for tile in tiles if len(tile) == _TILE_BYTES)
        level, start = level + 1, number
    return changed


def load_from(connection: Connection) -> Load:
    """Read tiles by this connection."""

    def load(names: Collection[TileName]) -> Mapping[TileName, bytes]:
        found: dict[TileName, bytes] = {}
        for some in slices(sorted(names), _NAMES_MAX):
            # A list of pairs makes SQLite read the whole table; a list of numbers for each level does not.
            numbers: dict[int, list[int]] = {}
            for level, number in some:
                numbers.setdefault(level, []).append(number)
            wanted = [and_(_TILE.c.level == level, _TILE.c.number.in_(held)) for level, held in numbers.items()]
            for level, number, hashes in connection.execute(select(_TILE).where(or_(*wanted))):
                found[level, number] = hashes
        return found

    return load


def extend(connection: Connection, size: int, leaves: Sequence[bytes]) -> None:
    """Add leaf hashes to the stored tiles of a tree of `size`."""
    held = load_from(connection)(_edge_names(size))
    changed = grow(held, size, leaves)
    grown = [{"of": level, "at": number, "hashes": changed[level, number]} for level, number in changed.keys() & held]
    new = [
        {"level": level, "number": number, "hashes": changed[level, number]} for level, number in changed.keys() - held
    ]
    if grown:
        place = (_TILE.c.level == bindparam("of"), _TILE.c.number == bindparam("at"))
        connection.execute(update(_TILE).where(*place), grown)
    if new:
        connection.execute(insert(_TILE), new)


def latest_checkpoint(connection: Connection) -> tuple[Checkpoint, bytes] | None:
    """The checkpoint of the whole log, with its signed note."""
    return checkpoint_floor(connection, LOG_SIZE_MAX)


def checkpoint_at(connection: Connection, size: int) -> tuple[Checkpoint, bytes] | None:
    """The checkpoint of exactly that size, if one was signed."""
    found = checkpoint_floor(connection, size)
    return found if found is not None and found[0].size == size else None


def checkpoint_floor(connection: Connection, size: int) -> tuple[Checkpoint, bytes] | None:
    """The largest checkpoint of at most that size."""
    query = select(_CHECKPOINT.c.note).where(_CHECKPOINT.c.size <= size).order_by(_CHECKPOINT.c.size.desc()).limit(1)
    note = connection.execute(query).scalar()
    if note is None:
        return None
    text, _, _ = note.decode().partition("\n\n")
    return Checkpoint.parse(text + "\n"), note


def put_checkpoint(connection: Connection, size: int, note: bytes) -> None:
    """Keep a signed note over the first `size` leaves."""
    connection.execute(insert(_CHECKPOINT), {"size": size, "note": note})


def _edge_names(size: int) -> list[TileName]:
    """The tiles at the right edge that are not full."""
    levels = range(-(-size.bit_length() // TILE_HEIGHT))
    widths = [(level, size >> level * TILE_HEIGHT) for level in levels]
    return [(level, width >> TILE_HEIGHT) for level, width in widths if width % TILE_HASHES]


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def _hashed_up(hashes: list[bytes]) -> list[list[bytes]]:
    """A tile's hashes and, by height, those of the complete subtrees over them."""
    levels = [hashes]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([merkle.node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return levels
