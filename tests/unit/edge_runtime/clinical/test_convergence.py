"""Properties over random histories: several authors, any delivery, duplicates."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.allergies import refutes
from edge_runtime.clinical.allergy_denials import denies
from edge_runtime.clinical.layout import Priority
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.clinical.schemas import flaw
from tests.unit.edge_runtime.clinical.histories import STEPS, play, random_histories
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, as_json, review_facts

pytestmark = pytest.mark.campaign


def shown(world, **kwargs):
    """The state as text, to compare and to search."""
    return json.dumps(as_json(world.state(**kwargs)))


@random_histories
@given(STEPS, st.integers(0, 2**16))
def test_every_order_of_arrival_gives_the_same_state(steps, seed):
    """Reordered, duplicated and differently placed in the graph: the same state, the same reviews with the same ids."""
    world = play(steps)
    assert shown(world, seed=seed) == shown(world)
    assert world.state(seed=seed) == world.state()


@random_histories
@given(STEPS)
def test_nothing_that_was_stated_disappears(steps):
    """Every fact is somewhere in what is shown: understood or not, current or superseded, readable or not."""
    world = play(steps, documents=(CHART, ENCOUNTER))
    documents = {document: shown(world, document=document) for document in (CHART, ENCOUNTER)}
    chart = json.dumps(as_json(world.chart()))
    for item in world.facts():
        assert f'"id": "{item.id}"' in documents[item.document]
        assert f'"id": "{item.id}"' in chart


@random_histories
@given(STEPS)
def test_an_allergy_is_live_until_a_readable_fact_of_an_allergy_names_it(steps):
    """No allergy disappears: only supersession by another readable allergy fact, never a denial, takes one off."""
    world = play(steps)
    stated = [item for item in world.facts() if item.fact.kind == "allergy" and flaw(item.fact) is None]
    asserting = [item for item in stated if not denies(item.fact)]
    named = {earlier for item in asserting for earlier in item.fact.supersedes}
    expected = {item.id for item in asserting if item.id not in named and not refutes(item.fact)}
    items = world.state().allergies.items
    assert {item.id for allergy in items for item in allergy.live} == expected
    everywhere = [item.id for allergy in items for item in (*allergy.heads, *allergy.history)]
    assert sorted(everywhere) == sorted(item.id for item in asserting)


@random_histories
@given(STEPS)
def test_every_medication_and_observation_is_listed_once(steps):
    """Each readable fact is in exactly one medication, as a line or in its history; each observation in the list."""
    world = play(steps)
    state = world.state()
    readable = [item for item in world.facts() if flaw(item.fact) is None]
    medications = [item.id for medication in state.medications for item in (*medication.heads, *medication.history)]
    assert sorted(medications) == sorted(item.id for item in readable if item.fact.kind == "medication")
    observations = [item.fact.id for item in state.observations]
    assert sorted(observations) == sorted(item.id for item in readable if item.fact.kind == "observation")


@random_histories
@given(STEPS)
def test_each_conflict_has_exactly_one_review(steps):
    """No two reviews share an id, and each concurrent contradiction about one thing is inside exactly one review."""
    world = play(steps)
    state, graph = world.state(), world.graph()
    assert len({review.id for review in state.reviews}) == len(state.reviews)

    def concurrent(one, other):
        return not graph.precedes(one.id.entry, other.id.entry) and not graph.precedes(other.id.entry, one.id.entry)

    def holding(kind, *facts):
        return sum(
            review.kind == kind and {one.id for one in facts} <= review_facts(review) for review in state.reviews
        )

    for allergy in state.allergies.items:
        for refuted in allergy.refutations:
            for live in allergy.live:
                assert concurrent(refuted, live) <= holding(ReviewKind.ALLERGY_REFUTED, refuted, live) <= 1
    for medication in state.medications:
        for line in medication.lines:
            for other in medication.lines:
                for one, two in ((one, two) for one in line.facts for two in other.facts if line is not other):
                    assert concurrent(one, two) <= holding(ReviewKind.MEDICATION, one, two) <= 1
    statuses = {value.fact for review in state.reviews if review.kind == ReviewKind.STATUS for value in review.values}
    assert statuses <= {item.id for item in state.status.heads}
    assert bool(statuses) == state.status.disputed


@random_histories
@given(STEPS)
def test_priority_never_drops_silently(steps):
    """Nothing shown is less urgent than an event that no later event replaced."""
    world = play(steps)
    events = [item for item in world.facts() if item.fact.kind == "priority"]
    named = {earlier for item in events for earlier in item.fact.supersedes}
    standing = [Priority(item.fact.payload["to"]) for item in events if item.id not in named]
    assert world.state().priority.value == max(standing, key=[*Priority].index, default=None)


@random_histories
@given(STEPS)
def test_who_knows_everything_contradicts_nobody(steps):
    """Authors who know all that was written, on devices that fill the defaults, cause no review.

    But what they state themselves: a denial of allergies beside an allergy, one number for two casualties.
    """
    recorded = [(who, ("record", *what)) for who, (act, *what) in steps if act != "read"]
    world = play(recorded, in_line=True)
    assert {review.kind for review in world.state().reviews} <= {
        ReviewKind.ALLERGY_NONE_KNOWN,
        ReviewKind.DUPLICATE_CASUALTY,
    }
    assert not world.state().status.disputed


@random_histories
@given(STEPS)
def test_the_chart_reviews_a_conflict_once(steps):
    """Conflicts inside a document are its own reviews, conflicts between documents the chart's: no id twice."""
    world = play(steps, documents=(CHART, ENCOUNTER))
    chart = world.chart()
    inside = [review for document in chart.documents for review in document.reviews]
    assert len({review.id for review in chart.reviews}) == len(chart.reviews)
    for review in chart.reviews:
        if review not in inside:
            assert {value.document for value in review.values} == {CHART, ENCOUNTER}
