"""`fieldward incident` as typed: what each command tells machines and tired people, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.cli.incident import incident
from edge_runtime.incidents.numbers import MARK_CHARACTERS
from tests.unit.edge_runtime.cli.world import World

FERRY = "Ferry, pier 4"


@pytest.fixture(name="pier")
def fixture_pier(world: World) -> World:
    """A kit with an incident, and a phone that knows of it; the relay is gone."""
    world.found()
    world.tablet = world.enrol("kit", "nurse")
    world.phone = world.enrol("phone", "emergency_responder")
    world.json("sync", "once", "--home", "kit")
    made = world.json("incident", "new", FERRY, "--home", "kit")
    assert made["team_is_new"]
    world.chart = made["incident"]
    world.json("team", "add", made["team"], world.phone, "--home", "kit")
    for home in ("kit", "phone"):
        world.json("sync", "once", "--home", home)
    return world


def act(pier: World, *arguments: str, home: str = "phone", code: int = 0) -> Any:
    """A command in the incident, and what it tells machines."""
    command, *rest = arguments
    return pier.json("incident", command, FERRY, *rest, "--home", home, code=code)


def said(pier: World, *arguments: str, home: str = "phone") -> str:
    """The same, for people."""
    command, *rest = arguments
    answer = pier.run("incident", command, FERRY, *rest, "--home", home)
    assert answer.code == 0, answer.err
    return answer.out


def refused(pier: World, *arguments: str, code: int = 1) -> str:
    """The code with which a command is refused."""
    command, *rest = arguments
    return pier.refused("incident", command, FERRY, *rest, "--home", "phone", code=code)


def add(pier: World, *arguments: str) -> str:
    """Register one casualty; its number."""
    (one,) = act(pier, "add", *arguments)["registered"]
    return str(one["number"])


def test_an_incident_is_opened_with_a_team_and_listed(pier: World):
    """With a new team unless one is named; the next step is said; an empty one says what to do."""
    assert pier.json("incident", "list", "--home", "phone") == {
        "incidents": [{"incident": pier.chart, "title": FERRY, "patients": 0, "numbers": 0}]
    }
    assert said(pier, "show").endswith("fieldward incident add INCIDENT --to red\n")
    team = pier.json("team", "create", "--name", "Night crew", "--home", "kit")["team"]
    told = pier.json("incident", "new", "Mine", "--team", "Night crew", "--home", "kit")
    assert (told["team"], told["team_is_new"]) == (team, False)
    words = pier.run("incident", "new", "Tunnel", "--home", "kit").out
    assert "You are its first member." in words
    assert "fieldward team add" in words
    assert "let everybody of the team sync" in pier.run("incident", "new", "T2", "--team", team, "--home", "kit").out
    assert pier.run("incident", "list", "--home", "kit").out.count("\n") == 4
    assert "No incident is here yet" in pier.run("incident", "list", "--home", "admin").out


def test_casualties_are_registered_by_colour_flow_chart_and_tag(pier: World):
    """One or many; the number to write is printed first, with letter and word beside the colour."""
    made = act(pier, "add", "--to", "red", "--count", "3")
    assert [one["category"] for one in made["registered"]] == ["immediate"] * 3
    assert [one["number"].partition("-")[0] for one in made["registered"]] == ["1", "2", "3"]
    words = said(pier, "add", "--start", "walks=no", "--start", "respiratory_rate=36", "--note", "blue jacket")
    assert words.startswith("4-")
    assert " R RED " in words
    assert "Write this number on the tag." in words
    assert "Registered by the tag." in said(pier, "add", "--tag", "A-0042")
    shown = act(pier, "show", "4")
    assert (shown["category"], shown["colour"], shown["note"]) == ("immediate", "red", "blue jacket")
    (head,) = shown["triage"]["heads"]
    assert head["fact"]["rule"] == "start.rate_over_30"
    assert act(pier, "show", "A-0042")["urgency"] == "unknown"
    child = ("--jumpstart", "walks=yes")
    assert add(pier, *child).startswith("5-")
    salt: tuple[str, ...] = ("breathing=yes", "obeys_commands=yes", "peripheral_pulse=yes", "respiratory_distress=no")
    salt += ("haemorrhage_controlled=yes", "minor_injuries_only=no")
    number = add(pier, *(part for one in salt for part in ("--salt", one)))
    assert act(pier, "show", number)["category"] == "delayed"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("add", "--to", "purple"), 2, "usage"),
        (("add", "--to", "red", "--start", "walks=yes"), 2, "usage"),
        (("add", "--start", "walks=no"), 1, "no_category"),
        (("add", "--start", "walks=no", "--start", "respiratory_rate=300"), 1, "confirm_findings"),
        (("add", "--start", "walks=no", "--start", "age_years=2"), 1, "age"),
        (("add", "--start", "walks"), 2, "usage"),
        (("add", "--reason", "why"), 2, "usage"),
        (("add", "--count", "0"), 2, "usage"),
        (("add", "--tag", "7", "--count", "2"), 2, "usage"),
        (("triage", "1"), 2, "usage"),
        (("triage", "--to", "red"), 2, "usage"),
        (("triage", "99", "--to", "red"), 1, "no_such_casualty"),
        (("triage", "1", "--to", "green"), 1, "would_lower"),
        (("identify", "1", "--name", "Ana Lima"), 2, "usage"),
        (("identify", "1", "--name", "A" * 256, "--by", "x"), 1, "invalid_fact"),
        (("link", "1", "1"), 1, "same_chart"),
        (("link", "1", "99"), 1, "no_such_casualty"),
        (("handover", "1"), 2, "usage"),
        (("handover", "1", "--team", "nobody"), 1, "no_such_team"),
        (("number", "1", "2"), 1, "number_taken"),
        (("show", "--overdue", "0"), 2, "usage"),
    ],
)
def test_wrong_use_is_refused_and_changes_nothing(pier: World, arguments: tuple[str, ...], exit_code: int, code: str):
    """With a code for machines, and what to do for people."""
    add(pier, "--tag", "1", "--to", "red")
    add(pier, "--tag", "2", "--to", "green")
    before = act(pier, "show")["casualties"]
    found = refused(pier, *arguments, code=exit_code)
    assert found in {code, "fact"}
    after = act(pier, "show")["casualties"]
    assert [row | {"minutes_since": 0} for row in after] == [row | {"minutes_since": 0} for row in before]


def test_a_confirmed_finding_counts(pier: World):
    """Shock and arrest are real."""
    number = add(pier, "--start", "walks=no", "--start", "respiratory_rate=120", "--confirm")
    assert act(pier, "show", number)["category"] == "immediate"


def test_triage_again_says_from_what_to_what(pier: World):
    """Several at once; less urgent only with --lower; what was said before is in the casualty's own list."""
    act(pier, "add", "--to", "yellow", "--count", "2")
    told = act(pier, "triage", "1", "2", "--to", "red")["casualties"]
    assert [(row["before"], row["urgency"]) for row in told] == [("delayed", "immediate")] * 2
    words = said(pier, "triage", "1", "--to", "green", "--lower", "--reason", "walks now")
    assert "R RED" in words.partition("->")[0]
    assert "G GREEN" in words.partition("->")[2]
    shown = said(pier, "show", "1")
    now, before = shown.index("now       green, clinical, walks now"), shown.index("before    red, clinical")
    assert now < before < shown.index("before    yellow, clinical")


