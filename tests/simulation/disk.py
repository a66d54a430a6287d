"""A simulated disk under a real SQLite file: it may end the machine between any two writes, tear the last one, or fill.

A crash before a commit leaves nothing of the transaction. A crash after it, before whoever wrote hears of it, leaves
the write-ahead log cut or garbled at a random byte behind what was flushed before: SQLite finds by its checksums what
is whole, and either outcome is legitimate. What was flushed before is never touched: a disk that loses that is broken.
A database that does not wait for its disk (SQLite's `synchronous` below FULL) flushed nothing since it was opened.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from tests.simulation.stand_ins import FILES

WAL: Final = "-wal"
_SHM: Final = "-shm"
PAGES_MAX: Final = 1 << 30
FULL: Final = 2
"""SQLite's `synchronous` under which a commit is on the disk before it returns."""


class Moment(Enum):
    """When a machine ends."""

    BEFORE = "before the commit"
    AFTER = "after the commit, before anybody hears of it"


class Crash(BaseException):
    """A machine has ended; whoever runs on it ends with it. No Exception, so that no program can go on past it."""


@dataclass(slots=True)
class _Plan:
    writes: int
    moment: Moment
    torn: bool


class Disk:
    """The disk of one machine, with one database file on it."""

    def __init__(self, path: Path, rng: random.Random, fault: Callable[[str], None]) -> None:
        """A whole disk with room.

        Args:
            path: the database's.
            rng: where a write is torn.
            fault: told of each fault that happens, by its kind.
        """
        self.path = path
        self.full = False
        self.ended = False
        self.writes = 0
        self._rng = rng
        self._fault = fault
        self._plan: _Plan | None = None
        self._flushed = 0
        self._hasty = False
        self._left: tuple[bytes, bytes] | None = None

    @property
    def inode(self) -> int:
        """What tells the file from another in its place."""
        return FILES.get(self.path, 1)

    @inode.setter
    def inode(self, number: int) -> None:
        FILES[self.path] = number

    def arm(self, writes: int, moment: Moment, *, torn: bool) -> None:
        """End the machine at one of its next writes."""
        self._plan = _Plan(writes, moment, torn)

    def disarm(self) -> None:
        """Do not."""
        self._plan = None

    def begin(self, *, flushes: bool) -> None:
        """A transaction begins.

        Args:
            flushes: whether what is committed reaches the disk before whoever commits hears of it.

        Raises:
            Crash: the machine has ended.
        """
        if self.ended:
            raise Crash
        self._hasty = not flushes
        if flushes:
            self._flushed = self._size()
        self.writes += 1
        if self._plan is not None:
            self._plan.writes -= 1

    def commit(self) -> None:
        """A transaction is about to commit.

        Raises:
            Crash: the machine ends here.
        """
        if self._due(Moment.BEFORE):
            self.end("crash_before_commit")
            raise Crash

    def committed(self) -> None:
        """A transaction was committed.

        Raises:
            Crash: the machine ends here, and who wrote never hears of it.
        """
        if not self._due(Moment.AFTER):
            return
        torn = self._plan is not None and self._plan.torn
        self.end("torn_write" if torn else "crash_after_commit")
        if torn and self._left is not None:
            self._left = (self._left[0], self._torn(self._left[1]))
        raise Crash

    def end(self, kind: str) -> None:
        """The machine ends now; `leave` puts back what lies on the disk, once its files are closed."""
        self._fault(kind)
        self.ended, self._plan = True, None
        wal = self._wal.read_bytes() if self._wal.exists() else b""
        self._left = (self.path.read_bytes(), self._torn(wal) if self._hasty else wal)

    def leave(self) -> None:
        """Put back what lay on the disk when the machine ended: closing its files has changed them."""
        if self._left is None:
            return
        database, wal = self._left
        self._left = None
        for path in (self.path, self._wal, self.path.with_name(self.path.name + _SHM)):
            path.unlink(missing_ok=True)  # another file: who still has the old one open is not of this machine any more
        self.path.write_bytes(database)
        self._wal.write_bytes(wal)

    def forget(self) -> None:
        """What lay on the disk was replaced."""
        self._left = None

    def start(self) -> None:
        """The machine starts again."""
        self.ended = False
        self._plan = None
        self._flushed = 0

    @property
    def _wal(self) -> Path:
        return self.path.with_name(self.path.name + WAL)

    def _size(self) -> int:
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0

    def _due(self, moment: Moment) -> bool:
        return self._plan is not None and self._plan.writes <= 0 and self._plan.moment is moment

    def _torn(self, wal: bytes) -> bytes:
        """What is left of the log where its newest write was torn."""
        if len(wal) <= self._flushed:
            return wal
        at = self._rng.randrange(self._flushed, len(wal))
        if self._rng.random() < 0.5:
            return wal[:at]
        garbled = self._rng.randbytes(min(64, len(wal) - at))
        return wal[:at] + garbled + wal[at + len(garbled) :]
