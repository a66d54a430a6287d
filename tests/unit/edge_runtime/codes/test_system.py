"""The port: one contract for every code system."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.layout import SYSTEMS
from edge_runtime.codes.system import CODE_CHARS_MAX, NAMES, by_uri, system
from edge_runtime.errors import InputError


@pytest.mark.parametrize("name", NAMES)
def test_a_system_bears_its_name(name):
    """Each system is found by its name and by its FHIR address, and is the same."""
    found = system(name)
    assert found.name == name
    assert found.title
    assert by_uri(found.uri) is found


def test_statements_and_systems_mean_the_same_addresses():
    """The addresses that statements are coded in are those of the systems."""
    assert all(by_uri(uri) is not None for uri in SYSTEMS)


def test_an_unknown_system_is_refused():
    """Another name is refused with the names that there are; another address is none of ours."""
    with pytest.raises(InputError) as refusal:
        system("icd9")
    assert "icd10cm" in refusal.value.expected
    assert by_uri("http://example.org/codes") is None


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text(max_size=CODE_CHARS_MAX))
def test_any_text_gets_a_judgement(name, text):
    """No text raises; each judgement has a reason, and what is not valid is not said to be read otherwise and right."""
    judgement = system(name).check(text)
    assert judgement.reason
    assert judgement.read_as != text


@pytest.mark.parametrize("name", NAMES)
def test_a_reason_never_repeats_what_was_given(name):
    """A name that slipped into a code stays out of the reason."""
    assert "Zebedee" not in system(name).check("Zebedee Quux").reason


def test_the_core_of_the_phone_imports_no_table():
    """What a phone starts loads no table, no terminology and no validator; `code check loinc` loads no SQLite table."""
    code = (
        "import sys\n"
        "import edge_runtime.cli.main, edge_runtime.runtime, edge_runtime.charts, edge_runtime.importing\n"
        "import edge_runtime.codes.system, edge_runtime.codes.asking, edge_runtime.codes.icd10cm, mobile_bridge\n"
        "print('-----', *sys.modules)\n"
        "from edge_runtime.codes import icd10cm_table, loinc\n"
        "print('=====', icd10cm_table.table.cache_info().currsize, loinc.subset.cache_info().currsize)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(said.partition("-----")[2].partition("=====")[0].split())
    heavy = {
        "fhirkit",
        "fhirpathpy",
        "pint",
        "ucumvert",
        "simple_icd_10_cm",
        "lark",
        "fhir.resources",
        "pydantic",
        "numpy",
    }
    assert not loaded & heavy
    assert not {name for name in loaded if name.startswith("edge_runtime.fhir.validation.")} - LIGHT
    assert said.split("=====")[1].split() == ["0", "0"]


LIGHT = {"edge_runtime.fhir.validation.problem"}
"""Of the validator what says what is wrong, and loads nothing."""
