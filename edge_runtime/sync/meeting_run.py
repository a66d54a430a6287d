"""One meeting under way: the carrying out of what the exchange asks, in order.

Owns the order of things: what comes in is stored before the next frame is read, and what was refused is said; what is
asked for is `asking`'s, what is handed over `handing`'s, what comes in `taking`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.blobs.sharing import BlobSharing
from edge_runtime.errors import RefusedError, RemoteError
from edge_runtime.events import Events
from edge_runtime.identity import Clock, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.restored import Why
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.asking import Asking
from edge_runtime.sync.budget import UNLIMITED, Spending
from edge_runtime.sync.handing import Handing
from edge_runtime.sync.intake import Receiver
from edge_runtime.sync.log_keeping import Heard as Verdict
from edge_runtime.sync.meeting_report import PEER_UNSOUND, MeetingReport
from edge_runtime.sync.progress import charts_to_mend, forget_charts_to_mend
from edge_runtime.sync.sharing import shared_streams
from edge_runtime.sync.taking import Part, Taking
from edge_runtime.transports.link import Link
from sync_protocol.audit import Head
from sync_protocol.blob_messages import BlobMessage
from sync_protocol.certificates import Certificate, Session
from sync_protocol.errors import ForgedError, MalformedError, PeerError, over_limit, too_often
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, SessionId, StreamId
from sync_protocol.limits import GOSSIP_NOTES_MAX, MEETING_UNSOUND_MAX
from sync_protocol.peer_exchange import PeerExchange
from sync_protocol.peer_steps import Ask, BlobTurn, Confirmed, Finish, HandOver, Heard, Met, Offer, PeerStep, RoundOver
from sync_protocol.signed import Verified
from sync_protocol.steps import RELAY_LOG_SPLIT, BlobSaid, Close, Send, Take

TWICE_MAX: Final = 65_536
"""Entries in one meeting that came though they were here; a fork's branches do, where the other has more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gossip:
    """What a meeting does with checkpoints of the relay.

    Attributes:
        known: those that this device holds, as signed, the newest first.
        hear: takes one that the other holds; it verifies it, and keeps it or raises the alarm.
    """

    known: Callable[[], Sequence[bytes]]
    hear: Callable[[bytes], object]


SILENT: Final = Gossip(known=tuple, hear=lambda _: None)
"""Of a device that keeps no checkpoints."""


