"""Moves the bodies of old entries from the database to segments, a segment at a time, beside a running relay or not.

A segment is written, flushed and read back first; then the bodies leave their rows, and the segment gets its own, in
one transaction. Whatever stops it in between, each body is in its row, or in a segment that is durable; the next run
goes on from there. Control records stay: the relay reads them at every start, and they are few.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, update

from server.relay import log
from server.relay.cold_bodies import ColdBodies, Segment, joined
from server.relay.database import for_writing, slices
from server.relay.models import EntryRow, table
from sync_protocol.entries import read_header

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

SEGMENT_BYTES: Final = 1024 * 1024
"""Bodies in one segment, but for the last one's: reading one body reads and hashes a whole segment."""
SEGMENT_ENTRIES_MAX: Final = 4096
_PAGE: Final = 256
_ENTRY: Final = table(EntryRow)


class _ChangedError(Exception):
    """A purge destroyed what was about to move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodiesCooled:
    """What a run came to.

    Attributes:
        moved, moved_bytes: bodies that this run moved.
        through: the log index below which all old bodies are in segments now.
    """

    moved: int
    moved_bytes: int
    through: int


def cool_bodies(
    engine: Engine, cold: ColdBodies, *, before_ms: int, progress: Callable[[int, int], None] = lambda *_: None
) -> BodiesCooled:
    """Move the body of every entry that arrived before some time, from the first late one's index on none.

    Args:
        engine: the relay's database.
        cold: where the bodies go.
        before_ms: in Unix milliseconds by the relay's clock; entries whose arrival nobody noted are before it.
        progress: told after each segment how many entries of how many are done.

    Raises:
        StorageError: a segment cannot be written, or the database cannot do its part; what was moved stays moved.
    """
    start = cold.end()
    with engine.connect() as connection:
        limit = _old(connection, start, before_ms)
    at, moved, size = start, 0, 0
    progress(0, limit - start)
    while at < limit:
        with cold.alone():
            end, bodies = _bodies(engine, at, limit)
            try:
                _move(engine, cold, at, end, bodies)
            except _ChangedError:
                continue
        at, moved, size = end, moved + len(bodies), size + sum(map(len, bodies.values()))
        progress(at - start, limit - start)
    return BodiesCooled(moved=moved, moved_bytes=size, through=max(at, start))


def _old(connection: Connection, start: int, before_ms: int) -> int:
    """How many entries, from the first on, all came before that time and are in the log.

    A clock that was set back may have put a late entry before an early one: the first late one decides.
    """
    newest = log.latest_checkpoint(connection)
    size = 0 if newest is None else newest[0].size
    late = select(_ENTRY.c.log_index).where(_ENTRY.c.log_index >= start, _ENTRY.c.arrived_ms >= before_ms)
    first = connection.execute(late.order_by(_ENTRY.c.log_index).limit(1)).scalar()
    return size if first is None else min(int(first), size)


def _bodies(engine: Engine, start: int, limit: int) -> tuple[int, dict[int, bytes]]:
    """The bodies for the next segment, and the log index at which it ends."""
    bodies: dict[int, bytes] = {}
    size, at = 0, start
    with engine.connect() as connection:
        while at < limit and at - start < SEGMENT_ENTRIES_MAX and size < SEGMENT_BYTES:
            end = min(at + _PAGE, limit)
            within = (_ENTRY.c.log_index >= at, _ENTRY.c.log_index < end)
            query = select(_ENTRY.c.log_index, _ENTRY.c.header, _ENTRY.c.body).where(*within)
            for index, header, body in connection.execute(query.order_by(_ENTRY.c.log_index)):
                if body and read_header(header).epoch is not None:
                    bodies[index] = body
                    size += len(body)
                if size >= SEGMENT_BYTES:
                    end = index + 1
                    break
            at = end
    return at, bodies


def _move(engine: Engine, cold: ColdBodies, first: int, end: int, bodies: dict[int, bytes]) -> None:
    """Write a segment, and take its bodies out of their rows."""
    if not bodies:
        return
    offsets, data = joined(first, end, bodies)
    digest = cold.write(data)
    with for_writing(engine) as connection, connection.begin():
        if connection.dialect.name == "sqlite":  # what leaves here must not outlive a purge in free pages
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        gone = 0
        for some in slices(list(bodies), _PAGE):
            held = (_ENTRY.c.log_index.in_(some), func.length(_ENTRY.c.body) > 0)
            gone += connection.execute(update(_ENTRY).where(*held).values(body=b"")).rowcount
        if gone != len(bodies):
            raise _ChangedError
        cold.name(connection, Segment(first=first, end=end, digest=digest, offsets=offsets))
