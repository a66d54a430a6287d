"""What each status of a plan, an order, a specimen, a report, a note and a task leads to."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.layout import LAYOUT_VERSION
from edge_runtime.fhir.importing.laboratory_facts import REPORT_STATUS, SPECIMEN_STATUS, STATION_EXTENSION
from edge_runtime.fhir.importing.note_facts import COMPOSITION_STATUS, NOTE_TYPES
from edge_runtime.fhir.importing.order_facts import ACTIVITY_STATUS, PRIORITIES, REQUEST_STATUS, STEPS_MAX
from edge_runtime.fhir.importing.step_facts import STEP_EXTENSION, TASK_STATUS
from tests.unit.edge_runtime.fhir.inputs import (
    LOINC,
    SNOMED,
    Importer,
    coded,
    facts_of,
    patient,
    plan,
    refused,
    visit,
    without,
)
from tests.unit.edge_runtime.fhir.order_inputs import (
    activity,
    care_plan,
    composition,
    documents,
    report,
    request,
    shown,
    specimen,
    task,
    to,
)

# ------------------------------------------------------------------------------------------------------- statuses


@pytest.mark.parametrize("status", REQUEST_STATUS)
@pytest.mark.parametrize("make", [care_plan, request])
def test_a_request_opens_a_document_of_its_status(make, status):
    """All seven; what is not known says so, and reads as the least final."""
    planned = plan(patient(), make(status=status))
    (found,) = facts_of(planned, "status")
    assert found["to"] == REQUEST_STATUS[status].value
    assert found.get("reason") == ("unknown at the source" if status == "unknown" else None)
    header = facts_of(planned, "document")[1]
    type_, title = ("care_plan", "Weight") if make is care_plan else ("lab_order", "Lipid panel")
    assert header == {"schema": LAYOUT_VERSION, "workflow_type": type_, "title": title}


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (care_plan(intent="proposal"), "CarePlan.intent"),
        (care_plan(intent="option"), "CarePlan.intent"),
        (request(intent="proposal"), "ServiceRequest.intent"),
        (request(intent="plan"), "ServiceRequest.intent"),
        (request(intent="option"), "ServiceRequest.intent"),
        (request(intent="directive"), "ServiceRequest.intent"),
        (request(doNotPerform=True), "ServiceRequest.doNotPerform"),
        (task(intent="proposal"), "Task.intent"),
        (task(intent="plan"), "Task.intent"),
        (without(specimen(), "identifier"), "Specimen.identifier"),
        (specimen(identifier=[{"value": "X" * 65}]), "Specimen.identifier"),
    ],
)
def test_what_is_no_order_or_has_no_name_is_kept_and_said(resource, path):
    """It states nothing, stands whole in the chart, and the report says why."""
    planned = plan(patient(), resource)
    ((found, why),) = refused(planned)
    assert found == path
    assert why.endswith("kept as it came, unmapped")
    assert planned.kept_types == {resource["resourceType"]: 1}
    assert facts_of(planned, "step") == []
    assert len(planned.charts[0].documents) == 1


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (care_plan(status="cancelled"), "CarePlan.status"),
        (without(care_plan(), "status"), "CarePlan.status"),
        (care_plan(activity("Walk", "done")), "CarePlan.activity[0].detail.status"),
        (care_plan({"detail": {"description": "Walk"}}), "CarePlan.activity[0].detail.status"),
        (care_plan(*[activity()] * (STEPS_MAX + 1)), "CarePlan.activity"),
        (request(priority="now"), "ServiceRequest.priority"),
        (without(request(), "status"), "ServiceRequest.status"),
        (specimen(status="lost"), "Specimen.status"),
        (report(status="done"), "DiagnosticReport.status"),
        (without(report(), "status"), "DiagnosticReport.status"),
        (without(report(), "code"), "DiagnosticReport.code"),
        (report(code={}), "DiagnosticReport.code"),
        (composition(status="signed"), "Composition.status"),
        (without(composition(), "status"), "Composition.status"),
        (without(composition(), "type"), "Composition.type"),
        (task(status="done"), "Task.status"),
        (without(task(), "status"), "Task.status"),
        (task(intent="wish"), "Task.intent"),
    ],
)
def test_a_wrong_element_refuses_the_resource_by_path(resource, path):
    """And nothing else."""
    planned = plan(patient(), visit(), resource)
    assert [found for found, _ in refused(planned)] == [path]
    assert planned.mapped == {"Patient": 1, "Encounter": 1}


@pytest.mark.parametrize("priority", PRIORITIES)
def test_an_order_is_as_urgent_as_it_says(priority):
    """R4's four words are ours, in the same order."""
    (found,) = facts_of(plan(request(priority=priority)), "priority")
    assert found == {"to": PRIORITIES[priority].value}


