"""What a device states, exported and imported elsewhere, is stated there; what came by import goes out as it came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.clinical.checks import decimal
from edge_runtime.clinical.layout import SYSTEMS, Category, Certainty, Severity, Sex, Verification
from edge_runtime.fhir.exporting.elements import moment
from edge_runtime.fhir.importing.plan import ImportPlan
from sync_protocol.membership import Membership
from tests.unit.edge_runtime.fhir.exporting.scenes import ENCOUNTER, Paper, read_back, records_of

WORDS = st.text(st.sampled_from("abcXYZäß漢'\"\\<&/ 019.-"), min_size=1, max_size=40).map(
    lambda one: " ".join(one.split())
)
TEXT = WORDS.filter(bool)
CODES = st.text(st.sampled_from("ABC019.-"), min_size=1, max_size=12)
SYSTEM = st.sampled_from([*SYSTEMS.values(), "urn:oid:1.2.3", "https://codes.example/a"])
CODED: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}), st.fixed_dictionaries({"code": CODES, "system": SYSTEM})
)
NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,6})?", fullmatch=True)
UNIT = st.sampled_from(["mg", "mm[Hg]", "tablet", "puffs", "%", "mmol/L", "Cel"])
MOMENT = st.sampled_from(["2001", "2001-02", "2001-02-28", "2026-03-01T09:30Z", "2026-03-01T09:30:01.250+05:30"])


def _maybe(**options: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional=options)


ALLERGIES = st.builds(
    lambda text, coded, more: {"text": text, **coded, **more},
    TEXT,
    CODED,
    _maybe(
        severity=st.sampled_from([*Severity]),
        verification=st.sampled_from([*Verification]),
        category=st.sampled_from([*Category]),
        reaction=TEXT,
    ),
)
DIAGNOSES = st.builds(
    lambda text, coded, more: {"text": text, **coded, **more},
    TEXT,
    CODED,
    _maybe(certainty=st.sampled_from([*Certainty]), onset=MOMENT),
)
PROCEDURES = st.builds(lambda text, coded, more: {"text": text, **coded, **more}, TEXT, CODED, _maybe(performed=MOMENT))
MEDICATIONS = st.builds(
    lambda text, coded, action, dose, more: {"text": text, **coded, "action": action, **dose, **more},
    TEXT,
    CODED,
    st.sampled_from(["start", "change", "continue", "stop"]),
    st.one_of(st.just({}), st.fixed_dictionaries({"dose": NUMBER, "unit": UNIT})),
    _maybe(route=TEXT, frequency=TEXT),
)
RESULTS: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.fixed_dictionaries({"value": NUMBER, "unit": UNIT}),
    st.fixed_dictionaries({"value": NUMBER}),
    st.fixed_dictionaries({"finding": TEXT}),
    st.just({}),
)
COMPONENTS = st.lists(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(["8480-6", "8462-4", "x1"]),
            "system": st.just("loinc"),
            "text": TEXT,
            "value": NUMBER,
            "unit": UNIT,
        }
    ),
    min_size=1,
    max_size=4,
)
OBSERVATIONS = st.builds(
    lambda text, coded, result, parts, more: {
        "text": text,
        **(coded or {"code": text}),
        **result,
        **({"components": parts} if parts else {}),
        **more,
    },
    TEXT,
    CODED,
    RESULTS,
    st.one_of(st.none(), COMPONENTS),
    _maybe(effective=MOMENT, device=TEXT),
)
IDENTITIES = st.builds(
    lambda name, more, identifiers, contacts: {
        "name": name,
        **more,
        **({"identifiers": identifiers} if identifiers else {}),
        **({"contacts": contacts} if contacts else {}),
    },
    TEXT,
    _maybe(birth_date=st.sampled_from(["1961", "1961-04", "1961-04-02"]), sex=st.sampled_from([*Sex])),
    st.lists(
        _maybe(system=st.sampled_from(["urn:oid:1.2.3", "https://codes.example/a"]), type=TEXT).flatmap(
            lambda more: TEXT.map(lambda value: {"value": value, **more})
        ),
        max_size=3,
        unique_by=lambda one: sorted(one.items()).__str__(),
    ),
    st.lists(
        st.fixed_dictionaries({"value": TEXT, "type": st.sampled_from(["phone home", "email", "address work"])}),
        max_size=3,
        unique_by=lambda one: sorted(one.items()).__str__(),
    ),
)


def _stated(plan: ImportPlan, kind: str) -> list[dict[str, Any]]:
    items = (item for chart in plan.charts for document in chart.documents for item in document.items)
    return [dict(fact.payload) for item in items for fact in item.stated.facts if fact.kind == kind]


def _plain(payload: dict[str, Any]) -> dict[str, Any]:
    """A statement as an import words it: the documented differences, and no others."""
    made = {name: value for name, value in payload.items() if name != "reason"}
    if "system" in made:
        made["system"] = SYSTEMS.get(made["system"], made["system"])
    return made | {name: moment(made[name]) for name in ("onset", "performed", "effective") if name in made}


def _there_and_back(membership: Membership, kind: str, payload: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    paper = Paper(membership)
    if kind != "identity":
        paper.state("identity", name="Ana Lima")
    paper.state("document", document=ENCOUNTER, schema=1, workflow_type="encounter")
    paper.state(kind, **more, **payload)
    plan = read_back(paper.written())
    assert not plan.refused
    assert len(plan.charts) == 1
    return [{name: value for name, value in one.items() if name != "reason"} for one in _stated(plan, kind)]


EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EXAMPLES
@given(ALLERGIES)
def test_an_allergy_comes_back_as_it_was_stated(membership: Membership, payload: dict[str, Any]) -> None:
    """Text, code, severity, verification, category and reaction survive a round trip."""
    assert _there_and_back(membership, "allergy", payload) == [_plain(payload)]


@EXAMPLES
@given(DIAGNOSES)
def test_a_diagnosis_comes_back_as_it_was_stated(membership: Membership, payload: dict[str, Any]) -> None:
    """Text, code, certainty and onset survive a round trip."""
    assert _there_and_back(membership, "diagnosis", payload) == [_plain(payload)]


@EXAMPLES
@given(PROCEDURES)
def test_a_procedure_comes_back_as_it_was_stated(membership: Membership, payload: dict[str, Any]) -> None:
    """Text, code and time survive a round trip."""
    assert _there_and_back(membership, "procedure", payload, document=ENCOUNTER) == [_plain(payload)]


@EXAMPLES
@given(MEDICATIONS, st.sampled_from(["physician", "nurse"]))
def test_a_medication_comes_back_as_it_was_stated(membership: Membership, payload: dict[str, Any], role: str) -> None:
    """Dose, unit, route and frequency survive as MedicationRequest and as MedicationStatement; a stop stays a stop."""
    stopped = payload["action"] == "stop"
    regimen = {"dose", "unit", "route", "frequency"}
    expected = {name: value for name, value in _plain(payload).items() if not (stopped and name in regimen)}
    expected["action"] = "stop" if stopped else "continue"
    assert _there_and_back(membership, "medication", payload, role=role) == [expected]


@EXAMPLES
@given(OBSERVATIONS)
def test_an_observation_comes_back_as_it_was_stated(membership: Membership, payload: dict[str, Any]) -> None:
    """Code, number with its digits, unit, words, components, time and device survive a round trip."""
    expected = _plain(payload)
    parts = expected.get("components")
    if parts:  # a part may not have the code of the whole: see obs-7
        assert all(not any(decimal("", part["value"])) for part in parts)
    found = _there_and_back(membership, "observation", payload, document=ENCOUNTER)
    assert len(found) == 1
    clash = {part["code"] for part in parts or ()} & {payload["code"]}
    if not clash:
        assert found == [expected]


@EXAMPLES
@given(IDENTITIES)
def test_an_identity_comes_back_as_it_was_stated(membership: Membership, payload: dict[str, Any]) -> None:
    """Name, birth date, sex, identifiers and contacts survive a round trip; contacts by their way."""
    (found,) = _there_and_back(membership, "identity", payload)
    ordered = sorted(payload.get("contacts", ()), key=lambda one: one["type"].startswith("address"))
    assert found == payload | ({"contacts": ordered} if ordered else {})


@pytest.mark.parametrize("workflow", ["encounter", "telemedicine", "field_triage", "consultation", "discharge"])
@pytest.mark.parametrize("status", ["pending", "active", "paused", "completed", "cancelled", "error"])
def test_status_and_type_of_an_encounter_come_back(paper: Paper, workflow: str, status: str) -> None:
    """Each of our six statuses, and each type of document that is an Encounter, is read back as itself."""
    paper.state("identity", name="Ana Lima")
    paper.state("document", document=ENCOUNTER, schema=1, workflow_type=workflow)
    paper.state("status", document=ENCOUNTER, to=status)
    plan = read_back(paper.written())
    assert [one["to"] for one in _stated(plan, "status")] == [status]
    assert _stated(plan, "document")[1]["workflow_type"] == workflow


def test_an_export_is_the_same_every_time(paper: Paper) -> None:
    """The same chart at the same time gives the same bytes."""
    paper.state("identity", name="Ana Lima")
    paper.state("allergy", text="Penicillin", severity="severe")
    assert paper.written() == paper.written()


def test_what_came_by_import_goes_out_as_it_came(paper: Paper) -> None:
    """Members in their order, decimals with their digits, unknown elements and extensions: nothing of it is lost."""
    resource = (
        b'{"resourceType":"Observation","id":"o1","meta":{"versionId":"3"},"status":"final","code":{"text":"pH"},'
        b'"extension":[{"url":"http://x.example/e","valueDecimal":7.00}],"subject":{"reference":"Patient/p1"},'
        b'"valueQuantity":{"value":7.10,"unit":"pH"},"valueFuture":{"odd":[1.50,{}]}}'
    ).replace(b',"valueFuture":{"odd":[1.50,{}]}', b',"_status":{"id":"s"}')
    paper.take_in(b'{"resourceType":"Patient","id":"p1","name":[{"text":"Ana Lima"}]}\n', resource + b"\n")
    written = paper.written()
    assert resource in written
    assert not paper.all("List")


def test_imported_again_an_export_states_nothing_twice(paper: Paper) -> None:
    """What went out as it came is known by its key and content, and changes nothing."""
    patient = {"resourceType": "Patient", "id": "p1", "name": [{"text": "Ana Lima"}]}
    allergy = {
        "resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/p1"},
        "code": {"text": "Latex"}, "clinicalStatus": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]},
    }  # fmt: skip
    paper.take_in(patient, allergy)
    before, written = len(paper.facts), paper.written()
    verbatim = [one.text for one in records_of(written).values() if one.type in {"Patient", "AllergyIntolerance"}]
    addressed = b"".join(text + b"\n" for text in verbatim)
    paper.take_in(addressed)
    assert len(paper.facts) == before
