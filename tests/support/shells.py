"""Shells in memory for both sides of an exchange, and the wire between them: what a simulation drives.

A shell does what a real one does, one step after the other: verify, store, load, sign, remember. Time and entropy come
from the organisation (see `people`). Nothing here is fast; everything here can be cut, restarted and restored.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sync_protocol import merkle
from sync_protocol.accusations import Accusation
from sync_protocol.certificates import Certificate, Trust
from sync_protocol.checkpoints import Checkpoint, sign_checkpoint
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.digests import holding
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.errors import BrokenChainError, ExplainedError
from sync_protocol.frontier import Frontier, lacking, unknown
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.intake import Intake, Proofs, Refusal
from sync_protocol.limits import GOSSIP_NOTES_MAX
from sync_protocol.log_messages import Growth, Leaf
from sync_protocol.memory_store import MemoryStore
from sync_protocol.relay_exchange import RelayExchange
from sync_protocol.signed import Verified
from sync_protocol.steps import (
    EMPTY_CURSOR,
    Accused,
    Advance,
    Alarm,
    CaughtUp,
    Close,
    Compare,
    DeviceStep,
    Doubted,
    Feed,
    FeedAgain,
    Greet,
    Greeted,
    Hold,
    Locate,
    Peer,
    Receipted,
    Rejected,
    RelayStep,
    Send,
    Supply,
    SupplyChains,
    SupplyHoldings,
    Take,
)
from sync_protocol.store import Arrived, Outcome, Store, put_proofs, walk_chain, walk_seals
from tests.support.people import ADDRESS, Device, DeviceSession, Organisation

Readable = Callable[[Verified[Certificate]], frozenset[StreamId] | None]
"""The streams that a device may read; None for all."""


def proofs_of(store: Store, trust: Trust, entries: Iterable[WireEntry | VerifiedEntry]) -> Proofs:
    """Everything that somebody without any record needs to verify these entries of a store."""
    certificates: dict[bytes, None] = {}
    sessions: dict[SessionId, bytes] = {}
    seals: dict[bytes, None] = {}
    for entry in entries:
        assert isinstance(entry, VerifiedEntry)
        name = entry.header.session
        if name in sessions:
            continue
        session = store.session(name)
        assert session is not None
        sessions[name] = session.wire
        certificates |= dict.fromkeys(item.wire for item in trust.chain(session.value.certificate))
        seals |= dict.fromkeys(seal.wire for seal in walk_seals(store, name))
    return Proofs(certificates=tuple(certificates), sessions=tuple(sessions.values()), seals=tuple(seals))


def take_in(store: MemoryStore, trust: Trust, take: Take) -> tuple[list[tuple[VerifiedEntry, int]], list[Refusal]]:
    """Verify and store a batch: what is stored now, with its arrival index, and what was refused."""
    checked = Intake(trust, store).check(take.proofs, take.entries)
    with store.writing() as writer:
        put_proofs(writer, checked)
        outcomes = writer.append(checked.entries)
    stored: list[tuple[VerifiedEntry, int]] = []
    for entry, (outcome, index) in zip(checked.entries, outcomes, strict=True):
        if outcome is Outcome.GAP:
            checked.refused.append(Refusal(entry.hash, gap()))
        else:
            stored.append((entry, index))
    return stored, checked.refused


def gap() -> BrokenChainError:
    """Why a store does not append an entry."""
    return BrokenChainError("gap", expected="the entry before it first", got="a gap", do="send what comes before")


class Relay:
    """A relay: a store whose arrivals are the leaves of a log."""

    def __init__(self, organisation: Organisation, *, page: int = 4, readable: Readable = lambda _: None) -> None:
        self.organisation = organisation
        self.restore(MemoryStore())
        self.page = page
        self.readable = readable
        self.refused: list[Refusal] = []

    def restore(self, store: MemoryStore) -> None:
        """Restart with a store: a backup, or the very one. One trust serves all connections."""
        self.store = store
        self.trust = Trust(self.organisation.root)
        for certificate in store.certificates():
            self.trust.restore(certificate)

    def leaves(self, size: int) -> list[Hash]:
        """The log's first leaf hashes."""
        return [merkle.leaf_hash(arrived.entry.hash) for arrived in self.store.arrivals(after=0, limit=size)]

    def root(self, size: int) -> Hash:
        """The log's root at a size."""
        return merkle.root(self.leaves(size))

    def note(self, size: int) -> bytes:
        """The signed checkpoint of a size."""
        origin = self.organisation.relay.value.origin
        return sign_checkpoint(Checkpoint(origin=origin, size=size, root=self.root(size)), self.organisation.note_key)

    def leaf(self, index: int, size: int, entry: EntryHash) -> Leaf:
        """An entry's inclusion in the log of a size."""
        return Leaf(entry=entry, index=index, path=merkle.inclusion_path(self.leaves(size), index))

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

    def snapshot(self) -> MemoryStore:
        """A backup of the store."""
        return copy.deepcopy(self.store)


