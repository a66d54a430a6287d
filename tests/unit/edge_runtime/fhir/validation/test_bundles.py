"""The rules of Bundles: what each demands, kept and broken; and that a stream judges them as a whole one would be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.fhir.validation import bundles as room
from tests.unit.edge_runtime.fhir.validation.bundling import (
    ONE,
    THREE,
    TWO,
    check,
    entry,
    found,
    framed,
    refers,
    resource,
    validator,
    warnings,
)

PUT = {"method": "PUT", "url": "Patient/1"}
POST = {"method": "POST", "url": "Patient"}
DONE = {"status": "200"}
DOCUMENT = {"timestamp": "2024-01-01T00:00:00Z", "identifier": {"system": "urn:x", "value": "1"}}
FIRST = entry(ONE, resource=resource("Composition"))
SERVER = "http://s.example/fhir"

SOUND = {
    "a collection": framed(entry(ONE), entry(TWO)),
    "an empty collection": framed(),
    "a transaction": framed(entry(ONE, resource=resource(), request=POST), kind="transaction"),
    "a batch without resource": framed(entry(request={"method": "GET", "url": "Patient/1"}), kind="batch"),
    "a removal": framed(entry(request={"method": "DELETE", "url": "Patient/1"}), kind="transaction"),
    "an operation": framed(entry(request={"method": "POST", "url": "Patient/1/$everything"}), kind="batch"),
    "an update": framed(entry(f"{SERVER}/Patient/1", resource=resource(id="1"), request=PUT), kind="transaction"),
    "a conditional update": framed(
        entry(ONE, resource=resource(), request={"method": "PUT", "url": "Patient?identifier=x"}), kind="transaction"
    ),
    "an answer": framed(entry(response=DONE), kind="transaction-response"),
    "a search": framed(entry(ONE, resource=resource(), search={"mode": "match"}), kind="searchset", total=1),
    "a history": framed(entry(ONE, resource=resource(), request=POST, response=DONE), kind="history", total=1),
    "versions of one resource": framed(
        *(entry(ONE, resource=resource(id="1", meta={"versionId": version})) for version in ("1", "2"))
    ),
    "a history of one resource": framed(
        *(entry(ONE, resource=resource(), request=POST, response=DONE) for _ in range(2)), kind="history"
    ),
    "a document": framed(FIRST, kind="document", **DOCUMENT),
    "a message": framed(entry(ONE, resource=resource("MessageHeader")), kind="message"),
    "one id on two servers": framed(
        entry("http://a.example/Patient/1", resource=resource(id="1")),
        entry("http://b.example/Patient/1", resource=resource(id="1")),
    ),
    "one id of two types": framed(entry(resource=resource(id="1")), entry(resource=resource("Observation", id="1"))),
    "an address that is none of a server": framed(entry("https://x.example/q?id=7", resource=resource(id="1"))),
    "an OID": framed(entry("urn:oid:2.16.840.1", resource=resource(id="1"))),
    "an entry without id": framed(entry(f"{SERVER}/Patient/1", resource=resource())),
    "references that resolve": framed(entry(ONE), entry(TWO, resource=refers(ONE)), entry(THREE, resource=refers(ONE))),
    "a reference ahead": framed(entry(TWO, resource=refers(ONE)), entry(ONE)),
    "references out of the Bundle": framed(
        entry(TWO, resource=refers("Patient/9")), entry(ONE, resource=refers(f"{SERVER}/Patient/9"))
    ),
    "a reference to a version": framed(
        entry(TWO, resource=refers(f"{SERVER}/Patient/1/_history/2")),
        entry(f"{SERVER}/Patient/1", resource=resource(id="1")),
    ),
    "a circle": framed(
        entry(ONE, resource=resource("Observation", hasMember=[{"reference": TWO}])),
        entry(TWO, resource=resource("Observation", hasMember=[{"reference": ONE}])),
    ),
    "a reference to itself": framed(entry(ONE, resource=resource("Observation", hasMember=[{"reference": ONE}]))),
    "a document whose Composition finds all": framed(
        entry(
            ONE,
            resource=resource(
                "Composition",
                subject={"reference": TWO},
                author=[{"reference": f"{SERVER}/Practitioner/1"}],
                encounter={"reference": "#e"},
                contained=[{"resourceType": "Encounter", "id": "e", "status": "planned", "class": {"code": "AMB"}}],
            ),
        ),
        entry(TWO),
        entry(f"{SERVER}/Practitioner/1", resource=resource("Practitioner", id="1")),
        kind="document",
        **DOCUMENT,
    ),
    "a Composition whose server says where the rest is": framed(
        entry(f"{SERVER}/Composition/1", resource=resource("Composition", id="1", subject={"reference": "Patient/1"})),
        entry(f"{SERVER}/Patient/1", resource=resource(id="1", meta={"versionId": "3"})),
        kind="document",
        **DOCUMENT,
    ),
    "a Composition that is in no document": framed(
        entry(ONE, resource=resource("Composition", subject={"reference": "Patient/9"}))
    ),
    "a signature of an entry": framed(
        entry(ONE, resource=resource("Practitioner")),
        signature={
            "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}],
            "when": "2024-01-01T00:00:00Z",
            "who": {"reference": ONE},
        },
    ),
}


@pytest.mark.parametrize("sound", SOUND.values(), ids=SOUND)
def test_a_sound_bundle_is_valid(sound):
    """Whatever its type; the order of its members does not count."""
    assert found(sound) == []
    assert found(json.dumps(dict(reversed(sound.items())))) == []


E = "Bundle.entry"
BROKEN = {
    "bdl-1": (framed(entry(ONE), total=1), "Bundle.total", "invariant", "bdl-1"),
    "bdl-2": (
        framed(entry(ONE, resource=resource(), search={"mode": "match"})),
        f"{E}[0].search",
        "invariant",
        "bdl-2",
    ),
    "bdl-3, missing": (framed(entry(ONE), kind="transaction"), f"{E}[0].request", "invariant", "bdl-3"),
    "bdl-3, prohibited": (
        framed(entry(ONE, resource=resource(), request=POST)),
        f"{E}[0].request",
        "invariant",
        "bdl-3",
    ),
    "bdl-4, missing": (framed(entry(ONE), kind="batch-response"), f"{E}[0].response", "invariant", "bdl-4"),
    "bdl-4, prohibited": (
        framed(entry(ONE, resource=resource(), response=DONE)),
        f"{E}[0].response",
        "invariant",
        "bdl-4",
    ),
    "bdl-5": (framed(entry(link=[{"relation": "self", "url": "http://x.example"}])), f"{E}[0]", "invariant", "bdl-5"),
    "bdl-7": (framed(entry(ONE), entry(TWO), entry(ONE)), f"{E}[2].fullUrl", "duplicate", "bdl-7"),
    "bdl-8": (framed(entry(f"{SERVER}/Patient/1/_history/1")), f"{E}[0].fullUrl", "invariant", "bdl-8"),
    "bdl-9, none": (
        framed(FIRST, kind="document", timestamp=DOCUMENT["timestamp"]),
        "Bundle.identifier",
        "invariant",
        "bdl-9",
    ),
    "bdl-9, half": (
        framed(FIRST, kind="document", timestamp=DOCUMENT["timestamp"], identifier={"value": "1"}),
        "Bundle.identifier",
        "invariant",
        "bdl-9",
    ),
    "bdl-10": (
        framed(FIRST, kind="document", identifier=DOCUMENT["identifier"]),
        "Bundle.timestamp",
        "invariant",
        "bdl-10",
    ),
    "bdl-11": (
        framed(entry(ONE), FIRST | {"fullUrl": TWO}, kind="document", **DOCUMENT),
        f"{E}[0].resource",
        "invariant",
        "bdl-11",
    ),
    "bdl-11, empty": (framed(kind="document", **DOCUMENT), "Bundle", "invariant", "bdl-11"),
    "bdl-12": (framed(entry(ONE), kind="message"), f"{E}[0].resource", "invariant", "bdl-12"),
    "a fullUrl that is relative": (
        framed(entry("Patient/1", resource=resource(id="1"))),
        f"{E}[0].fullUrl",
        "value",
        "",
    ),
    "a UUID of another form": (framed(entry("urn:uuid:123")), f"{E}[0].fullUrl", "value", ""),
    "an OID of another form": (framed(entry("urn:oid:9.x")), f"{E}[0].fullUrl", "value", ""),
    "a fullUrl of another id": (
        framed(entry(f"{SERVER}/Patient/1", resource=resource(id="2"))),
        f"{E}[0].fullUrl",
        "value",
        "",
    ),
    "a fullUrl of another type": (
        framed(entry(f"{SERVER}/Group/1", resource=resource(id="1"))),
        f"{E}[0].fullUrl",
        "value",
        "",
    ),
    "a fullUrl that is no text": (
        framed({"fullUrl": ["x"], "resource": resource()}),
        f"{E}[0].fullUrl",
        "structure",
        "",
    ),
    "a creation of nothing": (framed(entry(request=POST), kind="transaction"), f"{E}[0].resource", "required", ""),
    "an update of another id": (
        framed(entry(ONE, resource=resource(id="2"), request=PUT), kind="transaction"),
        f"{E}[0].request.url",
        "value",
        "",
    ),
    "an update of another type": (
        framed(entry(ONE, resource=resource("Observation", id="1"), request=PUT), kind="transaction"),
        f"{E}[0].request.url",
        "value",
        "",
    ),
    "two changes of one resource": (
        framed(*(entry(url, resource=resource(id="1"), request=PUT) for url in (ONE, TWO)), kind="transaction"),
        f"{E}[1].request.url",
        "duplicate",
        "",
    ),
    "one id twice": (
        framed(*(entry(resource=resource(id="1")) for _ in range(2))),
        f"{E}[1].resource.id",
        "duplicate",
        "",
    ),
    "a dangling reference": (framed(entry(TWO, resource=refers(ONE))), f"{E}[0].resource.subject", "not-found", ""),
    "a dangling OID": (
        framed(entry(TWO, resource=refers("urn:oid:1.2.3"))),
        f"{E}[0].resource.subject",
        "not-found",
        "",
    ),
    "a dangling reference within a contained resource": (
        framed(
            entry(TWO, resource=resource("Provenance", contained=[refers(ONE, id="o")], target=[{"reference": "#o"}]))
        ),
        f"{E}[0].resource.contained[0].subject",
        "not-found",
        "",
    ),
    "a reference to another type": (
        framed(entry(ONE, resource=resource("Medication")), entry(TWO, resource=refers(ONE))),
        f"{E}[1].resource.subject",
        "structure",
        "",
    ),
    "a reference ahead to another type": (
        framed(entry(TWO, resource=refers(ONE)), entry(ONE, resource=resource("Medication"))),
        f"{E}[0].resource.subject",
        "structure",
        "",
    ),
    "a reference of a contained resource to another type": (
        framed(
            entry(ONE, resource=resource("Medication")),
            entry(TWO, resource=resource("Provenance", contained=[refers(ONE, id="o")], target=[{"reference": "#o"}])),
        ),
        f"{E}[1].resource.contained[0].subject",
        "structure",
        "",
    ),
    "a Composition of somebody who is not in the document": (
        framed(
            entry(ONE, resource=resource("Composition", subject={"reference": "Patient/9"})),
            kind="document",
            **DOCUMENT,
        ),
        f"{E}[0].resource.subject",
        "not-found",
        "",
    ),
    "a signature of nobody": (
        framed(
            entry(ONE),
            signature={
                "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}],
                "when": "2024-01-01T00:00:00Z",
                "who": {"reference": TWO},
            },
        ),
        "Bundle.signature.who",
        "not-found",
        "",
    ),
}


@pytest.mark.parametrize(("broken", "path", "code", "rule"), BROKEN.values(), ids=BROKEN)
def test_a_broken_bundle_is_told_of_at_its_place(broken, path, code, rule):
    """One problem, wherever in the Bundle its type stands."""
    assert found(broken) == [(path, code, rule)]
    assert found(json.dumps(dict(reversed(broken.items())))) == [(path, code, rule)]


def test_one_id_under_two_urns_is_a_warning():
    """They may come from two servers; they may be one patient twice."""
    doubled = framed(*(entry(url, resource=resource(id="1")) for url in (ONE, TWO)))
    assert found(doubled) == []
    assert warnings(doubled) == [("Bundle.entry[1].resource.id", "duplicate", "")]
    assert (
        warnings(framed(*(entry(url, resource=resource(id="1"), request=POST) for url in (ONE, TWO)), kind="batch"))
        == []
    )


def test_what_may_have_been_lost_is_not_called_dangling():
    """With a damaged entry in the Bundle, a reference that leads nowhere is a warning."""
    text = json.dumps(framed(entry(TWO, resource=refers(ONE)), {"LOST": 1})).replace('{"LOST": 1}', "{LOST}")
    assert [one[:2] for one in found(text)] == [("Bundle.entry[1]", "invalid")]
    assert warnings(text) == [("Bundle.entry[0].resource.subject", "not-found", "")]


def test_many_places_of_one_flaw_are_named_in_part(monkeypatch):
    """The last that is named says how many more there are."""
    monkeypatch.setattr(room, "PLACES_MAX", 3)
    many = framed(*(entry(resource=refers(ONE)) for _ in range(8)))
    messages = [one.problem.message for one in check(many)[1]]
    assert len(messages) == 3
    assert messages[-1].endswith("(and 5 more)")
    requests = framed(*(entry(resource=resource()) for _ in range(30)), kind="batch")
    messages = [one.problem.message for one in check(requests)[1]]
    assert len(messages) == 20
    assert messages[-1].endswith("(and 10 more)")


def test_addresses_are_held_up_to_a_bound(monkeypatch):
    """Beyond it, what was not held is not called dangling, and the Bundle says so."""
    monkeypatch.setattr(room, "KEYS_MAX", 2)
    many = framed(entry(ONE), entry(TWO), entry(THREE), entry(resource=refers(THREE)))
    assert found(many) == []
    assert ("Bundle", "too-costly", "") in warnings(many)
    waiting = framed(*(entry(resource=refers(f"{ONE[:-1]}{digit}")) for digit in "456"))
    assert ("Bundle", "too-costly", "") in warnings(waiting)


def test_a_bundle_within_a_bundle_is_judged_by_itself():
    """References do not cross its border; its paths begin outside."""
    inner = framed(entry(resource=refers(ONE)))
    assert found(framed(entry(ONE), entry(TWO, resource=inner))) == [
        ("Bundle.entry[1].resource.entry[0].resource.subject", "not-found", "")
    ]
    assert found(framed(entry(ONE, resource=framed(total=1)))) == [
        ("Bundle.entry[0].resource.total", "invariant", "bdl-1")
    ]


ODD = st.sampled_from([None, [], {}, ["x"], {"a": 1}, 7, True, "", "x", "POST", "Patient/1", ONE, "http://["])


@given(st.data())
def test_values_of_any_form_are_problems_and_never_errors(data):
    """Whatever stands where a text belongs."""
    odd = framed(
        {"fullUrl": data.draw(ODD), "resource": data.draw(ODD), "request": data.draw(ODD), "response": data.draw(ODD)},
        {
            "fullUrl": data.draw(ODD),
            "search": data.draw(ODD),
            "request": {"method": data.draw(ODD), "url": data.draw(ODD)},
            "resource": {
                "resourceType": data.draw(ODD) or "Composition",
                "id": data.draw(ODD),
                "meta": data.draw(st.one_of(ODD, st.fixed_dictionaries({"versionId": ODD, "profile": ODD}))),
                "contained": data.draw(ODD),
                "reference": data.draw(ODD),
                "subject": {"reference": data.draw(ODD), "type": data.draw(ODD)},
            },
        },
        kind=data.draw(ODD),
        identifier=data.draw(ODD),
        signature={"who": {"reference": ONE}},
    )
    checked, _ = check(odd)
    assert not checked.valid


def test_the_stream_says_what_a_whole_bundle_would_be_told():
    """The rules that both judge: each broken Bundle breaks the same rule as a whole."""
    for broken, _, _, rule in BROKEN.values():
        whole = {one.rule for one in validator().resource(json.dumps(broken).encode()) if one.invalidates}
        assert not rule or rule in whole
