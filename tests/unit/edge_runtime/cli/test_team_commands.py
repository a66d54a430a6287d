"""`fieldward team` as typed: what each command tells machines and people, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.edge_runtime.cli.world import World


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> World:
    """An organisation with a physician's tablet and a nurse's phone, which know each other."""
    world.found()
    world.tablet = world.enrol("tablet", "physician")
    world.phone = world.enrol("phone", "nurse")
    sync(world, "admin", "tablet", "phone")
    return world


def sync(world: World, *homes: str) -> None:
    """Sync homes, one after the other."""
    for home in homes:
        assert world.json("sync", "once", "--home", home)["ok"]


def make(ward: World, name: str = "Ward 3") -> str:
    """A team that the tablet makes; its id."""
    return str(ward.json("team", "create", "--name", name, "--home", "tablet")["team"])


def listed(ward: World, home: str) -> list[dict[str, Any]]:
    """The teams as a home lists them."""
    found: list[dict[str, Any]] = ward.json("team", "list", "--home", home)["teams"]
    return found


def test_a_team_is_made_and_named_here_alone(ward: World):
    """Its id and name for machines; for people its first member and the next step; others list it without a name."""
    assert (
        ward.run("team", "list", "--home", "tablet").out
        == "No teams yet. Make one: fieldward team create --name NAME\n"
    )
    assert listed(ward, "tablet") == []
    made = ward.json("team", "create", "--name", "Ward 3", "--home", "tablet")
    assert made == {"team": made["team"], "name": "Ward 3"}
    said = ward.run("team", "create", "--home", "tablet").out
    assert "You are its first member." in said
    assert "fieldward team add" in said
    assert "called Nights on this device" in ward.run("team", "create", "--name", "Nights", "--home", "tablet").out
    sync(ward, "tablet", "phone")
    (row,) = [one for one in listed(ward, "phone") if one["team"] == made["team"]]
    assert (row["name"], row["belongs"], row["charts"]) == ("", False, [])
    assert row["compartments"] == ["safety", "clinical", "audit"]
    assert len(row["members"]) == 1


def test_a_member_is_let_in_and_out(ward: World):
    """By the team's name here; told with and without the past; both sides list it."""
    team = make(ward)
    told = ward.json("team", "add", "Ward 3", ward.phone[:8], "--home", "tablet")
    assert told == {"team": team, "principal": told["principal"], "from_now_on": False}
    sync(ward, "tablet", "phone")
    (row,) = listed(ward, "phone")
    assert row["belongs"]
    assert told["principal"] in row["members"]
    said = ward.run("team", "remove", "Ward 3", ward.phone[:8], "--home", "tablet").out
    assert f"Device {ward.phone[:8]} belongs to team Ward 3 ({team[:8]}) no more." in said
    assert "new keys" in said
    said = ward.run("team", "add", team[:8], ward.phone, "--from-now-on", "--home", "tablet").out
    assert f"Device {ward.phone[:8]} belongs to team Ward 3 ({team[:8]}) now, from now on." in said
    told = ward.json("team", "remove", team, ward.phone, "--home", "tablet")
    assert set(told) == {"team", "principal"}


def test_a_list_and_one_team_for_people(ward: World):
    """Own teams first; who belongs, with device, user and role; what is shared; control characters are not printed."""
    team = make(ward)
    ward.json("team", "add", team, ward.phone, "--home", "tablet")
    chart = ward.json("chart", "create", "--home", "tablet")["chart"]
    ward.json("chart", "share", chart, "--team", "Ward 3", "--home", "tablet")
    head, row = ward.run("team", "list", "--home", "tablet").out.splitlines()
    assert head.split() == ["TEAM", "NAME", "MEMBERS", "CHARTS", "READS"]
    assert row.split() == [team[:8], "Ward", "3", "2", "1", "safety,", "clinical"]
    said = ward.run("team", "show", "Ward 3", "--home", "tablet").out
    assert team in said
    assert f"1 chart here is shared with it, {chart[:8]}" in said
    assert ward.phone[:8] in said
    assert "physician  (you)" in said
    told = ward.json("team", "show", team, "--home", "tablet")
    assert [one["this_device"] for one in told["members"]].count(True) == 1
    assert {tuple(one["roles"]) for one in told["members"]} == {("physician",), ("nurse",)}
    assert told["charts"] == [chart]
    sync(ward, "tablet", "admin")
    said = ward.run("team", "show", team, "--home", "admin").out
    assert "you are no member" in said
    assert "0 charts here are shared with it\n" in said
    assert "(not yours)" in ward.run("team", "list", "--home", "admin").out
    ward.json("team", "name", team, "Ward\x1b[2J", "--home", "tablet")
    for words in (("team", "list"), ("team", "show", team), ("team", "name", team, "x\x1b[2J")):
        assert "\x1b" not in ward.run(*words, "--home", "tablet").out


def test_a_name_is_changed_and_taken_away(ward: World):
    """On this device; a long one is refused."""
    team = make(ward)
    assert ward.json("team", "name", team, "Nights", "--home", "tablet") == {"team": team, "name": "Nights"}
    assert ward.json("team", "show", "Nights", "--home", "tablet")["team"] == team
    assert "is called 'Days' here" in ward.run("team", "name", team, "Days", "--home", "tablet").out
    assert "has no name here" in ward.run("team", "name", team, "--home", "tablet").out
    assert f"Team {team}\n" in ward.run("team", "show", team, "--home", "tablet").out
    assert ward.refused("team", "name", team, "x" * 65, "--home", "tablet") == "team_name"


def test_what_is_refused(ward: World):
    """Roles that read less, strangers, unknown teams and devices, names that two teams have; wrong use ends with 2."""
    team = make(ward)
    assert ward.refused("team", "create", "--home", "admin") == "role_reads_less"
    assert ward.refused("team", "create", "--sensitive", "--home", "phone") == "role_reads_less"
    kept = ward.json("team", "create", "--sensitive", "--home", "tablet")["team"]
    assert ward.refused("team", "add", kept, ward.phone, "--home", "tablet") == "role_reads_less"
    assert ward.refused("team", "add", team, "ffffffff", "--home", "tablet") == "no_such_device"
    assert ward.refused("team", "add", "Ward 4", ward.phone, "--home", "tablet") == "no_such_team"
    assert ward.refused("team", "remove", team, ward.phone, "--home", "tablet") == "no_such_device"
    sync(ward, "tablet", "phone", "admin")
    assert ward.refused("team", "add", team, ward.phone, "--home", "phone") == "not_in_team"
    assert ward.refused("team", "add", team, ward.phone, "--home", "admin") == "not_in_team"
    assert ward.refused("team", "remove", team, ward.tablet, "--home", "phone") == "not_in_team"
    make(ward)
    assert ward.refused("team", "show", "Ward 3", "--home", "tablet") == "ambiguous_team"
    assert ward.refused("team", "add", team, "--home", "tablet", code=2) == "usage"
    said = ward.run("team", "add", team, "ffffffff", "--home", "tablet")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("Not done (no_such_device)")


def test_an_administrator_takes_a_member_out(ward: World):
    """It belongs to no team and reads nothing; that somebody is out counts all the same."""
    team = make(ward)
    ward.json("team", "add", team, ward.phone, "--home", "tablet")
    sync(ward, "tablet", "admin")
    ward.json("team", "remove", team, ward.phone, "--home", "admin")
    sync(ward, "admin", "tablet")
    assert [len(one["members"]) for one in listed(ward, "tablet")] == [1]
