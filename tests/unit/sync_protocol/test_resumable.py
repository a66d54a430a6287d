"""Resumable at any byte: connections that break wherever they like end with both sides equal, at a bounded cost."""

from __future__ import annotations

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol.frames import unpack_frame
from sync_protocol.messages import Entries
from sync_protocol.roles import Role
from tests.support.meetings import PeerWire, held
from tests.support.people import Organisation
from tests.support.shells import Relay, SyncingDevice, Wire, sync

CUTS = st.lists(st.integers(200, 40_000), min_size=1, max_size=12)
"""After how many bytes, in both directions together, each connection breaks. Shorter ones do not end a handshake."""


class Line:
    """Bytes that go through until the line is cut: of a frame that is cut, nothing counts."""

    def __init__(self, bytes_max: int) -> None:
        self.left = bytes_max
        self.entries = 0

    def passes(self, frames: deque[bytes], *, counts: bool = True) -> bool:
        """Whether the next frame gets through; entries in it are counted, if they count."""
        self.left -= len(frames[0])
        if self.left < 0:
            return False
        message = unpack_frame(frames[0])
        self.entries += len(frames[0]) if counts and isinstance(message, Entries) else 0
        return True


def exchange(home: SyncingDevice, relay: Relay, bytes_max: int) -> int:
    """One connection to the relay; bytes of entries that it fed."""
    wire, line = Wire(home, relay), Line(bytes_max)
    while True:
        if wire.idle:
            wire.down.extend(wire.relay.pump())
        if wire.idle or not line.passes(wire.up or wire.down, counts=not wire.up):
            return line.entries
        wire.step(upward=bool(wire.up))


def meeting(dialler: SyncingDevice, host: SyncingDevice, bytes_max: int) -> int:
    """One meeting; bytes of entries that got through."""
    wire, line = PeerWire(dialler, host), Line(bytes_max)
    while (wire.up or wire.down) and line.passes(wire.up or wire.down):
        wire.step()
    return line.entries


def weight(home: SyncingDevice) -> int:
    """Bytes of all entries that a device holds, roughly as they travel."""
    wires = (arrived.entry.wire for arrived in home.store.arrivals(after=0, limit=1 << 20))
    return sum(len(wire.header) + len(wire.body) + 34 * len(wire.path) + 64 for wire in wires)


@given(cuts=CUTS, seed=st.integers(0, 50), page=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_an_exchange_that_is_cut_anywhere(cuts: list[int], seed: int, page: int):
    """However often: what was fed is not fed again, but for what was under way, and in the end nothing is missing."""
    organisation = Organisation.make(seed)
    stream = organisation.stream()
    writer, reader = (SyncingDevice(organisation.device(Role.NURSE)) for _ in range(2))
    relay = Relay(organisation, page=page)
    writer.write(stream, 12)
    sync(writer, relay)
    carried = 0
    for number, bytes_max in enumerate(cuts):
        carried += exchange(reader, relay, bytes_max)
        if number % 4 == 3:
            writer.write(stream, 2)
            sync(writer, relay)
    carried += exchange(reader, relay, 1 << 30)
    assert reader.entries() == writer.entries() == {a.entry.hash for a in relay.store.arrivals(after=0, limit=1 << 20)}
    assert not reader.pending()
    assert carried <= weight(reader), "no entry came twice"


@given(cuts=CUTS, seed=st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_a_meeting_that_is_cut_anywhere(cuts: list[int], seed: int):
    """However often, and whoever dials: the next one finds by digests what still differs, and asks for that alone."""
    organisation = Organisation.make(seed)
    one, other = (SyncingDevice(organisation.device(Role.NURSE)) for _ in range(2))
    for number in range(4):
        (one, other)[number % 2].write(organisation.stream(), 5)
    carried = 0
    for number, bytes_max in enumerate(cuts):
        carried += meeting(*((one, other), (other, one))[number % 2], 26_000 + bytes_max)
    carried += meeting(one, other, 1 << 30)
    assert one.entries() == other.entries() == held(one, other)
    assert carried <= weight(one), "no entry came twice"


def test_a_connection_that_brings_one_frame_each_time_comes_to_an_end():
    """No livelock: each that gets as far as one frame of entries stores it, and the next goes on behind it."""
    organisation = Organisation.make(3)
    stream = organisation.stream()
    writer, reader = (SyncingDevice(organisation.device(Role.NURSE)) for _ in range(2))
    relay = Relay(organisation, page=3)
    writer.write(stream, 12)
    sync(writer, relay)
    for _ in range(40):
        wire = Wire(reader, relay)
        seen = False
        while not (wire.idle or seen):
            frames = wire.up or wire.down
            seen = frames is wire.down and isinstance(unpack_frame(frames[0]), Entries)
            wire.step(upward=bool(wire.up))
        if reader.entries() == writer.entries():
            break
    assert reader.entries() == writer.entries()
