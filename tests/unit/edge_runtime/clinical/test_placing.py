"""Who a document is for and where: the last writer is shown, with everything that was stated."""

from __future__ import annotations

import pytest

from edge_runtime.errors import InputError
from tests.unit.edge_runtime.clinical.worlds import as_json, fact, ids, since


@pytest.mark.parametrize(
    ("kind", "first", "left_says", "right_says"),
    [
        ("assignment", {"to": "Night shift"}, {"to": "Dr Lima"}, {"to": "Dr Costa"}),
        ("place", {"location": "Tent 1"}, {"location": "Tent 2"}, {"location": "Tent 3", "department": "Surgery"}),
    ],
)
def test_of_two_that_did_not_know_of_each_other_the_last_is_shown(kind, first, left_says, right_says):
    """By logical time, then id; both stand, what they replaced is history, and no person is asked."""
    world, left, right, placed = since(fact(kind, **first))
    heads = [left.record(fact(kind, **left_says)), right.record(fact(kind, **right_says))]
    state = world.state()
    found = getattr(state, kind)
    assert found.current == max(heads, key=lambda item: (item.lamport, item.id))
    assert (ids(found.heads), ids(found.history), state.reviews) == (ids(heads), {placed.id}, ())
    world.sync()
    left.record(fact(kind, **first))
    assert len(getattr(world.state(), kind).heads) == 1
    assert len(as_json(world.state())[kind]["history"]) == 3


def test_a_place_says_where():
    """A place without location and department is refused."""
    _, left, _, _ = since(fact("place", location="Tent 1"))
    with pytest.raises(InputError, match="a location or a department"):
        left.record(fact("place", reason="moved"))


def test_nothing_stated_is_nobody_and_nowhere():
    """Nothing is made up."""
    world, _, _, _ = since(fact("status", to="active"))
    assert world.state().assignment.current is None
    assert as_json(world.state())["place"]["location"] is None
