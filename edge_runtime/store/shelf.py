"""Rows of the store within one transaction: found by name or number, opened, and believed.

A row is believed because its box opens, and its box is bound to its place and to its columns in the clear. What a
look-up returns under a name was stored under that name.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias, TypeVar

from edge_runtime.store.boxes import Boxes, Table, columns, damaged
from edge_runtime.store.rows import CHAIN, ENTRY, NAMED, SEAL, SEALS, ChainRow, Ledger, StreamRow, unpack_wire
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]
"""What sqlite3 hands out; a damaged file may hold any type in any column."""

LEDGER_ROW: Final = 0
MARK: Final = b"mark"
"""What is named in the ledger's table: another data key names it otherwise."""
ENTRY_ROWS: Final = "SELECT id, stream, rank, chain, seq, name, box FROM entry "
SEAL_ROWS: Final = "SELECT id, chain, number, name, box FROM seal "
CHAIN_ROWS: Final = "SELECT id, stream, name, box FROM chain "
NAMED_ROWS: Final = {
    table: f"SELECT id, name, box FROM {table.value.decode()} "  # noqa: S608 - our own tables
    for table in (Table.CERTIFICATE, Table.SESSION, Table.STREAM, Table.VALUE)
}


class Shelf:
    """The rows behind one connection."""

    def __init__(self, connection: sqlite3.Connection, boxes: Boxes, ledger: Ledger | None = None) -> None:
        """Read through `connection`, inside a transaction.

        Args:
            connection: no other thread uses it meanwhile.
            boxes: opens the records.
            ledger: a writer's, which is ahead of the stored one.
        """
        self.connection = connection
        self.boxes = boxes
        self._ledger = ledger

    @property
    def ledger(self) -> Ledger:
        """How many records there are."""
        if self._ledger is None:
            self._ledger = self.open_ledger(Ledger.unpack)
        return self._ledger

    def open_ledger(self, unpack: Callable[[bytes], Ledger]) -> Ledger:
        """The ledger, by the layout of the store's schema."""
        found = self.connection.execute("SELECT mark, box FROM ledger WHERE id = ?", (LEDGER_ROW,)).fetchone()
        if found is None:
            raise damaged(Table.LEDGER, LEDGER_ROW, "no such row")
        mark, box = found
        plain = self.boxes.open(Table.LEDGER, LEDGER_ROW, box, columns(NAMED, mark))
        try:
            return unpack(plain)
        except struct.error:
            raise damaged(Table.LEDGER, LEDGER_ROW, "the ledger of another version than the file claims") from None

    def find(self, table: Table, what: bytes) -> tuple[int, bytes] | None:
        """Row and record of what `table` keeps under one name."""
        keyed = self.boxes.name(table, what)
        found = self.connection.execute(NAMED_ROWS[table] + "WHERE name = ?", (keyed,)).fetchone()
        return None if found is None else (found[0], self.open_named(table, (found[0], keyed, found[2])))

    def all_named(self, table: Table) -> Iterator[tuple[int, bytes, bytes]]:
        """Row, keyed name and record of everything that `table` keeps under one name, in order of arrival."""
        for row in self.connection.execute(NAMED_ROWS[table] + "ORDER BY id"):
            yield row[0], row[1], self.open_named(table, row)

    def records(self, table: Table, count: int) -> list[tuple[int, bytes]]:
        """Row and record of all of them, in order of arrival; `count` of them or the store is damaged."""
        found = [(row, plain) for row, _, plain in self.all_named(table)]
        if len(found) != count or not ascending([row for row, _ in found]):
            raise damaged(table, None, f"{len(found)} of {count} records")
        return found

    def next_row(self, table: Table) -> int:
        """The number of a row to be added to a table whose numbers tell nothing."""
        (last,) = self.connection.execute(f"SELECT max(id) FROM {table.value.decode()}").fetchone()  # noqa: S608 - ours
        return int(last or 0) + 1

    def find_stream(self, stream: StreamId) -> StreamRow | None:
        """A stream's row."""
        found = self.find(Table.STREAM, stream)
        return None if found is None else StreamRow.unpack(*found)

    def find_chain(self, session: SessionId, at: StreamRow | None) -> ChainRow | None:
        """The row of a session's chain in a stream; without a stream, of the chain of its seals."""
        row = self.connection.execute(CHAIN_ROWS + "WHERE name = ?", (self.chain_name(session, at),)).fetchone()
        if row is None:
            return None
        chain = self.open_chain(row)
        believe((chain.stream, chain.session) == (SEALS if at is None else at.row, session), Table.CHAIN, chain.row)
        return chain

    def chain_name(self, session: SessionId, at: StreamRow | None) -> bytes:
        """What the chain is called in the clear."""
        return self.boxes.name(Table.CHAIN, session if at is None else at.stream + session)

    def index(self, name: EntryHash) -> int | None:
        """The arrival index of an entry, without opening it."""
        keyed = self.boxes.name(Table.ENTRY, name)
        found = self.connection.execute("SELECT id FROM entry WHERE name = ?", (keyed,)).fetchone()
        return None if found is None else int(found[0])

    def arrived(self, index: int) -> Arrived:
        """The entry of an arrival index that must exist."""
        return self.open_entry(self.entry_row(index))

    def entry_row(self, index: int) -> Row:
        """The row of an arrival index that must exist."""
        row: Row | None = self.connection.execute(ENTRY_ROWS + "WHERE id = ?", (index,)).fetchone()
        if row is None:
            raise damaged(Table.ENTRY, index, "no such row")
        return row

    def open_entry(self, row: Row) -> Arrived:
        """A row of ENTRY_ROWS as the entry that was verified before it was stored."""
        index, stream, rank, chain, seq, name, box = row
        plain = self.boxes.open(Table.ENTRY, index, box, columns(ENTRY, stream, rank, chain, seq, name))
        try:
            return Arrived(index, VerifiedEntry.from_store(unpack_wire(plain)))
        except PeerError as error:
            raise damaged(Table.ENTRY, index, error.got) from error

    def open_chain(self, row: Row) -> ChainRow:
        """A row of CHAIN_ROWS."""
        number, stream, name, box = row
        plain = self.boxes.open(Table.CHAIN, number, box, columns(CHAIN, stream, name))
        return ChainRow.unpack(number, stream, name, plain)

    def open_seal(self, row: Row) -> Verified[Seal]:
        """A row of SEAL_ROWS."""
        number_of_row, chain, number, name, box = row
        plain = self.boxes.open(Table.SEAL, number_of_row, box, columns(SEAL, chain, number, name))
        return verified(Table.SEAL, number_of_row, Seal, plain)

    def open_named(self, table: Table, row: Row) -> bytes:
        """A row of NAMED_ROWS."""
        number, name, box = row
        return self.boxes.open(table, number, box, columns(NAMED, name))


def believe(expected: bool, table: Table, row: int) -> None:  # noqa: FBT001 - an assertion on the file
    """Check that a row, found through an index and opened, is one that was asked for: an index may be damaged too.

    Raises:
        StoreError: "store_damaged": it is not.
    """
    if not expected:
        raise damaged(table, row, "another record than its index says")


def ascending(places: Sequence[Any]) -> bool:
    """Whether each place is beyond the one before: a page that stands twice in a damaged file shows records twice."""
    return all(a < b for a, b in pairwise(places))


def verified(table: Table, row: int, kind: type[T], plain: bytes) -> Verified[T]:
    """A signed record that was verified before it was stored."""
    try:
        return Verified.from_store(kind, plain)
    except PeerError as error:
        raise damaged(table, row, error.got) from error


def write_ledger(connection: sqlite3.Connection, boxes: Boxes, ledger: Ledger) -> None:
    """Write the ledger, with the mark by which a store knows its vault's key."""
    mark = boxes.name(Table.LEDGER, MARK)
    box = boxes.close(Table.LEDGER, LEDGER_ROW, ledger.pack(), columns(NAMED, mark))
    connection.execute("INSERT OR REPLACE INTO ledger VALUES (?, ?, ?)", (LEDGER_ROW, mark, box))
