"""Nothing that goes out contradicts what was stated since: no report, no range and no status of the source."""

from __future__ import annotations

from typing import Any

import pytest

from edge_runtime.facts import FactId
from tests.unit.edge_runtime.fhir.exporting.scenes import Paper, read_back
from tests.unit.edge_runtime.fhir.inputs import Importer

PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"text": "Ana Lima"}]}
ANA = {"reference": "Patient/p1"}
NARRATIVE = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">7.1</div>'}
RESULT = {
    "resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "Haemoglobin"}, "subject": ANA,
    "text": NARRATIVE, "valueQuantity": {"value": 7.1, "unit": "g/dL"}, "interpretation": [{"text": "low"}],
    "referenceRange": [{"low": {"value": 12, "unit": "g/dL"}}], "issued": "2026-01-01T00:00:00Z",
}  # fmt: skip
REPORT = {
    "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "code": {"text": "Blood count"}, "subject": ANA,
    "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "HM"}]}],
    "text": NARRATIVE, "result": [{"reference": "Observation/o1"}], "conclusion": "No malignancy",
    "conclusionCode": [{"text": "none"}], "performer": [{"display": "Laboratory"}],
}  # fmt: skip
PROCEDURE = {
    "resourceType": "Procedure", "id": "s1", "status": "stopped", "code": {"text": "Appendectomy"}, "subject": ANA,
    "statusReason": {"text": "bleeding"},
}  # fmt: skip
ORDER = {
    "resourceType": "MedicationRequest", "id": "m1", "status": "on-hold", "intent": "order", "subject": ANA,
    "statusReason": {"text": "surgery"}, "contained": [{"resourceType": "Medication", "id": "med",
                                                        "code": {"text": "Warfarin"}}],
    "medicationReference": {"reference": "#med"},
}  # fmt: skip


def _last(paper: Paper, kind: str, **said: Any) -> Any:
    found = [fact for fact in paper.facts if fact.fact.kind == kind]
    return [one for one in found if said.items() <= one.fact.payload.items()][-1]


def _correct(paper: Paper, **said: Any) -> FactId:
    before = _last(paper, "observation", text="Haemoglobin")
    return paper.state(
        "observation", document=before.document, replaces=[before.id], text="Haemoglobin", code="Haemoglobin", **said
    )


def _judge(paper: Paper, **said: Any) -> None:
    result = _last(paper, "observation", text="Haemoglobin")
    paper.state("validation", document=result.document, observation=str(result.id), **said)


def test_an_imported_result_that_was_rejected_goes_out_as_an_error(paper: Paper) -> None:
    """The laboratory's `final` is not repeated; the value and what stands beside it stay as they came."""
    paper.take_in(PATIENT, RESULT)
    _judge(paper, to="rejected", reason="haemolysed")
    found = paper.only("Observation")
    assert (found["status"], found["valueQuantity"]["value"]) == ("entered-in-error", "7.1")
    assert found["issued"] == RESULT["issued"]


def test_an_imported_result_that_was_validated_goes_out_as_it_came(paper: Paper) -> None:
    """That a second person stands by it changes no word of it."""
    paper.take_in(PATIENT, RESULT)
    _judge(paper, to="validated")
    found = paper.only("Observation")
    assert (found["status"], found["text"]) == ("final", NARRATIVE)


@pytest.mark.parametrize(("said", "kept"), [({"value": "71", "unit": "g/L"}, False),
                                            ({"value": "11.7", "unit": "g/dL"}, True),
                                            ({"finding": "clotted"}, False)])  # fmt: skip
def test_the_range_of_a_result_stays_only_while_its_unit_does(
    paper: Paper, said: dict[str, str], *, kept: bool
) -> None:
    """71 beside a range of 12 and more would read as high; 11.7 g/dL is still judged by the laboratory's own range."""
    paper.take_in(PATIENT, RESULT)
    _correct(paper, **said)
    assert ("referenceRange" in paper.only("Observation")) is kept


def test_another_code_takes_interpretation_and_range_with_it(paper: Paper) -> None:
    """They were said of the other measurement."""
    paper.take_in(PATIENT, RESULT)
    paper.state("observation", replaces=[_last(paper, "observation").id], text="Haematocrit", code="Haematocrit",
                value="7.1", unit="g/dL")  # fmt: skip
    found = paper.only("Observation")
    assert not {"interpretation", "referenceRange"} & found.keys()


def test_a_report_whose_result_was_corrected_here_says_so(paper: Paper) -> None:
    """Its narrative shows the old value, so it goes; `final` becomes `corrected`."""
    paper.take_in(PATIENT, RESULT, REPORT)
    _correct(paper, value="11.7", unit="g/dL")
    found = next(one for one in paper.all("DiagnosticReport") if one["id"] == "r1")
    assert (found["status"], "text" in found) == ("corrected", False)
    assert (found["conclusion"], found["performer"]) == ("No malignancy", REPORT["performer"])


