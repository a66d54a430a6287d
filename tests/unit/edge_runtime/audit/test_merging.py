"""One order for everybody: causality first, clocks only between what nothing orders."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.audit.circles import circles
from edge_runtime.audit.merging import Dropped, Link, Merged, Node, merge
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.limits import LAMPORT_MAX, WALL_MS_MAX

STREAMS = [StreamId(bytes([200 + number]) * 16) for number in range(3)]
SESSIONS = [SessionId(bytes([number]) * 16) for number in range(4)]


def name(number: int) -> EntryHash:
    """A hash that says nothing of when its entry was written."""
    return EntryHash(EntryHash.of(number.to_bytes(4, "big")))


def node(number: int, *, session: int = 0, stream: int = 0, seq: int = 0, seal: int = 0, **more: Any) -> Node:
    """An entry of a session."""
    made = Node(
        hash=name(number),
        stream=STREAMS[stream],
        session=SESSIONS[session],
        seq=seq,
        seal=seal,
        index=0,
        wall_ms=number,
        lamport=seq,
    )
    return replace(made, **more)


@st.composite
def histories(draw: st.DrawFn) -> list[Node]:
    """What honest sessions write whose clocks are worth nothing: each names some of what exists, and never the future.

    A meeting names how far the chains had come, of which some never come here.
    """
    count = draw(st.integers(0, 24))
    written: list[Node] = []
    absent: set[EntryHash] = set()
    places = [0] * len(SESSIONS)
    chains: dict[tuple[int, int], Node] = {}
    for number in range(count):
        session, stream = draw(st.integers(0, 3)), draw(st.integers(0, 2))
        previous = chains.get((stream, session))
        seen = draw(st.lists(st.sampled_from(written), max_size=3)) if written else []
        met = draw(st.lists(st.sampled_from(written), max_size=2)) if written else []
        made = Node(
            hash=name(number),
            stream=STREAMS[stream],
            session=SESSIONS[session],
            seq=0 if previous is None else previous.seq + 1,
            seal=places[session] // 2,
            index=places[session] % 2,
            wall_ms=draw(st.integers(0, 9) | st.sampled_from((0, WALL_MS_MAX))),
            lamport=draw(st.integers(0, 3)),
            names=tuple(one.hash for one in seen) + (() if previous is None else (previous.hash,)),
            heads=tuple((one.stream, (one.session, (one.seq, one.hash))) for one in met),
        )
        places[session] += 1
        chains[stream, session] = made
        written.append(made)
        if draw(st.integers(0, 5)) == 0:
            absent.add(made.hash)
    return [one for one in written if one.hash not in absent]


def check_order(nodes: list[Node], merged: Merged, *, honest: bool = True) -> None:
    """Nothing is lost, nothing comes twice, and what follows comes after unless it is reported as disbelieved.

    The order of an honest session's seals holds between any two of its entries.
    """
    place = {entry: at for at, entry in enumerate(merged.order)}
    assert sorted(place) == sorted(one.hash for one in nodes)
    assert len(merged.order) == len(nodes)
    dropped = {(one.earlier, one.later) for one in merged.dropped}
    for one in nodes:
        for earlier in nodes:
            named = earlier.hash in one.names or any(earlier.hash == head for _, (_, (_, head)) in one.heads)
            before = (earlier.session, earlier.seal, earlier.index) < (one.session, one.seal, one.index)
            if named or (honest and before and earlier.session == one.session):
                assert place[earlier.hash] < place[one.hash] or (earlier.hash, one.hash) in dropped


@given(histories(), st.randoms(use_true_random=False))
def test_arrival(history: list[Node], shuffle: random.Random) -> None:
    """Any order of arrival, and any repetition, gives the same timeline."""
    expected = merge(history)
    arrived = [*history, *history[:3]]
    shuffle.shuffle(arrived)
    assert merge(arrived) == expected


@given(histories())
def test_causality(history: list[Node]) -> None:
    """Whatever the clocks say, everything follows what it saw; of honest sessions nothing is disbelieved."""
    merged = merge(history)
    assert merged.dropped == ()
    check_order(history, merged)


@given(histories(), st.integers(0, 9))
def test_clocks(history: list[Node], wall_ms: int) -> None:
    """A session that lies about its time moves itself only as far as causality lets it."""
    lied = [replace(one, wall_ms=wall_ms) if one.session == SESSIONS[0] else one for one in history]
    check_order(lied, merge(lied))


@given(histories(), st.data())
def test_forgers(history: list[Node], data: st.DataObject) -> None:
    """An author who fakes seals, hashes and heads loses no entry, orders all, and the answer is the same for all."""
    hashes = st.sampled_from([one.hash for one in history] or [name(0)])
    faked = [
        replace(
            one,
            names=one.names + tuple(data.draw(st.lists(hashes, max_size=2))),
            seal=data.draw(st.integers(0, 2)),
            heads=((one.stream, (data.draw(st.sampled_from(SESSIONS)), (data.draw(st.integers(0, 5)), name(9999)))),),
        )
        for one in history
    ]
    merged = merge(faked)
    check_order(faked, merged, honest=False)
    assert merge(faked[::-1]) == merged


def test_ties() -> None:
    """What nothing orders goes by clock, then Lamport time, then hash."""
    later = node(1, wall_ms=8, lamport=0)
    first, second = (node(number, session=number, wall_ms=7, lamport=4) for number in (2, 3))
    least = node(0, session=1, stream=1, wall_ms=7, lamport=3, seal=0)
    expected = [least, *sorted((first, second), key=lambda one: one.hash), later]
    found = merge([later, second, replace(first, session=SESSIONS[2]), least])
    assert found.order == tuple(one.hash for one in expected)


def test_absent_head() -> None:
    """A head that has not come still says that what stands before it in its chain was known; a fork there says nothing.

    The reader's clock is far behind, so only the meeting puts it last.
    """
    chain = [node(seq, session=1, seq=seq, seal=seq, wall_ms=1000 + seq) for seq in range(3)]
    met = node(9, wall_ms=0, heads=((STREAMS[0], (SESSIONS[1], (2, name(77)))),))
    assert merge([*chain, met]).order == (chain[0].hash, chain[1].hash, met.hash, chain[2].hash)
    branch = node(50, session=1, seq=1, seal=1, wall_ms=1500)
    assert merge([*chain, branch, met]).order[0] == met.hash
    nothing = replace(met, heads=((STREAMS[0], (SESSIONS[1], (0, name(77)))),))
    assert merge([*chain, nothing]).order[0] == met.hash


def test_fork_in_seals() -> None:
    """Branches of one place are not ordered against each other, and both stand between what is before and after."""
    before, after = node(0, wall_ms=5), node(1, seq=2, seal=2, wall_ms=0)
    branches = [node(number, seq=1, seal=1, wall_ms=10 - number) for number in (2, 3)]
    assert merge([before, after, *branches]).order == (before.hash, branches[1].hash, branches[0].hash, after.hash)


def test_impossible_seals() -> None:
    """An entry sealed first that names what was written after its session's second seal: the seals lied, not the hash.

    The honest session's own order stays, because it is proved.
    """
    honest = node(1, session=1, names=(name(3),), wall_ms=50)
    first = node(2, seal=0, names=(honest.hash,), wall_ms=10)
    second = node(3, seal=1, stream=1, wall_ms=20)
    merged = merge([first, second, honest])
    assert merged.order == (second.hash, honest.hash, first.hash)
    assert merged.dropped == (Dropped(first.hash, second.hash, Link.SEALED),)


def test_invented_head() -> None:
    """A meeting that names a head which nobody has, of a chain that follows the meeting, is not believed."""
    met = node(0, heads=((STREAMS[0], (SESSIONS[1], (9, name(77)))),))
    follower = node(1, session=1, names=(met.hash,))
    merged = merge([met, follower])
    assert merged.order == (met.hash, follower.hash)
    assert merged.dropped == (Dropped(follower.hash, met.hash, Link.INFERRED),)


def test_itself() -> None:
    """An entry that names itself is placed like any other."""
    alone = node(0, names=(name(0),))
    assert merge([alone]) == Merged((alone.hash,), (Dropped(alone.hash, alone.hash, Link.NAMED),))


def test_circles() -> None:
    """Only sets that reach themselves are circles; links to elsewhere are passed over."""
    following = {1: [2], 2: [3], 3: [1, 4], 4: [5, 99], 6: [6], 7: []}
    assert set(circles([1, 2, 3, 4, 5, 6, 7], following)) == {frozenset({1, 2, 3}), frozenset({6})}


def many(count: int, *, hostile: bool) -> list[Node]:
    """So many entries of 12 sessions; where one is a forger's, its seals run backwards."""
    rng = random.Random(5)
    nodes: list[Node] = []
    for number in range(count):
        session = rng.randrange(12)
        made = Node(
            hash=name(number),
            stream=STREAMS[session % 3],
            session=SessionId(bytes([session]) * 16),
            seq=number,
            seal=number // 50,
            index=number,
            wall_ms=rng.randrange(WALL_MS_MAX),
            lamport=rng.randrange(LAMPORT_MAX),
            names=tuple(one.hash for one in rng.sample(nodes[-200:], min(3, len(nodes)))),
        )
        nodes.append(made)
    if hostile:
        nodes = [replace(one, seal=1000 - one.seal) if one.session == nodes[0].session else one for one in nodes]
    return nodes


def cpu_s(nodes: list[Node]) -> float:
    """What a merge of these costs this process."""
    started = time.process_time()
    merge(nodes)
    return time.process_time() - started


@pytest.mark.campaign
@pytest.mark.parametrize("hostile", [False, True])
def test_size(*, hostile: bool) -> None:
    """The cost of 50,000 entries grows with their number and not with its square, nor in a forger's great circle."""
    nodes = many(50_000, hostile=hostile)
    merged = merge(nodes)
    assert len(merged.order) == len(nodes)
    assert bool(merged.dropped) is hostile
    tenth = min(cpu_s(many(5_000, hostile=hostile)) for _ in range(3))
    assert min(cpu_s(nodes) for _ in range(2)) < 60 * tenth, "ten times as many cost ten times as much, not a hundred"
