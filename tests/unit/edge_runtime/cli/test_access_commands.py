"""Who is let into a chart, for what, until when, as typed: what each command tells machines and people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_runtime.runtime import clock, open_home
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason
from sync_protocol.ids import ChartId
from sync_protocol.limits import PURGE_WAIT_MS
from tests.unit.edge_runtime.cli.test_team_commands import make, sync
from tests.unit.edge_runtime.cli.world import PASSPHRASE, World

HOMES = ("admin", "tablet", "phone", "officer")


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> World:
    """A physician's tablet with a chart, a nurse's phone, a compliance officer; everybody knows everybody."""
    world.found()
    world.tablet = world.enrol("tablet", "physician")
    world.phone = world.enrol("phone", "nurse")
    world.officer = world.enrol("officer", "compliance_officer")
    sync(world, *HOMES)
    made = world.json("chart", "create", "--home", "tablet", "--name", "Ana Lima")
    world.chart = made["chart"]
    sync(world, *HOMES)
    return world


def chart(ward: World) -> str:
    """The chart's id."""
    return str(ward.chart)


def in_it(ward: World, home: str = "tablet") -> dict[str, Any]:
    """Who is in the chart, as a home knows it."""
    found: dict[str, Any] = ward.json("chart", "members", chart(ward), "--home", home)
    return found


def ways(ward: World, home: str = "tablet") -> dict[str, list[str]]:
    """By which ways each device is in the chart."""
    return {one["device"]: one["ways"] for one in in_it(ward, home)["members"]}


# ------------------------------------------------------------------------------------------------------ who is in it


def test_one_look_shows_with_whom_a_chart_is_shared(ward: World):
    """Everybody with role, way and what they read: the maker, the officer, who was added, each member of a team."""
    team = make(ward)
    ward.json("team", "add", team, ward.phone, "--home", "tablet")
    ward.json("chart", "share", chart(ward), "--team", team, "--home", "tablet")
    ward.json("chart", "consent", chart(ward), "research", "--deny", "--home", "tablet")
    tablet, officer = ward.tablet, ward.officer
    assert ways(ward) == {tablet: ["creator", "team"], officer: ["officer"], ward.phone: ["team"]}
    told = in_it(ward)
    assert set(told) == {"chart", "members", "teams", "consents", "broken", "held", "destruction"}
    assert set(told["members"][0]) == {"principal", "device", "user", "roles", "ways", "teams", "reads"}
    assert told["teams"] == [{"team": team, "name": "Ward 3", "members": 2, "reads": ["safety", "clinical", "audit"]}]
    assert (told["consents"], told["broken"], told["held"]) == ({"research": False}, [], False)
    lines = ward.run("chart", "members", chart(ward)[:8], "--home", "tablet").out.splitlines()
    assert lines[0] == f"Chart {chart(ward)}: 3 people"
    assert lines[1].split() == ["DEVICE", "ROLE", "IN", "IT", "READS"]
    columns = [line.split(maxsplit=1) for line in lines[2:5]]
    assert [one[0] for one in columns] == [tablet[:8], officer[:8], ward.phone[:8]]
    assert columns[0][1] == "physician           made it, team Ward 3 (you)  safety, clinical, sensitive, audit"
    assert "compliance officer  as every chart's officer" in columns[1][1]
    assert "nurse               team Ward 3" in columns[2][1]
    assert lines[5:] == [
        "  team Ward 3: 2 members, reads safety, clinical, audit",
        "  consent to research: DENIED",
    ]


def test_a_broken_glass_and_a_hold_are_told_with_the_members(ward: World):
    """Who broke it is in the chart, and the line says why and when."""
    with open_home(Path("phone"), PASSPHRASE) as runtime:
        batch = runtime.recorder.begin()
        record = BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=bytes(16))
        batch.break_in(ChartId.parse(chart(ward)), record)
        runtime.recorder.write(batch)
    ward.json("chart", "hold", chart(ward), "--on", "--home", "officer")
    sync(ward, "phone", "officer", "tablet")
    assert in_it(ward)["held"] is True
    assert ways(ward)[ward.phone] == ["glass"]
    said = ward.run("chart", "members", chart(ward), "--home", "tablet").out
    assert "legal hold: nothing of it is destroyed" in said
    assert f"GLASS BROKEN by {ward.phone[:8]} (unconscious), " in said
    assert "BROKE THE GLASS" in said
    (broken,) = in_it(ward)["broken"]
    assert (broken["device"], broken["reason"]) == (ward.phone, "unconscious")


# --------------------------------------------------------------------------------------------------------- sharing


