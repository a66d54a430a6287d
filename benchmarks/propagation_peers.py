"""The other processes of the propagation benchmark: a device that stays connected, and a bare relay with its reader.

Times are of the monotonic clock, which all processes of one machine share.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.devices import opened
from edge_runtime.events import Changed, Event
from edge_runtime.settings import Home
from edge_runtime.transports.websocket import WebSocketLink

STOP: Final = "stop"
_TICK_S: Final = 0.2
_TIMEOUT_S: Final = 30.0


class Peer:
    """A process of ours, and the pipe to it."""

    def __init__(self, work: Callable[..., None], *arguments: object) -> None:
        """Start it; it says when it is ready."""
        spawn = get_context("spawn")
        self._name = work.__name__
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=work, args=(*arguments, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def receive(self, timeout_s: float = _TIMEOUT_S) -> Any:  # noqa: ANN401 whatever it sends
        """What it says next.

        Raises:
            RuntimeError: it says nothing in time, or has ended; its own words are on standard error.
        """
        try:
            if self._pipe.poll(timeout_s):
                return self._pipe.recv()
        except EOFError:
            raise RuntimeError(f"{self._name} ended") from None
        raise RuntimeError(f"{self._name} fell silent")

    def rest(self) -> list[Any]:
        """All that it has said already."""
        said = []
        while self._pipe.poll():
            said.append(self.receive())
        return said

    def stop(self) -> None:
        """Tell it to stop, and wait; one that has ended already is fine."""
        with suppress(OSError):
            self._pipe.send(STOP)
        self._process.join(_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


@contextmanager
def peer(work: Callable[..., None], *arguments: object) -> Iterator[Peer]:
    """A process for the length of a block."""
    one = Peer(work, *arguments)
    try:
        yield one
    finally:
        one.stop()


def read_durably(home: Path, address: str, pipe: Connection) -> None:
    """Be a device: stay connected, store what comes, and tell what is in the store since when.

    Sends (hash of an entry, nanoseconds) for each entry of a transaction, its own included, together after it; before
    all that an empty list, when it is ready.
    """
    with opened(Home(home)) as device:
        device.connections.sync_once(address)
        told = device.store.size()

        def tell(event: Event) -> None:
            nonlocal told
            if isinstance(event, Changed):
                now_ns = time.monotonic_ns()
                new = device.store.arrivals(after=told, limit=device.store.size() - told)
                told += len(new)
                pipe.send([(bytes(arrived.entry.hash), now_ns) for arrived in new])

        device.events.subscribe(tell)
        with closing(WebSocketLink(address, timeout_s=_TIMEOUT_S)) as link:
            pipe.send([])
            device.connections.sync_client().live(link, address, stopped=pipe.poll, tick_s=_TICK_S)


def echo(pipe: Connection) -> None:
    """Be a relay that hands every message to everybody else: no check, no disk, no order."""
    asyncio.run(_echo(pipe))


async def _echo(pipe: Connection) -> None:
    connections: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            async for message in connection:
                for other in connections - {connection}:
                    await other.send(message)
        except ConnectionClosed:
            pass
        finally:
            connections.discard(connection)

    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        pipe.send(f"ws://127.0.0.1:{port}")
        await asyncio.to_thread(pipe.recv)


def read_bare(address: str, pipe: Connection) -> None:
    """Take what the bare relay hands on, and tell (number in the message, nanoseconds)."""
    with connect(address, compression=None, proxy=None) as connection:
        pipe.send(None)
        while not pipe.poll():
            try:
                message = connection.recv(timeout=_TICK_S)
            except TimeoutError:
                continue
            now_ns = time.monotonic_ns()
            assert isinstance(message, bytes), "we send bytes"
            pipe.send((int.from_bytes(message[:8], "big"), now_ns))
