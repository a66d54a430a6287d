"""The invariants of R4, each with elements that keep it and elements that break it, found where they stand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.errors import RefusedError
from edge_runtime.fhir.validation import fhirpath_engine, invariants
from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.invariants import check
from edge_runtime.fhir.validation.plans import plans_of
from edge_runtime.fhir.validation.problem import Code, Severity
from edge_runtime.fhir.validation.rules import rule_of
from edge_runtime.fhir.validation.scope import Scope

CASES = json.loads(Path(__file__).with_name("invariant_cases.json").read_text(), parse_float=Decimal)
DEFINITIONS = load_definitions()
UNUSED = {"MoneyQuantity"}
"""A data type that no element of R4 has, so that its rule is judged on its own."""


def whole(case, element):
    """A resource that holds an element at the place that a case names."""
    first, *rest = case["at"].split(".")
    for name in reversed(rest):
        parent = ".".join([first, *rest][: 1 + rest.index(name)])
        definition = DEFINITIONS.type(parent).elements[name]
        element = {name: element if definition.max == 1 else [element]}
    if first in DEFINITIONS.resource_types:
        return {"resourceType": first, **element}
    if first == "ElementDefinition":
        return {"resourceType": "StructureDefinition", "snapshot": {"element": [element]}}
    if first == "Extension":
        return {"resourceType": "Basic", "extension": [element]}
    return {"resourceType": "Basic", "extension": [{"url": "u", f"value{first}": element}]}


def broken(case, element):
    """The severities with which an element breaks the rule of its case; none if it keeps it."""
    if case["at"] in UNUSED:
        own = next(each for each in DEFINITIONS.type(case["at"]).invariants if each.key == case["rule"])
        rule = rule_of(own, case["at"])
        assert rule is not None
        return [] if rule(element, Scope({})) else [Severity.ERROR]
    return [each.severity for each in check(whole(case, element), DEFINITIONS) if each.rule == case["rule"]]


def named(case):
    """How a report names a case."""
    return f"{case['rule']} at {case['at']}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_an_element_that_keeps_a_rule_is_no_problem_of_it(case):
    """What the words of a rule allow breaks it nowhere, and is judged."""
    for element in case["kept"]:
        assert broken(case, element) == [], element


@pytest.mark.parametrize("case", [case for case in CASES if case["broken"]], ids=named)
def test_an_element_that_breaks_a_rule_is_a_problem_of_its_severity(case):
    """What the words of a rule forbid is reported once or more, as a warning only where R4 says so."""
    expected = Severity.WARNING if case.get("warning") else Severity.ERROR
    for element in case["broken"]:
        assert set(broken(case, element)) == {expected}, element


def paths(resource):
    """Rule and path of each problem, narratives aside."""
    return {(each.rule, each.path) for each in check(resource, DEFINITIONS) if each.rule != "dom-6"}


def test_a_problem_stands_at_the_element_that_states_the_rule():
    """The path is of JSON members with indexes; what stands beside a primitive has the primitive's path."""
    nothing = {"extension": [{"url": "u"}]}
    resource = {
        "resourceType": "Patient",
        "birthDate": "1980",
        "_birthDate": nothing,
        "name": [{"given": ["a", None], "_given": [None, nothing]}, {"period": {"start": "2021", "end": "2020"}}],
        "contact": [{"gender": "male"}],
        "extension": [{"url": "u", "valueQuantity": {"value": 1, "code": "mg"}}],
    }
    assert paths(resource) == {
        ("ext-1", "Patient.birthDate.extension[0]"),
        ("ext-1", "Patient.name[0].given[1].extension[0]"),
        ("per-1", "Patient.name[1].period"),
        ("pat-1", "Patient.contact[0]"),
        ("qty-3", "Patient.extension[0].valueQuantity"),
    }


def test_resources_in_resources_are_judged_with_their_own_scope():
    """Contained resources look up #ids in their container; those of a Bundle stand for themselves."""
    inner = {
        "resourceType": "Patient",
        "id": "a",
        "contact": [{"gender": "male"}],
        "managingOrganization": {"reference": "#o"},
    }
    outer = {
        "resourceType": "Observation",
        "contained": [inner, {"resourceType": "Organization", "id": "o", "name": "x"}],
        "subject": {"reference": "#a"},
    }
    assert paths(outer) == {("pat-1", "Observation.contained[0].contact[0]")}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": outer}, {"resource": inner}]}
    assert paths(bundle) == {
        ("pat-1", "Bundle.entry[0].resource.contained[0].contact[0]"),
        ("pat-1", "Bundle.entry[1].resource.contact[0]"),
        ("ref-1", "Bundle.entry[1].resource.managingOrganization"),
    }


def test_a_contained_resource_needs_no_narrative():
    """Its container's narrative tells of it, so dom-6 is said of the container only."""
    resource = {
        "resourceType": "Observation",
        "contained": [{"resourceType": "Patient", "id": "a"}],
        "subject": {"reference": "#a"},
    }
    assert [each.path for each in check(resource, DEFINITIONS) if each.rule == "dom-6"] == ["Observation"]


def test_what_has_only_an_id_beside_no_value_breaks_ele_1():
    """A primitive is a value or extensions; an id alone is neither, and beside a value it is fine."""
    assert paths({"resourceType": "Patient", "_birthDate": {"id": "a"}}) == {("ele-1", "Patient.birthDate")}
    assert paths({"resourceType": "Patient", "birthDate": "1980", "_birthDate": {"id": "a"}}) == set()


