"""Throw mutated frames at everything that reads them: `python -m tests.unit.sync_protocol.fuzz_frames SEED COUNT`.

The frames are those of real exchanges. Each is mutated and goes through the reader, the decoder, both machines in every
state that a frame can meet, and the intake. Anything but a PeerError ends the run; its last line tells what it used.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.errors import PeerError
from sync_protocol.frames import FrameReader, unpack_frame
from sync_protocol.intake import Intake
from sync_protocol.memory_store import MemoryStore
from sync_protocol.relay_exchange import RelayExchange
from sync_protocol.roles import Role
from sync_protocol.steps import EMPTY_CURSOR, Compare, Locate, Peer, SupplyFrontiers, Take
from tests.support.people import ADDRESS, Organisation
from tests.support.shells import Relay, SyncingDevice, Wire

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
        frame[4:5] = bytes([self._random.randrange(1, 18)])


class Targets:
    """Everything that reads frames, renewed when it has ended."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._nurse = organisation.device(Role.NURSE)
        self._trust = organisation.trust()
        self._intake = Intake(self._trust, MemoryStore())
        self._devices = [self._device(0), self._device(1)]
        self._relays = [self._relay(0), self._relay(1)]
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

    def throw(self, frame: bytes) -> None:
        """One frame at each of them."""
        for kind in (0, 1):
            if self._follow(self._devices[kind].receive(frame), self._devices[kind]):
                self._devices[kind] = self._device(kind)
            if self._follow(self._relays[kind].receive(frame, now_ms=0), self._relays[kind]):
                self._relays[kind] = self._relay(kind)

    def _follow(self, steps: Iterable[object], machine: DeviceExchange | RelayExchange) -> bool:
        """Do what a shell would; tell whether the machine has ended."""
        ahead = deque(steps)
        while ahead:
            step = ahead.popleft()
            answer: Iterable[object] = ()
            if isinstance(step, Take):
                self.taken += 1
                self._intake.check(step.proofs, step.entries)
            elif isinstance(step, SupplyFrontiers) and isinstance(machine, DeviceExchange):
                answer = machine.frontiers({})
            elif isinstance(machine, RelayExchange):
                if isinstance(step, Peer):
                    answer = machine.ready(token=None, expires_ms=None)
                elif isinstance(step, Locate):
                    answer = machine.located(note=None, seals=())
                elif isinstance(step, Compare):
                    answer = machine.compared([])
            ahead.extend(answer)
        return machine._state.name == "CLOSED"


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
