"""In which document a plan, an order and all that belongs to it stands; and what a second import changes there."""

from __future__ import annotations

import pytest

from tests.unit.edge_runtime.clinical.worlds import fact
from tests.unit.edge_runtime.fhir.inputs import Importer, patient, plan, pulse, refused, visit, without
from tests.unit.edge_runtime.fhir.order_inputs import (
    SENSITIVE,
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

# ------------------------------------------------------------------------------------------------- where it belongs


def test_what_belongs_to_an_order_stands_in_its_document():
    """Report, results, specimens and tasks, whoever names whom, in whatever order they come."""
    resources = [
        task(id="t2", focus=to("ServiceRequest", "sr")),
        pulse(id="o1", encounter=to("Encounter", "v1")),
        pulse(id="o2", basedOn=[to("ServiceRequest", "sr")]),
        specimen(id="sp1"),
        specimen(id="sp2", request=[to("ServiceRequest", "sr")]),
        report(basedOn=[to("ServiceRequest", "sr")], result=[to("Observation", "o1")]),
        visit(),
        request(specimen=[to("Specimen", "sp1")]),
        patient(),
    ]
    expected = ("lab_order", sorted(["DiagnosticReport", "Observation", "Observation"] + ["Specimen"] * 2))
    for order in (resources, resources[::-1]):
        planned = plan(*order)
        found = dict(documents(planned))
        assert found["lab_order"] == sorted([*expected[1], "ServiceRequest", "Task"])
        assert found["encounter"] == ["Encounter"]
    _, states = shown(resources)
    (state,) = [one for one in states if one.workflow_type == "lab_order"]
    assert state.status.value == "active", "the order's, for a report that joins it has no say in it"
    assert not [review for review in state.reviews if review.open]


def test_a_report_without_its_order_opens_the_document():
    """And takes its results and specimens along."""
    alone = report(
        basedOn=[to("ServiceRequest", "none")], result=[to("Observation", "o1")], specimen=[to("Specimen", "sp")]
    )
    planned = plan(patient(), pulse(id="o1"), specimen(), alone)
    assert documents(planned)[1] == ("lab_order", ["DiagnosticReport", "Observation", "Specimen"])


@pytest.mark.parametrize(
    "resources",
    [
        [task(focus=to("Task", "t1"), basedOn=[to("Task", "t2")]), task(id="t2", focus=to("Task", "t1"))],
        [request(basedOn=[to("ServiceRequest", "sr")]), report(basedOn=[to("DiagnosticReport", "dr")])],
        [
            report(result=[to("DiagnosticReport", "dr"), to("Observation", "o1")]),
            pulse(derivedFrom=[to("Observation", "o1")]),
        ],
        [care_plan({"reference": to("Task", "t1")}, basedOn=[to("CarePlan", "cp")]), task(focus=to("Task", "t1"))],
        [composition(encounter=to("Encounter", "none"))],
        [task(focus={"reference": "#x"}, basedOn=[{"reference": "urn:uuid:1"}, {"display": "?"}], encounter="v1")],
        [specimen(request="sr", parent=[to("Specimen", "sp")]), request(specimen={"reference": 7})],
        [{"resourceType": "Provenance", "target": [to("Provenance", "p")], "id": "p"}],
    ],
)
def test_references_that_lead_nowhere_or_round_harm_nothing(resources):
    """Whatever is there is taken or refused by its element, and every resource that is taken stands somewhere."""
    planned = plan(patient(), *resources)
    kept = sum(planned.mapped.values()) + planned.kept
    whole = [path for path, why in refused(planned) if not why.endswith("unmapped")]
    assert kept == len(resources) + 1 - len(whole)
    assert all(path.startswith(("Specimen.request", "ServiceRequest.specimen", "Task.encounter")) for path in whole)


def test_a_task_belongs_to_what_it_is_about_before_its_encounter():
    """Focus, then what it is based on, then the encounter; a plan that lists it comes first; else the chart."""
    here = {"encounter": to("Encounter", "v1")}
    for more, where in (
        ({"focus": to("CarePlan", "cp")} | here, "care_plan"),
        ({"focus": to("Patient", "peter"), "basedOn": [to("CarePlan", "cp")]} | here, "care_plan"),
        ({"focus": {"display": "?"}} | here, "encounter"),
        ({"focus": {"display": "?"}}, "chart"),
        ({"focus": {"display": "?"}, "id": "listed"} | here, "care_plan"),
    ):
        planned = plan(patient(), visit(), care_plan({"reference": to("Task", "listed")}), task(**more))
        assert [type_ for type_, types in documents(planned) if "Task" in types] == [where]


def test_provenance_and_tasks_stand_in_the_chart_of_what_they_are_about():
    """Of one patient beyond doubt; else they are nobody's."""
    other = patient(id="other", name=[{"text": "Other"}])
    theirs = pulse(id="o9", subject=to("Patient", "other"))
    proof = {"resourceType": "Provenance", "id": "p", "target": [to("Observation", "o1")]}
    for target, chart in (([to("Observation", "o1")], 0), ([to("Observation", "o9")], 1)):
        planned = plan(patient(), other, pulse(), theirs, proof | {"target": target})
        assert "Provenance" in [item.type for item in planned.charts[chart].documents[0].items]
    both = plan(
        patient(), other, pulse(), theirs, proof | {"target": [to("Observation", "o1"), to("Observation", "o9")]}
    )
    assert [item.type for item in both.charts[2].documents[0].items] == ["Chart", "Provenance"]
    planned = plan(patient(), care_plan(), without(task(), "for"))
    assert documents(planned)[1] == ("care_plan", ["CarePlan", "Task"])


@pytest.mark.parametrize("resource", [care_plan(), request(), report(), composition()])
def test_what_is_kept_apart_is_found_but_not_told(resource):
    """The header has no title, and everything else stands in the sensitive compartment."""
    planned = plan(patient(), resource | {"meta": SENSITIVE, "priority": "stat"})
    document = planned.charts[0].documents[1]
    assert [one.payload.get("title") for one in document.items[0].stated.facts if one.kind == "document"] == [None]
    for item in document.items:
        assert item.source_compartment.name == "SENSITIVE"
        assert item.compartment.name == ("SAFETY" if not item.of else "SENSITIVE")


# ----------------------------------------------------------------------------------------------------- once and again


WHOLE = [
    patient(),
    care_plan(activity("Walk", "completed"), activity("Swim", "in-progress"), activity("Rest")),
    request(priority="stat"),
    specimen(request=[to("ServiceRequest", "sr")]),
    report(basedOn=[to("ServiceRequest", "sr")], result=[to("Observation", "o1")], conclusion="High"),
    pulse(),
    task(status="completed"),
    composition(),
]


def test_imported_twice_nothing_changes():
    """Not one fact more, in whatever order the resources come."""
    importer = Importer()
    assert importer.take(plan(*WHOLE))
    assert importer.take(plan(*WHOLE)) == []
    assert importer.take(plan(*WHOLE[::-1])) == []


def test_a_new_version_goes_on_where_the_old_one_stood():
    """Steps keep their names; those that went on say so; those that are gone are skipped; nothing is in dispute."""
    newer = care_plan(activity("Walk", "completed"), activity("Swim", "completed"), status="on-hold", title="Weight 2")
    _, (state,) = shown([patient(), WHOLE[1]], [patient(), newer])
    assert (state.title, state.status.value) == ("Weight 2", "paused")
    assert [(step.name, step.status.value) for step in state.steps.items] == [
        ("Walk", "completed"),
        ("Swim", "completed"),
        ("Rest", "skipped"),
    ]
    assert state.steps.items[2].notes == ("no longer planned at the source",)
    assert not [review for review in state.reviews if review.open]
    assert len(state.steps.items[0].events) == 1


def test_a_step_that_was_gone_comes_back():
    """The newest version counts, whatever an older one had said before."""
    three, two = WHOLE[1], care_plan(activity("Walk", "completed"), activity("Swim", "in-progress"))
    importer, (state,) = shown([patient(), three], [patient(), two], [patient(), three | {"description": "again"}])
    assert [step.status.value for step in state.steps.items] == ["completed", "in_progress", "pending"]
    assert importer.take(plan(patient(), two)) == [], "an older version changes nothing"


def test_a_task_that_is_withdrawn_ends_its_step():
    """A step is never deleted: it is skipped, and says that it was an error."""
    _, (state,) = shown([patient(), care_plan(), task()], [patient(), care_plan(), task(status="entered-in-error")])
    (step,) = state.steps.items
    assert (step.status.value, step.notes) == ("skipped", ("entered-in-error at the source",))


def test_a_specimen_that_is_withdrawn_is_rejected():
    """What was received by mistake is no specimen that a result may come of."""
    importer, _ = shown([patient(), specimen()], [patient(), specimen(status="entered-in-error")])
    (found,) = importer.chart().documents[0].specimens
    assert found.status.value == "rejected"


def test_a_result_that_comes_later_finds_its_order():
    """By an import of its own: the report joins the document of the order that was imported before."""
    late = [patient(), pulse(), report(basedOn=[to("ServiceRequest", "sr")], result=[to("Observation", "o1")])]
    importer, states = shown([patient(), request()], late)
    assert [state.workflow_type for state in states] == ["lab_order"]
    assert len(states[0].observations) == 1
    assert states[0].status.value == "active"
    assert importer.take(plan(*late)) == []


def test_what_is_done_here_stays_beside_a_new_version():
    """An import replaces what it had stated itself, and nothing that a person stated since."""
    importer, (state,) = shown([patient(), care_plan(activity("Walk"))])
    step = state.steps.items[0]
    writer = importer.world.writer("nurse")
    writer.read(importer.writer)
    document = step.heads[0].document
    writer.record(fact("step_event", step=str(step.id), to="completed"), document=document)
    importer.writer.read(writer)
    importer.take(plan(patient(), care_plan(activity("Walk", "in-progress"))))
    (state,) = [one for one in importer.chart().documents if one.workflow_type == "care_plan"]
    assert state.steps.items[0].status.value == "completed"