@pytest.mark.parametrize(
    ("more", "is_order"),
    [
        ({}, True),
        ({"category": [coded("http://terminology.hl7.org/CodeSystem/v2-0074", "MB")]}, True),
        ({"category": [coded(SNOMED, "363679005")]}, False),
        ({"category": [], "specimen": [{"display": "blood"}]}, True),
        ({"category": [coded(SNOMED, "363679005")], "specimen": [{"display": "blood"}]}, False),
        ({"category": []}, False),
    ],
)
def test_only_what_a_laboratory_does_is_a_laboratory_order(more, is_order):
    """By its category, or else by there being a specimen; any other service is kept."""
    planned = plan(patient(), request(**more))
    assert planned.mapped.get("ServiceRequest", 0) == is_order
    assert planned.kept == (not is_order)


def test_a_specimen_makes_its_request_an_order():
    """Where the request itself says nothing of a laboratory."""
    planned = plan(patient(), request(category=[]), specimen(request=[to("ServiceRequest", "sr")]))
    assert documents(planned)[1] == ("lab_order", ["ServiceRequest", "Specimen"])


@pytest.mark.parametrize("status", [*SPECIMEN_STATUS, ""])
def test_the_status_of_a_specimen(status):
    """One that was entered in error was never here; one of unknown whereabouts says that."""
    found = facts_of(plan(specimen(status=status)), "specimen")
    if status == "entered-in-error":
        assert found == []
        return
    told = {"": "status not stated at the source", "unavailable": "unavailable at the source"}.get(status)
    stated = SPECIMEN_STATUS[status] if status else SPECIMEN_STATUS["unavailable"]
    assert found[0]["to"] == stated
    assert found[0].get("reason") == told
    assert (found[0]["specimen"], found[0]["type"]) == ("X-1", "Blood")


def test_a_specimen_says_when():
    """When it was received where it was, else when it was drawn; the accession number before other labels."""
    times = {"receivedTime": "2026-01-02", "collection": {"collectedDateTime": "2026-01-01"}}
    more = {"accessionIdentifier": {"value": "A-7"}, "note": [{"text": "haemolysed"}]}
    for status, when in (("available", "2026-01-02"), ("unsatisfactory", "2026-01-01")):
        (found,) = facts_of(plan(specimen(status=status, **times, **more)), "specimen")
        assert (found["effective"], found["specimen"], found["reason"]) == (when, "A-7", "haemolysed")


@pytest.mark.parametrize("status", REPORT_STATUS)
def test_the_status_of_a_report(status):
    """All ten; nothing that was cancelled or an error concludes anything."""
    _, (state,) = shown([patient(), report(status=status, conclusion="High cholesterol")])
    assert state.workflow_type == "lab_order"
    assert state.status.value == REPORT_STATUS[status]
    findings = [item.fact.fact.payload["finding"] for item in state.observations]
    assert findings == ([] if status in {"cancelled", "entered-in-error"} else ["High cholesterol"])


