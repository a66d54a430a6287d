"""Devices and users under administration: invited again, renewed, given roles, revoked; and how a list shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import runtime as runtime_module
from edge_runtime.runtime import open_home
from sync_protocol.control import SetRole, unpack_control
from sync_protocol.revocation import Revocation, Revoke, open_revocation
from tests.unit.edge_runtime.cli.world import ADDRESS, PASSPHRASE, World

DAY_MS = 24 * 3600 * 1000
ALLERGY = '{"kind": "allergy", "text": "Penicillin", "severity": "severe"}'


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> World:
    """An organisation with a nurse's phone."""
    world.found()
    world.phone = world.enrol("phone", "nurse")
    return world


@pytest.fixture(name="later")
def fixture_later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves every device's clock."""
    real = runtime_module.clock

    def move(ms: int) -> None:
        monkeypatch.setattr(runtime_module, "clock", lambda: real() + ms)

    return move


def _rows(ward: World, home: str = "admin") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ward.json("device", "list", "--home", home, "--offline")["devices"]
    return rows


def _row(ward: World, device: str, home: str = "admin") -> dict[str, Any]:
    (row,) = [one for one in _rows(ward, home) if one["device"] == device]
    return row


def _sync(ward: World, *homes: str) -> None:
    for home in homes:
        assert ward.json("sync", "once", "--home", home)["ok"]


def _revocations(home: str = "admin") -> list[Revocation]:
    with open_home(Path(home), PASSPHRASE) as runtime:
        stream = runtime.identity.root.value.control
        arrived = runtime.store.arrivals(after=0, limit=10_000, streams=[stream])
        records = [unpack_control(one.entry.body) for one in arrived]
        return [open_revocation(r.record, runtime.identity.trust).value for r in records if isinstance(r, Revoke)]


# ----------------------------------------------------------------------------------------------------- list and show


def test_a_list_says_how_everybody_stands(ward: World):
    """Device, user, role in force, end, trust; this device is marked; one device can be looked at alone."""
    rows = _rows(ward)
    assert [row["role"] for row in rows] == ["admin", "nurse"]
    assert [row["this"] for row in rows] == [True, False]
    assert [row["depth"] for row in rows] == [1, 2]
    assert {row["expiry"] for row in rows} == {"good"}
    assert [row["trusted"] for row in rows] == [True, True]
    assert [row["revoked_ms"] for row in rows] == [None, None]
    said = ward.run("device", "list", "--home", "admin", "--offline").out
    assert rows[1]["user"][:8] in said
    assert "(this device)" in said
    shown = ward.json("device", "show", ward.phone[:8], "--home", "admin")
    assert shown == {"device": ward.phone, "users": [rows[1]]}
    said = ward.run("device", "show", ward.phone, "--home", "admin").out
    assert ward.phone in said
    assert rows[1]["principal"] in said
    assert ward.refused("device", "show", "ffffffff", "--home", "admin") == "no_such_device"


# --------------------------------------------------------------------------------------- second devices, shared devices


def test_a_user_gets_a_second_device(ward: World):
    """The invitation names the user and, unless told otherwise, takes the user's role; the relay learns neither."""
    user = _row(ward, ward.phone)["user"]
    made = ward.json(
        "device", "invite", "--home", "admin", "--for-user", user[:8], "--out", "two.inv", "--relay", ADDRESS
    )
    assert (made["user"], made["device"], made["role"]) == (user, None, "nurse")
    asked = ward.json("device", "enrol", "--home", "tablet", "--invitation", "two.inv")
    code = asked["code"]
    ward.json("device", "approve", asked["device"], "--code", f"{code[:4]}-{code[4:8]} {code[8:]}", "--home", "admin")
    _sync(ward, "tablet")
    row = _row(ward, asked["device"])
    assert (row["user"], row["role"]) == (user, "nurse")
    assert asked["device"] != ward.phone
    assert len({one["principal"] for one in _rows(ward)}) == 3


