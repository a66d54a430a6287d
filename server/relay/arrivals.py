"""Reads entries back from the log: a page of all, or of those in a device's streams.

A device may have thousands of streams, more than a statement takes, and anything from none to all of the log may be in
them. So the log is searched by windows that double while they hold too little, and a window is read by whichever is
fewer: its rows, or the streams.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from server.relay.database import slices
from server.relay.models import EntryRow, table
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.ids import Hash, StreamId
from sync_protocol.limits import HASH_BYTES
from sync_protocol.store import Arrived

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row

    from server.relay.cold_bodies import ColdBodies, Lost

_WINDOW_ROWS_MIN: Final = 1024
_WINDOW_ROWS_MAX: Final = 256 * 1024
_STREAMS_MAX: Final = 1000
"""Streams in one statement."""
_ASKED_MAX: Final = 400
"""Entries in one statement."""
_ENTRY: Final = table(EntryRow)
WIRE_ENTRY: Final = select(_ENTRY.c.log_index, _ENTRY.c.header, _ENTRY.c.body, _ENTRY.c.seal_index, _ENTRY.c.seal_path)
"""What `decoded` takes."""


def page(
    connection: Connection,
    streams: Collection[StreamId] | None,
    *,
    after: int,
    end: int,
    limit: int,
    cold: ColdBodies | None = None,
) -> list[Arrived]:
    """Entries in the order of the log.

    Args:
        connection: to read by.
        cold: see `decoded`.
        streams: whose entries; None for all.
        after: the first log index to look at.
        end: one more than the last.
        limit: entries at most.
    """
    if streams is None:
        query = WIRE_ENTRY.where(*_within(after, end)).order_by(_ENTRY.c.log_index)
        return decoded(connection.execute(query.limit(limit)), cold)
    return at(connection, _find(connection, frozenset(streams), start=after, end=end, limit=limit), cold)


def at(connection: Connection, indices: Sequence[int], cold: ColdBodies | None = None) -> list[Arrived]:
    """The entries at ascending log indices."""
    query = WIRE_ENTRY.order_by(_ENTRY.c.log_index)
    return [
        arrived
        for some in slices(indices, _ASKED_MAX)
        for arrived in decoded(connection.execute(query.where(_ENTRY.c.log_index.in_(some))), cold)
    ]


def arrived_ms(connection: Connection, names: Sequence[Hash]) -> list[int]:
    """When those of some entries that are here came, in Unix milliseconds by the relay's clock; in no order."""
    query = select(_ENTRY.c.arrived_ms)
    return [
        at
        for some in slices(names, _ASKED_MAX)
        for at in connection.execute(query.where(_ENTRY.c.hash.in_(some))).scalars()
    ]


def decoded(rows: Iterable[Row[*tuple[Any, ...]]], cold: ColdBodies | None = None) -> list[Arrived]:
    """The entries of `WIRE_ENTRY` rows.

    Args:
        rows: at once in memory.
        cold: where bodies are that are not in their rows; None where none can be elsewhere.

    Raises:
        StorageError: a segment is missing or was changed.
    """
    found = list(rows)
    bodies = warmed(found, cold)
    return [
        Arrived(
            index,
            VerifiedEntry.from_store(
                WireEntry(header=header, body=body or bodies.get(index, b""), index=at, path=_hashes(path))
            ),
        )
        for index, header, body, at, path in found
    ]


def warmed(
    rows: Iterable[Row[*tuple[Any, ...]]], cold: ColdBodies | None, *, lost: Lost | None = None
) -> Mapping[int, bytes]:
    """Of `WIRE_ENTRY` rows without a body, the bodies that are in segments, by log index; `lost` as by ColdBodies."""
    lacking = [] if cold is None else [index for index, _, body, _, _ in rows if not body]
    return cold.bodies(lacking, lost=lost) if cold is not None and lacking else {}


def _find(connection: Connection, streams: frozenset[bytes], *, start: int, end: int, limit: int) -> list[int]:
    """Log indices of the streams' entries, ascending."""
    found: list[int] = []
    rows = max(_WINDOW_ROWS_MIN, 2 * limit)
    while start < end and len(found) < limit and streams:
        stop = min(start + rows, end)
        read = _by_row if stop - start <= len(streams) else _by_stream
        found += read(connection, streams, start, stop)
        start, rows = stop, min(2 * rows, _WINDOW_ROWS_MAX)
    return found[:limit]


def _by_row(connection: Connection, streams: frozenset[bytes], start: int, end: int) -> list[int]:
    query = select(_ENTRY.c.log_index, _ENTRY.c.stream).where(*_within(start, end))
    rows = connection.execute(query.order_by(_ENTRY.c.log_index))
    return [index for index, stream in rows if stream in streams]


def _by_stream(connection: Connection, streams: frozenset[bytes], start: int, end: int) -> list[int]:
    query = select(_ENTRY.c.log_index).where(*_within(start, end))
    found: list[int] = []
    for some in slices(sorted(streams), _STREAMS_MAX):
        found += connection.execute(query.where(_ENTRY.c.stream.in_(some))).scalars()
    return sorted(found)


def _within(start: int, end: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _ENTRY.c.log_index >= start, _ENTRY.c.log_index < end


def _hashes(joined: bytes) -> tuple[Hash, ...]:
    return tuple(Hash(joined[at : at + HASH_BYTES]) for at in range(0, len(joined), HASH_BYTES))
