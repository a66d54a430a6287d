"""The order of a text: the model agrees with the engine, and answers for any causal past."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from pycrdt import Doc, Text

from edge_runtime.text.changes import ItemId
from edge_runtime.text.draft import client_id
from tests.unit.edge_runtime.text.encoder import edit, gone, typed, update
from tests.unit.edge_runtime.text.histories import DOC, Written, causal, seeds, write_history
from tests.unit.edge_runtime.text.worlds import World

A, B, C = 2, 3, 4


def read(updates: list[bytes]) -> str:
    """What the engine reads."""
    doc: Doc[Text] = Doc()
    text = doc.get("text", type=Text)
    for data in updates:
        doc.apply_update(data)
    return str(text)


def replay(written: Written, indices: list[int], pasts: list[dict[int, int]]) -> World:
    """A world of some entries, in this order."""
    world = World()
    for index in indices:
        entry = written.entries[index]
        world.take(client_id(entry.session, DOC), entry.update, pasts[index])
    return world


def pasts_of(written: Written) -> list[dict[int, int]]:
    """The state vector of each entry's past."""
    ends: list[tuple[int, int]] = []
    world, pasts = World(), []
    for index, entry in enumerate(written.entries):
        past: dict[int, int] = {}
        for earlier in written.past(index):
            author, end = ends[earlier]
            past[author] = max(past.get(author, 0), end)
        author = client_id(entry.session, DOC)
        admitted = world.judge(author, entry.update, past)
        world.order.integrate(admitted)
        ends.append((author, admitted.end))
        pasts.append(past)
    return pasts


@given(seeds)
def test_reads_as_the_engine(seed: int) -> None:
    """Whatever honest authors do, in any causal order, all of it is admitted and the model's text is the engine's."""
    rng = random.Random(seed)
    written = write_history(rng, authors=rng.randint(1, 5), entries=rng.randint(1, 25))
    pasts = pasts_of(written)
    delivery = [written.entries.index(entry) for entry in causal(rng, written.entries)]
    world = replay(written, delivery, pasts)
    assert world.order.text() == read([entry.update for entry in written.entries])
    assert world.order.text() == read([written.entries[index].update for index in delivery])


@given(seeds)
@settings(max_examples=60)
def test_the_order_restricted_to_a_past_is_that_pasts_own(seed: int) -> None:
    """What others insert never changes how two units stand; so one order answers for every causal past in it."""
    rng = random.Random(seed)
    written = write_history(rng, authors=4, entries=16)
    pasts = pasts_of(written)
    everything = replay(written, list(range(len(written.entries))), pasts)
    for index, past in enumerate(pasts):
        alone = replay(written, sorted(written.past(index)), pasts)
        assert alone.order.state_vector() == {client: clock for client, clock in past.items() if clock}
        assert everything.ids(past) == alone.ids()
        after, own, others = None, [], []
        for unit in alone.ids():
            own.append(alone.order.successor(after, past))
            others.append(everything.order.successor(after, past))
            after = ItemId(*unit)
        assert own == others == alone.ids()
        assert everything.order.successor(after, past) is None


def test_same_place_is_ordered_by_client() -> None:
    """Of two concurrent insertions between the same neighbours the lower client id stands left, whole."""
    for authors in ((A, B), (B, A)):
        world = World()
        for author in authors:
            world.take(author, edit(author, 0, typed({A: "aa", B: "bb"}[author])), {})
        assert world.order.text() == "aabb"


def test_state_vector_counts_all_units() -> None:
    """Deleted and twice-deleted units count; a session that only deletes has none."""
    world = World((A, edit(A, 0, typed("x😀"), gone(4, (A, 2)))), (B, update([], {A: [(0, 1)]})))
    assert world.order.state_vector() == {A: 7}
    assert world.order.text() == "😀"


def test_runs_tell_what_is_deleted() -> None:
    """Deleted units keep their place."""
    world = World((A, edit(A, 0, typed("abcd"))), (B, update([], {A: [(1, 2)]})))
    assert list(world.order.runs()) == [((A, 0), 1, False), ((A, 1), 2, True), ((A, 3), 1, False)]
    assert list(world.order.runs({})) == []


def test_a_deletion_may_span_runs_and_repeat() -> None:
    """Ranges are of clocks, not of runs; deleting twice is deleting once."""
    world = World(
        (A, edit(A, 0, typed("abcdef"))),
        (B, edit(B, 0, typed("-", (A, 2), (A, 3)))),
        (C, update([], {A: [(1, 4)]})),
        (B, update([], {A: [(0, 6)]})),
    )
    assert world.order.text() == "-"


def test_second_halves() -> None:
    """Only the boundary inside a surrogate pair splits a character; deleting the pair does not change that."""
    world = World((A, edit(A, 0, typed("é😀x"), gone(2, (A, 3)))), (B, update([], {A: [(1, 2)]})))
    assert [world.order.splits_character(ItemId(A, clock)) for clock in range(8)] == [False, False, True, *[False] * 5]
    assert not world.order.splits_character(ItemId(C, 0))


def test_updates_come_in_causal_order() -> None:
    """A gap in a client's clocks is a bug of the caller: admission refuses it before."""
    world = World()
    ahead = world.judge(A, edit(A, 5, typed("x")), {A: 5})
    with pytest.raises(AssertionError, match="causal order"):
        world.order.integrate(ahead)


def test_many_concurrent_insertions_in_one_place() -> None:
    """Two thousand sessions may start one text at once; every delivery reads the same."""
    entries = [(author, edit(author, 0, typed("ab"))) for author in range(2000)]
    texts = set()
    for delivery in (entries, entries[::-1], random.Random(1).sample(entries, len(entries))):
        world = World()
        for author, data in delivery:
            world.take(author, data, {})
        texts.add(tuple(world.ids()))
    assert len(texts) == 1
