"""Plans, orders, specimens, reports and steps as FHIR: valid, and the same facts again where they are imported."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.clinical.layout import Priority, Status, StepStatus, WorkflowType
from edge_runtime.exporting import scene_of
from edge_runtime.facts import Fact, FactId
from edge_runtime.fhir.exporting.bundles import Form, bundle
from edge_runtime.fhir.exporting.charts import resources
from edge_runtime.fhir.exporting.orders import PRIORITY, REQUEST
from edge_runtime.fhir.exporting.scene import Made
from edge_runtime.fhir.exporting.steps import ACTIVITY, TASK
from edge_runtime.fhir.exporting.writing import to_text
from edge_runtime.fhir.importing.laboratory_facts import STATION_EXTENSION
from edge_runtime.fhir.importing.order_facts import ACTIVITY_STATUS, PRIORITIES, REQUEST_STATUS
from edge_runtime.fhir.importing.step_facts import STEP_EXTENSION, TASK_STATUS
from edge_runtime.fhir.validation.validator import Validator, open_validator
from edge_runtime.importing import ImportReport, import_charts
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic, Device, fact
from tests.unit.edge_runtime.fhir.inputs import examples, patient, pulse, visit
from tests.unit.edge_runtime.fhir.order_inputs import activity, care_plan, report, request, specimen, task, to

NOT_TOLD = frozenset({"source", "validation"})
"""Kinds of fact that an export carries in another form: what was imported, and what was said of a result."""


@pytest.fixture(name="device")
def fixture_device(clinic: Clinic) -> Device:
    """A physician's device."""
    return clinic.device(Role.PHYSICIAN)


@cache
def validator() -> Validator:
    """Opened once: its tables take a while."""
    return open_validator()


def made_of(device: Device, chart: ChartId) -> list[Made]:
    """Every resource of a chart; each valid by our own validator."""
    made = resources(scene_of(device.charts.open(chart), device.identity, now_ms=device.clinic.clock()))
    for one in made:
        problems = validator().resource(to_text(one.content).encode())
        assert not [problem for problem in problems if problem.invalidates], one.type
    return made


def given_out(device: Device, chart: ChartId) -> dict[str, dict[str, Any]]:
    """The exported resources as plain JSON, by type and id."""
    plain = [json.loads(to_text(one.content)) for one in made_of(device, chart)]
    return {f"{one['resourceType']}/{one['id']}": one for one in plain}


def of_type(device: Device, chart: ChartId, type_: str) -> list[dict[str, Any]]:
    """The exported resources of one type."""
    return [one for one in given_out(device, chart).values() if one["resourceType"] == type_]


def add(device: Device, chart: ChartId, document: DocumentId, *facts: Fact) -> FactId:
    """State facts; the id of the first."""
    return FactId(device.charts.add_facts(chart, document, facts)[-1].hash, 0)


def take(device: Device, folder: Path, *listed: dict[str, Any]) -> ImportReport:
    """Import resources."""
    file = folder / "in.ndjson"
    file.write_text("\n".join(map(json.dumps, listed)), encoding="utf-8")
    return import_charts(device.charts, [file])


def told(device: Device, chart: ChartId) -> list[tuple[str, str, str]]:
    """What stands in a chart's documents: the document's type, the kind, and the payload but for the names of facts."""
    found: list[tuple[str, str, str]] = []
    for document in device.charts.open(chart).documents.values():
        type_ = device.charts.open(chart).document(document.document).workflow_type or "chart"
        gone = {name for one in document.facts for name in one.fact.supersedes}
        for one in document.facts:
            if one.fact.kind not in NOT_TOLD and one.id not in gone and (type_, one.fact.kind) != ("chart", "document"):
                payload = {key: value for key, value in one.fact.payload.items() if key != "step"}
                found.append((type_, one.fact.kind, json.dumps(payload, sort_keys=True)))
    return sorted(found)


