"""One connection to the relay: the carrying out of what the exchange asks, in order.

Owns the order of things: what comes in is durable before the cursor moves; an entry is called receipted only after its
inclusion was verified; what the relay refuses stays on this device, marked with the reason, and is offered again by the
next connection. What the relay lost counts as pending again before anything else is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from edge_runtime.blobs.transfer import BlobTransfer
from edge_runtime.errors import RemoteError
from edge_runtime.events import Alarmed, Changed, Events, GlassBroken
from edge_runtime.identity import Clock, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.restored import Why
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync import safety
from edge_runtime.sync.beyond import Beyond, survey
from edge_runtime.sync.blob_turn import BlobTurn
from edge_runtime.sync.budget import BYTES, UNLIMITED, Spending
from edge_runtime.sync.emergencies import newly_broken
from edge_runtime.sync.intake import Receiver
from edge_runtime.sync.log_keeping import LogKeeper
from edge_runtime.sync.outbox import BATCH_BYTES, Outbox
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
from sync_protocol.digests import holding
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import too_often
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

BARREN_FRAMES_MAX: Final = 4096
"""Frames of a relay in a row that bring neither an entry nor an answer nor a checkpoint."""
TWICE_MAX: Final = 1024 * 1024
"""Entries in one connection that came though they were here."""
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
        self._fed_before = self._receiver.fed
        self._fed_end = store.size()
        self._fed_again: set[EntryHash] = set()
        self._page_first: int | None = None
        self._log = LogKeeper(store, identity, events=events) if log is None else log
        self.outbox = Outbox(store, identity, lose=self._log.lose)
        self.outbox.offer_again()
        before = survey(store, identity.session.value.session, self._fed_before)
        self.sessions, self.beyond = before.sessions, before.beyond
        alarm = unheard_alarm(store)
        self.report = SyncReport(checkpoint=load_cursor(store).size, alarms=[] if alarm is None else [alarm])
        self._blobs = BlobTurn(store, link, blobs)
        self.report.blobs = self._blobs.report
        self.opened = False
        self._raised: set[str] = set()
        self._glass: frozenset[EntryHash] = frozenset()
        self._glass_charts: frozenset[ChartId] = frozenset()
        self.caught_up = False
        self._may_push = False
        self._receipt_size = 0
        self._polls = 0
        self._progress = -1
        self._barren = 0
        self._seen_twice = 0

    @property
    def stopping(self) -> str | None:
        """Why to stop now, by the budget: BYTES or TIME; None to go on. Bytes end when what was pushed is answered."""
        spent = self._spending.spent
        return None if spent == BYTES and self.outbox.waits else spent

    @property
    def waits(self) -> bool:
        """Whether an answer of the relay is due."""
        return not self.opened or not self.caught_up or self.outbox.waits or self._blobs.waits

    @property
    def done(self) -> bool:
        """Whether the log is settled, and all was said and answered of blobs."""
        return self._settled_log and self._blobs.done

    @property
    def _settled_log(self) -> bool:
        """Whether everything was pushed and answered, and the feed is taken up to the newest receipt."""
        behind = self.report.checkpoint < self._receipt_size and not self.report.unsound
        return self.opened and self.caught_up and self.outbox.settled and not behind

    def idle(self, exchange: DeviceExchange) -> None:
        """Nothing came: over HTTP ask again; over a live connection the relay has gone silent.

        Raises:
            RemoteError: it has, or asking again brings nothing.
        """
        progress = self._progress_now
        self._polls = self._polls + 1 if progress == self._progress else 0
        self._progress = progress
        if self._http is None or not self.opened or self._polls > POLLS_MAX:
            raise silent()
        self.caught_up = False
        self.carry_out(exchange, exchange.poll())

    def heard(self, exchange: DeviceExchange, steps: Iterable[DeviceStep]) -> None:
        """Carry out what a frame asks for. A relay that goes on without bringing anything is left.

        Raises:
            RemoteError: see `carry_out`; or so many frames in a row brought nothing, or so many entries came twice.
        """
        before = self._progress_now
        self.carry_out(exchange, steps)
        self._barren = self._barren + 1 if self._progress_now == before else 0
        if self._barren > BARREN_FRAMES_MAX:
            self.carry_out(
                exchange, exchange.fail(too_often("frames that bring nothing", BARREN_FRAMES_MAX, self._barren))
            )
        if self._seen_twice > TWICE_MAX:
            self.carry_out(exchange, exchange.fail(too_often("entries that are here", TWICE_MAX, self._seen_twice)))

    @property
    def _progress_now(self) -> int:
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
                    self._advance(step)
                    self._may_push = True
                    self.push(exchange)
                case CaughtUp():
                    self._catch_up(exchange)
                    self.push(exchange)
                case SupplyHoldings():
                    self._may_push, self._fed_before = False, None  # both sides now compare everything
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
        self._blobs.go_on(settled=self._settled_log)

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
                self.outbox.lost(self.beyond.lost(step.chains))
            case SaidSafe(statement):
                if not self.report.unsound:  # the state that it was proven from is not kept either
                    safety.keep_statement(self._store, statement)
            case Alarm():
                self._alarm(step.code)
            case Close(error) if error is not None:
                raise RemoteError(error.code, expected=error.expected, got=error.got, do=error.do)

    def _take(self, step: Take) -> None:
        safety.overtaken(self._store, (EntryHash(entry.hash) for entry in step.entries))
        size = self._store.size()
        taken = self._receiver.take(step.proofs, step.entries)
        if taken.stored and self._page_first is None:
            self._page_first = size
        new = taken.stored - taken.released + taken.held + taken.deferred
        self._seen_twice += max(0, len(step.entries) - new - taken.unsound)
        self._spending.took = self._spending.took or taken.stored > 0
        if self._fed_before is not None:
            self._fed_again.update(entry.hash for entry in step.entries)
        self.report.received += taken.stored
        self.report.held += taken.held
        self.report.deferred += taken.deferred
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
        first = None if step.whole else self._page_first  # what came before this page is below the checkpoint
        covered = self._store.size() if first is None else first
        with self._store.writing() as writer:
            save_checkpoint(writer, CURSOR, step.checkpoint)
            self._log.keep(writer, step.newest, step.held)
            safety.reached(self._store, writer, arrivals=covered, size=step.checkpoint.size)
            if self._fed_before is None:
                save_fed(writer, first)
                self._receiver.fed = first
        self._page_first = None
        self.report.checkpoint = step.checkpoint.size

    def _catch_up(self, exchange: DeviceExchange) -> None:
        """Nothing more is in the feed."""
        broken = newly_broken(self._keyring, self._glass_charts, self._glass, self._identity.principal)
        self._glass, self._glass_charts = frozenset(), frozenset()
        if broken:  # and what may have closed it since has come, too
            self.report.broken |= broken
            self._events.publish(GlassBroken(broken))
        self.caught_up = self._may_push = True
        if not self.report.unsound and not exchange.unanswered:
            self._confirm()
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

    def _confirm(self) -> None:
        """What once came without its checkpoint, and did not come again nor was found at the relay, it has lost."""
        if self._fed_before is not None:
            self.outbox.unconfirmed(self._fed_before, self._fed_end, confirmed=self._is_confirmed)
            self._fed_before = None
        if self._receiver.fed is not None:
            forget_fed(self._store)
            self._receiver.fed = None

    def _is_confirmed(self, entry: VerifiedEntry) -> bool:
        return entry.hash in self._fed_again or self.beyond.confirms(entry.header)

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