def test_sharing_tells_who_reads_what_from_when(ward: World):
    """With a team by its name here, with a device by its id; with the past or without."""
    team = make(ward)
    told = ward.json("chart", "share", chart(ward), "--team", "Ward 3", "--home", "tablet")
    assert told == {
        "chart": chart(ward),
        "team": team,
        "compartments": ["safety", "clinical", "audit"],
        "from_now_on": False,
    }
    said = ward.run("chart", "share", chart(ward), "--device", ward.phone, "--from-now-on", "--home", "tablet").out
    assert said == (
        f"Chart {chart(ward)[:8]} is shared with device {ward.phone[:8]} now, from now on. "
        "It reads: safety, clinical, audit.\n"
    )
    said = ward.run("chart", "share", chart(ward), "--team", team, "--home", "tablet").out
    assert said.startswith(f"Chart {chart(ward)[:8]} is shared with team Ward 3 now, with what was written so far.")
    share = ("chart", "share", chart(ward), "--home", "tablet")
    assert ward.refused(*share, "--team", team, "--from-now-on") == "already_a_member"
    assert ward.refused(*share, "--team", "Ward 4") == "no_such_team"
    assert ward.refused(*share, code=2) == "usage"
    assert ward.refused(*share, "--team", team, "--device", ward.phone, code=2) == "usage"
    assert ward.refused("chart", "share", chart(ward), "--team", team, "--home", "officer") in {
        "no_such_team",
        "not_a_reader",
    }


def test_who_is_taken_out_and_who_is_in_it_all_the_same(ward: World):
    """A device that a team of the chart holds stays in, and the command says so; a team goes with its members."""
    team = make(ward)
    ward.json("team", "add", team, ward.phone, "--home", "tablet")
    for words in (("--team", team), ("--device", ward.phone)):
        ward.json("chart", "share", chart(ward), *words, "--home", "tablet")
    out = ("chart", "unshare", chart(ward), "--home", "tablet")
    told = ward.json(*out, "--device", ward.phone)
    assert [(one["device"], one["ways"], one["teams"]) for one in told["still_in"]] == [(ward.phone, ["team"], [team])]
    assert ward.refused(*out, "--device", ward.phone) == "not_added_itself"
    said = ward.run(*out, "--team", "Ward 3").out.splitlines()
    assert "is shared with team Ward 3 no more" in said[0]
    assert "new key" in said[0]
    assert said[1:] == [f"  still in it: {ward.tablet[:8]}  physician, made it (you)"]
    assert ward.phone not in ways(ward)
    assert ward.refused(*out, "--team", team) == "not_shared"
    assert ward.refused(*out, "--device", ward.officer) == "officer_stays"
    assert ward.refused(*out, code=2) == "usage"
    sync(ward, "tablet", "officer")
    creator = ("--device", ward.tablet, "--home", "officer")
    assert ward.refused("chart", "unshare", chart(ward), *creator) == "creator_stays"
    assert ward.run(*out, "--device", ward.tablet).out.count("\n") == 1


# ------------------------------------------------------------------------------------------------ consents and holds


def test_what_the_patient_says_is_told_back(ward: World):
    """A denied treatment closes the chart, and the command says how it opens again."""
    say = ("chart", "consent", chart(ward), "--home", "tablet")
    assert ward.json(*say, "research", "--permit") == {
        "chart": chart(ward),
        "purpose": "research",
        "permitted": True,
    }
    assert "denies ai training" in ward.run(*say, "ai_training", "--deny").out.lower()
    assert "--permit opens it again" in ward.run(*say, "treatment", "--deny").out
    assert ward.json("chart", "show", chart(ward), "--home", "tablet", code=1)["error"]["code"] == "no_consent"
    ward.json(*say, "treatment", "--permit")
    ward.json("chart", "show", chart(ward), "--home", "tablet")
    assert ward.refused(*say, "treatment", code=2) == "usage"
    assert ward.refused(*say, "gossip", "--deny", code=2) == "usage"
    assert ward.refused("chart", "consent", chart(ward), "research", "--deny", "--home", "officer") == "not_a_reader"


def test_a_hold_is_put_on_and_off_by_an_officer(ward: World):
    """What stands is told, and nobody else does it."""
    hold = ("chart", "hold", chart(ward))
    assert ward.refused(*hold, "--on", "--home", "tablet") == "not_an_officer"
    assert ward.json(*hold, "--on", "--home", "officer") == {"chart": chart(ward), "held": True}
    assert "under no legal hold, as far as is known here" in ward.run(*hold, "--off", "--home", "officer").out
    assert "under a legal hold" in ward.run(*hold, "--on", "--home", "officer").out
    assert ward.refused(*hold, "--home", "officer", code=2) == "usage"


# ------------------------------------------------------------------------------------------------------------ purge


