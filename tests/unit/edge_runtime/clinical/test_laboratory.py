"""Specimens on their way, and results released or not."""

from __future__ import annotations

import pytest

from edge_runtime.errors import InputError
from tests.unit.edge_runtime.clinical.worlds import fact, ids, review_facts, since, two

RESULT = fact("observation", code="2951-2", text="Sodium", value="140", unit="mmol/L")


def specimen(to, *supersedes, label="A1"):
    """What happened to a specimen."""
    return fact("specimen", *supersedes, specimen=label, to=to)


def validation(of, to, *supersedes):
    """What was said of a result."""
    return fact("validation", *supersedes, observation=str(of.id), to=to)


@pytest.mark.parametrize(
    ("left_to", "right_to", "shown", "asks"),
    [
        ("received", "rejected", "rejected", True),
        ("in_transit", "rejected", "rejected", True),
        ("received", "in_transit", "received", False),
        ("ordered", "in_transit", "in_transit", False),
        ("collected", "in_transit", "in_transit", False),
        ("rejected", "rejected", "rejected", False),
    ],
)
def test_two_people_track_a_specimen_without_knowledge_of_each_other(left_to, right_to, shown, asks):
    """Furthest along its way; a rejection first of all, since no result will come; beside another, one review."""
    world, left, right, first = since(specimen("ordered"))
    heads = [left.write(specimen(left_to, first)), right.write(specimen(right_to, first, label="a1 "))]
    (item,) = world.state().specimens
    assert (item.status, item.disputed, ids(item.heads)) == (shown, asks, ids(heads))
    assert [(review.kind, review_facts(review)) for review in world.state().reviews] == [
        ("specimen", ids(heads))
    ] * asks


def test_a_rejection_in_knowledge_of_what_it_leaves_standing_asks_nobody():
    """Its author saw the other event, and let it stand: shown as rejected, with both."""
    world, left, _, _ = since(specimen("received"))
    left.write(specimen("rejected"))
    (item,) = world.state().specimens
    assert (item.status, item.disputed, len(item.heads), world.state().reviews) == ("rejected", False, 2, ())


def test_a_specimen_that_is_drawn_again_is_tracked_on():
    """Who saw the rejection may say that another was collected; each label is a specimen of its own."""
    world, left, right, _ = since(specimen("received"))
    left.record(specimen("rejected"))
    left.write(specimen("ordered", label="B2"))
    world.sync()
    right.record(specimen("collected"))
    assert [(item.label, item.status) for item in world.state().specimens] == [("A1", "collected"), ("B2", "ordered")]
    assert world.state().reviews == ()


@pytest.mark.parametrize(
    ("left_to", "right_to", "shown"),
    [
        ("validated", "validated", "validated"),
        ("validated", "rejected", None),
        ("rejected", "rejected", "rejected"),
    ],
)
def test_two_people_judge_a_result_without_knowledge_of_each_other(left_to, right_to, shown):
    """Validated beside rejected is shown as not validated, and is one review."""
    world, left, right, first = since(RESULT)
    heads = [left.write(validation(first, left_to)), right.write(validation(first, right_to))]
    (item,) = world.state().validations
    assert (item.observation, item.value, item.disputed) == (first.id, shown, shown is None)
    reviews = [(review.kind, review_facts(review)) for review in world.state().reviews]
    assert reviews == [("validation", ids(heads))] * (shown is None)


def test_who_saw_a_validation_may_take_it_back():
    """A later statement about the same result replaces the earlier."""
    world, left, _, first = since(RESULT)
    left.record(validation(first, "validated"))
    left.record(validation(first, "rejected"))
    (item,) = world.state().validations
    assert (item.value, len(item.history), world.state().reviews) == ("rejected", 1, ())


def test_a_correction_must_be_validated_itself():
    """What was released is the value that was seen, not the one that replaces it."""
    world, left, _, first = since(RESULT)
    left.record(validation(first, "validated"))
    left.record(fact("observation", code="2951-2", text="Sodium", value="104", unit="mmol/L", corrects=str(first.id)))
    assert [item.observation for item in world.state().validations] == [first.id]


def test_only_a_result_that_is_here_can_be_validated():
    """The author must see the result; what arrives before it is shown."""
    world, left, right = two()
    first = left.write(RESULT)
    with pytest.raises(InputError, match="an observation of this document"):
        right.record(validation(first, "validated"))
    right.write(validation(first, "validated"))
    assert [item.value for item in right.state().validations] == ["validated"]
    assert [item.value for item in world.state().validations] == ["validated"]
