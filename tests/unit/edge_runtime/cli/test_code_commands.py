"""`fieldward code`: readable for a person, JSON for machines, and nothing opened or kept."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys

import pytest

from edge_runtime.cli.main import run
from edge_runtime.codes import icd10cm, icd10cm_table
from edge_runtime.codes.icd10cm_table import Icd10cmTable
from edge_runtime.codes.system import NAMES


@pytest.fixture
def stream(monkeypatch, capsys):
    """Give lines to `code check SYSTEM --ndjson`; returns exit code and answers."""

    def streamed(name, *lines):
        data = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = run(["code", "check", name, "--ndjson"])
        said = capsys.readouterr()
        assert said.err == ""
        return code, [json.loads(line) for line in said.out.splitlines()]

    return streamed


def told(capsys, *arguments):
    """Exit code and the JSON value that a command printed."""
    code = run([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_codes_are_checked_one_by_one(capsys):
    """Each code gets an object; the exit code says whether all are valid."""
    code, found = told(capsys, "code", "check", "icd10cm", "I10", "S72.001", "s72001a")
    assert code == 3
    assert [one["valid"] for one in found] == [True, False, True]
    assert set(found[0]) == {"code", "valid", "display", "reason"}
    assert found[2]["read_as"] == "S72.001A"
    assert told(capsys, "code", "check", "loinc", "8867-4")[0] == 0


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("icd10cm", "C7A.00", "C7A"),
        ("loinc", "8867-4", "8867-5"),
        ("snomed", "22298006", "22298007"),
        ("cpt", "99213", "9921"),
        ("ucum", "mm[Hg]", "mmHg"),
        ("rxnorm", "161", "x"),
    ],
)
def test_every_system_answers_lines(stream, name, right, wrong):
    """A line gives code, valid, display and reason; an invalid code is an answer, and the exit code is 0."""
    code, (good, bad) = stream(name, {"code": right}, {"code": wrong, "id": 2})
    assert code == 0
    assert (good["code"], good["valid"], bad["valid"], bad["id"]) == (right, True, False, 2)
    assert good["reason"]
    assert bad["reason"]


def test_every_system_is_tried_above():
    """The table above names every system that the command takes."""
    assert set(NAMES) == {"icd10cm", "loinc", "snomed", "cpt", "ucum", "rxnorm"}


def test_a_bad_line_is_told_and_the_rest_answered(stream):
    """A line that is no question gets an error with its number, the others their answers, and the exit code is 1."""
    code, found = stream("icd10cm", {"code": "I10"}, b"nope", b"", {"code": 5}, {"code": "I11.0"})
    assert code == 1
    assert [one.get("valid") for one in found] == [True, None, None, True]
    assert [one["error"]["line"] for one in found if "error" in one] == [2, 4]


def test_no_lines_are_no_error(stream):
    """An empty input gives an empty output."""
    assert stream("icd10cm") == (0, [])


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "icd10cm"],
        ["check", "icd10cm", "I10", "--ndjson"],
        ["check", "icd9", "1"],
        ["search", "icd10cm"],
        ["search", "loinc", "pulse"],
        ["search", "icd10cm", "hip", "--limit", "0"],
        ["search", "icd10cm", "hip", "--limit", "101"],
        ["nothing"],
    ],
)
def test_wrong_usage(capsys, arguments):
    """What the help does not describe is wrong usage."""
    assert run(["code", *arguments]) == 2
    assert capsys.readouterr().out == ""


def test_a_search_gives_code_title_and_chapter(capsys):
    """Each result says code, display, whether it may be billed, and its chapter by number and title."""
    code, found = told(capsys, "code", "search", "icd10cm", "hip fract", "--limit", "3")
    assert code == 0
    assert [one["code"] for one in found] == ["S72.009A", "S72.001A", "S72.002A"]
    assert all(one["billable"] is True and one["chapter"] == "19" for one in found)
    assert set(found[0]) == {"code", "display", "billable", "chapter", "chapter_title"}


def test_words_need_no_quotes(capsys):
    """Several words are one search."""
    assert told(capsys, "code", "search", "icd10cm", "hip", "fract") == told(
        capsys, "code", "search", "icd10cm", "hip fract"
    )


def test_a_text_that_is_no_search_is_refused(capsys):
    """A text without a word is refused, and nothing of it repeated."""
    code, found = told(capsys, "code", "search", "icd10cm", "???")
    assert (code, found["error"]["code"]) == (1, "search_text")


def test_nothing_found_is_an_empty_list(capsys):
    """For a machine an empty list, for a person a sentence that says what to try."""
    assert told(capsys, "code", "search", "icd10cm", "zzzzqq") == (0, [])
    assert run(["code", "search", "icd10cm", "zzzzqq"]) == 0
    assert "Nothing found" in capsys.readouterr().out


def test_people_read_rows(capsys):
    """A person sees the verdict beside the code and why under it, and which results are too general."""
    run(["code", "check", "icd10cm", "I10", "S72"])
    said = capsys.readouterr().out
    assert re.search(r"^I10 +valid +Essential", said, re.MULTILINE)
    assert re.search(r"^S72 +not valid +Fracture of femur\n +not valid by itself", said, re.MULTILINE)
    run(["code", "search", "icd10cm", "S72.0", "--limit", "4"])
    said = capsys.readouterr().out
    assert "not billable: has subdivisions" in said
    assert "S72.001A" in said
    assert "release of April 1 2026" in said


def test_a_code_cannot_move_the_cursor(capsys):
    """Control characters in a code are made harmless on the terminal."""
    run(["code", "check", "cpt", "9\x1b[2J"])
    assert "\x1b[2J" not in capsys.readouterr().out


def test_without_the_table_one_line_says_what_to_do(capsys, monkeypatch, tmp_path):
    """An installation without the table refuses ICD-10-CM, with what to do, and answers the other systems."""
    absent = icd10cm.Icd10cm(lambda: Icd10cmTable(tmp_path / "none.sqlite3"))
    monkeypatch.setattr(icd10cm, "SYSTEM", absent)
    code, found = told(capsys, "code", "check", "icd10cm", "I10")
    assert (code, found["error"]["code"]) == (1, "codes_missing")
    assert told(capsys, "code", "check", "snomed", "22298006")[0] == 0
    assert icd10cm_table.is_here()


@pytest.mark.parametrize("command", ["check", "search", "convert"])
def test_the_examples_of_the_help_work(capsys, command):
    """Each example in a help text is a command that ends well."""
    run(["code", command, "--help"])
    shown = capsys.readouterr().out
    examples = [line.strip() for line in shown.splitlines() if line.strip().startswith("fieldward code")]
    assert examples
    for example in (one for one in examples if "<" not in one):
        assert run(shlex.split(example)[1:]) == 0, example


def test_a_closed_input_is_one_line():
    """A standard input that cannot be read is told in words that fit the command."""
    program = [sys.executable, "-m", "edge_runtime.cli", "code", "check", "loinc", "--ndjson"]
    done = subprocess.run(["sh", "-c", f"{shlex.join(program)} <&-"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "fieldward code check loinc --ndjson" in done.stderr
