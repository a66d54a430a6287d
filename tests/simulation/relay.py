"""A relay in a simulation: the real one, from the socket's route down to SQLite, in a loop that runs when told to.

Owns its machine: the folder with its database and keys, its clock, its disk, and its process, which may end at any
write. Nothing of the relay is replaced but the thread of its committer, whose work is done at once instead.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from server.relay.app import Surroundings, open_services, writer_of
from server.relay.batches import Batch
from server.relay.committer import Committer, Done
from server.relay.errors import RelayError
from server.relay.purging import Purger
from server.relay.routes.socket import _close, _Live, _tell
from server.relay.settings import DATABASE_FILE, RelaySettings
from server.relay.store import SqlStore
from sync_protocol.ids import CertificateHash, EntryHash, StreamId
from tests.simulation.clock import Clock, Entropy, Time
from tests.simulation.disk import FULL, PAGES_MAX, Crash, Disk
from tests.simulation.loop import Inline, SimLoop

if TYPE_CHECKING:
    from server.relay.services import Services
    from server.relay.writer import SqlWriter

ADDRESS: Final = "https://relay.example:443"
_PAGE: Final = 4096


class InlineCommitter(Committer):
    """The relay's writer without its thread: each batch is settled when it is handed over."""

    @property
    def alive(self) -> bool:
        """Always."""
        return True

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def submit(self, batch: Batch, done: Done) -> None:
        """Settle it now."""
        self._settle([(batch, done)])


class SimSqlStore(SqlStore):
    """The relay's store, on a disk that may end the machine or be full."""

    disk: Disk

    @contextmanager
    def writing(self, *, arrived_ms: int = 0) -> Iterator[SqlWriter]:
        """See SqlStore."""
        self.disk.begin(flushes=self._flushes())
        with super().writing(arrived_ms=arrived_ms) as writer:
            connection: Any = writer._connection
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one() if self.disk.full else PAGES_MAX
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            yield writer
            self.disk.commit()
        self.disk.committed()

    def _flushes(self) -> bool:
        with self._engine.connect() as connection:
            level: int = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        return level >= FULL


class Socket:
    """What the relay's route sees of one connection: a WebSocket."""

    client = None

    def __init__(self, relay: SimRelay) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.down: deque[bytes] = deque()
        self.ended = False
        self._relay = relay

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        return await self.inbox.get()

    async def send_bytes(self, message: bytes) -> None:
        """Send a message."""
        self.down.append(bytes(message))

    async def close(self, _code: int = 1000, _reason: str | None = None) -> None:
        """End it, once what was sent has arrived."""
        self.ended = True

    def feed(self, message: bytes) -> None:
        """A message of the device arrives."""
        self.inbox.put_nowait({"type": "websocket.receive", "bytes": message})

    def hang_up(self) -> None:
        """The device is gone."""
        self.inbox.put_nowait({"type": "websocket.disconnect"})


