"""The sqlite3 file: its tables, how it is opened and created, and what its errors mean.

What the file shows to who finds it: how many records of each kind there are, in which order they came, how large they
are, which of them belong to one stream and one chain and their numbers there, which await upload and how urgently, and
which wait for others. It shows no id, hash, name, time or content: those are in boxes, or stand as keyed names.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final

from edge_runtime.errors import StoreError
from edge_runtime.settings import FILE_MODE, sync_folder
from edge_runtime.store.boxes import RESTORE

APPLICATION_ID: Final = 0x46574452
SCHEMA_VERSION: Final = 2
BUSY_MS: Final = 5_000
"""How long to wait for another process's transaction; the home's lock lets none be there."""
WAL_PAGES: Final = 4_000
"""16 MiB of write-ahead log, then a commit also checkpoints: with some 13 pages a commit, one in 300 takes longer."""
SECURE_DELETE: Final = "FAST"
"""What was removed is overwritten where that costs no further page; see `DeviceWriter.strip`."""
_PART: Final = ".part"
# No UNIQUE where an index serves already: each index dirties a page of its own in every transaction.
_SCHEMA: Final = """
CREATE TABLE ledger (id INTEGER PRIMARY KEY, mark BLOB NOT NULL, box BLOB NOT NULL);
CREATE TABLE certificate (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
CREATE TABLE session (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
CREATE TABLE stream (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
CREATE TABLE chain (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
CREATE INDEX chain_stream ON chain (stream);
CREATE TABLE seal (
    id INTEGER PRIMARY KEY, chain INTEGER NOT NULL, number INTEGER NOT NULL, name BLOB NOT NULL, box BLOB NOT NULL
);
CREATE INDEX seal_number ON seal (chain, number);
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, rank INTEGER NOT NULL, chain INTEGER NOT NULL,
    seq INTEGER NOT NULL, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL
);
CREATE INDEX entry_stream ON entry (stream);
CREATE INDEX entry_seq ON entry (chain, seq);
CREATE TABLE value (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
"""
SINCE_2: Final = """
CREATE TABLE upload (
    id INTEGER PRIMARY KEY, state INTEGER NOT NULL, rank INTEGER NOT NULL, box BLOB NOT NULL
);
CREATE INDEX upload_rank ON upload (state, rank);
CREATE TABLE held (
    id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, author BLOB NOT NULL, stream BLOB NOT NULL, seq INTEGER NOT NULL,
    waits BLOB NOT NULL, name BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, box BLOB NOT NULL
);
CREATE INDEX held_waits ON held (waits);
CREATE INDEX held_author ON held (author, size);
"""
"""Tables as they are since schema 2. The rowid ends every index, so `upload_rank` is in order of arrival too."""
_FULL: Final = sqlite3.SQLITE_FULL
_WAITED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNWRITABLE: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
_DISK: Final = sqlite3.SQLITE_IOERR
_PRIMARY: Final = 0xFF
_ROOM_BYTES: Final = 1024 * 1024
"""Less than this, and a failing write is for want of room."""


def create(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """Make a new store beside `path` and move it there whole, so that a crash leaves none or all of it.

    Args:
        path: where no file is.
        fill: writes the first records, in the transaction that makes the tables.

    Raises:
        StoreError: the disk is full or refuses.
    """
    part = path.with_name(path.name + _PART)
    with Explained(path):
        for left in (part, part.with_name(part.name + "-journal")):
            left.unlink(missing_ok=True)  # by a crash
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.executescript(f"BEGIN; {_SCHEMA} {SINCE_2}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            fill(connection)
            connection.execute("COMMIT")
        part.replace(path)
        sync_folder(path.parent)


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection to a store that exists.

    Raises:
        StoreError: "store_damaged" where it is no store, "store_newer" of a later program, or as `Explained`.
    """
    with Explained(path):
        if path.stat().st_size == 0:
            raise sqlite3.DatabaseError("an empty file")
        connection = sqlite3.connect(
            path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=128
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def copy(connection: sqlite3.Connection, path: Path) -> None:
    """Write what a connection sees to a file of its own, which needs no other beside it.

    Raises:
        sqlite3.Error, OSError: it cannot be written; a part of it may be there.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    with closing(sqlite3.connect(path, isolation_level=None)) as target:
        connection.backup(target)
        # A copied header says "write-ahead log", and so would make two more files wherever it is opened.
        target.execute("PRAGMA journal_mode = DELETE")


def _prepare(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
        raise sqlite3.DatabaseError("another program's database")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise StoreError(
            "store_newer",
            expected=f"a store of version {SCHEMA_VERSION} or older",
            got=f"version {version}",
            do="update Fieldward on this device; nothing was changed",
        )
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit is on the disk before it returns
        "fullfsync = ON",  # on Apple's systems fsync alone does not reach the disk
        "checkpoint_fullfsync = ON",
        f"wal_autocheckpoint = {WAL_PAGES}",
        f"secure_delete = {SECURE_DELETE}",
        "cell_size_check = ON",  # find a damaged page when it is read, not when it is used
        "trusted_schema = OFF",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


class Explained:
    """Turns what sqlite3 and the file system raise within a `with` block into StoreError: what happened, the way out.

    Raises:
        StoreError: "store_closed", "disk_full", "store_busy", "store_unwritable", "disk_failed" or "store_damaged".
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        """Explain what happens to the file at `path`, in any number of blocks."""
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if error is not None:
            told = _told(self._path, error)
            if told is not None:
                raise told from error


def _told(path: Path, error: BaseException) -> StoreError | None:
    """What an error means to a person; None where it is none of the file's."""
    match error:
        case sqlite3.ProgrammingError():
            return StoreError(
                "store_closed", expected="an open store", got="a closed one", do="open the device's session again"
            )
        case UnicodeDecodeError():  # sqlite3 trips over its own message when a damaged schema stands in it
            return _explain(path, sqlite3.SQLITE_CORRUPT, "text that is none")
        case sqlite3.Error():
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY
            return _explain(path, code, str(error))
        case OSError():
            return _explain(path, sqlite3.SQLITE_CANTOPEN, error.strerror or "an error of the file system")
        case _:
            return None


def _explain(path: Path, code: int, text: str) -> StoreError:
    if code == _FULL or (code == _DISK and _is_full(path)):
        return StoreError(
            "disk_full",
            expected="room for the change",
            got="a full disk",
            do="free some space and try again; nothing was changed",
        )
    if code in _WAITED:
        return StoreError(
            "store_busy",
            expected=f"the store to be free within {BUSY_MS} ms",
            got="another program writing to it",
            do="close the other Fieldward on this home and try again; nothing was changed",
        )
    if code in _UNWRITABLE:
        return StoreError(
            "store_unwritable",
            expected=f"to read and write {path}",
            got=text,
            do="check who owns the home and whether the disk is mounted read-only",
        )
    if code == _DISK:
        return StoreError(
            "disk_failed",
            expected="a disk that reads and writes",
            got=text,
            do="try again; if it stays, copy the home to another disk",
        )
    return StoreError(
        "store_damaged",
        expected=f"a whole store at {path}",
        got=text,
        do=RESTORE,
    )


def _is_full(path: Path) -> bool:
    """Whether the disk has no room left: where its index has none, sqlite calls that an error of the disk."""
    try:
        return shutil.disk_usage(path.parent).free < _ROOM_BYTES
    except OSError:
        return False
