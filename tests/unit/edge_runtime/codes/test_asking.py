"""What is asked about a code before it is signed."""

from __future__ import annotations

import pytest

from edge_runtime.codes import icd10cm, icd10cm_table
from edge_runtime.codes.asking import questions
from edge_runtime.codes.icd10cm_table import Icd10cmTable
from edge_runtime.facts import Fact


def fact(kind="diagnosis", **payload):
    """A statement."""
    return Fact(kind=kind, payload=payload, supersedes=())


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "hypertension"},
        {"text": "hypertension", "system": "icd-10-cm", "code": "I10"},
        {"text": "hypertension", "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10"},
        {"text": "fracture", "system": "snomed", "code": "22298006"},
        {"text": "pulse", "system": "loinc", "code": "8867-4"},
        {"text": "local", "system": "fieldward", "code": "???"},
        {"text": "local", "system": "http://example.org", "code": "???"},
        {"text": "fracture", "system": "icd-10-cm", "code": "S72", "confirmed": True},
        {"system": 5, "code": []},
        {"components": "none"},
        {"components": [5, {"system": "loinc", "code": "8480-6"}]},
    ],
)
def test_what_is_right_or_not_ours_is_not_asked_about(payload):
    """A complete code, a code of another system, and what its author confirmed need no question."""
    assert questions(fact(**payload)) == ()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"system": "icd-10-cm", "code": "S72.001"}, "ICD-10-CM code right? not complete: a seventh character"),
        ({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11"}, "add a character: E11.0"),
        ({"system": "icd-10-cm", "code": "s72001a"}, "it is written in capitals, with a dot"),
        ({"system": "icd-10-cm", "code": "broken leg"}, "not the shape"),
        ({"system": "snomed", "code": "22298007"}, "SNOMED CT code right? the check digit is wrong"),
        ({"components": [{"system": "loinc", "code": "8480-7"}]}, "LOINC code right? the check digit"),
    ],
)
def test_a_wrong_code_is_asked_about(payload, words):
    """What is incomplete, mistyped or written otherwise is asked about, once."""
    (question,) = questions(fact(**payload))
    assert words in question


def test_without_the_table_only_the_shape_is_looked_at(monkeypatch, tmp_path):
    """On a device without the table no code of the right shape is asked about, and any other still is."""
    absent = icd10cm.Icd10cm(lambda: Icd10cmTable(tmp_path / "none.sqlite3"))
    monkeypatch.setattr(icd10cm, "SYSTEM", absent)
    assert not icd10cm_table.TABLE.samefile(tmp_path)
    assert questions(fact(system="icd-10-cm", code="S72")) == ()
    assert questions(fact(system="icd-10-cm", code="broken leg"))
