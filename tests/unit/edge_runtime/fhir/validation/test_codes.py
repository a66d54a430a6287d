"""Value sets of required bindings: lists and forms."""

from __future__ import annotations

import pytest

from edge_runtime.fhir.validation.codes import Codes
from edge_runtime.fhir.validation.definitions import load_definitions

VS = "http://hl7.org/fhir/ValueSet/"


@pytest.mark.parametrize(
    ("value_set", "code", "held"),
    [
        ("observation-status", "final", True),
        ("observation-status", "Final", False),
        ("all-languages", "en", True),
        ("all-languages", "pt-BR", True),
        ("all-languages", "x-klingon", True),
        ("all-languages", "en_US", False),
        ("all-languages", "1", False),
        ("mimetypes", "application/fhir+xml", True),
        ("mimetypes", "text/plain; charset=utf-8", True),
        ("mimetypes", "pdf", False),
        ("mimetypes", "json", False),
        ("mimetypes", "text/plain\n", False),
        ("mimetypes#formats", "json", True),
        ("mimetypes#formats", "application/json", True),
        ("mimetypes#formats", "yaml", False),
        ("currencies", "EUR", True),
        ("currencies", "eur", False),
        ("ucum-units", "mm[Hg]", True),
        ("ucum-units", "{breaths}/min", True),
        ("ucum-units", "beats per minute", False),
    ],
)
def test_a_code_element_is_looked_up_by_code_alone(value_set, code, held):
    """A `code` names no system: the code must be in the list, or have the form that stands for one."""
    assert load_definitions().codes(f"{VS}{value_set}").holds(code) is held


def test_a_coding_is_looked_up_with_its_system():
    """The same code of another system is another code."""
    codes = load_definitions().codes(f"{VS}allergyintolerance-clinical")
    system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    assert codes.has(system, "active")
    assert not codes.has(f"{system}x", "active")
    assert not codes.has(system, "activ")
    units = Codes.of({"shape": "ucum"})
    assert units.has("http://unitsofmeasure.org", "kg")
    assert not units.has("http://loinc.org", "kg")
    assert not units.has("http://unitsofmeasure.org", "k g")


def test_a_value_set_that_nobody_can_list_is_none():
    """An unknown value set, and one that the specification does not hold, are None: nothing is checked by guess."""
    assert load_definitions().codes(f"{VS}of-nobody") is None
    assert load_definitions().codes("http://loinc.org/vs/LL379-9") is None