def test_a_shared_device_gets_a_second_user(ward: World):
    """In a home of its own on the same device: two users, two principals, one device; each is certified by itself."""
    invite = ("device", "invite", "--home", "admin", "--relay", ADDRESS, "--out", "shared.inv")
    made = ward.json(*invite, "--on-device", ward.phone[:8], "--role", "physician")
    assert (made["user"], made["device"]) == (None, ward.phone)
    asked = ward.json("device", "enrol", "--home", "phone-two", "--invitation", "shared.inv")
    assert asked["device"] == ward.phone
    waiting = ward.json("device", "list", "--home", "admin")["waiting"]
    assert [one["device"] for one in waiting] == [ward.phone]
    code = asked["code"]
    shown = (code[:4], code[4:8], code[8:])
    approve = ("device", "approve", ward.phone, "--home", "admin", "--code")
    assert ward.refused(*approve, *shown[:2], "elsewhere", code=2) == "usage"
    assert ward.refused(*approve, *shown[:2]) == "code"
    ward.json(*approve, *shown)  # as the screen shows it, with spaces
    _sync(ward, "phone-two", "phone")
    shown = ward.json("device", "show", ward.phone, "--home", "phone-two")["users"]
    assert [one["role"] for one in shown] == ["nurse", "physician"]
    assert [one["this"] for one in shown] == [False, True]
    assert len({one["user"] for one in shown}) == 2


def test_whom_an_invitation_names_must_be_there(ward: World):
    """An unknown user or device, a revoked one, and no role at all: refused before anything is made."""
    invite = ("device", "invite", "--home", "admin", "--relay", ADDRESS, "--out", "x.inv")
    assert ward.refused(*invite, "--for-user", "ffffffff") == "no_such_user"
    assert ward.refused(*invite, "--on-device", "ffffffff", "--role", "nurse") == "no_such_device"
    assert ward.refused(*invite, code=2) == "usage"
    assert ward.refused(*invite, "--on-device", ward.phone, code=2) == "usage"
    user = _row(ward, ward.phone)["user"]
    ward.json("device", "revoke", ward.phone, "--reason", "lost", "--home", "admin")
    assert ward.refused(*invite, "--for-user", user) == "revoked"
    assert not Path("x.inv").exists()


# ------------------------------------------------------------------------------------------------------------ renewing


def test_a_renewed_device_takes_its_certificate_over_when_it_syncs(ward: World):
    """Same device, same principal, a later end, a new session; nothing to do on the device."""
    before = _row(ward, ward.phone, "phone")
    with open_home(Path("phone"), PASSPHRASE) as runtime:
        session, name = runtime.identity.session.value.session, runtime.identity.name
    told = ward.json("device", "renew", ward.phone[:8], "--days", "700", "--home", "admin")
    assert [one["device"] for one in told["renewed"]] == [ward.phone]
    assert (told["left"], told["note"]) == ([], None)
    _sync(ward, "phone")
    after = _row(ward, ward.phone, "phone")
    assert after["not_after_ms"] == told["renewed"][0]["not_after_ms"] > before["not_after_ms"]
    assert after["principal"] == before["principal"]
    with open_home(Path("phone"), PASSPHRASE) as runtime:
        assert runtime.identity.session.value.session != session
        assert runtime.identity.name != name == runtime.identity.principal
        assert runtime.identity.session.value.certificate == runtime.identity.name
    _sync(ward, "phone", "admin")
    assert len(_rows(ward)) == 2
    said = ward.run("device", "renew", ward.phone, "--days", "900", "--home", "admin")
    assert "good until" in said.out


def test_a_renewed_device_keeps_its_charts(ward: World):
    """What it wrote is its own still, and it goes on reading and writing."""
    ward.enrol("tablet", "physician")
    chart = ward.json("chart", "create", "--home", "tablet", "--name", "Ana Lima")["chart"]
    _sync(ward, "tablet")
    for row in _rows(ward):
        ward.json("device", "renew", row["device"], "--days", "700", "--home", "admin")
    _sync(ward, "tablet")
    ward.json("chart", "edit", chart, "--home", "tablet", "--document", "chart", "--fact", ALLERGY)
    assert "Penicillin" in ward.run("chart", "show", chart, "--home", "tablet").out
    _sync(ward, "tablet")


