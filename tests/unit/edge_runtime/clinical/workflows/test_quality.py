"""The quality of a record: by the documented rule, with a reason for each part, and nothing invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.workflows.completeness import completeness
from edge_runtime.clinical.workflows.durations import durations
from edge_runtime.clinical.workflows.needs import Beside, Completeness, Need, Signed, Why
from edge_runtime.clinical.workflows.quality import WEIGHTS, Part, Quality, quality
from tests.unit.edge_runtime.clinical.histories import STEPS, play, random_histories
from tests.unit.edge_runtime.clinical.worlds import fact, two


def judged(state, signed=Signed.NO):
    """The quality of a document."""
    return quality(state, completeness(state, Beside(signed=signed)), durations(state), signed=signed)


def shares(found):
    """What is there of each part."""
    return {part.name: part.share for part in found.parts}


def test_the_weights_are_a_hundred():
    """So that each is a share of the whole score."""
    assert sum(WEIGHTS.values()) == 100


def test_where_nothing_can_be_judged_there_is_no_score():
    """An empty document is neither good nor bad; each part says what it has nothing to judge by."""
    world, left, _ = two()
    left.write(fact("document", schema=1, workflow_type="encounter"))
    found = judged(world.state())
    assert found.score is None
    assert all(part.reason for part in found.parts)
    assert set(shares(found).values()) == {None}


def test_each_part_is_judged_by_what_it_names():
    """Half the diagnoses coded, one of two findings implausible, one step of two in time, one conflict open."""
    world, left, right = two()
    left.write(fact("document", schema=1, workflow_type="encounter", requires=[{"item": "kind:place"}]))
    left.record(fact("diagnosis", text="Sepsis", code="A41.9"))
    left.record(fact("diagnosis", text="Fracture"))
    left.record(fact("observation", code="8867-4", text="HR", value="70", unit="/min"))
    left.record(fact("observation", code="8867-4", text="HR", value="700", unit="/min"))
    for name, minutes in (("One", 5), ("Two", 15)):
        step = left.write(fact("step", fraction="V", name=name, estimated_minutes=10))
        left.record(fact("step_event", step=str(step.id), to="completed", actual_minutes=minutes))
    world.sync()
    left.record(fact("status", to="completed"))
    right.record(fact("status", to="cancelled"))
    world.sync()
    found = judged(world.state())
    assert shares(found) == {
        "complete": 0,
        "in_time": 50,
        "coded": 50,
        "confirmed": 50,
        "decided": 0,
        "signed": None,
    }
    assert found.score == (10 * 50 + 15 * 50 + 10 * 50) // 85
    reasons = {part.name: part.reason for part in found.parts}
    assert reasons["coded"] == "1 of 2 diagnoses have a code"
    assert reasons["signed"] == "nobody signed it, and it does not ask for that"


@pytest.mark.parametrize(("signed", "share"), [("no", 0), ("part", 50), ("changed", 50), ("yes", 100)])
def test_a_signature_counts_where_it_is_asked_for_or_there(signed, share):
    """Half for a signature that does not cover all that is written."""
    world, left, _ = two()
    left.write(fact("document", schema=1, workflow_type="encounter", requires=[{"item": "signed"}]))
    assert shares(judged(world.state(), Signed(signed)))["signed"] == share


@random_histories
@given(STEPS, st.sampled_from(Signed))
def test_the_score_is_between_0_and_100_whatever_was_written(steps, signed):
    """Each share too; and it is the same however the facts come in."""
    world = play(steps)
    found = judged(world.state(), signed)
    assert judged(world.state(seed=3), signed) == found
    assert all(part.share is None or 0 <= part.share <= 100 for part in found.parts)
    assert found.score is None or 0 <= found.score <= 100


@given(
    st.lists(st.tuples(st.integers(1, 40), st.none() | st.integers(0, 100)), max_size=5),
    st.integers(1, 40),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_more_of_any_part_never_lowers_the_score(others, weight, one, other):
    """So nobody is marked down for completing something."""
    rest = tuple(Part(f"p{number}", own, share, "") for number, (own, share) in enumerate(others))
    low, high = (Quality((*rest, Part("x", weight, share, ""))).score for share in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert low <= high


@random_histories
@given(STEPS, st.integers(1, 12), st.integers(0, 12), st.integers(0, 12))
def test_the_score_never_falls_as_a_document_gets_more_complete(steps, count, one, other):
    """All else equal: the more of its needs are there, the better."""
    state = play(steps).state()
    times = durations(state)

    def score(there):
        needs = [Need(f"n{number}", "", Why.THERE if number < there else Why.ABSENT) for number in range(count)]
        return quality(state, Completeness(tuple(needs)), times, signed=Signed.NO).score

    low, high = sorted((one, other))
    assert score(low) <= score(high)