def test_the_board_for_people(pier: World):
    """Numbers first, counts by letter and word, who must be looked at again; control characters shown as such."""
    add(pier, "--to", "red", "--note", "under the bow\x1b[2J")
    add(pier)
    add(pier, "--to", "black")
    words = said(pier, "show")
    lines = words.splitlines()
    assert lines[0].startswith("Ferry, pier 4   3 patients")
    assert [word in lines[1] for word in ("R RED", "? NONE", "B BLACK", "G GREEN")] == [True, True, True, False]
    assert [line.partition(" ")[0].partition("-")[0] for line in lines[3:6]] == ["1", "2", "3"]
    assert "<U+001B>[2J" in lines[3]
    assert "Look again, not seen for over 30 min (1): 2-" in words
    assert "\x1b" not in words
    answer = act(pier, "show", "--overdue", "5")
    assert answer["overdue"]["minutes"] == 5
    assert answer["counts"] == {
        "immediate": 1, "unknown": 1, "delayed": 0, "minor": 0, "expectant": 0, "deceased": 1
    }  # fmt: skip
    assert (answer["patients"], answer["numbers"], answer["not_here"]) == (3, 3, 0)


def test_linked_numbers_are_one_patient_until_unlinked(pier: World):
    """Both lines say the other's number, and the less urgent one why it is red."""
    add(pier, "--to", "red")
    add(pier, "--to", "green")
    words = said(pier, "link", "1", "2", "--reason", "same tattoo")
    assert "are the same patient." in words
    assert "because of 1-" in words
    board = said(pier, "show")
    assert "1 patient under 2 numbers" in board
    assert board.count("= ") == 2
    told = act(pier, "unlink", "1", "2", "--reason", "two brothers")
    assert told["same_patient"] is False
    assert act(pier, "show")["patients"] == 2
    assert act(pier, "show", "2")["category"] == "minor"


