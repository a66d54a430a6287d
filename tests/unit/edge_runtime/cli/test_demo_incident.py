"""The demo's story `incident`: what counts as a silent downgrade, and that a claim needs something that was seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_runtime.cli.demo.ferry import KIT, PHONES, Ferry
from edge_runtime.cli.demo.ferry_summary import print_summary
from edge_runtime.cli.demo.ferry_verdict import Claim, Verdict, judge, silently_lowered
from edge_runtime.cli.main import run


def row(
    own: str | None, *, shown: str | None = None, heads: tuple[str, ...] = (), history: tuple[str, ...] = ()
) -> Any:
    """A line of a board, as far as it counts here."""
    triage = {name: [{"id": one} for one in ids] for name, ids in (("heads", heads), ("history", history))}
    return {"own": own, "category": shown or own, "triage": triage}


@pytest.mark.parametrize(
    ("before", "after", "silent"),
    [
        (row("immediate", heads=("a",)), row("delayed", heads=("b",), history=("a",)), False),
        (row("immediate", heads=("a",)), row("delayed", heads=("b",)), True),
        (row("immediate", heads=("a", "c")), row("minor", heads=("b",), history=("a",)), True),
        (row("delayed", heads=("a",)), row("immediate", heads=("a", "b")), False),
        (row("minor", heads=("a",)), row("minor", shown="immediate", heads=("a",)), False),
        (row("minor", heads=("a",)), row("deceased", heads=("b",)), True),
        (row("minor", heads=("a",)), row(None), True),
        (row(None), row(None), False),
    ],
)
def test_a_downgrade_is_silent_unless_all_that_stood_was_replaced(before: Any, after: Any, silent: bool):
    """By whoever saw it: then it stands in the history."""
    assert silently_lowered({"x": before}, {"x": after}) == ["x"] * silent


def test_who_disappeared_was_silently_downgraded():
    """Even from the least urgent."""
    assert silently_lowered({"x": row("deceased", heads=("a",))}, {}) == ["x"]


def test_a_story_in_which_nothing_happened_holds_no_claim(tmp_path: Path):
    """Whatever is claimed was seen."""
    verdict = judge(Ferry(tmp_path, tell=lambda _: None))
    assert not verdict.ok
    assert [claim.name for claim in verdict.claims if claim.held] == []
    assert not Verdict((), {}).ok


def test_the_last_screen_marks_what_did_not_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And the title says so."""
    stage = Ferry(tmp_path, tell=lambda _: None)
    seen = {"colour": "red", "numbers": ["3-K4"], "disputed": True, "names": ["Ana"], "linked_numbers": ["7-AC"]}
    stage.seen.last[KIT] = {str(at): row("immediate") | seen for at in range(20)}
    claims = (Claim("one", "first", held=True), Claim("two", "second", held=False))
    print_summary(Verdict(claims, {"total": 3.0}), stage, tmp_path)
    words = capsys.readouterr().out
    assert "NOT every claim held, in 3 seconds" in words
    assert "✓  first" in words
    assert "✗  second" in words
    assert "R RED" in words
    assert "and 4 more" in words
    print_summary(Verdict(claims[:1], {"total": 3.0}), stage, None)
    assert "Every claim held" in capsys.readouterr().out


def test_every_phone_has_a_home_of_its_own(tmp_path: Path):
    """And none that a shell would split."""
    stage = Ferry(tmp_path, tell=lambda _: None)
    homes = {stage.devices[name].home.name for name in PHONES}
    assert len(homes) == len(PHONES)
    assert not any(" " in name for name in homes)


@pytest.mark.parametrize("wrong", [("--database-url", "postgresql://x"), ("--data", __file__)])
def test_the_incident_brings_its_own_casualties(wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]):
    """What belongs to the other story is a usage error."""
    assert run(["demo", "--story", "incident", *wrong]) == 2
    assert "belong to the story 'day'" in capsys.readouterr().err
