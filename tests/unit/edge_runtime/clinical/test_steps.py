"""Steps: one order, how far each is, and endings that contradict each other."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.document import derive
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.errors import InputError
from tests.unit.edge_runtime.clinical.worlds import as_json, fact, ids, review_facts, since, two


def step(name, fraction="V", *supersedes, **rest):
    """A step, or what renames or moves one."""
    return fact("step", *supersedes, name=name, fraction=fraction, **rest)


def event(of, to, *supersedes, **rest):
    """What happened to a step."""
    return fact("step_event", *supersedes, step=str(of.id), to=to, **rest)


@pytest.mark.parametrize(
    ("left_to", "right_to", "shown", "disputed"),
    [
        ("completed", "completed", "completed", False),
        ("completed", "skipped", "completed", True),
        ("completed", "failed", "completed", True),
        ("failed", "skipped", "failed", True),
        ("completed", "in_progress", "completed", False),
        ("skipped", "pending", "skipped", False),
        ("failed", "in_progress", "failed", False),
        ("in_progress", "pending", "in_progress", False),
        ("pending", "pending", "pending", False),
    ],
)
def test_two_people_work_at_one_step(left_to, right_to, shown, disputed):
    """Hazard: both end it. Completed beside skipped or failed shows "completed, disputed", and is one review."""
    world, left, right, first = since(step("Give antibiotic"))
    heads = [left.write(event(first, left_to)), right.write(event(first, right_to))]
    (item,) = world.state().steps.items
    assert (item.status, item.disputed, item.closed) == (
        shown,
        disputed,
        shown in {"completed", "skipped"} and not disputed,
    )
    assert ids(item.events) == ids(heads)
    reviews = [(review.kind, review.subject, review_facts(review)) for review in world.state().reviews]
    assert reviews == [("step", str(first.id), ids(heads))] * disputed


def test_a_step_taken_up_again_beside_a_second_ending_is_disputed():
    """One reopens what was completed, because it came up again; another completes it once more, not knowing."""
    world, left, right, first = since(step("Give antibiotic"))
    done = left.write(event(first, "completed"))
    right.read(left)
    right.write(event(first, "pending", done, reason="vomited"))
    left.write(event(first, "completed", done, note="chart corrected"))
    (item,) = world.state().steps.items
    assert (item.status, item.disputed) == ("completed", True)
    assert "before it is done again" in world.state().reviews[0].reason


def test_an_ended_step_reopens_by_an_event_that_saw_the_ending():
    """Who saw it completed may take it up again; nobody else can."""
    world, left, right, first = since(step("Dressing"))
    left.record(event(first, "completed", quality=80, actual_minutes=12))
    right.record(event(first, "in_progress"))
    assert world.state().steps.items[0].status == "completed"
    world.sync()
    right.record(event(first, "in_progress"))
    (item,) = world.state().steps.items
    assert (item.status, item.disputed, len(item.past)) == ("in_progress", False, 2)
    assert world.state().reviews == ()


def test_a_new_event_replaces_only_those_of_its_own_step():
    """The default of `supersedes` is what happened to this step, never to another; naming another's is refused."""
    world, left, _, first = since(step("Take blood"))
    other = left.write(step("Label tube", "W"))
    one, two_ = left.record(event(first, "in_progress")), left.record(event(other, "in_progress"))
    done = left.record(event(first, "completed"))
    assert done.fact.supersedes == (one.id,)
    assert [item.status for item in world.state().steps.items] == ["completed", "in_progress"]
    with pytest.raises(InputError, match="events of the same step"):
        left.record(event(first, "failed", two_))


def test_an_event_of_a_step_that_is_not_here_is_refused_and_shown():
    """An author must see the step; what arrives before its step is shown apart, and joins it when it arrives."""
    world, left, right = two()
    first = left.write(step("Splint"))
    with pytest.raises(InputError, match="a step of this document"):
        right.record(event(first, "completed"))
    stray = right.write(event(first, "completed"))
    assert ids(right.state().steps.stray) == {stray.id}
    assert ids(world.state().steps.items[0].events) == {stray.id}
    assert world.state().steps.stray == ()


