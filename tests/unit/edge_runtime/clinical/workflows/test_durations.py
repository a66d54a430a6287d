"""How long work took: what people stated, what clocks say, and where clocks can say nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_runtime.clinical.document import derive
from edge_runtime.clinical.workflows.durations import (
    MINUTE_MS,
    Clocks,
    contradiction,
    durations,
    step_contradiction,
)
from tests.unit.edge_runtime.clinical.worlds import CHART, fact, two

START = 1_700_000_000_000


def timed(world, minutes):
    """The document, its facts dated by minutes from the start, in the order in which they were written."""
    facts = [replace(one, wall_ms=START + at * MINUTE_MS) for one, at in zip(world.facts(), minutes, strict=True)]
    return derive(CHART, facts, [world.graph()])


def step(left, **rest):
    """A step."""
    return left.write(fact("step", fraction="V", name="Dressing", **rest))


def test_a_step_from_its_beginning_to_its_end():
    """By the clock of one device in one session; what was stated stands beside it."""
    world, left, _ = two()
    first = step(left, estimated_minutes=10)
    left.record(fact("step_event", step=str(first.id), to="in_progress"))
    left.record(fact("step_event", step=str(first.id), to="completed", actual_minutes=9))
    found = durations(timed(world, [0, 1, 13]))
    (time,) = found.steps
    assert (time.elapsed_ms, time.clocks, time.stated_minutes) == (12 * MINUTE_MS, Clocks.ONE, 9)
    assert (time.estimated_minutes, time.in_time) == (10, True)
    assert (found.estimated_minutes, found.stated_minutes, found.steps_unstated) == (10, 9, 0)
    assert (found.ended, found.elapsed_ms, found.clocks) == (None, None, None)


def test_a_workflow_from_the_first_work_to_its_completion():
    """Two devices' clocks may differ, and that is said; the header's estimate goes before the steps'."""
    world, left, right = two()
    left.write(fact("document", schema=1, workflow_type="encounter", estimated_minutes=30))
    step(left, estimated_minutes=10)
    left.record(fact("status", to="active"))
    world.sync()
    right.record(fact("status", to="completed"))
    found = durations(timed(world, [0, 0, 5, 45]))
    assert (found.elapsed_ms, found.clocks) == (40 * MINUTE_MS, Clocks.SEVERAL)
    assert (found.estimated_minutes, found.stated_minutes) == (30, None)


def test_clocks_that_contradict_the_order_give_no_duration():
    """Ended before it began: said as such, never a negative time."""
    world, left, right = two()
    left.record(fact("status", to="active"))
    world.sync()
    right.record(fact("status", to="completed"))
    found = durations(timed(world, [60, 10]))
    assert (found.elapsed_ms, found.clocks) == (None, Clocks.CONTRADICTORY)


def test_what_goes_on_or_was_never_begun_has_no_duration():
    """Nor has a document that was completed with its first statement, nor one on whose status people differ."""
    world, left, right = two()
    left.record(fact("status", to="completed"))
    found = durations(world.state())
    assert (found.elapsed_ms, found.clocks) == (None, None)
    assert found.started == found.ended
    world.sync()
    left.record(fact("status", to="active"))
    right.record(fact("status", to="completed"))
    assert durations(world.state()).ended is None


def test_an_estimate_is_not_made_of_some_of_the_steps():
    """One step without an estimate: nobody knows how long all of it takes. Steps that were not timed are counted."""
    world, left, _ = two()
    step(left, estimated_minutes=10)
    first = step(left)
    left.record(fact("step_event", step=str(first.id), to="completed"))
    found = durations(world.state())
    assert (found.estimated_minutes, found.stated_minutes, found.steps_unstated) == (None, None, 1)
    assert [time.in_time for time in found.steps] == [None, None]


@pytest.mark.parametrize(
    ("now", "minutes", "words"),
    [(30, 10, None), (30, 31, None), (30, 32, "minutes"), (-1, None, "clock"), (30, None, None)],
)
def test_who_ends_a_step_is_asked_about_times_that_cannot_be(now, minutes, words):
    """More minutes than passed, or an end before the beginning; within a minute nothing is asked."""
    world, left, _ = two()
    first = step(left)
    left.record(fact("step_event", step=str(first.id), to="in_progress"))
    state = timed(world, [0, 0])
    (item,) = state.steps.items
    said = step_contradiction(item, minutes=minutes, now_ms=START + now * MINUTE_MS)
    assert (said is None) if words is None else (said is not None and words in said)


def test_who_completes_before_the_start_is_asked_about_the_clock():
    """Their clock stands before the start that they saw; a step that nobody began asks nothing."""
    world, left, _ = two()
    first = step(left)
    state = timed(world, [0])
    assert step_contradiction(state.steps.items[0], minutes=900, now_ms=0) is None
    assert contradiction(state, now_ms=0) is None
    left.record(fact("status", to="active"))
    state = timed(world, [0, 5])
    assert contradiction(state, now_ms=START + 6 * MINUTE_MS) is None
    said = contradiction(state, now_ms=START)
    assert said is not None
    assert "clock" in said
    assert first.id == state.steps.items[0].id
