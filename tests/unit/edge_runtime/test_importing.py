"""Importing FHIR into charts: once is as good as twice, here or on another device, and every refusal is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import importing as module
from edge_runtime.errors import RefusedError, StoreError
from edge_runtime.importing import INDEX, ImportReport, import_charts
from edge_runtime.opened import OpenChart
from sync_protocol.audit import Purpose
from sync_protocol.ids import ChartId
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact, settle
from tests.unit.edge_runtime.fhir.inputs import allergy, condition, order, patient, pulse, visit
from tests.unit.edge_runtime.fhir.order_inputs import activity, care_plan, report, specimen

KEPT_APART: dict[str, Any] = {
    "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}
}


@pytest.fixture(name="device")
def fixture_device(clinic: Clinic) -> Device:
    """A physician's device."""
    return clinic.device(Role.PHYSICIAN)


def _import(device: Device, folder: Path, *resources: dict[str, Any], name: str = "in.ndjson") -> ImportReport:
    file = folder / name
    file.write_text("\n".join(map(json.dumps, resources)), encoding="utf-8")
    return import_charts(device.charts, [file])


def _kinds(device: Device, chart: ChartId) -> list[str]:
    opened = device.charts.open(chart)
    return sorted(one.fact.kind for document in opened.documents.values() for one in document.facts)


def test_a_file_becomes_a_chart_with_a_document_for_each_encounter(device: Device, tmp_path: Path):
    """Patient, allergies and medications stand in the chart document, a visit and its findings in one of their own."""
    told: list[tuple[int, int]] = []
    file = tmp_path / "in.ndjson"
    inside = pulse(encounter={"reference": "Encounter/v1"})
    file.write_text("\n".join(map(json.dumps, (patient(), visit(), allergy(), order(), inside))))
    report = import_charts(device.charts, [file], progress=lambda done, of: told.append((done, of)))
    (chart,) = device.keyring.charts()
    opened = device.charts.open(chart)
    assert [state.workflow_type for state in opened.states()] == ["chart", "encounter"]
    assert [len(state.observations) for state in opened.states()] == [0, 1]
    assert [len(opened.state.allergies.items), len(opened.state.medications)] == [1, 1]
    assert (report.charts_new, report.refused) == (1, [])
    assert told == [(1, 1)]
    answer = report.to_json()
    assert answer["new"] == {"charts": 1, "entries": report.entries_new}
    assert answer["refused"] == []


def test_importing_again_changes_nothing(device: Device, tmp_path: Path):
    """The same file, another name, another order, compressed, after a restart: not one entry more."""
    resources = [patient(), visit(), allergy(), order(), pulse()]
    first = _import(device, tmp_path, *resources)
    assert first.entries_new > 0
    size, values = device.store.size(), device.store.values()
    for again in range(2):
        report = _import(device, tmp_path, *reversed(resources), name=f"again{again}.ndjson")
        assert (report.charts_new, report.entries_new) == (0, 0)
        device.restart()
    packed = tmp_path / "in.json.gz"
    entries = [{"resource": resource} for resource in resources]
    packed.write_bytes(
        gzip.compress(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode())
    )
    report = import_charts(device.charts, [packed])
    assert (report.charts_new, report.entries_new) == (0, 0)
    assert (device.store.size(), device.store.values()) == (size, values)


def test_a_changed_resource_supersedes_what_it_said(device: Device, tmp_path: Path):
    """A new version replaces the old statement and stands in its document; what is new beside it is added."""
    _import(device, tmp_path, patient(), visit(), pulse(encounter={"reference": "Encounter/v1"}))
    report = _import(device, tmp_path, patient(), visit(status="finished"), condition())
    assert (report.charts_new, report.refused) == (0, [])
    assert report.entries_new > 0
    (chart,) = device.keyring.charts()
    opened = device.charts.open(chart)
    assert len(opened.documents) == 2
    (encounter,) = [state for state in opened.states() if state.workflow_type == "encounter"]
    assert encounter.status.value == "completed"
    assert not encounter.status.disputed
    assert len(opened.state.problems) == 1
    assert _import(device, tmp_path, visit(status="finished"), patient(), condition()).entries_new == 0


