"""Orders, plans, reports and notes as inputs for tests, and the way from them to documents."""

from __future__ import annotations

from tests.unit.edge_runtime.fhir.inputs import LOINC, PETER, SNOMED, Importer, coded, plan

LAB = [coded(SNOMED, "108252007")]
SENSITIVE = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}


def care_plan(*activities, **more):
    """A CarePlan."""
    made = {"resourceType": "CarePlan", "id": "cp", "status": "active", "intent": "plan", "subject": PETER}
    return made | {"title": "Weight", "activity": list(activities)} | more


def activity(name="Walk", status="not-started", **more):
    """An activity of a CarePlan."""
    return {"detail": {"status": status, "description": name} | more}


def request(**more):
    """A ServiceRequest of a laboratory."""
    made = {"resourceType": "ServiceRequest", "id": "sr", "status": "active", "intent": "order", "subject": PETER}
    return made | {"category": LAB, "code": {"text": "Lipid panel"}} | more


def specimen(**more):
    """A Specimen."""
    made = {"resourceType": "Specimen", "id": "sp", "status": "available", "subject": PETER}
    return made | {"identifier": [{"value": "X-1"}], "type": {"text": "Blood"}} | more


def report(**more):
    """A DiagnosticReport of a laboratory."""
    category = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "CH"}]}]
    made = {"resourceType": "DiagnosticReport", "id": "dr", "status": "final", "subject": PETER, "category": category}
    return made | {"code": coded(LOINC, "57698-3", "Lipid panel")} | more


def composition(**more):
    """A Composition."""
    made = {"resourceType": "Composition", "id": "co", "status": "final", "type": coded(LOINC, "18842-5")}
    return made | {"subject": PETER, "date": "2026-01-01", "title": "Going home"} | more


def task(**more):
    """A Task."""
    made = {"resourceType": "Task", "id": "t1", "status": "requested", "intent": "order", "for": PETER}
    return made | {"description": "Weigh", "focus": {"reference": "CarePlan/cp"}} | more


def to(type_, name):
    """A reference."""
    return {"reference": f"{type_}/{name}"}


def documents(planned):
    """Of the first chart, by document: its type, and the types of resources in it."""
    return [
        (document.workflow_type.value, sorted(item.type for item in document.items if item.text))
        for document in planned.charts[0].documents
    ]


def shown(*batches):
    """The documents beside the chart document as the rules show them, after importing each batch of resources."""
    importer = Importer()
    for batch in batches:
        importer.take(plan(*batch))
    return importer, [state for state in importer.chart().documents if state.workflow_type != "chart"]
