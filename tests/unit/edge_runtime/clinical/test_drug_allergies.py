"""The drugs of a chart beside its allergies: which statements count, and what their authors are asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge_runtime.clinical.asking import questions
from edge_runtime.clinical.chart import derive_chart
from edge_runtime.clinical.drug_allergies import check_chart, cross_check_to_json, uncovered_words
from edge_runtime.clinical.drugs.sources import VERSION
from sync_protocol.verdicts import Reason, Standing, Verdict
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, fact, since, two

REVOKED = Verdict(Standing.QUARANTINED, Reason.REVOKED)


def allergy(text, *supersedes, **payload):
    """An allergy fact."""
    return fact("allergy", *supersedes, text=text, **payload)


def drug(text, *supersedes, action="start", **payload):
    """A medication fact."""
    return fact("medication", *supersedes, text=text, action=action, **payload)


def found(state):
    """Drug, allergy and degree of each finding."""
    return [(one.medication.name, one.allergy.name, one.degree.value) for one in check_chart(state).found]


def asked(world, stated):
    """What the author of a fact is asked."""
    return questions(stated, now_ms=0, state=world.state(), chart=world.chart())


def test_documents_of_a_chart_count_together():
    """A drug of an encounter meets an allergy of the chart document."""
    world, left, right = two()
    left.write(allergy("Penicillin"))
    right.write(drug("Amoxicillin"), document=ENCOUNTER)
    assert found(world.chart()) == [("Amoxicillin", "Penicillin", "likely")]


@pytest.mark.parametrize("word", ["refuted", "entered-in-error"])
def test_what_was_refuted_does_not_count(word):
    """An allergy that an informed author took back is no allergy; nor is a denial one."""
    world, left, _, first = since(allergy("Penicillin"))
    left.write(allergy("Penicillin", first, verification=word), drug("Amoxicillin"), allergy("NKDA"))
    assert found(world.chart()) == []


def test_what_was_stopped_does_not_count():
    """A drug that nobody takes meets nothing; one that is stopped and continued at once does, disputed."""
    world, left, right, first = since(drug("Amoxicillin", dose="250", unit="mg"))
    left.write(allergy("Penicillin"), drug("Amoxicillin", first, action="stop"))
    assert found(world.chart()) == []
    right.write(drug("Amoxicillin", first, action="change", dose="500", unit="mg"))
    (one,) = check_chart(world.chart()).found
    assert one.medication.doubt == "disputed"


def test_an_unconfirmed_allergy_counts_and_says_so():
    """In doubt a person is asked; confirmed by another statement, the doubt is gone."""
    world, left, right = two()
    left.write(allergy("Penicillin", verification="unconfirmed"), drug("Amoxicillin"))
    assert check_chart(world.chart()).found[0].allergy.doubt == "unconfirmed"
    right.write(allergy("Penicillin", verification="confirmed"))
    assert check_chart(world.chart()).found[0].allergy.doubt == ""


def test_quarantined_statements_count_unverified():
    """What a revoked device wrote is shown, and asked about, as UNVERIFIED; its denials and stops say nothing."""
    world, left, right = two()
    kept = [left.write(one) for one in (allergy("Penicillin"), allergy("NKA"), drug("Ibuprofen"))]
    kept.append(left.write(drug("Aspirin", action="stop")))
    right.write(drug("Amoxicillin"), allergy("Aspirin"))
    ids = {one.id for one in kept}
    facts = [replace(one, verdict=REVOKED) if one.id in ids else one for one in world.facts()]
    check = check_chart(derive_chart(CHART, facts, [world.graph()]))
    told = [(one.medication.name, one.medication.doubt, one.allergy.name, one.allergy.doubt) for one in check.found]
    assert told == [
        ("Ibuprofen", "UNVERIFIED", "Aspirin", ""),
        ("Amoxicillin", "", "Penicillin", "UNVERIFIED"),
    ]


def test_whoever_prescribes_is_asked():
    """Stating a drug beside an allergy asks, and so does stating the allergy beside the drug; neither is refused."""
    world, left, _ = two()
    left.write(allergy("Penicillin"))
    assert asked(world, drug("Amoxicillin")) == (
        "Amoxicillin beside the allergy Penicillin: both penicillins, likely: is this meant?",
    )
    left.write(drug("Ibuprofen"))
    assert asked(world, allergy("Aspirin")) == (
        "Ibuprofen beside the allergy Aspirin: both non-selective NSAIDs and salicylates, likely: is this meant?",
    )


def test_what_one_change_states_is_compared_too():
    """An allergy and a drug that are stated together meet, whichever comes first; a stop and a denial do not."""
    world, _, _ = two()
    chart, penicillin, amoxicillin = world.chart(), allergy("Penicillin"), drug("Amoxicillin")
    for one, other in ((penicillin, amoxicillin), (amoxicillin, penicillin)):
        assert len(questions(one, now_ms=0, state=world.state(), chart=chart, beside=(other,))) == 1
    quiet = (drug("Amoxicillin", action="stop"), allergy("No known penicillin allergy"))
    for one in (penicillin, amoxicillin):
        assert questions(one, now_ms=0, state=world.state(), chart=chart, beside=quiet) == ()


def test_what_ends_or_denies_is_not_asked_about():
    """A stop, a refutation, a denial, and facts of other kinds raise no such question."""
    world, left, _ = two()
    left.write(allergy("Penicillin"), drug("Amoxicillin"))
    quiet = (
        drug("Amoxicillin", action="stop"),
        allergy("Penicillin", verification="refuted"),
        allergy("No known penicillin allergy"),
        fact("status", to="active"),
        drug("Paracetamol"),
    )
    for one in quiet:
        assert asked(world, one) == ()
    assert questions(drug("Amoxicillin"), now_ms=0, state=world.state()) == ()


def test_json_says_what_was_found_and_what_was_not_covered():
    """The version of the table, each finding with its source, and each name that was not compared."""
    world, left, _ = two()
    left.write(allergy("Sulfa", verification="unconfirmed"), allergy("Peanut"), drug("Bactrim"), drug("Warfarin"))
    told: Any = cross_check_to_json(check_chart(world.chart()))
    assert told["version"] == VERSION
    (one,) = told["found"]
    assert (one["medication"], one["allergy"], one["degree"]) == ("Bactrim", "Sulfa", "likely")
    assert (one["doubts"], one["because"][:9]) == (["unconfirmed"], "JTF 2010:")
    assert "Ann Allergy" in one["source"]
    assert [(each["kind"], each["text"]) for each in told["not_covered"]] == [
        ("medication", "Warfarin"),
        ("allergy", "Peanut"),
    ]


def test_nothing_to_compare_says_nothing_and_many_names_are_cut_short():
    """Without an allergy no line is shown for a drug; of many names the first twenty, and how many more."""
    world, left, _ = two()
    left.write(*(drug(f"Unknown{number:02}") for number in range(25)))
    assert uncovered_words(check_chart(world.chart())) == ""
    left.write(allergy("Latex"))
    words = uncovered_words(check_chart(world.chart()))
    assert "Unknown00, Unknown01" in words
    assert words.endswith(" and 6 more")
