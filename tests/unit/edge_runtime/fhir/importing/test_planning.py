"""Which chart and which document a resource goes to, and what is kept."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.layout import may_stand_in
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.facts import Content, pack_content
from edge_runtime.fhir.importing.chart_facts import UNRECORDED
from edge_runtime.fhir.importing.plan import PART_BYTES_MAX
from edge_runtime.fhir.importing.planning import plan_import
from sync_protocol.roles import Compartment
from tests.unit.edge_runtime.fhir.inputs import (
    PETER,
    allergy,
    bundle,
    condition,
    examples,
    facts_of,
    first_changes,
    operation,
    order,
    patient,
    plan,
    pulse,
    read,
    refused,
    visit,
    without,
)

UUID = "8f1c0b1e-3a52-4f0e-9c1d-0a1b2c3d4e5f"
BASE = "https://hospital.example/fhir"
VALUE_SET = {"resourceType": "ValueSet", "id": "vs", "status": "active"}
DOCTOR = {"reference": "Practitioner/1"}
SHOT = {"resourceType": "Immunization", "id": "i1", "status": "completed", "patient": PETER}


def charts_of(planned):
    """For each chart, the types that its documents hold beyond their opening and identity."""
    return [
        [sorted(item.type for item in document.items if item.text) for document in chart.documents]
        for chart in planned.charts
    ]


def about(reference, **more):
    """An observation of somebody."""
    return pulse(subject={"reference": reference}, **more)


# -------------------------------------------------------------------------------------------- charts and documents


def test_one_chart_a_patient_and_one_document_an_encounter():
    """The chart document takes what outlasts the encounter, whatever names it."""
    here = {"encounter": {"reference": "Encounter/v1"}}
    problem = condition(id="c2", category=[{"coding": [{"code": "problem-list-item"}]}], **here)
    resources = [make(**here) for make in (pulse, operation, condition, order, allergy)]
    planned = plan(*resources, problem, visit(), patient())
    assert charts_of(planned) == [
        [
            ["AllergyIntolerance", "Condition", "MedicationRequest", "Patient"],
            ["Condition", "Encounter", "Observation", "Procedure"],
        ]
    ]
    (chart,) = planned.charts
    assert [document.workflow_type for document in chart.documents] == ["chart", "encounter"]
    assert (chart.assigned, chart.placeholder) == (True, False)
    mapped = {"AllergyIntolerance": 1, "Condition": 2, "Encounter": 1, "MedicationRequest": 1}
    assert planned.report() == {
        "charts": 1,
        "mapped": mapped | {"Observation": 1, "Patient": 1, "Procedure": 1},
        "kept": 0,
        "kept_types": {},
        "refused": [],
    }


def test_what_names_an_encounter_that_is_not_there_goes_to_the_chart_document():
    """Nothing waits for another import."""
    planned = plan(pulse(encounter={"reference": "Encounter/none"}), condition(encounter={"display": "last week"}))
    assert charts_of(planned) == [[["Condition", "Observation"]]]


def test_a_patient_who_is_only_referred_to_gets_a_placeholder():
    """The chart says that the record was missing, and by which reference it is known."""
    planned = plan(allergy(), pulse())
    (chart,) = planned.charts
    assert chart.placeholder
    (identity,) = facts_of(planned, "identity")
    known_by = [{"type": "FHIR reference", "value": "Patient/peter"}]
    assert identity == {"name": UNRECORDED, "identifiers": known_by}
    assert chart.key == plan(patient()).charts[0].key


def test_other_types_are_kept_in_the_chart_of_their_patient():
    """Nobody's resources share one chart, last and without identity."""
    planned = plan(VALUE_SET, SHOT, patient(), about("Group/herd", id="o2"))
    assert charts_of(planned) == [[["Immunization", "Patient"]], [["Observation", "ValueSet"]]]
    assert (planned.kept, planned.mapped) == (3, {"Patient": 1})
    assert [chart.assigned for chart in planned.charts] == [True, False]
    assert len(facts_of(planned, "identity")) == 1
    assert facts_of(planned, "document")[1]["title"] == "Imported resources of no patient"


