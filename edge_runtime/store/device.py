"""The store of a device: the protocol's Store over an encrypted sqlite3 file, for any number of threads of one process.

One connection writes, one reads: a read sees what was committed when it began, also within a `writing` block. A block
belongs to one thread, which must not await in it: another task that wants to write would find the block open.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_runtime.errors import StoreError
from edge_runtime.store import database
from edge_runtime.store.answers import Answers
from edge_runtime.store.boxes import Boxes
from edge_runtime.store.database import Explained
from edge_runtime.store.reading import Reader, check_key, check_names
from edge_runtime.store.rows import Ledger
from edge_runtime.store.shelf import write_ledger
from edge_runtime.store.upgrade import upgrade
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.vault.keys import DataKey, Entropy
from sync_protocol.errors import MisuseError


class DeviceStore(Answers):
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
        self._explained = Explained(path)
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
        self._size: int | None = None
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        with ExitStack() as stack:
            self._writer_connection = stack.enter_context(closing(database.connect(path)))
            self._reader_connection = stack.enter_context(closing(database.connect(path)))
            with self._reading() as reader:
                check_key(reader)
            with self._explained:
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
            self._size = None
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
                with self._explained:
                    connection.execute("BEGIN IMMEDIATE")
                writer = DeviceWriter(connection, self._boxes, self._explained)
                yield writer
                writer.finish()
                self._size = None
                with self._explained:
                    connection.execute("COMMIT")
                self._size = writer.reader.size()
            except BaseException:
                with suppress(sqlite3.Error):  # there may be none: it did not begin, or a full disk ended it
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._owner = None
                if writer is not None:
                    writer.end()

    def size(self) -> int:
        """See Store. Asked before almost everything else, and known since the last commit: nobody else writes."""
        known = self._size
        return super().size() if known is None else known

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, in an idle moment, so that no commit has to."""
        with self._read_lock, self._explained:
            self._reader_connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def scrub(self) -> None:
        """Take out of the file what was removed from the store, as far as a program can: a disk may keep old sectors.

        Removed records are overwritten where they lay; this also empties the write-ahead log, which holds them still.
        """
        self._refuse_within_block("scrubbing after the block")
        with self._write_lock, self._read_lock, self._explained:
            self._writer_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def copy(self, path: Path) -> None:
        """Write the store as it is now, its records closed as they are, to a file of its own.

        Args:
            path: where no file is; the caller removes it where this fails.
        """
        with self._read_lock, self._explained:
            database.copy(self._reader_connection, path)

    def _refuse_within_block(self, expected: str) -> None:
        """Raise where waiting for the block's end would wait for ever."""
        if self._owner == threading.get_ident():
            raise MisuseError("writing", expected=expected, got="a call within a block", do="report this as a bug")

    def _reading(self) -> _Look:
        return _Look(self._reader_connection, self._read_lock, self._boxes, self._explained)


class _Look:
    """One look at the store, in a transaction of its own. Each answer takes one: it is a class for speed."""

    __slots__ = ("_boxes", "_connection", "_explained", "_lock")

    def __init__(
        self, connection: sqlite3.Connection, lock: threading.Lock, boxes: Boxes, explained: Explained
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._boxes = boxes
        self._explained = explained

    def __enter__(self) -> Reader:
        self._lock.acquire()
        try:
            with self._explained:
                self._connection.execute("BEGIN")
        except BaseException:
            self._lock.release()
            raise
        return Reader(self._connection, self._boxes)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            with self._explained:
                if self._connection.in_transaction:  # a failing disk may have ended it
                    self._connection.execute("ROLLBACK")
            self._explained.__exit__(kind, error, traceback)
        finally:
            self._lock.release()
