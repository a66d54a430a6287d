"""`fieldward review`: what waits, across all charts; one whole; decided by who may, in sight of what there is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.edge_runtime.cli.world import World

HOMES = ("tablet", "phone")


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> World:
    """A tablet of a physician, a phone of a nurse, a field kit of a responder, and an officer's desk."""
    world.found()
    world.phone = world.enrol("phone", "nurse")
    world.enrol("tablet", "physician")
    _sync(world, *HOMES)
    return world


def _sync(ward: World, *homes: str) -> None:
    for home in homes:
        ward.json("sync", "once", "--home", home)


def _state(ward: World, home: str, chart: str, **payload: Any) -> None:
    ward.json("chart", "edit", chart, "--document", "chart", "--fact", json.dumps(payload), "--home", home)


def _drug(dose: str, action: str = "change") -> dict[str, str]:
    return {"kind": "medication", "text": "Warfarin", "action": action, "dose": dose, "unit": "mg"}


def _conflict(ward: World, name: str = "Ana Lima") -> str:
    """A chart with two doses of one drug, on tablet and phone."""
    chart = str(ward.json("chart", "create", "--home", "tablet", "--name", name)["chart"])
    ward.json("chart", "share", chart, "--device", ward.phone, "--home", "tablet")
    _state(ward, "tablet", chart, **_drug("5", "start"))
    _sync(ward, *HOMES)
    _state(ward, "tablet", chart, **_drug("6"))
    _state(ward, "phone", chart, **_drug("7"))
    _sync(ward, *HOMES, *HOMES)
    return chart


def test_what_waits_in_all_charts_is_listed(ward: World):
    """Patient, both statements with role, time and what they replaced; the same reviews, by id, on every device."""
    assert "Nothing waits" in ward.run("review", "list", "--home", "tablet").out
    first, second = _conflict(ward), _conflict(ward, "Bo Chen")
    told = ward.json("review", "list", "--home", "tablet")
    assert {row["chart"] for row in told["reviews"]} == {first, second}
    assert {row["patient"] for row in told["reviews"]} == {"Ana Lima", "Bo Chen"}
    assert {"id", "kind", "open", "values", "decided", "document", "document_type", "next"} < set(told["reviews"][0])
    assert told["closed"] == []
    other = ward.json("review", "list", "--home", "phone")
    assert [row["id"] for row in other["reviews"]] == [row["id"] for row in told["reviews"]]
    said = ward.run("review", "list", "--home", "tablet").out
    for words in ("Ana Lima", "Bo Chen", "TO DECIDE", "Warfarin 6 mg", "Warfarin 7 mg", "physician", "nurse"):
        assert words in said
    assert "in place of: medication: Warfarin 5 mg" in said
    assert len(ward.json("review", "list", first, "--home", "tablet")["reviews"]) == 1


def test_one_is_decided_and_the_kept_line_stands(ward: World):
    """By the beginning of its id; afterwards both devices show one line, and `--all` the decision."""
    chart = _conflict(ward)
    (row,) = ward.json("review", "list", "--home", "phone")["reviews"]
    keep = next(value["fact"] for value in row["values"] if " 7 " in value["display"])
    told = ward.json(
        "review", "decide", chart[:8], row["id"][:8], "--keep", keep[:12], "--decision", "7 mg",
        "--reason", "asked the ward", "--home", "phone",
    )  # fmt: skip
    assert told["kept"].split(":")[0] == told["decision"].split(":")[0]
    _sync(ward, *HOMES, *HOMES)
    for home in HOMES:
        shown = ward.json("chart", "show", chart, "--home", home)
        (drug,) = shown["medications"]
        assert [line["dose"] for line in drug["lines"]] == ["7"]
        assert ward.json("review", "list", "--home", home)["reviews"] == []


def test_a_decision_is_shown_with_its_reason_and_replaced_on_purpose(ward: World):
    """The review stays, decided; `--again` replaces the decision."""
    chart = _conflict(ward)
    (row,) = ward.json("review", "list", chart, "--home", "phone")["reviews"]
    decide = ("review", "decide", chart, row["id"][:8], "--decision", "both <b>are</b> taken")
    told = ward.run(*decide, "--reason", "asked\x1b[31m", "--home", "phone")
    assert (told.code, "signed in your name" in told.out) == (0, True)
    _sync(ward, *HOMES, *HOMES)
    (closed,) = ward.json("review", "list", chart, "--all", "--home", "tablet")["reviews"]
    assert (closed["open"], [one["reason"] for one in closed["decided"]]) == (False, ["asked\x1b[31m"])
    said = ward.run("review", "show", chart, row["id"][:8], "--home", "tablet").out
    assert "decided" in said
    assert "both <b>are</b> taken; asked<U+001B>[31m" in said
    assert "Decide:" not in said
    again = (*decide, "--reason", "asked again", "--home", "tablet")
    assert ward.refused(*again) == "review_decided"
    assert ward.json(*again, "--again")["kept"] is None