def test_no_chart_of_nobody_without_need():
    """It exists only if something is in it."""
    assert all(chart.assigned for chart in plan(patient(), pulse()).charts)


@pytest.mark.parametrize(
    ("resource", "whose"),
    [
        ({"resourceType": "Task", "for": PETER}, True),
        ({"resourceType": "Coverage", "beneficiary": PETER}, True),
        ({"resourceType": "Account", "subject": [PETER]}, True),
        (
            {
                "resourceType": "Appointment",
                "participant": [{"actor": {"reference": "Practitioner/1"}}, {"actor": PETER}],
            },
            True,
        ),
        ({"resourceType": "Account", "subject": [PETER, {"reference": "Patient/other"}]}, False),
        ({"resourceType": "Basic", "subject": "Patient/peter"}, False),
        ({"resourceType": "Basic", "subject": {"reference": "peter"}}, False),
    ],
)
def test_a_kept_resource_finds_its_patient_only_beyond_doubt(resource, whose):
    """Two patients, or a reference that cannot be read, are nobody's."""
    planned = plan(patient(), resource)
    assert [chart.assigned for chart in planned.charts] == ([True] if whose else [True, False])


# ------------------------------------------------------------------------------------------------------ references


@pytest.mark.parametrize(
    ("address", "id_", "reference"),
    [
        (f"urn:uuid:{UUID}", None, f"urn:uuid:{UUID}"),
        (f"urn:uuid:{UUID}", UUID, f"urn:uuid:{UUID}"),
        (f"urn:uuid:{UUID}", "peter", f"urn:uuid:{UUID}"),
        ("urn:oid:1.2.3.4", None, "urn:oid:1.2.3.4"),
        (f"{BASE}/Patient/peter", "peter", "Patient/peter"),
        (f"{BASE}/Patient/peter", "peter", f"{BASE}/Patient/peter/_history/2"),
        (f"{BASE}/Patient/peter", None, f"{BASE}/Patient/peter"),
        (f"{BASE}/Patient/{UUID}", UUID, f"urn:uuid:{UUID.upper()}"),
        ("", "peter", "Patient/peter"),
    ],
)
def test_every_form_of_reference_finds_its_patient(address, id_, reference):
    """By address, by URN, relative to the address of the entry, with a version."""
    person = without(patient(), "id") | ({"id": id_} if id_ else {})
    observed = {"resource": about(reference)} | ({"fullUrl": f"{BASE}/Observation/o1"} if BASE in address else {})
    planned = plan_import(read(bundle({"fullUrl": address, "resource": person}, observed)))
    assert charts_of(planned) == [[["Observation", "Patient"]]]
    assert not planned.charts[0].placeholder


@pytest.mark.parametrize(
    ("reference", "known_by"),
    [
        (f"{BASE}/Patient/peter", "hospital.example/fhir/Patient/peter"),
        ("https://other.example/Patient/peter", "other.example/Patient/peter"),
        (f"urn:uuid:{UUID}", f"Patient/{UUID}"),
    ],
)
def test_the_same_id_elsewhere_is_somebody_else(reference, known_by):
    """A server's Patient/peter is not the Patient/peter of a file without server: a wrong chart is worse than two."""
    planned = plan(patient(), about(reference))
    assert [chart.placeholder for chart in planned.charts] == [False, True]
    assert facts_of(planned, "identity")[1]["identifiers"][0]["value"] == known_by


def test_an_identifier_alone_names_a_patient():
    """In the import if exactly one has it, else a chart of that identifier; two who share it are neither."""
    ticket = {"system": "urn:mrn", "value": "12"}
    observed = pulse(subject={"identifier": ticket})
    owner, twin = patient(identifier=[ticket]), patient(id="twin", identifier=[ticket])
    assert len(plan(owner, observed).charts) == 1
    assert [chart.placeholder for chart in plan(owner, twin, observed).charts] == [False, False, True]
    alone = plan(observed)
    assert facts_of(alone, "identity")[0]["identifiers"][0]["value"] == "Patient?urn:mrn|12"
    nameless = plan(pulse(subject={"identifier": {"value": "12"}}))
    assert [path for path, _ in refused(nameless)] == ["Observation.subject"]