def test_everybody_is_renewed_at_once(ward: World):
    """Who is good for longer, or revoked, is left; the founder's own device is renewed by the root, which it holds."""
    other = ward.enrol("tablet", "physician")
    ward.json("device", "revoke", other, "--reason", "replaced", "--home", "admin")
    told = ward.json("device", "renew", "--all", "--days", "800", "--home", "admin")
    admin = next(row["device"] for row in _rows(ward) if row["this"])
    assert {one["device"] for one in told["renewed"]} == {ward.phone, admin}
    again = ward.json("device", "renew", "--all", "--days", "800", "--home", "admin")
    assert {one["device"] for one in again["renewed"]} <= {ward.phone, admin}  # a moment later is a later end
    short = ward.json("device", "renew", "--all", "--days", "5", "--home", "admin")
    assert short["renewed"] == []
    assert {one["why"] for one in short["left"]} == {"good for longer already"}
    assert ward.json("device", "renew", other, "--home", "admin", code=1)["left"][0]["why"] == "revoked"
    assert "left as it is" in ward.run("device", "renew", other, "--home", "admin").out
    assert ward.json("sync", "once", "--home", "admin")["ok"]


def test_an_administrator_does_not_renew_itself(ward: World):
    """Another one does, or the root's keys; nurses renew nobody."""
    second = ward.enrol("second", "admin")
    told = ward.json("device", "renew", second, "--days", "800", "--home", "second", code=1)
    assert "another administrator" in told["left"][0]["why"]
    assert ward.json("device", "renew", second, "--days", "800", "--home", "admin")["renewed"]
    assert ward.refused("device", "renew", ward.phone, "--home", "phone") == "not_an_administrator"
    assert ward.refused("device", "renew", "--home", "admin", code=2) == "usage"
    assert ward.refused("device", "renew", ward.phone, "--all", "--home", "admin", code=2) == "usage"


def test_an_end_is_announced_and_an_ended_device_writes_on(ward: World, later: Any):
    """Thirty days before, doctor and list say so; afterwards only the sync is refused, with the way out, and back."""
    assert ward.relay is not None
    chart = ward.enrol("tablet", "physician") and ward.json("chart", "create", "--home", "tablet")["chart"]
    _sync(ward, "tablet")
    later(340 * DAY_MS)
    assert {row["expiry"] for row in _rows(ward)} == {"ends_soon"}
    assert "renew it soon" in ward.run("device", "list", "--home", "admin", "--offline").out
    assert "fieldward device renew" in ward.run("doctor", "--home", "phone").out
    assert any("2 other certificates" in one for one in ward.json("doctor", "--home", "admin")["warnings"])
    later(370 * DAY_MS)
    ward.relay.clock.now_ms += 370 * DAY_MS
    assert _row(ward, ward.phone)["expiry"] == "ended"
    assert "ENDED" in ward.run("device", "list", "--home", "admin", "--offline").out
    assert "ended" in ward.run("doctor", "--home", "tablet").out
    ward.json("chart", "edit", chart, "--home", "tablet", "--document", "chart", "--fact", ALLERGY)
    answer = ward.run("sync", "once", "--home", "tablet", "--json")
    assert (answer.code, answer.error["code"]) == (1, "certificate_ended")
    assert "fieldward device renew" in answer.error["do"]
    ward.json("device", "renew", "--all", "--home", "admin")
    _sync(ward, "tablet", "admin")
    assert "Penicillin" in ward.run("chart", "show", chart, "--home", "tablet").out


# --------------------------------------------------------------------------------------------------------------- roles


def test_a_role_is_changed_by_a_record(ward: World):
    """By device or by user; the list shows the role in force on every device that learns of it."""
    told = ward.json("device", "role", ward.phone[:8], "physician", "--home", "admin")
    assert [(one["device"], one["from"]) for one in told["changed"]] == [(ward.phone, "nurse")]
    _sync(ward, "phone")
    assert _row(ward, ward.phone, "phone")["role"] == "physician"
    user = _row(ward, ward.phone)["user"]
    assert "is now nurse" in ward.run("device", "role", user, "nurse", "--home", "admin").out
    assert ward.json("device", "role", user, "nurse", "--home", "admin")["changed"] == []
    assert "already" in ward.run("device", "role", user, "nurse", "--home", "admin").out
    with open_home(Path("admin"), PASSPHRASE) as runtime:
        stream = runtime.identity.root.value.control
        records = [unpack_control(a.entry.body) for a in runtime.store.arrivals(after=0, limit=999, streams=[stream])]
    assert sum(isinstance(record, SetRole) for record in records) == 2