def laboratory(device: Device) -> tuple[ChartId, DocumentId]:
    """A chart with a laboratory order in which something of everything was stated."""
    identity = [fact("identity", name="Ana Núñez", birth_date="1961-04-02")]
    chart, (_, order) = device.charts.create(identity, workflow=WorkflowType.LAB_ORDER)
    add(device, chart, order, fact("document", schema=1, workflow_type="lab_order", title="Lipid panel"))
    add(device, chart, order, fact("status", to="active"), fact("priority", to="emergency"))
    collect = fact(
        "step", fraction="V", name="Collect", type="specimen", key="collect", estimated_minutes=5, required=True
    )
    step = add(device, chart, order, collect)
    add(device, chart, order, fact("step", fraction="k", name="Send"))
    ended = fact("step_event", step=str(step), to="completed", quality=90, actual_minutes=4, note="left", reason="easy")
    add(device, chart, order, ended)
    drawn = {"specimen": "X-1", "type": "Blood"}
    add(device, chart, order, fact("specimen", to="collected", effective="2026-01-01T10:00:00Z", **drawn))
    add(device, chart, order, fact("specimen", to="in_transit", reason="by bicycle", **drawn))
    return chart, order


def result(device: Device, chart: ChartId, order: DocumentId, code: str = "2093-3") -> FactId:
    """State a result."""
    stated = fact("observation", code=code, system="loinc", text="Cholesterol", value="5.20", unit="mmol/L")
    return add(device, chart, order, stated)


# ------------------------------------------------------------------------------------------------------- round trip


def test_what_is_exported_is_stated_again_elsewhere(device: Device, tmp_path: Path):
    """An order and a plan with all that belongs to them: the same facts in the other organisation, once and for all."""
    chart, order = laboratory(device)
    add(device, chart, order, fact("validation", observation=str(result(device, chart, order)), to="validated"))
    batch = device.recorder.begin()
    plan = device.charts.add_document(batch, chart, WorkflowType.CARE_PLAN, "Weight")
    device.recorder.write(batch)
    add(device, chart, plan, fact("status", to="paused"))
    walk = add(device, chart, plan, fact("step", fraction="F", name="Walk <daily>"))
    add(device, chart, plan, fact("step", fraction="V", name="Diet", required=True))
    add(device, chart, plan, fact("step_event", step=str(walk), to="skipped", reason="rain"))

    (tmp_path / "other").mkdir()
    other = Clinic(tmp_path / "other", seed=7)
    there = other.device(Role.PHYSICIAN)
    file = tmp_path / "out.json"
    file.write_bytes(b"".join(bundle(made_of(device, chart), Form.COLLECTION, now_ms=device.clinic.clock())))
    imported = import_charts(there.charts, [file])
    assert imported.to_json()["refused"] == []
    (found,) = there.keyring.charts()
    assert told(there, found) == told(device, chart)
    assert [step.name for step in _steps(there, found, "care_plan")] == ["Walk <daily>", "Diet"]
    assert import_charts(there.charts, [file]).entries_new == 0
    assert import_charts(device.charts, [file]).entries_new == 0
    other.close()


def _steps(device: Device, chart: ChartId, type_: str) -> Any:
    (state,) = [one for one in device.charts.open(chart).states() if one.workflow_type == type_]
    return state.steps.items


def test_committed_examples_go_out_as_they_came(device: Device, tmp_path: Path):
    """Of the types of this room, every element and every digit; whatever of them was kept goes out as well."""
    types = {
        "CarePlan",
        "ServiceRequest",
        "Specimen",
        "DiagnosticReport",
        "Composition",
        "Consent",
        "Task",
        "Provenance",
    }
    wanted = [one for one in examples() if one["resourceType"] in types]
    take(device, tmp_path, *wanted)
    found: dict[str, dict[str, Any]] = {}
    for chart in device.keyring.charts():
        found |= given_out(device, chart)
    assert len(wanted) > 20
    for one in wanted:
        assert found[f"{one['resourceType']}/{one['id']}"] == one


def test_a_laboratory_that_answers_finds_the_order(device: Device, tmp_path: Path):
    """A report on the exported order, with its results: in the document of the order, on the device that ordered."""
    chart, _ = laboratory(device)
    (ordered,) = of_type(device, chart, "ServiceRequest")
    about = {"subject": ordered["subject"], "basedOn": [{"reference": f"urn:uuid:{ordered['id']}"}]}
    answer = [report(result=[to("Observation", "o1")], conclusion="High", **about), pulse(subject=ordered["subject"])]
    listed = take(device, tmp_path, *answer)
    assert (listed.refused, listed.charts_new, device.keyring.charts()) == ([], 0, [chart])
    state = document_of(device, chart, "lab_order")
    assert len(state.observations) == 2
    assert (state.title, state.status.value) == ("Lipid panel", "active")
    assert take(device, tmp_path, *answer).entries_new == 0