def test_a_contained_patient_is_one_person_only_by_identifier():
    """Without one, nothing says that two resources contain the same newborn."""
    baby = {"resourceType": "Patient", "id": "baby", "name": [{"text": "Baby Núñez"}]}
    known = baby | {"identifier": [{"system": "urn:mrn", "value": "12"}]}
    twice = [about("#baby", id=name, contained=[baby]) for name in ("o1", "o2")]
    again = [about("#baby", id=name, contained=[known]) for name in ("o1", "o2")]
    assert len(plan(*twice).charts) == 2
    planned = plan(*again)
    assert [payload["name"] for payload in facts_of(planned, "identity")] == ["Baby Núñez"]
    unreadable = about("#baby", contained=[baby | {"birthDate": "soon"}])
    assert facts_of(plan(unreadable), "identity")[0]["name"] == UNRECORDED
    thing = about("#it", contained=[{"resourceType": "Device", "id": "it"}])
    assert [chart.assigned for chart in plan(thing).charts] == [False]


def test_two_people_under_one_id_are_refused_with_all_that_names_them():
    """Two files that both have a Patient/peter: no observation may land with the wrong one."""
    other = patient(name=[{"text": "Quite Another"}], birthDate="1950-01-01")
    planned = plan(patient(), pulse(), other, SHOT, patient(id="third"))
    paths = [path for path, _ in refused(planned)]
    assert paths == ["Patient.id", "Patient.id", "Observation.subject", "Immunization.subject"]
    assert charts_of(planned) == [[["Patient"]]]


def test_a_source_keeps_its_ids_apart():
    """The same Patient/1 of two hospitals is two charts, as soon as the person says where a file comes from."""
    keys = {plan(patient(), source=source).charts[0].key for source in ("", "north", "south")}
    assert len(keys) == 3


# -------------------------------------------------------------------------------------------------------- versions


def test_identical_resources_count_once():
    """In a Bundle, beside it, written otherwise."""
    planned = plan(patient(), pulse(), dict(reversed(pulse().items())), pulse())
    assert planned.mapped == {"Observation": 1, "Patient": 1}


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_several_versions_the_newest_is_stated_and_the_others_are_kept(newest_first):
    """By meta.lastUpdated; of two without it, the later in the input."""
    old = pulse(meta={"lastUpdated": "2026-03-01T09:00:00+02:00"}, valueQuantity={"value": 1})
    new = pulse(meta={"lastUpdated": "2026-03-01T08:00:00Z"}, valueQuantity={"value": 2})
    planned = plan(new, old) if newest_first else plan(old, new)
    assert [payload["value"] for payload in facts_of(planned, "observation")] == ["2"]
    assert planned.kept == 1
    plain = [pulse(valueQuantity={"value": value}) for value in (1, 2)]
    assert facts_of(plan(*plain), "observation")[0]["value"] == "2"
    assert facts_of(plan(*plain, pulse(meta={"lastUpdated": "now"})), "observation")[0]["value"] == "72"


def test_versions_of_an_encounter_stay_in_its_document():
    """The newest opens it."""
    planned = plan(visit(), visit(status="finished"))
    assert charts_of(planned) == [[[], ["Encounter", "Encounter"]]]
    assert facts_of(planned, "status")[0]["to"] == "completed"


# --------------------------------------------------------------------------------------------------- source, sealing


def test_every_resource_is_kept_verbatim():
    """Its parts, put together, are its own bytes; no part is larger than an entry takes, none cuts a character."""
    note = {"note": [{"text": "“é”" * 40_000}]}
    text = json.dumps(allergy(**note), ensure_ascii=False)
    planned = plan_import(read(text))
    sources = [payload for payload in facts_of(planned, "source") if payload.get("data")]
    assert "".join(payload["data"] for payload in sources) == text
    assert [payload["part"] for payload in sources] == list(range(1, len(sources) + 1))
    assert sources[0]["parts"] == len(sources) > 5
    assert all(len(payload["data"].encode()) <= PART_BYTES_MAX for payload in sources)


