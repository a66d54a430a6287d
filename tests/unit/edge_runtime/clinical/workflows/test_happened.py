"""What happened in a document: each thing once, whoever did it, and again only where it was undone in between."""

from __future__ import annotations

from hypothesis import given

from edge_runtime.clinical.workflows.happened import Happening, happened
from tests.unit.edge_runtime.clinical.histories import STEPS, play, random_histories
from tests.unit.edge_runtime.clinical.worlds import fact, two


def told(state):
    """What happened, in a word each."""
    return [one.what.value for one in happened(state)]


def marks(state, what):
    """The marks of one sort of thing."""
    return [one.marks for one in happened(state) if one.what == what]


def begun(left, kind="encounter"):
    """A document with one step."""
    left.write(fact("document", schema=1, workflow_type=kind))
    return left.write(fact("step", fraction="V", name="Dressing"))


def event(of, to):
    """What happened to a step."""
    return fact("step_event", step=str(of.id), to=to)


def test_a_workflow_begins_is_worked_through_and_ends():
    """In the order in which people work; with counts, ids and the codes of type and priority, and no word of it."""
    world, left, right = two()
    first = begun(left)
    assert told(world.state()) == []
    left.record(fact("priority", to="urgent"))
    left.record(event(first, "in_progress"))
    assert told(world.state()) == ["started"]
    world.sync()
    right.record(event(first, "completed"))
    assert told(world.state()) == ["started", "step_completed"]
    right.record(fact("status", to="completed"))
    start, step, end = happened(world.state())
    assert (start.user, step.user, end.user) == (left.author.user, right.author.user, right.author.user)
    assert (step.step, start.step) == (first.id, None)
    assert (end.workflow_type, end.priority, end.steps, end.steps_closed) == ("encounter", "urgent", 1, 1)
    assert "Dressing" not in str(happened(world.state()))


def test_a_chart_document_and_one_without_a_type_are_no_workflow():
    """Nothing of them is told."""
    for kind in ("chart", None):
        world, left, _ = two()
        if kind:
            left.write(fact("document", schema=1, workflow_type=kind))
        left.record(fact("status", to="completed"))
        assert told(world.state()) == []


def test_a_step_completed_twice_without_knowledge_of_each_other_is_one_event():
    """Whoever told of one of the two statements has told of both."""
    world, left, right = two()
    first = begun(left)
    world.sync()
    left.record(event(first, "completed"))
    right.record(event(first, "completed"))
    here, there = (marks(one.state(), Happening.STEP_COMPLETED)[0] for one in (left, right))
    (both,) = marks(world.state(), Happening.STEP_COMPLETED)
    assert here | there == both


def test_a_step_taken_up_again_and_completed_anew_is_another_event():
    """Stating once more that it is completed is not."""
    world, left, _ = two()
    first = begun(left)
    left.record(event(first, "completed"))
    (before,) = marks(world.state(), Happening.STEP_COMPLETED)
    left.record(event(first, "completed"))
    (again,) = marks(world.state(), Happening.STEP_COMPLETED)
    assert before < again
    left.record(event(first, "in_progress"))
    assert marks(world.state(), Happening.STEP_COMPLETED) == []
    left.record(event(first, "completed"))
    (anew,) = marks(world.state(), Happening.STEP_COMPLETED)
    assert anew.isdisjoint(again)


def test_what_people_differ_on_did_not_happen():
    """A disputed completion is told once it is decided."""
    world, left, right = two()
    begun(left)
    world.sync()
    left.record(fact("status", to="completed"))
    right.record(fact("status", to="cancelled"))
    assert told(world.state()) == ["started"]


@random_histories
@given(STEPS)
def test_what_happened_is_the_same_in_any_order_of_facts(steps):
    """And no two things that happened share a mark."""
    world = play(steps)
    world.writers[0].write(fact("document", schema=1, workflow_type="encounter"))
    found = happened(world.state())
    assert happened(world.state(seed=11)) == found
    assert sum(len(one.marks) for one in found) == len(frozenset().union(*(one.marks for one in found)))
