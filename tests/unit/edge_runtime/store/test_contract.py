"""A device's store beside the memory store: the same answers to the same questions.

The contract suite states each rule of the Store; here both are fed one world, and asked everything.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from edge_runtime.store.device import DeviceStore
from sync_protocol.ids import SessionId
from sync_protocol.memory_store import MemoryStore
from sync_protocol.store import Store
from tests.unit.edge_runtime.store.world import ALL, World, open_store, records, wires


def feed(store: Store, world: World, order: list[int]) -> list[object]:
    """Append the world's batches in that order, then whole once more; what was said to each entry."""
    said: list[object] = []
    batches = [*world.batches, world.own]
    for at in (*order, *range(len(batches))):
        with store.writing() as writer:
            writer.put_session(world.sessions[0].record)
            writer.put_seal(batches[at][0])
            said.extend(writer.append(batches[at][1]))
    return said


@pytest.mark.parametrize("seed", range(6))
def test_it_answers_as_the_memory_store_does(world: World, path: Path, seed: int) -> None:
    """In any order of arrival, with gaps, duplicates and forks, both stores say the same and hold the same."""
    order = list(range(len(world.batches) + 1))
    random.Random(seed).shuffle(order)
    memory = MemoryStore()
    with open_store(path) as store:
        assert feed(store, world, order) == feed(memory, world, order)
        assert (store.size(), store.streams()) == (memory.size(), memory.streams())
        assert records(store.sessions()) == records(memory.sessions())
        for stream in world.streams:
            assert store.frontier(stream) == memory.frontier(stream)
            assert store.forked(stream) == memory.forked(stream)
        for session in world.sessions:
            compare_session(store, memory, world, session.id)
        for after, limit in itertools.product(range(0, 40, 7), (0, 1, 5, ALL)):
            for streams in (None, [], world.streams[:1], world.streams[1:3], [world.organisation.root.value.control]):
                ours = store.arrivals(after=after, limit=limit, streams=streams)
                assert wires(ours) == wires(memory.arrivals(after=after, limit=limit, streams=streams))


def compare_session(store: Store, memory: Store, world: World, session: SessionId) -> None:
    """Pages of chains and seals, from every number on and of several lengths."""
    for number, limit in itertools.product(range(-1, 7), (0, 1, 2, ALL)):
        assert records(store.seals(session, number)) == records(memory.seals(session, number))
        ours = store.seals_from(session, number, limit=limit)
        assert records(ours) == records(memory.seals_from(session, number, limit=limit))
        for stream in world.streams:
            ours_ = store.chain(stream, session, first=max(number, 0), limit=limit)
            assert wires(ours_) == wires(memory.chain(stream, session, first=max(number, 0), limit=limit))


def test_a_reopened_store_continues(world: World, path: Path) -> None:
    """What was stored is there after closing, and the next opening appends where the last ended."""
    with open_store(path, 1) as store:
        world.fill(store)
        before = {name: ask(store) for name, ask in (world.questions() | world.lookups()).items()}
    with open_store(path, 2, create=False) as store:
        assert {name: ask(store) for name, ask in (world.questions() | world.lookups()).items()} == before
        session = world.organisation.admin.session()
        seal, entries = session.write(world.streams[3], world.organisation.bodies(1))
        with store.writing() as writer:
            writer.put_session(session.record)
            writer.put_seal(seal)
            assert [index for _, index in writer.append(entries)] == [before["size"]]
        assert store.check() == []


def test_streams_and_chains_begin_with_an_entry(world: World, store: DeviceStore) -> None:
    """An entry that comes too early leaves no trace: neither its stream nor its chain is there."""
    _, entries = world.batches[3]
    with store.writing() as writer:
        assert {index for _, index in writer.append(entries)} == {-1, 0}
    assert len(store.streams()) == 1
    assert store.size() == 1