class RelayConnection:
    """One connection of a relay to a device."""

    def __init__(self, relay: Relay) -> None:
        organisation = relay.organisation
        self.relay = relay
        self.closed: Close | None = None
        self.fed: list[EntryHash] = []
        self.exchange = RelayExchange(
            record=organisation.relay,
            signer=organisation.relay_key,
            trust=relay.trust,
            addresses=organisation.relay.value.addresses,
            nonce=organisation.entropy(32),
        )
        self._streams: frozenset[StreamId] | None = frozenset()
        self._position: int | None = None
        self._plan: list[Arrived] | None = None
        self._again: list[Arrived] = []
        self._skip: dict[tuple[StreamId, SessionId], int] = {}
        self._tip = 0

    def receive(self, frame: bytes) -> list[bytes]:
        """Take a frame and give the answers."""
        return self._carry_out(self.exchange.receive(frame, now_ms=self.relay.organisation.clock()))

    def pump(self) -> list[bytes]:
        """Push what came in meanwhile, to a device that is fed already."""
        waits = self._position is not None and self._plan is None and self._position < self.relay.store.size()
        return self._carry_out(self._feed()) if waits else []

    def _carry_out(self, steps: Iterable[RelayStep]) -> list[bytes]:
        out: list[bytes] = []
        ahead = deque(steps)
        while ahead:
            step = ahead.popleft()
            match step:
                case Send():
                    out.append(step.frame)
                case Close():
                    self.closed = step
                case _:
                    ahead.extendleft(reversed(self._act(step)))
        return out

    def _act(self, step: RelayStep) -> list[RelayStep]:
        match step:
            case Greet():
                note, paths = self.relay.greet(step)
                return self.exchange.greeted(note=note, paths=paths)
            case Peer():
                self._streams = self.relay.readable(step.certificate)
                return self.exchange.ready(token=None, expires_ms=None)
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
        match step:
            case Hold():
                self._tip = self.relay.store.size()
                return self.exchange.holding({stream: holding(self.relay.store, stream) for stream in self._readable()})
            case Compare():
                return self._compare(step)
            case FeedAgain():
                self._feed_again(step)
        return []

    def _readable(self) -> frozenset[StreamId]:
        return self.relay.store.streams() if self._streams is None else self._streams

    def _feed_again(self, step: FeedAgain) -> None:
        chains = [chain for chain in step.chains if chain[0] in self._readable()]
        for stream, session, first in chains:
            self._again.extend(walk_chain(self.relay.store, stream, session, first=first))

    def _locate(self, step: Locate) -> list[RelayStep]:
        store = self.relay.store
        valid = all(size <= store.size() and self.relay.root(size) == root for size, root in step.states)
        self._position, self._plan = (step.size, None) if valid else (None, None)
        seals = [
            (name, 0 if (last := store.last_seal(name)) is None else last.value.number + 1) for name in step.sessions
        ]
        lost = self._beyond(step.beyond) if valid else []
        return self.exchange.located(note=None if valid else self.relay.note(store.size()), seals=seals, lost=lost)

    def _beyond(self, beyond: Mapping[StreamId, Frontier]) -> list[tuple[StreamId, SessionId, int]]:
        """Skip what the device holds beyond its cursor; what of that is not known here."""
        store = self.relay.store
        lost: list[tuple[StreamId, SessionId, int]] = []
        for stream, frontier in beyond.items():
            for session, (seq, head) in frontier.items():
                known = store.entry(head)
                if known is None or (known.entry.header.stream, known.entry.header.session) != (stream, session):
                    lost.append((stream, session, 0))
                elif session not in store.forked(stream):
                    self._skip[stream, session] = seq
        return lost

    def _compare(self, step: Compare) -> list[RelayStep]:
        store = self.relay.store

        def knows(name: EntryHash) -> bool:
            return store.entry(name) is not None

        wanted = [
            (stream, session, first)
            for stream, theirs in step.frontiers.items()
            for session, first in unknown(theirs, knows=knows).items()
        ]
        plan: list[Arrived] = []
        for stream in step.differing:
            missing = lacking(
                step.frontiers.get(stream, {}), store.frontier(stream), knows=knows, forked=store.forked(stream)
            )
            for session, first in missing.items():
                plan.extend(walk_chain(store, stream, session, first=first))
        self._plan = sorted(plan, key=lambda arrived: arrived.index)
        self._position = self._tip
        return self.exchange.compared(wanted)

    def _take(self, step: Take) -> list[RelayStep]:
        store = self.relay.store
        stored, refused = take_in(store, self.relay.trust, step)
        self.relay.refused.extend(refused)
        size = store.size()
        leaves = [self.relay.leaf(index, size, entry.hash) for entry, index in stored]
        note, growth = self.relay.note(size), self.relay.growth(self.exchange.base, size)
        steps = self.exchange.ingested(note=note, leaves=leaves, refused=refused, consistency=growth)
        if leaves:
            self.exchange.sent(note)
        return steps

    def _feed(self) -> list[RelayStep]:
        store = self.relay.store
        if self._position is None:
            return []
        if self._again:
            arrived, self._again = self._again[: self.relay.page], self._again[self.relay.page :]
            more, note = True, None
        elif self._plan is not None:
            arrived, self._plan = self._plan[: self.relay.page], self._plan[self.relay.page :] or None
            more = self._plan is not None
            note = None if more else self.relay.note(self._position)
        else:
            arrived = store.arrivals(after=self._position, limit=self.relay.page, streams=self._streams)
            more = len(arrived) == self.relay.page
            self._position = arrived[-1].index + 1 if more else store.size()
            note = self.relay.note(self._position)
            arrived = [item for item in arrived if not self._skips(item)]
        entries = [item.entry for item in arrived]
        self.fed.extend(entry.hash for entry in entries)
        proofs = proofs_of(store, self.relay.trust, entries)
        growth = None if note is None else self.relay.growth(self.exchange.base, self._position)
        steps = self.exchange.page(proofs, [entry.wire for entry in entries], note=note, more=more, consistency=growth)
        if note is not None and steps:
            self.exchange.sent(note)
        return steps

    def _skips(self, item: Arrived) -> bool:
        header = item.entry.header
        return header.seq <= self._skip.get((header.stream, header.session), -1)


