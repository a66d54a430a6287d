"""The device that hosts share: whose home is in front, who has it open, its events, and its live sync.

Owns who may use the Runtime: a host that gave the home's passphrase, until it closes, loses its connection, or the home
is locked; after a lock, such a host may bring it back by its PIN. For the bridge's thread only; whoever calls has the
turn, and lets `tick` look at the clock before each step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edge_runtime.ai.engine.desk import Desk
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.events import Event
from edge_runtime.runtime import Runtime
from edge_runtime.shared_device.device import SharedDevice
from edge_runtime.shared_device.locking import Locked, LockPolicy
from edge_runtime.shared_device.profiles import Profile
from edge_runtime.shared_device.seat import Seat, passphrase_needed
from mobile_bridge.connection import Connection
from mobile_bridge.engines import Engines
from mobile_bridge.errors import BridgeError, ErrorCode
from mobile_bridge.inference import HostedInference
from mobile_bridge.live import LiveSync, State
from mobile_bridge.ports import Ports
from mobile_bridge.sources import Activity
from mobile_bridge.turn import Turn


@dataclass(slots=True, eq=False)
class _Opened:
    """A home that is held: in front, or locked.

    Attributes:
        hosts: the connections that have it open now.
        trusted: those that gave its passphrase, and so may try its PIN.
        live: the live sync; while the home is locked, a quiet one.
        offer: the host that runs a model for it.
        unsubscribe: ends the subscription to the Runtime's events.
    """

    seat: Seat
    unsubscribe: Callable[[], None] = lambda: None
    hosts: list[Connection] = field(default_factory=list)
    trusted: list[Connection] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    live: LiveSync | None = None
    offer: tuple[Connection, HostedInference] | None = None


class Device:
    """The device behind the bridge."""

    def __init__(
        self,
        homes: Path,
        turn: Turn,
        ports: Ports,
        *,
        post: Callable[[Callable[[], None]], None],
        policy: LockPolicy | None = None,
    ) -> None:
        """Start with no home open.

        Args:
            homes: the folder in which homes lie; a host names one of them, never a path.
            turn: who may touch the Runtime.
            ports: the world.
            post: has something done in the bridge's thread; may be called from any.
            policy: when to lock.
        """
        self.ports = ports
        self.turn = turn
        self._post = post
        self._shared = SharedDevice(
            homes, clock=ports.clock, moment=ports.moment, entropy=ports.entropy, policy=policy, told=self._locked
        )
        self._homes: dict[str, _Opened] = {}
        self._engines = Engines(ports.open_engine)
        self._ended: list[LiveSync] = []

    @property
    def holding(self) -> bool:
        """Whether there is anything that time may lock or close."""
        return bool(self._homes)

    def tick(self) -> None:
        """Lock what must be locked by now."""
        self._shared.tick()

    def profiles(self) -> tuple[Profile, ...]:
        """Everybody who has a home here."""
        return self._shared.profiles()

    def open(self, host: Connection, name: str, passphrase: str) -> Runtime:
        """Open a home for a host, or let it in where another has it open.

        Raises:
            RefusedError: no such home, or another one is open.
            VaultError: wrong passphrase, or a damaged vault.
            StoreError: in use by another process, or damaged.
        """
        opened = self._homes.get(name)
        new = opened is None or host not in opened.hosts
        return self._enter(host, name, self._shared.unlock(name, passphrase, by="bridge", record=new))

    def set_pin(self, host: Connection, pin: str, passphrase: str) -> None:
        """Set the PIN of the home that a host has open.

        Raises:
            BridgeError: LOCKED.
            InputError: an unfit PIN.
            VaultError: wrong passphrase.
        """
        self._held(host)
        self._shared.set_pin(pin, passphrase=passphrase)

    def reopen(self, host: Connection, name: str, pin: str) -> Runtime:
        """Bring a locked home back for a host that gave its passphrase before.

        Raises:
            RefusedError: another home is in front.
            VaultError: a wrong PIN, or the passphrase is needed.
        """
        self._check_trusted(host, name)
        return self._enter(host, name, self._shared.reopen(name, pin))

    def switch(self, host: Connection, name: str, *, pin: str | None, passphrase: str | None) -> Runtime:
        """Lock what is in front, and bring another home to the front.

        Raises:
            BridgeError: LOCKED: a home is in front that this host has not open.
            RefusedError: no such home; nothing was changed.
            VaultError, StoreError: as `open` and `reopen`; nothing is in front then.
        """
        if self._shared.front is not None:
            self._held(host)
        if passphrase is None:
            self._check_trusted(host, name)
        return self._enter(host, name, self._shared.switch(name, pin=pin, passphrase=passphrase))

    def touch(self, host: Connection) -> None:
        """Somebody is at a host's screen.

        Raises:
            BridgeError: LOCKED.
        """
        self._held(host)
        self._shared.touch()

    def runtime(self, host: Connection) -> Runtime:
        """The Runtime, for a host that has it open.

        Raises:
            BridgeError: LOCKED.
        """
        return self._held(host).seat.runtime

    def subscribe(self, host: Connection) -> Activity:
        """What happens from now on."""
        opened = self._held(host)
        activity = Activity(on_close=opened.activities.remove)
        opened.activities.append(activity)
        return activity

    def live(self, host: Connection) -> LiveSync | None:
        """The live sync, if one was started."""
        return self._held(host).live

    def answering(self, host: Connection, skill: str) -> tuple[Desk | None, str]:
        """What answers for a skill, and why; a host that runs a model for the home in front comes first.

        Raises:
            BridgeError: LOCKED.
            ModelError: a model that is damaged.
        """
        self._held(host)
        return self._engines.desk(self._shared.front, skill)

    def offer_inference(self, host: Connection, facts: EngineFacts, *, patterns: bool) -> HostedInference:
        """Let a host run a model for the home that it has open, until it stops, or the home is locked.

        Raises:
            BridgeError: LOCKED; CONFLICT: another host does already.
        """
        opened, home = self._held(host), self._shared.front
        assert home is not None, "what is held is in front"
        if opened.offer is not None:
            raise BridgeError(
                ErrorCode.CONFLICT, expected="one host that runs a model", got="a second", do="let the other stop first"
            )

        def withdrawn() -> None:
            opened.offer = None
            self._engines.withdraw(home)

        hosted = HostedInference(facts, patterns=patterns, wake=self.wake, on_close=withdrawn)
        opened.offer = (host, hosted)
        self._engines.offer(home, hosted)
        return hosted

    def offered_by(self, host: Connection) -> HostedInference:
        """What a host offers.

        Raises:
            BridgeError: LOCKED; NOT_FOUND: nothing.
        """
        offer = self._held(host).offer
        if offer is None or offer[0] is not host:
            raise BridgeError(
                ErrorCode.NOT_FOUND,
                expected="a host whose `inference.offer` stands",
                got="one that offers nothing",
                do="offer first; a lock ends an offer",
            )
        return offer[1]

    def wake(self) -> None:
        """Have the bridge look again whether anything waits for a host; from any thread."""
        self._post(lambda: None)

    def end_engines(self) -> None:
        """Let go of every model."""
        self._engines.close()

    def start_sync(self, host: Connection, address: str) -> LiveSync:
        """Sync with the relay at `address` from now on, in place of any other."""
        opened = self._held(host)
        self._stop_sync(opened)
        return self._start_sync(opened, address)

    def stop_sync(self, host: Connection) -> None:
        """Sync no more."""
        self._stop_sync(self._held(host))

    def lock(self) -> None:
        """Lock the home in front for every host; they are told."""
        self._shared.lock()

    def close(self, host: Connection) -> None:
        """A host lets go of the home in front; the last one closes it. Again is nothing."""
        name = self._shared.front
        if name is not None and host in self._homes[name].hosts:
            self._leave(host, name)

    def gone(self, host: Connection) -> None:
        """A host's connection is over: it lets go of every home."""
        for name in list(self._homes):
            self._leave(host, name)

    def ended_syncs(self) -> list[LiveSync]:
        """Live syncs that were stopped, to be waited for when the bridge closes."""
        return self._ended

    def _check_trusted(self, host: Connection, name: str) -> None:
        opened = self._homes.get(name)
        if opened is None or host not in opened.trusted:
            raise passphrase_needed()

    def _enter(self, host: Connection, name: str, runtime: Runtime) -> Runtime:
        opened = self._homes.get(name)
        if opened is None:
            opened = self._homes[name] = self._hear(name)
        for hosts in (opened.hosts, opened.trusted):
            if host not in hosts:
                hosts.append(host)
        live = opened.live
        if live is not None and live.is_quiet:
            self._stop_sync(opened)
            self._start_sync(opened, live.address)
        return runtime

    def _leave(self, host: Connection, name: str) -> None:
        opened = self._homes[name]
        if host in opened.hosts:
            opened.hosts.remove(host)
            host.end_streams(locked())
        if host in opened.trusted:
            opened.trusted.remove(host)
        if not (opened.hosts if name == self._shared.front else opened.trusted):
            self._drop(name)
            self._shared.close(name)

    def _locked(self, told: Locked) -> None:
        """A home was locked or closed: its streams end, its hosts hear why, and its sync goes on in quiet or not."""
        opened = self._homes.get(told.name)
        if opened is None:
            return
        hosts, opened.hosts = opened.hosts, []
        for host in hosts:
            host.end_streams(locked())
        for host in hosts or ([] if told.held else opened.trusted):
            host.notify("session.locked", {"home": told.name, "reason": told.reason.value, "pin": told.held})
        if not told.held:
            self._drop(told.name)
        elif opened.live is not None and opened.live.state.state is not State.FAILED:
            address = opened.live.address
            self._stop_sync(opened)
            self._start_sync(opened, address, quiet=True)

    def _drop(self, name: str) -> None:
        opened = self._homes.pop(name)
        self._stop_sync(opened)
        opened.unsubscribe()

    def _start_sync(self, opened: _Opened, address: str, *, quiet: bool = False) -> LiveSync:
        way = opened.seat.quiet if quiet else None
        opened.live = LiveSync(opened.seat.runtime, self.turn, self.ports, address=address, quiet=way)
        opened.live.start()
        return opened.live

    def _stop_sync(self, opened: _Opened) -> None:
        if opened.live is not None:
            opened.live.stop()
            self._ended = [*(live for live in self._ended if live.alive), opened.live]
            opened.live = None

    def _hear(self, name: str) -> _Opened:
        """Begin to hear what happens in a home that was just opened."""
        seat = self._shared.seat(name)
        assert seat is not None, "what was opened is held"
        opened = _Opened(seat)
        opened.unsubscribe = seat.runtime.events.subscribe(
            lambda event: self._post(partial(self._heard, opened, event))
        )
        return opened

    def _heard(self, opened: _Opened, event: Event) -> None:
        """Tell every subscription of the same opening; what comes after it was locked is told to nobody."""
        for activity in opened.activities:
            activity.add(event)

    def _held(self, host: Connection) -> _Opened:
        opened = self._homes.get(self._shared.front or "")
        if opened is None or host not in opened.hosts:
            raise locked()
        return opened


def locked() -> BridgeError:
    """Why a host may not see anything now, and why its streams ended."""
    return BridgeError(
        ErrorCode.LOCKED,
        expected="a home that this host has open",
        got="none",
        do="bring it back by `session.reopen`, or open it by `session.open`",
    )
