"""The walk: each thing that a resource can have wrong is found at its path, and nothing is found in a sound one."""

from __future__ import annotations

import pytest

from edge_runtime.fhir.validation.definitions import ElementDef
from edge_runtime.fhir.validation.found import Findings, kind_of
from edge_runtime.fhir.validation.members import Member
from edge_runtime.fhir.validation.primitives import PRIMITIVES
from edge_runtime.fhir.validation.walk import named

from .walking import ENCOUNTER, OBSERVATION, PATIENT, the_walk, walked

ODD: list[object] = [None, 1, "x", [], True]
EXTENSION = {"url": "http://example.org/x", "valueString": "a"}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"name": [{"given": ["A", None], "_given": [None, {"extension": [EXTENSION]}]}]},
        {"_birthDate": {"extension": [EXTENSION]}},
        {"birthDate": "1990-05-17", "_birthDate": {"id": "b"}},
        {"multipleBirthInteger": 2, "_multipleBirthInteger": {"extension": [EXTENSION]}},
        {"extension": [{"url": "http://example.org/c", "extension": [{"url": "part", "valueInteger": 1}]}]},
        {"contained": [{"resourceType": "Organization", "id": "o"}], "managingOrganization": {"reference": "#o"}},
        {"name": [{"_given": [{"extension": [EXTENSION]}]}]},
        {"link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}]},
        {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'}},
    ],
)
def test_a_sound_resource_has_no_problem(members):
    """What R4 allows passes: extensions in the place of values, choices, contained resources, narratives."""
    assert walked(PATIENT, **members) == []


@pytest.mark.parametrize(
    ("members", "code", "path"),
    [
        # Unknown elements, and names that are none.
        ({"nickname": "x"}, "structure", "nickname"),
        ({"_nickname": {"id": "x"}}, "structure", "nickname"),
        ({"_name": [{"id": "x"}]}, "structure", "name"),
        ({"Maria Huber, born 1950": "x"}, "structure", "?"),
        ({"contact": [{"resourceType": "x"}]}, "structure", "contact[0].resourceType"),
        # Cardinality: what must be there, one and many, choices.
        ({"link": [{"type": "seealso"}]}, "required", "link[0].other"),
        ({"communication": [{"preferred": True}]}, "required", "communication[0].language"),
        ({"name": {"family": "x"}}, "structure", "name"),
        ({"gender": ["male"]}, "structure", "gender"),
        ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, "structure", "deceased[x]"),
        ({"deceasedBoolean": True, "_deceasedDateTime": {"id": "x"}}, "structure", "deceased[x]"),
        # Lists, nulls and what stands beside primitives.
        ({"name": []}, "structure", "name"),
        ({"name": [{}]}, "structure", "name[0]"),
        ({"name": [None]}, "structure", "name[0]"),
        ({"name": ["x"]}, "structure", "name[0]"),
        ({"name": [{"given": [None]}]}, "structure", "name[0].given[0]"),
        ({"name": [{"given": ["a", "b"], "_given": [None]}]}, "structure", "name[0].given"),
        ({"name": [{"given": ["a"], "_given": []}]}, "structure", "name[0].given"),
        ({"name": [{"given": ["a"], "_given": {"id": "x"}}]}, "structure", "name[0].given"),
        ({"name": [{"given": ["a"], "_given": [{}]}]}, "structure", "name[0].given[0]"),
        ({"name": [{"_given": [None]}]}, "structure", "name[0].given[0]"),
        ({"_birthDate": "x"}, "structure", "birthDate"),
        ({"_birthDate": {"foo": 1}}, "structure", "birthDate.foo"),
        ({"_birthDate": {}}, "structure", "birthDate"),
        # Forms.
        ({"id": "a b"}, "value", "id"),
        ({"birthDate": "2023-02-30"}, "value", "birthDate"),
        ({"name": [{"family": ""}]}, "value", "name[0].family"),
        ({"active": "true"}, "structure", "active"),
        ({"multipleBirthInteger": "2"}, "structure", "multipleBirthInteger"),
        ({"name": [{"id": "a b"}]}, "value", "name[0].id"),
        # Bindings.
        ({"gender": "m"}, "code-invalid", "gender"),
        ({"language": "en_US"}, "code-invalid", "language"),
        # Extensions.
        ({"extension": [{"valueString": "a"}]}, "required", "extension[0].url"),
        ({"extension": [{"url": "x", "valueString": "a"}]}, "value", "extension[0].url"),
        ({"extension": [{"url": "http://a", "valueFoo": 1}]}, "structure", "extension[0].valueFoo"),
        ({"extension": [EXTENSION | {"valueCode": "a"}]}, "structure", "extension[0].value[x]"),
        ({"modifierExtension": [{"url": "http://a", "valueDate": "2023-13"}]}, "value",
         "modifierExtension[0].valueDate"),
        # Resources inside.
        ({"contained": [{"resourceType": "Organization"}]}, "required", "contained[0].id"),
        ({"contained": ["x"]}, "structure", "contained[0]"),
        ({"contained": [{"id": "x"}]}, "structure", "contained[0]"),
        ({"contained": [{"resourceType": "Ingredient", "id": "x"}]}, "not-supported", "contained[0]"),
        ({"contained": [{"resourceType": "Patient", "id": "x", "gender": "m"}]}, "code-invalid", "contained[0].gender"),
        ({"contained": [PATIENT, PATIENT]}, "duplicate", "contained[1].id"),
        ({"text": {"status": "generated", "div": "x"}}, "value", "text.div"),
        ({"text": {"status": "generated", "div": 1}}, "structure", "text.div"),
    ],
)  # fmt: skip
def test_a_fault_is_found_at_its_path(members, code, path):
    """One fault is one problem, with the code of its sort, at the element that has it."""
    assert walked(PATIENT, **members) == [(code, path)]


