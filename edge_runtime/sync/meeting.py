"""Meeting another device without the relay: each verifies, stores and later carries what the other holds.

Whoever dialled closes the link. Everything goes through the same door as what the relay feeds, admitted by the same
rules that the relay has, and waits for the relay like what this device wrote. Afterwards the device records how far the
other's chains reached here: what is later missing from those chains was cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from edge_runtime.blobs.sharing import BlobSharing
from edge_runtime.errors import RemoteError
from edge_runtime.events import Alarmed, Events, Synced
from edge_runtime.identity import Clock, Entropy, Identity, new_session
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.budget import UNLIMITED, Budget, Spending
from edge_runtime.sync.meeting_report import PEER_UNSOUND, MeetingReport
from edge_runtime.sync.meeting_run import SILENT, Gossip, MeetingRun, budget_spent
from edge_runtime.transports.link import Link
from sync_protocol.audit import Head
from sync_protocol.errors import PeerError, over_limit
from sync_protocol.ids import CertificateHash, ChartId
from sync_protocol.limits import HASH_BYTES
from sync_protocol.peer_exchange import PeerExchange
from sync_protocol.peer_handshake import Part
from sync_protocol.steps import Send

HANDSHAKE_S: Final = 10.0
"""How long a stranger may take for each message before it proved who it is."""
MEETING_S: Final = 30 * 60.0
"""How long a meeting may take in all: a device that is slow, or means harm, keeps others waiting no longer."""

TURN_S: Final = 5 * 60.0
"""How long the other's turn may take in all: a device that says a little now and then holds nobody for ever."""

Record = Callable[[CertificateHash, tuple[Head, ...], bytes | None], object]
"""Writes that a device was met: its certificate, how far its chains reached here, the newest checkpoint as signed."""


class Meetings:
    """Carries out meetings of one device. One at a time."""

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
        record: Record,
        mend: Callable[[Iterable[ChartId]], object],
        gossip: Gossip = SILENT,
        blobs: Callable[[], BlobSharing] | None = None,
    ) -> None:
        """Meet as `identity`.

        Args:
            store: the device's.
            identity: who it is.
            keyring: its charts.
            events: hears what changed.
            clock: judges whether the other's certificate has expired; dates a session that has to be opened.
            entropy: for nonces.
            timeout_s: how long the other may take for each message, once it proved who it is.
            record: writes the meeting into this device's audit.
            mend: looks after the keys of charts whose members changed.
            gossip: the relay's checkpoints.
            blobs: makes the part of one meeting that is about attachments.
        """
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._events = events
        self._clock = clock
        self._entropy = entropy
        self._timeout_s = timeout_s
        self._gossip = gossip
        self._blobs = blobs
        self._record = record
        self._mend = mend

    def run(
        self,
        link: Link,
        address: str,
        part: Part,
        *,
        enter: Callable[[], bool] = lambda: True,
        progress: Callable[[MeetingReport], None] = lambda _: None,
        budget: Budget = UNLIMITED,
    ) -> MeetingReport:
        """Meet the device at the other end of a link.

        Args:
            link: connected.
            address: that was dialled, in the form that both sides know.
            part: who dialled.
            enter: called once the other has proved who it is; False where another meeting is under way.
            progress: hears how it goes.
            budget: what it may use; where that is spent, the meeting ends at once, and the report says so.

        Raises:
            RemoteError: the other is gone, silent, no device of the organisation, or ended the meeting; what came until
                then is kept, and the next meeting goes on from there.
            StoreError: this device's store is full or damaged.
        """
        spending = Spending(link, budget, self._clock)
        run = MeetingRun(
            self._store,
            self._identity,
            self._keyring,
            self._events,
            spending,
            gossip=self._gossip,
            enter=enter,
            mend_charts=self._mend,
            fresh=lambda certificate: new_session(
                self._identity.keys, certificate, now_ms=self._clock(), entropy=self._entropy
            ),
            clock=self._clock,
            blobs=None if self._blobs is None else self._blobs(),
        )
        exchange = PeerExchange(
            part,
            root=self._identity.root,
            certificates=self._identity.chain,
            signer=self._identity.keys.signer,
            trust=self._identity.trust,
            address=address,
            nonce=self._entropy(HASH_BYTES),
        )
        begins_ms = self._clock()
        ends_ms, run.turn_ends_ms = begins_ms + int(MEETING_S * 1000), begins_ms + int(TURN_S * 1000)
        try:
            run.carry_out(exchange, exchange.start())
            while not run.over and spending.spent is None:
                self._step(run, exchange, spending, ends_ms)
                progress(run.report)
            if not run.over:
                self._stop(run, exchange, spending)
        except RemoteError:
            self._conclude(run)
            raise
        self._conclude(run)
        return run.report

    def _stop(self, run: MeetingRun, exchange: PeerExchange, spending: Spending) -> None:
        """Tell the other that the budget is spent: it is no fault of its own, and the next meeting goes on."""
        run.report.stopped, run.report.more = spending.spent, True
        for step in exchange.fail(budget_spent()):
            if isinstance(step, Send):
                spending.send(step.frame)

    def _step(self, run: MeetingRun, exchange: PeerExchange, link: Spending, ends_ms: int) -> None:
        """Take the next frame."""
        now_ms = self._clock()
        if now_ms > run.turn_ends_ms:
            late = int(TURN_S) + (now_ms - run.turn_ends_ms) // 1000
            run.carry_out(exchange, exchange.fail(over_limit("one turn of a meeting", int(TURN_S), late, "seconds")))
        if now_ms > ends_ms:
            late = int(MEETING_S) + (now_ms - ends_ms) // 1000
            run.carry_out(exchange, exchange.fail(over_limit("a meeting", int(MEETING_S), late, "seconds")))
        try:
            frame = link.receive(timeout_s=self._timeout_s if run.entered else min(self._timeout_s, HANDSHAKE_S))
        except PeerError as error:
            run.carry_out(exchange, exchange.fail(error))
            return
        if frame is None and link.spent is not None:
            return
        if frame is None:
            raise RemoteError(
                "peer_silent",
                expected="the other device's next word",
                got="none in time",
                do="meet again; nothing is lost",
            )
        before = exchange.turns
        run.carry_out(exchange, exchange.receive(frame, now_ms=now_ms))
        if exchange.turns != before:
            run.turn_ends_ms = now_ms + int(TURN_S * 1000)

    def _conclude(self, run: MeetingRun) -> None:
        """After a meeting, also one that was cut off: mend keys, record it, tell of it."""
        if run.report.peer is None or not run.entered:
            return
        run.mend()
        self._record(run.report.peer, run.heads(), next(iter(self._gossip.known()), None))
        if PEER_UNSOUND in run.report.alarms:
            self._events.publish(Alarmed(PEER_UNSOUND))
        pending = self._store.waiting()
        self._events.publish(Synced(received=run.report.received, receipted=0, pending=pending))
