"""Diagnoses: stated beside refuted shows both, and a mistake hides only what its correction saw."""

from __future__ import annotations

import pytest

from edge_runtime.errors import InputError
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, as_json, fact, ids, review_facts, since


def diagnosis(certainty=None, *supersedes, text="Sepsis", **rest):
    """A statement about a diagnosis."""
    stated = {} if certainty is None else {"certainty": certainty}
    return fact("diagnosis", *supersedes, text=text, **stated, **rest)


@pytest.mark.parametrize(
    ("left_says", "right_says", "shown", "asks"),
    [
        ("confirmed", "refuted", "confirmed", True),
        ("provisional", "refuted", "provisional", True),
        ("confirmed", "entered-in-error", "confirmed", True),
        ("confirmed", "provisional", "confirmed", False),
        ("differential", "unconfirmed", "differential", False),
        ("refuted", "entered-in-error", None, False),
    ],
)
def test_two_people_state_a_diagnosis_without_knowledge_of_each_other(left_says, right_says, shown, asks):
    """Confirmed beside refuted: both are shown, and are one review. Otherwise the most certain is shown first."""
    world, left, right, first = since(diagnosis("unconfirmed"))
    heads = [left.write(diagnosis(left_says, first)), right.write(diagnosis(right_says, first))]
    (item,) = world.state().diagnoses
    assert (item.certainty, item.disputed) == (shown, asks)
    assert ids(item.heads) == ids(heads)
    assert ids(item.history) == {first.id}
    assert [(review.kind, review_facts(review)) for review in world.state().reviews] == [
        ("diagnosis", ids(heads))
    ] * asks


def test_a_refutation_hides_what_its_author_saw():
    """What was refuted in knowledge of it is listed as refuted, with its history, and asks nobody."""
    world, left, _, first = since(diagnosis("confirmed", code="A41.9", system="icd-10-cm"))
    left.record(diagnosis("refuted"))
    (item,) = world.state().diagnoses
    assert (item.live, ids(item.history), world.state().reviews) == ((), {first.id}, ())
    assert as_json(world.state())["diagnoses"][0]["status"] == "refuted"


def test_entered_in_error_hides_only_what_it_supersedes():
    """The same diagnosis, recorded by somebody else, stands."""
    world, left, right, first = since(diagnosis("confirmed"))
    other = right.write(diagnosis("confirmed", text="sepsis "))
    left.write(diagnosis("entered-in-error", first))
    (item,) = world.state().diagnoses
    assert ids(item.live) == {other.id}
    assert item.disputed


def test_a_refutation_in_knowledge_of_what_it_leaves_standing_asks_nobody():
    """Its author saw the statement, and let it stand: both are shown, and there is nothing that anybody missed."""
    world, left, _, first = since(diagnosis("confirmed"))
    refuted = left.write(diagnosis("refuted"))
    (item,) = world.state().diagnoses
    assert (ids(item.heads), item.disputed, world.state().reviews) == ({first.id, refuted.id}, False, ())


def test_stating_it_again_in_knowledge_of_a_refutation_answers_it():
    """Whoever states a refuted diagnosis again replaces the refutation; both stay in the history."""
    world, left, right, _ = since(diagnosis("provisional"))
    left.record(diagnosis("refuted"))
    world.sync()
    right.record(diagnosis("confirmed"))
    (item,) = world.state().diagnoses
    assert (item.certainty, item.refutations, len(item.history)) == ("confirmed", (), 2)


def test_a_code_of_one_diagnosis_and_the_text_of_another_refute_neither():
    """A mistaken code must not silently end what it happens to name."""
    world, left, _, _ = since(diagnosis(code="A41.9", system="icd-10-cm"))
    left.write(diagnosis(text="Fracture"))
    with pytest.raises(InputError, match="names several"):
        left.record(diagnosis("refuted", text="Fracture", code="A41.9", system="icd-10-cm"))
    assert len(world.state().diagnoses) == 2


def test_documents_of_a_chart_are_not_compared():
    """Suspected in one encounter and refuted in a later one is how diagnoses are made: both are listed, no review."""
    world, left, _, _ = since(diagnosis("provisional"))
    left.write(diagnosis("refuted"), document=ENCOUNTER)
    chart = world.chart()
    assert [document.document for document in chart.documents if document.diagnoses] == [CHART, ENCOUNTER]
    assert (len(chart.diagnoses), chart.reviews) == (2, ())
