"""The device that hosts share: one home at a time, who has it open, its events, and its live sync.

Owns who may use the Runtime: a host that gave the passphrase, until it closes, loses its connection, or anyone locks.
For the bridge's thread only; whoever calls has the turn.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edge_runtime.events import Event
from edge_runtime.runtime import Runtime, open_home
from mobile_bridge.connection import Connection
from mobile_bridge.errors import BridgeError, ErrorCode
from mobile_bridge.live import LiveSync
from mobile_bridge.ports import Ports
from mobile_bridge.sources import Activity
from mobile_bridge.turn import Turn


@dataclass(slots=True, eq=False)
class _Opened:
    """A home in use.

    Attributes:
        closing: gives back lock and store.
        hosts: the connections that have it open.
    """

    name: str
    runtime: Runtime
    closing: ExitStack
    hosts: list[Connection] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    live: LiveSync | None = None


class Device:
    """The device behind the bridge."""

    def __init__(self, homes: Path, turn: Turn, ports: Ports, *, post: Callable[[Callable[[], None]], None]) -> None:
        """Start with no home open.

        Args:
            homes: the folder in which homes lie; a host names one of them, never a path.
            turn: who may touch the Runtime.
            ports: the world.
            post: has something done in the bridge's thread; may be called from any.
        """
        self.ports = ports
        self.turn = turn
        self._homes = homes
        self._post = post
        self._opened: _Opened | None = None
        self._ended: list[LiveSync] = []

    def open(self, host: Connection, name: str, passphrase: str) -> Runtime:
        """Open a home for a host, or let it in where another has it open.

        Raises:
            BridgeError: no such home, or another one is open.
            VaultError: wrong passphrase, or a damaged vault.
            StoreError: in use by another process, or damaged.
        """
        folder = self._homes / name
        if not folder.is_dir():
            raise _refusal(ErrorCode.NOT_FOUND, "the name of a home on this device", "another", "enrol it first")
        if self._opened is None:
            self._opened = self._open(name, folder, passphrase)
        elif self._opened.name != name:
            raise _refusal(ErrorCode.CONFLICT, "the home that is open", "another", "close or lock the open one first")
        else:
            self._opened.runtime.check_passphrase(passphrase)
        if host not in self._opened.hosts:
            self._opened.runtime.record_unlocked("bridge")
            self._opened.hosts.append(host)
        return self._opened.runtime

    def runtime(self, host: Connection) -> Runtime:
        """The Runtime, for a host that has it open.

        Raises:
            BridgeError: LOCKED.
        """
        return self._held(host).runtime

    def name(self, host: Connection) -> str:
        """The name of the home that a host has open."""
        return self._held(host).name

    def subscribe(self, host: Connection) -> Activity:
        """What happens from now on."""
        opened = self._held(host)
        activity = Activity(on_close=opened.activities.remove)
        opened.activities.append(activity)
        return activity

    def live(self, host: Connection) -> LiveSync | None:
        """The live sync, if one was started."""
        return self._held(host).live

    def start_sync(self, host: Connection, address: str) -> LiveSync:
        """Sync with the relay at `address` from now on, in place of any other."""
        opened = self._held(host)
        self._stop_sync(opened)
        opened.live = LiveSync(opened.runtime, self.turn, self.ports, address=address)
        opened.live.start()
        return opened.live

    def stop_sync(self, host: Connection) -> None:
        """Sync no more."""
        self._stop_sync(self._held(host))

    def close(self, host: Connection) -> None:
        """A host lets go of the home; the last one closes it. Again is nothing."""
        opened = self._opened
        if opened is None or host not in opened.hosts:
            return
        opened.hosts.remove(host)
        host.end_streams(_locked())
        if not opened.hosts:
            self._close(opened)

    def lock(self) -> list[Connection]:
        """Close the home for every host.

        Returns:
            The hosts that had it open.
        """
        opened = self._opened
        if opened is None:
            return []
        hosts, opened.hosts = opened.hosts, []
        for host in hosts:
            host.end_streams(_locked())
        self._close(opened)
        return hosts

    def ended_syncs(self) -> list[LiveSync]:
        """Live syncs that were stopped, to be waited for when the bridge closes."""
        return self._ended

    def _open(self, name: str, folder: Path, passphrase: str) -> _Opened:
        with ExitStack() as stack:
            runtime = stack.enter_context(open_home(folder, passphrase))
            opened = _Opened(name, runtime, stack)
            unsubscribe = runtime.events.subscribe(lambda event: self._post(partial(self._heard, opened, event)))
            stack.callback(unsubscribe)
            opened.closing = stack.pop_all()
        return opened

    def _close(self, opened: _Opened) -> None:
        self._stop_sync(opened)
        self._opened = None
        opened.closing.close()

    def _stop_sync(self, opened: _Opened) -> None:
        if opened.live is not None:
            opened.live.stop()
            self._ended = [*(live for live in self._ended if live.alive), opened.live]
            opened.live = None

    def _heard(self, opened: _Opened, event: Event) -> None:
        """Tell every subscription of the same opening; what comes after it was closed is told to nobody."""
        for activity in opened.activities:
            activity.add(event)

    def _held(self, host: Connection) -> _Opened:
        if self._opened is None or host not in self._opened.hosts:
            raise _locked()
        return self._opened


def _refusal(code: ErrorCode, expected: str, got: str, do: str) -> BridgeError:
    return BridgeError(code, expected=expected, got=got, do=do)


def _locked() -> BridgeError:
    return _refusal(ErrorCode.LOCKED, "a home that this host has open", "none", "open it by `session.open`")
