"""What reads like a statement about the patient and is none; and what a fact may not leave out or mix up."""

from __future__ import annotations

import pytest

from edge_runtime.fhir.importing.persons import same_person
from sync_protocol.roles import Compartment
from tests.unit.edge_runtime.clinical.worlds import fact
from tests.unit.edge_runtime.fhir.inputs import (
    PETER,
    Importer,
    allergy,
    coded,
    condition,
    facts_of,
    first_changes,
    order,
    patient,
    plan,
    pulse,
    refused,
)

VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"focus": [{"reference": "Patient/peters-mother"}]},
        {"focus": [{"display": "Fetus"}]},
        {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/observation-focusCode",
                        "valueCodeableConcept": {"text": "Donor"}}]},
    ],
)  # fmt: skip
def test_an_observation_of_somebody_else_in_the_record_is_kept_and_states_nothing(elsewhere):
    """The heart rate of a fetus, or of a donor, is no heart rate of the patient."""
    planned = plan(patient(), pulse(**elsewhere))
    assert facts_of(planned, "observation") == []
    assert planned.kept_types == {"Observation": 1}
    assert "kept as it came" in refused(planned)[0][1]


@pytest.mark.parametrize("codes", [("confirmed", "refuted"), ("refuted", "confirmed")])
def test_two_verification_statuses_are_refused(codes):
    """In doubt it is a negation: neither is chosen."""
    status = {"coding": [{"system": VERIFICATION, "code": code} for code in codes]}
    planned = plan(patient(), condition(verificationStatus=status))
    assert facts_of(planned, "diagnosis") == []
    assert [path for path, _ in refused(planned)] == ["Condition.verificationStatus"]


def test_a_local_word_beside_the_required_code_decides_nothing():
    """A translation may use the same letters for something else; HL7's own code counts."""
    status = {"coding": [{"system": "urn:local", "code": "confirmed"}, {"system": VERIFICATION, "code": "refuted"}]}
    (found,) = facts_of(plan(patient(), condition(verificationStatus=status)), "diagnosis")
    assert found["certainty"] == "refuted"


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Composition", "id": "c", "status": "final", "type": coded("http://loinc.org", "11488-4"),
         "title": "HIV clinic", "date": "2026", "subject": PETER, "confidentiality": "R"},
        {"resourceType": "DocumentReference", "id": "d", "status": "current", "subject": PETER, "content": [],
         "securityLabel": [coded("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "V")]},
        condition(meta={"security": [{"system": "http://hl7.org/fhir/v3/Confidentiality", "code": "R"}]}),
    ],
    ids=["Composition", "DocumentReference", "STU3 system"],
)  # fmt: skip
def test_whatever_says_that_it_is_restricted_is_kept_apart(resource):
    """Not only by `meta.security`: its text stands in the sensitive compartment, and no title tells what it is."""
    changes = first_changes(plan(patient(), resource))
    told = [(change.compartment, fact.payload) for change in changes for fact in change.facts]
    texts = [place for place, payload in told if resource["resourceType"] in str(payload.get("data"))[:40]]
    assert texts == [Compartment.SENSITIVE]
    assert not any("HIV" in str(payload) for place, payload in told if place is not Compartment.SENSITIVE)


@pytest.mark.parametrize(
    ("dosage", "told"),
    [
        ({"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon"]}}},
         "1 x per 1 wk, on mon"),
        ({"timing": {"repeat": {"timeOfDay": ["08:00:00", "20:00:00"]}}}, "at 08:00:00 and 20:00:00"),
        ({"timing": {"repeat": {"when": ["HS"]}}}, "when HS"),
        ({"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d",
                                "boundsDuration": {"value": 7, "unit": "d"}}}}, "1 x per 1 d, for 7 d"),
        ({"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d",
                                "boundsPeriod": {"start": "2026-01-01", "end": "2026-01-07"}}}},
         "1 x per 1 d, from 2026-01-01 to 2026-01-07"),
        ({"maxDosePerPeriod": {"numerator": {"value": 4, "unit": "g"}, "denominator": {"value": 1, "unit": "d"}}},
         "at most 4 g per 1 d"),
        ({"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "g"}, "rateQuantity": {"value": 100, "unit": "mL/h"}}]},
         "at 100 mL/h"),
        ({"doseAndRate": [{"rateRatio": {"numerator": {"value": 1, "unit": "mg"},
                                         "denominator": {"value": 1, "unit": "h"}}}]}, "at 1 mg per 1 h"),
        ({"additionalInstruction": [{"text": "not with milk"}]}, "not with milk"),
    ],
)  # fmt: skip
def test_nothing_of_a_dosage_is_left_out(dosage, told):
    """Without words of the prescriber, days, times, bounds, rates, maxima and instructions are told in ours."""
    (found,) = facts_of(plan(patient(), order(dosageInstruction=[dosage])), "medication")
    assert found["frequency"] == told


def test_an_older_version_that_comes_later_takes_nothing_back():
    """A stick that lay in a drawer: the older file is kept, and what the newer one stated stands."""
    device = Importer()
    newer = allergy(criticality="high", meta={"lastUpdated": "2026-02-01T00:00:00Z"})
    older = allergy(criticality="low", meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    device.take(plan(patient(), newer))
    assert {one.kind.value for one in device.take(plan(patient(), older))} == {"source"}
    assert device.take(plan(patient(), older)) == []
    (standing,) = device.chart().allergies.items
    assert [one.fact.payload["reason"] for one in standing.live] == ["criticality high at the source"]
    newest = allergy(meta={"lastUpdated": "2026-03-01T00:00:00Z"})
    assert {one.kind.value for one in device.take(plan(patient(), newest))} == {"allergy", "source"}


def test_an_older_order_never_revives_the_steps_of_a_newer_one():
    """What a resource states besides follows its resource."""
    device = Importer()
    task = {"resourceType": "Task", "id": "t", "intent": "order", "for": PETER, "description": "Dressing"}
    device.take(plan(patient(), task | {"status": "completed", "meta": {"lastUpdated": "2026-02-01T00:00:00Z"}}))
    device.take(plan(patient(), task | {"status": "requested", "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}}))
    found = [step.status for document in device.chart().documents for step in document.steps.items]
    assert found == ["completed"]


def test_another_number_of_one_system_is_another_person_unless_all_else_agrees():
    """Two clinics number from one and know two people born on 1 January: one id makes them nobody's same."""

    def person(name: str, number: str, born: str = "1980-01-01"):
        return fact("identity", name=name, birth_date=born, identifiers=[{"system": "urn:nid", "value": number}])

    assert not same_person(person("Ana", "1"), person("Eva", "2"))
    assert not same_person(person("Ana", "1"), person("Ana", "2", "1950-02-02"))
    assert same_person(person("Ana", "1"), person("Ana", "2"))
