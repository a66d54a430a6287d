"""Required bindings of each type that can be bound."""

from __future__ import annotations

import pytest

from edge_runtime.fhir.validation.bindings import binding_check
from edge_runtime.fhir.validation.codes import Codes
from edge_runtime.fhir.validation.found import Findings

from .walking import walked

CODES = Codes.of({"systems": {"http://s": ["a", "b"]}})
SOUND = {"system": "http://s", "code": "a"}


def said(kind, value):
    """Whether the binding is kept: the codes of what is found."""
    findings = Findings()
    check = binding_check(kind, "http://hl7.org/fhir/ValueSet/letters", CODES)
    assert check is not None
    check(value, findings)
    return [each.code.value for each in findings.found]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("code", "a"),
        ("code", 1),
        ("Coding", SOUND | {"display": "A"}),
        ("Coding", "x"),
        ("CodeableConcept", {"coding": [{"system": "http://other", "code": "z"}, SOUND]}),
        ("CodeableConcept", {"coding": "x"}),
        ("CodeableConcept", "x"),
        ("CodeableConcept", {"extension": [{"url": "http://x", "valueCode": "unknown"}]}),
        ("Quantity", {"value": 1, "unit": "letters"}),
        ("Quantity", SOUND | {"value": 1}),
        ("Quantity", "x"),
    ],
)
def test_what_the_value_set_holds_passes(kind, value):
    """One coding of the set is enough; what is of a wrong kind is the structure's to say."""
    assert said(kind, value) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("code", "A"),
        ("Coding", {"code": "a"}),
        ("Coding", {"system": "http://s"}),
        ("Coding", {"system": "http://t", "code": "a"}),
        ("Coding", {"system": 1, "code": ["a"]}),
        ("CodeableConcept", {"text": "a"}),
        ("CodeableConcept", {"coding": [{"system": "http://t", "code": "a"}, "x", None]}),
        ("CodeableConcept", {"coding": []}),
        ("SimpleQuantity", {"value": 1, "system": "http://s", "code": "z"}),
    ],
)
def test_another_code_breaks_the_binding(kind, value):
    """A code outside, one without its system, text alone."""
    assert said(kind, value) == ["code-invalid"]


def test_a_type_that_names_no_code_is_not_bound():
    """A required binding of a canonical or a string has nothing to look up here."""
    assert binding_check("canonical", "http://x", CODES) is None


def test_bindings_of_the_mapped_types_are_kept_by_concept():
    """AllergyIntolerance and Condition bind CodeableConcepts: the system counts."""
    base = {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/1"}}
    system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    assert walked(base, clinicalStatus={"coding": [{"system": system, "code": "active"}]}) == []
    assert walked(base, clinicalStatus={"coding": [{"system": system, "code": "on"}]}) == [
        ("code-invalid", "clinicalStatus")
    ]
    assert walked(base, clinicalStatus={"text": "active"}) == [("code-invalid", "clinicalStatus")]
