"""`fieldward chart adopt` and `chart purge`: what a person reads, what a machine reads, and what is refused."""

from __future__ import annotations

import pytest

from edge_runtime.runtime import clock
from sync_protocol.limits import PURGE_WAIT_MS
from tests.unit.edge_runtime.cli.world import World

DRUG = '{"kind": "medication", "text": "Warfarin", "action": "start", "dose": "5", "unit": "mg"}'


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> World:
    """A tablet of a physician, a phone of a nurse, and an officer's desk."""
    world.found()
    world.phone = world.enrol("phone", "nurse")
    world.enrol("tablet", "physician")
    world.enrol("officer", "compliance_officer")
    world.json("sync", "once", "--home", "tablet")
    world.json("sync", "once", "--home", "phone")
    return world


def _shared(ward: World) -> str:
    """A chart that tablet and phone hold."""
    made = ward.json("chart", "create", "--home", "tablet", "--name", "Ana Lima")
    ward.json("chart", "share", made["chart"], "--device", ward.phone, "--home", "tablet")
    _sync(ward, "tablet", "phone")
    return str(made["chart"])


def _sync(ward: World, *homes: str) -> None:
    for home in homes:
        ward.json("sync", "once", "--home", home)


def test_what_a_lost_phone_wrote_is_listed_and_adopted(ward: World):
    """With author, time, reason, words and who may; then it counts, and the trail says who vouched."""
    chart = _shared(ward)
    ward.json("device", "revoke", ward.phone, "--reason", "lost", "--home", "admin")
    for words in (DRUG, '{"kind": "priority", "to": "urgent"}'):
        ward.json("chart", "edit", chart, "--document", "chart", "--fact", words, "--home", "phone")
    _sync(ward, "admin", "phone", "tablet")
    listed = ward.json("chart", "adopt", chart, "--home", "tablet")["quarantined"]
    assert {
        "entry",
        "document",
        "compartment",
        "author",
        "wall_ms",
        "why",
        "says",
        "kinds",
        "adopts",
        "adopters",
    } < set(listed[0])
    assert [one["says"] for one in listed] == [["medication: Warfarin 5 mg start"], ["priority: urgent"]]
    assert [one["refused"] for one in listed] == [None, None]
    said = ward.run("chart", "adopt", chart, "--home", "tablet").out
    assert "access was revoked" in said
    assert "| medication: Warfarin 5 mg start" in said
    assert "(physician, you)" in said
    assert ward.refused("chart", "adopt", chart, "ffffffff", "--home", "tablet") == "no_such_quarantined_entry"
    assert ward.refused("chart", "adopt", chart, "ffff", "--all", "--home", "tablet", code=2) == "usage"
    told = ward.run("chart", "adopt", chart, listed[0]["entry"][:8], "--home", "tablet")
    assert (told.code, "1 entries" in told.out, "1 still wait" in told.out) == (0, True, True)
    assert ward.json("chart", "adopt", chart, "--all", "--home", "tablet")["left"] == []
    assert ward.refused("chart", "adopt", chart, "--all", "--home", "tablet") == "nothing_to_adopt"
    assert "Nothing that you can read" in ward.run("chart", "adopt", chart, "--home", "tablet").out
    _sync(ward, "tablet", "officer")
    events = ward.json("audit", "timeline", "--chart", chart, "--home", "officer")
    kinds = [event["kind"] for event in events["events"]]
    assert kinds.count("entries_adopted") == 2


def test_a_chart_is_destroyed_by_two_people(ward: World, monkeypatch: pytest.MonkeyPatch):
    """Proposed, confirmed, destroyed a week after each device heard; list, show, doctor and audit say so."""
    chart = _shared(ward)
    _sync(ward, "officer")
    propose = ("chart", "purge", chart, "--propose", "retention_ended", "--not-before", "2001-01-01")
    assert ward.json(*propose, "--home", "phone")["confirmed"] is None
    _sync(ward, "phone", "officer")
    told = ward.json("chart", "purge", chart, "--confirm", "--home", "officer")
    assert told["destroyed"] is None
    _sync(ward, "officer", "tablet")
    monkeypatch.setattr("edge_runtime.runtime.clock", lambda: clock() + PURGE_WAIT_MS)
    told = ward.json("chart", "purge", chart, "--home", "officer")
    assert told["destroyed"]["left"] == 0
    assert "was destroyed here on 20" in ward.run("chart", "purge", chart, "--home", "officer").out
    _sync(ward, "officer", "tablet", "tablet")
    rows = ward.json("chart", "list", "--home", "tablet")["charts"]
    assert rows[0]["destroyed"]["record"] == told["destroyed"]["record"]
    assert rows[0]["name"] is None
    assert "(destroyed on this device on 20" in ward.run("chart", "list", "--home", "tablet").out
    shown = ward.run("chart", "show", chart, "--home", "tablet")
    assert (shown.code, "Ana Lima" in shown.out) == (1, False)
    assert told["destroyed"]["record"][:8] in shown.err
    assert ward.refused("chart", "adopt", chart, "--home", "tablet") == "chart_destroyed"
    for home in ("tablet", "officer"):
        assert ward.json("doctor", "--home", home)["checks"]["destroyed_charts"] == 1
        assert "1 charts were destroyed here" in ward.run("doctor", "--home", home).out
        checked = ward.json("audit", "verify", "--home", home)
        assert checked["ok"]
        assert checked["counts"]["destroyed"] == 1
        assert "Destroyed" in ward.run("audit", "findings", "--home", home).out
    ward.json("audit", "export", "--bundle", "out.fwe", "--home", "tablet")
    assert ward.json("audit", "verify", "--bundle", "out.fwe", "--organisation", "clinic.org")["ok"]
