"""LOINC: our part of it by name, everything else by its check digit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_runtime.clinical.vitals import VITALS
from edge_runtime.codes.loinc import SUBSET, SYSTEM, subset
from tests import conftest

EXAMPLES = Path(__file__).parents[4] / "tests" / "node" / "node_modules" / "hl7.fhir.r4.examples"
SOURCES = {"fhir", "examples", "synthea", "guides"}


def rows():
    """The table: code, name, where both were read."""
    return [line.split("\t") for line in SUBSET.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def test_the_table_is_whole():
    """Each row has a code with a right check digit, a name and a source; no code stands twice; they are in order."""
    codes = [code for code, _, _ in rows()]
    assert len(codes) >= 150
    assert len(set(codes)) == len(codes)
    assert codes == sorted(codes, key=lambda code: int(code.partition("-")[0]))
    for code, name, source in rows():
        judgement = SYSTEM.check(code)
        assert (judgement.valid, judgement.display) == (True, name)
        assert name == name.strip()
        assert source in SOURCES


def test_the_notice_of_the_licence_stands_in_the_file():
    """LOINC's licence asks for its notice beside its content."""
    head = SUBSET.read_text(encoding="utf-8")[:600]
    assert "LOINC is copyright" in head
    assert "http://loinc.org/license" in head


def test_it_knows_what_this_project_measures():
    """Every vital sign of ours is in our part of LOINC."""
    assert set(VITALS) <= set(subset())


@pytest.mark.parametrize(
    ("code", "valid", "words"),
    [
        ("8867-4", True, "in our part"),
        ("8867-5", False, "check digit"),
        ("8876-4", False, "check digit"),
        ("99999-5", True, "not in our part"),
        ("LA6556-0", True, "answer"),
        ("LP173421-1", True, "part"),
        ("LX6556-0", False, "shape"),
        ("8867", False, "shape"),
        ("88674", False, "shape"),
        ("08867-4", False, "shape"),
        ("8867-44", False, "shape"),
        (" 8867-4", False, "shape"),
        ("8867-4\n", False, "shape"),
        ("\u0668867-4", False, "shape"),
        ("", False, "shape"),
    ],
)
def test_a_code_is_judged_by_name_or_by_form(code, valid, words):
    """What is listed has its name; what is not is well formed or wrong, and the reason says which."""
    judgement = SYSTEM.check(code)
    assert judgement.valid is valid
    assert words in judgement.reason


def test_every_name_was_read_where_it_says():
    """What is said to come from HL7's files stands in them, code and name."""
    conftest.require(EXAMPLES.exists(), "hl7.fhir.r4.examples", "it names our LOINC codes: make set-up, with npm")
    known: set[str] = set()
    for path in EXAMPLES.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        if "http://loinc.org" in text:
            known.update(re.findall(r'"([1-9][0-9]{0,6}-[0-9])"', text))
    assert {code for code, _, source in rows() if source in {"fhir", "examples"}} <= known
