"""ICD-10-CM: what is a code, what is too general, what is none, and why."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import string
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge_runtime.codes.icd10cm import SHAPE, SYSTEM, Icd10cm, written
from edge_runtime.codes.icd10cm_table import TABLE, Icd10cmTable, table
from edge_runtime.errors import RefusedError

BILLABLE = 74_719
"""Codes of the release of April 2026."""
NOT_CODES = 100_000
SOURCE_PATTERN = re.compile(r"^[A-Z]\d{2}(\.\d{1,2})?$")
"""The pattern that is commonly used, and rejects most of the codes."""


@pytest.fixture(scope="module")
def source():
    """The package that the table was compiled from; it warns of its own use of an old function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import simple_icd_10_cm
    return simple_icd_10_cm


@pytest.fixture(scope="module")
def leaves(source):
    """Every leaf of the package's own tree that is no chapter and no block."""
    found = (code for code in dict.fromkeys(source.get_all_codes()) if source.is_leaf(code))
    return [code for code in found if source.is_category_or_subcategory(code)]


def test_every_billable_code_is_valid(source, leaves):
    """Each leaf of the package is valid, with its title, less the notes that the package appends to some."""
    assert len(leaves) == BILLABLE
    for code in leaves:
        judgement = SYSTEM.check(code)
        assert judgement.valid, code
        title = " ".join(source.get_description(code).split())
        assert judgement.display == title.partition("/ ")[0] or judgement.display == title.rpartition("/")[0], code
        assert judgement.read_as is None, code


def test_the_table_holds_no_other_codes(leaves):
    """The billable codes of the table are the leaves of the package, all of them and no more."""
    assert list(table().codes()) == sorted(leaves)
    assert table().meta["billable"] == str(BILLABLE)


def test_the_common_pattern_would_reject_most_of_them(leaves):
    """Why the shape is ours: the common pattern takes one code of six; ours takes all, C7A.00 among them."""
    assert all(SHAPE.fullmatch(code) for code in leaves)
    assert sum(SOURCE_PATTERN.match(code) is not None for code in leaves) < len(leaves) / 5
    assert SYSTEM.check("C7A.00").valid


def others(known, count):
    """Codes that are none: of the right shape, changed in one place, cut, lengthened, and random text."""
    rng = random.Random(20260401)
    signs = string.ascii_uppercase + string.digits
    real = sorted(known)

    def shaped():
        tail = "".join(rng.choices(signs, k=rng.randint(0, 4)))
        return rng.choice(string.ascii_uppercase) + "".join(rng.choices(signs, k=2)) + ("." + tail if tail else "")

    def changed():
        code, at = rng.choice(real), rng.randrange(3)
        at = rng.randrange(len(code)) if at else len(code) - 1
        return code[:at] + rng.choice(signs) + code[at + 1 :]

    ways = (
        shaped,
        changed,
        lambda: rng.choice(real)[: -rng.randint(1, 3)],
        lambda: rng.choice(real) + rng.choice(signs),
        lambda: rng.choice(real).replace(".", rng.choice(("-", " ", "..", ",", "·"))) + rng.choice(("", " ")),
        lambda: "".join(rng.choices(string.printable, k=rng.randint(0, 12))),
    )
    bare = {code.replace(".", "") for code in known}
    found: set[str] = set()
    while len(found) < count:
        code = ways[len(found) % len(ways)]()
        if code not in known and code.upper().replace(".", "") not in bare:
            found.add(code)
    return found


def test_no_random_code_is_valid(leaves):
    """None of 100,000 texts that are no codes is valid, and each gets a reason."""
    for code in others(set(leaves), NOT_CODES):
        judgement = SYSTEM.check(code)
        assert not judgement.valid, code
        assert judgement.reason, code


@pytest.mark.parametrize(
    ("given", "form"),
    [("i10", "I10"), ("s72.001a", "S72.001A"), ("S72001A", "S72.001A"), ("c7a00", "C7A.00"), ("U071", "U07.1")],
)
def test_another_form_is_read_and_said(given, form):
    """Small letters and a missing dot are read as what they mean, and the judgement says how it is written."""
    judgement = SYSTEM.check(given)
    assert judgement.valid
    assert judgement.read_as == form
    assert form in judgement.reason
    assert judgement.display == SYSTEM.check(form).display


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("I11", "add a character: I11.0, I11.9"),
        ("S72", "add a character: S72.0, S72.1, S72.2"),
        ("S72.001", "a seventh character is needed: S72.001A, S72.001B"),
        ("W19", "a seventh character is needed: W19.XXXA, W19.XXXD, W19.XXXS"),
        ("W19.A", "X in the empty places before it: W19.XXXA"),
        ("T14.91A", "X in the empty places before it: T14.91XA"),
        ("I10.1", "I10 is complete and takes no further character"),
        ("E11.7", "below E11 there is only E11.0, E11.1"),
        ("S72.001Z", "below S72.001 there is only S72.001A"),
        ("U99", "no category of ICD-10-CM begins so"),
        ("A00-A09", "not the shape"),
        ("I10 ", "not the shape"),
        ("I10\n", "not the shape"),
        ("I10.", "not the shape"),
        ("", "not the shape"),
        ("\u0130\u0131\u0660", "not the shape"),
    ],
)
def test_a_refusal_says_what_would_be_right(code, words):
    """What is no code is refused with what is nearest to it: its children, its placeholder, where it ends."""
    judgement = SYSTEM.check(code)
    assert not judgement.valid
    assert words in judgement.reason


