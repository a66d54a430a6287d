"""Order, heads, threads and concurrency of facts."""

from __future__ import annotations

from edge_runtime.clinical.subjects import subject_keys
from edge_runtime.clinical.succession import across, fold, heads, in_order, links, parted, successors, threads, within
from edge_runtime.facts import CausalGraph
from sync_protocol.ids import EntryHash
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, World, fact, two


def test_order_is_by_lamport_time_then_id_and_each_fact_once():
    """However facts arrive, and however often, they stand in one order."""
    _, left, right = two()
    first, second = left.write(fact("status", to="active"), fact("status", to="paused"))
    other = right.write(fact("status", to="active"))
    last = right.write(fact("status", to="paused"))
    expected = (*sorted([first, second, other], key=lambda item: item.id), last)
    assert in_order([last, second, first, other, last, first]) == expected


def test_heads_are_what_nothing_supersedes():
    """Superseding moves a fact into the history; it is never dropped."""
    _, left, _ = two()
    old = left.write(fact("status", to="active"))
    new = left.write(fact("status", old, to="paused"))
    assert parted([old, new]) == ((new,), (old,))
    assert successors([old, new]) == {old.id: (new.id,)}


def test_a_fact_supersedes_nothing_of_another_document():
    """A document's facts stand until a fact of the same document replaces them."""
    _, left, _ = two()
    old = left.write(fact("status", to="active"), document=CHART)
    new = left.write(fact("status", old, to="completed"), document=ENCOUNTER)
    assert heads([old, new]) == (old, new)


def test_a_fact_keeps_nothing_of_another_document():
    """What is worked out from superseded facts, such as a kept dose, comes from the same document only."""
    _, left, _ = two()
    old = left.write(fact("status", to="active"), document=CHART)
    same, other = (left.write(fact("status", old, to="paused"), document=place) for place in (CHART, ENCOUNTER))
    depths = fold([old, same, other], lambda _, found, missing: (max(found, default=(0, 0))[0] + 1, missing))
    assert depths == {old.id: (1, 0), same.id: (2, 0), other.id: (1, 1)}


def test_threads_join_what_shares_a_token_through_others():
    """Two records of one substance are one thread once a third ties them together, in any order."""
    _, left, _ = two()
    coded = left.write(fact("allergy", text="Penicillins", code="764146007", system="http://snomed.info/sct"))
    spoken = left.write(fact("allergy", text="penicillin"))
    peanut = left.write(fact("allergy", text="peanut"))
    both = left.write(fact("allergy", text=" PENICILLIN ", code="764146007", system="snomed"))

    def tokens(item):
        return subject_keys(item.fact)

    assert threads([coded, spoken, peanut, both], tokens) == ((coded, spoken, both), (peanut,))
    assert threads([coded, spoken, peanut], tokens) == ((coded,), (spoken,), (peanut,))


def test_two_successors_of_a_fact_that_has_not_arrived_are_one_thread():
    """Facts show once verified, without waiting: what they replace ties them together even when it is missing."""
    _, left, right = two()
    old = left.write(fact("observation", code="1", text="a"))
    right.read(left)
    new = [writer.write(fact("observation", old, code="1", text="a")) for writer in (left, right)]
    assert threads(in_order(new), links) == (in_order(new),)


def test_concurrent_means_that_neither_author_saw_the_other():
    """Seen is ordered; the same entry is ordered; everything else is concurrent."""
    world, left, right = two()
    first, beside = left.write(fact("status", to="active"), fact("status", to="active"))
    other = right.write(fact("status", to="active"))
    right.read(left)
    later = right.write(fact("status", to="paused"))
    concurrent = within(CHART, [world.graph()]).concurrent
    assert concurrent(first, other)
    assert not concurrent(first, later)
    assert not concurrent(later, first)
    assert not concurrent(first, beside)


def test_an_entry_that_no_graph_holds_counts_as_unseen():
    """In doubt a person is asked: a missing place makes facts concurrent, never ordered."""
    _, left, _ = two()
    first, later = left.write(fact("status", to="active")), left.write(fact("status", to="paused"))
    assert within(CHART, [CausalGraph()]).concurrent(first, later)


def test_nothing_precedes_across_a_fork():
    """After a fork a number no longer says which branch was seen, so both branches count as unseen, in any order."""
    world = World()
    writer = world.writer()
    session = writer.author.session
    root, branch, twin, later = (EntryHash(bytes([number]) * 32) for number in range(4))
    additions = [(branch, 1, [root]), (twin, 1, [root]), (later, 2, [branch])]
    for order in ([0, 1, 2], [0, 2, 1], [1, 0, 2]):
        graph = CausalGraph()
        graph.add(root, session, 0, [])
        for index in order:
            entry, seq, parents = additions[index]
            graph.add(entry, session, seq, parents)
        assert graph.precedes(root, later)
        assert not graph.precedes(twin, later)
        assert not graph.precedes(branch, later)


def test_documents_of_a_chart_know_no_order():
    """Different documents are different streams: across a chart everything of another document is concurrent."""
    _, left, _ = two()
    here, there = left.write(fact("status", to="active")), left.write(fact("status", to="active"), document=ENCOUNTER)
    scope = across(CHART)
    assert scope.concurrent(here, there)
    assert not scope.concurrent(here, here)