# --------------------------------------------------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("ours", "theirs", "kinds"),
    [
        (REQUEST, {word: status for word, status in REQUEST_STATUS.items() if word != "unknown"}, Status),
        (PRIORITY, PRIORITIES, Priority),
        (TASK, {word: one.to for word, one in TASK_STATUS.items() if one.plain}, StepStatus),
        (ACTIVITY, {word: one.to for word, one in ACTIVITY_STATUS.items() if one.plain}, StepStatus),
    ],
)
def test_every_status_goes_out_by_the_word_that_comes_in_as_it(ours, theirs, kinds):
    """The tables of both ways are each other's inverse."""
    assert {word: status for status, word in ours.items()} == theirs
    assert set(ours) == set(kinds)


@pytest.mark.parametrize(
    ("said", "ended", "status"),
    [
        ([None], False, "partial"),
        ([None], True, "partial"),
        (["validated", None], False, "preliminary"),
        (["validated", None], True, "preliminary"),
        (["validated", "validated"], False, "preliminary"),
        (["validated", "validated"], True, "final"),
        (["validated", "rejected"], True, "final"),
        (["rejected"], True, "registered"),
        (["rejected", None], True, "partial"),
    ],
)
def test_a_report_is_as_final_as_its_validations(device: Device, said: list[str | None], ended: bool, status: str):
    """Final only where a second person stands by every result that counts, and nothing is to come."""
    chart, order = laboratory(device)
    for number, one in enumerate(said):
        name = result(device, chart, order, f"2093-{number}")
        if one is not None:
            add(device, chart, order, fact("validation", observation=str(name), to=one))
    if ended:
        add(device, chart, order, fact("status", to="completed"))
    (found,) = of_type(device, chart, "DiagnosticReport")
    assert found["status"] == status
    assert len(found["result"]) == len(said)
    assert found["basedOn"] == [{"reference": f"urn:uuid:{of_type(device, chart, 'ServiceRequest')[0]['id']}"}]
    assert len(found["specimen"]) == 1


@pytest.mark.parametrize(("to_", "status"), [("cancelled", "cancelled"), ("error", "entered-in-error")])
def test_a_report_of_an_order_that_is_no_more(device: Device, to_: str, status: str):
    """It says so, whatever results there are."""
    chart, order = laboratory(device)
    result(device, chart, order)
    add(device, chart, order, fact("status", to=to_))
    assert [one["status"] for one in of_type(device, chart, "DiagnosticReport")] == [status]


def test_no_report_without_a_result(device: Device):
    """An order by itself is a request."""
    chart, _ = laboratory(device)
    assert of_type(device, chart, "DiagnosticReport") == []
    assert len(of_type(device, chart, "ServiceRequest")) == 1


def test_a_specimen_says_where_it_is(device: Device):
    """Here only once it was received; and then since when."""
    chart, order = laboratory(device)
    assert [one["status"] for one in of_type(device, chart, "Specimen")] == ["unavailable"]
    received = fact("specimen", specimen="x-1 ", to="received", effective="2026-01-02T08:00Z")
    add(device, chart, order, received)
    (found,) = of_type(device, chart, "Specimen")
    assert (found["status"], found["receivedTime"]) == ("available", "2026-01-02T08:00:00Z")
    assert found["collection"] == {"collectedDateTime": "2026-01-01T10:00:00Z"}
    add(device, chart, order, fact("specimen", specimen="X-1", to="rejected", reason="clotted"))
    (found,) = of_type(device, chart, "Specimen")
    assert (found["status"], found["note"]) == ("unsatisfactory", [{"text": "clotted"}])


# -------------------------------------------------------------------------------- what is laid over what came by import


def chart_of(device: Device, folder: Path, *listed: dict[str, Any]) -> ChartId:
    """The one chart that an import makes."""
    assert take(device, folder, patient(), *listed).refused == []
    (chart,) = device.keyring.charts()
    return chart


def document_of(device: Device, chart: ChartId, type_: str) -> Any:
    """The state of the one document of a type."""
    (state,) = [one for one in device.charts.open(chart).states() if one.workflow_type == type_]
    return state