def test_a_report_of_another_service_only_concludes():
    """Its conclusion stands as a finding with the encounter; without one it is kept."""
    imaging = report(category=[], encounter=to("Encounter", "v1"))
    planned = plan(patient(), visit(), imaging | {"conclusion": "No fracture"})
    assert documents(planned)[1] == ("encounter", ["DiagnosticReport", "Encounter"])
    (found,) = facts_of(planned, "observation")
    assert found == {"code": "57698-3", "system": "loinc", "text": "Lipid panel", "finding": "No fracture"}
    assert plan(patient(), visit(), imaging).kept_types == {"DiagnosticReport": 1}


@pytest.mark.parametrize("status", COMPOSITION_STATUS)
def test_a_note_opens_a_document_of_its_type(status):
    """Its words stay in the source, and whoever attested it there signs nothing here."""
    attested = composition(status=status, attester=[{"mode": "legal"}], section=[{"title": "Plan", "text": {}}])
    importer, (state,) = shown([patient(), attested])
    assert (state.workflow_type, state.title, state.status.value) == (
        "discharge",
        "Going home",
        COMPOSITION_STATUS[status],
    )
    kinds = {one.fact.kind for one in importer.world.facts()}
    assert kinds.isdisjoint({"attestation", "addendum", "text_start"})


def test_a_note_of_no_type_of_ours_is_kept():
    """Nothing is guessed; each type of ours is one that is listed."""
    assert plan(patient(), composition(type=coded(LOINC, "60591-5"))).kept_types == {"Composition": 1}
    for code, type_ in NOTE_TYPES.items():
        assert documents(plan(patient(), composition(type=coded(LOINC, code))))[1][0] == type_


@pytest.mark.parametrize("status", TASK_STATUS)
def test_the_status_of_a_task(status):
    """All twelve: a draft and an error are no step; a rejected or cancelled one is skipped, with the reason."""
    _, (state,) = shown([patient(), care_plan(), task(status=status, statusReason={"text": "no scales"})])
    course = TASK_STATUS[status]
    assert [step.status for step in state.steps.items] == ([] if course.to is None else [course.to])
    for step in state.steps.items:
        assert step.name == "Weigh"
        assert step.notes[0].endswith("no scales" if course.plain else f"no scales; {status} at the source")


@pytest.mark.parametrize("status", ACTIVITY_STATUS)
def test_the_status_of_an_activity(status):
    """All nine."""
    _, (state,) = shown([patient(), care_plan(activity("Walk", status))])
    course = ACTIVITY_STATUS[status]
    assert [step.status for step in state.steps.items] == ([] if course.to is None else [course.to])
    assert all(bool(step.notes) is not course.plain for step in state.steps.items)


@pytest.mark.parametrize(
    ("class_", "type_"),
    [
        ("AMB", "encounter"),
        ("EMER", "encounter"),
        ("IMP", "encounter"),
        ("HH", "encounter"),
        ("VR", "telemedicine"),
        ("FLD", "field_triage"),
        ("ACUTE", "encounter"),
    ],
)
def test_the_class_of_an_encounter_says_what_document_it_is(class_, type_):
    """Seen from afar, or in the field; everything else is an encounter."""
    assert documents(plan(patient(), visit(**{"class": {"code": class_}})))[1][0] == type_


# --------------------------------------------------------------------------------------------------- steps in order


def test_activities_become_steps_in_their_order():
    """A prohibition is none, nor what is told by a resource of its own; what is only named is one."""
    listed = [
        activity("Walk", "completed"),
        activity("Sugar", "not-started", doNotPerform=True),
        {"reference": {"reference": "MedicationRequest/m1"}},
        {"reference": {"display": "Vaccination"}, "progress": [{"text": "ordered"}]},
        activity("", "stopped", code={"text": "Swim"}, statusReason={"text": "ear"}),
    ]
    _, (state,) = shown([patient(), care_plan(*listed)])
    assert [(step.name, step.status.value) for step in state.steps.items] == [
        ("Walk", "completed"),
        ("Vaccination", "pending"),
        ("Swim", "failed"),
    ]
    assert state.steps.items[2].notes == ("ear",)


