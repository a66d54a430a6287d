"""The draft of a backup: the database as of one moment, under a name that no manifest gives, until it is a backup.

Whatever goes wrong, none of it is left: it is as large as the database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from server.relay.backup_set import Progress
from server.relay.database import explain
from server.relay.errors import StorageError

DRAFT: Final = "relay.new.sqlite3"
_PAGES: Final = 2048
"""Database pages between two words about progress: 8 MiB."""
_FILE_MODE: Final = 0o600


@contextmanager
def without_drafts(out: Path) -> Iterator[None]:
    """Leave none of what did not become a backup: it is as large as the database, and the disk may be full of it.

    Raises:
        StorageError: the folder does not take what is to be written.
    """
    try:
        yield
    except BaseException as error:
        with suppress(OSError):
            _remove_drafts(out)
        if isinstance(error, OSError):
            raise _unwritable(out, (error.strerror or type(error).__name__).lower()) from None
        raise


def copy_database(source: Path, draft: Path, progress: Progress) -> None:
    """Copy a database as of one moment, though a relay goes on writing to it.

    A reader's transaction that is open on the source keeps its view, so the copy never begins anew.

    Source: SQLite, Online Backup API.
    """
    _remove_drafts(draft.parent)
    draft.touch(mode=_FILE_MODE)  # before there is anything in it: the folder may be somebody else's to read
    try:
        with closing(sqlite3.connect(source, isolation_level=None)) as old, closing(sqlite3.connect(draft)) as new:
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()

            def told(_: int, left: int, total: int) -> None:
                progress("database pages copied", total - left, total)

            old.backup(new, pages=_PAGES, progress=told, sleep=0)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise _unwritable(draft.parent, "no room for the copy of the database") from None
        raise explain(error) from None


def _unwritable(out: Path, got: str) -> StorageError:
    return StorageError(
        "backup_unwritable",
        expected=f"to write a backup to {out}",
        got=got,
        do="make room there or name another folder, then run the command again; the relay was told nothing of this one",
    )


def _remove_drafts(out: Path) -> None:
    """What belongs to a copy of the database that has no name yet."""
    for end in ("", "-wal", "-shm", "-journal"):
        (out / f"{DRAFT}{end}").unlink(missing_ok=True)