def test_what_became_of_a_plan_is_laid_over_it(device: Device, tmp_path: Path):
    """The activity that went on, and a new one; goals, extensions and the other activities stay."""
    goal = {"goal": [to("Goal", "g")], "extension": [{"url": "http://example.org/x", "valueString": "y"}]}
    named = {"reference": {"display": "Vaccination"}}
    coming = care_plan(activity("Walk"), activity("Swim", "in-progress"), named, **goal)
    chart = chart_of(device, tmp_path, coming)
    assert given_out(device, chart)["CarePlan/cp"] == coming
    state = document_of(device, chart, "care_plan")
    walk, _, shot = state.steps.items
    ended = fact("step_event", step=str(walk.id), to="completed", note="an hour")
    add(device, chart, state.document, ended, fact("step_event", step=str(shot.id), to="failed", reason="fever"))
    add(device, chart, state.document, fact("step", fraction="z", name="Sleep"), fact("status", to="completed"))
    found = given_out(device, chart)["CarePlan/cp"]
    assert {name: found[name] for name in goal} == goal
    assert found["status"] == "completed"
    assert [one["detail"]["description"] for one in found["activity"]] == ["Walk", "Swim", "Vaccination", "Sleep"]
    assert [one["detail"]["status"] for one in found["activity"]] == [
        "completed",
        "in-progress",
        "stopped",
        "not-started",
    ]
    assert found["activity"][0]["progress"] == [{"text": "an hour"}]
    assert found["activity"][1] == coming["activity"][1]
    assert of_type(device, chart, "Task") == []


def test_what_became_of_an_order_is_laid_over_it(device: Device, tmp_path: Path):
    """Status, urgency and name, each only where it was stated anew; specimens and tasks likewise."""
    belongs = {"request": [to("ServiceRequest", "sr")], "container": [{"description": "tube"}]}
    about = {"focus": to("ServiceRequest", "sr"), "input": [{"type": {"text": "a"}, "valueString": "b"}]}
    coming = [request(priority="routine", patientInstruction="fast"), specimen(**belongs), task(**about)]
    chart = chart_of(device, tmp_path, *coming)
    out = given_out(device, chart)
    assert [out[name] for name in ("ServiceRequest/sr", "Specimen/sp", "Task/t1")] == coming
    state = document_of(device, chart, "lab_order")
    order = state.document
    add(device, chart, order, fact("priority", to="critical"))
    add(device, chart, order, fact("specimen", specimen="X-1", to="rejected", reason="clotted"))
    add(device, chart, order, fact("step_event", step=str(state.steps.items[0].id), to="failed", reason="no scales"))
    out = given_out(device, chart)
    assert out["ServiceRequest/sr"] | {"meta": None} == coming[0] | {"priority": "stat", "meta": None}
    changed = out["Specimen/sp"]
    assert (changed["status"], changed["container"]) == ("unsatisfactory", belongs["container"])
    assert changed["note"] == [{"text": "clotted"}]
    changed = out["Task/t1"]
    assert (changed["status"], changed["statusReason"]) == ("failed", {"text": "no scales"})
    assert (changed["description"], changed["input"]) == ("Weigh", about["input"])


def test_what_is_called_otherwise_goes_out_so(device: Device, tmp_path: Path):
    """A new title, name or status alone: nothing else of the resource changes, and an earlier extension gives way."""
    ours = {"url": STEP_EXTENSION, "extension": [{"url": "fraction", "valueString": "b"}]}
    other = {"url": "http://example.org/x", "valueString": "y"}
    coming = [care_plan(activity("Walk")), request(), task(focus=to("ServiceRequest", "sr"), extension=[ours, other])]
    chart = chart_of(device, tmp_path, *coming)
    plan, order = (document_of(device, chart, type_) for type_ in ("care_plan", "lab_order"))
    for state, title in ((plan, "Sleep"), (order, "Iron")):
        add(device, chart, state.document, fact("document", schema=1, workflow_type=state.workflow_type, title=title))
    step = order.steps.items[0]
    renamed = Fact(kind="step", payload={"fraction": "c", "name": "Measure"}, supersedes=(step.heads[0].id,))
    add(device, chart, order.document, renamed)
    out = given_out(device, chart)
    left = {name: value for name, value in out["CarePlan/cp"].items() if name != "meta"}
    assert left == coming[0] | {"title": "Sleep"}
    left = {name: value for name, value in out["ServiceRequest/sr"].items() if name != "meta"}
    assert left == coming[1] | {"code": {"text": "Iron"}}
    changed = out["Task/t1"]
    assert (changed["code"], changed["status"]) == ({"text": "Measure"}, "requested")
    assert "description" not in changed
    assert changed["extension"] == [other, ours | {"extension": [{"url": "fraction", "valueString": "c"}]}]
    walk = plan.steps.items[0]
    renamed = Fact(kind="step", payload={"fraction": "V", "name": "Run"}, supersedes=(walk.heads[0].id,))
    add(device, chart, plan.document, renamed)
    detail = given_out(device, chart)["CarePlan/cp"]["activity"][0]["detail"]
    assert (detail["description"], detail["status"]) == ("Run", "not-started")