def test_another_device_that_synced_finds_the_chart(clinic: Clinic, device: Device, tmp_path: Path):
    """What was imported elsewhere is recognised by what it says of itself: no second chart, and no entry."""
    nurse = clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    resources = [patient(), visit(), allergy()]
    _import(device, tmp_path, *resources)
    (chart,) = device.keyring.charts()
    device.charts.share(chart, nurse.id)
    settle(relay, device, nurse)
    report = _import(nurse, tmp_path, *resources)
    assert (report.charts_new, report.entries_new) == (0, 0)
    assert nurse.keyring.charts() == [chart]
    report = _import(nurse, tmp_path, *resources, order())
    assert (report.charts_new, report.refused) == (0, [])
    settle(relay, device, nurse)
    assert len(device.charts.open(chart).state.medications) == 1
    assert _import(device, tmp_path, *resources, order()).entries_new == 0


def test_a_chart_that_comes_bit_by_bit_is_looked_at_until_it_is_found(clinic: Clinic, device: Device, tmp_path: Path):
    """A look at half a chart must not settle the question for ever."""
    other = clinic.device(Role.PHYSICIAN)
    _import(device, tmp_path, patient(), allergy())
    (chart,) = device.keyring.charts()
    device.charts.share(chart, other.id)
    entries = [arrived.entry for arrived in device.store.arrivals(after=0, limit=1000)]
    control = [entry for entry in entries if entry.header.epoch is None]
    content = [entry for entry in entries if entry.header.epoch is not None]
    carry(device, other, control)
    other.restart()
    assert module._Index(other.charts).find(_key(device)) is None
    other.charts.add_facts(chart, other.charts.open(chart).membership.chart_document, [fact("priority", to="urgent")])
    assert module._Index(other.charts).find(_key(device)) is None
    carry(device, other, content)
    assert module._Index(other.charts).find(_key(device)) == chart
    assert module._Index(other.restart().charts).find(_key(device)) == chart
    assert _import(other, tmp_path, patient(), allergy()).entries_new == 0


def _key(device: Device) -> str:
    (name,) = device.store.values(INDEX)
    return name.removeprefix(INDEX)


def test_a_chart_made_by_hand_is_left_alone(device: Device, tmp_path: Path):
    """A chart that no import made has no key; the import makes one of its own, and looks at the other once."""
    by_hand, _ = device.charts.create([fact("identity", name="Péter Núñez")], workflow=None)
    _import(device, tmp_path, patient())
    assert len(device.keyring.charts()) == 2
    opened: list[ChartId] = []
    open_chart = device.charts.open

    def noted(chart: ChartId, *, purpose: Purpose = Purpose.TREATMENT) -> OpenChart:
        opened.append(chart)
        return open_chart(chart, purpose=purpose)

    device.charts.open = noted
    module._Index(device.charts)
    assert by_hand not in opened
    assert module._Index(device.charts).find(_key(device)) != by_hand


def test_what_a_role_may_not_read_is_refused_and_the_rest_imported(clinic: Clinic, tmp_path: Path):
    """A nurse's import of a resource that is kept apart is told by record; everything else is there."""
    nurse = clinic.device(Role.NURSE)
    report = _import(nurse, tmp_path, patient(), allergy(), pulse(**KEPT_APART))
    assert [(one.record, "sensitive" in one.reason) for one in report.refused] == [("in.ndjson:3", True)]
    assert len(report.to_json()["refused"]) == 1  # type: ignore[arg-type]
    (chart,) = nurse.keyring.charts()
    kinds = _kinds(nurse, chart)
    assert "allergy" in kinds
    assert "observation" not in kinds
    again = _import(nurse, tmp_path, patient(), allergy(), pulse(**KEPT_APART))
    assert (again.charts_new, again.entries_new, len(again.refused)) == (0, 0, 1)


