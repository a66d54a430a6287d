"""A chart that is kept up with its facts: equal to the one derived anew, for a fraction of the work."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.clinical import document, medications, vitals
from edge_runtime.clinical.chart import derive_chart
from edge_runtime.clinical.deriving import Derivation
from edge_runtime.facts import CausalGraph
from sync_protocol.ids import EntryHash
from sync_protocol.verdicts import Reason, Standing, Verdict
from tests.unit.edge_runtime.clinical.histories import STEPS, play
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, Entry, Writer, fact, two

at_least_200 = settings(max_examples=max(200, settings().max_examples))
KEPT_BACK = Verdict(Standing.QUARANTINED, Reason.ROLE)
ADOPTED = Verdict(Standing.ACCEPTED, Reason.ADOPTED)


def arrivals(world, rng):
    """The entries of a world in groups, each after what it follows; in one of the orders that this leaves."""
    waiting, groups = list(world.entries.values()), []
    there: set[EntryHash] = set()
    while waiting:
        ready = [entry for entry in waiting if entry.parents <= there]
        group = []
        for entry in rng.sample(ready, rng.randint(1, len(ready))):
            waiting.remove(entry)
            there.add(entry.hash)
            group.append(entry)
        groups.append(group)
    return groups


def place(graph, entry):
    """Put an entry into a graph."""
    graph.add(entry.hash, entry.session, entry.seq, entry.parents)


def kept_up(world, rng, change=lambda item: item, *, graph_first=True, graphs=1):
    """Hand a world's entries to a derivation, group by group; it must equal the chart derived anew after each."""
    known, streams = [], [CausalGraph() for _ in range(graphs)]
    derivation = Derivation(CHART, (), streams)
    for group in arrivals(world, rng):
        came = [change(item) for entry in group for item in entry.facts]
        rng.shuffle(came)
        known += came
        if not graph_first:
            derivation.add(came, streams)
            assert derivation.state == derive_chart(CHART, known, streams)
        for entry in group:
            place(streams[rng.randrange(graphs)], entry)
        derivation.add(came + rng.sample(known, len(known) // 3), streams)
        assert derivation.state == derive_chart(CHART, known, streams)
        assert len(derivation) == len(known)
    return derivation, known, streams


@at_least_200
@given(STEPS, st.integers(0, 2**16))
def test_whatever_comes_in_whatever_groups_is_as_derived_anew(steps, seed):
    """Every kind, every causal order, every grouping, facts that came before, two documents: equal after each group."""
    kept_up(play(steps, documents=(CHART, ENCOUNTER)), random.Random(seed))


@at_least_200
@given(STEPS, st.integers(0, 2**16), st.integers(1, 3))
def test_what_is_placed_after_its_facts_came_is_as_derived_anew(steps, seed, graphs):
    """Facts of entries that no graph holds yet count as unseen; once one does, all is judged by what was seen."""
    kept_up(play(steps, documents=(CHART, ENCOUNTER)), random.Random(seed), graph_first=False, graphs=graphs)


@at_least_200
@given(STEPS, st.integers(0, 2**16))
def test_verdicts_that_change_are_as_derived_anew(steps, seed):
    """What is quarantined stays beside the rest, whatever comes after it; once it is adopted, it counts."""
    rng = random.Random(seed)
    world = play(steps, documents=(CHART, ENCOUNTER))
    doubtful = {item.id for item in world.facts() if rng.random() < 0.3}

    def judged(item):
        return replace(item, verdict=KEPT_BACK) if item.id in doubtful else item

    derivation, known, streams = kept_up(world, rng, judged)
    adopted = [replace(item, verdict=ADOPTED) for item in known if item.id in doubtful][:3]
    derivation.add(adopted, streams)
    assert derivation.state == derive_chart(CHART, [*known, *adopted], streams)


@at_least_200
@given(STEPS, st.integers(0, 2**16), st.booleans())
def test_clocks_that_contradict_the_order_are_as_derived_anew(steps, seed, graph_first):
    """Clocks that jump by minutes either way: the same reviews, one a session, whatever came first."""
    rng = random.Random(seed)
    world = play(steps, documents=(CHART, ENCOUNTER))
    skews = {name: rng.randint(-90, 90) * 60_000 for name in world.entries}

    def skewed(item):
        return replace(item, wall_ms=item.wall_ms + skews[item.id.entry])

    kept_up(world, rng, skewed, graph_first=graph_first)


@at_least_200
@given(STEPS, st.integers(0, 2**16))
def test_what_was_held_is_placed_later(steps, seed):
    """What came before what it follows stands in a graph of its own; placed, it is another fact in another graph."""
    rng = random.Random(seed)
    world = play(steps)
    entries = list(world.entries.values())
    if not entries:
        return
    early = rng.choice(entries)
    graph, copy = CausalGraph(), CausalGraph()
    first = [entry for entry in entries if early.hash != entry.hash and early.hash not in entry.parents]
    for entry in first:
        place(graph, entry)
        place(copy, entry)
    place(copy, early)
    known = [item for entry in first for item in entry.facts]
    held = [replace(item, held=True) for item in early.facts]
    derivation = Derivation(CHART, known, [graph])
    derivation.add(held, [copy])
    assert derivation.state == derive_chart(CHART, [*known, *held], [copy])
    rest = [entry for entry in entries if early.hash in entry.parents]
    for entry in (early, *rest):
        place(graph, entry)
    came = [item for entry in (early, *rest) for item in entry.facts]
    derivation.add(came, [graph])
    assert derivation.state == derive_chart(CHART, [*known, *came], [graph])


def test_a_fork_makes_what_it_wrote_concurrent():
    """Once a session told two histories, what it wrote counts as unseen: what was no conflict becomes one."""
    world, one, other = two()
    first = one.write(fact("medication", text="Warfarin", action="start", dose="5", unit="mg"))
    other.read(one)
    second = other.write(fact("medication", text="warfarin", action="change", dose="7", unit="mg"))
    graph, known = world.graph(), [first, second]
    derivation = Derivation(CHART, known, [graph])
    assert not derivation.state.medications[0].disputed
    twin = Writer(world, one.author).write(fact("place", location="Tent 2"))
    entry = world.entries[twin.id.entry]
    assert isinstance(entry, Entry)
    place(graph, entry)
    derivation.add([twin], [graph])
    assert derivation.state == derive_chart(CHART, [*known, twin], [graph])
    assert derivation.state.medications[0].disputed


def test_a_denial_that_comes_after_what_replaces_it_ties_nothing_together():
    """Two allergies that replace one denial are two, whether the denial came first or last."""
    _, one, _ = two()
    denial = one.write(fact("allergy", text="NKA"))
    latex = one.write(fact("allergy", denial, text="Latex"))
    nuts = one.write(fact("allergy", denial, text="Nuts"))
    derivation = Derivation(CHART, [latex, nuts])
    assert len(derivation.state.allergies.items) == 1
    derivation.add([denial], [])
    assert [item.names for item in derivation.state.allergies.items] == [("Latex",), ("Nuts",)]
    assert derivation.state == derive_chart(CHART, [denial, latex, nuts], [])


@pytest.mark.parametrize(("skewed", "reviews"), [(False, 0), (True, 1)])
def test_clocks_are_compared_as_facts_come(skewed, reviews):
    """A clock that reads much less than one that it follows is a review as soon as its fact is there."""
    world, one, other = two()
    items = [one.write(fact("place", location="Tent"))]
    other.read(one)
    items.append(other.write(fact("place", items[0], location="Ward")))
    if skewed:
        object.__setattr__(items[1], "wall_ms", items[0].wall_ms - 3_600_000)
    graph = world.graph()
    for first, then in (
        items,
        items[::-1],
    ):  # the second came first: whoever reads it does not know yet what it follows
        derivation = Derivation(CHART, [first], [graph])
        derivation.add([then], [graph])
        assert len(derivation.state.reviews) == reviews
        assert derivation.state == derive_chart(CHART, items, [graph])


def counted(monkeypatch, module, name):
    """Count the calls of a function of a module."""
    calls, function = [], getattr(module, name)

    def counting(*args):
        calls.append(args)
        return function(*args)

    monkeypatch.setattr(module, name, counting)
    return calls


def test_one_more_fact_costs_its_own_thread(monkeypatch):
    """However many facts there are, one more is judged alone, and only what it is about is worked out again."""
    world, one, _ = two()
    known = [one.write(fact("observation", code="8867-4", text="HR", value="70", unit="/min")) for _ in range(200)]
    known += [one.write(fact("medication", text=f"Drug {n}", action="start", dose="5")) for n in range(100)]
    graph = world.graph()
    derivation = Derivation(CHART, known, [graph])
    assert derivation.state == derive_chart(CHART, known, [graph])
    judged = counted(monkeypatch, document, "flaw")
    asked = counted(monkeypatch, vitals, "needs_confirmation")
    regimens = counted(monkeypatch, medications, "raise_review")
    folded = counted(monkeypatch, medications, "fold")
    for number, item in enumerate(
        (
            fact("observation", code="8867-4", text="HR", value="300", unit="/min"),
            fact("medication", known[-1], text="Drug 99", action="stop"),
        )
    ):
        came = one.write(item)
        place(graph, world.entries[came.id.entry])
        derivation.add([came], [graph])
        known.append(came)
        state = derivation.state
        assert len(judged) == number + 1
        assert len(asked) == 1
        assert [len(args[0]) for args in folded] == [2, 2][: 2 * number]  # in the document, and across documents
    assert not regimens
    assert state == derive_chart(CHART, known, [graph])
    assert state.documents[0].observations[-1].question


def test_nothing_new_changes_nothing():
    """Facts that are known already leave the very same state."""
    world, one, _ = two()
    known = [one.write(fact("identity", name="Ana"))]
    derivation = Derivation(CHART, known, graphs := [world.graph()])
    state = derivation.state
    derivation.add(known, graphs)
    assert derivation.state == state
