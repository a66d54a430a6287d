"""The transparency log in tiles: hashes by 256, one row a tile, and the signed checkpoints over them.

The leaf of an entry is `merkle.leaf_hash` of its hash, at its arrival index. A tile is rewritten while it grows, and an
upper tile gets a hash when the tile below it is full (`sync_protocol.tile_tree`). So a commit reads and writes a tile a
level, and a proof reads two, whatever the size of the log. A full tile that went cold is a file (`archive`).

Source: C2SP tlog-tiles, section Merkle Tree; RFC 6962 section 2.1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from server.relay.database import slices
from server.relay.models import ArchivedTile, CheckpointRow, LogTile, table
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.limits import LOG_SIZE_MAX
from sync_protocol.tile_tree import Load, grow
from sync_protocol.tiles import TileName, edge_names

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

    from server.relay.archive import TileArchive

_NAMES_MAX: Final = 400
"""Tiles that one statement asks for."""
_TILE: Final = table(LogTile)
_ARCHIVED: Final = table(ArchivedTile)
_CHECKPOINT: Final = table(CheckpointRow)


def load_from(connection: Connection, archive: TileArchive | None = None) -> Load:
    """Read tiles by this connection, and from the archive those that lie there.

    What it returns raises StorageError for an archived tile whose file is missing or damaged.

    Args:
        connection: sees the rows that were committed when it asks.
        archive: None where only the tiles at the log's edge are read, which are never archived.
    """

    def load(names: Collection[TileName]) -> Mapping[TileName, bytes]:
        found = _rows(connection, _TILE, names)
        missing = set(names) - found.keys()
        if missing and archive is not None:
            # In this order: a tile that moves meanwhile is in the table of archived ones when it has left the other.
            for name, digest in _rows(connection, _ARCHIVED, missing).items():
                found[name] = archive.read(name, digest)
        return found

    return load


def move_to_archive(connection: Connection, digests: Mapping[TileName, bytes]) -> None:
    """Take tiles out of the table whose files are written and durable.

    Args:
        connection: in a transaction.
        digests: of each tile, the SHA-256 of its file.
    """
    rows = [{"level": level, "number": number, "digest": digest} for (level, number), digest in digests.items()]
    connection.execute(insert(_ARCHIVED), rows)
    for some in slices(sorted(digests), _NAMES_MAX):
        connection.execute(delete(_TILE).where(_named(_TILE, some)))


def extend(connection: Connection, size: int, leaves: Sequence[bytes]) -> None:
    """Add leaf hashes to the stored tiles of a tree of `size`."""
    held = load_from(connection)(edge_names(size))
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


def _rows(connection: Connection, target: Table, names: Collection[TileName]) -> dict[TileName, bytes]:
    """Of each tile that has a row, what the row says."""
    found: dict[TileName, bytes] = {}
    for some in slices(sorted(names), _NAMES_MAX):
        for level, number, said in connection.execute(select(target).where(_named(target, some))):
            found[level, number] = said
    return found


def _named(target: Table, names: Sequence[TileName]) -> ColumnElement[bool]:
    """A list of pairs makes SQLite read the whole table; a list of numbers for each level does not."""
    numbers: dict[int, list[int]] = {}
    for level, number in names:
        numbers.setdefault(level, []).append(number)
    return or_(*(and_(target.c.level == level, target.c.number.in_(held)) for level, held in numbers.items()))
