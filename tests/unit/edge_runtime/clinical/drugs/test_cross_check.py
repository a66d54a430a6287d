"""Drugs beside allergies: the strongest statement of the table, and never that there is nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.drugs.cross_check import FOUND_MAX, Subject, cross_check
from edge_runtime.clinical.drugs.names import CLASSES
from edge_runtime.clinical.drugs.table import Degree


def subject(name, doubt=""):
    """A drug or an allergy of one name."""
    return Subject(name, (name,), (), doubt)


def degree(drug, allergy):
    """What the table says of a pair; None where it says nothing."""
    found = cross_check([subject(drug)], [subject(allergy)]).found
    return found[0].degree.value if found else None


@pytest.mark.parametrize("key", sorted(CLASSES))
def test_each_member_concerns_an_allergy_to_itself_and_to_its_class(key):
    """Same ingredient; the class that is named; another member, at least as much as the class says."""
    members = list(CLASSES[key].ingredients())
    for name in members:
        assert degree(name, name) == "same"
    for called in CLASSES[key].called:
        assert degree(members[0], called) == "likely"
    order = [one.value for one in Degree]
    for one, other in itertools.pairwise(members):
        assert order.index(degree(one, other)) <= order.index(CLASSES[key].within)


@pytest.mark.parametrize(
    ("drug", "allergy", "expected"),
    [
        ("amoxicillin", "penicillin", "likely"),
        ("piperacillin", "amoxicillin", "likely"),
        ("cefazolin", "penicillin", "low"),
        ("cefalexin", "amoxicillin", "possible"),
        ("cefalexin", "penicillin", "possible"),
        ("cefalexin", "benzylpenicillin", "low"),
        ("ceftriaxone", "ampicillin", "low"),
        ("cefotaxime", "ceftriaxone", "likely"),
        ("cefazolin", "ceftriaxone", "possible"),
        ("aztreonam", "ceftazidime", "likely"),
        ("aztreonam", "penicillin", None),
        ("aztreonam", "ceftriaxone", None),
        ("meropenem", "penicillin", "low"),
        ("meropenem", "cefepime", "low"),
        ("co-amoxiclav", "penicillin", "likely"),
        ("furosemide", "sulfa", None),
        ("hydrochlorothiazide", "sulfamethoxazole", None),
        ("co-trimoxazole", "sulfa drugs", "likely"),
        ("co-trimoxazole", "trimethoprim", "same"),
        ("sulfasalazine", "aspirin", "possible"),
        ("ibuprofen", "aspirin", "likely"),
        ("celecoxib", "ibuprofen", "low"),
        ("paracetamol", "NSAIDs", "low"),
        ("fentanyl", "morphine", "low"),
        ("codeine", "morphine", "possible"),
        ("methadone", "opiates", "low"),
        ("lidocaine", "procaine", None),
        ("benzocaine", "procaine", "likely"),
        ("losartan", "lisinopril", "low"),
        ("Entresto", "lisinopril", "likely"),
        ("lamotrigine", "carbamazepine", "likely"),
        ("iohexol", "contrast dye", "likely"),
        ("gadobutrol", "contrast dye", None),
        ("enoxaparin", "heparin", "likely"),
        ("fondaparinux", "heparin", "low"),
        ("rocuronium", "succinylcholine", "likely"),
        ("atorvastatin", "simvastatin", "possible"),
        ("insulin glargine", "insulin lispro", "likely"),
        ("azithromycin", "erythromycin", "possible"),
        ("clindamycin", "erythromycin", None),
    ],
)
def test_what_the_table_says_of_a_pair(drug, allergy, expected):
    """Same, same class, related class with the degree of its source; silence where nothing is published."""
    assert degree(drug, allergy) == expected


def test_a_finding_names_what_it_rests_on():
    """The relation in words, the statement, and where it was published; of the same ingredient nothing is needed."""
    check = cross_check([subject("Cefalexin"), subject("Amoxil")], [subject("Amoxicillin")])
    same, related = check.found
    assert (same.words, same.source) == (
        "Amoxil beside the allergy Amoxicillin: the same ingredient, amoxicillin, same",
        "",
    )
    assert related.relation == "cefalexin beside amoxicillin"
    assert related.because.startswith("Picard 2019: ")
    assert "J Allergy Clin Immunol Pract" in related.source


def test_what_is_doubtful_counts_and_says_so():
    """A quarantined or unconfirmed allergy is one that somebody saw."""
    check = cross_check([subject("Amoxicillin")], [subject("Penicillin", "UNVERIFIED")])
    assert "(UNVERIFIED)" in check.found[0].words


def test_what_is_not_in_the_table_is_named_and_never_cleared():
    """A drug and an allergy that the table does not have, and a combination that it has in part."""
    drugs = [subject(name) for name in ("Warfarin", "acetaminophen / caffeine", "Ibuprofen")]
    check = cross_check(drugs, [subject("Peanut"), subject("Latex"), subject("Sulfa")])
    assert check.found == ()
    told = [(one.subject.name, one.in_part) for one in check.not_covered]
    assert told == [("Warfarin", False), ("acetaminophen / caffeine", True), ("Latex", False), ("Peanut", False)]


def test_a_code_stands_for_its_ingredient():
    """A statement whose text says nothing is matched by a code that FHIR's examples name."""
    drug = Subject("Tablet", ("Tablet",), ("code:snomed:27658006",))
    assert cross_check([drug], [subject("Penicillin")]).found[0].degree is Degree.LIKELY


DRUGS = st.lists(
    st.sampled_from(
        [
            "Amoxicillin",
            "cefalexin",
            "Warfarin",
            "co-trimoxazole",
            "Ibuprofen",
            "aspirin",
            "Xyz / morphine",
            "",
            "sulfa",
        ]
    ).map(subject),
    max_size=6,
)


@given(DRUGS, DRUGS, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_everything_has_an_answer(drugs, allergies, shuffler):
    """Shuffled and doubled, the answer is the same; each drug and allergy is compared or named as not covered."""
    check = cross_check(drugs, allergies)
    again = [*drugs, *drugs], [*allergies, *allergies]
    for part in again:
        shuffler.shuffle(part)
    assert cross_check(*again) == check
    whole = {one.subject for one in check.medications_not_covered if not one.in_part}
    for drug in drugs:
        assert (degree(drug.name, drug.name) is None) == (drug in whole)
    assert {one.medication for one in check.found}.isdisjoint(whole)


def test_thousands_of_statements_cost_no_more_than_their_meanings():
    """A flood of names is compared by what they mean; the strongest are listed, and how many more there are."""
    drugs = [subject(f"ibuprofen {number}") for number in range(3000)]
    allergies = [subject(f"aspirin {number}") for number in range(3000)]
    check = cross_check([*drugs, subject("aspirin")], [*allergies, subject("sulfa")])
    assert len(check.found) == FOUND_MAX
    assert check.found[0].degree is Degree.SAME
    assert check.more == 3000 * 3001 - FOUND_MAX
