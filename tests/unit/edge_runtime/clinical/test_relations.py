"""How facts stand to each other: the same by counting as by looking at every pair."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.clinical import relations
from edge_runtime.clinical.relations import FEW_FACTS, Apart, Beside, Concurrent
from edge_runtime.facts import CausalGraph
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, World, Writer, fact

at_least_200 = settings(max_examples=max(200, settings().max_examples))


def by_pairs(relation, facts, says):
    """What `facing` must find."""
    pairs = list(zip(facts, says, strict=True))
    return [any(said != what and relation(one, other) for other, said in pairs) for one, what in pairs]


def lived(rng, size):
    """A world of so many entries: some of two facts, some of a session that forks."""
    world = World(rng.random())
    writers = [world.writer() for _ in range(3)]
    writers += [Writer(world, writers[0].author)] * rng.randint(0, 1)
    for _ in range(size):
        one, other = rng.choice(writers), rng.choice(writers)
        if rng.random() < 0.4:
            one.read(other)
        one.write(*[fact("place", location="Tent")] * rng.randint(1, 2), document=rng.choice([CHART, ENCOUNTER]))
    return world


@at_least_200
@given(st.integers(0, 2**32), st.integers(1, 3 * FEW_FACTS))
def test_counting_finds_what_pairs_find(seed, size):
    """Forks, entries that no graph holds, several facts of an entry, several graphs: each fact as by its pairs."""
    rng = random.Random(seed)
    world = lived(rng, size)
    first, second = CausalGraph(), CausalGraph()
    missing = rng.choice([0, 0.1])
    for entry in world.entries.values():
        if rng.random() >= missing:
            graph = rng.choice([first, first, second])
            graph.add(entry.hash, entry.session, entry.seq, entry.parents)
    facts = world.facts()
    rng.shuffle(facts)
    for words in (1, 2, len(facts)):
        says = [rng.randrange(words) for _ in facts]
        for relation in (Concurrent([first, second]), Apart(), Beside()):
            if isinstance(relation, Beside) or len(facts) > 1:
                assert relation.facing(facts, says) == by_pairs(relation, facts, says)


def test_a_flood_costs_no_pairs(monkeypatch):
    """Two hundred statements in line, each in knowledge of the others: the graph is asked once or so for each."""
    world = World()
    one, other = world.writer(), world.writer()
    facts = []
    for number in range(200):
        writer, reader = (one, other) if number % 2 else (other, one)
        facts.append(writer.write(fact("place", location=f"Tent {number}")))
        reader.read(writer)
    graph, asked = world.graph(), []
    monkeypatch.setattr(CausalGraph, "precedes", lambda *_: asked.append("pair"))
    found = Concurrent([graph]).facing(facts, range(200))
    assert found == [False] * 200
    assert not asked


def test_more_sessions_than_can_be_compared_count_as_concurrent(monkeypatch):
    """Beyond the limit a person is asked about all: nothing is hidden because it was too much."""
    monkeypatch.setattr(relations, "COMPARED_MAX", 30)
    world = World()
    one = world.writer()
    facts = [one.write(fact("place", location=f"Tent {number}")) for number in range(31)]
    relation = Concurrent([world.graph()])
    assert relation.facing(facts, range(31)) == [True] * 31
    assert relation.facing(facts[:30], range(30)) == [False] * 30
    assert relation.facing(facts, [0] * 31) == [False] * 31
