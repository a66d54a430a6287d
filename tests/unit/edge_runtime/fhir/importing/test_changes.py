"""What a later import changes in what is there: nothing twice, never an older version over a newer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_runtime.fhir.importing.changes import conflict, seen
from edge_runtime.fhir.importing.persons import same_person
from sync_protocol.verdicts import Reason, Standing, Verdict
from tests.unit.edge_runtime.clinical.worlds import CHART, fact
from tests.unit.edge_runtime.fhir.inputs import (
    Importer,
    allergy,
    coded,
    condition,
    operation,
    order,
    patient,
    plan,
    pulse,
    visit,
)

WHOLE = [patient(), visit(), allergy(), condition(), order(), pulse(), operation()]
HERE = {"encounter": {"reference": "Encounter/v1"}}


def kinds(facts):
    """The kinds that were written, without sources."""
    return sorted(item.kind.value for item in facts if item.kind != "source")


def test_the_same_import_twice_changes_nothing():
    """Wherever the resources come from, in whichever order."""
    device = Importer()
    assert device.take(plan(*WHOLE)) != []
    assert device.take(plan(*WHOLE)) == []
    assert device.take(plan(*reversed(WHOLE))) == []
    assert device.take(plan(*(dict(reversed(resource.items())) for resource in WHOLE))) == []


def test_an_import_reads_as_a_chart():
    """By the rules of the documents: no review, every statement in its list."""
    device = Importer()
    device.take(plan(*WHOLE))
    chart = device.chart()
    assert chart.reviews == ()
    assert [item.names for item in chart.allergies.items] == [("Penicillin",)]
    assert [(item.names, item.status) for item in chart.medications] == [(("Warfarin",), "active")]
    assert [statement.fact.fact.payload["name"] for statement in chart.identity] == ["Péter Núñez"]
    assert [document.status.value for document in chart.documents] == ["pending", "active"]


def test_more_of_the_same_patient_adds_only_what_is_new():
    """Into the documents that are there, even if the encounter itself does not come again."""
    device = Importer()
    device.take(plan(patient(), visit()))
    assert kinds(device.take(plan(patient(), pulse(**HERE), allergy()))) == ["allergy", "observation"]
    place = {item.fact.kind: item.document for item in device.world.facts()}
    assert place["observation"] == place["status"] != CHART == place["allergy"]


UPDATES = [
    (patient(gender="female"), "identity"),
    (allergy(criticality="high"), "allergy"),
    (condition(clinicalStatus=coded("", "resolved")), "diagnosis"),
    (order(status="completed"), "medication"),
    (pulse(valueQuantity={"value": 73}), "observation"),
    (operation(performedDateTime="2026"), "procedure"),
]


@pytest.mark.parametrize(("newer", "kind"), UPDATES, ids=[kind for _, kind in UPDATES])
def test_a_new_version_supersedes_the_earlier_one(newer, kind):
    """Its fact and the head of its source, and nothing else."""
    device = Importer()
    device.take(plan(*WHOLE))
    before = {item.fact.kind: item.id for item in device.world.facts() if item.fact.kind == kind}
    written = device.take(plan(*WHOLE, newer))
    changed = [item for item in written if item.kind == kind]
    assert [item.supersedes for item in changed] == [(before[kind],)]
    assert kinds(written) == [kind]
    assert device.take(plan(*WHOLE, newer)) == []
    assert device.chart().reviews == ()


def test_a_corrected_observation_names_what_it_corrects():
    """As the layout wants it."""
    device = Importer()
    device.take(plan(pulse()))
    (changed,) = [item for item in device.take(plan(pulse(status="corrected"))) if item.kind == "observation"]
    assert changed.payload["corrects"] == str(changed.supersedes[0])


def test_an_encounter_that_ended_moves_its_status():
    """In its own document."""
    device = Importer()
    device.take(plan(*WHOLE))
    assert kinds(device.take(plan(visit(status="finished")))) == ["document", "status"]
    assert [document.status.value for document in device.chart().documents] == ["pending", "completed"]


def test_an_old_export_does_not_undo_a_newer_one():
    """A version that was imported before changes nothing."""
    device = Importer()
    for resource in (pulse(), pulse(valueQuantity={"value": 73})):
        device.take(plan(resource))
    assert device.take(plan(pulse())) == []


WITHDRAWALS = [
    (allergy(verificationStatus=coded("", "entered-in-error")), "allergy"),
    (condition(verificationStatus=coded("", "entered-in-error")), "diagnosis"),
    (order(status="entered-in-error"), "medication"),
    (pulse(status="entered-in-error"), "observation"),
    (operation(status="not-done"), "procedure"),
]


@pytest.mark.parametrize(("withdrawn", "kind"), WITHDRAWALS, ids=[kind for _, kind in WITHDRAWALS])
def test_a_withdrawal_takes_back_what_was_imported(withdrawn, kind):
    """It supersedes the statement by one that says so; it states nothing by itself."""
    device = Importer()
    device.take(plan(*WHOLE))
    written = device.take(plan(*WHOLE, withdrawn))
    (changed,) = [item for item in written if item.kind == kind]
    assert len(changed.supersedes) == 1
    assert "error" in str(changed.payload) or "not-done" in str(changed.payload)
    assert "value" not in changed.payload
    assert kinds(Importer().take(plan(patient(), withdrawn))) == ["document", "identity"]


def test_a_placeholder_gives_way_to_the_patient_and_never_comes_back():
    """Whichever file comes first, the chart is the same and the person stays known."""
    device = Importer()
    device.take(plan(pulse()))
    (identity,) = [item for item in device.take(plan(patient())) if item.kind == "identity"]
    assert len(identity.supersedes) == 1
    assert kinds(device.take(plan(allergy()))) == ["allergy"]
    standing = [item.fact for item in device.chart().identity if not item.superseded_by]
    assert [item.fact.payload["name"] for item in standing] == ["Péter Núñez"]


def test_what_a_clinician_wrote_since_stands_beside_the_new_version():
    """The import supersedes only what it wrote itself; the rules decide."""
    device = Importer()
    device.take(plan(*WHOLE))
    mine = next(item for item in device.world.facts() if item.fact.kind == "medication")
    device.writer.write(fact("medication", mine, text="Warfarin", action="change", dose="2", unit="mg"))
    device.take(plan(*WHOLE, order(status="stopped")))
    (warfarin,) = device.chart().medications
    assert sorted(line.regimen.stopped for line in warfarin.lines) == [False, True]


def test_an_encounter_that_was_only_kept_opens_its_document_later():
    """And does not turn the chart document into an encounter."""
    device = Importer()
    device.take(plan(patient(), visit(implicitRules="http://example.org/rules")))
    assert kinds(device.take(plan(visit()))) == ["document", "status"]
    opened = [item for item in device.world.facts() if item.fact.payload.get("workflow_type") == "encounter"]
    assert [item.document == CHART for item in opened] == [False]


def test_another_person_under_a_known_id_is_a_conflict():
    """Two hospitals may both have a Patient/peter; a correction of the same person is none."""
    device = Importer()
    device.take(plan(patient()))
    known = device.known()
    other = plan(patient(name=[{"text": "Quite Another"}], birthDate="1950-01-01")).charts[0]
    refusal = conflict(other, known)
    assert refusal is not None
    assert refusal.path == "Patient.id"
    for same in (patient(), patient(birthDate="1980-05-18"), patient(name=[{"text": "P. Married"}])):
        assert conflict(plan(same).charts[0], known) is None
    assert conflict(plan(pulse()).charts[0], known) is None
    assert conflict(other, {}) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"name": "Ana"}, {"name": "ANA "}, True),
        ({"name": "Ana"}, {"name": "Eva"}, False),
        ({"name": "Ana", "birth_date": "1980"}, {"name": "Eva", "birth_date": "1980"}, True),
        ({"name": "Ana"}, {"name": "Unknown name"}, True),
        (
            {"name": "Ana", "identifiers": [{"system": "urn:mrn", "value": "1"}]},
            {"name": "Eva", "identifiers": [{"system": "urn:mrn", "value": "1"}]},
            True,
        ),
        (
            {"name": "Ana", "identifiers": [{"value": "1"}]},
            {"name": "Eva", "identifiers": [{"value": "1"}]},
            False,
        ),
    ],
)
def test_who_may_be_the_same_person(one, other, same):
    """Alike in an identifier with its system, the name or the birth date."""
    left, right = fact("identity", **one), fact("identity", **other)
    assert same_person(left, right) is same_person(right, left) is same


def test_foreign_sources_are_no_imports():
    """Another format, or keys of another type, are passed over; a count that reaches too far finds what is there."""
    device = Importer()
    sound = {"format": "fhir-r4", "key": "ab" * 32, "content": "cd" * 32, "states": 9}
    device.writer.write(fact("source", **(sound | {"format": "other"})))
    device.writer.write(fact("source", **(sound | {"key": 5})))
    device.writer.write(fact("allergy", text="Latex"), fact("source", **sound))
    ((key, found),) = seen(device.world.facts()).items()
    assert (key, [item.fact.kind for item in found.facts]) == ("ab" * 32, ["allergy", "source"])


def test_what_is_quarantined_was_never_imported():
    """A key that only a quarantined import knows is free: it is imported again, and names no document."""
    device = Importer()
    device.take(plan(patient(), allergy()))
    revoked = Verdict(Standing.QUARANTINED, Reason.REVOKED)
    assert seen(device.world.facts())
    assert seen(replace(placed, verdict=revoked) for placed in device.world.facts()) == {}
