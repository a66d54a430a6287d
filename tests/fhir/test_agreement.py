"""What three validators say of the same resources is in docs/fhir.md, and each disagreement has its reason."""

from __future__ import annotations

import json

import pytest

from tests.fhir import opinions
from tests.fhir.agreement import OURS, VALIDATORS, OnDefects, OnExamples, on_defects, on_examples
from tests.fhir.defects.campaign import KINDS
from tests.fhir.opinions import FHIR_RESOURCES, MEDPLUM, fhir_resources_takes, medplum_takes
from tests.support.soak_results import write_down
from tools import fhir_agreement

pytestmark = pytest.mark.campaign

PATIENT = {"resourceType": "Patient", "id": "p", "active": True}


@pytest.fixture(scope="module", autouse=True)
def node(require):
    """Medplum's validator runs under node."""
    require(opinions.is_there(), opinions.NAME, opinions.HOW)


def test_the_others_take_what_is_sound_and_refuse_what_is_not():
    """Both others are asked in earnest: a sound resource passes, an unknown element does not."""
    spoilt = PATIENT | {"colour": "blue"}
    assert medplum_takes([PATIENT, spoilt, PATIENT]) == [True, False, True]
    assert fhir_resources_takes(PATIENT)
    assert not fhir_resources_takes(spoilt)


def test_disagreements_on_a_sample_are_explained():
    """Whatever another validator misses of some defects of each kind has its reason in the page."""
    kinds = on_defects(7, named=16, more=8)
    assert kinds.keys() == KINDS.keys()
    assert list(fhir_agreement.unexplained(OnExamples(0, {}), kinds)) == []
    for name in (MEDPLUM, FHIR_RESOURCES):
        assert sum(found.found(name) for found in kinds.values()) > len(kinds), "it is asked in earnest"
    assert sum(found.missed[OURS].total() for found in kinds.values()) * 20 <= sum(one.made for one in kinds.values())


def test_disagreements_on_the_examples_are_explained():
    """An official example that one validator rejects has its reason in the page."""
    found = on_examples()
    assert found.asked > 280
    assert list(fhir_agreement.unexplained(found, {})) == []
    page = fhir_agreement.PAGE.read_text(encoding="utf-8")
    assert [name for names in found.rejected.values() for name in names if f"| `{name}` |" not in page] == []


def test_what_has_no_reason_is_named():
    """A disagreement that nobody explained is a line that says which, and the tables do not come to be."""
    kind = OnDefects(made=2)
    kind.missed[OURS]["invented"] = 1
    lines = list(fhir_agreement.unexplained(OnExamples(1, {OURS: ("Patient-nobody",)}), {"bad_date": kind}))
    assert ["Patient-nobody" in lines[0], "bad_date" in lines[1]] == [True, True]
    assert len(lines) == 2


def test_the_page_keeps_what_is_around_the_tables():
    """Only what stands between the marks is exchanged; a page without them is refused."""
    page = f"before\n{fhir_agreement.START}\nold\n{fhir_agreement.END}\nafter\n"
    made = fhir_agreement.placed(page, iter([fhir_agreement.START, "new", fhir_agreement.END]))
    assert made == page.replace("old", "new")
    with pytest.raises(ValueError, match="has no lines"):
        fhir_agreement.placed("before", iter([]))


def test_the_page_has_every_kind():
    """The committed tables count every kind, by every validator."""
    page = fhir_agreement.PAGE.read_text(encoding="utf-8")
    section = page.partition(fhir_agreement.START)[2].partition(fhir_agreement.END)[0]
    assert f"| kind | made | {' | '.join(VALIDATORS)} |" in section
    assert [kind for kind in KINDS if f"| {kind} | " not in section] == []
    assert f"(seed {fhir_agreement.SEED})" in section


@pytest.mark.soak
def test_the_page_says_what_is_counted():
    """Counted again, the tables are those of the page, to the letter."""
    examples = on_examples()
    kinds = on_defects(fhir_agreement.SEED, named=fhir_agreement.NAMED, more=fhir_agreement.MORE)
    counted = {kind: found.to_json() for kind, found in kinds.items()}
    write_down("fhir_agreement", {"examples": examples.to_json(), "defects": json.loads(json.dumps(counted))})
    page = fhir_agreement.PAGE.read_text(encoding="utf-8")
    assert fhir_agreement.placed(page, fhir_agreement.tables(examples, kinds)) == page