@pytest.mark.parametrize(
    ("base", "members", "code", "path"),
    [
        (OBSERVATION, {"status": None}, "required", "status"),
        (OBSERVATION, {"component": [{"valueInteger": 1}]}, "required", "component[0].code"),
        (OBSERVATION, {"valueQuantity": {"value": "1"}}, "structure", "valueQuantity.value"),
        (OBSERVATION, {"valueSampledData": {"origin": {"value": 1, "comparator": "<"}, "period": 1, "dimensions": 1}},
         "structure", "valueSampledData.origin.comparator"),
        (OBSERVATION, {"referenceRange": [{"low": {"value": 1, "comparator": "<"}}]}, "structure",
         "referenceRange[0].low.comparator"),
        (ENCOUNTER, {"status": "done"}, "code-invalid", "status"),
        (ENCOUNTER, {"class": None}, "required", "class"),
        (ENCOUNTER, {"period": {"start": "2024-01-01T10:00:00"}}, "value", "period.start"),
        (ENCOUNTER, {"subject": {"reference": "Practitioner/1"}}, "structure", "subject"),
        ({"resourceType": "Provenance", "recorded": "2024-01-01T00:00:00Z", "target": [{"reference": "Patient/1"}],
          "agent": []}, {}, "structure", "agent"),
        ({"resourceType": "MedicationRequest", "status": "active", "intent": "order",
          "subject": {"reference": "Patient/1"}}, {}, "required", "medication[x]"),
        ({"resourceType": "Parameters", "parameter": [{"name": "x", "resource": {"resourceType": "Foo"}}]}, {},
         "not-supported", "parameter[0].resource"),
        ({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PATIENT | {"gender": "x"}}]}, {},
         "code-invalid", "entry[0].resource.gender"),
    ],
)  # fmt: skip
def test_a_fault_of_other_types_is_found_as_well(base, members, code, path):
    """Missing choices, narrowed quantities, bindings and targets of backbone elements, resources in resources."""
    assert walked(base, **members) == [(code, path)]


def test_a_null_is_no_value():
    """A null stands nowhere but in a list of primitives whose companion says why."""
    findings = Findings()
    the_walk().resource(PATIENT | {"active": None, "birthDate": None, "_birthDate": {"id": "x"}}, findings)
    assert [(each.code.value, each.path) for each in findings.found] == [
        ("structure", "active"),
        ("structure", "birthDate"),
    ]


def test_a_required_primitive_may_be_an_extension():
    """What says why the status is missing stands for the status."""
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    assert walked(OBSERVATION, status=None, _status=absent) == []


def test_references_of_a_bundle_entry_see_only_their_own_contained_resources():
    """`#o` of one entry is not found in another's container, nor in the Bundle's."""
    holder = PATIENT | {"contained": [{"resourceType": "Organization", "id": "o"}]}
    pointer = PATIENT | {"managingOrganization": {"reference": "#o"}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": holder}, {"resource": pointer}]}
    assert walked(bundle) == [("not-found", "entry[1].resource.managingOrganization")]


def test_a_contained_resource_refers_to_its_siblings_and_its_container():
    """Inside a contained resource `#x` names a sibling, and `#` the container."""
    contained = [
        {"resourceType": "Organization", "id": "o", "partOf": {"reference": "#p"}},
        {"resourceType": "Organization", "id": "p"},
        {"resourceType": "Observation", "id": "q", "status": "final", "code": {"text": "x"},
         "subject": {"reference": "#"}},
    ]  # fmt: skip
    assert walked(PATIENT, contained=contained) == []


def test_the_outcome_of_an_entry_needs_no_id():
    """`Bundle.entry.response.outcome` is a resource, but none that is contained."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}
    entry = {"response": {"status": "400", "outcome": outcome}}
    assert walked({"resourceType": "Bundle", "type": "batch-response", "entry": [entry]}) == []


@pytest.mark.parametrize("value", ODD)
def test_what_is_no_object_is_no_resource(value):
    """Anything may stand where a resource is expected."""
    findings = Findings()
    the_walk().resource(value, findings)
    assert [each.code.value for each in findings.found] == ["structure"]


def test_every_resource_type_has_a_plan():
    """No definition of R4 makes the walk stumble."""
    for kind in the_walk().definitions.resource_types:
        findings = Findings()
        the_walk().resource({"resourceType": kind, "id": "x", "foo": 1}, findings)
        assert ("structure", "foo") in [(each.code.value, each.path) for each in findings.found]


def test_an_unknown_name_is_shown_only_if_it_looks_like_one():
    """The name of an unknown element is the sender's own word; what is no name might be anything."""
    for name in ("nickName", "fhir_comments", "name2"):
        assert named(name) == name
    assert named("_name") == "name"
    for name in ("a b", "é", "x" * 65, "", "a.b", "a[0]", "a\n"):
        assert named(name) == "?"


def test_kinds_have_words():
    """Every JSON kind has a word of its own."""
    assert [kind_of(each) for each in ODD] == ["null", "a number", "text", "a list", "true or false"]
    assert kind_of({}) == "an object"


def test_a_list_may_have_a_limit():
    """An element that may stand a number of times is a list of at most that many."""
    element = ElementDef(
        name="x", path="X.x", min=0, max=2, type="string", targets=frozenset(), binding="", invariants=()
    )
    member = Member(element, primitive=True, check=PRIMITIVES["string"])
    findings = Findings()
    member.check("x", ["a", "b"], {}, findings)
    assert findings.found == []
    member.check("x", ["a", "b", "c"], {}, findings)
    assert [(each.code.value, each.path) for each in findings.found] == [("structure", "x")]
