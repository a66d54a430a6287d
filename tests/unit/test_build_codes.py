"""What the build compiles: the same rows from the same release, found by a wheel's hook."""

from __future__ import annotations

import sqlite3
import tomllib
import warnings
from contextlib import closing
from pathlib import Path

import pytest

from edge_runtime.codes.icd10cm_table import TABLE
from tools import build_codes, workshop

ROOT = Path(__file__).parents[2]
TABLES = ("meta", "heading", "extension", "item", "note", "words_data")


def rows(path):
    """Every row of every table, in order; those of the search index with them."""
    with closing(sqlite3.connect(path)) as base:
        return {name: base.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in TABLES}


def test_the_same_release_gives_the_same_rows(tmp_path):
    """What is compiled now is, row by row, what this set-up holds; nothing half written is left beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the package's own use of an old function
        meta = build_codes.compile_table(tmp_path / "codes" / "icd10cm.sqlite3")
    assert rows(tmp_path / "codes" / "icd10cm.sqlite3") == rows(TABLE)
    assert [path.name for path in (tmp_path / "codes").iterdir()] == ["icd10cm.sqlite3"]
    assert meta["billable"] == "74719"


def test_the_build_the_set_up_and_the_program_mean_one_file():
    """The hook writes where the program reads, what the set-up looks for, and what the wheel takes along."""
    assert ROOT / build_codes.TABLE == TABLE == ROOT / workshop.COMPILED
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert wheel["hooks"]["custom"]["path"] == "tools/build_codes.py"
    assert any(build_codes.TABLE.match(pattern) for pattern in wheel["artifacts"])


def test_make_clean_removes_it():
    """What the build makes, `make clean` removes."""
    assert str(build_codes.TABLE) in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("names", [[], ["icd10c-tabular-A.xml", "icd10c-tabular-B.xml"], ["other.xml"]])
def test_a_source_that_is_not_known_stops_the_build(names):
    """A release whose tabular list is not where it was is no reason to guess."""
    with pytest.raises(ValueError, match="one tabular list"):
        build_codes.release_of(dict.fromkeys(names, ""))


@pytest.mark.parametrize(
    ("extension", "turn"),
    [
        ("initial encounter for closed fracture", 0),
        ("initial encounter", 0),
        ("fetus 1", 0),
        ("initial encounter for open fracture type I or II", 1),
        ("subsequent encounter for closed fracture with delayed healing", 2),
        ("sequela", 3),
    ],
)
def test_what_is_treated_now_is_met_first(extension, turn):
    """The order of seventh characters in a search."""
    assert build_codes.turn(extension) == turn
