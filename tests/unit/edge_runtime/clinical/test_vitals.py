"""Observations append; implausible values are asked about, never refused."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.document import derive
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.clinical.vitals import VITALS, needs_confirmation
from tests.unit.edge_runtime.clinical.worlds import CHART, World, fact, ids, review_facts, since, two


def observed(code, value, unit, *supersedes, **payload):
    """An observation."""
    return fact("observation", *supersedes, code=code, text="a vital sign", value=value, unit=unit, **payload)


def pressure(systolic, diastolic):
    """A blood pressure panel."""
    parts = [
        {"code": "8480-6", "value": systolic, "unit": "mm[Hg]"},
        {"code": "8462-4", "value": diastolic, "unit": "mm[Hg]"},
    ]
    return fact("observation", code="85354-9", text="Blood pressure", components=parts)


@pytest.mark.parametrize(
    ("code", "unit", "plausible", "implausible"),
    [
        ("8480-6", "mm[Hg]", ("50", "300"), ("49", "301")),
        ("8462-4", "mm[Hg]", ("20", "200"), ("19.9", "201")),
        ("8867-4", "/min", ("20", "250"), ("0", "251")),
        ("2708-6", "%", ("70", "100"), ("69.9", "100.1")),
        ("59408-5", "%", ("70", "100"), ("69", "972")),
        ("9279-1", "/min", ("4", "80"), ("0", "81")),
        ("8310-5", "Cel", ("25", "44"), ("24.9", "98.6")),
        ("8310-5", "[degF]", ("77", "111.2"), ("37", "372")),
        ("29463-7", "kg", ("0.3", "400"), ("0.2", "700")),
        ("8302-2", "cm", ("20", "250"), ("1.75", "1750")),
        ("9269-2", "{score}", ("3", "15"), ("2", "16")),
        ("9267-6", "{score}", ("1", "4"), ("0", "5")),
        ("9270-0", "{score}", ("1", "5"), ("0", "6")),
        ("9268-4", "{score}", ("1", "6"), ("0", "7")),
        ("3151-8", "L/min", ("0", "80"), ("-1", "90")),
        ("3150-0", "%", ("21", "100"), ("0.4", "101")),
        ("2339-0", "mg/dL", ("20", "1000"), ("5.5", "1001")),
        ("15074-8", "mmol/L", ("1.1", "55.5"), ("1", "100")),
    ],
)
def test_a_vital_sign_outside_its_range_asks(code, unit, plausible, implausible):
    """The bounds themselves are plausible; beyond them the author is asked, and may sign all the same."""
    for value in plausible:
        assert needs_confirmation(observed(code, value, unit)) is None
    for value in implausible:
        question = needs_confirmation(observed(code, value, unit))
        assert question is not None
        assert f" {value} " not in f" {question} "
        validate_fact(observed(code, value, unit))


def test_every_vital_sign_of_the_table_is_tried_above():
    """A row added to the table needs its example."""
    marks = test_a_vital_sign_outside_its_range_asks.pytestmark[0].args[1]
    assert {(code, unit) for code, vital in VITALS.items() for unit in vital.ranges} == {mark[:2] for mark in marks}


@pytest.mark.parametrize("unit", ["mg/dL", "", "Mm[hg]"])
def test_another_unit_asks(unit):
    """A value in a unit that nobody expects may be another measurement altogether."""
    item = fact("observation", code="8480-6", text="Systolic", value="120", **({"unit": unit} if unit else {}))
    assert "is the unit right?" in (needs_confirmation(item) or "")


def test_components_are_judged_too():
    """A panel is as plausible as its parts, and its parts must fit each other."""
    assert needs_confirmation(pressure("120", "80")) is None
    assert "systolic" in (needs_confirmation(pressure("20", "10")) or "")
    assert "swapped" in (needs_confirmation(pressure("80", "120")) or "")


def test_a_confirmed_value_asks_no_more():
    """Shock and arrest are real: the author stands by the value, and the fact says so."""
    assert needs_confirmation(observed("8867-4", "0", "/min", confirmed=True)) is None


@pytest.mark.parametrize(
    "item",
    [
        fact("observation", code="8867-4", text="HR", value="fast", unit="/min"),
        fact("observation", code="8867-4", text="HR", value=300, unit="/min"),
        fact("observation", code="8867-4", text="HR", value="300", unit="/min", system="local"),
        fact("observation", code="1234-5", text="Something", value="300", unit="x"),
        fact("observation", code="8867-4", text="HR", components="none"),
        fact("observation", code="8867-4", text="HR", components=["none"]),
        fact("observation", text="no code", value="5"),
    ],
)
def test_what_is_not_known_as_a_vital_sign_asks_nothing(item):
    """Codes of other systems, unknown codes and values that are no numbers have no range; nothing crashes."""
    assert needs_confirmation(item) is None


def test_observations_append():
    """Two measurements of the same thing are two observations."""
    world, left, right = two()
    written = [left.write(observed("8867-4", "70", "/min")), right.write(observed("8867-4", "90", "/min"))]
    state = world.state()
    assert {item.fact.id for item in state.observations} == ids(written)
    assert state.reviews == ()


def test_a_correction_keeps_the_old_value():
    """The corrected value stays, marked with what corrects it."""
    world, left, _, first = since(observed("8867-4", "700", "/min"))
    fixed = left.write(observed("8867-4", "70", "/min", first, corrects=str(first.id)))
    found = {item.fact.id: item for item in world.state().observations}
    assert found[first.id].corrected_by == (fixed.id,)
    assert found[first.id].question is not None
    assert found[fixed.id].corrected_by == ()
    assert world.state().reviews == ()


def test_corrections_that_differ_are_one_review():
    """Two devices correct one value differently: both stand, and a person decides."""
    world, left, right, first = since(observed("8867-4", "700", "/min"))
    fixed = [writer.write(observed("8867-4", value, "/min", first)) for writer, value in ((left, "70"), (right, "71"))]
    (review,) = world.state().reviews
    assert review.kind == "observation_correction"
    assert review.subject == str(first.id)
    assert review_facts(review) == ids(fixed)


def test_the_review_of_corrections_is_the_same_before_the_original_arrives():
    """The id of a review does not depend on what has arrived."""
    world, left, right, first = since(pressure("12", "8"))
    for writer, value in ((left, "120"), (right, "121")):
        writer.write(fact("observation", first, **pressure(value, "80").payload))
    (whole,) = world.state().reviews
    arrived = [item for item in world.facts() if item.id != first.id]
    assert derive(CHART, arrived, [world.graph()]).reviews == (whole,)


@pytest.mark.parametrize("seed", range(4))
def test_the_review_of_later_corrections_names_what_was_measured(seed):
    """However often a value was corrected, its review is about the observation that came first."""
    world = World(seed)
    left, right = world.writer(), world.writer()
    first = left.write(observed("8867-4", "700", "/min"))
    second = left.write(observed("8867-4", "7", "/min", first))
    world.sync()
    for writer, value in ((left, "70"), (right, "71")):
        writer.write(observed("8867-4", value, "/min", second))
    (review,) = world.state().reviews
    assert review.subject == str(first.id)


def test_corrections_that_agree_are_no_review():
    """70 and 70.0 are one value."""
    world, left, right, first = since(observed("8867-4", "700", "/min"))
    left.write(observed("8867-4", "70", "/min", first))
    right.write(observed("8867-4", "70.0", "/min", first))
    assert world.state().reviews == ()
