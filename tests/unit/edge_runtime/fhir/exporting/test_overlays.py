"""What was stated since an import lies over the imported resource, and nothing else of it changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.edge_runtime.fhir.exporting.scenes import CHART, Paper, read_back

TERMS = "http://terminology.hl7.org/CodeSystem/"
EXTENSION = {"url": "https://example.org/x", "valueString": "kept"}
PATIENT = {
    "resourceType": "Patient", "id": "p1", "extension": [EXTENSION], "name": [{"family": "Lima", "given": ["Ana"]}],
    "identifier": [{"system": "urn:oid:1.2", "value": "17", "assigner": {"display": "Clinic"}}],
}  # fmt: skip
ALLERGY = {
    "resourceType": "AllergyIntolerance", "id": "a1",
    "meta": {"versionId": "7", "lastUpdated": "2020-01-01T00:00:00Z", "profile": ["https://example.org/p"]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">mild</div>'},
    "extension": [EXTENSION],
    "clinicalStatus": {"coding": [{"system": TERMS + "allergyintolerance-clinical", "code": "active"}]},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "1003755004"}, {"system": "urn:x:l", "code": "L"}],
             "text": "Latex"},
    "patient": {"reference": "Patient/p1"}, "criticality": "high",
    "reaction": [{"manifestation": [{"text": "Hives"}], "severity": "mild"}],
}  # fmt: skip
ORDER = {
    "resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order",
    "medicationCodeableConcept": {"text": "Warfarin", "coding": [{"system": "urn:x:l", "code": "W"}]},
    "subject": {"reference": "Patient/p1"}, "dispenseRequest": {"numberOfRepeatsAllowed": 3},
    "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}]}],
}  # fmt: skip
RESULT = {
    "resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "Haemoglobin"},
    "subject": {"reference": "Patient/p1"}, "valueQuantity": {"value": 7.1, "unit": "g/dL"},
    "interpretation": [{"text": "low"}], "performer": [{"display": "Laboratory"}],
}  # fmt: skip


def _head(paper: Paper, kind: str) -> Any:
    """The last statement of a kind."""
    return [fact for fact in paper.facts if fact.fact.kind == kind][-1].id


def test_a_severity_that_was_raised_is_laid_over_the_imported_allergy(paper: Paper) -> None:
    """The reaction says it; codes, criticality, extensions and profile stay, narrative and version of the source go."""
    paper.take_in(PATIENT, ALLERGY)
    paper.state("allergy", replaces=[_head(paper, "allergy")], text="Latex", severity="severe")
    found = paper.only("AllergyIntolerance")
    assert found["reaction"][0]["severity"] == "severe"
    assert {name: found[name] for name in ("id", "code", "criticality", "extension", "clinicalStatus")} == {
        name: ALLERGY[name] for name in ("id", "code", "criticality", "extension", "clinicalStatus")
    }
    meta = {"profile": ["https://example.org/p"], "source": f"urn:uuid:{_uuid()}"}
    assert found["meta"] == meta | {"lastUpdated": "2025-10-09T08:53:27.000Z"}
    assert "text" not in found
    revised = [one for one in paper.all("Provenance") if any(part["role"] == "revision" for part in one["entity"])]
    assert [one["target"] for one in revised] == [
        [{"reference": "https://fieldward.org/fhir/local/AllergyIntolerance/a1"}]
    ]


def test_a_refutation_of_an_imported_allergy_is_exported_as_one(paper: Paper) -> None:
    """A receiver that had the allergy learns that it was refuted; it is never left out."""
    paper.take_in(PATIENT, ALLERGY)
    paper.state("allergy", replaces=[_head(paper, "allergy")], text="Latex", verification="entered-in-error")
    found = paper.only("AllergyIntolerance")
    assert found["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in found  # ait-2


def test_a_dose_that_was_changed_replaces_the_dosage_and_nothing_else(paper: Paper) -> None:
    """The medication's own codes and the dispensing stay."""
    paper.take_in(PATIENT, ORDER)
    paper.state(
        "medication", replaces=[_head(paper, "medication")], text="Warfarin", action="change", dose="3.0", unit="mg"
    )
    found = paper.only("MedicationRequest")
    dose = {"value": "3.0", "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    assert found["dosageInstruction"] == [{"doseAndRate": [{"doseQuantity": dose}]}]
    assert found["medicationCodeableConcept"] == ORDER["medicationCodeableConcept"]
    assert found["dispenseRequest"] == {"numberOfRepeatsAllowed": "3"}
    assert found["status"] == "active"


def test_of_two_imported_orders_that_one_change_replaced_only_one_goes_on(paper: Paper) -> None:
    """A change of what two prescriptions said is never exported as two active prescriptions."""
    paper.take_in(PATIENT, ORDER, ORDER | {"id": "m2"})
    both = [fact.id for fact in paper.facts if fact.fact.kind == "medication"]
    paper.state("medication", replaces=both, text="Warfarin", action="change", dose="3", unit="mg")
    assert sorted(one["status"] for one in paper.all("MedicationRequest")) == ["active", "stopped"]


def test_a_corrected_result_loses_what_was_said_of_the_old_value(paper: Paper) -> None:
    """Status corrected, the new value with its digits; the interpretation of the old one goes, the laboratory stays."""
    paper.take_in(PATIENT, RESULT)
    paper.state(
        "observation",
        replaces=[_head(paper, "observation")],
        code="Haemoglobin",
        text="Haemoglobin",
        value="11.70",
        unit="g/dL",
    )
    found = paper.only("Observation")
    assert (found["status"], found["valueQuantity"]["value"]) == ("corrected", "11.70")
    assert "interpretation" not in found
    assert found["performer"] == [{"display": "Laboratory"}]


def test_a_stated_name_stands_before_the_imported_one(paper: Paper) -> None:
    """Both names go out; identifiers of the source stay as they came."""
    paper.take_in(PATIENT)
    paper.state("identity", replaces=[_head(paper, "identity")], name="Ana Souza", birth_date="1961-04-02",
                identifiers=[{"system": "urn:oid:1.2", "value": "17"}])  # fmt: skip
    found = paper.only("Patient")
    assert found["name"] == [{"text": "Ana Souza"}, *PATIENT["name"]]
    assert found["identifier"] == PATIENT["identifier"]
    assert found["birthDate"] == "1961-04-02"


def test_an_imported_encounter_that_was_finished_here_ends(paper: Paper) -> None:
    """The status changes, the class and the start of the source stay."""
    encounter = {
        "resourceType": "Encounter", "id": "e1", "status": "arrived", "subject": {"reference": "Patient/p1"},
        "class": {"system": TERMS + "v3-ActCode", "code": "HH"}, "period": {"start": "2026-01-01"},
    }  # fmt: skip
    paper.take_in(PATIENT, encounter)
    status = [fact for fact in paper.facts if fact.fact.kind == "status"][-1]
    paper.state("status", document=status.document, replaces=[status.id], to="completed")
    found = paper.only("Encounter")
    assert (found["status"], found["class"]["code"], found["period"]["start"]) == ("finished", "HH", "2026-01-01")


@pytest.mark.parametrize("status", ["planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled",
                                    "entered-in-error", "unknown"])  # fmt: skip
def test_each_of_the_nine_statuses_goes_out_as_it_came(paper: Paper, status: str) -> None:
    """An Encounter of which nothing was stated since keeps its status, also one that ours has no word for."""
    paper.take_in(PATIENT, {"resourceType": "Encounter", "id": "e1", "status": status,
                            "class": {"code": "AMB"}, "subject": {"reference": "Patient/p1"}})  # fmt: skip
    assert paper.only("Encounter")["status"] == status


def test_a_newer_version_is_what_goes_out(paper: Paper) -> None:
    """Of several imported versions the newest by the source's own time, in whatever order they came."""
    old = ORDER | {"meta": {"lastUpdated": "2020-01-01T00:00:00Z"}, "status": "on-hold"}
    new = ORDER | {"meta": {"lastUpdated": "2021-01-01T00:00:00Z"}}
    paper.take_in(PATIENT, new, old)
    assert paper.only("MedicationRequest")["status"] == "active"


def test_resources_of_a_patient_who_never_came_find_one(paper: Paper) -> None:
    """Where only a reference names the patient, the exported Patient has that id; nothing dangles."""
    paper.take_in(RESULT)
    assert paper.only("Patient")["id"] == "p1"
    plan = read_back(paper.written())
    assert (len(plan.charts), plan.charts[0].placeholder) == (1, False)


def _uuid() -> str:
    digits = CHART.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
