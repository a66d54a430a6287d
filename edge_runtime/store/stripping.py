"""Destroying the bodies of entries that the relay has. Headers stay, and with them every chain.

What waits for the relay keeps its body, because it cannot be sent without.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from edge_runtime.store import database, holding, uploads
from edge_runtime.store.boxes import Table, columns
from edge_runtime.store.holding import HeldKind, Origin
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import ENTRY, pack_wire
from edge_runtime.store.uploads import UploadState
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import StreamId


@contextmanager
def overwriting(connection: sqlite3.Connection) -> Iterator[None]:
    """Else pages that a shorter record leaves would lie in the file as they were. See also DeviceStore.scrub."""
    connection.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA secure_delete = {database.SECURE_DELETE}")


def strip(reader: Reader, index: int) -> bool:
    """Destroy the body of an entry, by arrival index; whether it has none now."""
    row = reader.entry_row(index)
    entry = reader.open_entry(row).entry
    if not entry.body:
        return True
    upload = uploads.find(reader, index)
    if upload is not None and upload.state is not UploadState.RECEIPTED:
        return False
    place = row[1:6]
    plain = pack_wire(replace(entry.wire, body=b""))
    box = reader.boxes.close(Table.ENTRY, index, plain, columns(ENTRY, *place))
    reader.connection.execute("UPDATE entry SET box = ? WHERE id = ?", (box, index))
    return True


def strip_held(reader: Reader, streams: Collection[StreamId]) -> int:
    """Destroy the bodies of entries of streams that wait in the pool; how many. What a peer brought keeps its own."""
    found = [
        one
        for one in (holding.held(reader) if reader.ledger.held else ())
        if one.kind is HeldKind.POOL and one.origin is Origin.RELAY and one.entry.header.stream in streams
    ]
    full = [one for one in found if one.entry.body]
    for one in full:
        holding.keep(reader, replace(one, entry=VerifiedEntry.from_store(replace(one.entry.wire, body=b""))))
    return len(full)
