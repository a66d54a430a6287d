"""A relay in memory, as strict as a real one about who may write and read what, behind links without a network.

Its log is the order of arrival. It admits an entry only after the records that make its chart, its author's membership
and its epoch; it feeds a device what the device may read, a newly readable stream from its beginning.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from edge_runtime.errors import RemoteError
from edge_runtime.transports.link import unreachable
from sync_protocol import merkle
from sync_protocol.backed_up import BackedUp, sign_backed_up
from sync_protocol.certificates import Certificate, RelayRecord, Root, Trust
from sync_protocol.chart_counting import founding
from sync_protocol.chart_history import ChartHistory
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.control import Certify, content_stream, control_stream, unpack_control
from sync_protocol.control_entry import read_control
from sync_protocol.digests import holding
from sync_protocol.emergency_records import BreakGlass
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.errors import BrokenChainError, ExplainedError, PeerError, UntrustedError
from sync_protocol.frames import FrameReader
from sync_protocol.frontier import lacking, unknown
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, SessionId, StreamId
from sync_protocol.intake import Intake, Proofs, Refusal
from sync_protocol.log_messages import Backed, Growth, Leaf
from sync_protocol.memory_store import MemoryStore
from sync_protocol.merkle import EMPTY_ROOT
from sync_protocol.organisation import Organisation
from sync_protocol.relay_exchange import RelayExchange
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Signed, Verified
from sync_protocol.signing import SigningKey
from sync_protocol.steps import (
    Close,
    Compare,
    Feed,
    FeedAgain,
    Greet,
    Hold,
    Locate,
    Peer,
    RelayStep,
    Send,
    Take,
)
from sync_protocol.store import Arrived, Outcome, put_proofs, walk_chain, walk_seals
from tests.support.people import Clock, Entropy


class Owner(Protocol):
    """What a relay needs of its organisation."""

    root: Verified[Root]
    relay: Verified[RelayRecord]
    relay_key: SigningKey
    clock: Clock
    entropy: Entropy


class RelayShell:
    """A relay.

    Attributes:
        refuse: says why an entry is not taken, besides what every relay says.
        silent: whether it takes frames and answers none.
        page: entries in one page of the feed.
    """

    def __init__(self, owner: Owner, *, page: int = 5) -> None:
        self.owner = owner
        self.record = owner.relay
        self.store = MemoryStore()
        self.page = page
        self.refuse: Callable[[VerifiedEntry], ExplainedError | None] = lambda _: None
        self.silent = False
        self.links: list[RelayLink] = []
        self.frames = 0
        self.backed: Verified[BackedUp] | None = None
        self._charts: tuple[object, dict[ChartId, ChartHistory]] = (None, {})

    def link(self) -> RelayLink:
        """A new connection."""
        self.links.append(RelayLink(self))
        return self.links[-1]

    def snapshot(self) -> MemoryStore:
        """A backup."""
        return copy.deepcopy(self.store)

    def back_up(self, *, made_ms: int, size: int | None = None) -> None:
        """Say that the log is backed up, as far as it reaches or up to a size."""
        size = self.store.size() if size is None else size
        said = BackedUp(size=size, root=Hash(self.root(size)), made_ms=made_ms, blobs_through=0)
        self.backed = sign_backed_up(said, self.owner.relay_key)

    @property
    def trust(self) -> Trust:
        """What the store kept."""
        trust = Trust(self.owner.root)
        for certificate in self.store.certificates():
            trust.restore(certificate)
        return trust

    def names(self) -> set[EntryHash]:
        """Every entry."""
        return {arrived.entry.hash for arrived in self.store.arrivals(after=0, limit=1 << 30)}

    def root(self, size: int) -> bytes:
        """The log's root at a size."""
        if not size:
            return EMPTY_ROOT
        return merkle.root([merkle.leaf_hash(a.entry.hash) for a in self.store.arrivals(after=0, limit=size)])

    def note(self, size: int) -> bytes:
        """The signed checkpoint of a size."""
        origin = self.record.value.origin
        key = NoteKey(origin, self.owner.relay_key)
        return sign_checkpoint(Checkpoint(origin=origin, size=size, root=Hash(self.root(size))), key)

    def leaves(self, size: int) -> list[Hash]:
        """The log's first leaf hashes."""
        return [merkle.leaf_hash(a.entry.hash) for a in self.store.arrivals(after=0, limit=size)]

    def growth(self, base: int, size: int) -> Growth | None:
        """The proof between two states of the log; None where there is nothing to prove."""
        if base in {0, size}:
            return None
        first, second = sorted((base, size))
        return Growth(base=base, path=merkle.consistency_path(self.leaves(second), first))

    def greet(self, step: Greet) -> tuple[bytes, list[tuple[Hash, ...] | None]]:
        """The newest checkpoint, and the path to it from each that was shown."""
        size = self.store.size()
        paths = [
            merkle.consistency_path(self.leaves(size), shown.size)
            if shown is not None and shown.size <= size and self.root(shown.size) == shown.root
            else None
            for shown in step.shown
        ]
        return self.note(size), paths

    def charts(self) -> dict[ChartId, ChartHistory]:
        """Every chart; read anew once the store holds anything more."""
        held = self.store._held
        seals = sum(len(found) for numbers in held.seals.values() for found in numbers.values())
        state = (self.store, len(held.log), len(held.certificates), len(held.sessions), seals)
        if self._charts[0] != state:
            self._charts = state, self._read_charts()
        return self._charts[1]

    def _read_charts(self) -> dict[ChartId, ChartHistory]:
        trust = self.trust
        control = [
            (arrived.entry.header.stream, read_control(arrived.entry, self.author(arrived.entry), self.store))
            for arrived in self.store.arrivals(after=0, limit=1 << 30)
            if arrived.entry.header.epoch is None
        ]
        charts = {chart for stream, entry in control if (chart := founding(entry)) and control_stream(chart) == stream}
        root = self.owner.root.value.control
        organisation = Organisation(trust, (entry for stream, entry in control if stream == root), self.store)
        return {
            chart: ChartHistory((e for stream, e in control if stream == control_stream(chart)), chart, organisation)
            for chart in charts
        }

    def readable(self, reader: CertificateHash) -> set[StreamId]:
        """The streams that a device is fed: what it may read, and all of a chart to a compliance officer in it."""
        streams = {self.owner.root.value.control}
        certificate = self.trust.certificate(reader)
        officer = certificate is not None and certificate.value.role is Role.COMPLIANCE_OFFICER
        for chart, history in self.charts().items():
            membership = history.now
            assert membership is not None
            if reader in membership.members:
                streams.add(control_stream(chart))
                streams.update(
                    content_stream(chart, document, compartment)
                    for document in membership.documents
                    for compartment in (Compartment if officer else membership.members[reader])
                )
        return streams

    def author(self, entry: VerifiedEntry) -> CertificateHash:
        """Who wrote an entry."""
        session = self.store.session(entry.header.session)
        assert session is not None
        return self.trust.principal(session.value.certificate)

    def admit(self, entry: VerifiedEntry, author: CertificateHash) -> ExplainedError | None:
        """Why an entry is not taken."""
        stream = entry.header.stream
        refused = self.refuse(entry)
        if refused is not None or stream == self.owner.root.value.control:
            return refused
        for chart, history in self.charts().items():
            membership = history.now
            assert membership is not None
            if stream == control_stream(chart):
                breaks_in = isinstance(read_control(entry, author, self.store).record, BreakGlass)
                return None if breaks_in or history.has_known(author) else _refused("not_member")
            for document in membership.documents:
                for compartment in Compartment:
                    if stream == content_stream(chart, document, compartment):
                        epoch = membership.epochs.get(entry.header.epoch or EntryHash(bytes(32)))
                        known = epoch is not None and epoch.record.compartment is compartment
                        return None if known and history.has_known(author) else _refused("unknown_epoch")
        chart_of = founding(read_control(entry, author, self.store)) if entry.header.epoch is None else None
        return None if chart_of and control_stream(chart_of) == stream else _refused("unknown_stream")

    def take(self, step: Take) -> tuple[list[tuple[VerifiedEntry, int]], list[Refusal]]:
        """Verify, judge and store, entry by entry."""
        checked = Intake(self.trust, self.store).check(step.proofs, step.entries)
        with self.store.writing() as writer:
            put_proofs(writer, checked)
        stored: list[tuple[VerifiedEntry, int]] = []
        refused = list(checked.refused)
        for entry in checked.entries:
            error = self.admit(entry, self.author(entry))
            if error is None:
                with self.store.writing() as writer:
                    ((outcome, index),) = writer.append([entry])
                if outcome is not Outcome.GAP:
                    stored.append((entry, index))
                    self._learn(entry)
                    continue
                error = BrokenChainError("gap", expected="the entry before", got="a gap", do="send it first")
            assert isinstance(error, PeerError)
            refused.append(Refusal(entry.hash, error))
        return stored, refused

    def _learn(self, entry: VerifiedEntry) -> None:
        record = unpack_control(entry.body) if entry.header.stream == self.owner.root.value.control else None
        if isinstance(record, Certify):
            certificate = self.trust.admit(Signed(Certificate, record.certificate))
            with self.store.writing() as writer:
                writer.put_certificate(certificate)


