"""The bridge at work: one event loop on one thread of its own, which owns the Runtime and serves every host by turns.

Owns the thread, the connections and their order. Host calls from any thread return at once: they hand over bytes. A
step is one request or one item of one host; between two the loop hears everyone, so a cancel overtakes what waits.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from edge_runtime.shared_device.locking import LockPolicy
from mobile_bridge.connection import Connection
from mobile_bridge.device import Device
from mobile_bridge.errors import HostError
from mobile_bridge.handlers.context import Context
from mobile_bridge.handlers.table import HANDLERS
from mobile_bridge.limits import CONNECTIONS_MAX, INBOX_FRAMES_MAX, LOCK_TICK_S, START_S
from mobile_bridge.outbox import Outbox
from mobile_bridge.ports import Ports
from mobile_bridge.request import Request
from mobile_bridge.schema.command import Command
from mobile_bridge.schema.contract import CONTRACT, Contract
from mobile_bridge.sources import Body, Source
from mobile_bridge.turn import Turn

_log = logging.getLogger(__name__)
_THREAD: Final = "fieldward-bridge"
T = TypeVar("T")


class Line:
    """One host's end, as a transport holds it: bytes in, bytes out, from any thread, at once."""

    def __init__(self, bridge: Bridge, contract: Contract, ports: Ports, on_put: Callable[[], None]) -> None:
        """Made by `Bridge.connect`."""
        self.outbox = Outbox(on_put=on_put, on_room=self._has_room)
        self.connection = Connection(contract, self.outbox, ports.entropy)
        self.scheduled = False
        self.timer: asyncio.TimerHandle | None = None
        self._bridge = bridge
        self._lock = threading.Lock()
        self._waiting = 0

    def submit(self, frame: bytes) -> None:
        """Hand over one frame of the host.

        Raises:
            HostError: the connection is over, or too many frames wait already.
        """
        with self._lock:
            if self.connection.ended:
                raise _over()
            if self._waiting >= INBOX_FRAMES_MAX:
                raise HostError(
                    "line_busy",
                    expected=f"at most {INBOX_FRAMES_MAX} frames that wait",
                    got="one more",
                    do="take the answers, then send again",
                )
            self._waiting += 1
        if not self._bridge.post(partial(self._receive, frame)):
            raise _over()

    def hang_up(self) -> None:
        """End the connection; again is nothing."""
        self._bridge.post(self._end)

    def _has_room(self) -> None:
        self._bridge.post(partial(self._bridge.schedule, self))

    def _receive(self, frame: bytes) -> None:
        with self._lock:
            self._waiting -= 1
        self.connection.receive(frame, now_s=self._bridge.now_s)
        self._bridge.settle(self)

    def _end(self) -> None:
        self.connection.end()
        self._bridge.settle(self)