@pytest.mark.parametrize(
    ("resource", "rule"),
    [
        ({"resourceType": "Patient", "extension": [{"url": "u", "valuePeriod": {"start": 1, "end": 2}}]}, "per-1"),
        ({"resourceType": "Patient", "extension": [{"url": "u", "valueRange": {"low": 1, "high": 2}}]}, "rng-2"),
        ({"resourceType": "Patient", "extension": [{"url": "u", "valueAge": {"value": "1", "code": "a"}}]}, "age-1"),
        ({"resourceType": "Bundle", "type": ["document"]}, "bdl-1"),
        ({"resourceType": "Questionnaire", "item": [{"type": ["a", "b"], "linkId": "1", "maxLength": 1}]}, "que-10"),
    ],
)
def test_a_rule_that_odd_content_keeps_from_being_judged_is_named(resource, rule):
    """No exception, and no silence: information with the rule's key, and without what came."""
    if rule == "bdl-1":
        resource = resource | {"total": 1}
    said = [each for each in check(resource, DEFINITIONS) if each.rule == rule]
    assert [(each.severity, each.code) for each in said] == [(Severity.INFORMATION, Code.INFORMATIONAL)]
    assert "could not be judged" in said[0].message


def test_a_resource_too_large_for_the_library_says_so_once(monkeypatch):
    """Rules that take long over many values are not judged from a stated number on, and that is said once."""
    monkeypatch.setattr(fhirpath_engine, "NODES_MAX", 5)
    item = {"linkId": "1", "type": "string", "initial": [{"valueString": "a"}]}
    said = [
        each
        for each in check({"resourceType": "Questionnaire", "item": [item]}, DEFINITIONS)
        if each.code is Code.TOO_COSTLY
    ]
    assert [each.severity for each in said] == [Severity.INFORMATION]


def test_nesting_beyond_what_can_be_judged_is_a_problem_and_no_exception():
    """A resource nested deeper than this program can go is not called valid."""
    extension: dict[str, Any] = {"url": "u", "valueString": "a"}
    for _ in range(5000):
        extension = {"url": "u", "extension": [extension]}
    said = check({"resourceType": "Patient", "extension": [extension]}, DEFINITIONS)
    assert [each.severity for each in said if each.code is Code.TOO_COSTLY] == [Severity.ERROR]


def test_an_unknown_type_has_no_rules():
    """The structure speaks of types that do not exist."""
    assert check({"resourceType": "Sheep", "contact": [{}]}, DEFINITIONS) == []
    assert check({}, DEFINITIONS) == []
    sheep = {"resourceType": "Patient", "contained": [{"resourceType": "Sheep", "id": "a"}]}
    assert paths(sheep) == {("dom-3", "Patient")}
    assert check({"resourceType": ["Patient"]}, DEFINITIONS) == []


def test_profiles_that_are_unknown_or_of_another_type_add_no_rules():
    """Only a profile that ships with R4, of the resource's own type, is judged."""
    vital = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
    for meta in ({"profile": [vital]}, {"profile": ["http://else", 3]}, {"profile": vital}, 3):
        assert paths({"resourceType": "Patient", "meta": meta}) == set()
    odd = check({"resourceType": "Observation", "meta": {"profile": [vital]}, "component": ["a"]}, DEFINITIONS)
    assert "vs-3" in {each.rule for each in odd}
    both = {"profile": [vital, "http://hl7.org/fhir/StructureDefinition/bp"]}
    said = [each.rule for each in check({"resourceType": "Observation", "meta": both}, DEFINITIONS)]
    assert said.count("vs-2") == 1


def test_a_missing_extra_is_one_clear_error(monkeypatch):
    """Without the library the rules that need it are not passed over."""
    monkeypatch.setitem(sys.modules, "fhirpathpy", None)
    fhirpath_engine._library.cache_clear()
    fhirpath_engine.compiled.cache_clear()
    try:
        with pytest.raises(RefusedError, match="fhirpathpy"):
            check({"resourceType": "Questionnaire", "item": [{"linkId": "1", "type": "string"}]}, DEFINITIONS)
    finally:
        fhirpath_engine._library.cache_clear()


def test_the_library_is_loaded_only_for_a_rule_that_needs_it():
    """A Patient's rules are all native, so that a device without the library could judge them."""
    program = (
        "import sys; from edge_runtime.fhir.validation.invariants import check;"
        " from edge_runtime.fhir.validation.definitions import load_definitions;"
        " check({'resourceType': 'Patient', 'contact': [{}]}, load_definitions());"
        " assert 'fhirpathpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_plans_are_made_once_for_one_set_of_definitions():
    """What was compiled for one resource serves the next."""
    assert plans_of(DEFINITIONS) is plans_of(DEFINITIONS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def disturbed(draw):
    """A resource of a case with one member somewhere in it replaced by anything."""
    case = draw(st.sampled_from([each for each in CASES if each["at"] not in UNUSED]))
    resource = json.loads(
        json.dumps(whole(case, draw(st.sampled_from(case["kept"]))), default=float), parse_float=Decimal
    )
    spots = list(objects(resource))
    spot = draw(st.sampled_from(spots))
    name = draw(st.sampled_from([*spot, "id", "extension", "contained", "_value"]))
    spot[name] = draw(json_values)
    return resource


def objects(value):
    """All objects in a value, itself included."""
    if isinstance(value, Mapping):
        yield value
        for child in value.values():
            yield from objects(child)
    elif isinstance(value, list):
        for child in value:
            yield from objects(child)


@given(disturbed())
@settings(max_examples=300, deadline=None)
def test_no_content_whatever_raises(resource):
    """Any value at any place gives problems, never an exception, and no message repeats a value."""
    words = {each.words for each in DEFINITIONS._rules}
    for each in check(resource, DEFINITIONS):
        assert each.message in words | {invariants._UNJUDGED, invariants._TOO_DEEP, invariants._TOO_LARGE}
