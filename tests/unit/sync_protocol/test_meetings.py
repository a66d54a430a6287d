"""Devices that meet without the relay: whatever order and wherever it is cut, nothing is lost and all converge."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol.comparison_messages import Frontiers
from sync_protocol.frames import unpack_frame
from sync_protocol.limits import MEETING_ROUNDS_MAX
from sync_protocol.messages import Entries
from sync_protocol.peer_messages import Done, PeerAuth, PeerHello, PeerNotes
from sync_protocol.roles import Role
from tests.support.meetings import PeerConnection, PeerWire, held, meet
from tests.support.people import Organisation
from tests.support.shells import SyncingDevice

ORGANISATION = Organisation.make(41)
DEVICES = [ORGANISATION.device(Role.NURSE) for _ in range(4)]
STREAMS = [ORGANISATION.stream() for _ in range(2)]

_WHO = st.integers(0, len(DEVICES) - 1)
_STEPS = st.one_of(
    st.tuples(st.just("write"), _WHO, st.integers(0, len(STREAMS) - 1)),
    st.tuples(st.just("meet"), _WHO, _WHO),
    st.tuples(st.just("cut"), st.tuples(_WHO, _WHO), st.integers(0, 25)),
    st.tuples(st.just("branch"), _WHO, st.integers(0, len(STREAMS) - 1)),
)


def homes() -> list[SyncingDevice]:
    """Fresh stores for the same devices, a new session each."""
    return [SyncingDevice(device) for device in DEVICES]


def well(wire: PeerWire) -> tuple[PeerConnection, PeerConnection]:
    """Both sides of a meeting that came to its end on both."""
    for side in (wire.first, wire.second):
        assert side.closed is not None
        assert side.closed.error is None, side.closed.error
        assert side.unsound == 0
    return wire.first, wire.second


def test_a_meeting_exchanges_what_each_lacks():
    """Both hold the same afterwards, and both know whom they met; a second meeting moves nothing."""
    one, two, *_ = homes()
    one.write(STREAMS[0], 3)
    two.write(STREAMS[0], 2)
    two.write(STREAMS[1])
    wire = meet(one, two)
    first, second = well(wire)
    assert (first.took, second.took) == (3, 3)
    assert one.entries() == two.entries()
    assert first.met is not None
    assert second.met is not None
    assert (first.met.certificate.hash, second.met.certificate.hash) == (two.device.name, one.device.name)
    again = meet(two, one)
    assert [side.took for side in well(again)] == [0, 0]
    assert not any(isinstance(unpack_frame(frame), Entries) for frame in again.frames)


def test_a_meeting_that_goes_on_sends_only_what_is_new():
    """Chains are asked for from where they end here, not from their beginning."""
    one, two, *_ = homes()
    one.write(STREAMS[0], 20)
    well(meet(one, two))
    one.write(STREAMS[0], 2)
    wire = meet(two, one)
    well(wire)
    frames = [unpack_frame(frame) for frame in wire.frames]
    assert sum(len(frame.entries) for frame in frames if isinstance(frame, Entries)) == 2


def test_only_one_round_where_one_suffices():
    """HELLO, AUTH, one round of four turns, and the end."""
    one, two, *_ = homes()
    one.write(STREAMS[0])
    names = [type(unpack_frame(frame)) for frame in meet(one, two).frames]
    assert names[:4] == [PeerHello, PeerHello, PeerAuth, PeerAuth]
    assert names.count(Frontiers) == names.count(PeerNotes) == 2
    assert names.count(Done) == 4


def test_both_branches_of_a_fork_reach_everybody():
    """A chain that forks is handed over whole; one that does not continue what is here is asked for whole."""
    one, two, three, _ = homes()
    one.write(STREAMS[0], 2)
    well(meet(one, two))
    twin = one.session.branch()
    one.write(STREAMS[0], 3)
    other = SyncingDevice(one.device)
    well(meet(two, other))
    other.write(STREAMS[0], 1, session=twin)
    well(meet(other, two))
    well(meet(two, one))
    well(meet(one, three))
    everything = held(one, other)
    assert len(everything) == 6
    assert one.entries() == two.entries() == three.entries() == everything


def test_checkpoints_are_handed_over_once_a_meeting():
    """What each holds of the relay's checkpoints reaches the other, in the first round only."""
    one, two, *_ = homes()
    one.write(STREAMS[0])
    wire = PeerWire(one, two)
    wire.first.notes, wire.second.notes = (b"one", b"two"), (b"three",)
    wire.run()
    first, second = well(wire)
    assert (first.heard, second.heard) == ([b"three"], [b"one", b"two"])


@pytest.mark.parametrize("cut_after", range(12))
def test_a_meeting_that_is_cut_off_loses_nothing(cut_after: int):
    """Whatever came is kept, and the next meeting, dialled from either side, brings the rest."""
    one, two, *_ = homes()
    for home in (one, two):
        home.write(STREAMS[0], 3)
    before = held(one, two)
    meet(one, two, cut_after=cut_after)
    assert held(one, two) == before
    well(meet(two, one))
    assert one.entries() == two.entries() == before


def run(steps: Sequence[tuple[str, object, object]]) -> None:
    """Play a story, then let everybody meet until nothing moves."""
    everybody = homes()
    written = 0
    for what, who, how in steps:
        match what, who, how:
            case "write", int(), int():
                everybody[who].write(STREAMS[how])
                written += 1
            case "branch", int(), int():
                everybody[who].write(STREAMS[how], session=everybody[who].device.session())
                written += 1
            case "meet", int(), int() if who != how:
                well(meet(everybody[who], everybody[how]))
            case "cut", (int(one), int(two)), int() if one != two:
                meet(everybody[one], everybody[two], cut_after=how)
    for _ in range(2):
        for home in everybody[1:]:
            well(meet(everybody[0], home))
    assert len(held(*everybody)) == written
    assert all(home.entries() == held(*everybody) for home in everybody)


@settings(max_examples=60)
@given(st.lists(_STEPS, max_size=25))
def test_random_meetings_converge_and_lose_nothing(steps: list[tuple[str, object, object]]):
    """Any writes, meetings and cuts between four devices: all that was written reaches all of them."""
    run(steps)


def test_rounds_end():
    """However often a side asks for another round, there are at most so many."""
    one, two, *_ = homes()
    one.write(STREAMS[0])
    wire = PeerWire(one, two)
    while wire.step():
        wire.first._again = True
    well(wire)
    assert wire.first.rounds == wire.second.rounds == MEETING_ROUNDS_MAX