class RelayLink:
    """One connection of a device to the relay: a Link.

    Attributes:
        cut_after: frames in both directions until it breaks; None for never.
        tamper: changes what goes down.
        between: called before each wait of the device: what another thread does meanwhile.
    """

    def __init__(self, relay: RelayShell) -> None:
        self.relay = relay
        self.cut_after: int | None = None
        self.tamper: Callable[[bytes], bytes] = lambda frame: frame
        self.between: Callable[[], None] = lambda: None
        self.closed: int = 0
        self.up: list[bytes] = []
        self.down: deque[bytes] = deque()
        self.exchange = RelayExchange(
            record=relay.record,
            signer=relay.owner.relay_key,
            trust=relay.trust,
            addresses=relay.record.value.addresses,
            nonce=relay.owner.entropy(32),
        )
        self.token: bytes | None = None
        self._reader: CertificateHash | None = None
        self._cursor: int | None = None
        self._delivered: set[int] = set()
        self._tip = 0

    def send(self, frame: bytes) -> None:
        """Take a frame from the device, and answer."""
        self._count()
        self.up.append(frame)
        if not self.relay.silent:
            self.down.extend(self.receive_up(frame))

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame; None when there is none."""
        del timeout_s
        self.between()
        if not self.down and not self.relay.silent:
            self.down.extend(self.pump())
        if not self.down:
            return None
        self._count()
        return self.tamper(self.down.popleft())

    def close(self) -> None:
        """Hang up."""
        self.closed += 1

    def receive_up(self, frame: bytes) -> list[bytes]:
        """The relay's answer to one frame."""
        return self._carry_out(self.exchange.receive(frame, now_ms=self.relay.owner.clock()))

    def pump(self) -> list[bytes]:
        """What came in meanwhile, for a device that is fed already."""
        return (
            self._carry_out(self._feed()) if self._cursor is not None and self._cursor < self.relay.store.size() else []
        )

    def _count(self) -> None:
        self.relay.frames += 1
        if self.cut_after is not None:
            if not self.cut_after:
                raise unreachable("https://relay.example", "cut")
            self.cut_after -= 1

    def _carry_out(self, steps: Iterable[RelayStep]) -> list[bytes]:
        out: list[bytes] = []
        ahead = deque(steps)
        while ahead:
            step = ahead.popleft()
            if isinstance(step, Send):
                out.append(step.frame)
            elif not isinstance(step, Close):
                ahead.extendleft(reversed(self._act(step)))
        return out

    def _act(self, step: RelayStep) -> list[RelayStep]:
        match step:
            case Greet():
                note, paths = self.relay.greet(step)
                return self.exchange.greeted(note=note, paths=paths)
            case Peer():
                self._reader = CertificateHash(step.certificate.hash)
                self.token = self.relay.owner.entropy(32)
                return self.exchange.ready(token=self.token, expires_ms=1 << 47)
            case Locate():
                return self._locate(step)
            case Take():
                return self._take(step)
            case Feed():
                return self._feed()
            case _:
                return self._fill(step)

    def _fill(self, step: RelayStep) -> list[RelayStep]:
        """What a device asks for that lacks something."""
        assert self._reader is not None
        store = self.relay.store
        match step:
            case Hold():
                self._tip = store.size()
                return self.exchange.holding({name: holding(store, name) for name in self.relay.readable(self._reader)})
            case Compare():
                return self._compare(step)
            case FeedAgain():
                readable = self.relay.readable(self._reader)
                for stream, session, first in step.chains:
                    if stream in readable:
                        self._delivered -= {a.index for a in walk_chain(store, stream, session, first=first)}
        return []

    def _locate(self, step: Locate) -> list[RelayStep]:
        relay = self.relay
        size = relay.store.size()
        valid = all(at <= size and relay.root(at) == root for at, root in step.states)
        seals = []
        for name in step.sessions:
            last = relay.store.last_seal(name)
            seals.append((name, 0 if last is None else last.value.number + 1))
        lost: list[tuple[StreamId, SessionId, int]] = []
        if valid:
            self._begin(step.size)
            lost = self._skip(step)
        else:
            self._cursor = None
        return self.exchange.located(note=None if valid else relay.note(size), seals=seals, lost=lost)

    def _skip(self, step: Locate) -> list[tuple[StreamId, SessionId, int]]:
        """Skip what the device holds beyond its cursor; what of that is not known here."""
        store = self.relay.store
        lost: list[tuple[StreamId, SessionId, int]] = []
        for stream, frontier in step.beyond.items():
            for session, (seq, head) in frontier.items():
                if store.entry(head) is None:
                    lost.append((stream, session, 0))
                elif session not in store.forked(stream):
                    chain = walk_chain(store, stream, session)
                    self._delivered |= {a.index for a in chain if a.entry.header.seq <= seq}
        return lost

    def _begin(self, cursor: int) -> None:
        """Everything below the cursor was delivered in the streams that were readable then."""
        early = self.relay
        if cursor < early.store.size():
            early = RelayShell(self.relay.owner)
            early.store._held = copy.copy(self.relay.store._held)
            early.store._held.log = self.relay.store._held.log[:cursor]
        assert self._reader is not None
        then = early.readable(self._reader) if cursor else set()
        self._cursor = cursor
        self._delivered = {
            a.index for a in self.relay.store.arrivals(after=0, limit=cursor) if a.entry.header.stream in then
        }

    def _compare(self, step: Compare) -> list[RelayStep]:
        store = self.relay.store
        assert self._reader is not None

        def knows(name: EntryHash) -> bool:
            return store.entry(name) is not None

        wanted = [
            (stream, session, first)
            for stream, theirs in step.frontiers.items()
            for session, first in unknown(theirs, knows=knows).items()
        ]
        owed: set[int] = set()
        for stream in step.differing:
            theirs = step.frontiers.get(stream, {})
            missing = lacking(theirs, store.frontier(stream), knows=knows, forked=store.forked(stream))
            for session, first in missing.items():
                owed.update(a.index for a in walk_chain(store, stream, session, first=first))
        self._cursor = 0
        self._delivered = set(range(self._tip)) - owed
        return self.exchange.compared(wanted)

    def _take(self, step: Take) -> list[RelayStep]:
        stored, refused = self.relay.take(step)
        size = self.relay.store.size()
        self._delivered.update(index for _, index in stored)
        hashes = [merkle.leaf_hash(a.entry.hash) for a in self.relay.store.arrivals(after=0, limit=size)]
        leaves = [
            Leaf(entry=entry.hash, index=index, path=merkle.inclusion_path(hashes, index)) for entry, index in stored
        ]
        note, growth = self.relay.note(size), self.relay.growth(self.exchange.base, size)
        steps = self.exchange.ingested(note=note, leaves=leaves, refused=refused, consistency=growth)
        if leaves:
            self.exchange.sent(note)
        return steps

    def _feed(self) -> list[RelayStep]:
        if self._cursor is None or self._reader is None:
            return []
        store = self.relay.store
        streams = self.relay.readable(self._reader)
        owed = [a for a in store.arrivals(after=0, limit=1 << 30, streams=streams) if a.index not in self._delivered]
        owed.sort(key=lambda arrived: (arrived.entry.header.epoch is not None, arrived.index))
        page, more = owed[: self.relay.page], len(owed) > self.relay.page
        self._delivered.update(arrived.index for arrived in page)
        if not more:
            self._cursor = store.size()
        note = None if more else self.relay.note(store.size())
        growth = None if note is None else self.relay.growth(self.exchange.base, store.size())
        backed = None
        if note is not None and self.relay.backed is not None:
            of = self.relay.growth(store.size(), self.relay.backed.value.size)
            backed = Backed(statement=self.relay.backed.wire, consistency=of)
        steps = self.exchange.page(
            self._proofs(page), _wires(page), note=note, more=more, consistency=growth, backed=backed
        )
        if note is not None and steps:
            self.exchange.sent(note)
        return steps

    def _proofs(self, page: Iterable[Arrived]) -> Proofs:
        store, trust = self.relay.store, self.relay.trust
        sessions = {arrived.entry.header.session for arrived in page}
        records = [record for name in sorted(sessions) if (record := store.session(name)) is not None]
        certificates = [c.wire for record in records for c in trust.chain(record.value.certificate)]
        seals = [seal.wire for name in sorted(sessions) for seal in walk_seals(store, name)]
        return Proofs(
            certificates=tuple(dict.fromkeys(certificates)),
            sessions=tuple(record.wire for record in records),
            seals=tuple(seals),
        )


