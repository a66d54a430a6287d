"""Throw mutated frames at everything that reads them: `python -m tests.unit.sync_protocol.fuzz_frames SEED COUNT`.

The frames are those of real exchanges and meetings. Each is mutated and goes through the reader, the decoder, the
machines in the states that a frame can meet, and the intake. Anything but a PeerError ends the run; its last line says
what it used.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from sync_protocol.checkpoints import Checkpoint, sign_checkpoint
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.errors import PeerError
from sync_protocol.frames import FrameReader, unpack_frame
from sync_protocol.intake import Intake
from sync_protocol.memory_store import MemoryStore
from sync_protocol.merkle import EMPTY_ROOT
from sync_protocol.peer_exchange import PeerExchange
from sync_protocol.peer_handshake import Part
from sync_protocol.peer_steps import Ask, Finish, Offer, RoundOver
from sync_protocol.relay_exchange import RelayExchange
from sync_protocol.roles import Role
from sync_protocol.steps import EMPTY_CURSOR, Compare, Greet, Hold, Locate, Peer, Send, SupplyHoldings, Take
from tests.support.meetings import meet
from tests.support.people import ADDRESS, Organisation
from tests.support.shells import Relay, SyncingDevice, Wire

_PEERS = 4
INTERESTING = (0, 1, 23, 24, 25, 27, 28, 31, 63, 64, 95, 96, 127, 128, 159, 160, 191, 192, 223, 224, 251, 255)


def corpus(organisation: Organisation) -> list[bytes]:
    """The frames of a first sync, a second one, and one with a relay that was restored."""
    relay, stream = Relay(organisation, page=2), organisation.stream()
    devices = [SyncingDevice(organisation.device(Role.NURSE)) for _ in range(2)]
    backup = relay.snapshot()
    frames: list[bytes] = []
    for turn in range(6):
        if turn == 4:
            relay.restore(backup)
        home = devices[turn % 2]
        home.write(stream, 2)
        wire = Wire(home, relay)
        while not wire.idle:
            frames.extend([*wire.up, *wire.down])
            wire.step(upward=bool(wire.up))
    one, two = (SyncingDevice(organisation.device(Role.NURSE)) for _ in range(2))
    for _ in range(2):
        one.write(stream, 2)
        two.write(stream)
        frames.extend(meet(one, two).frames)
    return list(dict.fromkeys(frames))


class Mutator:
    """Changes frames as an attacker or a bad line would."""

    def __init__(self, seed: int, frames: list[bytes]) -> None:
        self._random = random.Random(seed)
        self._frames = frames

    def next(self) -> bytes:
        """A frame with some changes, its length mostly put right again so that the inside is reached."""
        chance = self._random
        frame = bytearray(chance.choice(self._frames))
        for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
            chance.choice((self._flip, self._cut, self._insert, self._splice, self._retype))(frame)
        if len(frame) > 4 and chance.random() < 0.9:
            frame[:4] = (len(frame) - 4).to_bytes(4, "big")
        return bytes(frame)

    def _at(self, frame: bytearray) -> int:
        return self._random.randrange(max(len(frame), 1))

    def _flip(self, frame: bytearray) -> None:
        at = self._at(frame)
        frame[at : at + 1] = bytes([self._random.choice((*INTERESTING, self._random.randrange(256)))])

    def _cut(self, frame: bytearray) -> None:
        at = self._at(frame)
        del frame[at : at + self._random.choice((1, 2, 8, 40))]

    def _insert(self, frame: bytearray) -> None:
        frame[(at := self._at(frame)) : at] = self._random.randbytes(self._random.choice((1, 2, 9, 40)))

    def _splice(self, frame: bytearray) -> None:
        other = self._random.choice(self._frames)
        start = self._random.randrange(len(other))
        frame[(at := self._at(frame)) : at] = other[start : start + self._random.choice((1, 8, 34, 300))]

    def _retype(self, frame: bytearray) -> None:
        frame[4:5] = bytes([self._random.choice((*range(1, 18), *range(32, 37)))])


class Targets:
    """Everything that reads frames, renewed when it has ended."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._nurse = organisation.device(Role.NURSE)
        self._kit = organisation.device(Role.EMERGENCY_RESPONDER)
        self._trust = organisation.trust()
        self._intake = Intake(self._trust, MemoryStore())
        self._devices = [self._device(0), self._device(1)]
        self._relays = [self._relay(0), self._relay(1)]
        self._peers = [self._peer(kind) for kind in range(_PEERS)]
        self.taken = 0

    def _device(self, kind: int) -> DeviceExchange:
        organisation = self._organisation
        machine = DeviceExchange(
            root=organisation.root,
            certificates=self._nurse.chain,
            signer=self._nurse.signer,
            address=ADDRESS,
            nonce=bytes(32),
            cursor=EMPTY_CURSOR,
            sessions=(),
        )
        if kind:
            machine.resume(organisation.relay)
        return machine

    def _relay(self, kind: int) -> RelayExchange:
        organisation = self._organisation
        machine = RelayExchange(
            record=organisation.relay,
            signer=organisation.relay_key,
            trust=self._trust,
            addresses=[ADDRESS],
            nonce=bytes(32),
        )
        if kind:
            machine.resume()
        return machine

    def _peer(self, kind: int) -> PeerExchange:
        """A machine of one who dialled or answered: a fresh one, or one whose peer proved itself and may speak."""
        part, fresh = Part(kind % 2), kind < len(Part)
        machines = {one: self._unmet(one) for one in Part}
        if fresh:
            return machines[part]
        frames = deque((Part.DIALLED, step) for step in machines[Part.DIALLED].start())
        while frames:
            sender, step = frames.popleft()
            if isinstance(step, Send):
                out = machines[sender.other].receive(step.frame, now_ms=0)
                frames.extend((sender.other, one) for one in out)
        if part is Part.DIALLED:
            machines[part].offer((), {})
        return machines[part]

    def _unmet(self, part: Part) -> PeerExchange:
        home = self._nurse if part is Part.DIALLED else self._kit
        return PeerExchange(
            part,
            root=self._organisation.root,
            certificates=home.chain,
            signer=home.signer,
            trust=self._trust,
            address=ADDRESS,
            nonce=bytes(32),
        )

    def throw(self, frame: bytes) -> None:
        """One frame at each of them."""
        for kind in (0, 1):
            if self._follow(self._devices[kind].receive(frame), self._devices[kind]):
                self._devices[kind] = self._device(kind)
            if self._follow(self._relays[kind].receive(frame, now_ms=0), self._relays[kind]):
                self._relays[kind] = self._relay(kind)
        for kind, peer in enumerate(self._peers):
            if self._follow(peer.receive(frame, now_ms=0), peer):
                self._peers[kind] = self._peer(kind)

    def _follow(self, steps: Iterable[object], machine: DeviceExchange | RelayExchange | PeerExchange) -> bool:
        """Do what a shell would; tell whether the machine has ended."""
        ahead = deque(steps)
        while ahead:
            step = ahead.popleft()
            answer: Iterable[object] = ()
            if isinstance(step, Take):
                self.taken += 1
                self._intake.check(step.proofs, step.entries)
            elif isinstance(step, SupplyHoldings) and isinstance(machine, DeviceExchange):
                answer = machine.compare({})
            elif isinstance(machine, PeerExchange):
                answer = _answer_peer(step, machine)
            elif isinstance(machine, RelayExchange):
                answer = self._answer_relay(step, machine)
            ahead.extend(answer)
        return machine._state.name == "CLOSED"

    def _answer_relay(self, step: object, machine: RelayExchange) -> Iterable[object]:
        """What the shell of a relay with an empty log would answer."""
        match step:
            case Greet():
                return machine.greeted(note=_note(self._organisation), paths=[None] * len(step.shown))
            case Peer():
                return machine.ready(token=None, expires_ms=None)
            case Locate():
                return machine.located(note=None, seals=())
            case Hold():
                return machine.holding({})
            case Compare():
                return machine.compared([])
            case _:
                return ()


