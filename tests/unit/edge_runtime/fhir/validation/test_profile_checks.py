"""Profiles that ship with R4: what they demand beyond the type, at the path that lacks it."""

from __future__ import annotations

from copy import deepcopy

import pytest

from .walking import OBSERVATION, PATIENT, walked

BASE = "http://hl7.org/fhir/StructureDefinition/"
LOINC = "http://loinc.org"


def quantity(value, code):
    """A measured value in UCUM."""
    return {"value": value, "unit": code, "system": "http://unitsofmeasure.org", "code": code}


def coded(code):
    """A LOINC concept."""
    return {"coding": [{"system": LOINC, "code": code}]}


VITAL = {
    "resourceType": "Observation",
    "meta": {"profile": [f"{BASE}vitalsigns"]},
    "status": "final",
    "category": [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}
    ],
    "code": coded("8867-4"),
    "subject": {"reference": "Patient/1"},
    "effectiveDateTime": "2024-01-01",
    "valueQuantity": quantity(70, "/min"),
}
WEIGHT = VITAL | {
    "meta": {"profile": [f"{BASE}bodyweight|4.0.1"]},
    "code": coded("29463-7"),
    "valueQuantity": quantity(70, "kg"),
}
PRESSURE = {key: value for key, value in VITAL.items() if key != "valueQuantity"} | {
    "meta": {"profile": [f"{BASE}bp"]},
    "code": coded("85354-9"),
    "component": [
        {"code": coded("8480-6"), "valueQuantity": quantity(120, "mm[Hg]")},
        {"code": coded("8462-4"), "valueQuantity": quantity(80, "mm[Hg]")},
    ],
}


@pytest.mark.parametrize("resource", [VITAL, WEIGHT, PRESSURE])
def test_a_conforming_resource_passes(resource):
    """What keeps to its profile has no problem."""
    assert walked(resource) == []


@pytest.mark.parametrize(
    ("base", "members", "code", "path"),
    [
        (VITAL, {"subject": None}, "required", "subject"),
        (VITAL, {"subject": {"reference": "Group/1"}}, "structure", "subject"),
        (VITAL, {"category": [{"text": "vital signs"}]}, "required", "category"),
        (VITAL, {"category": [*VITAL["category"], *VITAL["category"]]}, "structure", "category"),
        (VITAL, {"effectiveDateTime": None}, "required", "effective[x]"),
        (VITAL, {"effectiveDateTime": None, "effectiveInstant": "2024-01-01T00:00:00Z"}, "structure",
         "effectiveInstant"),
        (VITAL, {"component": [{"code": coded("1-8"), "valueQuantity": quantity(7, "[stone_av]")}]}, "code-invalid",
         "component[0].valueQuantity"),
        (WEIGHT, {"valueQuantity": quantity(11, "[stone_av]")}, "code-invalid", "valueQuantity.code"),
        (WEIGHT, {"code": coded("3141-9")}, "required", "code.coding"),
        (WEIGHT, {"valueQuantity": {"value": 70, "system": "http://unitsofmeasure.org", "code": "kg"}}, "required",
         "valueQuantity.unit"),
        (WEIGHT, {"valueQuantity": quantity(70, "kg") | {"system": "http://example.org"}}, "value",
         "valueQuantity.system"),
        (WEIGHT, {"valueQuantity": None, "valueString": "70 kg"}, "structure", "valueString"),
        (PRESSURE, {"component": PRESSURE["component"][:1]}, "required", "component"),
        (PRESSURE, {"component": None}, "required", "component"),
        (PRESSURE, {"component": [*PRESSURE["component"], PRESSURE["component"][0]]}, "structure", "component"),
        (PRESSURE, {"component": [PRESSURE["component"][0], {"code": coded("8462-4"), "valueString": "80"}]},
         "structure", "component[1].valueString"),
        (PRESSURE, {"component": [PRESSURE["component"][0], {"code": coded("8462-4"),
         "valueQuantity": quantity(80, "kPa")}]}, "value", "component[1].valueQuantity.code"),
        (PRESSURE, {"valueQuantity": quantity(120, "mm[Hg]")}, "structure", "valueQuantity"),
        (OBSERVATION | {"meta": {"profile": [f"{BASE}devicemetricobservation"]}, "subject": {"reference": "Patient/1"},
         "effectiveDateTime": "2024"}, {}, "required", "device"),
        (OBSERVATION | {"meta": {"profile": [f"{BASE}triglyceride"]}, "referenceRange": [{"high": {"value": 2}}]}, {},
         "value", "code"),
        (OBSERVATION | {"meta": {"profile": [f"{BASE}triglyceride"]}, "referenceRange": [{"high": {"value": 2}}],
         "code": {"coding": "35217-9"}}, {}, "value", "code"),
        (OBSERVATION | {"meta": {"profile": [f"{BASE}ldlcholesterol"]}, "referenceRange": [{"high": {"value": 3}}]}, {},
         "code-invalid", "code"),
        (VITAL, {"category": [None, "x"]}, "required", "category"),
        (OBSERVATION | {"meta": {"profile": [f"{BASE}Observation"]}}, {}, None, ""),
        (OBSERVATION | {"meta": {"profile": [f"{BASE}actualgroup"]}}, {}, "structure", "meta.profile[0]"),
        ({"resourceType": "Group", "type": "person", "actual": False, "meta": {"profile": [f"{BASE}actualgroup"]}}, {},
         "value", "actual"),
        ({"resourceType": "Composition", "meta": {"profile": [f"{BASE}catalog"]}, "status": "final",
          "type": {"text": "Catalog"}, "category": [{"text": "x"}], "date": "2024", "title": "x",
          "author": [{"display": "x"}]}, {}, "required", "extension"),
        ({"resourceType": "Provenance", "meta": {"profile": [f"{BASE}provenance-relevant-history"]},
          "target": [{"reference": "Task/1"}], "recorded": "2024-01-01T00:00:00Z", "occurredDateTime": "2024",
          "activity": {"text": "x"}, "agent": [{"who": {"display": "x"}}]}, {}, "required", "agent[0].type"),
    ],
)  # fmt: skip
def test_what_a_profile_demands_is_missed(base, members, code, path):
    """Cardinality, fixed values, patterns, slices, choices, targets and bindings of the profile, each at its path."""
    said = [each for each in walked(base, **members) if each[0] != "informational"]
    if code is None:
        assert said == []
    else:
        assert (code, path) in said