class RelayRequests:
    """The same relay behind HTTP requests: stands in for an HttpClient."""

    def __init__(self, relay: RelayShell, address: str) -> None:
        self.relay = relay
        self.address = address
        self.posts: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.empty = False
        self._seats: dict[str, RelayLink] = {}

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request."""
        assert method == "POST"
        self.posts.append((path, body or b""))
        sent = dict(headers or {})
        self.headers.append(sent)
        if path == "/v1/sync/hello":
            self._seats["hello"] = self.relay.link()
            return 200, {"Fieldward-Exchange": "hello"}, self._answer("hello", body)
        if path == "/v1/sync/auth":
            link = self._seats[sent["Fieldward-Exchange"]]
            answer = self._answer("hello", body)
            if link.token is not None:
                self._seats[f"Bearer {link.token.hex()}"] = link
            return 200, {}, answer
        seat = sent.get("Authorization", "")
        if seat not in self._seats:
            raise RemoteError("token", expected="a token", got="another", do="shake hands again")
        return 200, {"Fieldward-Response": str(len(self.posts))}, b"" if self.empty else self._answer(seat, body)

    def close(self) -> None:
        """Hang up."""

    def _answer(self, seat: str, body: bytes | None) -> bytes:
        reader = FrameReader()
        link = self._seats[seat]
        return b"".join(answer for frame in reader.feed(body or b"") for answer in link.receive_up(frame))


def _wires(page: Iterable[Arrived]) -> list[WireEntry]:
    return [arrived.entry.wire for arrived in page]


def _refused(code: str) -> UntrustedError | BrokenChainError:
    kind = UntrustedError if code == "not_member" else BrokenChainError
    return kind(code, expected="something else first", got="this", do="send what comes before")