def test_the_address_of_an_entry_is_kept():
    """Other entries may refer to it by no other name."""
    planned = plan_import(read(bundle({"fullUrl": f"urn:uuid:{UUID}", "resource": VALUE_SET})))
    assert [payload.get("address") for payload in facts_of(planned, "source")] == [None, f"urn:uuid:{UUID}"]


@pytest.mark.parametrize(
    ("label", "apart"),
    [
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}, True),
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}, True),
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}, False),
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}, False),
    ],
)
def test_a_security_label_seals_a_resource_apart(label, apart):
    """All that it states and its text; of a Patient and an Encounter only the text, and what the encounter is for."""
    meta = {"meta": {"security": [label]}}
    visited = visit(type=[{"text": "Psychiatry"}], **meta)
    planned = plan(patient(**meta), visited, condition(**meta), pulse(**meta), SHOT | meta)
    places = {(fact.kind, change.compartment) for change in first_changes(planned) for fact in change.facts}
    sensitive = {kind for kind, compartment in places if compartment is Compartment.SENSITIVE}
    assert sensitive == ({"diagnosis", "observation", "source"} if apart else set())
    assert facts_of(planned, "document")[1]["title"] == ("Encounter" if apart else "Psychiatry")
    for change in first_changes(planned):
        for fact in change.facts:
            assert not (apart and change.compartment is not Compartment.SENSITIVE and fact.payload.get("data"))


def test_every_fact_may_be_signed_and_fits_an_entry():
    """Of all committed examples: valid, in a compartment that may hold it, and small enough."""
    planned = plan(*examples())
    for change in first_changes(planned):
        for fact in change.facts:
            validate_fact(fact)
            assert may_stand_in(fact.kind, change.compartment)
        pack_content(Content(facts=change.facts, text=None))


def test_committed_examples_are_imported_whole():
    """All of them, and the counts that the README speaks of; what is kept as it came is said.

    Those are a proposal, and what was observed of the mother in the record of her child (trachcare).
    """
    planned = plan(*examples())
    assert [refusal.path for refusal in planned.refused] == [
        "CarePlan.intent",
        "ServiceRequest.intent",
        "ServiceRequest.doNotPerform",
        "Observation.focus",
    ]
    assert sum(planned.mapped.values()) + planned.kept == len(examples())
    assert planned.mapped["Patient"] == 22
    names = [payload["name"] for payload in facts_of(planned, "identity")]
    assert {"Peter James Chalmers", "张无忌"} <= set(names)
    key = plan(patient(id="example")).charts[0].key
    (chart,) = [chart for chart in planned.charts if chart.key == key]
    items = [item.type for document in chart.documents for item in document.items if item.mapped and item.text]
    assert Counter(items) == {
        "Patient": 1,
        "CarePlan": 2,
        "DiagnosticReport": 1,
        "ServiceRequest": 1,
        "Specimen": 3,
        "Task": 5,
        "AllergyIntolerance": 4,
        "Condition": 4,
        "Encounter": 3,
        "Observation": 29,
        "Procedure": 8,
    }


# ------------------------------------------------------------------------------------------------------ robustness

LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)
KEYS = st.sampled_from(["coding", "reference", "value", "text", "start"])
SHAPES = st.recursive(
    LEAVES | st.sampled_from(["Patient/peter", "#p", "2026"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
FULL = [patient(), visit(), allergy(), condition(), order(), pulse(), operation(), SHOT]


@given(st.sampled_from(FULL), st.data())
def test_no_element_raises(resource, data):
    """Whatever stands in any element, the plan is made, and what it states is valid."""
    name = data.draw(st.sampled_from([*resource, "identifier", "contained", "meta", "dosageInstruction", "component"]))
    planned = plan(resource | {name: data.draw(SHAPES)}, patient(id="other"))
    for change in first_changes(planned):
        for fact in change.facts:
            validate_fact(fact)