class Bridge:
    """The runtime of this device, behind the contract. Use it as a context manager, or `close` it."""

    def __init__(
        self,
        homes: Path,
        *,
        ports: Ports | None = None,
        contract: Contract = CONTRACT,
        policy: LockPolicy | None = None,
    ) -> None:
        """Start the thread.

        Args:
            homes: the folder in which this device's homes lie.
            ports: the world; by default the real one.
            contract: what it speaks; another is for tests.
            policy: when homes are locked; by default after two minutes without anybody at a screen.
        """
        self.ports = ports or Ports()
        self._contract = contract
        self._turn = Turn()
        self._device = Device(homes, self._turn, self.ports, post=self._post_to_all, policy=policy)
        self._looking: asyncio.TimerHandle | None = None
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._wake = asyncio.Event()
        self._closing = False
        self._ready: deque[Line] = deque()
        self._lines: dict[Line, None] = {}
        self._lines_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=_THREAD, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def now_s(self) -> float:
        """The loop's clock."""
        return self._loop.time()

    def close(self) -> None:
        """End every connection, stop the sync, close the home, end the thread. From any thread but the bridge's own."""
        self.post(self._shut)
        self._thread.join(START_S)
        for live in self._device.ended_syncs():
            live.join(START_S)
        self._device.end_engines()

    def connect(self, on_put: Callable[[], None]) -> Line:
        """Begin a connection.

        Args:
            on_put: called in the bridge's thread when a frame waits in the line's outbox, or the end came; it only
                notes that.

        Raises:
            HostError: too many hosts, or the bridge is closed.
        """
        line = Line(self, self._contract, self.ports, on_put)
        with self._lines_lock:
            if len(self._lines) >= CONNECTIONS_MAX:
                raise HostError(
                    "hosts", expected=f"at most {CONNECTIONS_MAX} hosts", got="one more", do="close another first"
                )
            if self._closing:
                raise _over()
            self._lines[line] = None
        return line

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a transport's coroutine in the bridge's thread, and wait for what it returns.

        Raises:
            HostError: the bridge is closed.
        """
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise _over() from None
        return future.result(START_S)

    def post(self, action: Callable[[], None]) -> bool:
        """Have something done in the bridge's thread; False once it is closed."""
        try:
            self._loop.call_soon_threadsafe(action)
        except RuntimeError:  # the loop is closed: so is every connection
            return False
        return True

    def schedule(self, line: Line) -> None:
        """Let a host have its turn, if there is something to do for it. In the bridge's thread."""
        if not line.scheduled and line.connection.runnable:
            line.scheduled = True
            self._ready.append(line)
            self._wake.set()

    def settle(self, line: Line) -> None:
        """After anything happened on a line: schedule it, set its timer, or let it go. In the bridge's thread."""
        if line.timer is not None:
            line.timer.cancel()
            line.timer = None
        if line.connection.ended:
            self._forget(line)
            return
        self.schedule(line)
        deadline_s = line.connection.deadline_s
        if deadline_s is not None:
            line.timer = self._loop.call_at(deadline_s, self._expire, line)

    def look(self) -> None:
        """Look whether a home must be locked by now; again soon, for as long as one is held. In the bridge's thread."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        try:
            with self._turn:
                self._device.tick()
        except Exception as error:  # noqa: BLE001 what failed is locked all the same, and the next look must come
            _log.error("locking failed: %s", type(error).__name__)
        if self._device.holding:
            self._looking = self._loop.call_later(LOCK_TICK_S, self.look)

    def _expire(self, line: Line) -> None:
        line.connection.expire(now_s=self.now_s)
        self.settle(line)

    def _forget(self, line: Line) -> None:
        with self._lines_lock:
            if line not in self._lines:
                return
            del self._lines[line]
        with self._turn:
            self._device.gone(line.connection)

    def _post_to_all(self, action: Callable[[], None]) -> None:
        """Do something in the bridge's thread after which any host may have something to hear."""
        self.post(partial(self._do_for_all, action))

    def _do_for_all(self, action: Callable[[], None]) -> None:
        action()
        for line in list(self._lines):
            self.schedule(line)

    def _shut(self) -> None:
        with self._lines_lock:
            self._closing = True
        self._wake.set()

    def _run(self) -> None:
        try:
            self._runner.run(self._serve())
        finally:
            self._runner.close()

    async def _serve(self) -> None:
        """Serve hosts by turns until the bridge closes."""
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._ready and not self._closing:
                line = self._ready.popleft()
                line.scheduled = False
                self._step(line)
                self.settle(line)
                await asyncio.sleep(0)  # hear everyone: what came meanwhile, a cancel above all
        for line in list(self._lines):
            line.connection.end()
            self.settle(line)

    def _step(self, line: Line) -> None:
        try:
            with self._turn:
                self._device.tick()  # whatever the timer missed, above all while the device slept
                line.connection.step(partial(self._execute, line.connection), now_s=self.now_s)
        except Exception as error:  # noqa: BLE001 one connection's failure is no other's
            _log.error("a connection failed: %s", type(error).__name__)
            line.connection.end()
        if self._looking is None and self._device.holding:
            self.look()

    def _execute(self, host: Connection, command: Command, request: Request) -> Body | Source:
        return HANDLERS[command.op](Context(self._device, host), request)


def _over() -> HostError:
    return HostError("line_closed", expected="an open connection", got="one that is over", do="connect again")