def test_roles_that_cannot_be_changed_are_refused(ward: World):
    """To or from the administrator's, of an unknown or revoked device, and by anybody but an administrator."""
    role = ("device", "role")
    admin = next(row["device"] for row in _rows(ward) if row["this"])
    assert ward.refused(*role, ward.phone, "admin", "--home", "admin") == "administrator_role_is_fixed"
    assert ward.refused(*role, admin, "nurse", "--home", "admin") == "administrator_role_is_fixed"
    assert ward.refused(*role, "ffffffff", "nurse", "--home", "admin") == "no_such_device"
    assert ward.refused(*role, ward.phone, "physician", "--home", "phone") == "not_an_administrator"
    assert ward.refused(*role, ward.phone, "captain", "--home", "admin", code=2) == "usage"
    ward.json("device", "revoke", ward.phone, "--reason", "left", "--home", "admin")
    assert ward.refused(*role, ward.phone, "physician", "--home", "admin") == "revoked"


# ------------------------------------------------------------------------------------------------------------ revoking


def test_a_stolen_device_is_revoked_at_what_the_relay_has(ward: World):
    """The cuts come from the relay, verified; the list says since when and why; the line says what happens now."""
    ward.enrol("tablet", "physician")
    ward.json("chart", "create", "--home", "tablet", "--name", "Ana Lima")
    _sync(ward, "tablet")
    tablet = next(row["device"] for row in _rows(ward) if row["role"] == "physician")
    with open_home(Path("tablet"), PASSPHRASE) as runtime:
        session = runtime.identity.session.value.session
        last = runtime.store.last_seal(session)
        assert last is not None
    told = ward.json("device", "revoke", tablet[:8], "--reason", "stolen", "--home", "admin")
    assert (told["device"], told["user"], told["cut_by"], told["sessions"]) == (tablet, None, "relay", 1)
    assert (told["note"], told["sessions_left_out"]) == (None, 0)
    (found,) = _revocations()
    assert found.cuts[session] == (last.value.number, last.hash)
    assert (found.device, found.user, found.reason.value) == (runtime.identity.certificate.device, None, "stolen")
    row = _row(ward, tablet)
    assert (row["trusted"], row["revoked_for"]) == (False, "stolen")
    assert row["revoked_ms"] == found.issued_ms
    assert "REVOKED" in ward.run("device", "list", "--home", "admin", "--offline").out
    assert ward.refused("device", "revoke", tablet, "--reason", "stolen", "--home", "admin") == "revoked_already"
    _sync(ward, "phone")
    assert _row(ward, tablet, "phone")["trusted"] is False


def test_a_revocation_says_in_one_line_what_happens_now(ward: World):
    """Connections, keys, and what it writes later."""
    said = ward.run("device", "revoke", ward.phone, "--reason", "lost", "--home", "admin")
    assert said.code == 0
    assert "drops its connections, keys rotate at the next write" in said.out
    assert "kept apart for review" in said.out


def test_a_revocation_since_a_time_cuts_what_the_relay_had_then(ward: World, later: Any):
    """What came afterwards is outside; a session of which nothing came before is not listed. It may be cut again."""
    ward.enrol("tablet", "physician")
    ward.json("chart", "create", "--home", "tablet", "--name", "Ana Lima")
    _sync(ward, "tablet")
    tablet = next(row["device"] for row in _rows(ward) if row["role"] == "physician")
    later(2 * DAY_MS)
    ward.json("chart", "create", "--home", "tablet", "--name", "After the theft")
    _sync(ward, "tablet")
    ward.json("device", "revoke", tablet, "--reason", "stolen", "--home", "admin")
    assert ward.relay is not None
    with open_home(Path("admin"), PASSPHRASE):
        before = runtime_module.clock() - DAY_MS
    revoke = ("device", "revoke", tablet, "--reason", "stolen", "--home", "admin", "--since")
    assert ward.refused(*revoke, f"{before / 1000:.0f}") == "since"
    ward.json("device", "revoke", tablet, "--reason", "stolen", "--since", _iso(before), "--home", "admin")
    whole, cut = _revocations()
    (session,) = cut.cuts
    assert cut.cuts[session][0] < whole.cuts[session][0]
    ward.json("device", "revoke", tablet, "--reason", "stolen", "--since", "1990-01-01", "--home", "admin")
    assert _revocations()[2].cuts == {}
    for text in ("yesterday", "", "2026-13-01", "9999-12-31T23:59:59+99:00"):
        assert ward.refused(*revoke, text) == "since"
    future = _iso(before + 9 * DAY_MS)
    assert (
        ward.refused("device", "revoke", ward.phone, "--reason", "lost", "--since", future, "--home", "admin")
        == "since"
    )


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M")


