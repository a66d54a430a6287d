"""Writing the store within one transaction: what one `writing` block puts, all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from edge_runtime.store import holding, values
from edge_runtime.store.appending import Appending
from edge_runtime.store.boxes import Boxes, Table, columns
from edge_runtime.store.database import Explained
from edge_runtime.store.holding import HeldEntry
from edge_runtime.store.links import Links
from edge_runtime.store.marking import Marks
from edge_runtime.store.ranks import Ranking, RankOf
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import NAMED, SEAL
from edge_runtime.store.shelf import write_ledger
from edge_runtime.store.stripping import overwriting, strip, strip_held
from edge_runtime.store.uploads import Upload, UploadState
from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.errors import MisuseError
from sync_protocol.ids import EntryHash, StreamId
from sync_protocol.signed import Verified
from sync_protocol.store import Outcome

_INSERT: Final = {
    Table.CERTIFICATE: "INSERT INTO certificate VALUES (?, ?, ?)",
    Table.SESSION: "INSERT INTO session VALUES (?, ?, ?)",
}
_NONE: Final[Mapping[EntryHash, bytes]] = MappingProxyType({})


class DeviceWriter:
    """The writing side of a DeviceStore, inside one block.

    A failure spoils the block even where its caller goes on: half of what a method was to write may be there.
    """

    def __init__(self, connection: sqlite3.Connection, boxes: Boxes, explained: Explained) -> None:
        """Write through `connection`, inside a transaction.

        Args:
            connection: no other thread uses it meanwhile.
            boxes: closes the records.
            explained: turns what sqlite3 raises into StoreError.
        """
        with explained:
            self._ledger = Reader(connection, boxes).ledger
        self.reader = Reader(connection, boxes, self._ledger)
        self._failure: BaseException | None = None
        self._connection = connection
        self._boxes = boxes
        self._explained = explained
        self._links = Links(self.reader)
        self._marks = Marks(self.reader)
        self._ranking = Ranking(self.reader.entry)
        self._appending = Appending(self.reader, self._links, self._marks)

    def put_certificate(self, certificate: Verified[Certificate]) -> None:
        """See Writer."""
        with self._step():
            if self._put(Table.CERTIFICATE, certificate.hash, certificate.wire):
                self._ledger.certificates += 1

    def put_session(self, session: Verified[Session]) -> None:
        """See Writer."""
        with self._step():
            if self._put(Table.SESSION, session.value.session, session.wire):
                self._ledger.sessions += 1

    def put_seal(self, seal: Verified[Seal]) -> None:
        """See Writer."""
        with self._step():
            value = seal.value
            chain = self._links.chain(value.session, None)
            if not chain.row:
                self._links.begin(chain, None)
            name = self._boxes.name(Table.SEAL, seal.hash)
            query = "SELECT id FROM seal WHERE chain = ? AND number = ? AND name = ?"
            if self._connection.execute(query, (chain.row, value.number, name)).fetchone() is None:
                self._ledger.seals += 1
                box = self._boxes.close(
                    Table.SEAL, self._ledger.seals, seal.wire, columns(SEAL, chain.row, value.number, name)
                )
                self._connection.execute(
                    "INSERT INTO seal VALUES (?, ?, ?, ?, ?)", (self._ledger.seals, chain.row, value.number, name, box)
                )
                chain.extend(value.number, seal.hash)
            self._links.flush()

    def append(
        self,
        entries: Sequence[VerifiedEntry],
        *,
        state: UploadState = UploadState.RECEIPTED,
        rank: RankOf | None = None,
    ) -> list[tuple[Outcome, int]]:
        """See Writer.

        Args:
            entries: in the order in which they shall arrive.
            state: PENDING for what this device wrote or had from a peer, RECEIPTED for what the relay sent. A duplicate
                that the relay sent is pending no more: the relay has it. Otherwise a duplicate keeps its state.
            rank: what is pushed first, an entry by itself; by default as the epochs' records say.
        """
        return self.append_each(((entry, state) for entry in entries), rank=rank)

    def append_each(
        self, entries: Iterable[tuple[VerifiedEntry, UploadState]], *, rank: RankOf | None = None
    ) -> list[tuple[Outcome, int]]:
        """Append entries, each in a state of its own: see `append`. One is in the store before the next is taken."""
        with self._step():
            result = [self._appending.append(entry, state, rank or self._ranking) for entry, state in entries]
            self._links.flush()
        return result

    def mark_receipted(self, receipts: Mapping[EntryHash, int], *, proofs: Mapping[EntryHash, bytes] = _NONE) -> int:
        """Note what is at the relay, its inclusion verified, with its index in the relay's log.

        Args:
            receipts: the index of each entry.
            proofs: what shows it, where that is to be kept; of an entry that came from the relay too.

        Returns:
            How many were not so before. What is not here, or came from the relay, is passed over.
        """
        with self._step():
            return sum(
                self._marks.receipt(
                    name, Upload(state=UploadState.RECEIPTED, log_index=index, receipt=proofs.get(name, b""))
                )
                for name, index in receipts.items()
            )

    def mark_refused(self, name: EntryHash, code: str, text: str) -> bool:
        """Note that the relay did not take an entry, and why.

        Returns:
            Whether it was pending before. What was receipted stays receipted.
        """
        with self._step():
            return self._marks.mark(name, Upload(state=UploadState.REFUSED, code=code, text=text))

    def mark_pending(self, names: Iterable[EntryHash], *, rank: RankOf | None = None) -> int:
        """Note that the relay does not have entries: it refused them and is to be asked again, or it lost them.

        Args:
            names: of the entries.
            rank: see `append`.

        Returns:
            How many were not waiting before. What is not here is passed over.
        """
        with self._step():
            return sum(self._marks.miss(name, rank or self._ranking) for name in names)

    def mark_at_peer(self, names: Iterable[EntryHash]) -> int:
        """Note that another device stored entries, too; they wait for the relay as before.

        Returns:
            How many were on this device only. Others are passed over.
        """
        with self._step():
            return sum(map(self._marks.share, names))

    def hold(self, one: HeldEntry) -> None:
        """Keep an entry that waits for another, or what it waits for now."""
        with self._step():
            holding.keep(self.reader, one)

    def let_go(self, name: EntryHash) -> bool:
        """Keep an entry no more as one that waits; whether it was one."""
        with self._step():
            return holding.let_go(self.reader, name)

    def strip(self, indices: Collection[int], *, values: Collection[str] = ()) -> frozenset[int]:
        """Destroy the bodies of entries that the relay has, by arrival index. Headers stay, and with them every chain.

        What waits for the relay keeps its body, because it cannot be sent without; it takes another call later.

        Args:
            indices: of the entries.
            values: names of values that go as thoroughly.

        Returns:
            Those that have no body now.
        """
        with self._step(), overwriting(self._connection):
            for name in values:
                self.put_value(name, None)
            return frozenset(index for index in indices if strip(self.reader, index))

    def strip_held(self, streams: Collection[StreamId]) -> int:
        """Destroy the bodies of entries that wait in the pool of streams, and that the relay has; how many.

        Headers stay: what they hang on may come, and then they take their places. What a device brought keeps its body
        until the relay has it.
        """
        with self._step(), overwriting(self._connection):
            return strip_held(self.reader, streams)

    def put_value(self, name: str, value: bytes | None) -> None:
        """Keep a value under a name, in place of the one before; None removes it.

        Raises:
            LimitError: name or value are too long.
        """
        with self._step():
            values.put(self.reader, name, value)

    def finish(self) -> None:
        """Write the ledger, the last thing before the commit."""
        with self._step():
            write_ledger(self._connection, self._boxes, self._ledger)

    def end(self) -> None:
        """Refuse all that comes after the block."""
        self._failure = MisuseError(
            "writer_ended", expected="writing within its block", got="writing after it", do="report this as a bug"
        )

    @contextmanager
    def _step(self) -> Iterator[None]:
        if self._failure is not None:
            raise self._failure
        try:
            with self._explained:
                yield
        except BaseException as failure:
            self._failure = failure
            raise

    def _put(self, table: Table, what: bytes, record: bytes) -> bool:
        """Keep a record under one name; False when it is there."""
        if self.reader.find(table, what) is not None:
            return False
        name = self._boxes.name(table, what)
        row = self.reader.next_row(table)
        box = self._boxes.close(table, row, record, columns(NAMED, name))
        self._connection.execute(_INSERT[table], (row, name, box))
        return True
