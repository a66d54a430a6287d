"""Checking a file of any form: every resource, each problem at its place, and no fault beyond its own resource."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.fhir.validation import files as room
from tests.unit.edge_runtime.fhir.validation.bundling import ONE, check, entry, found, framed, resource

BAD = resource(gender="x")


def test_a_single_resource_is_checked():
    """Its paths begin with its type."""
    checked, problems = check(BAD)
    assert [(one.record, one.problem.path) for one in problems] == [("f.json", "Patient.gender")]
    assert (checked.valid, dict(checked.resources)) == (False, {"Patient": 1})
    assert found(resource()) == []


def test_a_bundle_is_checked_through():
    """Its paths begin with it; the Bundle counts as a resource."""
    checked, problems = check(framed(entry(), entry(resource=BAD), entry(resource=framed(entry(resource=BAD)))))
    assert [(one.record, one.problem.path) for one in problems] == [
        ("f.json#entry[1]", "Bundle.entry[1].resource.gender"),
        ("f.json#entry[2].entry[0]", "Bundle.entry[2].resource.entry[0].resource.gender"),
    ]
    assert dict(checked.resources) == {"Patient": 3, "Bundle": 2}


def test_ndjson_is_checked_line_by_line():
    """The record says the line; a broken line costs itself; an id may stand on several lines."""
    lines = [resource(id="1"), BAD, {"resourceType": "Patient", "birthDate": "x"}]
    text = "\n".join([*map(json.dumps, lines), "{", json.dumps(resource(id="1"))])
    checked, problems = check(gzip.compress(text.encode()), "f.ndjson.gz")
    places = [(one.record, one.problem.path, one.problem.code.value) for one in problems if one.problem.invalidates]
    assert places == [
        ("f.ndjson.gz:2", "Patient.gender", "code-invalid"),
        ("f.ndjson.gz:3", "Patient.birthDate", "value"),
        ("f.ndjson.gz:4", "", "invalid"),
    ]
    assert checked.resources["Patient"] == 4


def test_bundles_on_lines_are_judged_each_by_itself():
    """Also after one that broke off."""
    broken = json.dumps(framed(entry(ONE)))[:-30]
    text = "\n".join([json.dumps(framed(entry(ONE))), broken, json.dumps(framed(entry(ONE)))])
    assert found(text, "f.ndjson") == [("", "invalid", "")]


REFUSED = {
    "another version": ({"resourceType": "Patient", "animal": {}}, "Patient.animal", "not-supported"),
    "another type": ({"resourceType": "Transport"}, "resourceType", "not-supported"),
    "no type": ({"id": "1"}, "resourceType", "structure"),
}


@pytest.mark.parametrize(("content", "path", "code"), REFUSED.values(), ids=REFUSED)
def test_what_the_reader_refuses_is_one_problem(content, path, code):
    """At its path, alone and in a Bundle; the rest of the Bundle is checked."""
    assert found(content) == [(path, code, "")]
    inner = path.removeprefix("Patient.")
    assert found(framed(entry(resource=content), entry(resource=BAD))) == [
        (f"Bundle.entry[0].resource.{inner}", code, ""),
        ("Bundle.entry[1].resource.gender", "code-invalid", ""),
    ]


def test_a_number_that_was_written_as_text_is_a_problem():
    """And the other way round."""
    observed = resource("Observation", valueQuantity={"value": "7.5"})
    assert found(observed) == [("Observation.valueQuantity.value", "structure", "")]
    assert found(resource("Observation", valueInteger=True)) == [("Observation.valueInteger", "structure", "")]
    assert found(resource(birthDate=1980)) == [("Patient.birthDate", "structure", "")]


def test_a_number_that_no_arithmetic_holds_costs_its_entry():
    """And an exponent that fits is a number as any other."""
    huge = json.dumps(
        framed(entry(resource=resource("Observation", valueQuantity={"value": 0.5})), entry(resource=BAD))
    )
    assert found(huge.replace("0.5", "1e99999999999999999999")) == [
        ("Bundle.entry[0]", "too-costly", ""),
        ("Bundle.entry[1].resource.gender", "code-invalid", ""),
    ]
    assert found(huge.replace("0.5", "1e-9999")) == [("Bundle.entry[1].resource.gender", "code-invalid", "")]


def test_an_entry_that_is_no_object_is_named_by_its_own_path():
    """It is the entry that is wrong, not a member of it."""
    assert found(framed(5, entry())) == [("Bundle.entry[0]", "structure", "")]


def test_frames_of_entries_are_judged_once_and_long_ones_are_not_held():
    """Sound or not, a frame that many entries share costs one judgement; a file of long ones fills no memory."""
    many = [entry(search={"mode": "no mode"}) for _ in range(50)]
    long = [entry(search={"mode": "no mode", "id": f"{number}" + "x" * 2000}) for number in range(5)]
    checked, problems = check(framed(*many, *long, type="searchset"))
    wrong = [one.problem.path for one in problems if one.problem.code.value == "code-invalid"]
    assert wrong == [f"Bundle.entry[{index}].search.mode" for index in range(55)]
    assert len(checked._shells) == 1
    assert max(map(len, checked._shells)) <= room._SHELL_BYTES_MAX


ODD_ENTRIES = {
    "an unknown member": ({"resource": resource(), "nonsense": 1}, "Bundle.entry[0].nonsense", "structure"),
    "a resource that is a text": ({"resource": "x"}, "Bundle.entry[0].resource", "structure"),
    "a list of resources": ({"resource": [resource()]}, "Bundle.entry[0].resource", "structure"),
    "null": ({"resource": None, "fullUrl": ONE}, "Bundle.entry[0].resource", "structure"),
    "a wrong code": (
        {"resource": resource(), "search": {"mode": "x"}},
        "Bundle.entry[0].search.mode",
        "code-invalid",
    ),
    "a request without method": (
        {"resource": resource(), "request": {"url": "Patient"}},
        "Bundle.entry[0].request.method",
        "required",
    ),
    "a fullUrl with a blank": ({"resource": resource(), "fullUrl": "urn:x y"}, "Bundle.entry[0].fullUrl", "value"),
    "an empty fullUrl": ({"resource": resource(), "fullUrl": ""}, "Bundle.entry[0].fullUrl", "structure"),
}


@pytest.mark.parametrize(("odd", "path", "code"), ODD_ENTRIES.values(), ids=ODD_ENTRIES)
def test_what_an_entry_has_beside_its_resource_is_checked(odd, path, code):
    """Members, their forms and their codes."""
    assert (path, code) in [one[:2] for one in found(framed(odd))]


def test_sound_frames_of_entries_are_remembered(monkeypatch):
    """Entries with the same request are checked once; what is remembered has a bound."""
    monkeypatch.setattr(room, "_SHELLS_MAX", 1)
    entries = [entry(resource=resource(), request={"method": "POST", "url": url}) for url in ("a", "a", "b", "b")]
    assert found(framed(*entries, kind="batch")) == []
    wrong = [entry(resource=resource(), request={"method": "x", "url": "a"}) for _ in range(2)]
    assert len(found(framed(*wrong, kind="batch"))) == 2


def test_a_bundles_own_members_are_checked():
    """Its type, its links, what it must have; no entries are no entries, but an empty list is a flaw."""
    assert found(framed(kind="x")) == [("Bundle.type", "code-invalid", "")]
    assert found({"resourceType": "Bundle"}) == [("Bundle.type", "required", "")]
    assert found({"resourceType": "Bundle", "type": "batch", "entry": []}) == [("Bundle.entry", "structure", "")]
    assert found({"resourceType": "Bundle", "type": "batch", "entry": {}}) == [("Bundle.entry", "structure", "")]
    assert found(framed(id="a b")) == [("Bundle.id", "value", "")]


@pytest.mark.parametrize(
    "text",
    [
        '{"resourceType": "Bundle", "type": "batch", "id": "\udcff"}',
        '{"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {}, "id": "\udcff"}]}',
        '{"resourceType": "Patient", "id": "\udcff"}',
        '{"resourceType": "Patient", "id": "\\ud800"}',
    ],
)
def test_another_encoding_is_told_of_wherever_it_shows(text):
    """In a Bundle, an entry or a resource."""
    checked, problems = check(text)
    assert not checked.valid
    assert any("text in UTF-8" in one.problem.message for one in problems)


def test_a_bundle_that_breaks_off_is_not_valid():
    """What was whole is checked; what can be told only at the end is not."""
    text = json.dumps(framed(entry(resource=BAD), entry(ONE)))
    assert [one[:2] for one in found(text[:-25])] == [
        ("Bundle.entry[0].resource.gender", "code-invalid"),
        ("", "invalid"),
    ]


def test_no_message_holds_content():
    """Whatever is wrong, with every value and key made recognisable."""
    secret = "Zyx Secret"
    bad = resource(id=secret, gender=secret, birthDate=secret, name=secret, managingOrganization={"reference": secret})
    bundle = framed(
        entry(secret, resource=bad), {"fullUrl": "urn:uuid:" + secret, "resource": bad, "request": {"method": secret}}
    )
    for one in check(bundle)[1]:
        assert secret not in one.problem.message + one.problem.path


@given(st.binary(max_size=120))
def test_no_bytes_raise(data):
    """Whatever comes becomes problems; nothing that is no FHIR is valid."""
    for name in ("f.json", "f.ndjson"):
        checked, _ = check(data, name)
        assert not checked.valid