def test_a_specimen_of_no_order_has_no_request(device: Device, tmp_path: Path):
    """It stands in the chart; one that came with a station of its own says the new one."""
    station = {"url": STATION_EXTENSION, "extension": [{"url": "to", "valueCode": "collected"}]}
    chart = chart_of(
        device, tmp_path, specimen(extension=[{"url": "http://example.org/x", "valueString": "y"}, station])
    )
    whole = device.charts.open(chart).membership.chart_document
    add(device, chart, whole, fact("specimen", specimen="X-1", to="in_transit"))
    add(device, chart, whole, fact("specimen", specimen="X-2", to="ordered"))
    first, second = sorted(of_type(device, chart, "Specimen"), key=lambda one: one["identifier"][0]["value"])
    assert [one["url"] for one in first["extension"]] == ["http://example.org/x", STATION_EXTENSION]
    assert first["extension"][1]["extension"][0]["valueCode"] == "in_transit"
    assert "request" not in second


def test_results_of_ours_beside_a_report_of_theirs_have_a_report_of_their_own(device: Device, tmp_path: Path):
    """What they reported is theirs."""
    chart = chart_of(device, tmp_path, request(), report(basedOn=[to("ServiceRequest", "sr")], conclusion="High"))
    assert [one["id"] for one in of_type(device, chart, "DiagnosticReport")] == ["dr"]
    result(device, chart, document_of(device, chart, "lab_order").document)
    reports = of_type(device, chart, "DiagnosticReport")
    assert sorted(len(one.get("result", [])) for one in reports) == [0, 1]
    assert len(of_type(device, chart, "Observation")) == 1


def test_steps_of_an_encounter_are_tasks_about_it(device: Device, tmp_path: Path):
    """They come back to its document."""
    chart = chart_of(device, tmp_path, visit())
    state = document_of(device, chart, "encounter")
    add(device, chart, state.document, fact("step", fraction="V", name="Listen"))
    (found,) = of_type(device, chart, "Task")
    address = "https://fieldward.org/fhir/local/Encounter/v1"
    assert (found["focus"], found["encounter"]) == ({"reference": address}, {"reference": address})
    assert found["status"] == "requested"


def test_what_is_in_dispute_has_no_status_that_is_known(device: Device):
    """Two who did not know of each other: the plan is of unknown status, the step is on hold, and says why."""
    chart, order = laboratory(device)
    scene = scene_of(device.charts.open(chart), device.identity, now_ms=device.clinic.clock())
    states = list(scene.state.documents)
    (state,) = [one for one in states if one.document == order]
    steps = tuple(replace(step, disputed=True) for step in state.steps.items)
    torn = replace(
        state,
        status=replace(state.status, disputed=True),
        steps=replace(state.steps, items=steps),
        specimens=tuple(replace(one, disputed=True) for one in state.specimens),
    )
    documents = tuple(torn if one is state else one for one in states)
    made = resources(replace(scene, state=replace(scene.state, documents=documents)))
    found = {one.type: json.loads(to_text(one.content)) for one in made}
    assert found["ServiceRequest"]["status"] == "unknown"
    assert found["Task"]["status"] == "on-hold"
    assert found["Task"]["statusReason"]["text"].startswith("IN DISPUTE")
    assert "status" not in found["Specimen"]
    assert found["Specimen"]["note"][0]["text"].startswith("IN DISPUTE")
