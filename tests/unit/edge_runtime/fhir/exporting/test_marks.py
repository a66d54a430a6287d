"""What nobody has decided, or vouches for, is exported so that no receiver takes it for sound."""

from __future__ import annotations

from typing import Any

from edge_runtime.fhir.exporting.marks import INCOMPLETE
from edge_runtime.fhir.importing.stated import UNRESOLVED_EXTENSION
from tests.unit.edge_runtime.fhir.exporting.scenes import ENCOUNTER, QUARANTINED, Paper

UNVERIFIED = "UNCERTREL"


def _disputed(paper: Paper) -> None:
    paper.state("identity", name="Ana Lima")
    first = paper.state("medication", text="Warfarin", action="start", dose="5", unit="mg")
    paper.state("medication", replaces=[first], text="Warfarin", action="change", dose="3", unit="mg")
    paper.state("medication", replaces=[first], unseen=True, text="Warfarin", action="stop")


def _security(resource: dict[str, Any]) -> list[str]:
    return [one["code"] for one in resource["meta"].get("security", ())]


def test_a_medication_in_dispute_is_unknown_without_a_dose_for_machines(paper: Paper) -> None:
    """Status unknown, a note with every line, no dosage; the issue names it, the list is incomplete."""
    _disputed(paper)
    found = paper.only("MedicationRequest")
    assert found["status"] == "unknown"
    assert "dosageInstruction" not in found
    assert "3 mg" in found["note"][-1]["text"]
    assert "stopped" in found["note"][-1]["text"]
    issue = paper.only("DetectedIssue")
    assert (issue["status"], issue["severity"]) == ("preliminary", "high")
    assert issue["implicated"] == [{"reference": f"urn:uuid:{found['id']}"}]
    assert {"url": UNRESOLVED_EXTENSION, "valueReference": {"reference": f"urn:uuid:{issue['id']}"}} in found[
        "extension"
    ]
    (medications,) = [one for one in paper.all("List") if one["title"] == "Medications"]
    assert {"url": INCOMPLETE, "valueBoolean": True} in medications["extension"]
    assert "INCOMPLETE" in medications["note"][0]["text"]
    assert medications["entry"]


