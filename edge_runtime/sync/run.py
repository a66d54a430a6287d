"""One connection to the relay: the carrying out of what the exchange asks, in order.

Owns the order of things: what comes in is durable before the cursor moves; an entry is called receipted only after its
inclusion was verified; what the relay refuses stays on this device, marked with the reason, and is offered again by the
next connection. What the relay lost counts as pending again before anything else is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from edge_runtime.errors import RemoteError
from edge_runtime.events import Alarmed, Changed, Events, GlassBroken
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.emergencies import newly_broken
from edge_runtime.sync.intake import Receiver
from edge_runtime.sync.log_keeping import LogKeeper
from edge_runtime.sync.outbox import Outbox
from edge_runtime.sync.progress import (
    CURSOR,
    UNSOUND,
    SyncReport,
    charts_to_mend,
    clear_alarm,
    forget_charts_to_mend,
    forget_fed,
    keep_record,
    load_cursor,
    raise_alarm,
    save_checkpoint,
    save_fed,
    unheard_alarm,
)
from edge_runtime.transports.http import HttpLink
from edge_runtime.transports.link import Link, silent
from sync_protocol.certificates import Certificate, Session
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.ids import ChartId, EntryHash
from sync_protocol.signed import Verified
from sync_protocol.steps import (
    RELAY_LOG_REWROTE,
    Accused,
    Admitted,
    Advance,
    Alarm,
    CaughtUp,
    Close,
    DeviceStep,
    Doubted,
    Greeted,
    Receipted,
    Rejected,
    Send,
    Supply,
    SupplyChains,
    SupplyFrontiers,
    Take,
)

POLLS_MAX: Final = 3
"""Requests in a row that bring nothing new, over HTTP, before the relay counts as silent."""


class Run:
    """One connection's state and the carrying out of steps."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        events: Events,
        link: Link,
        *,
        fresh: Callable[[Verified[Certificate]], Verified[Session]] | None = None,
        mend: Callable[[Iterable[ChartId]], object] | None = None,
        settled: Callable[[], object] | None = None,
        log: LogKeeper | None = None,
    ) -> None:
        """Begin with nothing sent; `fresh` is explained at Receiver, the others at SyncClient."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._events = events
        self._link = link
        self._mend = mend
        self._settled = settled
        self._receiver = Receiver(store, identity, keyring, fresh=fresh)
        self._fed_before = self._receiver.fed
        self._fed_end = store.size()
        self._fed_again: set[EntryHash] = set()
        self._log = LogKeeper(store, identity, events=events) if log is None else log
        self.outbox = Outbox(store, identity, lose=self._log.lose)
        alarm = unheard_alarm(store)
        self.report = SyncReport(checkpoint=load_cursor(store).size, alarms=[] if alarm is None else [alarm])
        self.opened = False
        self._raised: set[str] = set()
        self._glass: frozenset[EntryHash] = frozenset()
        self._glass_charts: frozenset[ChartId] = frozenset()
        self.caught_up = False
        self._may_push = False
        self._receipt_size = 0
        self._polls = 0
        self._progress = -1

    @property
    def waits(self) -> bool:
        """Whether an answer of the relay is due."""
        return not self.opened or not self.caught_up or self.outbox.waits

    @property
    def done(self) -> bool:
        """Whether everything was pushed and answered, and the feed is taken up to the newest receipt."""
        behind = self.report.checkpoint < self._receipt_size and not self.report.unsound
        return self.opened and self.caught_up and self.outbox.settled and not behind

    def idle(self, exchange: DeviceExchange) -> None:
        """Nothing came: over HTTP ask again; over a live connection the relay has gone silent.

        Raises:
            RemoteError: it has, or asking again brings nothing.
        """
        report = self.report
        progress = report.sent + report.receipted + report.received + report.refusals + report.checkpoint
        self._polls = self._polls + 1 if progress == self._progress else 0
        self._progress = progress
        if not isinstance(self._link, HttpLink) or not self.opened or self._polls > POLLS_MAX:
            raise silent()
        self.caught_up = False
        self.carry_out(exchange, exchange.poll())

    def push(self, exchange: DeviceExchange) -> None:
        """Push the next batch, unless the last one is still unanswered or the relay has not said what it lost."""
        batch = self.outbox.next_batch() if self._may_push else None
        if batch is not None:
            self.report.sent += len(batch.entries)
            self.carry_out(exchange, exchange.push(batch.proofs, batch.entries))

    def carry_out(self, exchange: DeviceExchange, steps: Iterable[DeviceStep]) -> None:
        """Carry out steps in order.

        Raises:
            RemoteError: the exchange ended with an error.
        """
        for step in steps:
            match step:
                case Send():
                    self._link.send(step.frame)
                case Receipted():
                    self._receipted(step, exchange)
                    self.push(exchange)
                case Rejected():
                    self._rejected(step)
                    self.push(exchange)
                case Supply():
                    self.opened = True
                    self.outbox.relay_lacks(step.seals)
                    self.push(exchange)
                case Advance():
                    self._advance(step)
                    self._may_push = True
                    self.push(exchange)
                case CaughtUp():
                    self._catch_up()
                    self.push(exchange)
                case SupplyFrontiers():
                    self._may_push, self._fed_before = False, None  # both sides now compare everything
                    streams = {stream: self._store.frontier(stream) for stream in self._store.streams()}
                    forked = [(stream, session) for stream in streams for session in self._store.forked(stream)]
                    self.carry_out(exchange, exchange.frontiers(streams, forked=forked))
                case Greeted() | Accused() | Doubted():
                    keep_record(self._store, self._identity, exchange.record)
                    self._log.carry_out(step, exchange.record)
                case _:
                    self._note(step)

    def _note(self, step: Take | Admitted | SupplyChains | Alarm | Close) -> None:
        match step:
            case Take():
                self._take(step)
            case Admitted():
                if step.token is not None and isinstance(self._link, HttpLink):
                    self._link.admitted(step.token)
                keep_record(self._store, self._identity, step.record)
            case SupplyChains():
                self.outbox.lost(step.chains)
            case Alarm():
                self._alarm(step.code)
            case Close(error):
                if error is not None:
                    raise RemoteError(error.code, expected=error.expected, got=error.got, do=error.do)

    def _take(self, step: Take) -> None:
        taken = self._receiver.take(step.proofs, step.entries)
        if self._fed_before is not None:
            self._fed_again.update(entry.hash for entry in step.entries)
        self.report.received += taken.stored
        self.report.unsound += taken.unsound
        if taken.unsound:
            self._alarm(UNSOUND)
        charts = self._keyring.charts_of(taken.streams)
        if charts:
            self._events.publish(Changed(charts))
        if taken.glass:
            self._glass |= taken.glass
            self._glass_charts |= charts

    def _advance(self, step: Advance) -> None:
        if self.report.unsound:
            return  # ask for the same again next time; nothing may be skipped
        with self._store.writing() as writer:
            save_checkpoint(writer, CURSOR, step.checkpoint)
            self._log.keep(writer, step.newest, step.held)
            if self._fed_before is None:
                save_fed(writer, None)
                self._receiver.fed = None
        self.report.checkpoint = step.checkpoint.size

    def _catch_up(self) -> None:
        """Nothing more is in the feed."""
        broken = newly_broken(self._keyring, self._glass_charts, self._glass, self._identity.principal)
        self._glass, self._glass_charts = frozenset(), frozenset()
        if broken:  # and what may have closed it since has come, too
            self.report.broken |= broken
            self._events.publish(GlassBroken(broken))
        self.caught_up = self._may_push = True
        if not self.report.unsound:
            self._confirm()
            if not self._raised:
                clear_alarm(self._store)
        charts = charts_to_mend(self._store)
        if charts and self._mend is not None:
            self._mend(charts)
            forget_charts_to_mend(self._store, charts)
        if self._settled is not None:
            self._settled()

    def _confirm(self) -> None:
        """What once came without its checkpoint and did not come again, the relay has lost."""
        if self._fed_before is not None:
            self.outbox.unconfirmed(self._fed_before, self._fed_end, confirmed=self._fed_again)
            forget_fed(self._store)
            self._fed_before = self._receiver.fed = None

    def _alarm(self, code: str) -> None:
        if code in self._raised:
            return
        self._raised.add(code)
        if code not in self.report.alarms:
            self.report.alarms.append(code)
        raise_alarm(self._store, code)
        self._events.publish(Alarmed(code))

    def _receipted(self, step: Receipted, exchange: DeviceExchange) -> None:
        with self._store.writing() as writer:
            rewritten = self._log.receipted(writer, step)
        if rewritten and self._log.rewrote(rewritten, exchange.record):
            self._alarm(RELAY_LOG_REWROTE)
        self.report.receipted += self.outbox.answered(leaf.entry for leaf in step.leaves)
        self._receipt_size = max(self._receipt_size, step.checkpoint.size)

    def _rejected(self, step: Rejected) -> None:
        """Mark what was refused, if it was offered on this connection: the relay has no say about anything else."""
        self.report.refuse(step.error)
        if step.entry is not None and self.outbox.answered((EntryHash(step.entry),)):
            with self._store.writing() as writer:
                writer.mark_refused(EntryHash(step.entry), step.error.code, str(step.error))
