"""Checking a store for `fieldward doctor`: the file, every record, and that they hang together.

Reports and repairs nothing. Signatures are not checked again: they were, before anything was stored, and what opens is
what was stored. That each entry lies under its seal is.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Final

from edge_runtime.errors import StoreError
from edge_runtime.store import holding, uploads, values
from edge_runtime.store.boxes import Table, damaged
from edge_runtime.store.holding import HeldKind
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import SEALS, ChainRow, Ledger, StreamRow
from edge_runtime.store.shelf import CHAIN_ROWS, NAMED_ROWS, SEAL_ROWS, Row, verified
from edge_runtime.store.uploads import UploadState
from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import Seal, VerifiedEntry, seal_leaf, verify_entry
from sync_protocol.errors import PeerError
from sync_protocol.ids import EntryHash, Hash, SealHash, SessionId, StreamId
from sync_protocol.merkle import verify_inclusion
from sync_protocol.signed import Verified

INTEGRITY_LINES_MAX: Final = 20
FILE: Final = "file"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written.

    Attributes:
        table: where; "file" for the file as a whole.
        row: the record's number there, of an entry its arrival index; None where it is not one record.
        what: what is wrong.
    """

    table: str
    row: int | None
    what: str


def check_all(reader: Reader, may_lack: Collection[StreamId] = ()) -> list[Problem]:
    """Everything that can be found wrong, table by table; empty when all is well. Takes some 0.1 ms an entry.

    Args:
        reader: of the store.
        may_lack: streams whose entries may have lost their bodies.
    """
    check = _Check(reader, may_lack)
    check.file()
    for table in Table:
        check.table(table)
    check.totals()
    return check.problems


