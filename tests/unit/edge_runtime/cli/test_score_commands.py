"""`fieldward score`: readable for a person, one object a line for machines, and nothing assumed in either."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys

import pytest

from edge_runtime.cli.main import run
from edge_runtime.clinical.scores.catalogue import SCALES
from edge_runtime.clinical.scores.lines import LINE_BYTES_MAX

NORMAL = {
    "respiratory_rate": 16,
    "spo2": 98,
    "spo2_scale": 1,
    "on_oxygen": False,
    "systolic_bp": 120,
    "pulse": 70,
    "consciousness": "A",
    "temperature": 36.8,
}


@pytest.fixture
def stream(monkeypatch, capsys):
    """Give lines to `score NAME --ndjson`; returns exit code and answers."""

    def streamed(name, *lines):
        data = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = run(["score", name, "--ndjson"])
        said = capsys.readouterr()
        assert said.err == ""
        return code, [json.loads(line) for line in said.out.splitlines()]

    return streamed


@pytest.mark.parametrize(
    ("name", "given", "verdict"),
    [
        ("news2", NORMAL, {"score": 0, "rule": "news2.low"}),
        ("qsofa", {"respiratory_rate": 22, "gcs": 14, "systolic_bp": 100}, {"score": 3, "rule": "qsofa.positive"}),
        ("gcs", {"eye": 1, "verbal": 1, "motor": 1}, {"score": 3, "rule": "gcs.severe"}),
        (
            "apgar",
            {"appearance": 2, "pulse": 2, "grimace": 2, "activity": 2, "respiration": 2},
            {"score": 10, "rule": "apgar.reassuring"},
        ),
        ("start", {"walks": True}, {"category": "minor", "rule": "start.walks"}),
        ("jumpstart", {"walks": True}, {"category": "minor", "rule": "jumpstart.walks"}),
        ("salt", {"breathing": False}, {"category": "dead", "rule": "salt.not_breathing", "triage": "deceased"}),
    ],
)
def test_one_line_in_one_line_out(stream, name, given, verdict):
    """Each answer holds score or category, the rule and the inputs as they came."""
    code, (found,) = stream(name, given)
    assert code == 0
    assert found["inputs"] == given
    assert {key: found[key] for key in verdict} == verdict


def test_a_bad_line_touches_no_other(stream):
    """Every line gets its answer in order; a bad one says what is wrong by its number."""
    code, answers = stream(
        "news2",
        NORMAL | {"id": "a"},
        b"{",
        b"",
        b"[1]",
        b"\xff",
        b'{"pulse": NaN}',
        b'{"pulse": 1e400000000000000000000}',
        b'{"pulse": ' + b"9" * 5000 + b"}",
        b"[" * 60_000,
        b'{"pulse": 1, "pulse": 2}',
        NORMAL | {"pulse": "fast"},
        NORMAL | {"age_years": 3},
        NORMAL | {"id": [1]},
        NORMAL | {"id": 9},
    )
    assert code == 1
    assert [answers[0]["id"], answers[-1]["id"]] == ["a", 9]
    assert answers[0]["score"] == answers[-1]["score"] == 0
    errors = [answer["error"] for answer in answers[1:-1]]
    assert [(error["line"], error["code"]) for error in errors] == [
        (2, "not_json"),
        (4, "not_json"),
        (5, "not_json"),
        (6, "invalid_input"),
        (7, "invalid_input"),
        (8, "not_json"),
        (9, "not_json"),
        (10, "duplicate_key"),
        (11, "invalid_input"),
        (12, "age"),
        (13, "invalid_input"),
    ]
    assert all(set(error) == {"code", "expected", "got", "do", "line"} for error in errors)
    assert "fast" not in json.dumps(errors)


def test_an_incomplete_line_is_answered_and_told_by_the_exit_code(stream):
    """No score is no silent zero: null, with what is missing, and exit code 1."""
    code, (found,) = stream("news2", {"respiratory_rate": 30, "consciousness": "U", "id": 3})
    assert (code, found["score"], found["at_least"], found["id"]) == (1, None, 6, 3)
    assert found["missing"] == ["spo2", "spo2_scale", "on_oxygen", "systolic_bp", "pulse", "temperature"]


def test_a_long_line_is_left_out(stream):
    """At the limit a line is read, beyond it it is named, however long it is; the next one goes on."""
    text = json.dumps(NORMAL).encode()
    code, answers = stream(
        "news2",
        text + b" " * (LINE_BYTES_MAX - len(text)),
        text + b" " * (LINE_BYTES_MAX - len(text) + 1),
        text + b"\r" * (LINE_BYTES_MAX * 3),
        NORMAL,
        text + b" " * LINE_BYTES_MAX * 2,
    )
    assert code == 1
    assert [answer.get("score") for answer in answers] == [0, None, None, 0, None]
    assert [answer["error"]["line"] for answer in answers if "error" in answer] == [2, 3, 5]
    assert {answer["error"]["code"] for answer in answers if "error" in answer} == {"line_too_long"}


def test_nothing_in_is_nothing_out(stream):
    """No line is no error; and lines may end as Windows ends them."""
    assert stream("gcs") == (0, [])
    code, answers = stream("gcs", b'{"eye":4,"verbal":5,"motor":6}\r', b"\r", b"")
    assert (code, answers[0]["score"]) == (0, 15)


@pytest.mark.parametrize("stdin", [None, object()])
def test_a_standard_input_that_cannot_be_read(stdin, monkeypatch, capsys):
    """It is said, in words."""
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run(["score", "gcs", "--ndjson"]) == 1
    assert "input_unreadable" in capsys.readouterr().err


def test_answers_come_line_by_line():
    """A program that waits for each answer gets it before it sends the next line; no device is needed."""
    with subprocess.Popen(
        [sys.executable, "-m", "edge_runtime.cli", "score", "gcs", "--ndjson"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin", "HOME": "/nonexistent"},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for eye in (4, 1):
            child.stdin.write(json.dumps({"eye": eye, "verbal": 5, "motor": 6}) + "\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["score"] == eye + 11
        child.stdin.close()
        assert child.wait(timeout=60) == 0


def test_a_person_reads_the_score_first(capsys):
    """Score and band, what it means, each input with its points, what to confirm, and the source."""
    pairs = NORMAL | {"pulse": 255, "on_oxygen": "yes", "temperature": "38.4"}
    assert run(["score", "news2", *(f"--input={name}={value}" for name, value in pairs.items())]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[1].strip() == "6   medium"
    assert re.search(r"on_oxygen +yes +2\n", said)
    assert re.search(r"temperature +38\.4 +1\n", said)
    assert "Please confirm: pulse is outside 20 to 250" in said
    assert "Royal College of Physicians" in said


def test_a_person_sees_what_is_missing(capsys):
    """There is no score, and each missing input has its line."""
    assert run(["score", "news2", "--input", "consciousness=V"]) == 1
    said = capsys.readouterr().out
    assert "no score; at least 3 from what is known" in said
    assert re.search(r"pulse +missing", said)
    assert run(["score", "salt", "--input", "breathing=yes"]) == 1
    assert "no category" in capsys.readouterr().out


def test_a_category_shows_its_colour(capsys):
    """The word of the flow chart, and the colour of the tag."""
    assert run(["score", "start", "--input", "walks=no", "--input", "respiratory_rate=40"]) == 0
    assert "IMMEDIATE   (red)" in capsys.readouterr().out


def test_json_of_one(capsys):
    """The same object as on a line."""
    assert run(["score", "gcs", "--json", "--input", "eye=4", "--input", "verbal=NT", "--input", "motor=6"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["score"], found["missing"], found["inputs"]["verbal"]) == (None, ["verbal"], "NT")


def test_a_refused_patient(capsys):
    """Why, and what to use instead."""
    assert run(["score", "start", "--input", "age_years=3"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "JumpSTART" in said.err
    assert run(["score", "start", "--input", "age_years=3", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "age"


@pytest.mark.parametrize(
    "arguments", [[], ["--input", "eye"], ["--input", "eye=1", "--input", "eye=2"], ["--ndjson", "--input", "eye=1"]]
)
def test_wrong_usage(arguments, capsys):
    """Neither inputs nor lines, or both; an input without a value, or twice."""
    assert run(["score", "gcs", *arguments]) == 2
    assert "--input" in capsys.readouterr().err


@pytest.mark.parametrize("name", SCALES)
def test_the_example_in_the_help_works(name, capsys):
    """What help shows can be typed and gives a result."""
    assert run(["score", name, "--help"]) == 0
    said = capsys.readouterr().out
    example = re.search(rf"(?m)^ +fieldward (score {name} --input .+)$", said)
    assert example is not None
    assert all(field.name in said for field in SCALES[name].fields)
    assert run(shlex.split(example[1])) == 0


def test_the_list(capsys):
    """Every score with its inputs and rules, for people and for machines."""
    assert run(["score", "list"]) == 0
    said = capsys.readouterr().out
    assert all(one.title in said and one.source in said for one in SCALES.values())
    assert run(["score", "list", "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert list(listed) == list(SCALES)
    assert set(listed["start"]["inputs"]) == {field.name for field in SCALES["start"].fields}
    assert set(listed["salt"]["rules"]) == {f"salt.{word}" for word in SCALES["salt"].rules}
