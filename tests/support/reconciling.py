"""What it costs to find out what differs, in bytes of frames: the machines in memory, without a network or a store.

What two sides hold is made up, entries are real. Counted are whole frames, by the message that they carry.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sync_protocol import merkle
from sync_protocol.certificates import Trust
from sync_protocol.checkpoints import Checkpoint, sign_checkpoint
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.digests import Holding
from sync_protocol.entries import VerifiedEntry
from sync_protocol.frames import unpack_frame
from sync_protocol.frontier import wanting
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import ID_BYTES
from sync_protocol.log_messages import Growth
from sync_protocol.peer_exchange import PeerExchange
from sync_protocol.peer_handshake import Part
from sync_protocol.peer_steps import Ask, Finish, HandOver, Offer, PeerStep, RoundOver
from sync_protocol.relay_exchange import RelayExchange
from sync_protocol.roles import Role
from sync_protocol.steps import DeviceStep, Locate, RelayStep, Send
from tests.support.meetings import ADDRESS as PEER_ADDRESS
from tests.support.people import ADDRESS, START_MS, Device, DeviceSession, Organisation

CARRIED = frozenset({"Entries", "ProofsFrame", "Pack"})
"""Messages that carry entries, and the seals that are their signatures."""
HANDSHAKE = frozenset({"PeerHello", "PeerAuth"})
"""Messages that say who two devices are: their certificates."""


@dataclass(slots=True)
class Cost:
    """What one exchange or meeting took.

    Attributes:
        frames: bytes by message.
        minimum: bytes of the names of what differed: nobody could say less.
        differing: bytes of the frontiers of what differed.
        turns: how often the direction changed.
    """

    frames: Counter[str] = field(default_factory=Counter)
    minimum: int = 0
    turns: int = 0

    @property
    def differing(self) -> int:
        """The frontiers of what differs."""
        return self.frames["Frontiers"]

    @property
    def handshake(self) -> int:
        """What two devices say of who they are."""
        return sum(self.frames[name] for name in HANDSHAKE)

    @property
    def overhead(self) -> int:
        """Everything but the handshake, entries, their seals, and the frontiers of what differs."""
        return sum(self.frames.values()) - sum(self.frames[name] for name in CARRIED) - self.handshake - self.differing

    def count(self, frame: bytes) -> None:
        """Count a frame."""
        self.frames[type(unpack_frame(frame)).__name__] += len(frame)


def recent_changes(*, before: int, changes: int, sessions: int, seed: int = 7) -> Cost:
    """A device asks over an open connection for what is new in a stream of many entries by many sessions.

    Args:
        before: entries that it holds.
        changes: new ones.
        sessions: of how many authors' sessions.
        seed: of what is made up.
    """
    organisation, cost = Organisation.make(seed), Cost(minimum=changes * len(Hash.of(b"")))
    stream, nurse = organisation.stream(), organisation.device(Role.NURSE)
    writers = [DeviceSession(nurse) for _ in range(sessions)]
    seals: list[bytes] = []
    entries: list[VerifiedEntry] = []
    for number in range(changes):
        seal, written = writers[number % sessions].write(stream, organisation.bodies(1))
        seals.append(seal.wire)
        entries += written
    leaves = [merkle.leaf_hash(number.to_bytes(32, "big")) for number in range(before)]
    leaves += [merkle.leaf_hash(entry.hash) for entry in entries]
    old, new = (_checkpoint(organisation, leaves[:size]) for size in (before, len(leaves)))
    device, relay = _device(organisation, nurse, old), _relay(organisation)
    relay.resume()
    for frame in _frames(device.resume(organisation.relay)):
        cost.count(frame)
        (locate,) = relay.receive(frame, now_ms=START_MS)
        assert isinstance(locate, Locate)
    growth = Growth(base=before, path=merkle.consistency_path(leaves, before))
    note = sign_checkpoint(new, organisation.note_key)
    wires = [entry.wire for entry in entries]
    answer = [
        *relay.located(note=None, seals=()),
        *relay.page(Proofs(seals=tuple(seals)), wires, note=note, more=False, consistency=growth),
    ]
    for frame in _frames(answer):
        cost.count(frame)
        assert not _frames(device.receive(frame)), "one round trip: the device has nothing to ask"
    cost.turns = 2
    return cost


def two_devices(*, streams: int, differing: int, seed: int = 7) -> Cost:
    """Two devices meet that hold the same of nearly every stream; of the others one has an entry more.

    Args:
        streams: that both hold.
        differing: of how many one holds more.
        seed: of what is made up.
    """
    organisation, chance = Organisation.make(seed), random.Random(seed)
    nurse = organisation.device(Role.NURSE)
    writer = DeviceSession(nurse)
    shared = {_id(chance): Holding({_session(chance): (chance.randint(0, 99), _name(chance))}) for _ in range(streams)}
    ahead: dict[StreamId, VerifiedEntry] = {}
    mine, theirs = dict(shared), dict(shared)
    for number, stream in enumerate(chance.sample(sorted(shared), differing)):
        _, (entry,) = writer.write(stream, organisation.bodies(1))
        ahead[stream] = entry
        side = mine if number % 2 else theirs
        side[stream] = Holding({**shared[stream].frontier, writer.id: (entry.header.seq, entry.hash)})
    sides = {
        Part.DIALLED: _Side(nurse, Part.DIALLED, mine, ahead=ahead, writer=writer),
        Part.ANSWERED: _Side(organisation.device(Role.NURSE), Part.ANSWERED, theirs, ahead=ahead, writer=writer),
    }
    cost = Cost(minimum=differing * (ID_BYTES + len(Hash.of(b""))))
    way = deque((Part.DIALLED, frame) for frame in sides[Part.DIALLED].act(sides[Part.DIALLED].exchange.start()))
    speaker: Part | None = None
    while way:
        part, frame = way.popleft()
        cost.count(frame)
        cost.turns += part is not speaker
        speaker = part
        way.extend((part.other, one) for one in sides[part.other].hear(frame))
    assert sides[Part.DIALLED].took + sides[Part.ANSWERED].took == differing
    return cost


class _Side:
    """One device, as far as its machine asks for it."""

    def __init__(
        self,
        device: Device,
        part: Part,
        holdings: Mapping[StreamId, Holding],
        *,
        ahead: Mapping[StreamId, VerifiedEntry],
        writer: DeviceSession,
    ) -> None:
        self.took = 0
        organisation = device.organisation
        self._holdings, self._ahead, self._writer = holdings, ahead, writer
        self.exchange = PeerExchange(
            part,
            root=organisation.root,
            certificates=device.chain,
            signer=device.signer,
            trust=Trust(organisation.root),
            address=PEER_ADDRESS,
            nonce=organisation.entropy(32),
        )

    def hear(self, frame: bytes) -> list[bytes]:
        """Take a frame; what is answered."""
        return self.act(self.exchange.receive(frame, now_ms=START_MS))

    def act(self, steps: Iterable[PeerStep]) -> list[bytes]:
        """Do what is asked; the frames."""
        ahead, out = deque(steps), []
        while ahead:
            step = ahead.popleft()
            if isinstance(step, Send):
                self.took += len(getattr(unpack_frame(step.frame), "entries", ()))
                out.append(step.frame)
            else:
                ahead.extendleft(reversed(self._answer(step)))
        return out

    def _answer(self, step: PeerStep) -> list[PeerStep]:
        match step:
            case Offer():
                return self.exchange.offer((), self._holdings)
            case Ask(theirs):
                known = {head for held in self._holdings.values() for _, head in held.frontier.values()}
                wants = [
                    (stream, session, first)
                    for stream, frontier in theirs.items()
                    for session, first in wanting(
                        frontier, self._holdings[stream].frontier, knows=known.__contains__
                    ).items()
                ]
                return self.exchange.ask(wants, dict.fromkeys((session for _, session, _ in wants), 0).items())
            case HandOver(wanted):
                entries = [self._ahead[stream].wire for stream, _ in wanted]
                return self.exchange.hand(self._writer.proofs, entries)
            case Finish():
                return self.exchange.finish(again=False)
            case RoundOver():
                return self.exchange.end()
        return []


def _frames(steps: Iterable[DeviceStep | RelayStep]) -> list[bytes]:
    return [step.frame for step in steps if isinstance(step, Send)]


def _device(organisation: Organisation, device: Device, cursor: Checkpoint) -> DeviceExchange:
    return DeviceExchange(
        root=organisation.root,
        certificates=device.chain,
        signer=device.signer,
        address=ADDRESS,
        nonce=bytes(32),
        cursor=cursor,
        sessions=(),
        newest=cursor,
    )


def _relay(organisation: Organisation) -> RelayExchange:
    return RelayExchange(
        record=organisation.relay,
        signer=organisation.relay_key,
        trust=Trust(organisation.root),
        addresses=[ADDRESS],
        nonce=bytes(32),
    )


def _checkpoint(organisation: Organisation, leaves: list[Hash]) -> Checkpoint:
    return Checkpoint(origin=organisation.relay.value.origin, size=len(leaves), root=merkle.root(leaves))


def _id(chance: random.Random) -> StreamId:
    return StreamId(chance.randbytes(ID_BYTES))


def _session(chance: random.Random) -> SessionId:
    return SessionId(chance.randbytes(ID_BYTES))


def _name(chance: random.Random) -> EntryHash:
    return EntryHash(chance.randbytes(32))
