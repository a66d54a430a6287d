"""SNOMED CT, CPT and RxNorm: what a form alone can tell, and that nothing more is claimed."""

from __future__ import annotations

import pytest

from edge_runtime.codes import cpt, rxnorm, snomed
from edge_runtime.codes.check_digits import verhoeff_holds


@pytest.mark.parametrize(
    ("code", "valid", "words"),
    [
        ("22298006", True, "international edition"),
        ("138875005", True, "international edition"),
        ("900000000000207008", True, "international edition"),
        ("999999990989121104", True, "extension"),
        ("22298007", False, "check digit"),
        ("22289006", False, "check digit"),
        ("751689013", False, "a description"),
        ("100022", False, "a relationship"),
        ("12345", False, "6 to 18 digits"),
        ("022298006", False, "6 to 18 digits"),
        ("1234567890123456789", False, "6 to 18 digits"),
        ("22298006 ", False, "6 to 18 digits"),
        ("\u0662\u0662\u0662\u0669\u0668\u0660\u0660\u0666", False, "6 to 18 digits"),
        ("T-15460", False, "6 to 18 digits"),
        ("249943000:363698007=72098002", False, "an expression"),
        ("22298006 |Myocardial infarction|", False, "an expression"),
        ("", False, "6 to 18 digits"),
    ],
)
def test_snomed_ct_is_judged_by_its_three_parts(code, valid, words):
    """Length, check digit and partition are judged; a code is the identifier of a concept."""
    judgement = snomed.SYSTEM.check(code)
    assert judgement.valid is valid
    assert words in judgement.reason
    assert judgement.display is None


def closed(number):
    """A number with its Verhoeff digit."""
    return next(f"{number}{digit}" for digit in range(10) if verhoeff_holds(f"{number}{digit}"))


def test_a_partition_that_does_not_exist_is_refused():
    """A check digit that holds does not save a partition that SNOMED CT has not."""
    for partition in ("03", "20", "99"):
        judgement = snomed.SYSTEM.check(closed(f"123456{partition}"))
        assert not judgement.valid
        assert "partition" in judgement.reason


def test_an_extension_has_room_for_its_namespace():
    """An identifier of an extension of fewer than eleven digits holds no namespace."""
    judgement = snomed.SYSTEM.check(closed("123410"))
    assert not judgement.valid
    assert "namespace" in judgement.reason
    assert snomed.SYSTEM.check(closed("1100000010")).valid


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("99213", "category I)"),
        ("0001F", "category II,"),
        ("0042T", "category III"),
        ("0001U", "proprietary"),
        ("0012M", "multianalyte"),
        ("0001A", "vaccine"),
        ("0001Z", "know no use"),
    ],
)
def test_a_cpt_code_is_well_formed_and_no_more(code, words):
    """The shape is judged, the last character says the category, and the reason that the list is licensed."""
    judgement = cpt.SYSTEM.check(code)
    assert judgement.valid
    assert words in judgement.reason
    assert "licensed" in judgement.reason
    assert judgement.display is None


def test_a_small_letter_in_a_cpt_code_is_read():
    """A small letter is read as the capital, and the judgement says so."""
    assert cpt.SYSTEM.check("0001u").read_as == "0001U"


@pytest.mark.parametrize(
    "code", ["9921", "992133", "A0428", "99 13", "9921\u00df", "\u0661\u0662\u0663\u0664\u0665", "99213\n", ""]
)
def test_another_shape_is_no_cpt_code(code):
    """Four digits, then a digit or a letter; a HCPCS code is none."""
    assert not cpt.SYSTEM.check(code).valid


@pytest.mark.parametrize(
    ("code", "valid", "display"),
    [
        ("161", True, "Acetaminophen"),
        ("312617", True, "predniSONE 5 MG Oral Tablet"),
        ("99999999", True, None),
        ("0161", False, None),
        ("123456789", False, None),
        ("N0000010574", False, None),
        ("", False, None),
    ],
)
def test_rxnorm_says_what_is_not_listed(code, valid, display):
    """A few names are carried; any other number is well formed and said to be not listed."""
    judgement = rxnorm.SYSTEM.check(code)
    assert (judgement.valid, judgement.display) == (valid, display)
    assert display is not None or not valid or "not listed" in judgement.reason
