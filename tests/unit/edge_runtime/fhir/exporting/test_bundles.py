"""Each form of an export holds what its kind asks for, and nothing in it points nowhere."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.errors import RefusedError
from edge_runtime.fhir.exporting.bundles import Form, bundle, document, names_of, ndjson, with_ids
from edge_runtime.fhir.exporting.charts import told_apart
from edge_runtime.fhir.exporting.identity import source_of
from edge_runtime.fhir.exporting.scene import Made
from edge_runtime.fhir.exporting.writing import to_text
from edge_runtime.fhir.reading.strict_json import Cursor
from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.files import FileCheck
from edge_runtime.fhir.validation.validator import open_validator
from sync_protocol.membership import Membership
from sync_protocol.verdicts import ACCEPTED
from tests.fhir.opinions import is_there, medplum_takes
from tests.unit.edge_runtime.fhir.exporting.scenes import CHART, DOCUMENT, ENCOUNTER, NOW_MS, QUARANTINED, Paper
from tests.unit.edge_runtime.fhir.exporting.test_round_trip import (
    ALLERGIES,
    DIAGNOSES,
    IDENTITIES,
    MEDICATIONS,
    OBSERVATIONS,
    PROCEDURES,
)

STATEMENT = st.one_of(
    st.tuples(st.just("allergy"), ALLERGIES),
    st.tuples(st.just("diagnosis"), DIAGNOSES),
    st.tuples(st.just("medication"), MEDICATIONS),
    st.tuples(st.just("observation"), OBSERVATIONS),
    st.tuples(st.just("procedure"), PROCEDURES),
    st.tuples(st.just("identity"), IDENTITIES),
)
HOW = st.sampled_from(["plain", "plain", "replacing", "unseen", "quarantined"])


def _problems(data: bytes) -> list[str]:
    """What our validator finds wrong with an export."""
    found = FileCheck(open_validator(), load_definitions()).problems(io.BytesIO(data), "export.json")
    return [f"{one.problem.path}: {one.problem.message}" for one in found if one.problem.invalidates]


def _filled(membership: Membership, statements: list[tuple[tuple[str, dict[str, Any]], str]]) -> Paper:
    paper = Paper(membership)
    paper.state("identity", name="Ana Lima")
    paper.state("document", document=ENCOUNTER, schema=1, workflow_type="encounter")
    for (kind, payload), how in statements:
        before = [fact for fact in paper.facts if fact.fact.kind == kind and fact.verdict.counts]
        paper.state(
            kind,
            document=ENCOUNTER if kind in {"observation", "procedure"} else DOCUMENT,
            replaces=[before[-1].id] if how == "replacing" and before else (),
            unseen=how == "unseen",
            verdict=QUARANTINED if how == "quarantined" else ACCEPTED,
            **payload,
        )
    return paper


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(STATEMENT, HOW), max_size=8))
def test_whatever_is_stated_exports_valid(
    membership: Membership, statements: list[tuple[tuple[str, dict[str, Any]], str]]
) -> None:
    """Any mixture of statements, replaced, concurrent and unverified ones, makes a Bundle without an error."""
    assert _problems(_filled(membership, statements).written()) == []


@pytest.mark.skipif(not is_there(), reason="@medplum/core is not installed")
def test_another_validator_takes_what_is_exported(membership: Membership) -> None:
    """Every type of resource of ours is structurally sound by @medplum/core."""
    statements: list[tuple[tuple[str, dict[str, Any]], str]] = [
        (("allergy", {"text": "Latex", "severity": "severe", "reaction": "Hives"}), "plain"),
        (("allergy", {"text": "Nuts", "severity": "mild"}), "quarantined"),
        (("diagnosis", {"text": "Asthma", "code": "J45.909", "system": "icd-10-cm", "onset": "2001"}), "plain"),
        (("medication", {"text": "Warfarin", "action": "start", "dose": "5", "unit": "mg", "route": "oral"}), "plain"),
        (("medication", {"text": "Warfarin", "action": "stop"}), "unseen"),
        (("observation", {"code": "8867-4", "text": "Heart rate", "value": "72.0", "unit": "/min"}), "plain"),
        (("procedure", {"text": "Suture", "performed": "2026-03-01T09:30Z"}), "plain"),
    ]
    entries = json.loads(_filled(membership, statements).written())["entry"]
    listed = [one["resource"] for one in entries]
    refused = [one["resourceType"] for one, good in zip(listed, medplum_takes(listed), strict=True) if not good]
    assert refused == []


def _chart(paper: Paper) -> list[Made]:
    paper.take_in(
        {"resourceType": "Patient", "id": "p1", "name": [{"text": "Ana Lima"}]},
        {"resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "x"},
         "subject": {"reference": "Patient/p1"}},
        {"resourceType": "Basic", "code": {"text": "no id"}, "subject": {"reference": "Patient/p1"}},
    )  # fmt: skip
    paper.state("allergy", text="Latex")
    return paper.made()


def _read(pieces: Iterator[bytes]) -> Any:
    return json.loads(b"".join(pieces))


def test_a_transaction_puts_each_resource_under_its_own_id(paper: Paper) -> None:
    """PUT by type and id, also of an imported resource that had none: sending it twice changes nothing."""
    made = _chart(paper)
    found = _read(bundle(with_ids(made), Form.TRANSACTION, now_ms=NOW_MS))
    assert found["type"] == "transaction"
    for entry in found["entry"]:
        resource = entry["resource"]
        assert entry["request"] == {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    again = _read(bundle(with_ids(made), Form.TRANSACTION, now_ms=NOW_MS))
    assert again == found
    assert _problems(json.dumps(found).encode()) == []


def test_lines_refer_by_type_and_id(paper: Paper) -> None:
    """NDJSON has no addresses: what is ours refers as bulk data does, and every such reference finds its line."""
    made = _chart(paper)
    lines = [json.loads(line) for _, line in ndjson(made, names_of(made), source=source_of(CHART))]
    names = {f"{one['resourceType']}/{one['id']}" for one in lines if "id" in one}
    (allergy,) = [one for one in lines if one["resourceType"] == "AllergyIntolerance"]
    assert allergy["patient"] == {"reference": "Patient/p1"}
    targets = [target["reference"] for one in lines for target in one.get("target", ())]
    assert {target for target in targets if not target.startswith(("urn:", "https:"))} <= names


def test_a_resource_of_a_server_is_known_again_without_its_address(paper: Paper) -> None:
    """Only NDJSON loses the address; there the resource names the chart, and an import here takes nothing of it."""
    entry = {"fullUrl": "https://h.example/fhir/Patient/p1",
             "resource": {"resourceType": "Patient", "id": "p1", "name": [{"text": "Ana Lima"}]}}  # fmt: skip
    paper.take_in({"resourceType": "Bundle", "type": "collection", "entry": [entry]})
    made = paper.made()
    lines = [json.loads(line) for _, line in ndjson(made, names_of(made), source=source_of(CHART))]
    assert [one["meta"]["source"] for one in lines if one["resourceType"] == "Patient"] == [source_of(CHART)]


def test_a_document_takes_a_signed_note(paper: Paper) -> None:
    """Without a Composition there is no document, and it says so."""
    with pytest.raises(RefusedError) as caught:
        document(_chart(paper))
    assert caught.value.code == "nothing_signed"


def test_a_document_holds_what_its_composition_reaches(paper: Paper) -> None:
    """The Composition first, what it refers to directly or through others, its Provenance, and nothing else."""
    made = _chart(paper)
    (observation,) = [one for one in made if one.type == "Observation"]
    (patient,) = [one for one in made if one.type == "Patient"]
    note = {
        "resourceType": "Composition", "id": "c1", "status": "final", "type": {"text": "Note"}, "date": "2026-01-01",
        "author": [{"display": "x"}], "title": "Note", "subject": {"reference": patient.address},
        "section": [{"title": "Findings", "entry": [{"reference": observation.address}]}],
    }  # fmt: skip
    whole = [Made(content=note, address="urn:uuid:" + "1" * 8 + "-1111-8111-8111-" + "1" * 12, facts=()), *made]  # type: ignore[arg-type]  # a literal of mixed values
    found = _read(bundle(document(whole), Form.DOCUMENT, now_ms=NOW_MS))
    types = [one["resource"]["resourceType"] for one in found["entry"]]
    assert types[0] == "Composition"
    assert sorted(set(types[1:])) in (["Observation", "Patient"], ["Observation", "Patient", "Provenance"])
    assert found["identifier"]["value"] == f"urn:uuid:{found['id']}"


def test_an_empty_export_is_a_bundle(paper: Paper) -> None:
    """No resource, no entry: FHIR has no empty lists."""
    assert _read(bundle([], Form.COLLECTION, now_ms=NOW_MS)) == {
        "resourceType": "Bundle", "type": "collection", "timestamp": "2025-10-09T08:53:20.000Z",
    }  # fmt: skip
    assert paper.membership is not None


def test_no_address_stands_twice_in_an_export(paper: Paper) -> None:
    """Of two charts whose sources gave the same address, the second gets its own, and names its chart."""
    made, taken = _chart(paper), set[str]()
    first, second = told_apart("urn:a", made, taken), told_apart("urn:b", made, taken)
    addresses = [one.address for one in (*first, *second)]
    assert len(addresses) == len(set(addresses))
    assert all(one.content["meta"]["source"] == "urn:b" for one in second)  # type: ignore[index,call-overload]  # a map


@pytest.mark.parametrize("text", ['{"b":1.0,"a":[1.50,-0.0,1E+2,true,null,"\\u00e9\\"\\\\"]}', "[]", "{}", '""'])
def test_what_was_read_is_written_as_it_was(text: str) -> None:
    """Members in their order, numbers with their digits, whatever they are."""
    assert json.loads(to_text(Cursor(text).value().value), parse_float=str) == json.loads(text, parse_float=str)
    assert Cursor(to_text(Cursor(text).value().value)).value().value == Cursor(text).value().value
