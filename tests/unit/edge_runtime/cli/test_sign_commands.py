"""`fieldward workflow sign` and `addend`, as typed: what is shown is what is signed, and what stands stays."""

from __future__ import annotations

from typing import Any

import click
import pytest

from tests.unit.edge_runtime.cli.test_team_commands import sync
from tests.unit.edge_runtime.cli.test_workflow_commands import do, fixture_ward, shown, write
from tests.unit.edge_runtime.cli.world import World

__all__ = ["fixture_ward"]


@pytest.fixture(name="signed")
def fixture_signed(ward: World) -> World:
    """An encounter in which something was written."""
    do(ward, "new", "encounter")
    write(ward, "encounter", "plan", "Paracetamol 500 mg")
    return ward


def sign(ward: World, *words: str, home: str = "tablet") -> str:
    """Sign the encounter; the signature."""
    return str(do(ward, "sign", "--document", "encounter", *words, home=home)["signature"])


def refused(ward: World, *words: str, home: str = "tablet", code: int = 1) -> str:
    """A signature that is refused; why."""
    return ward.refused(
        "workflow", words[0], ward.chart, "--document", "encounter", *words[1:], "--home", home, code=code
    )


def preview(ward: World, *words: str) -> dict[str, Any]:
    """What would be signed."""
    return dict(do(ward, "sign", "--document", "encounter", "--show", *words))


def test_what_was_read_is_signed_or_nothing(signed: World):
    """The digest that --show printed: the same text is signed, a changed one is not, other words are no digest."""
    before = preview(signed)
    assert "Paracetamol 500 mg" in before["text"]
    assert (len(before["sha256"]), before["open_reviews"]) == (64, 0)
    assert shown(signed, "encounter")["signatures"] == []
    write(signed, "encounter", "plan", "Paracetamol 1000 mg")
    assert refused(signed, "sign", "--read", before["sha256"]) == "cannot_sign"
    assert refused(signed, "sign", "--read", "abc") == "sha256"
    now = preview(signed)
    name = sign(signed, "--read", now["sha256"])
    (one,) = shown(signed, "encounter")["signatures"]
    assert (one["signature"], one["act"], one["sound"], one["sha256"]) == (name, "author", True, now["sha256"])
    assert (one["scope"], one["role"], one["of"]) == ([], "physician", None)


def test_nobody_signs_without_reading_unless_they_say_so(signed: World):
    """Where nobody can be asked, --read or --yes is needed."""
    assert refused(signed, "sign") == "not_confirmed"
    answer = signed.run("workflow", "sign", signed.chart, "--document", "encounter", "--home", "tablet")
    assert (answer.code, "not_confirmed" in answer.err) == (1, True)
    said = signed.run("workflow", "sign", signed.chart, "--document", "encounter", "--yes", "--home", "tablet").out
    assert said.startswith("Signed in document ")
    assert "fieldward note export" in said


@pytest.mark.parametrize("yes", [True, False])
def test_a_person_is_shown_the_text_and_asked(signed: World, monkeypatch: pytest.MonkeyPatch, yes: bool):
    """A yes signs what was shown; a no signs nothing."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked: list[str] = []

    def confirm(words: str) -> bool:
        asked.append(words)
        return yes

    monkeypatch.setattr(click, "confirm", confirm)
    answer = signed.run("workflow", "sign", signed.chart, "--document", "encounter", "--home", "tablet")
    assert asked == ["Sign this text?"]
    assert "Paracetamol 500 mg" in answer.out
    assert "SHA-256 " in answer.out
    assert answer.code == (0 if yes else 1)
    assert len(shown(signed, "encounter")["signatures"]) == yes


def test_one_section_may_be_signed_alone(signed: World):
    """The scope stands in the signature; a section in which nobody wrote cannot be signed."""
    sign(signed, "--section", "plan", "--yes")
    report = shown(signed, "encounter")
    assert (report["signatures"][0]["scope"], report["signed"]) == (["plan"], "part")
    assert refused(signed, "sign", "--section", "history", "--yes") == "section"
    assert refused(signed, "sign", "--section", "mood", "--yes", code=2) == "usage"


def test_a_colleague_signs_beside_and_the_author_cannot(signed: World):
    """Under the very same text; the signature is named by its beginning."""
    name = sign(signed, "--yes")
    assert refused(signed, "sign", "--beside", name[:10]) == "cannot_sign"
    sync(signed, "tablet", "phone")
    sign(signed, "--beside", name[:10], "--yes", home="phone")
    one, other = shown(signed, "encounter", home="phone")["signatures"]
    assert (other["act"], other["of"], other["sha256"]) == ("cosignature", name, one["sha256"])
    assert refused(signed, "sign", "--beside", "zz", home="phone") == "no_such_signature"


def test_nobody_signs_beside_a_text_that_they_were_not_shown(signed: World):
    """--show signs nothing and shows the colleague's text, not what was written since; --read signs that or nothing."""
    name = sign(signed, "--yes")
    write(signed, "encounter", "plan", "Paracetamol 1000 mg")
    sync(signed, "tablet", "phone")
    beside = ("sign", "--document", "encounter", "--beside", name[:10])
    before = do(signed, *beside, "--show", home="phone")
    assert len(shown(signed, "encounter", home="phone")["signatures"]) == 1
    assert "Paracetamol 500 mg" in before["text"]
    assert "1000 mg" not in before["text"]
    assert refused(signed, "sign", "--beside", name[:10], home="phone") == "not_confirmed"
    assert refused(signed, "sign", "--beside", name[:10], "--read", "0" * 64, home="phone") == "cannot_sign"
    do(signed, *beside, "--read", before["sha256"], home="phone")
    assert [one["act"] for one in shown(signed, "encounter", home="phone")["signatures"]] == ["author", "cosignature"]