def test_a_casualty_is_identified_and_a_known_chart_linked(pier: World):
    """Who says so stands beside the name; a name before is said; OTHER may be a patient's own chart."""
    add(pier, "--to", "red")
    words = said(pier, "identify", "1", "--name", "Ana Lima", "--by", "a passport", "--sex", "female")
    assert "is Ana Lima, by a passport." in words
    assert "before: Ana Lima" in said(pier, "identify", "1", "--name", "Ana Lima Costa", "--by", "her brother")
    shown = said(pier, "show", "1")
    assert "is        Ana Lima Costa, by her brother" in shown
    known = pier.json("chart", "create", "--name", "Ana Lima Costa", "--home", "phone")["chart"]
    assert "are the same patient" in said(pier, "link", "1", known)
    assert f"= chart {known[:8]}" in said(pier, "show", "1")


def test_one_tag_on_two_phones_is_asked_about_and_mended(pier: World):
    """Both are listed; the number is refused as ambiguous; one gets another."""
    add(pier, "--tag", "A-7", "--to", "red")
    pier.json("incident", "add", FERRY, "--tag", "a-7", "--to", "green", "--home", "kit")
    for home in ("kit", "phone", "kit"):
        pier.json("sync", "once", "--home", home)
    rows = act(pier, "show", home="kit")["casualties"]
    assert [[review["kind"] for review in row["reviews"]] for row in rows] == [["duplicate_casualty"]] * 2
    words = said(pier, "show", home="kit")
    assert words.lower().count(f"a-7 (chart {rows[0]['chart'][:8]})") == 1
    assert words.count(f"chart {rows[0]['chart'][:8]}") == 2
    assert pier.refused("incident", "show", FERRY, "A-7", "--home", "kit") == "ambiguous_casualty"
    assert "2 charts" in said(pier, "show", rows[1]["chart"][:8], home="kit")
    words = said(pier, "number", rows[1]["chart"][:8], "A-8", home="kit")
    assert "has number A-8 now" in words
    assert not any(row["reviews"] for row in act(pier, "show", home="kit")["casualties"])


def test_a_casualty_is_handed_over(pier: World):
    """To a team or a device, with a place; a linked number that stays behind is named."""
    add(pier, "--to", "red")
    add(pier, "--to", "red")
    act(pier, "link", "1", "2")
    words = said(pier, "handover", "1", "--device", pier.tablet, "--place", "City hospital")
    assert "is handed over" in words
    assert "NOT handed over: 2-" in words
    assert "at City hospital" in said(pier, "show")
    team = pier.json("team", "create", "--name", "Trauma", "--home", "phone")["team"]
    told = act(pier, "handover", "2", "--team", "Trauma")
    assert (told["team"], told["device"]) == (team, None)


def test_what_has_not_arrived_is_named(pier: World):
    """A chart that is no incident, or none at all, is refused with what to do."""
    chart = pier.json("chart", "create", "--home", "phone")["chart"]
    assert pier.refused("incident", "show", chart, "--home", "phone") == "no_incident"
    assert pier.refused("incident", "show", "ffff", "--home", "phone") == "no_such_chart"


def test_the_document_names_what_there_is():
    """Every command and option of docs/incidents.md, and every command of the program; how rare one mark twice is."""
    text = (Path(__file__).resolve().parents[4] / "docs" / "incidents.md").read_text(encoding="utf-8")
    typed = re.findall(r"^fieldward incident (\w+)(.*)$", text, re.MULTILINE)
    assert {name for name, _ in typed} | {"list", "unlink"} == set(incident.commands)
    for name, rest in typed:
        known = {option for one in incident.commands[name].params for option in one.opts}
        assert set(re.findall(r"(?<= )--[a-z-]+", rest.partition(" # ")[0])) <= known
    assert f"once in\n  {len(MARK_CHARACTERS) ** 2} pairs" in text