def test_an_imported_medication_in_dispute_loses_its_dosage_too(paper: Paper) -> None:
    """Two heads beside each other, one of them imported: its status becomes unknown, and its dose is no dose."""
    patient = {"resourceType": "Patient", "id": "p1", "name": [{"text": "Ana Lima"}]}
    order = {
        "resourceType": "MedicationStatement", "id": "m1", "status": "active", "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "Warfarin"}, "category": {"text": "kept"},
        "dosage": [{"doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}]}],
    }  # fmt: skip
    paper.take_in(patient, order)
    paper.state("medication", unseen=True, text="Warfarin", action="start", dose="3", unit="mg")
    imported = next(one for one in paper.all("MedicationStatement") if one.get("id") == "m1")
    assert (imported["status"], imported["category"]) == ("unknown", {"text": "kept"})
    assert "dosage" not in imported
    assert {one["status"] for one in paper.all("MedicationRequest")} == {"unknown"}


def test_what_is_settled_is_not_marked(paper: Paper) -> None:
    """A chart without open reviews has no DetectedIssue, no mark, and lists that say nothing of being incomplete."""
    paper.state("identity", name="Ana Lima")
    paper.state("medication", text="Warfarin", action="start", dose="5", unit="mg")
    assert not paper.all("DetectedIssue")
    assert "extension" not in paper.only("MedicationRequest")
    assert "extension" not in paper.only("List")


def test_unverified_statements_are_never_exported_as_sound(paper: Paper) -> None:
    """Quarantined facts go out with the security label for it, and with the status that the type has for doubt."""
    paper.state("identity", name="Ana Lima")
    paper.state("document", document=ENCOUNTER, schema=1, workflow_type="encounter")
    paper.state("allergy", verdict=QUARANTINED, text="Latex", verification="confirmed")
    paper.state("diagnosis", verdict=QUARANTINED, text="Asthma", certainty="confirmed")
    paper.state("medication", verdict=QUARANTINED, text="Warfarin", action="start", dose="5", unit="mg")
    paper.state("observation", verdict=QUARANTINED, document=ENCOUNTER, code="8867-4", text="Heart rate", value="72")
    paper.state("procedure", verdict=QUARANTINED, document=ENCOUNTER, text="Suture")
    allergy, condition = paper.only("AllergyIntolerance"), paper.only("Condition")
    medication, observation = paper.only("MedicationRequest"), paper.only("Observation")
    assert allergy["verificationStatus"]["coding"][0]["code"] == "unconfirmed"
    assert condition["verificationStatus"]["coding"][0]["code"] == "unconfirmed"
    assert (medication["status"], observation["status"]) == ("unknown", "preliminary")
    assert all(_security(one) == [UNVERIFIED] for one in (allergy, condition, medication, observation))
    assert not paper.all("Procedure")  # only its review shows it
    assert all("INCOMPLETE" in one["note"][0]["text"] for one in paper.all("List"))


def test_corrections_that_differ_are_exported_without_a_value(paper: Paper) -> None:
    """One Observation, unknown, with both in its note; a receiver cannot take one of them for the result."""
    paper.state("identity", name="Ana Lima")
    first = paper.state("observation", code="8867-4", text="Heart rate", value="72", unit="/min")
    paper.state("observation", replaces=[first], code="8867-4", text="Heart rate", value="27", unit="/min")
    paper.state("observation", replaces=[first], unseen=True, code="8867-4", text="Heart rate", value="92", unit="/min")
    found = paper.only("Observation")
    assert found["status"] == "unknown"
    assert "valueQuantity" not in found
    assert all(number in found["note"][-1]["text"] for number in ("27", "92"))
    assert found["dataAbsentReason"]["coding"][0]["code"] == "unknown"


def test_a_correction_keeps_the_id_of_what_it_corrects(paper: Paper) -> None:
    """An amended observation is the same resource with status corrected."""
    paper.state("identity", name="Ana Lima")
    first = paper.state("observation", code="8867-4", text="Heart rate", value="72", unit="/min")
    before = paper.only("Observation")
    paper.state("observation", replaces=[first], code="8867-4", text="Heart rate", value="27", unit="/min")
    after = paper.only("Observation")
    assert (before["id"], before["status"]) == (after["id"], "final")
    assert (after["status"], after["valueQuantity"]["value"]) == ("corrected", "27")


def test_a_rejected_result_is_entered_in_error(paper: Paper) -> None:
    """A laboratory result that a second person rejected does not leave as final."""
    paper.state("identity", name="Ana Lima")
    paper.state("document", document=ENCOUNTER, schema=1, workflow_type="encounter")
    result = paper.state("observation", document=ENCOUNTER, code="718-7", text="Hb", value="7.1", unit="g/dL")
    paper.state("validation", document=ENCOUNTER, observation=str(result), to="rejected")
    assert paper.only("Observation")["status"] == "entered-in-error"


def test_statuses_that_contradict_each_other_are_unknown(paper: Paper) -> None:
    """Completed beside cancelled: the Encounter's status is unknown, and an issue says so."""
    paper.state("identity", name="Ana Lima")
    paper.state("document", document=ENCOUNTER, schema=1, workflow_type="encounter")
    first = paper.state("status", document=ENCOUNTER, to="active")
    paper.state("status", document=ENCOUNTER, replaces=[first], to="completed")
    paper.state("status", document=ENCOUNTER, replaces=[first], unseen=True, to="cancelled")
    assert paper.only("Encounter")["status"] == "unknown"
    assert paper.only("DetectedIssue")["code"]["coding"][0]["code"] == "status"


def test_a_duplicate_is_linked_and_no_more_than_that(paper: Paper) -> None:
    """Another chart of the same patient is a link of the Patient; taken back, it is none."""
    paper.state("identity", name="Ana Lima")
    link = paper.state("link", relation="same_patient", chart="ab" * 16)
    other = {"type": "Patient", "identifier": {"system": "urn:fieldward:chart", "value": "ab" * 16}}
    assert paper.only("Patient")["link"] == [{"other": other, "type": "seealso"}]
    paper.state("link", replaces=[link], relation="not_same_patient", chart="ab" * 16)
    assert "link" not in paper.only("Patient")


def test_each_statement_has_a_provenance_that_can_be_proven(paper: Paper) -> None:
    """Target, author, role, organisation, and the hash of the signed entry."""
    paper.state("identity", name="Ana Lima")
    allergy = paper.state("allergy", role="nurse", text="Latex")
    target = {"reference": f"urn:uuid:{paper.only('AllergyIntolerance')['id']}"}
    (found,) = [one for one in paper.all("Provenance") if target in one["target"]]
    assert found["entity"] == [
        {"role": "source", "what": {"identifier": {"system": "urn:fieldward:entry", "value": str(allergy.entry)}}}
    ]
    person = found["agent"][0]
    assert person["type"]["coding"][0]["code"] == "author"
    assert person["role"][0]["coding"][0]["code"] == "nurse"
    assert person["onBehalfOf"]["identifier"]["system"] == "urn:fieldward:organisation"


def test_an_imported_resource_says_who_took_it_in(paper: Paper) -> None:
    """The Provenance of what came by import names the person as enterer, never as author, and the source."""
    paper.take_in({"resourceType": "Patient", "id": "p1", "name": [{"text": "Ana Lima"}]})
    found = paper.only("Provenance")
    assert [one["type"]["coding"][0]["code"] for one in found["agent"] if "type" in one] == ["enterer"]
    assert found["entity"][1] == {
        "role": "quotation", "what": {"identifier": {"system": "urn:fieldward:imported", "value": "Patient/p1"}},
    }  # fmt: skip
