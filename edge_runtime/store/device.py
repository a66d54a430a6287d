"""The store of a device: the protocol's Store over an encrypted sqlite3 file, for any number of threads of one process.

One connection writes, one reads: a read sees what was committed when it began, also within a `writing` block. A block
belongs to one thread, which must not await in it: another task that wants to write would find the block open.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Self

from edge_runtime.errors import StoreError
from edge_runtime.store import database, holding, uploads, values
from edge_runtime.store.boxes import Boxes
from edge_runtime.store.check import Problem, check_all
from edge_runtime.store.holding import HeldEntry, HeldUse
from edge_runtime.store.reading import Reader, check_key, check_names
from edge_runtime.store.rows import Ledger
from edge_runtime.store.shelf import write_ledger
from edge_runtime.store.upgrade import upgrade
from edge_runtime.store.uploads import Refused, Upload, UploadState, Waiting
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.vault.keys import DataKey, Entropy
from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import Seal
from sync_protocol.errors import MisuseError
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived


class DeviceStore:
    """Everything that a device remembers. The caller holds the home's lock, and closes the store."""

    def __init__(self, path: Path, data_key: DataKey, entropy: Entropy, *, create: bool = True) -> None:
        """Open the store, or make one where none is.

        Args:
            path: the file; sqlite keeps two more beside it while it is open.
            data_key: the vault's.
            entropy: for nonces.
            create: whether to make one. A home that has a vault and was used has a store; one that is gone is a loss.

        Raises:
            StoreError: "no_store", "store_foreign", "store_newer", "store_damaged", or the disk's own.
        """
        self._path = path
        self._boxes = Boxes(data_key, entropy)
        if not path.exists():
            if not create:
                raise StoreError(
                    "no_store",
                    expected=f"a store at {path}",
                    got="no file",
                    do="restore the home from a backup, or enrol the device again: what the relay receipted comes back",
                )
            database.create(path, lambda connection: write_ledger(connection, self._boxes, Ledger()))
        self._owner: int | None = None
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        with ExitStack() as stack:
            self._writer_connection = stack.enter_context(closing(database.connect(path)))
            self._reader_connection = stack.enter_context(closing(database.connect(path)))
            with self._reading() as reader:
                check_key(reader)
            with self._explained():
                upgrade(self._writer_connection, self._boxes)
            with self._reading() as reader:
                check_names(reader)
            stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Again is nothing.

        Raises:
            MisuseError: within a writing block.
        """
        self._refuse_within_block("closing after the block")
        # In this order: who writes may read, so who holds the reading lock must not wait for the writing one.
        with self._write_lock, self._read_lock:
            self._reader_connection.close()
            with suppress(sqlite3.Error):  # the last to close also checkpoints, which a full disk may forbid
                self._writer_connection.close()

    @contextmanager
    def writing(self) -> Iterator[DeviceWriter]:
        """See Store.

        Raises:
            StoreError: "disk_full" or another; nothing was changed.
            MisuseError: a block within a block.
        """
        self._refuse_within_block("one writer at a time")
        with self._write_lock:
            connection = self._writer_connection
            self._owner = threading.get_ident()
            writer: DeviceWriter | None = None
            try:
                with self._explained():
                    connection.execute("BEGIN IMMEDIATE")
                writer = DeviceWriter(connection, self._boxes, self._explained)
                yield writer
                writer.finish()
                with self._explained():
                    connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # there may be none: it did not begin, or a full disk ended it
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._owner = None
                if writer is not None:
                    writer.end()

    def certificates(self) -> list[Verified[Certificate]]:
        """See Store."""
        with self._reading() as reader:
            return reader.certificates()

    def session(self, name: SessionId) -> Verified[Session] | None:
        """See Store."""
        with self._reading() as reader:
            return reader.session(name)

    def sessions(self) -> list[Verified[Session]]:
        """See Store."""
        with self._reading() as reader:
            return reader.sessions()

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """See Store."""
        with self._reading() as reader:
            return reader.seals(session, number)

    def seals_from(self, session: SessionId, number: int, *, limit: int) -> list[Verified[Seal]]:
        """See Store."""
        with self._reading() as reader:
            return reader.seals_from(session, number, limit=limit)

    def last_seal(self, session: SessionId) -> Verified[Seal] | None:
        """See Store."""
        with self._reading() as reader:
            return reader.last_seal(session)

    def entry(self, name: EntryHash) -> Arrived | None:
        """See Store."""
        with self._reading() as reader:
            return reader.entry(name)

    def chain(self, stream: StreamId, session: SessionId, *, first: int, limit: int) -> list[Arrived]:
        """See Store."""
        with self._reading() as reader:
            return reader.chain(stream, session, first=first, limit=limit)

    def frontier(self, stream: StreamId) -> Frontier:
        """See Store."""
        with self._reading() as reader:
            return reader.frontier(stream)

    def forked(self, stream: StreamId) -> frozenset[SessionId]:
        """See Store."""
        with self._reading() as reader:
            return reader.forked(stream)

    def streams(self) -> frozenset[StreamId]:
        """See Store."""
        with self._reading() as reader:
            return reader.streams()

    def arrivals(self, *, after: int, limit: int, streams: Collection[StreamId] | None = None) -> list[Arrived]:
        """See Store."""
        with self._reading() as reader:
            return reader.arrivals(after=after, limit=limit, streams=streams)

    def size(self) -> int:
        """See Store."""
        with self._reading() as reader:
            return reader.size()

    def get_value(self, name: str) -> bytes | None:
        """The value of that name."""
        with self._reading() as reader:
            return values.get(reader, name)

    def values(self, prefix: str = "") -> dict[str, bytes]:
        """All values whose names begin with `prefix`, by name and in its order."""
        with self._reading() as reader:
            return values.under(reader, prefix)

    def arrival(self, name: EntryHash) -> int | None:
        """The arrival index of an entry; None where there is no such entry."""
        with self._reading() as reader:
            return reader.index(name)

    def noted(self, arrival: int) -> Upload | None:
        """What was noted of the entry with that arrival index; nothing is of what the relay fed."""
        with self._reading() as reader:
            return uploads.find(reader, arrival)

    def noted_uploads(self, *, first: int, end: int) -> list[tuple[int, Upload]]:
        """What was noted of the entries with arrival indices from `first` on, below `end`, ascending."""
        with self._reading() as reader:
            return uploads.between(reader, first, end)

    def upload(self, name: EntryHash) -> Upload | None:
        """How far the entry of that hash has come; None where there is no such entry."""
        with self._reading() as reader:
            return uploads.state(reader, name)

    def pending(self, limit: int, *, after: tuple[int, int] | None = None) -> list[Waiting]:
        """Entries that are to be pushed, by rank and then in order of arrival, at most `limit`.

        Args:
            limit: how many at most.
            after: `Waiting.place` of the last one of the page before.
        """
        with self._reading() as reader:
            return uploads.pending(reader, limit=limit, after=after)

    def waiting(self) -> int:
        """How many entries are to be pushed: those on this device only, and those that are at a peer."""
        with self._reading() as reader:
            return reader.ledger.pending + reader.ledger.at_peer

    def unsent(self, end: int) -> int:
        """How many entries with arrival indices below `end` are to be pushed, or were refused."""
        with self._reading() as reader:
            return uploads.unsent(reader, end)

    def held(self) -> list[HeldEntry]:
        """What waits for other entries, in the order in which it came to wait."""
        with self._reading() as reader:
            return holding.held(reader)

    def held_use(self) -> HeldUse:
        """How much waits for other entries."""
        with self._reading() as reader:
            return HeldUse(reader.ledger.held, reader.ledger.held_bytes)

    def refused(self) -> list[Refused]:
        """What the relay did not take, in order of arrival."""
        with self._reading() as reader:
            return uploads.refused(reader)

    def receipts(self, limit: int, *, after: int = 0) -> list[tuple[int, bytes]]:
        """Receipts as they were kept, with their entries' arrival indices, from `after` on, at most `limit`."""
        with self._reading() as reader:
            return uploads.receipts(reader, limit=limit, after=after)

    def upload_counts(self) -> dict[UploadState, int]:
        """How many entries are in each state."""
        with self._reading() as reader:
            return uploads.counts(reader)

    def oldest_pending_ms(self) -> int | None:
        """The author's clock, in Unix milliseconds, on the entry that has waited longest for the relay."""
        with self._reading() as reader:
            first = uploads.oldest(reader)
            return None if first is None else first.entry.header.wall_ms

    def check(self, may_lack: Collection[StreamId] = ()) -> list[Problem]:
        """Look at every byte: the file, each record, chains, seals and indexes. Empty when all is well.

        Args:
            may_lack: streams whose entries may have lost their bodies, because their chart was destroyed.
        """
        with self._reading() as reader:
            return check_all(reader, may_lack)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, in an idle moment, so that no commit has to."""
        with self._read_lock, self._explained():
            self._reader_connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def scrub(self) -> None:
        """Take out of the file what was removed from the store, as far as a program can: a disk may keep old sectors.

        Removed records are overwritten where they lay; this also empties the write-ahead log, which holds them still.
        """
        self._refuse_within_block("scrubbing after the block")
        with self._write_lock, self._read_lock, self._explained():
            self._writer_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def copy(self, path: Path) -> None:
        """Write the store as it is now, its records closed as they are, to a file of its own.

        Args:
            path: where no file is; the caller removes it where this fails.
        """
        with self._read_lock, self._explained():
            database.copy(self._reader_connection, path)

    def _refuse_within_block(self, expected: str) -> None:
        """Raise where waiting for the block's end would wait for ever."""
        if self._owner == threading.get_ident():
            raise MisuseError("writing", expected=expected, got="a call within a block", do="report this as a bug")

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        with self._read_lock, self._explained():
            connection = self._reader_connection
            connection.execute("BEGIN")
            try:
                yield Reader(connection, self._boxes)
            finally:
                if connection.in_transaction:  # a failing disk may have ended it
                    connection.execute("ROLLBACK")

    def _explained(self) -> AbstractContextManager[None]:
        return database.explained(self._path)