def _note(organisation: Organisation) -> bytes:
    """The checkpoint of an empty log."""
    empty = Checkpoint(origin=organisation.relay.value.origin, size=0, root=EMPTY_ROOT)
    return sign_checkpoint(empty, organisation.note_key)


def _answer_peer(step: object, machine: PeerExchange) -> Iterable[object]:
    """What a shell that holds nothing would answer in a meeting."""
    match step:
        case Offer():
            return machine.offer((), {})
        case Ask():
            return machine.ask((), ())
        case Finish():
            return machine.finish(again=False)
        case RoundOver():
            return machine.end() if machine.last_round else machine.offer((), {})
        case _:
            return ()


def read(reader: FrameReader, chunk: bytes, use: Callable[[bytes], object]) -> bool:
    """Cut a chunk into frames and use them; False when the stream has ended in an error."""
    try:
        for frame in reader.feed(chunk):
            try:
                use(frame)
            except PeerError:
                continue
    except PeerError:
        return False
    return True


def _peak_kilobytes() -> int:
    """The most memory that this process held. Not `ru_maxrss`: a forked child starts with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def main(seed: int, count: int) -> None:
    """Throw so many frames."""
    organisation = Organisation.make(seed)
    frames = corpus(organisation)
    mutator, targets, reader = Mutator(seed, frames), Targets(organisation), FrameReader()
    slowest = 0.0
    for number in range(count):
        frame = mutator.next()
        before = time.perf_counter()
        if not read(reader, frame, unpack_frame) or number % 50 == 0:
            reader = FrameReader()
        targets.throw(frame)
        slowest = max(slowest, time.perf_counter() - before)
    used = _peak_kilobytes()
    print(json.dumps({"frames": count, "taken": targets.taken, "kilobytes": used, "slowest_s": slowest}))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