def test_a_purge_takes_two_people_and_no_hold(ward: World):
    """How things stand, the proposal, the refusals on the way, the confirmation; dates as they were given."""
    purge = ("chart", "purge", chart(ward))
    assert "nothing is proposed: it stays" in ward.run(*purge, "--home", "tablet").out
    told = ward.json(*purge, "--propose", "retention_ended", "--not-before", "2999-01-01", "--home", "tablet")
    (proposal,) = told["proposals"]
    assert (told["held"], told["confirmed"], told["due"], told["destroyed"]) == (False, None, False, None)
    assert ward.refused(*purge, "--confirm", "--home", "tablet") == "not_an_officer"
    assert ward.refused(*purge, "--confirm", "--home", "officer") == "nothing_proposed"
    sync(ward, "tablet", "officer")
    said = ward.run(*purge, "--home", "officer").out
    assert "proposed, from 2999-01-01 00:00 UTC on" in said
    ward.json("chart", "hold", chart(ward), "--on", "--home", "officer")
    assert ward.refused(*purge, "--confirm", "--home", "officer") == "legal_hold"
    ward.json("chart", "hold", chart(ward), "--off", "--home", "officer")
    words = ("--propose", "retention_ended", "--not-before", "2999-01-01")
    assert ward.refused(*purge, *words, "--home", "officer") == "not_a_reader"
    told = ward.json(*purge, "--confirm", "--home", "officer")
    assert (told["confirmed"], told["proposals"], told["due"]) == (proposal, [], False)
    assert "will be destroyed from 2999-01-01 00:00 UTC unless held" in ward.run(*purge, "--home", "officer").out


def test_a_purge_can_be_stopped_for_a_week(ward: World):
    """Each device says from when on it destroys, in the chart and beside its members, and how a hold stops that."""
    name, before_ms = chart(ward), clock()
    purge = ("chart", "purge", name)
    assert ward.json("chart", "show", name, "--home", "tablet")["destruction"] is None
    ward.json(*purge, "--propose", "retention_ended", "--not-before", "2000-01-01", "--home", "tablet")
    sync(ward, "tablet", "officer")
    told = ward.json(*purge, "--confirm", "--home", "officer")
    assert (told["due"], told["destroyed"]) == (False, None)
    assert before_ms + PURGE_WAIT_MS <= told["from_ms"] <= clock() + PURGE_WAIT_MS
    sync(ward, "officer", "tablet")
    for words in (purge, ("chart", "show", name), ("chart", "members", name)):
        said = ward.run(*words, "--home", "tablet").out
        assert "will be destroyed from 20" in said
        assert "unless held" in said
        assert f"'fieldward chart hold {name[:8]} --on'" in " ".join(said.split())
    shown = ward.json("chart", "members", name, "--home", "tablet")["destruction"]
    assert shown["from_ms"] >= told["from_ms"]
    assert not shown["held"]
    ward.json("chart", "hold", name, "--on", "--home", "officer")
    sync(ward, "officer", "tablet")
    assert "the legal hold stops that" in ward.run(*purge, "--home", "tablet").out
    assert ward.json("chart", "show", name, "--home", "tablet")["destruction"]["held"]


def test_a_purge_that_is_due_is_told_as_done(ward: World, monkeypatch: pytest.MonkeyPatch):
    """When and by which record, and whether something still waits for the relay."""
    purge = ("chart", "purge", chart(ward))
    ward.json(*purge, "--propose", "retention_ended", "--not-before", "2000-01-01", "--home", "tablet")
    sync(ward, "tablet", "officer")
    ward.json(*purge, "--confirm", "--home", "officer")
    sync(ward, "officer", "tablet")
    allergy = ("--fact", '{"kind": "allergy", "text": "Nuts"}')
    ward.json("chart", "edit", chart(ward), "--document", "chart", *allergy, "--home", "tablet")
    monkeypatch.setattr("edge_runtime.runtime.clock", lambda: clock() + PURGE_WAIT_MS)
    said = ward.run(*purge, "--home", "tablet").out
    assert said.startswith(f"Chart {chart(ward)[:8]} was destroyed here on ")
    assert "entries wait for the relay" in said
    sync(ward, "tablet")
    assert ward.json(*purge, "--home", "tablet")["destroyed"]["left"] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--propose", "retention_ended"),
        ("--propose", "retention_ended", "--not-before", "soon"),
        ("--propose", "boredom", "--not-before", "2999-01-01"),
        ("--propose", "retention_ended", "--not-before", "2999-01-01", "--confirm"),
        ("--not-before", "2999-01-01"),
        ("--not-before", "2999-01-01", "--confirm"),
    ],
    ids=" ".join,
)
def test_a_purge_asked_for_wrongly_is_none(ward: World, words: tuple[str, ...]):
    """A reason and a date go together, and nobody proposes and confirms at once."""
    assert ward.refused("chart", "purge", chart(ward), *words, "--home", "tablet", code=2) == "usage"
    assert ward.json("chart", "purge", chart(ward), "--home", "tablet")["proposals"] == []
