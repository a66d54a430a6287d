"""Triage: the more urgent living category is shown, death never beats life, and only who saw it may lower it."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.clinical.triage import COLOURS
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, as_json, fact, ids, review_facts, since, two


def triage(to, *supersedes, **rest):
    """A triage event."""
    return fact("triage", *supersedes, to=to, **rest)


@pytest.mark.parametrize(
    ("left_to", "right_to", "shown", "asks"),
    [
        ("immediate", "delayed", "immediate", False),
        ("delayed", "minor", "delayed", False),
        ("minor", "expectant", "minor", False),
        ("red", "immediate", "immediate", False),
        ("yellow", "green", "delayed", False),
        ("minimal", "grey", "minor", False),
        ("deceased", "black", "deceased", False),
        ("deceased", "immediate", "immediate", True),
        ("deceased", "delayed", "immediate", True),
        ("deceased", "minor", "immediate", True),
        ("black", "expectant", "immediate", True),
    ],
)
def test_two_people_triage_somebody_without_knowledge_of_each_other(left_to, right_to, shown, asks):
    """The more urgent living category wins; dead beside alive shows immediate, and is one review with both."""
    world, left, right, first = since(triage("delayed"))
    heads = [left.write(triage(left_to, first)), right.write(triage(right_to, first))]
    state = world.state()
    assert (state.triage.value, state.triage.disputed) == (shown, asks)
    assert ids(state.triage.heads) == ids(heads)
    assert ids(state.triage.history) == {first.id}
    assert [(review.kind, review_facts(review)) for review in state.reviews] == [("triage", ids(heads))] * asks


def test_nothing_stated_is_no_category():
    """Who was not triaged is not green."""
    world, _, _ = two()
    assert world.state().triage.value is None
    assert as_json(world.state())["triage"]["colour"] is None


def test_a_downgrade_follows_what_it_lowers():
    """Who did not see the red tag cannot take it off; who saw it can."""
    world, left, right, first = since(triage("delayed"))
    right.write(triage("immediate", first))
    left.record(triage("minor"))
    assert world.state().triage.value == "immediate"
    world.sync()
    left.record(triage("minor", rule="walks", system="start"))
    assert world.state().triage.value == "minor"
    assert world.state().reviews == ()


def test_whoever_looks_again_settles_whether_somebody_lives():
    """The next event replaces both, and the review is gone; deciding the review alone changes no category."""
    world, left, right, first = since(triage("delayed"))
    heads = [left.write(triage("deceased", first)), right.write(triage("delayed", first))]
    world.sync()
    (review,) = world.state().reviews
    named = [str(head.id) for head in heads]
    left.write(fact("review_decision", conflict=str(review.id), heads=named, decision="alive", reason="pulse felt"))
    state = world.state()
    assert (state.triage.value, state.triage.disputed, state.reviews[0].open) == ("immediate", False, False)
    left.record(triage("deceased", reason="no pulse, no breath, cold"))
    assert (world.state().triage.value, world.state().reviews) == ("deceased", ())


def test_an_unknown_category_lowers_nothing():
    """A word of a newer version is shown as unreadable; what it claims to replace stands."""
    world, left, _, first = since(triage("immediate"))
    left.write(triage("purple", first))
    assert world.state().triage.value == "immediate"
    assert len(world.state().unreadable) == 1


def test_a_chart_shows_the_most_urgent_of_its_documents():
    """Dead in one document and alive in another is one review of the chart, with immediate shown."""
    world, left, _ = two()
    alive = left.write(triage("minor"), document=CHART)
    assert world.chart().triage.value == "minor"
    dead = left.write(triage("deceased"), document=ENCOUNTER)
    chart = world.chart()
    assert (chart.triage.value, chart.triage.disputed) == ("immediate", True)
    (review,) = chart.reviews
    assert (review.kind, review_facts(review)) == (ReviewKind.TRIAGE, {alive.id, dead.id})
    assert as_json(chart)["triage"]["colour"] == "red"


def test_the_review_says_what_a_nurse_reads_on_the_tag():
    """Category, colour and rule, in words."""
    world, left, right, first = since(triage("delayed"))
    left.write(triage("black", first, rule="no breathing after the airway was opened"))
    right.write(triage("delayed", first))
    (review,) = world.state().reviews
    assert {value.display for value in review.values} == {
        "deceased (black), no breathing after the airway was opened",
        "delayed (yellow)",
    }
    assert "immediate (red) is shown" in review.reason


def test_every_category_has_a_colour():
    """The tag is what people see from afar."""
    assert set(COLOURS) == set(Triage)