class _Check:
    """One pass over a store."""

    def __init__(self, reader: Reader, may_lack: Collection[StreamId]) -> None:
        self.problems: list[Problem] = []
        self._may_lack = may_lack
        self._reader = reader
        self._counted = Ledger()
        self._streams: dict[int, StreamRow] = {}
        self._chains: dict[int, ChainRow] = {}
        self._seen_streams: dict[int, StreamRow] = {}
        self._seen_chains: dict[int, ChainRow] = {}
        self._heads: dict[int, dict[int, set[EntryHash]]] = defaultdict(lambda: defaultdict(set))
        self._seals: dict[SessionId, dict[int, list[Verified[Seal]]]] = defaultdict(lambda: defaultdict(list))

    def file(self) -> None:
        """What sqlite itself can tell: pages, order, indexes."""
        with self._noting(FILE, None):
            for (line,) in self._reader.connection.execute(f"PRAGMA integrity_check({INTEGRITY_LINES_MAX})"):
                if line != "ok":
                    self._note(FILE, None, str(line))

    def table(self, table: Table) -> None:
        """Every record of a table: it opens, lies under its name, and continues what came before it."""
        look = {
            Table.LEDGER: self._ledger_row,
            Table.CERTIFICATE: self._certificate,
            Table.SESSION: self._session,
            Table.STREAM: self._stream,
            Table.CHAIN: self._chain,
            Table.SEAL: self._seal,
            Table.ENTRY: self._entry,
            Table.UPLOAD: self._upload,
            Table.VALUE: self._value,
            Table.HELD: self._held_row,
        }[table]
        name = table.value.decode()
        with self._noting(name, None):
            rows = self._reader.connection.execute(f"SELECT id FROM {name} NOT INDEXED ORDER BY id").fetchall()  # noqa: S608 a table of ours
            for (row,) in rows:
                with self._noting(name, row):
                    look(row)

    def totals(self) -> None:
        """That streams, chains and the ledger say what there is."""
        for row, stream in self._streams.items():
            if self._seen_streams.get(row, stream.entries) != stream:
                self._note("stream", row, f"{stream.entries} entries were written, others are here")
        for row, chain in self._chains.items():
            if self._seen_chains.get(row) != chain:
                self._note("chain", row, f"{chain.count} links up to {chain.last} were written, others are here")
        with self._noting("ledger", None):
            for field in fields(Ledger):
                kept, found = getattr(self._reader.ledger, field.name), getattr(self._counted, field.name)
                if kept != found:
                    self._note("ledger", None, f"{field.name}: other than were written")

    def _ledger_row(self, row: int) -> None:
        del row
        _ = self._reader.ledger

    def _certificate(self, row: int) -> None:
        plain = self._named(Table.CERTIFICATE, row)
        self._check_found(Table.CERTIFICATE, row, verified(Table.CERTIFICATE, row, Certificate, plain).hash)
        self._counted.certificates += 1

    def _session(self, row: int) -> None:
        plain = self._named(Table.SESSION, row)
        self._check_found(Table.SESSION, row, verified(Table.SESSION, row, Session, plain).value.session)
        self._counted.sessions += 1

    def _stream(self, row: int) -> None:
        stream = StreamRow.unpack(row, self._named(Table.STREAM, row))
        self._check_found(Table.STREAM, row, stream.stream)
        self._counted.streams += 1
        self._counted.toggle(self._reader.boxes.name(Table.STREAM, stream.stream))
        self._streams[row] = stream
        self._seen_streams[row] = StreamRow(row=row, stream=stream.stream)

    def _value(self, row: int) -> None:
        name, _ = values.unpack(self._named(Table.VALUE, row))
        self._check_found(Table.VALUE, row, name)
        self._counted.values += 1
        self._counted.toggle(self._reader.boxes.name(Table.VALUE, name))

    def _chain(self, row: int) -> None:
        chain = self._reader.open_chain(self._row(Table.CHAIN, CHAIN_ROWS, row))
        stream = self._streams.get(chain.stream)
        if chain.stream != SEALS and stream is None:
            self._note("chain", row, "its stream is not here")
            return
        found = self._reader.find_chain(chain.session, stream)
        if found != chain:
            self._note("chain", row, "not found under its own name")
        self._counted.chains += 1
        self._counted.toggle(chain.name)
        self._chains[row] = chain
        self._seen_chains[row] = ChainRow(row=row, stream=chain.stream, name=chain.name, session=chain.session)
        if chain.stream in self._seen_streams:
            self._seen_streams[chain.stream].chains += 1

    def _seal(self, row: int) -> None:
        columns = self._row(Table.SEAL, SEAL_ROWS, row)
        seal = self._reader.open_seal(columns)
        value = seal.value
        before = self._seals[value.session].get(value.number - 1, [])
        if value.previous is not None and not any(SealHash(other.hash) == value.previous for other in before):
            self._note("seal", row, f"seal {value.number} of session {value.session.short} without the one before it")
        if all(other.hash != seal.hash for other in self._reader.seals(value.session, value.number)):
            self._note("seal", row, "not found under its own number")
        self._seals[value.session][value.number].append(seal)
        self._counted.seals += 1
        self._extend(columns[1], value.number, seal.hash)

    def _entry(self, row: int) -> None:
        columns = self._reader.entry_row(row)
        entry = self._reader.open_entry(columns).entry
        stream = self._seen_streams.get(columns[1])
        if row != self._counted.entries or (stream is not None and stream.entries != columns[2]):
            self._note("entry", row, "an entry before it is missing")
        self._counted.entries = row + 1
        if stream is not None:
            stream.entries = columns[2] + 1
        if self._reader.index(entry.hash) != row:
            self._note("entry", row, "not found under its own name")
        heads = self._heads[columns[3]]
        if entry.header.prev is not None and entry.header.prev not in heads[entry.header.seq - 1]:
            self._note("entry", row, f"number {entry.header.seq} of its chain, without the one before it")
        heads[entry.header.seq].add(entry.hash)
        self._extend(columns[3], entry.header.seq, entry.hash)
        self._check_sealed(row, entry)

    def _upload(self, row: int) -> None:
        upload = uploads.find(self._reader, row)
        if upload is None or row >= self._counted.entries:
            self._note("upload", row, "the state of an entry that is not here")
        elif upload.state is UploadState.PENDING:
            self._counted.pending += 1
        elif upload.state is UploadState.REFUSED:
            self._counted.refused += 1
        elif upload.state is UploadState.AT_PEER:
            self._counted.at_peer += 1

    def _held_row(self, row: int) -> None:
        one = holding.at(self._reader, row)
        for what in holding.wrong(self._reader, row, one):
            self._note("held", row, what)
        if one.kind is HeldKind.POOL:
            self._check_sealed(row, one.entry, "held")
        self._counted.held += 1
        self._counted.held_bytes += one.size

    def _check_sealed(self, row: int, entry: VerifiedEntry, table: str = "entry") -> None:
        for seal in self._seals[entry.header.session].get(entry.header.seal, []):
            try:
                self._verify(entry, seal)
            except PeerError:
                continue  # a forked session has two seals of one number
            return
        self._note(table, row, f"no seal {entry.header.seal} of session {entry.header.session.short} covers it")

    def _verify(self, entry: VerifiedEntry, seal: Verified[Seal]) -> None:
        """Check an entry against a seal; of one that may have lost its body, its header."""
        header = entry.header
        if entry.body or header.stream not in self._may_lack:
            verify_entry(entry.wire, header, seal)
            return
        leaf, path = seal_leaf(header.stream, header.seq, entry.hash), entry.wire.path
        verify_inclusion(leaf, index=entry.wire.index, size=seal.value.size, path=path, root=seal.value.root)

    def _check_found(self, table: Table, row: int, what: bytes) -> None:
        found = self._reader.find(table, what)
        if found is None or found[0] != row:
            self._note(table.value.decode(), row, "not found under its own name")

    def _extend(self, chain: int, number: int, name: Hash) -> None:
        seen = self._seen_chains.get(chain)
        if seen is not None:
            seen.extend(number, name)

    def _named(self, table: Table, row: int) -> bytes:
        return self._reader.open_named(table, self._row(table, NAMED_ROWS[table], row))

    def _row(self, table: Table, query: str, row: int) -> Row:
        found: Row | None = self._reader.connection.execute(query + "WHERE id = ?", (row,)).fetchone()
        if found is None:
            raise damaged(table, row, "no such row")
        return found

    def _note(self, table: str, row: int | None, what: str) -> None:
        self.problems.append(Problem(table, row, what))

    @contextmanager
    def _noting(self, table: str, row: int | None) -> Iterator[None]:
        """Go on after damage: the next record may be whole, and a person wants to know of all."""
        try:
            yield
        except StoreError as error:
            self._note(table, row, error.got)
        except sqlite3.Error as error:
            self._note(table, row, str(error))