def test_new_evidence_since_it_was_shown_is_refused(ward: World):
    """What came with a sync between list and decision is looked at first."""
    chart = _conflict(ward)
    (row,) = ward.json("review", "list", "--home", "tablet")["reviews"]
    decide = ("review", "decide", chart, row["id"][:8], "--decision", "6 mg", "--reason", "INR", "--home")
    assert ward.refused(*decide, "phone") == "review_not_shown"
    ward.json("review", "show", chart, row["id"][:8], "--home", "phone")
    ward.json(*decide, "phone")
    _sync(ward, "phone", "tablet")
    assert ward.refused(*decide, "tablet") == "review_not_shown"


def test_what_a_list_cuts_was_not_shown(ward: World, monkeypatch: pytest.MonkeyPatch):
    """Nobody decides from a list that leaves statements out: they look at the review itself first."""
    chart = _conflict(ward)
    monkeypatch.setattr("edge_runtime.cli.review_text.VALUES_MAX", 1)
    assert "and 1 more" in ward.run("review", "list", chart, "--home", "tablet").out
    review = ward.json("review", "list", chart, "--home", "phone")["reviews"][0]["id"][:8]
    decide = ("review", "decide", chart, review, "--decision", "6 mg", "--reason", "INR", "--home", "tablet")
    assert ward.refused(*decide) == "review_not_shown"
    ward.run("review", "show", chart, review, "--home", "tablet")
    assert ward.json(*decide)["decision"]


def test_who_may_not_is_told_so(ward: World):
    """A role that decides nothing; one that reads nothing; a chart that is not here; a review that is not there."""
    ward.enrol("officer", "compliance_officer")
    kit = ward.enrol("kit", "emergency_responder")
    _sync(ward, "tablet")
    chart = _conflict(ward)
    ward.json("chart", "share", chart, "--device", kit, "--home", "tablet")
    _sync(ward, "tablet", "kit", "officer")
    (row,) = ward.json("review", "list", "--home", "kit")["reviews"]
    words = ("--decision", "6 mg", "--reason", "INR", "--home")
    assert ward.refused("review", "decide", chart, row["id"][:8], *words, "kit") == "role_may_not_state"
    assert ward.refused("review", "list", chart, "--home", "officer") == "not_a_reader"
    assert ward.refused("review", "show", chart, row["id"][:8], "--home", "officer") == "not_a_reader"
    told = ward.json("review", "list", "--home", "officer")
    assert (told["reviews"], told["closed"]) == ([], [chart])
    assert "may not read" in ward.run("review", "list", "--home", "officer").out
    assert ward.refused("review", "list", "ffffffff", "--home", "kit") == "no_such_chart"
    other = "00000000" if row["id"].startswith("f") else "ffffffff"
    assert ward.refused("review", "show", chart, other, "--home", "kit") == "no_such_review"
    _sync(ward, "kit", "officer")
    events = ward.json("audit", "timeline", "--chart", chart, "--home", "officer")["events"]
    kinds = [event["kind"] for event in events]
    assert kinds.count("access_refused") >= 1
    assert "data_accessed" in kinds


def test_a_text_that_two_turned_around_is_shown_line_by_line(ward: World, tmp_path: Any):
    """What the line was, what each made of it, what they read together; who typed what; and that it is to be edited."""
    chart = str(ward.json("chart", "create", "--home", "tablet", "--name", "Ana Lima")["chart"])
    ward.json("chart", "share", chart, "--device", ward.phone, "--home", "tablet")
    file = tmp_path / "plan.txt"

    def write(home: str, text: str) -> None:
        file.write_text(text, encoding="utf-8")
        place = ("--document", "encounter", "--section", "plan", "--text-file", str(file))
        ward.json("chart", "edit", chart, *place, "--home", home)

    write("tablet", "No heparin 😀")
    _sync(ward, *HOMES)
    write("tablet", "Heparin 😀")
    write("phone", "No more heparin 😀")
    _sync(ward, *HOMES, *HOMES)
    (row,) = ward.json("review", "list", "--home", "phone")["reviews"]
    assert (row["kind"], "edit the section" in row["next"]) == ("text", True)
    said = ward.run("review", "show", chart, row["id"][:8], "--home", "phone").out
    assert "Changed by several at once, before: No heparin 😀" in said
    assert "made it: No more heparin 😀" in said
    assert "Edit the section" in said
    shown = ward.json("chart", "show", chart, "--authors", "--home", "phone")
    (section,) = [one["sections"]["plan"] for one in shown["documents"] if one["sections"]]
    assert section["contested_lines"][0]["before"] == "No heparin 😀"
    assert section["authorship"][0]["start"] == 0
    assert section["authorship"][-1]["end"] == len(section["text"])
    assert {one["author"]["role"] for one in section["authorship"]} == {"physician", "nurse"}
    lines = ward.run("chart", "show", chart, "--authors", "--home", "phone").out
    assert "[1] physician" in lines
    assert "[2]" in lines
    keep = ("--keep", "Heparin", "--decision", "none", "--reason", "bleeding")
    assert ward.refused("review", "decide", chart, row["id"][:8], *keep, "--home", "phone") == "nothing_to_keep"
    told = ward.run("review", "decide", chart, row["id"][:8], *keep[2:], "--home", "phone").out
    assert "Still to do: edit the section" in told
    write("phone", "No heparin")
    assert ward.json("review", "list", "--home", "phone", "--all")["reviews"] == []