def test_offline_it_cuts_at_what_the_device_knows_and_says_so(ward: World):
    """An administrator's device knows little: more may await review than must, and it says how to mend that."""
    assert ward.relay is not None
    ward.relay.down = True
    assert (
        ward.refused("device", "revoke", ward.phone, "--reason", "lost", "--since", "2020-01-01", "--home", "admin")
        == "relay_needed"
    )
    said = ward.run("device", "revoke", ward.phone, "--reason", "lost", "--home", "admin")
    assert (said.code, "what this device knows" in said.out) == (0, True)
    assert "Revoke again with --since" in said.out
    assert "sync once" in said.out
    second = ward.run("device", "list", "--home", "admin", "--offline").out
    assert "REVOKED" in second
    ward.relay.down = False
    _sync(ward, "admin", "phone")
    assert _row(ward, ward.phone, "phone")["trusted"] is False


def test_a_user_is_revoked_on_all_devices(ward: World):
    """Those of later enrolments included: the record names the user."""
    user = _row(ward, ward.phone)["user"]
    ward.json("device", "invite", "--home", "admin", "--for-user", user, "--out", "two.inv", "--relay", ADDRESS)
    asked = ward.json("device", "enrol", "--home", "tablet", "--invitation", "two.inv")
    ward.json("device", "approve", asked["device"], "--code", asked["code"], "--home", "admin")
    _sync(ward, "tablet")
    told = ward.json("device", "revoke", user[:8], "--user", "--reason", "left", "--home", "admin")
    assert (told["user"], told["device"]) == (user, None)
    assert {row["device"] for row in _rows(ward) if not row["trusted"]} == {ward.phone, asked["device"]}
    assert (
        ward.refused("device", "revoke", "ffffffff", "--user", "--reason", "left", "--home", "admin") == "no_such_user"
    )


def test_what_would_not_count_is_refused_before_it_is_signed(ward: World):
    """Nobody revokes an equal, a senior or itself; who could is said. With the root's keys the root revokes anybody."""
    second = ward.enrol("second", "admin")
    admin = next(row["device"] for row in _rows(ward) if row["this"])
    _sync(ward, "second")
    revoke = ("device", "revoke", "--reason", "compromised")
    for device in (admin, second, ward.phone):
        answer = ward.run(*revoke, device, "--home", "second", "--json")
        assert (answer.code, answer.error["code"]) == (1, "not_senior")
        assert "--root" in answer.error["do"]
    answer = ward.run(*revoke, ward.phone, "--home", "second", "--json")
    assert admin[:8] in answer.error["do"]
    assert ward.refused(*revoke, second, "--root", "--home", "second") == "no_root_keys"
    assert ward.refused(*revoke, ward.phone, "--home", "phone") == "not_an_administrator"
    assert _revocations() == []
    assert ward.json(*revoke, admin, "--root", "--home", "admin")["device"] == admin
    assert _row(ward, admin)["trusted"] is False
    assert _row(ward, second)["trusted"] is True


def test_an_administrator_who_leaves_takes_nobody_along(ward: World):
    """Whom it enrolled until then stays trusted."""
    second = ward.enrol("second", "admin")
    _sync(ward, "admin")
    ward.json("device", "revoke", second, "--reason", "left", "--home", "admin")
    rows = {row["device"]: row["trusted"] for row in _rows(ward)}
    assert (rows[second], rows[ward.phone]) == (False, True)
