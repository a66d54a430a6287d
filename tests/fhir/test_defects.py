"""The generator of defects is what it says: apart from the validator, the same for the same seed, and right."""

from __future__ import annotations

import ast
import json
import random
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.fhir.defects import specification
from tests.fhir.defects.campaign import KINDS, MORE, NAMED, defects, pool
from tests.fhir.defects.defect import Defect
from tests.fhir.defects.sites import Sample
from tests.fhir.defects.type_rules import BUNDLE_RULES, RULES, broken_invariant
from tests.support.fhir_examples import MAPPED, read

pytestmark = pytest.mark.campaign

FOLDER = Path(__file__).parent / "defects"
PER_KIND = 12


@pytest.fixture(scope="module", name="made")
def made_defects() -> list[Defect]:
    """A few defects of each kind."""
    return list(defects(5, named=PER_KIND, more=PER_KIND))


def test_generator_knows_nothing_of_the_program():
    """No module of the generator imports one of the program, nor the libraries that the validator is made of."""
    named = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, "by full names, so that this test can judge them"
                named.add(str(node.module))
    roots = {name.partition(".")[0] for name in named}
    assert not roots & {"edge_runtime", "server", "fhirkit", "fhirpathpy", "fhir", "importlib"}
    assert {name for name in named if name.startswith("tests.")} <= {
        "tests.support.fhir_examples", "tests.fhir.defects", "tests.fhir.official",
        *(f"tests.fhir.defects.{path.stem}" for path in FOLDER.glob("*.py")),
    }  # fmt: skip


def test_same_seed_same_defects(made):
    """A seed says which defects; another seed makes others."""
    again = list(defects(5, named=PER_KIND, more=PER_KIND))
    assert [(one.name, one.data) for one in again] == [(one.name, one.data) for one in made]
    assert {one.name for one in defects(6, named=PER_KIND, more=PER_KIND)} != {one.name for one in made}


def test_as_many_of_each_kind_as_wanted(made):
    """Every kind is made as often as asked for, and no two defects are alike."""
    assert Counter(one.kind for one in made) == dict.fromkeys(KINDS, PER_KIND)
    assert len({one.name for one in made}) == len(made)
    assert NAMED.keys() | MORE.keys() == KINDS.keys()


def test_every_defect_changes_its_example(made):
    """A defect differs from its example, and is JSON that stays what it is."""
    for one in made:
        assert one.resource != json.loads(read(one.example).decode("utf-8-sig")), one.name
        assert json.loads(one.data) == one.resource


def test_examples_are_unharmed(made):
    """Making defects leaves the pool as it was."""
    assert made
    for listed in pool().values():
        for name, data in listed:
            assert data == read(name)


def test_every_type_in_scope_is_tried(made):
    """No type is left to the others."""
    assert {one.example.partition("-")[0] for one in made} == MAPPED


@pytest.mark.parametrize("key", [*RULES])
def test_each_rule_is_the_specifications(key):
    """Every rule that is broken is a constraint of R4 whose breaking is an error, and some example can break it."""
    found = None
    for name, data in (pair for listed in pool().values() for pair in listed):
        found = found or RULES[key](random.Random(1), Sample.of(name, data))
    assert found is not None, "no official example can break it"
    plain = key.partition(",")[0]
    assert found.way.partition(",")[0] == plain
    assert plain in _keys_of_r4()


@cache
def _keys_of_r4() -> set[str]:
    """The keys of all rules of R4 that are errors."""
    keys: set[str] = set()
    for part in ("types", "resources"):
        bundle = json.loads((specification.FOLDER / f"profiles-{part}.json").read_bytes())
        for entry in bundle["entry"]:
            for element in entry["resource"].get("snapshot", {}).get("element", ()):
                keys |= {rule["key"] for rule in element.get("constraint", ()) if rule["severity"] == "error"}
    return keys


def test_bundle_rules_are_all_tried():
    """Each constraint of Bundle that an example can break is among the rules."""
    stated = specification.rules("Bundle") | specification.rules("Bundle.entry")
    tried = {key.partition(",")[0] for key in BUNDLE_RULES}
    assert stated - tried <= {"ele-1", "ext-1"}


def test_an_example_that_can_break_no_rule_is_left_alone():
    """A sample with no place for a defect makes none."""
    bare = Sample("Binary-bare", {"resourceType": "Binary", "contentType": "text/plain"})
    assert broken_invariant(random.Random(1), bare) is None
    for kind in ("wrong_reference_type", "dangling_reference", "bad_date", "bad_narrative"):
        assert KINDS[kind](random.Random(1), bare) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Patient.contact[0].name", True),
        ("Patient.contact[0].name.family", True),
        ("Patient.contact[0]", True),
        ("Patient.contact[1].name", False),
        ("Patient", False),
        ("Patient.contact[0].gender", False),
        ("", False),
    ],
)
def test_a_place_is_named_by_itself_its_parent_or_what_is_below(said, meant):
    """What is reported anywhere else has not found the defect."""
    one = Defect(example="x", kind="k", way="w", path="Patient.contact[0].name", also=(), resource={})
    assert one.is_named_by(said) is meant


def test_a_choice_has_several_names():
    """A choice is named with its type, without, or as the definitions write it."""
    also = ("Observation.value", "Observation.valueString")
    one = Defect(example="x", kind="k", way="w", path="Observation.valueQuantity", also=also, resource={})
    for said in ("Observation.value[x]", "Observation.value.ofType(Quantity)", "Observation.valueString"):
        assert one.is_named_by(said)
    assert not one.is_named_by("Observation.status")