class MeetingRun:
    """One meeting's state and the carrying out of steps."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        events: Events,
        link: Link,
        *,
        gossip: Gossip,
        enter: Callable[[], bool],
        mend_charts: Callable[[Iterable[ChartId]], object],
        fresh: Callable[[Verified[Certificate]], Verified[Session]],
        clock: Clock,
        blobs: BlobSharing | None = None,
    ) -> None:
        """Begin with nobody met; the arguments are explained at Meetings, `fresh` and `clock` at Receiver."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._events = events
        self._link = link
        self._gossip = gossip
        self._enter = enter
        self._mend_charts = mend_charts
        self._receiver = Receiver(store, identity, keyring, fresh=fresh, clock=clock, events=events)
        self._taking: Taking | None = None
        self._peer: Verified[Certificate] | None = None
        self.report = MeetingReport()
        self._blobs = blobs
        self._shared: frozenset[StreamId] = frozenset()
        if blobs is not None:
            self.report.blobs = blobs.report
        self.entered = False
        self.over = False
        self._spending = link if isinstance(link, Spending) else Spending(link, UNLIMITED, clock)
        self._twice = 0
        self.turn_ends_ms = 0
        self._asking = Asking(store, keyring)
        self._handing = Handing(store, identity.trust, self._spending, self.report)
        self._again = False

    def carry_out(self, exchange: PeerExchange, steps: Iterable[PeerStep]) -> None:
        """Carry out steps in order.

        Raises:
            RemoteError: the meeting ended with an error.
        """
        for step in steps:
            match step:
                case Send():
                    self._link.send(step.frame)
                case Offer():
                    self._offer(exchange)
                case Ask():
                    self._ask(exchange, step)
                case HandOver():
                    self._hand_over(exchange, step)
                case Finish():
                    self.carry_out(exchange, exchange.finish(again=self._again))
                case RoundOver():
                    self._round_over(exchange, step)
                case Confirmed():
                    self._handing.confirmed(step)
                case Take():
                    self._take(exchange, step)
                case _:
                    self._note(exchange, step)

    def heads(self) -> tuple[Head, ...]:
        """How far the other's chains reach here now: those that grew in this meeting, and all of its own sessions."""
        if self._taking is None:
            return ()
        own = {session for session in {session for _, session in self._asking.theirs} if self._is_of_peer(session)}
        return self._taking.heads((stream, session) for stream, session in self._asking.theirs if session in own)

    def mend(self) -> None:
        """Look after the keys of charts whose members changed."""
        charts = charts_to_mend(self._store)
        if charts:
            self._mend_charts(charts)
            forget_charts_to_mend(self._store, charts)

    def _is_of_peer(self, name: SessionId) -> bool:
        session, trust = self._store.session(name), self._identity.trust
        if session is None or self.report.peer is None:
            return False
        return trust.principal(session.value.certificate) == trust.principal(self.report.peer)

    def _note(self, exchange: PeerExchange, step: Met | Heard | Close | BlobSaid | BlobTurn) -> None:
        match step:
            case BlobSaid():
                self._hear_of_blob(exchange, step)
            case BlobTurn():
                self._share(exchange)
            case Met():
                self._met(exchange, step)
            case Heard():
                self.report.notes = len(step.notes)
                for note in step.notes:
                    if self._gossip.hear(note) is Verdict.SPLIT:
                        self.report.alarm(RELAY_LOG_SPLIT)
            case Close(error):
                self.over = True
                if error is not None:
                    raise RemoteError(error.code, expected=error.expected, got=error.got, do=error.do)
                self.report.complete = True

    def _met(self, exchange: PeerExchange, step: Met) -> None:
        report, certificate = self.report, step.certificate.value
        report.peer, report.role = CertificateHash(step.certificate.hash), certificate.role
        report.device, report.user, report.expired = certificate.device, certificate.user, step.expired
        if not self._enter():
            self.carry_out(exchange, exchange.fail(busy()))
        self.entered = True
        self._peer = step.certificate
        self._taking = Taking(self._store, self._identity, self._keyring, self._events, self._receiver)

    def _offer(self, exchange: PeerExchange) -> None:
        assert self._peer is not None, "offers follow the handshake"
        self._again = False
        self.report.rounds += 1
        if self.report.rounds > 1:
            self.mend()  # a key wrapped for a member of whom the last round told goes along in this one
        streams = shared_streams(self._store, self._identity, self._keyring, self._peer, expired=self.report.expired)
        self._shared = frozenset(streams)
        sessions = {session for held in streams.values() for session in held.frontier}
        theirs = {session for session in sessions if self._is_of_peer(session)}
        for stream, held in streams.items():  # where a stream does not differ, the other's chain reaches as far as here
            self._asking.theirs.update((stream, session) for session in theirs & held.frontier.keys())
        notes = self._gossip.known()[:GOSSIP_NOTES_MAX] if self.report.rounds == 1 else ()
        self.carry_out(exchange, exchange.offer(notes, streams))

    def _ask(self, exchange: PeerExchange, step: Ask) -> None:
        self._receiver.shown_elsewhere(step.theirs, Why.PEER)
        if self.report.rounds == 1 and charts_to_mend(self._store):
            self.mend()  # not before it is known whether this store is the newest of its session
            self._again = True
        self.carry_out(exchange, exchange.ask(*self._asking.wanted(step.theirs)))

    def _hand_over(self, exchange: PeerExchange, step: HandOver) -> None:
        for proofs, entries in self._handing.batches(step):
            self.carry_out(exchange, exchange.hand(proofs, entries))

    def _round_over(self, exchange: PeerExchange, step: RoundOver) -> None:
        again = step.again or self._again
        if again and not exchange.last_round and self._spending.spent is None:
            self._offer(exchange)
            return
        self.report.more = self.report.more or again
        self._share(exchange)

    def _share(self, exchange: PeerExchange) -> None:
        """Have a turn about attachments. The one who dialled ends the meeting where it has nothing to say."""
        said: Sequence[BlobMessage] = ()
        more = False
        if self._blobs is not None and self._spending.spent is None:
            said, more = self._blobs.turn(self._shared)
        if exchange.dialled and not said:
            self.carry_out(exchange, exchange.end())
        else:
            self.carry_out(exchange, exchange.share(said, again=more))

    def _hear_of_blob(self, exchange: PeerExchange, step: BlobSaid) -> None:
        try:
            if self._blobs is not None:
                self._blobs.heard(step.message)
        except PeerError as error:
            self.carry_out(exchange, exchange.fail(error))

    def _take(self, exchange: PeerExchange, step: Take) -> None:
        assert self._taking is not None, "entries follow the handshake"
        for part in self._taking.take(step.proofs, step.entries):
            self._count(part)
            self._refused(exchange, part)
            if part.is_control and part.taken.stored:
                self._again = True  # it may open what could not be taken, or given, before
        self.report.streams = len({stream for stream, _ in self._taking.grown})
        self.report.charts = len(self._taking.charts)
        if self.report.refusals > MEETING_UNSOUND_MAX:
            error = over_limit("what one device hands over", MEETING_UNSOUND_MAX, self.report.refusals, "unsound items")
            self.carry_out(exchange, exchange.fail(error))
        if self._twice > TWICE_MAX:
            self.carry_out(exchange, exchange.fail(too_often("entries that are here", TWICE_MAX, self._twice)))

    def _count(self, part: Part) -> None:
        taken = part.taken
        self.report.received += taken.stored
        self._spending.took = self._spending.took or taken.stored > 0
        new = taken.stored - taken.released + taken.held + taken.deferred
        self._twice += max(0, len(part.entries) - new - taken.unsound)

    def _refused(self, exchange: PeerExchange, part: Part) -> None:
        """Ask for chains with a gap whole, once; tell the other of everything that is not kept here."""
        taken = part.taken
        if self._asking.gaps(taken.gaps):
            self._again = True
        for refusal in taken.refused:
            self.report.refuse(refusal.error)
            if refusal.what is not None:
                exchange.refuse(EntryHash(refusal.what), refusal.error)
            if isinstance(refusal.error, ForgedError | MalformedError):
                self.report.alarm(PEER_UNSOUND)
        if taken.deferred:  # some of these are held; that they are here is not said of them either
            for entry in part.entries:
                if self._store.arrival(entry.hash) is None:
                    exchange.refuse(EntryHash(entry.hash), _no_room())


def budget_spent() -> RefusedError:
    """Make the error for a meeting that this device ends because it may use no more of the link, or of time."""
    return RefusedError(
        "budget_spent", expected="a meeting within its budget", got="more", do="meet again; it goes on from there"
    )


def _no_room() -> RefusedError:
    return RefusedError(
        "no_room",
        expected="room among what waits for other entries",
        got="too much of that author's waiting already",
        do="keep it; it is asked for again",
    )


def busy() -> RefusedError:
    """Make the error for a device that is met while it meets another."""
    return RefusedError(
        "busy", expected="a device that meets nobody else now", got="another meeting", do="try again in a minute"
    )