def test_a_report_whose_result_was_rejected_here_says_so(paper: Paper) -> None:
    """Nobody reads `final` over a result that is an error."""
    paper.take_in(PATIENT, RESULT, REPORT)
    _judge(paper, to="rejected", reason="haemolysed")
    found = next(one for one in paper.all("DiagnosticReport") if one["id"] == "r1")
    assert found["status"] == "corrected"


def test_a_conclusion_that_was_corrected_here_stands_in_the_report(paper: Paper) -> None:
    """Not beside the old one, as an observation of its own."""
    paper.take_in(PATIENT, RESULT, REPORT)
    before = _last(paper, "observation", finding="No malignancy")
    paper.state("observation", document=before.document, replaces=[before.id], text="Blood count", code="Blood count",
                finding="Blasts")  # fmt: skip
    found = next(one for one in paper.all("DiagnosticReport") if one["id"] == "r1")
    assert (found["conclusion"], found["status"], "conclusionCode" in found) == ("Blasts", "corrected", False)
    assert [one["id"] for one in paper.all("Observation")] == ["o1"]


@pytest.mark.parametrize(("to", "status"), [("error", "entered-in-error"), ("cancelled", "cancelled")])
def test_a_report_that_was_taken_back_here_is_exported_so(paper: Paper, to: str, status: str) -> None:
    """A report of the wrong patient never leaves as final."""
    paper.take_in(PATIENT, RESULT, REPORT)
    before = _last(paper, "status", to="completed")
    paper.state("status", document=before.document, replaces=[before.id], to=to)
    assert next(one["status"] for one in paper.all("DiagnosticReport") if one["id"] == "r1") == status


def test_a_composition_that_was_taken_back_here_is_exported_so(paper: Paper) -> None:
    """A letter about somebody else never leaves as final."""
    letter = {"resourceType": "Composition", "id": "c1", "status": "final", "title": "Letter", "subject": ANA,
              "type": {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]}, "date": "2026-01-01",
              "author": [{"display": "Dr"}], "text": NARRATIVE}  # fmt: skip
    paper.take_in(PATIENT, letter)
    before = _last(paper, "status", to="completed")
    paper.state("status", document=before.document, replaces=[before.id], to="error")
    found = paper.only("Composition")
    assert (found["status"], found["title"]) == ("entered-in-error", "Letter")


def test_a_stopped_procedure_is_never_exported_as_completed(paper: Paper) -> None:
    """Somebody adds when it was done; that it was broken off stays."""
    paper.take_in(PATIENT, PROCEDURE)
    paper.state("procedure", replaces=[_last(paper, "procedure").id], text="Appendectomy", performed="2026-01-01")
    found = paper.only("Procedure")
    assert (found["status"], found["performedDateTime"]) == ("stopped", "2026-01-01")
    assert found["statusReason"] == {"text": "bleeding"}


def test_a_new_status_of_an_order_does_not_keep_the_reason_of_the_old_one(paper: Paper) -> None:
    """Held for surgery, and given again: the reason goes, and so does a contained medication that nothing names."""
    paper.take_in(PATIENT, ORDER)
    paper.state("medication", replaces=[_last(paper, "medication").id], text="Heparin", action="change", dose="5",
                unit="mg")  # fmt: skip
    found = paper.only("MedicationRequest")
    assert (found["status"], found["medicationCodeableConcept"]) == ("active", {"text": "Heparin"})
    assert not {"statusReason", "contained", "medicationReference"} & found.keys()


def test_an_older_export_that_arrives_later_revives_nothing_elsewhere(paper: Paper) -> None:
    """Two sticks in the wrong order: a receiver that has the stopped medication keeps it stopped."""
    first = paper.state("medication", text="Warfarin", action="start", dose="5", unit="mg")
    monday = paper.written()
    paper.state("medication", replaces=[first], text="Warfarin", action="stop")
    tuesday = paper.written()
    elsewhere = Importer()
    elsewhere.take(read_back(tuesday))
    elsewhere.take(read_back(monday))
    assert [item.status for item in elsewhere.chart().medications] == ["stopped"]
    assert elsewhere.take(read_back(monday)) == elsewhere.take(read_back(tuesday)) == []


def test_a_clock_that_is_behind_makes_no_overlay_older_than_its_source(paper: Paper) -> None:
    """Else the source's own copy would win over what was stated here."""
    paper.take_in(PATIENT, RESULT | {"meta": {"lastUpdated": "2099-01-01T00:00:00Z"}})
    _correct(paper, value="11.7", unit="g/dL")
    assert paper.only("Observation")["meta"]["lastUpdated"] == "2099-01-01T00:00:00Z"
