"""One exchange with the relay, from dialling to "up to date", or for as long as it lasts.

Owns the order of things: what comes in is durable before the cursor moves; an entry is called receipted only after its
inclusion was verified; what the relay refuses stays on this device, marked with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.errors import RemoteError
from edge_runtime.events import Alarmed, Changed, Events
from edge_runtime.identity import Entropy, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.intake import Receiver
from edge_runtime.sync.outbox import Outbox
from edge_runtime.transports.http import HttpLink
from edge_runtime.transports.link import Link
from sync_protocol.certificates import RelayRecord, open_relay
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.errors import ExplainedError
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.limits import HASH_BYTES, LOG_SIZE_MAX
from sync_protocol.records import identifier, key, pack, string, uint, unpack
from sync_protocol.signed import Verified
from sync_protocol.steps import (
    EMPTY_CURSOR,
    Admitted,
    Advance,
    Alarm,
    CaughtUp,
    Close,
    DeviceStep,
    Receipted,
    Rejected,
    Send,
    Supply,
    SupplyChains,
    SupplyFrontiers,
    Take,
)

CURSOR: Final = "sync/cursor"
RELAY: Final = "relay/record"
ALARM: Final = "sync/alarm"
_ORIGIN_BYTES_MAX: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCursor:
    """The checkpoint up to which this device holds its feed."""

    origin: str = key(1, string(_ORIGIN_BYTES_MAX))
    size: int = key(2, uint(LOG_SIZE_MAX))
    root: Hash = key(3, identifier(Hash))


@dataclass(slots=True)
class SyncReport:
    """What one sync did.

    Attributes:
        sent, receipted: entries pushed, and those whose inclusion in the relay's log was verified.
        received: entries that are new on this device.
        refused: what the relay did not take, with the reason.
        alarms: what a person must hear of.
        checkpoint: size of the relay's log up to which this device holds all that is its.
    """

    sent: int = 0
    receipted: int = 0
    received: int = 0
    unsound: int = 0
    checkpoint: int = 0
    refused: list[ExplainedError] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)


def load_cursor(store: DeviceStore) -> Checkpoint:
    """The cursor, or the empty one."""
    data = store.get_value(CURSOR)
    if data is None:
        return EMPTY_CURSOR
    stored = unpack(StoredCursor, data)
    return Checkpoint(origin=stored.origin, size=stored.size, root=stored.root)


class SyncClient:
    """Carries out the steps of one device exchange."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        *,
        events: Events,
        entropy: Entropy,
        timeout_s: float,
    ) -> None:
        """Sync `store` as `identity`; `timeout_s` is how long an expected frame may take."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._events = events
        self._entropy = entropy
        self._timeout_s = timeout_s

    def run(self, link: Link, address: str, *, progress: Callable[[SyncReport], None] | None = None) -> SyncReport:
        """Push what waits and take what is new, until both are done.

        Raises:
            RemoteError: the relay does not answer, proves to be another, or ends the exchange. What was stored stays.
            StoreError: the device's store is full or damaged.
        """
        run = Run(self._store, self._identity, self._keyring, self._events, link)
        exchange = self._exchange(run, address)
        run.carry_out(exchange, exchange.start())
        while not run.done:
            frame = link.receive(timeout_s=self._timeout_s)
            if frame is None:
                run.idle(exchange)
                continue
            run.carry_out(exchange, exchange.receive(frame))
            if progress is not None:
                progress(run.report)
        link.close()
        return run.report

    def live(self, link: Link, address: str, *, stopped: Callable[[], bool], tick_s: float) -> SyncReport:
        """Stay connected: take what comes, push what is recorded meanwhile, until `stopped` says so.

        Raises:
            RemoteError: the connection ended; dial again later.
        """
        run = Run(self._store, self._identity, self._keyring, self._events, link)
        exchange = self._exchange(run, address)
        run.carry_out(exchange, exchange.start())
        while not stopped():
            frame = link.receive(timeout_s=tick_s)
            if frame is not None:
                run.carry_out(exchange, exchange.receive(frame))
            elif run.opened:
                run.push(exchange)
        link.close()
        return run.report

    def token(self, link: HttpLink, address: str) -> bytes:
        """Prove who this device is over HTTP, and get the short-lived token that stands for it.

        Raises:
            RemoteError: the relay does not answer, or does not let this device in.
        """
        run = Run(self._store, self._identity, self._keyring, self._events, link)
        exchange = self._exchange(run, address)
        run.carry_out(exchange, exchange.start())
        while link.token is None:
            frame = link.receive(timeout_s=self._timeout_s)
            if frame is None:
                run.idle(exchange)
            else:
                run.carry_out(exchange, exchange.receive(frame))
        return link.token

    def _exchange(self, run: Run, address: str) -> DeviceExchange:
        return DeviceExchange(
            root=self._identity.root,
            certificates=self._identity.chain,
            signer=self._identity.keys.signer,
            address=address,
            nonce=self._entropy(HASH_BYTES),
            cursor=load_cursor(self._store),
            sessions=run.outbox.sessions(),
        )


class Run:
    """One connection's state and the carrying out of steps."""

    def __init__(self, store: DeviceStore, identity: Identity, keyring: Keyring, events: Events, link: Link) -> None:
        """Begin with nothing sent."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._events = events
        self._link = link
        self._receiver = Receiver(store, identity, keyring)
        self.outbox = Outbox(store, identity)
        self.report = SyncReport(checkpoint=load_cursor(store).size)
        self.opened = False
        self._caught_up = False
        self._receipt_size = 0

    @property
    def done(self) -> bool:
        """Whether everything was pushed and answered, and the feed is taken up to the newest receipt."""
        behind = self.report.checkpoint < self._receipt_size and not self.report.unsound
        return self.opened and self._caught_up and self.outbox.settled and not behind

    def idle(self, exchange: DeviceExchange) -> None:
        """Nothing came: over HTTP ask again; over a live connection the relay has gone silent."""
        if isinstance(self._link, HttpLink) and self.opened:
            self._caught_up = False
            self.carry_out(exchange, exchange.poll())
            return
        raise RemoteError(
            "relay_silent",
            expected="an answer of the relay in time",
            got="none",
            do="sync again; nothing was lost",
        )

    def push(self, exchange: DeviceExchange) -> None:
        """Push the next batch, unless the last one is still unanswered."""
        batch = self.outbox.next_batch()
        if batch is not None:
            self.report.sent += len(batch.entries)
            self.carry_out(exchange, exchange.push(batch.proofs, batch.entries))

    def carry_out(self, exchange: DeviceExchange, steps: list[DeviceStep]) -> None:
        """Carry out steps in order.

        Raises:
            RemoteError: the exchange ended with an error.
        """
        for step in steps:
            match step:
                case Send():
                    self._link.send(step.frame)
                case Take():
                    self._take(step)
                case Receipted():
                    self._receipted(exchange, step)
                case Rejected():
                    self._rejected(exchange, step)
                case Supply():
                    self.opened = True
                    self.outbox.relay_lacks(step.seals)
                    self.push(exchange)
                case SupplyChains():
                    self.outbox.resupply(step.chains)
                    self.push(exchange)
                case SupplyFrontiers():
                    streams = {stream: self._store.frontier(stream) for stream in self._store.streams()}
                    self.carry_out(exchange, exchange.frontiers(streams))
                case _:
                    self._note(step)

    def _note(self, step: Admitted | Advance | Alarm | CaughtUp | Close) -> None:
        match step:
            case Admitted():
                self._admitted(step)
            case Advance():
                self._advance(step)
            case Alarm():
                self.report.alarms.append(step.code)
                with self._store.writing() as writer:
                    writer.put_value(ALARM, step.code.encode())
                self._events.publish(Alarmed(step.code))
            case CaughtUp():
                self._caught_up = True
            case Close(error):
                self._link.close()
                if error is not None:
                    raise RemoteError(error.code, expected=error.expected, got=error.got, do=error.do)

    def _admitted(self, step: Admitted) -> None:
        if step.token is not None and isinstance(self._link, HttpLink):
            self._link.admitted(step.token)
        if self._store.get_value(RELAY) != step.record.wire:
            _check_newer(self._store, self._identity, step.record)
            with self._store.writing() as writer:
                writer.put_value(RELAY, step.record.wire)

    def _take(self, step: Take) -> None:
        taken = self._receiver.take(step.proofs, step.entries)
        self.report.received += taken.stored
        self.report.unsound += taken.unsound
        if taken.unsound:
            self._note(Alarm("relay_sent_unsound_entries", EMPTY_CURSOR))
        charts = self._keyring.charts_of(taken.streams)
        if charts:
            self._events.publish(Changed(charts))

    def _advance(self, step: Advance) -> None:
        if self.report.unsound:
            return  # ask for the same again next time; nothing may be skipped
        cursor = StoredCursor(origin=step.checkpoint.origin, size=step.checkpoint.size, root=step.checkpoint.root)
        with self._store.writing() as writer:
            writer.put_value(CURSOR, pack(cursor))
        self.report.checkpoint = step.checkpoint.size

    def _receipted(self, exchange: DeviceExchange, step: Receipted) -> None:
        names = {leaf.entry: leaf.index for leaf in step.leaves}
        with self._store.writing() as writer:
            writer.mark_receipted(names)
        self.report.receipted += len(names)
        self._receipt_size = max(self._receipt_size, step.checkpoint.size)
        self.outbox.answered(names)
        self.push(exchange)

    def _rejected(self, exchange: DeviceExchange, step: Rejected) -> None:
        self.report.refused.append(step.error)
        if step.entry is not None:
            name = EntryHash(step.entry)
            with self._store.writing() as writer:
                writer.mark_refused(name, step.error.code, str(step.error))
            self.outbox.answered((name,))
            self.push(exchange)


def _check_newer(store: DeviceStore, identity: Identity, record: Verified[RelayRecord]) -> None:
    """A relay's record may be replaced by a newer one of the root only.

    Raises:
        RemoteError: an older record than the one that this device knows: an old key, perhaps a stolen one.
    """
    known = store.get_value(RELAY)
    if known is not None and open_relay(known, identity.root).value.issued_ms > record.value.issued_ms:
        raise RemoteError(
            "relay_record_old",
            expected="the relay's newest record by the organisation",
            got="an older one",
            do="check with the administrator which relay is in use",
        )
