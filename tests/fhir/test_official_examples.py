"""All 5,305 official examples of FHIR R4: each is read, and those in scope are imported."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from edge_runtime.fhir.importing.plan import ImportPlan
from edge_runtime.fhir.importing.planning import plan_import
from edge_runtime.fhir.reading.records import Record, Refusal, read_resources
from tests.fhir.judging import faults
from tests.fhir.official import KEPT_UNMAPPED, WRONG
from tests.support.fhir_examples import COUNT, MAPPED, examples, names

pytestmark = pytest.mark.campaign

BUNDLES = 44
IN_BUNDLES = 13_679
"""Resources in the entries of all Bundles, Bundles within them included."""
LARGE = 1_000_000
"""Bytes; what is larger defines R4 and takes half a minute."""
LARGE_WRONG = {"Bundle-dataelements"}
UNMAPPED = "; kept as it came, unmapped"


def read(name: str, data: bytes) -> list[Record | Refusal]:
    """Everything in one example."""
    return list(read_resources(io.BytesIO(data), f"{name}.json"))


def test_there_are_all_of_them():
    """The package holds 5,305 examples."""
    assert len(names()) == COUNT
    assert sum(name.startswith("Bundle-") for name in names()) == BUNDLES


def test_every_example_is_read():
    """Each example that is no Bundle is one record of the type in its name, with its own bytes; nothing is refused."""
    count = 0
    for name, data in examples():
        if name.startswith("Bundle-"):
            continue
        [record] = read(name, data)
        assert isinstance(record, Record), (name, record)
        assert record.type == name.partition("-")[0]
        assert record.text == data.removeprefix(b"\xef\xbb\xbf").strip()
        count += 1
    assert count == COUNT - BUNDLES


def test_every_bundle_is_read():
    """Each resource of each Bundle is a record; nothing is refused."""
    found = [one for name, data in examples("Bundle") for one in read(name, data)]
    assert [one for one in found if isinstance(one, Refusal)] == []
    assert len(found) == IN_BUNDLES


@pytest.fixture(scope="module", name="plans")
def every_plan() -> dict[str, tuple[int, ImportPlan]]:
    """The plan of each example in scope, imported alone, with the number of its records that say something new."""
    made = {}
    for name, data in examples(*MAPPED):
        records = read(name, data)
        contents = {one.content for one in records if isinstance(one, Record)}
        made[name] = (len(contents), plan_import(records))
    return made


def test_examples_in_scope_are_imported(plans):
    """Nothing of any example is refused."""
    refused = {name for name, (_, plan) in plans.items() for one in plan.refused if not one.reason.endswith(UNMAPPED)}
    assert refused == set()


def test_what_a_fact_cannot_say_is_kept(plans):
    """An example that is kept unmapped is one of the named ones, each of which has its reason."""
    kept = {name for name, (_, plan) in plans.items() for one in plan.refused if one.reason.endswith(UNMAPPED)}
    assert kept == KEPT_UNMAPPED.keys()


def test_nothing_is_lost(plans):
    """Each record is mapped or kept; only what says the same twice is kept once."""
    for name, (records, plan) in plans.items():
        assert sum(plan.mapped.values()) + plan.kept == records, name


def test_no_sound_example_is_rejected():
    """An example in scope is invalid only where the specification itself calls it wrong, and those are named."""
    rejected = {name for name, data in examples(*MAPPED) if len(data) <= LARGE and faults(data)}
    assert rejected == WRONG.keys() - LARGE_WRONG


@pytest.mark.soak
def test_no_sound_bundle_of_definitions_is_rejected():
    """The same of the large Bundles: the definitions of R4 itself, up to 35 MB."""
    rejected = {name for name, data in examples("Bundle") if len(data) > LARGE and faults(data)}
    assert rejected == LARGE_WRONG


def test_the_page_names_the_wrong_examples():
    """docs/fhir.md says of each such example that it is wrong."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "fhir.md").read_text(encoding="utf-8")
    section = page.partition("### Official examples that are wrong")[2].partition("\n## ")[0]
    assert [name for name in WRONG if name not in section] == []
