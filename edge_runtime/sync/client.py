"""Syncing with the relay: once, until both sides have everything, or for as long as a connection lasts.

Whoever dialled closes the link. One thread at a time: a host that records meanwhile takes turns with the sync whenever
it waits for the network, that is within `send` and `receive` of the link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from edge_runtime.blobs.transfer import BlobTransfer
from edge_runtime.errors import RemoteError
from edge_runtime.events import Alarmed, Events
from edge_runtime.identity import Clock, Entropy, Identity, new_session
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.again import begin_anew
from edge_runtime.sync.budget import UNLIMITED, Budget, Spending
from edge_runtime.sync.log_keeping import LogKeeper, OnVerdict
from edge_runtime.sync.progress import (
    ALARM,
    RELAY,
    SyncReport,
    hear_alarm,
    keep_record,
    load_cursor,
    load_newest,
    raise_alarm,
)
from edge_runtime.sync.renewing import take_over
from edge_runtime.sync.run import Run
from edge_runtime.transports.http import HttpLink
from edge_runtime.transports.link import Link, silent
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.errors import MisuseError, PeerError
from sync_protocol.frontier import Frontier
from sync_protocol.ids import ChartId, SessionId, StreamId
from sync_protocol.limits import HASH_BYTES
from sync_protocol.steps import Accused, Admitted, Alarm, Close, DeviceStep, Doubted, Greeted, Send

__all__ = ["ALARM", "RELAY", "Run", "SyncClient", "SyncReport", "load_cursor"]


class SyncClient:
    """Carries out the steps of one device exchange."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        *,
        events: Events,
        clock: Clock,
        entropy: Entropy,
        timeout_s: float,
        mend: Callable[[Iterable[ChartId]], object] | None = None,
        settled: Callable[[], object] | None = None,
        accused: OnVerdict | None = None,
        lacking: Callable[[], Sequence[tuple[StreamId, SessionId, int]]] = tuple,
        blobs: Callable[[], BlobTransfer] | None = None,
        compared: Callable[[], object] = lambda: None,
    ) -> None:
        """Sync `store` as `identity`.

        Args:
            store: the device's.
            identity: who it is.
            keyring: its charts.
            events: hears what changed.
            clock: dates a session that has to be opened.
            entropy: for nonces.
            timeout_s: how long an expected frame may take.
            mend: looks after the keys of charts whose members changed, once everything is here.
            settled: does what is due once everything is here, such as a purge.
            accused: hears once of each act of which the relay was convicted.
            lacking: the chains that are to be asked for again, from which number on: what entries here wait for, and
                what there was no room for.
            blobs: makes the part of one connection that is about attachments.
            compared: called once a connection, when it is known whether the relay has more of this device's session
                than is here, and before anything is pushed: what it writes goes up with the rest.
        """
        self._lacking = lacking
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._events = events
        self._clock = clock
        self._entropy = entropy
        self._timeout_s = timeout_s
        self._mend = mend
        self._settled = settled
        self._blobs = blobs
        self._compared = compared
        self._log = LogKeeper(store, identity, events=events, accused=accused)

    def run(
        self,
        link: Link,
        address: str,
        *,
        progress: Callable[[SyncReport], None] | None = None,
        budget: Budget = UNLIMITED,
    ) -> SyncReport:
        """Push what waits and take what is new, until both are done or the budget is spent; the report says which.

        Raises:
            RemoteError: the relay does not answer, proves to be another, or ends the exchange. What was stored stays.
            StoreError: the device's store is full or damaged.
        """
        spending = Spending(link, budget, self._clock)
        run, exchange = self._begin(spending, address)
        run.carry_out(exchange, exchange.start())
        while not run.done and run.stopping is None:
            steps = _received(spending, exchange, timeout_s=self._timeout_s)
            if steps is not None:
                run.heard(exchange, steps)
                if progress is not None:
                    progress(run.report)
            elif run.stopping is None:
                run.idle(exchange)
        run.report.stopped = None if run.done else run.stopping
        hear_alarm(self._store)
        return run.report

    def live(self, link: Link, address: str, *, stopped: Callable[[], bool], tick_s: float) -> SyncReport:
        """Stay connected: take what comes, push what is recorded meanwhile, until `stopped` says so.

        Args:
            link: one over which the relay can speak unasked.
            address: what was dialled.
            stopped: asked between two waits.
            tick_s: how long to wait before looking for something to push.

        Raises:
            RemoteError: the connection ended, or an answer is overdue; dial again later.
        """
        if isinstance(link, HttpLink):
            raise MisuseError(
                "live", expected="a link over which the relay can speak", got="requests", do="report this as a bug"
            )
        run, exchange = self._begin(link, address)
        run.carry_out(exchange, exchange.start())
        silent_s = 0.0
        while not stopped():
            steps = _received(link, exchange, timeout_s=tick_s)
            if steps is not None:
                silent_s = 0.0
                run.heard(exchange, steps)
                run.push(exchange)  # what was recorded meanwhile does not wait until the relay is silent
                continue
            silent_s = silent_s + tick_s if run.waits else 0.0
            if silent_s >= self._timeout_s:
                run.idle(exchange)
            run.push(exchange)
            run.recheck(exchange)
        return run.report

    def token(self, link: HttpLink, address: str) -> bytes:
        """Prove who this device is over HTTP, and get the short-lived token that stands for it.

        Raises:
            RemoteError: the relay does not answer, or does not let this device in.
        """
        exchange = self._exchange(address, sessions=())
        steps: Iterable[DeviceStep] | None = exchange.start()
        while steps is not None:
            for step in steps:
                match step:
                    case Send():
                        link.send(step.frame)
                    case Greeted() | Accused() | Doubted():
                        keep_record(self._store, self._identity, exchange.record)
                        self._log.carry_out(step, exchange.record)
                    case Alarm(code):
                        raise_alarm(self._store, code)
                        self._events.publish(Alarmed(code))
                    case Admitted(_, token, _) if token is not None:
                        return token
                    case Close(error) if error is not None:
                        raise RemoteError(error.code, expected=error.expected, got=error.got, do=error.do)
                    case _:
                        continue
            steps = _received(link, exchange, timeout_s=self._timeout_s)
        raise silent()

    def _begin(self, link: Link, address: str) -> tuple[Run, DeviceExchange]:
        take_over(self._store, self._identity, now_ms=self._clock(), entropy=self._entropy)
        begin_anew(self._store)
        run = Run(
            self._store,
            self._identity,
            self._keyring,
            self._events,
            link,
            fresh=lambda certificate: new_session(
                self._identity.keys, certificate, now_ms=self._clock(), entropy=self._entropy
            ),
            mend=self._mend,
            settled=self._settled,
            log=self._log,
            lacking=self._lacking,
            blobs=None if self._blobs is None else self._blobs(),
            compared=self._compared,
            clock=self._clock,
        )
        return run, self._exchange(address, sessions=run.sessions, beyond=run.beyond.frontiers)

    def _exchange(
        self, address: str, *, sessions: tuple[SessionId, ...], beyond: Mapping[StreamId, Frontier] | None = None
    ) -> DeviceExchange:
        return DeviceExchange(
            root=self._identity.root,
            certificates=self._identity.chain,
            signer=self._identity.keys.signer,
            address=address,
            nonce=self._entropy(HASH_BYTES),
            cursor=load_cursor(self._store),
            newest=load_newest(self._store),
            notes=self._log.to_show(),
            sessions=sessions,
            beyond=beyond,
        )


def _received(link: Link, exchange: DeviceExchange, *, timeout_s: float) -> Iterable[DeviceStep] | None:
    """What the next frame asks for; None when none came. What is no frame ends the exchange."""
    try:
        frame = link.receive(timeout_s=timeout_s)
    except PeerError as error:
        return exchange.fail(error)
    return None if frame is None else exchange.receive(frame)
