"""Live sync in the background: one thread that stays connected to the relay and comes back after interruptions.

Owns the order of turns: the thread has the turn whenever the sync client works, and gives it on whenever it waits for
the network. Once stopped it never touches the Runtime again, so a home can be closed while a connection still closes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge_runtime.connections import TICK_S
from edge_runtime.errors import RemoteError
from edge_runtime.events import Alarmed, Synced
from edge_runtime.runtime import Runtime
from edge_runtime.shared_device.quiet_sync import QuietSync
from edge_runtime.store.uploads import WAITING, UploadState
from edge_runtime.sync.retry import RETRYABLE, pause_s
from edge_runtime.transports.link import Link
from mobile_bridge.errors import ErrorCode, fault_of
from mobile_bridge.limits import SYNC_ATTEMPT_MAX, SYNC_LASTED_MS
from mobile_bridge.ports import Ports
from mobile_bridge.turn import Turn
from sync_protocol.errors import ExplainedError

_log = logging.getLogger(__name__)
_THREAD: Final = "fieldward-sync"


class State(StrEnum):
    """How the connection to the relay stands."""

    OFF = "off"
    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    """For the next attempt."""
    FAILED = "failed"
    """Another attempt would not help; a person must look."""


@dataclass(frozen=True, slots=True)
class SyncState:
    """What a host is told.

    Attributes:
        code: why it waits or failed.
        retry_at_ms: when the next attempt comes.
    """

    state: State
    code: ErrorCode | None = None
    retry_at_ms: int | None = None


OFF: Final = SyncState(State.OFF)


class _StoppedError(Exception):
    """The sync was stopped while it waited; it ends without another touch."""


class LiveSync:
    """One live sync, from `start` to `stop`."""

    def __init__(
        self, runtime: Runtime, turn: Turn, ports: Ports, *, address: str, quiet: QuietSync | None = None
    ) -> None:
        """Sync `runtime` with the relay at `address`; nothing happens before `start`.

        Args:
            runtime: of the home.
            turn: who may touch it.
            ports: the world.
            address: of the relay.
            quiet: the way to sync a home that is locked; None for one that is open.
        """
        self.address = address
        self._quiet = quiet
        self.state = SyncState(State.CONNECTING)
        self._runtime = runtime
        self._turn = turn
        self._ports = ports
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=_THREAD, daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def stop(self) -> None:
        """Be done with the Runtime from now on; the caller has the turn. The connection closes in its own time."""
        self._stop.set()

    @property
    def is_quiet(self) -> bool:
        """Whether this is the sync of a locked home."""
        return self._quiet is not None

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end; the caller has not the turn."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._stay()
        except Exception as error:  # noqa: BLE001 a thread must not die in silence
            self._give_up(error)

    def _stay(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            began_ms = self._ports.clock()
            error = self._connect()
            if error is None or self._stop.is_set():
                return
            if not isinstance(error, RemoteError) or error.code not in RETRYABLE:
                self._give_up(error)
                return
            attempt = 0 if self._ports.clock() - began_ms >= SYNC_LASTED_MS else min(attempt + 1, SYNC_ATTEMPT_MAX)
            pause = pause_s(attempt, self._ports.entropy)
            self._show(SyncState(State.WAITING, fault_of(error).code, self._ports.clock() + int(1000 * pause)))
            self._stop.wait(pause)

    def _connect(self) -> Exception | None:
        """Stay connected for as long as it lasts; the reason for which it ended, or None when it was stopped."""
        self._show(SyncState(State.CONNECTING))
        try:
            if self._quiet is None:  # a locked home learns of a renewal by the records, and asks for none
                with self._turn:
                    self._runtime.connections.stay_certified(self.address)
            with closing(self._ports.dial(self.address)) as link, self._turn:
                if not self._stop.is_set():
                    turned = TurnLink(link, self._runtime, self._turn, stopped=self._stop.is_set, online=self._online)
                    client = self._runtime.connections.sync_client() if self._quiet is None else self._quiet.client()
                    client.live(turned, self.address, stopped=self._stop.is_set, tick_s=TICK_S)
        except _StoppedError:
            return None
        except Exception as error:  # noqa: BLE001 whatever it is, a host must learn that sync ended
            return error
        return None

    def _online(self) -> None:
        """The relay answered; the caller has the turn."""
        if self.state.state is not State.ONLINE:
            self._show(SyncState(State.ONLINE))
            self._runtime.connections.keep_address(self.address)

    def _give_up(self, error: Exception) -> None:
        code = fault_of(error).code
        if not isinstance(error, ExplainedError):
            _log.error("live sync failed: %s", type(error).__name__)
        self._show(SyncState(State.FAILED, code))
        with self._turn:
            if not self._stop.is_set():
                self._runtime.events.publish(Alarmed(code.value))

    def _show(self, state: SyncState) -> None:
        if not self._stop.is_set():
            self.state = state


class TurnLink:
    """A link that gives the turn on while it waits, and counts what the sync did between two waits.

    Between two waits nobody else writes. So the store tells what the sync did: what it gained was received, less what
    is new and pending, which is the sync's own mending; what is pending no more was receipted, unless it was refused.
    """

    def __init__(
        self,
        link: Link,
        runtime: Runtime,
        turn: Turn,
        *,
        stopped: Callable[[], bool],
        online: Callable[[], None],
    ) -> None:
        """Wrap `link`; the caller has the turn."""
        self._link = link
        self._runtime = runtime
        self._turn = turn
        self._stopped = stopped
        self._online = online
        self._before = self._counts()
        self._received = 0
        self._receipted = 0

    def send(self, frame: bytes) -> None:
        """See Link."""
        with self._waiting():
            self._link.send(frame)

    def receive(self, *, timeout_s: float) -> bytes | None:
        """See Link. A wait in which nothing came ends a round."""
        with self._waiting():
            frame = self._link.receive(timeout_s=timeout_s)
        if frame is not None:
            self._online()
        elif self._received or self._receipted:
            pending = _to_push(self._before)
            self._runtime.events.publish(Synced(received=self._received, receipted=self._receipted, pending=pending))
            self._received = self._receipted = 0
        return frame

    def close(self) -> None:
        """See Link."""
        with self._waiting():
            self._link.close()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        after = self._counts()
        gained = sum(after.values()) - sum(self._before.values())
        settled = _to_push(self._before) - _to_push(after)
        refused = after[UploadState.REFUSED] - self._before[UploadState.REFUSED]
        self._received += max(0, gained - max(0, -settled))
        self._receipted += max(0, settled - refused)
        self._turn.release()
        try:
            yield
        finally:
            self._turn.acquire()
        if self._stopped():
            raise _StoppedError
        self._before = self._counts()

    def _counts(self) -> dict[UploadState, int]:
        return self._runtime.store.upload_counts()


def _to_push(counts: dict[UploadState, int]) -> int:
    """How many entries wait for the relay."""
    return sum(counts.get(state, 0) for state in WAITING)
