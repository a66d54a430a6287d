"""Moves full tiles whose leaves are old from the database to files, batch by batch, beside a running relay or not.

A batch is written and flushed first, then its rows leave in one transaction. Whatever stops it in between, each tile is
in the database, or in a file with its digest in the database, or in both; the next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, func, or_, select

from server.relay import log
from server.relay.database import for_writing
from server.relay.errors import StorageError
from server.relay.models import ArchivedTile, EntryRow, LogTile, table
from sync_protocol.tiles import TILE_BYTES, TILE_HEIGHT, TileName, level_count

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine

    from server.relay.archive import TileArchive

BATCH_TILES: Final = 64
"""Tiles in one transaction: half a megabyte."""
_ENTRY: Final = table(EntryRow)
_TILE: Final = table(LogTile)
_ARCHIVED: Final = table(ArchivedTile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooled:
    """What a run came to.

    Attributes:
        moved: tiles that this run moved.
        archived: tiles in the archive now.
        entries: how many entries, from the first on, are so old that full tiles over them alone are archived.
    """

    moved: int
    archived: int
    entries: int


def archive_cold(
    engine: Engine, archive: TileArchive, *, before_ms: int, progress: Callable[[int, int], None] = lambda *_: None
) -> Cooled:
    """Move every full tile whose leaves all arrived before some time.

    Args:
        engine: the relay's database; nobody else archives from it now.
        archive: where the tiles go.
        before_ms: in Unix milliseconds by the relay's clock; entries whose arrival nobody noted are before it.
        progress: told after each batch how many tiles of how many are moved.

    Raises:
        StorageError: a tile cannot be written, or the database cannot do its part; what was moved stays moved.
    """
    with engine.connect() as connection:
        entries = _cold_entries(connection, before_ms)
        cold = _cold(entries)
        total = connection.execute(select(func.count()).select_from(_TILE).where(cold)).scalar_one()
    moved = 0
    progress(moved, total)
    while batch := _batch(engine, cold):
        digests = archive.write(batch)
        with for_writing(engine) as connection, connection.begin():
            log.move_to_archive(connection, digests)
        moved += len(batch)
        progress(moved, total)
    with engine.connect() as connection:
        archived = connection.execute(select(func.count()).select_from(_ARCHIVED)).scalar_one()
    return Cooled(moved=moved, archived=archived, entries=entries)


def _cold_entries(connection: Connection, before_ms: int) -> int:
    """How many entries, from the first on, all came before that time and are in the log.

    Looks from where the archive ends: a clock that was set back may have put a late entry before an early one, so the
    first late one decides.
    """
    newest = log.latest_checkpoint(connection)
    size = 0 if newest is None else newest[0].size
    archived = connection.execute(select(func.max(_ARCHIVED.c.number)).where(_ARCHIVED.c.level == 0)).scalar()
    start = 0 if archived is None else archived + 1 << TILE_HEIGHT
    late = select(_ENTRY.c.log_index).where(_ENTRY.c.log_index >= start, _ENTRY.c.arrived_ms >= before_ms)
    first = connection.execute(late.order_by(_ENTRY.c.log_index).limit(1)).scalar()
    return size if first is None else min(first, size)


def _cold(entries: int) -> ColumnElement[bool]:
    """The tiles that are full of the first `entries` leaves."""
    full = ((level, entries >> TILE_HEIGHT * (level + 1)) for level in range(max(1, level_count(entries))))
    return or_(*(and_(_TILE.c.level == level, _TILE.c.number < count) for level, count in full))


def _batch(engine: Engine, cold: ColumnElement[bool]) -> dict[TileName, bytes]:
    """The next tiles to move."""
    query = select(_TILE).where(cold).order_by(_TILE.c.level, _TILE.c.number).limit(BATCH_TILES)
    with engine.connect() as connection:
        found = {(level, number): hashes for level, number, hashes in connection.execute(query)}
    for (level, number), hashes in found.items():
        if len(hashes) != TILE_BYTES:
            raise StorageError(
                "storage_damaged",
                expected=f"{TILE_BYTES} bytes in tile {number} on level {level}, which is full",
                got=f"{len(hashes)}",
                do="stop the relay, keep the database, restore the last backup; devices send again what it lacks",
            )
    return found
