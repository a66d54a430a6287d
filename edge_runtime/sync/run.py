"""One connection to the relay: the carrying out of what the exchange asks, in order.

Owns the order of things: an entry is called receipted only after its inclusion was verified; what the relay refuses
stays on this device, marked with the reason, and is offered again by the next connection. What the relay lost counts as
pending again before anything else is done. What it feeds is `feed`'s, what goes up `outbox`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from edge_runtime.blobs.transfer import BlobTransfer
from edge_runtime.errors import RemoteError
from edge_runtime.events import Alarmed, Events
from edge_runtime.identity import Clock, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.restored import Why
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync import safety
from edge_runtime.sync.beyond import Beyond, survey
from edge_runtime.sync.blob_turn import BlobTurn
from edge_runtime.sync.budget import BYTES, UNLIMITED, Spending
from edge_runtime.sync.feed import Feed
from edge_runtime.sync.intake import Receiver
from edge_runtime.sync.log_keeping import LogKeeper
from edge_runtime.sync.outbox import BATCH_BYTES, Outbox
from edge_runtime.sync.patience import Patience
from edge_runtime.sync.progress import (
    WITHHELD,
    SyncReport,
    charts_to_mend,
    clear_alarm,
    forget_charts_to_mend,
    keep_record,
    load_cursor,
    raise_alarm,
    unheard_alarm,
)
from edge_runtime.sync.recheck import Recheck
from edge_runtime.transports.http import HttpLink
from edge_runtime.transports.link import Link, silent
from sync_protocol.certificates import Certificate, Session
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.digests import holding
from sync_protocol.ids import ChartId, EntryHash, SessionId, StreamId
from sync_protocol.signed import Verified
from sync_protocol.steps import (
    RELAY_LOG_REWROTE,
    Accused,
    Admitted,
    Advance,
    Alarm,
    BlobSaid,
    CaughtUp,
    Close,
    DeviceStep,
    Doubted,
    Greeted,
    Receipted,
    Rejected,
    SaidSafe,
    Send,
    Supply,
    SupplyChains,
    SupplyHoldings,
    Take,
)


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
        lacking: Callable[[], Sequence[tuple[StreamId, SessionId, int]]] = tuple,
        blobs: BlobTransfer | None = None,
        compared: Callable[[], object] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        """Begin with nothing sent; `fresh` is explained at Receiver, the others at SyncClient."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._events = events
        self._link = link
        self._spending = link if isinstance(link, Spending) else Spending(link, UNLIMITED, lambda: 0)
        self._http = self._spending.link if isinstance(self._spending.link, HttpLink) else None
        self._lacking: Callable[[], Sequence[tuple[StreamId, SessionId, int]]] | None = lacking
        self._mend = mend
        self._settled = settled
        self._receiver = Receiver(store, identity, keyring, fresh=fresh, clock=clock, events=events)
        self._compared = compared
        alarm = unheard_alarm(store)
        self.report = SyncReport(checkpoint=load_cursor(store).size, alarms=[] if alarm is None else [alarm])
        self._log = LogKeeper(store, identity, events=events) if log is None else log
        self._feed = Feed(
            store,
            identity,
            keyring,
            events,
            receiver=self._receiver,
            log=self._log,
            report=self.report,
            alarm=self._alarm,
        )
        self.outbox = Outbox(store, identity, lose=self._log.lose)
        self.outbox.offer_again()
        before = survey(store, identity.session.value.session, self._feed.uncounted)
        self.sessions, self.beyond = before.sessions, before.beyond
        self._blobs = BlobTurn(store, link, blobs)
        self.report.blobs = self._blobs.report
        self.opened = False
        self._raised: set[str] = set()
        self.caught_up = False
        self._may_push = False
        self._receipt_size = 0
        self._patience = Patience()
        self._recheck = Recheck(store, clock)

    @property
    def stopping(self) -> str | None:
        """Why to stop now, by the budget: BYTES or TIME; None to go on. Bytes end when what was pushed is answered."""
        spent = self._spending.spent
        return None if spent == BYTES and self.outbox.waits and not self._spending.overdrawn else spent

    @property
    def waits(self) -> bool:
        """Whether an answer of the relay is due."""
        return not self._is_at_rest or self.outbox.waits or self._blobs.waits

    @property
    def done(self) -> bool:
        """Whether the log is settled, and all was said and answered of blobs."""
        return self._settled_log and self._blobs.done

    @property
    def _settled_log(self) -> bool:
        """Whether everything was pushed and answered, and the feed is taken up to the newest receipt."""
        behind = self.report.checkpoint < self._receipt_size and not self.report.unsound
        return self._is_at_rest and self.outbox.settled and not behind

    @property
    def _is_at_rest(self) -> bool:
        """Whether the relay owes nothing of its log."""
        return self.opened and self.caught_up and not self._recheck.running

    def idle(self, exchange: DeviceExchange) -> None:
        """Nothing came: over HTTP ask again; over a live connection the relay has gone silent.

        Raises:
            RemoteError: it has, or asking again brings nothing.
        """
        in_vain = self._patience.polls(self._progress)
        if self._http is None or not self.opened or in_vain:
            raise silent()
        self.caught_up = False
        self.carry_out(exchange, exchange.poll())

    def heard(self, exchange: DeviceExchange, steps: Iterable[DeviceStep]) -> None:
        """Carry out what a frame asks for. A relay that goes on without bringing anything is left.

        Raises:
            RemoteError: see `carry_out`; or so many frames in a row brought nothing, or so many entries came twice.
        """
        before = self._progress
        self.carry_out(exchange, steps)
        error = self._patience.hears(brought=self._progress - before, twice=self._feed.twice)
        if error is not None:
            self.carry_out(exchange, exchange.fail(error))

    @property
    def _progress(self) -> int:
        report = self.report
        entries = report.sent + report.receipted + report.received
        return entries + report.refusals + report.checkpoint + report.blobs.steps

    def push(self, exchange: DeviceExchange) -> None:
        """Push the next batch, unless the last one is still unanswered or the relay has not said what it lost."""
        if not self._may_push or (self._spending.spent is not None and self.report.sent):
            return  # something goes up in any case, and it is what is most urgent
        batch = self.outbox.next_batch(self._spending.batch_bytes(BATCH_BYTES))
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
                    self._supply(step)
                    self.push(exchange)
                case Advance():
                    self._feed.advance(step)
                    self._may_push = True
                    self.push(exchange)
                case CaughtUp():
                    self._catch_up(exchange)
                    self.push(exchange)
                case SupplyHoldings():
                    self._may_push, self._feed.uncounted = False, None  # both sides now compare everything
                    self.beyond = Beyond()
                    safety.doubt(self._store)
                    self._blobs.doubt()
                    holdings = {stream: holding(self._store, stream) for stream in self._store.streams()}
                    self.carry_out(exchange, exchange.compare(holdings))
                case Greeted() | Accused() | Doubted():
                    keep_record(self._store, self._identity, exchange.record)
                    self._log.carry_out(step, exchange.record)
                case _:
                    self._note(step, exchange)
        self.recheck(exchange)
        self._blobs.go_on(settled=self._settled_log)

    def recheck(self, exchange: DeviceExchange) -> None:
        """Look whether the relay fed everything, where all else of the log is done and it is time for that.

        What came and did not verify is a reason: it may lack what the relay left out below the cursor.

        Raises:
            RemoteError: see `carry_out`.
        """
        ready = self._settled_log and self._spending.spent is None
        if ready and exchange.may_compare and self._recheck.due(unsound=self.report.unsound > 0):
            held = self._recheck.begin(self._feed.reached, refused=self._feed.refused)
            self.carry_out(exchange, exchange.begin_comparison(held))

    def _supply(self, step: Supply) -> None:
        """Before anything is written or pushed: where the relay has more of this session, it is left."""
        if not self.opened:
            self._receiver.known_elsewhere(step.seals, Why.RELAY)
            self._compared()
        self.opened = True
        self.outbox.relay_lacks(step.seals)

    def _note(
        self, step: Take | Admitted | SupplyChains | SaidSafe | Alarm | Close | BlobSaid, exchange: DeviceExchange
    ) -> None:
        match step:
            case BlobSaid():
                self.carry_out(exchange, self._blobs.hear(step, exchange))
            case Take():
                self._take(step)
            case Admitted():
                if step.token is not None and self._http is not None:
                    self._http.admitted(step.token)
                keep_record(self._store, self._identity, step.record)
            case SupplyChains():
                self.outbox.lost(self._recheck.lost(self.beyond.lost(step.chains)))
            case SaidSafe(statement):
                if not self.report.unsound:  # the state that it was proven from is not kept either
                    safety.keep_statement(self._store, statement)
            case Alarm():
                self._alarm(step.code)
            case Close(error) if error is not None:
                raise RemoteError(error.code, expected=error.expected, got=error.got, do=error.do)

    def _take(self, step: Take) -> None:
        taken = self._feed.take(step)
        self._recheck.took(taken.stored - taken.released)
        self._spending.took = self._spending.took or taken.stored > 0

    def _catch_up(self, exchange: DeviceExchange) -> None:
        """Nothing more is in the feed."""
        self._feed.tell_broken()
        self.caught_up = self._may_push = True
        if not exchange.comparing and self._recheck.end(self._feed.reached):
            self._alarm(WITHHELD)
        if not self.report.unsound and not exchange.unanswered:
            self._feed.confirm(self.outbox, self.beyond)
            if not self._raised:
                clear_alarm(self._store)
        charts = charts_to_mend(self._store)
        if charts and self._mend is not None:
            self._mend(charts)
            forget_charts_to_mend(self._store, charts)
        if self._settled is not None:
            self._settled()
        self._request(exchange)

    def _request(self, exchange: DeviceExchange) -> None:
        """Once a connection, ask for what entries here wait for and what there was no room for; a page follows."""
        lacking, self._lacking = self._lacking, None
        steps = [] if lacking is None else exchange.request(lacking())
        if steps:
            self.caught_up = False
            self.carry_out(exchange, steps)

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
            safety.receipted(self._store, writer, (leaf.entry for leaf in step.leaves))
        if rewritten and self._log.rewrote(rewritten, exchange.record):
            self._alarm(RELAY_LOG_REWROTE)
        self.report.receipted += self.outbox.answered(leaf.entry for leaf in step.leaves)
        self._spending.took = self._spending.took or self.report.receipted > 0
        self._receipt_size = max(self._receipt_size, step.checkpoint.size)

    def _rejected(self, step: Rejected) -> None:
        """Mark what was refused, if it was offered on this connection: the relay has no say about anything else."""
        self.report.refuse(step.error)
        if step.entry is not None and self.outbox.answered((EntryHash(step.entry),)):
            with self._store.writing() as writer:
                writer.mark_refused(EntryHash(step.entry), step.error.code, str(step.error))
