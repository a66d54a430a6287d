"""Allergies: what was stated stays, until somebody who saw it takes it back."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.allergy_denials import contradicts, denies
from tests.unit.edge_runtime.clinical.worlds import World, fact, ids, review_facts, since, two

SNOMED = "http://snomed.info/sct"


def allergy(text, *supersedes, **payload):
    """An allergy fact."""
    return fact("allergy", *supersedes, text=text, **payload)


def only(state):
    """The one allergy of a state."""
    (item,) = state.allergies.items
    return item


def test_refuting_beside_raising_the_severity_keeps_the_allergy():
    """Hazard: delete an allergy, raise its severity. The allergy stays, at the raised severity, with one review."""
    world, left, right, first = since(allergy("Penicillin", severity="mild"))
    raised = left.write(allergy("Penicillin", first, severity="severe"))
    refuted = right.write(allergy("Penicillin", first, verification="refuted"))
    item = only(world.state())
    assert item.severity == "severe"
    assert (ids(item.live), ids(item.refutations), ids(item.history)) == ({raised.id}, {refuted.id}, {first.id})
    (review,) = world.state().reviews
    assert review.kind == "allergy_refuted"
    assert review_facts(review) == {raised.id, refuted.id}


def test_both_devices_create_the_same_allergy():
    """Hazard: both devices create the same nested map. Both records stay, as one allergy, with nothing to decide."""
    world, left, right = two()
    stated = [left.write(allergy("Penicillin", reaction="hives")), right.write(allergy("penicillin", severity="mild"))]
    item = only(world.state())
    assert ids(item.live) == ids(stated)
    assert len(item.names) == 1
    assert world.state().reviews == ()


@pytest.mark.parametrize("word", ["refuted", "entered-in-error"])
def test_an_informed_refutation_hides_and_keeps(word):
    """Who saw every head may refute; the allergy is listed as refuted with its history."""
    world, _, right, first = since(allergy("Penicillin"))
    refuted = right.write(allergy("Penicillin", first, verification=word))
    item = only(world.state())
    assert (item.live, ids(item.refutations), ids(item.history)) == ((), {refuted.id}, {first.id})
    assert world.state().reviews == ()
    assert not world.state().allergies_incomplete


def test_a_refutation_hides_only_what_it_names():
    """Refuting one of two records that its author saw leaves the other standing, by intent and without a review."""
    world, left, right, first = since(allergy("Penicillin", severity="mild"))
    second = left.write(allergy("Penicillin", severity="severe"))
    world.sync()
    right.write(allergy("Penicillin", first, verification="refuted"))
    assert ids(only(world.state()).live) == {second.id}
    assert world.state().reviews == ()


def test_a_refutation_that_names_nothing_hides_nothing():
    """To hide, a refutation must supersede."""
    world, left, _, first = since(allergy("Penicillin"))
    left.write(allergy("Penicillin", verification="refuted"))
    assert ids(only(world.state()).live) == {first.id}


def test_a_refutation_beside_an_independent_record_is_a_review():
    """A record of the same allergy that the refuting author had not seen stands, and is reviewed."""
    world, left, right, first = since(allergy("Penicillin"))
    refuted = left.write(allergy("Penicillin", first, verification="refuted"))
    independent = right.write(allergy("PENICILLIN", severity="severe"))
    (review,) = world.state().reviews
    assert review_facts(review) == {refuted.id, independent.id}
    assert world.state().allergies_incomplete


def test_stating_it_again_after_a_refutation_needs_no_review():
    """Who saw the refutation and states the allergy anyway has decided."""
    world, left, right, first = since(allergy("Penicillin"))
    left.write(allergy("Penicillin", first, verification="refuted"))
    world.sync()
    again = right.write(allergy("Penicillin"))
    assert ids(only(world.state()).live) == {again.id}
    assert world.state().reviews == ()


def test_severity_is_the_highest_of_the_live_heads():
    """Concurrent severities: the highest is shown and nothing needs deciding; what is superseded no longer counts."""
    world, left, right, first = since(allergy("Penicillin", severity="severe"))
    left.write(allergy("Penicillin", first, severity="mild"))
    assert only(world.state()).severity == "mild"
    right.write(allergy("Penicillin", first, severity="moderate"))
    assert only(world.state()).severity == "moderate"
    assert world.state().reviews == ()


def test_an_omitted_severity_lowers_nothing():
    """A correction that says nothing about the severity keeps what it replaced."""
    world, left, _, first = since(allergy("Penicillin", severity="severe"))
    left.write(allergy("Penicillin", first, reaction="hives"))
    assert only(world.state()).severity == "severe"


def test_an_allergy_without_severity_has_none():
    """Not stated is not mild."""
    world, left, _ = two()
    left.write(allergy("Penicillin"))
    assert only(world.state()).severity is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"text": "Penicillin"}, {"text": "  penicillin "}, True),
        ({"text": "Penicillin"}, {"text": "Penicillin G"}, False),
        ({"text": "\uff30eanut"}, {"text": "peanut"}, True),
        ({"text": "PCN", "code": "1", "system": SNOMED}, {"text": "Pen", "code": "1", "system": "snomed"}, True),
        ({"text": "PCN", "code": "1", "system": SNOMED}, {"text": "Pen", "code": "1", "system": "rxnorm"}, False),
        ({"text": "PCN", "code": "1"}, {"text": "Pen", "code": "1", "system": "rxnorm"}, False),
    ],
)
def test_what_is_the_same_allergy(one, other, same):
    """The same code in the same system, or the same text: nothing cleverer."""
    world, left, right = two()
    left.write(fact("allergy", **one))
    right.write(fact("allergy", **other))
    assert len(world.state().allergies.items) == (1 if same else 2)


def test_a_corrected_name_stays_visible():
    """Superseding may correct the substance; the former name is still told."""
    world, left, _, first = since(allergy("Penicilin"))
    left.write(allergy("Penicillin", first))
    assert (only(world.state()).names, only(world.state()).formerly) == (("Penicillin",), ("Penicilin",))


def test_no_known_allergies_beside_an_allergy_keeps_it():
    """Written without knowledge of each other: both stand, and are one review."""
    world, left, right = two()
    none = left.write(allergy("No known allergies", code="716186003", system=SNOMED))
    some = [right.write(allergy("Penicillin")), right.write(allergy("Peanut"))]
    state = world.state()
    assert len(state.allergies.items) == 2
    assert ids(state.allergies.none_known) == {none.id}
    (review,) = state.reviews
    assert review.kind == "allergy_none_known"
    assert review_facts(review) == {none.id} | ids(some)


def test_no_known_allergies_cannot_hide_an_allergy_that_it_names():
    """Only a refutation takes an allergy back; a denial that claims to replace one is a review."""
    world, left, _, first = since(allergy("Penicillin"))
    left.write(allergy("NKA", first))
    assert ids(only(world.state()).live) == {first.id}
    assert [review.kind for review in world.state().reviews] == ["allergy_none_known"]


def test_an_allergy_recorded_in_knowledge_of_the_denial_replaces_it():
    """The usual course: none known, then one is found. Two devices that find different ones make two allergies."""
    world, left, right, none = since(allergy("No known allergies"))
    left.record(allergy("Penicillin"))
    right.record(allergy("Peanut"))
    state = world.state()
    assert {item.names for item in state.allergies.items} == {("Penicillin",), ("Peanut",)}
    assert (state.allergies.none_known, ids(state.allergies.none_known_history)) == ((), {none.id})
    assert state.reviews == ()


def test_a_refuted_denial_denies_nothing():
    """A denial entered in error stands beside no allergy."""
    world, left, _, none = since(allergy("NKDA"))
    left.write(allergy("NKDA", none, verification="entered-in-error"))
    left.write(allergy("Penicillin"))
    assert world.state().allergies.none_known == ()
    assert len(world.state().allergies.none_known_history) == 2
    assert world.state().reviews == ()


@pytest.mark.parametrize(
    ("denial", "category", "expected"),
    [
        ({"text": "NKDA"}, "medication", True),
        ({"text": "NKDA"}, "food", False),
        ({"text": "NKDA"}, None, True),
        ({"text": "nka"}, "food", True),
        ({"text": "none", "code": "429625007", "system": SNOMED}, "food", True),
        ({"text": "none", "code": "429625007", "system": SNOMED}, "medication", False),
    ],
)
def test_a_denial_concerns_its_category(denial, category, expected):
    """No known drug allergy says nothing of food; an allergy without a category may be what is denied."""
    assert denies(fact("allergy", **denial))
    found = allergy("x", category=category) if category else allergy("x")
    assert contradicts(fact("allergy", **denial), found) is expected


def test_an_unreadable_allergy_is_shown_and_marks_the_list():
    """What a newer version wrote hides nothing, is shown, and tells that the list is not complete."""
    world, left, _, first = since(allergy("Penicillin"))
    odd = left.write(allergy("Penicillin", first, verification="disproved"))
    state = world.state()
    assert ids(only(state).live) == {first.id}
    assert [item.fact.id for item in state.unreadable] == [odd.id]
    assert state.allergies_incomplete


def test_one_refutation_may_name_several_records():
    """A refutation that saw two records of one allergy hides both."""
    world, left, right = two()
    stated = [left.write(allergy("PCN", code="1", system=SNOMED)), right.write(allergy("Penicillin"))]
    world.sync()
    left.write(allergy("Penicillin", *stated, verification="refuted"))
    assert only(world.state()).live == ()
    assert ids(only(world.state()).history) == ids(stated)


def test_three_devices_make_one_review():
    """One conflict, one review, however many statements it has."""
    world = World()
    first, second, third = (world.writer() for _ in range(3))
    stated = first.write(allergy("Latex"))
    world.sync()
    refuted = first.write(allergy("Latex", stated, verification="refuted"))
    also = second.write(allergy("Latex", stated, verification="entered-in-error"))
    raised = third.write(allergy("Latex", stated, severity="severe"))
    (review,) = world.state().reviews
    assert review_facts(review) == {refuted.id, also.id, raised.id}


@pytest.mark.parametrize(
    "stated",
    [
        {"text": "No Known Latex Allergy (situation)", "code": "716184000", "system": SNOMED},
        {"text": "no known latex allergy"},
        {"text": "No known allergy to latex"},
        {"text": "No known allergies to natural rubber latex"},
    ],
)
def test_no_known_allergy_to_one_substance_is_no_allergy(stated):
    """It is kept and shown as what it says, is no allergy, and does not make the list read "none known"."""
    world, left, _ = two()
    denial = left.write(fact("allergy", **stated))
    listed = world.state().allergies
    assert listed.items == ()
    assert ids(listed.none_known) == ids(listed.substances_denied) == {denial.id}
    assert listed.groups_denied == ()


@pytest.mark.parametrize(
    "stated",
    [
        {"text": "No known penicillin allergy but a rash after sulfa allergy"},
        {"text": "No known allergy except latex allergy"},
        {"text": "No known food or drug allergy"},
        {"text": "No known latex allergy", "severity": "severe"},
        {"text": "No known latex allergy", "reaction": "hives"},
        {"text": "Latex allergy, none known"},
        {"text": "Latex"},
    ],
)
def test_what_says_more_is_an_allergy_in_doubt(stated):
    """Only a plain denial is one: whatever else is said, the statement is listed as an allergy."""
    world, left, _ = two()
    stated_fact = left.write(fact("allergy", **stated))
    assert ids(only(world.state()).live) == {stated_fact.id}


def test_a_denial_of_one_substance_beside_that_allergy_is_a_review():
    """Nobody hides the other: the allergy is listed, the denial too, and a person is asked."""
    world, left, right = two()
    denied = left.write(allergy("No known latex allergy"))
    stated = right.write(allergy("Natural rubber latex", severity="severe"))
    other = right.write(allergy("Penicillin"))
    state = world.state()
    assert {item.live[0].id for item in state.allergies.items} == {stated.id, other.id}
    (review,) = state.reviews
    assert (review.kind, review_facts(review)) == ("allergy_none_known", {denied.id, stated.id})
    assert state.allergies_incomplete


def test_an_allergy_stated_in_knowledge_of_its_denial_replaces_it():
    """Who saw that latex was denied and states latex has decided; a denial of another substance stays."""
    world, left, _ = two()
    latex = left.write(allergy("No known latex allergy"))
    peanut = left.write(allergy("No known peanut allergy"))
    left.record(allergy("Latex"))
    listed = world.state().allergies
    assert (ids(listed.none_known), ids(listed.none_known_history)) == ({peanut.id}, {latex.id})
    assert world.state().reviews == ()


def test_a_denial_of_one_substance_concerns_that_substance():
    """Word by word and plurals aside: latex is not late, and peanut is peanuts."""
    latex, peanut = fact("allergy", text="No known latex allergy"), fact("allergy", text="No known allergy to peanuts")
    assert contradicts(latex, allergy("Latex gloves", category="medication"))
    assert not contradicts(latex, allergy("Late blossom pollen"))
    assert contradicts(peanut, allergy("Peanut"))
    assert not contradicts(peanut, allergy("Latex"))