def test_the_extension_of_a_step_says_what_fhir_cannot():
    """Place, key, sort and minutes; whatever it has that does not fit is left in the source."""
    inner = [
        {"url": "fraction", "valueString": "k7"},
        {"url": "key", "valueCode": "weigh"},
        {"url": "required", "valueBoolean": True},
        {"url": "estimated-minutes", "valuePositiveInt": 5},
        {"url": "actual-minutes", "valuePositiveInt": 7},
        {"url": "other", "valueString": "?"},
    ]
    extended = task(status="completed", extension=[{"url": STEP_EXTENSION, "extension": inner}, {"url": "x:y"}])
    _, (state,) = shown([patient(), care_plan(), extended])
    (step,) = state.steps.items
    assert (step.fraction, step.key, step.required, step.estimated_minutes, step.actual_minutes) == (
        "k7",
        "weigh",
        True,
        5,
        7,
    )


def test_where_a_specimen_of_ours_was_on_its_way():
    """R4 has fewer words; the extension says it."""
    inner = [{"url": "to", "valueCode": "in_transit"}, {"url": "effective", "valueDateTime": "2026-01-03"}]
    moved = specimen(status="unavailable", extension=[{"url": STATION_EXTENSION, "extension": inner}, {"url": "x:y"}])
    (found,) = facts_of(plan(moved), "specimen")
    assert (found["to"], found["effective"], found.get("reason")) == ("in_transit", "2026-01-03", None)


# --------------------------------------------------------------------------------------------- versions of one plan


def _steps(device):
    """Name, status and reasons of each step, in order."""
    (found,) = [document.steps.items for document in device.chart().documents if document.steps.items]
    return [(step.name, step.status.value) for step in found]


def test_an_activity_that_is_put_in_front_renames_none_behind_it():
    """What was done of the second stays done of it, and the new one is still to be done."""
    device = Importer()
    device.take(plan(patient(), care_plan(activity("Walk"), activity("Swim", "completed"))))
    walk, swim = (step.id for step in device.chart().documents[1].steps.items)
    device.take(plan(patient(), care_plan(activity("Rest"), activity("Walk"), activity("Swim", "completed"))))
    assert _steps(device) == [("Rest", "pending"), ("Walk", "pending"), ("Swim", "completed")]
    assert {walk, swim} <= {step.id for step in device.chart().documents[1].steps.items}


def test_an_activity_that_is_left_out_ends_and_may_come_back():
    """It is skipped as no longer planned, once; the same version again changes nothing."""
    device = Importer()
    whole = care_plan(activity("Walk"), activity("Swim"))
    device.take(plan(patient(), whole))
    device.take(plan(patient(), care_plan(activity("Swim"))))
    assert _steps(device) == [("Walk", "skipped"), ("Swim", "pending")]
    assert device.take(plan(patient(), care_plan(activity("Swim")))) == []
    device.take(plan(patient(), care_plan(activity("Walk"), activity("Swim"), title="Both again")))
    assert _steps(device) == [("Walk", "pending"), ("Swim", "pending")]


def test_activities_with_the_same_words_are_told_apart_by_their_order():
    """And those with an element id by that, whatever they are called."""
    device = Importer()
    named = activity("Weigh") | {"id": "w"}
    device.take(plan(patient(), care_plan(activity("Walk"), activity("Walk", "completed"), named)))
    device.take(plan(patient(), care_plan(named | {"detail": {"status": "completed", "description": "Weigh daily"}},
                                          activity("Walk"), activity("Walk", "completed"))))  # fmt: skip
    assert _steps(device) == [("Weigh daily", "completed"), ("Walk", "pending"), ("Walk", "completed")]
