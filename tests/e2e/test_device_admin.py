"""Administration of devices against a real relay, by the commands that people type."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.cli.main import run
from edge_runtime.runtime import clock, open_home
from edge_runtime.vault.passphrase import Cost
from sync_protocol.control import unpack_control
from sync_protocol.revocation import Revocation, Revoke, open_revocation
from tests.support.relay_server import RelayProcess

PASSPHRASE = "correct horse"
CHEAP = Cost(memory_kib=32, passes=1, lanes=1)
Fieldward = Callable[..., dict[str, Any]]


class FoundedRelay(RelayProcess):
    """A relay of the organisation in a file."""

    def __init__(self, home: Path, file: Path) -> None:
        self.home = home
        self.organisation_file = file
        self.options = ()
        self.process = None
        home.mkdir()


@pytest.fixture(name="fieldward")
def fixture_fieldward(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fieldward:
    """Runs a command in a folder of homes; what it prints for machines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIELDWARD_PASSPHRASE", PASSPHRASE)
    monkeypatch.setitem(open_home.__wrapped__.__kwdefaults__, "cost", CHEAP)  # type: ignore[attr-defined]

    def command(*arguments: str, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        found = run([*arguments, "--json"])
        said = capsys.readouterr()
        assert found == code, said.out + said.err
        told: dict[str, Any] = json.loads(said.out)
        return told

    return command


@pytest.fixture(name="relay")
def fixture_relay(tmp_path: Path, fieldward: Fieldward) -> Iterator[FoundedRelay]:
    """A founded organisation and its relay; in the end it has met no bug and stops well."""
    fieldward("org", "init", "--home", "admin", "--out", "clinic.org")
    relay = FoundedRelay(tmp_path / "relay", tmp_path / "clinic.org")
    with relay:
        yield relay
        assert (relay.stop(), relay.errors) == (0, "")


def enrol(fieldward: Fieldward, relay: FoundedRelay, home: str, *options: str) -> str:
    """Enrol a device; its id."""
    fieldward("device", "invite", "--home", "admin", "--relay", relay.url, "--out", f"{home}.inv", *options)
    asked = fieldward("device", "enrol", "--home", home, "--invitation", f"{home}.inv")
    fieldward("device", "approve", asked["device"], "--code", asked["code"], "--home", "admin")
    fieldward("sync", "once", "--home", home)
    return str(asked["device"])


def standing(fieldward: Fieldward, home: str) -> dict[tuple[str, str], dict[str, Any]]:
    """How everybody stands, as one device knows it."""
    rows = fieldward("device", "list", "--home", home, "--offline")["devices"]
    return {(row["device"], row["user"]): row for row in rows}


def test_a_tablet_is_shared_renewed_and_stolen(fieldward: Fieldward, relay: FoundedRelay):
    """Two users on one tablet; one is renewed; the tablet is revoked at what the relay had before a time.

    Both users' sessions are cut, both lose the relay, and the others learn it.
    """
    tablet = enrol(fieldward, relay, "tablet", "--role", "physician")
    assert enrol(fieldward, relay, "tablet-two", "--on-device", tablet, "--role", "nurse") == tablet
    phone = enrol(fieldward, relay, "phone", "--role", "nurse")
    fieldward("chart", "create", "--home", "tablet", "--name", "Ana Lima")
    fieldward("sync", "once", "--home", "tablet")

    told = fieldward("device", "renew", tablet, "--days", "900", "--home", "admin")
    assert len(told["renewed"]) == 2
    fieldward("sync", "once", "--home", "tablet")
    fieldward("chart", "create", "--home", "tablet", "--name", "Bo Berg")
    fieldward("sync", "once", "--home", "tablet")

    with open_home(Path("tablet"), PASSPHRASE) as runtime:
        identity, every = runtime.identity, [one.value for one in runtime.store.sessions()]
        own = {one.session for one in every if identity.trust.principal(one.certificate) == identity.principal}
        assert identity.name != identity.principal
        assert len(own) == 2

    since = clock() - 3600 * 1000
    fieldward("device", "revoke", tablet, "--reason", "stolen", "--home", "admin")
    told = fieldward("device", "revoke", tablet, "--reason", "stolen", "--since", _iso(since), "--home", "admin")
    assert (told["cut_by"], told["sessions"]) == ("relay_since", 0)
    whole, cut = _revocations(Path("admin"))
    assert own <= set(whole.cuts)
    assert cut.cuts == {}
    for home in ("tablet", "tablet-two"):
        assert "error" in fieldward("sync", "once", "--home", home, "--attempts", "1", code=1)
    fieldward("sync", "once", "--home", "phone")
    rows = standing(fieldward, "phone")
    assert {row["trusted"] for (device, _), row in rows.items() if device == tablet} == {False}
    assert {row["trusted"] for (device, _), row in rows.items() if device == phone} == {True}


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat()


def _revocations(home: Path) -> list[Revocation]:
    with open_home(home, PASSPHRASE) as runtime:
        stream = runtime.identity.root.value.control
        arrived = runtime.store.arrivals(after=0, limit=10_000, streams=[stream])
        records = [unpack_control(one.entry.body) for one in arrived]
        return [open_revocation(r.record, runtime.identity.trust).value for r in records if isinstance(r, Revoke)]