class SimRelay:
    """One relay's machine.

    Attributes:
        folder: its home.
        boots: how often it was started.
        acknowledged: entries of which it told a device that it holds them.
        off_until_ms, full_until_ms: until when it is off, or its disk full, by the true time.
        sockets: connections that stand.
        withheld: what it leaves out of its feeds, by reader.
    """

    def __init__(
        self, folder: Path, organisation: bytes, *, time: Time, seed: str, fault: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self.seed = seed
        self.clock = Clock(time)
        self.boots = 0
        self.sockets: list[Socket] = []
        self.disk = Disk(folder / DATABASE_FILE, random.Random(f"{seed}/disk"), fault)
        self.acknowledged: set[EntryHash] = set()
        self.withheld: dict[CertificateHash, frozenset[StreamId]] = {}
        self.off_until_ms = 0
        self.full_until_ms = 0
        self._organisation = organisation
        self._time = time
        self._services: Services | None = None
        self._engine: Any = None
        self._loop: SimLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[EntryHash] = set()

    @property
    def up(self) -> bool:
        """Whether its process runs."""
        return self._services is not None and not self.disk.ended

    @property
    def services(self) -> Services:
        """The parts of the running process."""
        assert self._services is not None, "the relay runs"
        return self._services

    @property
    def engine(self) -> Any:
        """Its database's."""
        return self._engine

    def start(self) -> None:
        """Start the process on what lies on the disk."""
        self.disk.leave()
        self.disk.start()
        self.boots += 1
        self._held = set()
        loop = self._loop = SimLoop(self._time.seconds)

        def store(*parts: Any) -> SimSqlStore:
            made = SimSqlStore(*parts)
            made.disk = self.disk
            return made

        around = Surroundings(
            now_ms=self.clock,
            entropy=Entropy(f"{self.seed}/boot/{self.boots}"),
            verifiers=Inline(),
            readers=Inline(),
            store=store,
            committer=InlineCommitter,
        )
        settings = RelaySettings(home=self.folder, public_addresses=(ADDRESS,))
        with loop.running():
            services, self._engine = open_services(settings, self._organisation, around)
            self._services = services
            purger = Purger(services.store, services.directory, now_ms=services.now_ms)
            purger.destroyed = services.ingest.destroyed
            services.revocations.changed = services.ingest.judged
            services.ingest.start(writer_of(services, self._engine, around))
        self._withhold(services.directory)
        take = services.ingest.take

        async def taking(*arguments: Any, **options: Any) -> Any:
            done = await take(*arguments, **options)
            self.acknowledged.update(leaf.entry for leaf in done.leaves)
            return done

        services.ingest.take = taking

    def _withhold(self, directory: Any) -> None:
        readable: Callable[[CertificateHash], Any] = directory.readable

        def some(name: CertificateHash) -> Any:
            found, hidden = readable(name), self.withheld.get(name)
            return {one: since for one, since in found.items() if one not in hidden} if hidden else found

        directory.readable = some

    def stop(self) -> None:
        """End the process in order."""
        if self._services is None:
            return
        for socket in self.sockets:
            socket.ended = True
        self._let_go()

    def fall(self) -> None:
        """The process is gone, and the disk holds what it held then."""
        if not self.disk.ended:
            self.disk.end("relay_killed")
        for socket in self.sockets:
            socket.ended = True
            socket.down.clear()
        self._let_go()
        self.disk.leave()

    def _let_go(self) -> None:
        self.sockets = []
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        if self._loop is not None:
            self._loop.settle()
        if self._engine is not None:
            self._engine.dispose()
        self._services = self._engine = self._loop = None

    def connect(self) -> Socket:
        """A device dials."""
        assert self._loop is not None, "the relay runs"
        with self._loop.running():
            socket = Socket(self)
            task = self._loop.create_task(self._serve(socket))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.sockets.append(socket)
        return socket

    def settle(self) -> bool:
        """Let it do what it has to do; False where it fell over that."""
        if self._loop is None:
            return False
        self._loop.settle()
        if self.disk.ended:
            self.fall()
            return False
        return True

    async def _serve(self, socket: Any) -> None:
        """See `routes.socket`: one connection, from its first word to its end."""
        try:
            error = await _Live(self.services, socket).run()
        except RelayError as refusal:
            error = refusal
            await _tell(socket, refusal)
        await _close(socket, error)
        if socket in self.sockets:
            self.sockets.remove(socket)

    def entries(self) -> frozenset[EntryHash]:
        """Every entry that it holds; it must run."""
        held = self._held  # its log only grows while it runs, and has each once
        while page := self.services.store.arrivals(after=len(held), limit=512):
            held.update(arrived.entry.hash for arrived in page)
        return frozenset(held)


def copy_relay(source: Path, target: Path) -> None:
    """Copy the home of a relay that does not run."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target)


@contextmanager
def migrated() -> Iterator[None]:
    """Skip the migration of tables that were migrated when their template was made; it takes longer than a world."""
    with patch("server.relay.app.migrate", lambda _engine: None):
        yield


__all__ = ["ADDRESS", "Crash", "SimRelay", "copy_relay", "migrated"]
