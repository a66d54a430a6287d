"""The order in which a stream is read: that of `causal_order`, whatever the arrival, with a bounded part in memory."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime import ordering
from edge_runtime.facts import CausalGraph
from edge_runtime.ordering import StreamOrder
from edge_runtime.streams import causal_order
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash
from sync_protocol.memory_store import MemoryStore
from sync_protocol.roles import Role
from tests.support.people import Organisation

_ORGANISATION = Organisation.make(9)


class _Counting(MemoryStore):
    """A store that says how many entries were read from it."""

    read = 0

    def arrivals(self, **named):
        page = super().arrivals(**named)
        self.read += len(page)
        return page

    def entry(self, name: EntryHash):
        self.read += 1
        return super().entry(name)


def _history(chosen: random.Random, writes: int) -> list[tuple]:
    """What some sessions wrote in one stream, each having seen what it happened to see; now and then a fork."""
    stream = _ORGANISATION.stream()
    device = _ORGANISATION.device(Role.NURSE)
    sessions = [device.session() for _ in range(3)]
    batches: list[tuple] = []
    for _ in range(writes):
        session = chosen.choice(sessions)
        others = [one for _, entries in batches for one in entries if one.header.session != session.id]
        if others and chosen.random() < 0.7:
            reached = chosen.randrange(len(others)) + 1
            session.see(others[:reached])
        batches.append(session.write(stream, _ORGANISATION.bodies(chosen.randrange(1, 4))))
    return batches


def _shuffled(chosen: random.Random, batches: list[tuple], lost: float) -> list[tuple]:
    """An arrival: sessions' batches interleaved anew, each session's in order, the last of some lost."""
    chains: dict[object, list[tuple]] = {}
    for batch in batches:
        chains.setdefault(batch[1][0].header.session, []).append(batch)
    for chain in chains.values():
        if chosen.random() < lost:
            del chain[chosen.randrange(len(chain)) :]
    order = [name for name, chain in chains.items() for _ in chain]
    chosen.shuffle(order)
    return [chains[name].pop(0) for name in order]


def _stored(batches: list[tuple]) -> _Counting:
    store = _Counting()
    with store.writing() as writer:
        for seal, entries in batches:
            writer.put_seal(seal)
            writer.append(entries)
    return store


def _placed(order: StreamOrder) -> list[EntryHash]:
    graph, found = CausalGraph(), []
    for entry in order.placed(graph):
        graph.add(entry.hash, entry.header.session, entry.header.seq, entry.header.parents)
        found.append(entry.hash)
    return found


def _entries(store: MemoryStore) -> list[VerifiedEntry]:
    return [arrived.entry for arrived in store.arrivals(after=0, limit=1 << 20)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), small=st.booleans())
def test_the_order_is_the_causal_one_whatever_arrived_when(seed: int, *, small: bool):
    """Depth, then hash: what `causal_order` says of everything at once; what lacks something is held in both."""
    chosen = random.Random(seed)
    batches = _history(chosen, 12)
    store = _stored(_shuffled(chosen, batches, lost=0.5))
    entries = _entries(store)
    placed, held = causal_order(entries)
    stream = batches[0][1][0].header.stream
    with pytest.MonkeyPatch.context() as patched:
        if small:
            patched.setattr(ordering, "KEPT_ENTRIES_MAX", 3)
            patched.setattr(ordering, "AHEAD_ENTRIES", 2)
            patched.setattr(ordering, "AHEAD_ENTRIES_MAX", 4)
        order = StreamOrder(store, stream, through=store.size())
        assert len(order) == len(placed)
        assert set(order.held) == {entry.hash for entry in held}
        assert _placed(order) == [entry.hash for entry in placed]
        assert {order.read(name).hash for name in order.held} == set(order.held)


def test_what_came_after_an_index_is_left_out():
    """A document is read up to one arrival, whatever comes meanwhile."""
    store = _stored(_history(random.Random(1), 6))
    entries = _entries(store)
    stream = entries[0].header.stream
    order = StreamOrder(store, stream, through=4)
    assert sorted([*_placed(order), *order.held]) == sorted(entry.hash for entry in entries[:4])


def test_an_entry_is_read_at_most_twice_where_arrival_is_nearly_the_order(monkeypatch: pytest.MonkeyPatch):
    """With room for few, a stream that came in order is gone through twice; what waits beyond the room, once more."""
    device = _ORGANISATION.device(Role.NURSE)
    stream, session = _ORGANISATION.stream(), device.session()
    store = _stored([session.write(stream, _ORGANISATION.bodies(60))])
    monkeypatch.setattr(ordering, "KEPT_ENTRIES_MAX", 10)
    monkeypatch.setattr(ordering, "AHEAD_ENTRIES", 8)
    assert len(_placed(StreamOrder(store, stream, through=store.size()))) == 60
    assert store.read <= 2 * 60
    monkeypatch.setattr(ordering, "AHEAD_BYTES_MAX", 0)
    assert len(_placed(StreamOrder(store, stream, through=store.size()))) == 60
