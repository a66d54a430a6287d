"""A device in a simulation: the real runtime on the real store, on a machine whose disk, clock and network are made up.

Owns the machine: what a crash, a restart, a backup and a restore do to it. The vault is left out: a data key opens the
store directly.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, Final

from edge_runtime.errors import RemoteError
from edge_runtime.runtime import Runtime
from edge_runtime.settings import Home
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.surroundings import Surroundings
from edge_runtime.transports.link import unreachable
from edge_runtime.vault.keys import DataKey
from sync_protocol.ids import EntryHash
from tests.simulation.clock import Clock, Entropy, Time
from tests.simulation.disk import FULL, PAGES_MAX, Disk
from tests.simulation.relay import ADDRESS

Dial = Callable[["SimDevice"], Any]
_STORE: Final = "store.db"


class SimStore(DeviceStore):
    """The device's store, on a disk that may end the machine or be full."""

    def __init__(self, path: Path, key: DataKey, entropy: Entropy, disk: Disk, wrote: Callable[[], None]) -> None:
        self._disk = disk
        self._wrote = wrote
        self._was_full = False
        super().__init__(path, key, entropy)

    @contextmanager
    def writing(self) -> Iterator[DeviceWriter]:
        """See DeviceStore."""
        level: int = self._writer_connection.execute("PRAGMA synchronous").fetchone()[0]
        self._disk.begin(flushes=level >= FULL)
        if self._disk.full != self._was_full:
            self._was_full = self._disk.full
            pages = self._writer_connection.execute("PRAGMA page_count").fetchone()[0] if self._disk.full else PAGES_MAX
            self._writer_connection.execute(f"PRAGMA max_page_count = {pages}")
        with super().writing() as writer:
            yield writer
            self._disk.commit()
        self._disk.committed()
        self._wrote()


class Restore(Enum):
    """What is put back, and how much of it the device can notice."""

    ANOTHER_FILE = "the store, as another file"
    SAME_FILE = "the store, into the file that there is"
    EVERYTHING = "everything, as if it had never been away"


class SimDevice:
    """One device's machine.

    Attributes:
        name: what the simulation calls it.
        busy: whether a sync or a meeting of it is under way.
        lost: whether it is gone for good.
        hostile: whether it is in a thief's hands.
        noted: the arrival index up to which the oracle knows what it holds.
        moved: how many entries came to it, but for those of ledgers.
        off_until_ms, cut_until_ms, full_until_ms: until when it is off, cut off from the relay, or full; true time.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        time: Time,
        seed: str,
        fault: Callable[[str], None],
        dial: Dial,
        acknowledged: Callable[[SimDevice], None] = lambda _: None,
        key_of: str | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.seed = seed
        self.clock = Clock(time)
        self.boots = 0
        self.busy = False
        self.lost = False
        self.hostile = False
        self.noted = 0
        self.copied = 0
        self.moved = 0
        self.off_until_ms = 0
        self.full_until_ms = 0
        self.cut_until_ms = 0
        self.disk = Disk(folder / _STORE, random.Random(f"{seed}/disk"), fault)
        self._key_of = key_of or name
        self._dial = dial
        self._acknowledged = acknowledged
        self._time = time
        self._runtime: Runtime | None = None
        self._held: set[EntryHash] = set()

    @property
    def up(self) -> bool:
        """Whether its program runs."""
        return self._runtime is not None and not self.disk.ended

    @property
    def started(self) -> bool:
        """Whether its program was started and has not been let go."""
        return self._runtime is not None

    @property
    def runtime(self) -> Runtime:
        """The running program."""
        assert self._runtime is not None, f"{self.name} runs"
        return self._runtime

    @property
    def key(self) -> DataKey:
        """What opens its store."""
        return DataKey(hashlib.sha256(f"{self._key_of}/key".encode()).digest())

    @property
    def store(self) -> DeviceStore:
        """Its store."""
        return self.runtime.store

    def start(self) -> None:
        """Start the program on what lies on the disk."""
        self.disk.leave()
        self.disk.start()
        self.boots += 1
        self._held = set()
        entropy = Entropy(f"{self.seed}/boot/{self.boots}")
        key = self.key
        self.folder.mkdir(parents=True, exist_ok=True)
        store = SimStore(self.folder / _STORE, key, entropy, self.disk, lambda: self._acknowledged(self))
        around = Surroundings(
            clock=self.clock,
            entropy=entropy,
            pause=lambda seconds: self._time.passes(int(seconds * 1000)),
            dial=lambda _address: self._dial(self),
            dial_peer=_nobody,
            http=_nobody,
        )
        self._runtime = Runtime(Home(self.folder), store, around)

    def stop(self) -> None:
        """End the program in order."""
        if self._runtime is not None:
            self._runtime.store.close()
            self._runtime = None

    def fall(self) -> None:
        """The machine is off, and its disk holds what it held when that happened."""
        if not self.disk.ended:
            self.disk.end("crash_between_writes")
        if self._runtime is not None:
            store: Any = self._runtime.store
            store._owner = None
            for lock in (store._write_lock, store._read_lock):
                if lock.locked():
                    lock.release()
            store.close()
            self._runtime = None
        self.disk.leave()

    def entries(self) -> frozenset[EntryHash]:
        """Every entry that it holds."""
        store, held = self.store, self._held
        while len(held) < store.size():  # a store of a running program only grows, and has each once
            held.update(arrived.entry.hash for arrived in store.arrivals(after=len(held), limit=512))
        return frozenset(held)

    def backup(self, target: Path) -> None:
        """Copy the store as a backup of the whole machine would, though its program runs."""
        target.mkdir(parents=True, exist_ok=True)
        for path in self.folder.iterdir():
            if path.is_file() and not path.name.startswith(_STORE):
                shutil.copy(path, target / path.name)
        (target / _STORE).unlink(missing_ok=True)
        self.store.copy(target / _STORE)
        self.copied = self.disk.inode

    def restore(self, source: Path, how: Restore) -> None:
        """Put an older copy in the place of the store; the program does not run."""
        for name in (_STORE, _STORE + "-wal", _STORE + "-shm"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.copy(source / _STORE, self.folder / _STORE)
        if how is Restore.ANOTHER_FILE:
            self.disk.inode += 1
        for path in source.iterdir():
            if how is Restore.EVERYTHING and path.name != _STORE:
                shutil.copy(path, self.folder / path.name)


def _nobody(_address: str) -> Any:
    error: RemoteError = unreachable(ADDRESS, "a network on which nobody is")
    raise error