class SyncingDevice:
    """A device with a store, a cursor and what the relay told it of each entry.

    Attributes:
        held: the newest checkpoint's note.
        shown: notes that the relay has to stand by, beside that.
        accusations: what convicts the relay.
        receipted: entries of which the relay gave a receipt, or that it fed below the cursor.
        fed: entries that it fed and whose page has not ended: it may still lose them, so they wait like one's own.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.store = MemoryStore()
        self.cursor = EMPTY_CURSOR
        self.newest = EMPTY_CURSOR
        self.held: bytes | None = None
        self.shown: list[bytes] = []
        self.accusations: list[Accusation] = []
        self.receipted: set[EntryHash] = set()
        self.fed: set[EntryHash] = set()
        self.rejected: dict[EntryHash | None, ExplainedError] = {}
        self.alarms: list[Alarm] = []
        self.session = device.session()
        self.unsound: list[Refusal] = []

    @property
    def trust(self) -> Trust:
        """What the device believes after a restart: its own chain and what its store kept."""
        trust = Trust(self.device.organisation.root)
        for certificate in (*self.device.chain, *self.store.certificates()):
            trust.restore(certificate)
        return trust

    def write(self, stream: StreamId, count: int = 1, *, session: DeviceSession | None = None) -> None:
        """Write entries that depend on everything that the device holds of the stream."""
        writer = session or self.session
        writer.see(
            arrived.entry
            for name in self.store.frontier(stream)
            if name != writer.id
            for arrived in walk_chain(self.store, stream, name)
        )
        seal, entries = writer.write(stream, self.device.organisation.bodies(count))
        with self.store.writing() as store:
            for certificate in self.device.chain:
                store.put_certificate(certificate)
            store.put_session(writer.record)
            store.put_seal(seal)
            store.append(entries)

    def pending(self) -> list[VerifiedEntry]:
        """What the relay has not receipted."""
        return [a.entry for a in self.store.arrivals(after=0, limit=1 << 30) if a.entry.hash not in self.receipted]

    def entries(self) -> set[EntryHash]:
        """What the device holds."""
        return {arrived.entry.hash for arrived in self.store.arrivals(after=0, limit=1 << 30)}


@dataclass(slots=True)
class DeviceConnection:
    """One connection of a device to the relay."""

    home: SyncingDevice
    address: str = ADDRESS
    closed: Close | None = None
    caught_up: bool = False
    unsound: bool = False
    exchange: DeviceExchange = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the machine from what the device keeps."""
        device = self.home.device
        self.exchange = DeviceExchange(
            root=device.organisation.root,
            certificates=device.chain,
            signer=device.signer,
            address=self.address,
            nonce=device.organisation.entropy(32),
            cursor=self.home.cursor,
            newest=self.home.newest,
            notes=tuple(dict.fromkeys([*([self.home.held] if self.home.held else []), *self.home.shown]))[
                :GOSSIP_NOTES_MAX
            ],
            sessions=self._waiting(),
            beyond=self._beyond(),
        )

    def start(self) -> list[bytes]:
        """Begin."""
        return self._carry_out(self.exchange.start())

    def receive(self, frame: bytes) -> list[bytes]:
        """Take a frame and give the answers."""
        return self._carry_out(self.exchange.receive(frame))

    def announce(self) -> list[bytes]:
        """Say what waits now."""
        return self._carry_out(self.exchange.announce(self._waiting()))

    def _beyond(self) -> dict[StreamId, dict[SessionId, tuple[int, EntryHash]]]:
        """How far the chains reach that the relay fed beyond the cursor; not those that fork, which come again."""
        store = self.home.store
        found: dict[StreamId, dict[SessionId, tuple[int, EntryHash]]] = {}
        for name in self.home.fed:
            arrived = store.entry(name)
            assert arrived is not None
            header = arrived.entry.header
            if header.session not in store.forked(header.stream):
                heads = found.setdefault(header.stream, {})
                heads[header.session] = max(heads.get(header.session, (-1, name)), (header.seq, name))
        return found

    def _waiting(self) -> tuple[SessionId, ...]:
        return tuple(sorted({entry.header.session for entry in self.home.pending()}))

    def _carry_out(self, steps: Iterable[DeviceStep]) -> list[bytes]:
        out: list[bytes] = []
        ahead = deque(steps)
        while ahead:
            step = ahead.popleft()
            if isinstance(step, Send):
                out.append(step.frame)
            else:
                ahead.extendleft(reversed(self._act(step)))
        return out

    def _act(self, step: DeviceStep) -> list[DeviceStep]:
        home = self.home
        match step:
            case Take():
                return self._take(step)
            case Supply():
                return self._push(home.pending())
            case SupplyChains():
                return self._resupply(step)
            case SupplyHoldings():
                return self.exchange.compare({stream: holding(home.store, stream) for stream in home.store.streams()})
            case _:
                self._note(step)
                return []

    def _note(self, step: DeviceStep) -> None:
        home = self.home
        match step:
            case Greeted() | Accused() | Doubted():
                self._judge(step)
            case Advance() if not self.unsound:
                home.cursor, home.newest, home.held = step.checkpoint, step.newest, step.held
                home.receipted |= home.fed
                home.fed.clear()
            case Receipted():
                home.receipted.update(leaf.entry for leaf in step.leaves)
                home.newest, home.held = step.newest, step.held
            case Rejected():
                home.rejected[None if step.entry is None else EntryHash(step.entry)] = step.error
            case Alarm():
                home.alarms.append(step)
            case CaughtUp():
                self.caught_up = True
            case Close():
                self.closed = step

    def _judge(self, step: Greeted | Accused | Doubted) -> None:
        home = self.home
        match step:
            case Greeted():
                home.shown = [note for note in home.shown if note not in step.settled]
                if step.linked:
                    home.newest, home.held = step.checkpoint, step.note
                else:
                    home.shown.append(step.note)
            case Accused():
                home.accusations.append(step.accusation)
            case Doubted():
                home.shown.append(step.note)

    def _take(self, step: Take) -> list[DeviceStep]:
        stored, refused = take_in(self.home.store, self.home.trust, step)
        self.home.fed.update(entry.hash for entry, _ in stored)
        self.home.unsound.extend(refused)
        self.unsound = self.unsound or bool(refused)
        return []

    def _resupply(self, step: SupplyChains) -> list[DeviceStep]:
        entries = [
            arrived.entry
            for stream, session, first in step.chains
            for arrived in walk_chain(self.home.store, stream, session, first=first)
        ]
        for known in (self.home.receipted, self.home.fed):  # fed by a relay that has lost it since
            known.difference_update(entry.hash for entry in entries)
        return self._push(entries)

    def _push(self, entries: Iterable[VerifiedEntry]) -> list[DeviceStep]:
        batch = list(entries)
        return self.exchange.push(proofs_of(self.home.store, self.home.trust, batch), [entry.wire for entry in batch])


class Wire:
    """A connection of a device and a relay, with the frames that are under way in both directions."""

    def __init__(self, home: SyncingDevice, relay: Relay, *, address: str = ADDRESS) -> None:
        self.device = DeviceConnection(home, address)
        self.relay = RelayConnection(relay)
        self.up: deque[bytes] = deque(self.device.start())
        self.down: deque[bytes] = deque()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self.up and not self.down

    def step(self, *, upward: bool) -> None:
        """Deliver one frame, if there is one in that direction."""
        if upward and self.up:
            self.down.extend(self.relay.receive(self.up.popleft()))
        elif not upward and self.down:
            self.up.extend(self.device.receive(self.down.popleft()))

    def run(self, *, frames_max: int = 10_000) -> None:
        """Deliver until nothing is under way."""
        for _ in range(frames_max):
            if self.idle:
                self.down.extend(self.relay.pump())
            if self.idle:
                return
            self.step(upward=bool(self.up))
        raise AssertionError("the two sides do not come to rest")


def sync(home: SyncingDevice, relay: Relay) -> Wire:
    """One whole exchange."""
    wire = Wire(home, relay)
    wire.run()
    return wire