def test_a_closed_encounter_is_refused_with_what_is_in_it(clinic: Clinic, tmp_path: Path):
    """Without the resource that opens it there is no document, so its findings are refused by name as well."""
    nurse = clinic.device(Role.NURSE)
    inside = pulse(encounter={"reference": "Encounter/v1"})
    report = _import(nurse, tmp_path, patient(), visit(**KEPT_APART), inside)
    assert sorted(one.record for one in report.refused) == ["in.ndjson:2", "in.ndjson:3"]
    (chart,) = nurse.keyring.charts()
    assert len(nurse.charts.open(chart).documents) == 1


def test_a_patient_who_is_kept_apart_is_refused_whole(clinic: Clinic, tmp_path: Path):
    """A chart that could not be found again is not made; other patients of the file are."""
    nurse = clinic.device(Role.NURSE)
    open_patient = patient(id="paula", name=[{"text": "Paula"}])
    report = _import(nurse, tmp_path, patient(**KEPT_APART), allergy(), open_patient)
    assert (report.charts_new, len(report.refused)) == (1, 1)
    assert len(nurse.keyring.charts()) == 1


def test_a_role_without_charts_imports_nothing(clinic: Clinic, tmp_path: Path):
    """An administrator's device refuses at once."""
    with pytest.raises(RefusedError) as refusal:
        _import(clinic.device(Role.ADMIN), tmp_path, patient())
    assert refusal.value.code == "role_reads_no_chart"


def test_another_person_under_the_same_id_is_refused(device: Device, tmp_path: Path):
    """Nobody's chart is updated by what looks like somebody else; the report says so."""
    _import(device, tmp_path, patient())
    other = patient(name=[{"text": "Quite Different"}], birthDate="2001-01-01")
    report = _import(device, tmp_path, other)
    assert (report.entries_new, len(report.refused)) == (0, 1)
    assert report.refused[0].path == "Patient.id"


def test_files_that_cannot_be_read_are_reported_and_the_others_imported(device: Device, tmp_path: Path):
    """A missing file, a folder, nonsense, a cut archive: each is named; the good one is imported."""
    good = tmp_path / "good.json"
    good.write_text(json.dumps(patient()))
    bad = tmp_path / "bad.json"
    bad.write_bytes(b"\xff\x00{")
    cut = tmp_path / "cut.json.gz"
    cut.write_bytes(gzip.compress(json.dumps(allergy()).encode())[:20])
    empty = tmp_path / "empty.json"
    empty.touch()
    report = import_charts(device.charts, [tmp_path / "missing.json", tmp_path, bad, cut, empty, good])
    refused = [one["record"] for one in report.to_json()["refused"]]  # type: ignore[attr-defined]
    assert sorted(refused) == sorted(["missing.json", tmp_path.name, "bad.json", "cut.json.gz", "empty.json"])
    assert report.charts_new == 1
    assert import_charts(device.charts, []).entries_new == 0


