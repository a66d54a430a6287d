"""Status and priority: heads stand, the least final and the most urgent are shown."""

from __future__ import annotations

import pytest

from tests.unit.edge_runtime.clinical.worlds import fact, ids, review_facts, since, two


def status(to, *supersedes):
    """A status event."""
    return fact("status", *supersedes, to=to)


@pytest.mark.parametrize(
    ("left_to", "right_to", "shown"),
    [
        ("completed", "cancelled", "cancelled"),
        ("completed", "paused", "paused"),
        ("completed", "suspended", "paused"),
        ("cancelled", "error", "error"),
        ("error", "paused", "paused"),
        ("paused", "active", "active"),
        ("active", "pending", "pending"),
        ("completed", "active", "active"),
    ],
)
def test_concurrent_statuses_show_the_least_final_and_are_one_review(left_to, right_to, shown):
    """Hazard: status completed beside status cancelled. Not "either, by client id": the least final, and a review."""
    world, left, right, first = since(status("active"))
    heads = [left.write(status(left_to, first)), right.write(status(right_to, first))]
    state = world.state()
    assert state.status.value == shown
    assert state.status.disputed
    assert ids(state.status.heads) == ids(heads)
    (review,) = state.reviews
    assert (review.kind, review.open) == ("status", True)
    assert review_facts(review) == ids(heads)
    assert {value.base for value in review.values} == {(first.id,)}


def test_no_status_reads_as_pending():
    """A document without a status event is pending, undisputed."""
    world, _, _ = two()
    assert (world.state().status.value, world.state().status.disputed) == ("pending", False)


def test_the_same_status_twice_is_no_conflict():
    """Two devices that complete a document agree; there is nothing to decide."""
    world, left, right, first = since(status("active"))
    left.write(status("completed", first))
    right.write(status("completed", first))
    assert world.state().status.value == "completed"
    assert world.state().reviews == ()


def test_suspended_reads_as_paused_and_agrees_with_it():
    """A word of an older system is one of ours, not another status."""
    world, left, right, first = since(status("active"))
    left.write(status("suspended", first))
    right.write(status("paused", first))
    assert world.state().status.value == "paused"
    assert world.state().reviews == ()


def test_a_terminal_status_is_left_only_by_an_event():
    """Completed stays completed whatever else is written; an event that replaces it reopens the document."""
    world, left, _, first = since(status("active"))
    done = left.write(status("completed", first))
    left.write(fact("observation", code="1", text="late result"))
    assert world.state().status.value == "completed"
    left.write(status("active", done))
    assert world.state().status.value == "active"
    assert world.state().reviews == ()


def test_an_event_that_saw_both_heads_settles_them():
    """The next status event supersedes every head that its author saw, and the review is gone."""
    world, left, right, first = since(status("active"))
    left.write(status("completed", first))
    right.write(status("cancelled", first))
    world.sync()
    left.record(status("completed"))
    assert world.state().status.value == "completed"
    assert world.state().reviews == ()


def test_an_unreadable_status_changes_nothing():
    """A status of a newer version is shown as unreadable; what it claims to replace stands."""
    world, left, _, first = since(status("active"))
    odd = left.write(status("archived", first))
    state = world.state()
    assert state.status.value == "active"
    assert [item.fact.id for item in state.unreadable] == [odd.id]


def test_priority_shows_the_highest_of_concurrent_events():
    """Priority never drops silently: of two events the more urgent is shown."""
    world, left, right, first = since(fact("priority", to="urgent"))
    left.write(fact("priority", first, to="routine"))
    right.write(fact("priority", first, to="critical"))
    assert world.state().priority.value == "critical"


def test_priority_is_lowered_only_by_an_event_that_follows():
    """Who saw the higher priority may lower it; who did not cannot."""
    world, left, right, first = since(fact("priority", to="urgent"))
    right.write(fact("priority", first, to="emergency"))
    left.record(fact("priority", to="routine"))
    assert world.state().priority.value == "emergency"
    world.sync()
    left.record(fact("priority", to="routine"))
    assert world.state().priority.value == "routine"


def test_no_priority_is_not_routine():
    """Nothing stated is shown as nothing stated."""
    world, _, _ = two()
    assert world.state().priority.value is None