def test_a_category_keeps_its_title():
    """What exists and is too general still says what it stands for."""
    assert SYSTEM.check("E11").display == "Type 2 diabetes mellitus"
    assert SYSTEM.check("E11.77").display is None


def test_many_children_are_counted():
    """A reason names sixteen codes at most and counts the rest."""
    crowded = max((row for row in table().beginning("", 100_000)), key=lambda row: len(table().below(row.code)))
    count = len(table().below(crowded.code))
    assert count > 16
    assert SYSTEM.check(crowded.code).reason.endswith(f" and {count - 16} more")


def test_an_entry_has_everything_the_release_says():
    """Chapter, block, what is above and below, inclusion terms and excludes come from the release."""
    entry = SYSTEM.entry("i10")
    assert entry.code == "I10"
    assert entry.billable
    assert entry.chapter.name == "9"
    assert [block.name for block in entry.blocks] == ["I10-I1A"]
    assert "high blood pressure" in entry.includes
    assert any("O10-O11" in one for one in entry.excludes1)
    assert any("I60-I69" in one for one in entry.excludes2)
    assert SYSTEM.entry("A48.4").inclusion_terms == ("Systemic Hemophilus aegyptius infection",)
    fracture = SYSTEM.entry("S72.001")
    assert fracture.above == ("S72.00", "S72.0", "S72")
    assert fracture.below[0] == "S72.001A"
    assert SYSTEM.entry("Z9Z") is None
    assert SYSTEM.entry("nothing") is None


def test_a_seventh_character_has_the_notes_of_what_it_is_added_to():
    """A code that only adds a seventh character is coded under the notes of its parent."""
    assert SYSTEM.entry("T63.001A").excludes1 == SYSTEM.entry("T63.001").excludes1
    extended = (row for row in table().beginning("S", 20_000) if row.extension is not None)
    code, parent = next((row.code, row.parent) for row in extended if SYSTEM.entry(row.parent or "").inclusion_terms)
    assert SYSTEM.entry(code).inclusion_terms == SYSTEM.entry(parent or "").inclusion_terms


def test_a_block_of_one_category_is_not_mistaken_for_it():
    """B20 names a block and the category in it: the category belongs to the block and to nothing else."""
    entry = SYSTEM.entry("B20")
    assert (entry.above, entry.below) == ((), ())
    assert [block.name for block in entry.blocks] == ["B20"]


def test_every_code_ends_in_a_chapter():
    """Each category has its blocks and one chapter; there are 22 chapters."""
    chapters = {SYSTEM.entry(category).chapter for category in {code[:3] for code in table().codes()}}
    assert len(chapters) == 22
    assert all(chapter.parent is None for chapter in chapters)


def test_the_release_and_its_source_are_recorded():
    """The table says what it was compiled from, by release, package and hash."""
    meta = table().meta
    assert SYSTEM.release == meta["release"] == "April 1 2026"
    assert meta["source"] == "simple-icd-10-cm 1.5.0"
    assert sum(key.startswith("sha256 ") for key in meta) == 2


def test_a_missing_table_is_a_refusal(tmp_path):
    """Without the table a code of the right shape cannot be judged; any other text still can."""
    system = Icd10cm(lambda: Icd10cmTable(tmp_path / "none.sqlite3"))
    assert not system.check("nonsense").valid
    with pytest.raises(RefusedError) as refusal:
        system.check("I10")
    assert refusal.value.code == "codes_missing"


@pytest.mark.parametrize("harm", ["other bytes", "empty", "other form", "cut"])
def test_a_damaged_table_is_a_refusal(tmp_path, harm):
    """What is not the table that this version was built with is refused, never half read."""
    path = tmp_path / "icd10cm.sqlite3"
    if harm == "other bytes":
        path.write_bytes(b"no database" * 1000)
    elif harm == "empty":
        path.touch()
    else:
        shutil.copyfile(TABLE, path)
    if harm == "other form":
        base = sqlite3.connect(path)
        base.execute("UPDATE meta SET value = '0' WHERE key = 'form'")
        base.commit()
        base.close()
    if harm == "cut":
        path.write_bytes(path.read_bytes()[: 5 * 4096])
    with pytest.raises(RefusedError) as refusal:
        Icd10cm(lambda: Icd10cmTable(path)).check("S72.001A")
    assert refusal.value.code == "codes_damaged"


def test_threads_share_the_table():
    """One connection answers several threads."""
    codes = list(table().codes())[::150]
    with ThreadPoolExecutor(4) as pool:
        assert all(one.valid for one in pool.map(Icd10cm(lambda: Icd10cmTable(TABLE)).check, codes[:50]))
        assert all(one.valid for one in pool.map(SYSTEM.check, codes))


def test_the_written_form():
    """Shape and form need no table."""
    assert written("s72001a") == "S72.001A"
    assert written("E1") is None
    assert written("S72.0010AB") is None