def test_a_chart_over_one_seal_is_recorded_in_parts(device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Many encounters take several transactions, none over the limit, and importing again is still nothing."""
    monkeypatch.setattr(module, "SEAL_ENTRIES_MAX", 20)
    monkeypatch.setattr(module, "_ROOM", 10)
    visits = [visit(id=f"v{number}") for number in range(12)]
    _import(device, tmp_path, patient(), *visits)
    (chart,) = device.keyring.charts()
    assert len(device.charts.open(chart).documents) == 13
    sizes = [seal.value.size for seal in device.store.seals_from(device.identity.session.value.session, 0, limit=99)]
    assert len(sizes) > 2
    assert max(sizes) <= 20
    assert _import(device, tmp_path, patient(), *visits).entries_new == 0


def test_an_import_that_is_cut_goes_on_the_next_time(device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the disk fills up between two parts, the next import adds what is missing and nothing twice."""
    monkeypatch.setattr(module, "SEAL_ENTRIES_MAX", 20)
    monkeypatch.setattr(module, "_ROOM", 10)
    visits = [visit(id=f"v{number}") for number in range(12)]
    write, left = device.recorder.write, [2]

    def fail(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise StoreError("disk_full", expected="room", got="none", do="free some")
        return write(*arguments, **options)

    monkeypatch.setattr(device.recorder, "write", fail)
    with pytest.raises(StoreError):
        _import(device, tmp_path, patient(), *visits)
    monkeypatch.setattr(device.recorder, "write", write)
    report = _import(device, tmp_path, patient(), *visits)
    assert (report.charts_new, report.refused) == (0, [])
    (chart,) = device.keyring.charts()
    opened = device.charts.open(chart)
    assert sum(state.workflow_type == "encounter" for state in opened.states()) == 12
    assert _import(device, tmp_path, patient(), *visits).entries_new == 0


def test_entries_are_filled_up_and_never_over(device: Device, tmp_path: Path):
    """Long resources are cut to entries that travel; what belongs to one compartment stands together."""
    long = condition(note=[{"text": "x" * 200_000}])
    report = _import(device, tmp_path, patient(), long, *(allergy(id=f"a{number}") for number in range(40)))
    assert report.refused == []
    (chart,) = device.keyring.charts()
    assert not any(document.unread for document in device.charts.open(chart).documents.values())
    assert report.entries_new < 20
    clinical = [
        arrived.entry for arrived in device.store.arrivals(after=0, limit=999) if arrived.entry.header.epoch is not None
    ]
    assert max(len(entry.body) for entry in clinical) > 100_000
    assert Compartment.SAFETY


def test_what_a_role_may_not_state_of_an_order_is_refused_once(clinic: Clinic, tmp_path: Path):
    """An administrator opens the document of a plan with its steps, and of a report all but its conclusion."""
    device = clinic.device(Role.CLINICAL_ADMIN)
    finding = report(conclusion="High cholesterol")
    listed = _import(device, tmp_path, patient(), care_plan(activity("Walk", "completed")), finding, specimen())
    reasons = [(one.record, one.reason.partition("; ")[0]) for one in listed.refused]
    assert reasons == [
        ("in.ndjson:4", "expected a device whose role states facts of kind specimen"),
        ("in.ndjson:3", "expected a device whose role states facts of kind observation"),
    ]
    (chart,) = device.keyring.charts()
    states = device.charts.open(chart).states()
    assert [state.workflow_type for state in states] == ["chart", "care_plan", "lab_order"]
    assert [step.status.value for state in states for step in state.steps.items] == ["completed"]
    assert [len(state.observations) for state in states] == [0, 0, 0]


def test_a_version_that_is_only_kept_takes_nothing_back_and_is_told(device: Device, tmp_path: Path):
    """What an earlier version stated stands on; who imports is told to look, once."""
    _import(device, tmp_path, patient(), order())
    newer = order(meta={"lastUpdated": "2030-01-01T00:00:00Z"}, doNotPerform=True)
    report = _import(device, tmp_path, patient(), newer)
    (told,) = [one for one in report.refused if "still stands" in one.reason]
    assert told.record == "in.ndjson:2"
    (chart,) = device.keyring.charts()
    assert [item.status for item in device.charts.open(chart).state.medications] == ["active"]
    assert not _import(device, tmp_path, patient(), newer).refused


@pytest.mark.parametrize("made", [order, allergy])
def test_what_was_in_dispute_elsewhere_says_so(device: Device, tmp_path: Path, made: Any):
    """An export marks what nobody has decided; who imports it reads that in its reason."""
    url = "https://fieldward.org/fhir/StructureDefinition/unresolved"
    _import(device, tmp_path, patient(), made(extension=[{"url": url, "valueReference": {"display": "a review"}}]))
    (chart,) = device.keyring.charts()
    opened = device.charts.open(chart)
    reasons = [one.fact.payload.get("reason") for found in opened.documents.values() for one in found.facts]
    assert "in dispute at the source" in [reason for reason in reasons if reason]
