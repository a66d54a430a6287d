"""Medications: what contradicts itself is shown whole, and the list says that it is incomplete."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.document import derive
from tests.unit.edge_runtime.clinical.worlds import CHART, fact, ids, review_facts, since, two


def drug(action, *supersedes, text="Warfarin", **payload):
    """A medication fact."""
    return fact("medication", *supersedes, text=text, action=action, **payload)


def only(state):
    """The one medication of a state."""
    (item,) = state.medications
    return item


def doses(state):
    """The doses of the lines of the one medication that are taken."""
    return {line.regimen.stated.get("dose") for line in only(state).lines if not line.regimen.stopped}


def test_two_dose_changes_stay_two_doses():
    """Hazard: dose 500 to 250, dose 500 to 875. Never "250875 mg": both are shown, and are a review."""
    world, left, right, first = since(drug("start", dose="500", unit="mg"))
    changes = [
        left.write(drug("change", first, dose="250", unit="mg")),
        right.write(drug("change", first, dose="875", unit="mg")),
    ]
    state = world.state()
    assert doses(state) == {"250", "875"}
    assert only(state).status == "disputed"
    assert state.medications_incomplete
    (review,) = state.reviews
    assert review.kind == "medication"
    assert review_facts(review) == ids(changes)


def test_a_stop_beside_a_dose_change_shows_both():
    """A list that silently lacks an anticoagulant kills: stop and change both stand until a person decides."""
    world, left, right, first = since(drug("start", dose="5", unit="mg"))
    stopped = left.write(drug("stop", first, reason="bleeding"))
    changed = right.write(drug("change", first, dose="7.5", unit="mg"))
    state = world.state()
    assert {line.regimen.stopped for line in only(state).lines} == {True, False}
    assert doses(state) == {"7.5"}
    assert only(state).status == "disputed"
    assert state.medications_incomplete
    (review,) = state.reviews
    assert review_facts(review) == {stopped.id, changed.id}
    assert "stopped and continued" in review.reason


def test_a_stop_that_was_seen_stops():
    """An informed stop is no conflict; the medication stays listed as stopped."""
    world, left, _, first = since(drug("start", dose="5", unit="mg"))
    left.write(drug("stop", first))
    assert only(world.state()).status == "stopped"
    assert ids(only(world.state()).history) == {first.id}
    assert world.state().reviews == ()
    assert not world.state().medications_incomplete


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"dose": "5", "unit": "mg"}, {"dose": "5.0", "unit": "mg"}),
        ({"dose": "5", "unit": "mg", "frequency": "BID"}, {"dose": "5", "unit": "mg", "frequency": "bid "}),
        ({"dose": "half a tablet"}, {"dose": "Half a  tablet"}),
    ],
)
def test_the_same_regimen_twice_is_one_line(one, other):
    """Two devices that write the same are shown once: two lines would read as twice the dose."""
    world, left, right, first = since(drug("start", dose="4", unit="mg"))
    written = [left.write(drug("change", first, **one)), right.write(drug("change", first, **other))]
    (line,) = only(world.state()).lines
    assert ids(line.facts) == ids(written)
    assert world.state().reviews == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"dose": "5", "unit": "mg"}, {"dose": "5", "unit": "Mg"}),
        ({"dose": "5", "unit": "mg"}, {"dose": "50", "unit": "mg"}),
        ({"dose": "5", "unit": "mg", "route": "oral"}, {"dose": "5", "unit": "mg", "route": "iv"}),
        ({"dose": "5", "unit": "mg"}, {"frequency": "twice daily"}),
    ],
)
def test_any_difference_of_regimen_is_a_review(one, other):
    """Dose, unit (which tells upper case from lower), route or frequency."""
    world, left, right, first = since(drug("start", dose="4", unit="mg"))
    left.write(drug("change", first, **one))
    right.write(drug("change", first, **other))
    assert len(only(world.state()).lines) == 2
    assert len(world.state().reviews) == 1


def test_both_devices_start_the_same_substance():
    """Different doses of one substance, started without knowledge of each other, are a review by code or by text."""
    world, left, right = two()
    left.write(drug("start", text="Warfarin sodium 5 mg tablet", rxnorm="855332", dose="5", unit="mg"))
    right.write(drug("start", text="Coumadin", code="855332", system="rxnorm", dose="2.5", unit="mg"))
    assert doses(world.state()) == {"5", "2.5"}
    assert len(world.state().reviews) == 1


def test_several_lines_by_intent_are_no_conflict():
    """An author who saw one line and adds another means both."""
    world, _, right, _ = since(drug("start", text="Metformin", dose="500", unit="mg", frequency="morning"))
    right.write(drug("start", text="Metformin", dose="1000", unit="mg", frequency="evening"))
    assert doses(world.state()) == {"500", "1000"}
    assert only(world.state()).status == "active"
    assert world.state().reviews == ()


def test_what_a_change_leaves_out_is_kept_and_marked():
    """A change of frequency keeps dose and route: an omission must not lose the dose."""
    world, left, _, first = since(drug("start", dose="5", unit="mg", route="oral"))
    left.write(drug("change", first, frequency="daily"))
    (line,) = only(world.state()).lines
    assert dict(line.regimen.stated) == {"dose": "5", "unit": "mg", "route": "oral", "frequency": "daily"}
    assert line.regimen.kept == {"dose", "unit", "route"}
    assert line.regimen.unclear == set()


def test_a_dose_is_never_mixed_with_the_unit_of_another():
    """A new dose without a unit does not inherit the old unit: 5 mg changed to 500 is not 500 mg."""
    world, left, _, first = since(drug("start", dose="5", unit="mg"))
    left.write(drug("change", first, dose="500"))
    (line,) = only(world.state()).lines
    assert dict(line.regimen.stated) == {"dose": "500"}


def test_a_new_start_keeps_nothing():
    """Starting anew after a stop states the regimen afresh."""
    world, left, _, first = since(drug("start", dose="5", unit="mg"))
    stopped = left.write(drug("stop", first))
    left.write(drug("start", stopped, frequency="daily"))
    (line,) = only(world.state()).lines
    assert dict(line.regimen.stated) == {"frequency": "daily"}
    assert only(world.state()).status == "active"


def test_continuing_without_saying_which_dose_is_a_review():
    """A statement that replaces two doses and names none leaves the dose unclear, and a person is asked."""
    world, left, right, first = since(drug("start", dose="5", unit="mg"))
    changes = [writer.write(drug("change", first, dose=dose)) for writer, dose in ((left, "6"), (right, "7"))]
    world.sync()
    unclear = left.write(drug("continue", *changes))
    state = world.state()
    (line,) = only(state).lines
    assert line.regimen.unclear == {"dose", "unit"}
    assert state.medications_incomplete
    (review,) = state.reviews
    assert review_facts(review) == {unclear.id}
    left.write(drug("change", unclear, dose="6", unit="mg"))
    assert world.state().reviews == ()


def test_what_is_unclear_stays_unclear_until_it_is_said():
    """Continuing an unclear dose, or changing another part of the regimen, makes it no clearer."""
    world, left, right, first = since(drug("start", dose="5"))
    changes = [writer.write(drug("change", first, dose=dose)) for writer, dose in ((left, "6"), (right, "7"))]
    world.sync()
    unclear = left.write(drug("continue", *changes))
    left.write(drug("change", unclear, frequency="daily"))
    (line,) = only(world.state()).lines
    assert line.regimen.unclear == {"dose", "unit"}
    assert len(world.state().reviews) == 1


def test_what_replaces_a_fact_that_has_not_arrived_is_unclear():
    """Facts show at once; a dose that only a missing fact states is unclear, not absent."""
    world, _, right, first = since(drug("start", dose="5", unit="mg"))
    changed = right.write(drug("continue", first))
    early = derive(CHART, [changed], [world.graph()])
    (line,) = only(early).lines
    assert line.regimen.unclear == {"dose", "unit", "route", "frequency"}
    assert early.medications_incomplete
    assert not world.state().medications_incomplete


def test_stopping_what_is_unclear_is_clear():
    """Nothing needs deciding about the dose of what is no longer taken."""
    world, left, right, first = since(drug("start", dose="5"))
    changes = [writer.write(drug("change", first, dose=dose)) for writer, dose in ((left, "6"), (right, "7"))]
    world.sync()
    left.write(drug("stop", *changes))
    assert only(world.state()).status == "stopped"
    assert world.state().reviews == ()


def test_an_unreadable_medication_marks_the_list():
    """What a newer version wrote about a medication is shown, and the list says that it is incomplete."""
    world, left, _, first = since(drug("start", dose="5"))
    left.write(drug("taper", first))
    state = world.state()
    assert only(state).status == "active"
    assert len(state.unreadable) == 1
    assert state.medications_incomplete