def test_what_was_signed_is_amended_with_a_reason_and_stays(signed: World):
    """Only a text that differs; both stand, the new one in place of the old."""
    name = sign(signed, "--yes")
    amend = ("sign", "--amend", name[:10], "--yes", "--reason")
    assert refused(signed, *amend, "wrong dose") == "cannot_sign"
    write(signed, "encounter", "plan", "Paracetamol 250 mg")
    assert (shown(signed, "encounter")["signed"], shown(signed, "encounter")["written_since"]) == ("changed", 1)
    said = signed.run("workflow", "show", signed.chart, "--home", "tablet").out
    assert "Signatures: signed, and something was written since" in said
    assert "1 change is under no signature." in said
    assert refused(signed, *amend, " ") == "reason"
    sign(signed, *amend[1:], "wrong dose")
    report = shown(signed, "encounter")
    assert [one["act"] for one in report["signatures"]] == ["author", "amendment"]
    assert report["signed"] == "yes"


def test_an_addendum_belongs_under_the_newest_text_or_the_one_named(signed: World):
    """Given as words or as a file."""
    assert refused(signed, "addend", "--text", "Too early") == "no_such_signature"
    name = sign(signed, "--yes")
    (signed.folder / "late.txt").write_text("Laboratory called: potassium 6.8\n")
    for words in (("--text", "Slept well", "--reason", "night shift"), ("--text-file", "late.txt", "--to", name[:8])):
        do(signed, "addend", "--document", "encounter", *words)
    found = shown(signed, "encounter")["signatures"]
    assert [(one["act"], one["of"]) for one in found] == [("author", None), ("addendum", name), ("addendum", name)]
    assert refused(signed, "addend", "--text", " ") == "text_to_sign"
    assert refused(signed, "addend", "--text-file", "nowhere.txt") == "text_file"
    (signed.folder / "late.txt").write_bytes(b"\xff")
    assert refused(signed, "addend", "--text-file", "late.txt") == "text_file"


@pytest.mark.parametrize(
    "words",
    [
        ("sign", "--beside", "a", "--amend", "b", "--reason", "c"),
        ("sign", "--beside", "a", "--section", "plan"),
        ("sign", "--beside", "a", "--reason", "c"),
        ("sign", "--amend", "a"),
        ("sign", "--reason", "c"),
        ("sign", "--amend", "a", "--reason", "c", "--section", "plan"),
        ("addend",),
        ("addend", "--text", "a", "--text-file", "b"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(world: World, words: tuple[str, ...]):
    """Before anything is opened or signed."""
    world.found()
    world.enrol("tablet", "physician")
    world.chart = world.json("chart", "create", "--home", "tablet")["chart"]
    assert refused(world, *words, code=2) == "usage"


def test_a_role_that_signs_nothing_signs_nothing(signed: World):
    """An administrator of the clinic writes no signature."""
    desk = signed.enrol("desk", "clinical_admin")
    sync(signed, "admin", "tablet")
    signed.json("chart", "share", signed.chart, "--device", desk, "--home", "tablet")
    sync(signed, "tablet", "desk")
    assert refused(signed, "sign", "--yes", home="desk") == "role_may_not_state"
