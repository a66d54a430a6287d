"""A store of an earlier schema becomes one of this schema, in place and in one transaction.

A crash in the middle leaves the earlier one. Schema 2 gave uploads a rank and a state at a peer, and entries that wait
a table of their own.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from edge_runtime.store import holding, uploads, values
from edge_runtime.store.boxes import Boxes, Table, columns
from edge_runtime.store.database import SCHEMA_VERSION, SINCE_2
from edge_runtime.store.holding import LACKS, HeldEntry, HeldKind, Origin
from edge_runtime.store.ranks import Rank, Ranking
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import UPLOAD, UPLOAD_1, Ledger
from edge_runtime.store.shelf import write_ledger
from edge_runtime.store.uploads import Upload, UploadState
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX


def upgrade(connection: sqlite3.Connection, boxes: Boxes) -> None:
    """Bring a store up to SCHEMA_VERSION; nothing where it is there.

    Raises:
        sqlite3.Error, StoreError: it could not be, and nothing was changed.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version >= SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _from_1(connection, boxes)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk may have ended it
            connection.execute("ROLLBACK")
        raise


def _from_1(connection: sqlite3.Connection, boxes: Boxes) -> None:
    ledger = Reader(connection, boxes).open_ledger(Ledger.unpack_schema_1)
    reader = Reader(connection, boxes, ledger)
    connection.execute("ALTER TABLE upload RENAME TO upload_1")
    for statement in SINCE_2.split(";"):
        connection.execute(statement)
    _rank_uploads(reader)
    connection.execute("DROP TABLE upload_1")  # and its index
    for mark in values.under(reader, LACKS):
        _note_lacking(reader, StreamId(bytes.fromhex(mark.removeprefix(LACKS))))
    write_ledger(connection, boxes, ledger)


def _rank_uploads(reader: Reader) -> None:
    """Give each upload its rank, in order of arrival, so that a chain's earlier entries have theirs."""
    boxes, ranking = reader.boxes, Ranking(reader.entry)
    query = "SELECT id, state, box FROM upload_1 ORDER BY id"
    for index, state, box in reader.connection.execute(query):
        plain = boxes.open(Table.UPLOAD, index, box, columns(UPLOAD_1, state))
        rank = Rank.CONTROL
        if state == UploadState.PENDING:
            entry = reader.arrived(index).entry
            rank = max(ranking(entry), _rank_before(reader, entry))
        closed = boxes.close(Table.UPLOAD, index, plain, columns(UPLOAD, state, rank))
        reader.connection.execute("INSERT INTO upload VALUES (?, ?, ?, ?)", (index, state, rank, closed))


def _rank_before(reader: Reader, entry: VerifiedEntry) -> Rank:
    prev = entry.header.prev
    index = None if prev is None else reader.index(prev)
    before: Upload | None = None if index is None else uploads.find(reader, index)
    return before.rank if before is not None and before.waits else Rank.CONTROL


def _note_lacking(reader: Reader, stream: StreamId) -> None:
    """Note each entry of a stream that names what is not here; schema 1 kept only that there is one."""
    after = 0
    while page := reader.arrivals(after=after, limit=BATCH_ENTRIES_MAX, streams=(stream,)):
        after = page[-1].index + 1
        for entry in (arrived.entry for arrived in page):
            missing = next((name for name in entry.header.parents if reader.index(name) is None), None)
            if missing is None:
                continue
            header, ledger = entry.header, reader.ledger
            one = HeldEntry(
                kind=HeldKind.STORED,
                entry=entry,
                author=holding.author_of(reader, header.session),
                waits=missing,
                origin=Origin.RELAY,
                since_ms=header.wall_ms,  # when it came was not kept
                size=holding.size_of(entry),
            )
            ledger.held += 1
            ledger.held_bytes += one.size
            holding.put(reader, ledger.held, one)
