"""Clocks that contradict the order of entries: shown to a person, never used to order anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_runtime.clinical.chart import derive_chart
from edge_runtime.clinical.clock import CLOCK_SKEW_MS, display
from edge_runtime.facts import CausalGraph
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, World, fact

NOON = 1_700_000_000_000
MINUTE = 60_000
FINDING = fact("observation", code="1", text="a")


def reviews(world, minutes, graphs=None, order=1):
    """The clock reviews of a chart whose facts were written at these minutes past noon, in order of writing."""
    facts = [replace(item, wall_ms=NOON + minute * MINUTE) for item, minute in zip(world.facts(), minutes, strict=True)]
    chart = derive_chart(CHART, facts[::order], [world.graph()] if graphs is None else graphs)
    return [review for review in chart.reviews if review.kind == "clock_skew"]


def met(*who):
    """A world in which authors wrote one after the other, each knowing everything before."""
    world = World()
    writers = [world.writer() for _ in range(max(who) + 1)]
    for number in who:
        writers[number].read(writers[who[0]])
        for writer in writers:
            writers[number].read(writer)
        writers[number].write(FINDING)
    return world, writers


@pytest.mark.parametrize(
    ("who", "minutes", "sessions"),
    [
        ((0, 1), (0, 0), 0),
        ((0, 1), (0, -10), 0),
        ((0, 1), (0, -11), 1),
        ((0, 1), (0, 600), 0),
        ((0, 0), (0, -11), 1),
        ((0, 1, 1, 1), (0, -60, -70, -50), 1),
        ((0, 1, 2), (0, -60, -70), 2),
        ((0, 1, 2), (600, 0, 1), 2),
        ((0, 1, 2), (0, -10, -11), 1),
        ((0, 1, 0), (0, 700, 20), 1),
    ],
    ids=str,
)
def test_a_clock_before_what_was_seen_is_one_review_a_session(who, minutes, sessions):
    """More than ten minutes before anything that the entry follows; its own earlier entries count as well."""
    world, _ = met(*who)
    found = reviews(world, minutes)
    assert len(found) == len({review.subject for review in found}) == sessions
    assert reviews(world, minutes, order=-1) == found


def test_the_review_shows_the_widest_gap():
    """The fact whose clock is furthest behind, and what it follows, with both clocks."""
    world, writers = met(0, 1, 1)
    (review,) = reviews(world, (0, -20, -90))
    assert review.subject == f"across documents: {writers[1].author.session}"
    assert [value.fact for value in review.values] == [world.facts()[0].id, world.facts()[2].id]
    assert "stamped 90 minutes earlier" in review.reason
    assert review.values[0].display == "its clock read 2023-11-14 22:13 UTC"


def test_who_did_not_see_each_other_may_have_any_clock():
    """Two phones that never met: what one says of the time cannot contradict the other."""
    world = World()
    for _ in range(2):
        world.writer().write(FINDING)
    assert reviews(world, (0, -600)) == []


def test_without_a_graph_nothing_is_said_of_clocks():
    """What cannot be placed follows nothing; a session that tells two histories shows nothing either."""
    world, writers = met(0, 1)
    assert reviews(world, (0, -600), [CausalGraph()]) == []
    graph = world.graph()
    graph.add(type(world.facts()[0].id.entry)(b"\7" * 32), writers[1].author.session, 0, [])
    assert reviews(world, (0, -600), [graph]) == []


def test_a_session_is_one_review_however_many_documents_it_wrote_in():
    """Documents are different streams; the clock is one."""
    world = World()
    writer = world.writer()
    for document in (CHART, ENCOUNTER, CHART, ENCOUNTER):
        writer.write(FINDING, document=document)
    assert len(reviews(world, (0, 0, -30, -40))) == 1


def test_a_clock_that_no_calendar_has_is_shown_in_words():
    """Nothing fails on a clock of the year a hundred thousand."""
    world, _ = met(0)
    (item,) = world.facts()
    assert display(replace(item, wall_ms=2**62)) == "its clock read a time that no calendar has"
    assert CLOCK_SKEW_MS == 10 * MINUTE
