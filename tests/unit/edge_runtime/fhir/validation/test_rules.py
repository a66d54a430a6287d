"""How each invariant of R4 is judged: every one in scope by something, and every exception with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_runtime.fhir.validation.bundle_rules import (
    entry_has_request_as,
    entry_has_response_as,
    entry_has_search_as,
    full_url_unversioned,
    identity,
    starts_as,
)
from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.rules import CORRECTED, ELSEWHERE, EMPTY_HOLDS, NATIVE, rule_of
from tests.support.fhir_examples import MAPPED

CASES = json.loads(Path(__file__).with_name("invariant_cases.json").read_text())
DEFINITIONS = load_definitions()
DATA_TYPES = [name for name in DEFINITIONS._table["types"] if DEFINITIONS.type(name).kind == "complex"]
ALWAYS_KEPT = {"eld-11"}
"""Rules that R4 expresses so that nothing breaks them."""


def reachable():
    """The keys of all rules of the mapped types, of all data types, and of the profiles that ship with R4."""
    todo = [*MAPPED, *DATA_TYPES]
    keys: set[str] = set()
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        definition = DEFINITIONS.type(name)
        if name in seen or definition is None:
            continue
        seen.add(name)
        keys.update(each.key for each in definition.invariants)
        for element in definition.elements.values():
            keys.update(each.key for each in element.invariants)
            todo.append(element.type)
    return keys | {each.key for url in DEFINITIONS.profiles for _, each in DEFINITIONS.profile(url).invariants}


def test_every_rule_of_the_mapped_types_and_of_all_data_types_has_cases():
    """No rule of what is in scope goes untested, and none is judged in silence by nobody."""
    tested = {case["rule"] for case in CASES if case["kept"] and (case["broken"] or case["rule"] in ALWAYS_KEPT)}
    assert reachable() - set(ELSEWHERE) == reachable() & tested


def test_a_rule_with_a_reason_of_its_own_is_a_rule_of_r4():
    """A native form, a correction or an exception that R4 does not have any longer stands nowhere."""
    expressions: set[str] = set()
    keys: set[str] = set()
    for name in (*DEFINITIONS.resource_types, *DATA_TYPES):
        collect(name, expressions, keys, set())
    profiles = [each for url in DEFINITIONS.profiles for _, each in DEFINITIONS.profile(url).invariants]
    keys |= {each.key for each in profiles}
    assert set(CORRECTED) <= expressions
    assert {*ELSEWHERE, *EMPTY_HOLDS} <= keys
    assert set(NATIVE) <= expressions | {each.expression for each in CORRECTED.values()}


def collect(name, expressions, keys, seen):
    """Gather the rules of a type and of all types below it."""
    definition = DEFINITIONS.type(name)
    if definition is None or name in seen:
        return
    seen.add(name)
    every = [*definition.invariants, *(each for e in definition.elements.values() for each in e.invariants)]
    expressions.update(each.expression for each in every)
    keys.update(each.key for each in every)
    for element in definition.elements.values():
        collect(element.type, expressions, keys, seen)


def test_a_rule_that_another_check_judges_has_no_rule_here():
    """The rules of narratives are the narrative check's."""
    narrative = DEFINITIONS.type("Narrative").elements["div"].invariants
    assert {each.key for each in narrative} == set(ELSEWHERE)
    assert [rule_of(each, "xhtml") for each in narrative] == [None, None]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, None),
        ({"fullUrl": "urn:uuid:a"}, ("urn:uuid:a", "")),
        ({"fullUrl": "urn:uuid:a", "resource": {"meta": {"versionId": "2"}}}, ("urn:uuid:a", "2")),
        ({"fullUrl": "urn:uuid:a", "resource": {"meta": {}}}, ("urn:uuid:a", "")),
    ],
)
def test_the_identity_of_an_entry_is_its_address_and_version(entry, expected):
    """What a reader keeps of each entry to see duplicates, without the entry."""
    assert identity(entry) == expected


def test_what_a_type_of_bundle_demands_of_an_entry():
    """The same rules as of a whole Bundle, for a reader that sees one entry at a time."""
    assert entry_has_request_as({"request": {}}, "batch")
    assert not entry_has_request_as({}, "batch")
    assert entry_has_response_as({}, "batch")
    assert not entry_has_response_as({"response": {}}, "batch")
    assert entry_has_search_as({"search": {}}, "searchset")
    assert not entry_has_search_as({"search": {}}, "batch")
    assert full_url_unversioned({})
    assert not full_url_unversioned({"fullUrl": "http://a/Patient/a/_history/1"})


@pytest.mark.parametrize(
    ("bundle_type", "first", "expected"),
    [
        ("document", "Composition", True),
        ("document", "Patient", False),
        ("document", None, False),
        ("message", "MessageHeader", True),
        ("collection", None, True),
        (["document"], None, True),
    ],
)
def test_documents_and_messages_start_with_their_resource(bundle_type, first, expected):
    """A type that is no text is the structure's to name."""
    assert starts_as(bundle_type, first) is expected