def test_a_profile_of_others_is_named_as_not_checked():
    """Who reads the answer learns that a profile was not judged; its address is not repeated."""
    assert walked(PATIENT, meta={"profile": ["http://example.org/p", f"{BASE}Patient"]}) == [
        ("informational", "meta.profile[0]")
    ]


@pytest.mark.parametrize("meta", [{}, {"profile": "x"}, {"profile": [1, None]}, "x", []])
def test_odd_tags_do_not_disturb(meta):
    """What names profiles may be of any kind."""
    walked(PATIENT, meta=meta)


def test_an_extension_in_the_place_of_a_value_counts():
    """A unit that is absent for a stated reason is there as far as its number goes."""
    weight = deepcopy(WEIGHT)
    del weight["valueQuantity"]["unit"]
    weight["valueQuantity"]["_unit"] = {"extension": [{"url": "http://example.org/why", "valueCode": "unknown"}]}
    assert walked(weight) == []


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        ({"url": f"{BASE}data-absent-reason", "valueCode": "unknown"}, []),
        ({"url": f"{BASE}data-absent-reason", "valueCode": "because"}, [("code-invalid", "extension[0].valueCode")]),
        ({"url": f"{BASE}data-absent-reason", "valueString": "x"}, [("structure", "extension[0].valueString")]),
        ({"url": f"{BASE}data-absent-reason", "_valueCode": {"id": "x"}}, []),
        ({"url": f"{BASE}data-absent-reason"}, [("required", "extension[0].value[x]")]),
        ({"url": f"{BASE}patient-birthPlace", "valueAddress": {"city": "x"}}, []),
        ({"url": f"{BASE}translation", "extension": [{"url": "lang", "valueCode": "de"}]},
         [("required", "extension[0].extension")]),
        ({"url": f"{BASE}translation", "extension": [{"url": "lang", "valueCode": "de"},
         {"url": "content", "valueString": "x"}]}, []),
        ({"url": f"{BASE}translation", "extension": [{"url": "lang", "valueCode": "de"},
         {"url": "content", "valueInteger": 1}]}, [("structure", "extension[0].extension[1].valueInteger")]),
        ({"url": f"{BASE}translation", "extension": [{"url": "lang", "valueCode": "de"},
         {"url": "lang", "valueCode": "fr"}, {"url": "content", "valueString": "x"}]},
         [("structure", "extension[0].extension")]),
        ({"url": f"{BASE}of-nobody", "valueString": "x"}, []),
    ],
)  # fmt: skip
def test_an_extension_that_ships_with_r4_keeps_to_its_definition(extension, expected):
    """Its value's type, its code's binding and its parts are those of the definition; others' extensions are free."""
    assert walked(PATIENT, extension=[extension]) == expected


def test_a_code_of_another_kind_is_no_question_of_its_binding():
    """A number in the place of a code is the structure's to say."""
    assert ("structure", "valueQuantity.code") in walked(WEIGHT, valueQuantity=quantity(70, "kg") | {"code": 5})
