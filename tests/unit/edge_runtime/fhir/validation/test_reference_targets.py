"""References: their forms, the types they lead to, and what is contained."""

from __future__ import annotations

import pytest

from .walking import ENCOUNTER, PATIENT, walked


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/1"},
        {"reference": "Patient/1/_history/2"},
        {"reference": "Patient/1#part"},
        {"reference": "Patient?identifier=a|b"},
        {"reference": "http://example.org/fhir/Group/1"},
        {"reference": "https://example.org/somewhere"},
        {"reference": "http://example.org/fhir/Unknown/1"},
        {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
        {"reference": "urn:oid:1.2.3"},
        {"reference": "Patient/1", "type": "Patient"},
        {"reference": "Patient/1", "type": "http://hl7.org/fhir/StructureDefinition/Patient"},
        {"identifier": {"value": "x"}, "type": "Group"},
        {"display": "x"},
        {"reference": "Patient/1", "type": "SomethingElse"},
        {"reference": "urn:isbn:123"},
    ],
)
def test_a_reference_to_an_allowed_type_passes(subject):
    """Relative, absolute, conditional and logical references; what says no type is not judged by guess."""
    assert walked(ENCOUNTER, subject=subject) == []


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ({"reference": "Practitioner/1"}, "structure"),
        ({"reference": "http://example.org/fhir/Practitioner/1"}, "structure"),
        ({"reference": "http://example.org/fhir/Practitioner/1/_history/3"}, "structure"),
        ({"reference": "Practitioner?name=x"}, "structure"),
        ({"type": "Practitioner", "display": "x"}, "structure"),
        ({"reference": "Patient/1", "type": "Group"}, "structure"),
        ({"reference": "Patients/1"}, "value"),
        ({"reference": "somebody"}, "value"),
        ({"reference": "Patient"}, "value"),
        ({"reference": "/Patient/1"}, "value"),
        ({"reference": "urn:uuid:123"}, "value"),
        ({"reference": "urn:oid:9.1"}, "value"),
        ({"reference": "#nobody"}, "not-found"),
    ],
)
def test_a_reference_of_another_type_or_form_is_found(subject, code):
    """A wrong type is STRUCTURE, a wrong form VALUE, what is not contained NOT_FOUND: all at the reference."""
    assert walked(ENCOUNTER, subject=subject) == [(code, "subject")]


def test_a_contained_resource_must_be_of_an_allowed_type():
    """`#x` leads to the contained resource, whose type counts."""
    contained = [{"resourceType": "Practitioner", "id": "x"}]
    assert walked(ENCOUNTER, contained=contained, subject={"reference": "#x"}) == [("structure", "subject")]
    assert walked(ENCOUNTER, contained=contained, participant=[{"individual": {"reference": "#x"}}]) == []


def test_a_reference_to_any_type_takes_any():
    """Provenance.target is open."""
    base = {
        "resourceType": "Provenance",
        "recorded": "2024-01-01T00:00:00Z",
        "agent": [{"who": {"reference": "Practitioner/1"}}],
    }
    assert walked(base, target=[{"reference": "Task/1"}]) == []
    assert walked(base, target=[{"reference": "Tasks/1"}]) == [("value", "target[0]")]


def test_a_canonical_address_of_something_contained_is_followed():
    """`#x` in a canonical must be there and of an allowed type; other addresses say no type for certain."""
    base = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    assert walked(base, questionnaire="#q") == [("not-found", "questionnaire")]
    wrong = [{"resourceType": "Patient", "id": "q"}]
    assert walked(base, questionnaire="#q", contained=wrong) == [("structure", "questionnaire")]
    right = [{"resourceType": "Questionnaire", "id": "q", "status": "draft"}]
    assert walked(base, questionnaire="#q", contained=right) == []
    assert walked(base, questionnaire="http://example.org/Patient/1|2") == []


@pytest.mark.parametrize("contained", ["x", [None, {"id": 1}, {"resourceType": "Organization", "id": "o"}]])
def test_odd_containers_do_not_disturb(contained):
    """What is contained may be of any kind; the references go on being looked up."""
    said = walked(PATIENT, contained=contained, managingOrganization={"reference": "#o"})
    assert (("not-found", "managingOrganization") in said) is (contained == "x")
