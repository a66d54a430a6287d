"""Scoring a check, and the command line of the evaluation: a judge that can fail, and refusals in words."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

import pytest

from benchmarks.ai.__main__ import main
from benchmarks.ai.check import Outcome, lines
from benchmarks.ai.check import to_json as check_json
from benchmarks.ai.encounters import Encounter
from benchmarks.ai.fabrications import Pair
from benchmarks.ai.planting import Plant
from benchmarks.ai.scoring import Score, score, score_references


@dataclass(frozen=True)
class Found:
    """A finding, as a check would give it."""

    kind: str
    start: int
    end: int


def check(findings):
    """A check that finds the same in every draft: it stands where the product's stands."""
    return lambda *_: findings


PAIR = Pair(
    name="one",
    source="Cough. Pulse 88. Well.",
    draft="Cough. Pulse 98. Well.",
    plants=(Plant("number", "changed", 13, 15),),
)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], (0, 0, 0)),
        ([Found("number", 7, 15)], (1, 1, 0)),
        ([Found("dose", 14, 15)], (1, 0, 0)),
        ([Found("number", 15, 16)], (0, 0, 0)),
        ([Found("number", 13, 15), Found("negation", 0, 5), Found("drug", 0, 3)], (1, 1, 1)),
    ],
)
def test_a_plant_is_found_where_a_finding_overlaps_it(findings, expected):
    """Found, found of the right kind, and true statements marked: each statement counts once."""
    total = score([PAIR], check(findings))
    assert (total.found.total(), total.right.total(), total.marked) == expected
    assert (total.planted.total(), total.true) == (1, 2)


def test_the_acceptance_line_needs_both():
    """Much found is not enough where much that is true is marked, nor the other way round; nothing is no success."""
    key = ("number", "changed")
    assert Score(planted=Counter({key: 100}), found=Counter({key: 95}), true=100, marked=5).accepted
    assert not Score(planted=Counter({key: 100}), found=Counter({key: 94}), true=100, marked=0).accepted
    assert not Score(planted=Counter({key: 100}), found=Counter({key: 99}), true=100, marked=6).accepted
    assert not Score().accepted


def test_reference_notes_are_scored_as_they_are():
    """Every statement of a reference note counts as true; a row's words and JSON say what was found."""
    encounter = Encounter(name="one", source="x", note={"plan": "Rest. Codeine."})
    references = score_references([encounter], check([Found("drug", 6, 13)]))
    assert (references.true, references.marked) == (2, 1)
    outcome = Outcome(
        corpus="public",
        against="dialogue",
        score=score([PAIR], check([])),
        references=references,
    )
    assert "reference notes as they are: 1 of 2 (50.0%) marked (drug 1)" in lines(outcome)
    row = check_json(outcome)
    assert "accepted" not in row, "against a dialogue there is no acceptance line"
    assert row["references"] == {"statements": 2, "marked": 1, "marked_share": 0.5, "marks": {"drug": 1}}


# -------------------------------------------------------------------------------------------------------- command line


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--plants", "0"], ["check", "--data", "no-such-folder"], ["run", "--skill", "protocol"],
        ["run", "--report", "page.pdf"], ["run", "--limit", "x"], [],
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_in_words(arguments, capsys):
    """A wrong option says what was expected."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m benchmarks.ai" in capsys.readouterr().err


def test_a_folder_without_the_sets_is_refused_in_one_line(tmp_path, capsys):
    """A folder that holds neither set is refused before anything is drafted."""
    assert main(["run", "--model", "none", "--data", str(tmp_path)]) == 1
    assert "has neither" in capsys.readouterr().err


def test_the_check_is_measured_from_the_command_line(capsys):
    """`check --json` is one JSON list, a row for each set and kind of source; the exit code is the acceptance line."""
    code = main(["check", "--plants", "10", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert [(row["corpus"], row["against"]) for row in rows] == [("repository", "note"), ("repository", "dialogue")]
    assert all(sum(row["planted"].values()) == 10 for row in rows)
    assert code == (0 if rows[0]["accepted"] else 1)
