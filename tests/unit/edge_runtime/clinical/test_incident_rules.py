"""Links and the register: nobody is lost, nobody is two people unnoticed, nobody is taken for another in silence."""

from __future__ import annotations

import pytest

from edge_runtime.errors import InputError
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, as_json, fact, ids, review_facts, since, two

ONE, OTHER = "aa" * 16, "bb" * 16


def link(relation, *supersedes, **target):
    """A link."""
    return fact("link", *supersedes, relation=relation, **(target or {"chart": ONE}))


def casualty(number, chart, *supersedes):
    """An entry of the register."""
    return fact("casualty", *supersedes, number=number, chart=chart)


@pytest.mark.parametrize(
    ("left_says", "right_says", "stands", "joined", "asks"),
    [
        ("same_patient", "same_patient", "same_patient", True, False),
        ("same_patient", "not_same_patient", None, True, True),
        ("not_same_patient", "not_same_patient", "not_same_patient", False, False),
    ],
)
def test_two_people_say_who_is_who_without_knowledge_of_each_other(left_says, right_says, stands, joined, asks):
    """Said and denied: two patients, the urgency of both, and one review."""
    world, left, right, _ = since(fact("status", to="active"))
    heads = [left.write(link(left_says)), right.write(link(right_says))]
    (item,) = world.state().links
    assert (item.stands, item.joined, item.disputed) == (stands, joined, asks)
    reviews = [(review.kind, review_facts(review)) for review in world.state().reviews]
    assert reviews == [("duplicate_patient", ids(heads))] * asks


def test_a_link_is_undone_by_who_saw_it():
    """A wrong link is taken back, and stays in the history."""
    world, _, right, first = since(link("same_patient"))
    right.record(link("not_same_patient", chart=ONE, reason="other scar"))
    (item,) = world.state().links
    assert (item.stands, item.joined, ids(item.history)) == ("not_same_patient", False, {first.id})
    assert world.state().reviews == ()


def test_each_target_and_each_question_is_a_link_of_its_own():
    """Another chart, a document, or another relation is not contradicted."""
    world, left, _, _ = since(link("same_patient"))
    left.record(link("not_same_patient", chart=OTHER))
    left.record(link("follows", chart=ONE))
    left.record(link("part_of", document="cc" * 16))
    assert [item.stands for item in world.state().links] == ["same_patient", "not_same_patient", "follows", "part_of"]
    assert world.state().reviews == ()


def test_a_link_to_nothing_is_refused():
    """What it links to must be named."""
    _, left, _, _ = since(fact("status", to="active"))
    with pytest.raises(InputError, match="a chart or a document"):
        left.record(fact("link", relation="same_patient"))


def test_documents_of_a_chart_that_disagree_about_a_link_are_one_review():
    """The chart's own list says so once."""
    world, left, _ = two()
    heads = [left.write(link("same_patient"), document=CHART), left.write(link("not_same_patient"), document=ENCOUNTER)]
    chart = world.chart()
    assert [(item.stands, item.disputed) for item in chart.links] == [(None, True)]
    assert [(review.kind, review_facts(review)) for review in chart.reviews] == [("duplicate_patient", ids(heads))]


def test_one_number_for_two_charts_is_one_review():
    """Two phones gave number 17: both casualties are listed, until somebody gives one another number."""
    world, left, right, _ = since(fact("status", to="active"))
    mine, other = left.write(casualty("17", ONE)), right.write(casualty(" 17 ", OTHER))
    register = world.state().register
    assert [(item.number.strip(), set(item.charts), item.disputed) for item in register.items] == [
        ("17", {ONE, OTHER}, True)
    ]
    (review,) = world.state().reviews
    assert (review.kind, review_facts(review)) == ("duplicate_casualty", {mine.id, other.id})
    world.sync()
    right.write(casualty("71", OTHER, other))
    state = world.state()
    assert [(item.number, item.charts) for item in state.register.items] == [("17", (ONE,)), ("71", (OTHER,))]
    assert state.reviews == ()


def test_one_chart_with_two_numbers_is_shown_under_both():
    """A second tag on one person is no conflict: both are shown."""
    world, left, right, _ = since(fact("status", to="active"))
    left.write(casualty("9", ONE))
    right.write(casualty("10", ONE))
    state = world.state()
    assert [item.number for item in state.register.items] == ["9", "10"]
    assert (state.register.numbers_of(ONE), state.reviews) == (("9", "10"), ())


def test_a_chart_whose_number_went_to_another_is_not_lost():
    """A correction that names another chart leaves the first one listed, without a number."""
    world, left, _, first = since(casualty("17", ONE))
    left.write(casualty("17", OTHER, first))
    state = world.state()
    assert (state.register.items[0].charts, state.register.unnumbered) == ((OTHER,), (ONE,))
    assert as_json(state)["register"]["unnumbered"] == [ONE]


def test_a_number_that_was_taken_back_stays_listed():
    """Renumbered: the old number is shown with its history and without a chart."""
    world, left, _, first = since(casualty("17", ONE))
    left.write(casualty("18", ONE, first))
    old, new = world.state().register.items
    assert (old.number, old.charts, ids(old.history), new.charts) == ("17", (), {first.id}, (ONE,))
