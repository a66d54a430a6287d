"""`fieldward device users` and `add-user`: several people on one tablet."""

from __future__ import annotations

from pathlib import Path

from tests.unit.edge_runtime.cli.world import ADDRESS, World


def test_two_people_share_a_tablet(world: World):
    """Each in a home of their own and by an invitation; the second one's names the device, as both certificates do."""
    world.found()
    first = add(world, "Ana", "nurse")
    second = add(world, "Dr. B.", "physician", "--on-device", first["device"])
    assert first["device"] == second["device"]
    assert first["home"] != second["home"]
    rows = world.json("device", "users", "--folder", "tablet")["users"]
    assert [(row["label"], row["failed_attempts"]) for row in rows] == [("Ana", 0), ("Dr. B.", 0)]
    assert {f"tablet/{row['home']}" for row in rows} == {first["home"], second["home"]}
    for person in (first, second):
        assert world.json("sync", "once", "--home", person["home"])["ok"]
    mine = [
        next(
            one for one in world.json("device", "list", "--offline", "--home", person["home"])["devices"] if one["this"]
        )
        for person in (first, second)
    ]
    assert [one["device"] for one in mine] == [first["device"]] * 2
    assert mine[0]["user"] != mine[1]["user"]


def add(world: World, label: str, role: str, *more: str) -> dict[str, str]:
    """Invite somebody, add them to the tablet, and approve."""
    world.json("device", "invite", "--home", "admin", "--relay", ADDRESS, "--role", role, "--out", "user.inv", *more)
    asked = world.json("device", "add-user", "--folder", "tablet", "--label", label, "--invitation", "user.inv")
    Path("user.inv").unlink()
    world.json("device", "approve", asked["device"], "--code", asked["code"], "--home", "admin")
    assert world.json("sync", "once", "--home", asked["home"])["ok"]
    return dict(asked)


def test_a_second_user_needs_an_invitation_for_this_tablet(world: World):
    """One for a new device is refused before a home is made; so is a file that is none."""
    world.found()
    add(world, "Ana", "nurse")
    world.json("device", "invite", "--home", "admin", "--relay", ADDRESS, "--role", "nurse", "--out", "new.inv")
    asking = ("device", "add-user", "--folder", "tablet", "--label", "Ben", "--invitation")
    assert world.refused(*asking, "new.inv") == "invitation_other_device"
    assert world.refused(*asking, "nowhere.inv") == "invitation"
    assert len(world.json("device", "users", "--folder", "tablet")["users"]) == 1


def test_the_list_is_for_people_too(world: World, monkeypatch):
    """Labels, homes and failed attempts in a table; an empty folder says what to do next."""
    assert "add-user" in world.run("device", "users", "--folder", "nowhere").out
    world.found()
    world.json("device", "invite", "--home", "admin", "--relay", ADDRESS, "--role", "nurse", "--out", "user.inv")
    said = world.run("device", "add-user", "--folder", "tablet", "--label", "Ana", "--invitation", "user.inv")
    assert said.code == 0
    assert "Ana asks to be enrolled as nurse" in said.out
    assert "sync once --home tablet" in said.out
    home = world.json("device", "users", "--folder", "tablet")["users"][0]["home"]
    monkeypatch.setenv("FIELDWARD_PASSPHRASE", "wrong")
    world.refused("sync", "status", "--home", f"tablet/{home}")
    lines = world.run("device", "users", "--folder", "tablet").out.splitlines()
    assert lines[0].split() == ["user", "home", "failed", "attempts"]
    assert lines[1].split() == ["Ana", home, "1"]