def test_steps_of_one_place_have_one_order():
    """Hazard: two new steps, both "step 3". Here each has a place of its own, the same on every device."""
    world, left, right, _ = since(step("First", "K"))
    new = [left.write(step("Left", "V")), right.write(step("Right", "V"))]
    listed = world.state().steps.items
    assert [item.id for item in listed][1:] == sorted(ids(new))
    assert world.state(seed=7).steps.items == listed


def test_zeros_at_the_end_of_a_fraction_change_nothing():
    """A foreign fraction that ends in zeros is the same place, told apart by id."""
    world, left, _ = two()
    same = [left.write(step("One", "V000")), left.write(step("Two", "V"))]
    last = left.write(step("Three", "V0001"))
    assert [item.id for item in world.state().steps.items] == [*sorted(ids(same)), last.id]


@pytest.mark.parametrize(("right_name", "asks"), [("Take blood twice", True), ("take  BLOOD", False)])
def test_a_step_renamed_and_moved_at_once_is_one_step(right_name, asks):
    """Of concurrent renames and moves the last is shown, all names beside it; names that differ are one review."""
    world, left, right, first = since(step("Blood"))
    heads = [left.write(step("Take blood", "C", first)), right.write(step(right_name, "X", first))]
    last = max(heads, key=lambda item: (item.lamport, item.id))
    (item,) = world.state().steps.items
    assert (item.id, item.name, item.fraction) == (first.id, last.fact.payload["name"], last.fact.payload["fraction"])
    assert (item.renamed, len(item.names)) == (asks, 1 + asks)
    assert [review.kind for review in world.state().reviews] == [ReviewKind.STEP_NAME] * asks


def test_events_stay_with_a_step_whatever_it_is_called():
    """An event names the first fact of a step, or a later one; the step is the same."""
    world, left, _, first = since(step("Blood"))
    left.write(event(first, "in_progress"))
    renamed = left.write(step("Take blood", "V", first))
    left.record(event(renamed, "completed"))
    (item,) = world.state().steps.items
    assert (item.name, item.status, len(item.events), len(item.past)) == ("Take blood", "completed", 1, 1)


def test_what_a_step_asks_for_and_what_it_took():
    """Required while any that stands says so; minutes and quality by the last event that says so."""
    world, left, right, first = since(step("Blood", type="task", key="blood", required=True, estimated_minutes=15))
    left.write(step("Take blood", "V", first))
    right.write(step("Take blood", "V", first, required=True, estimated_minutes=20))
    left.write(event(first, "in_progress"))
    left.record(event(first, "completed", actual_minutes=25, quality=90, note="asleep", reason="asleep"))
    (item,) = world.state().steps.items
    assert (item.required, item.actual_minutes, item.quality, item.notes) == (True, 25, 90, ("asleep",))
    assert as_json(world.state())["steps"]["items"][0]["actual_minutes"] == 25


def test_percentage_counts_what_is_closed():
    """Completed and skipped are closed; failed, disputed and open ones are not; without steps there is none."""
    world, left, right = two()
    assert world.state().steps.percentage is None
    steps = [left.write(step(f"Step {n}", str(n + 1))) for n in range(6)]
    world.sync()
    for item, to in zip(steps, ["completed", "skipped", "failed", "in_progress", "completed"], strict=False):
        left.write(event(item, to))
    right.write(event(steps[4], "failed"))
    assert world.state().steps.percentage == 33
    (review,) = world.state().reviews
    named = sorted(str(value.fact) for value in review.values)
    left.write(fact("review_decision", conflict=str(review.id), heads=named, decision="completed", reason="seen"))
    assert world.state().steps.percentage == 50


def test_a_step_whose_beginning_has_not_arrived_is_shown_by_what_has():
    """What replaces an unknown first fact is the step; events that name the first are its own."""
    world, left, right = two()
    first = left.write(step("Blood"))
    right.read(left)
    later = right.write(step("Take blood", "V", first))
    done = right.write(event(first, "completed"))
    known = [later, done]
    (item,) = derive(later.document, known, [world.graph()]).steps.items
    assert (item.id, item.name, item.status) == (first.id, "Take blood", "completed")
