"""The composition root: a home opened, its rooms put together once, and the relay found."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import pytest

from edge_runtime.cache.shelf import INDEX
from edge_runtime.connections import Connections
from edge_runtime.errors import InputError, RefusedError, RemoteError, StoreError, VaultError
from edge_runtime.events import Changed, Synced
from edge_runtime.identity import INVITATION, RELAY_ADDRESS, DeviceKeys, enrol
from edge_runtime.recorder.record import Recorder
from edge_runtime.runtime import clock, entropy, open_home
from edge_runtime.sync.progress import RELAY
from edge_runtime.transports.http import HttpLink
from edge_runtime.vault.attempts import failed_attempts
from edge_runtime.vault.passphrase import Cost
from sync_protocol.audit import AuditRecord
from sync_protocol.control import ledger_id
from sync_protocol.ids import InvitationId, RootHash
from sync_protocol.invitations import Invitation
from sync_protocol.records import pack
from sync_protocol.roles import Role
from tests.support.audit_records import opened
from tests.support.people import START_MS
from tests.unit.edge_runtime.clinic import ADDRESS, Clinic, fact
from tests.unit.edge_runtime.relay_shell import RelayShell

PASSPHRASE: Final = "correct horse"
CHEAP: Final = Cost(memory_kib=32, passes=1, lanes=1)


def _home(folder: Path, clinic: Clinic | None = None, role: Role = Role.NURSE) -> Path:
    """A home: of a device of the clinic, or of none."""
    home = folder / "home"
    with open_home(home, PASSPHRASE, make=True, cost=CHEAP) as runtime:
        if clinic is not None:
            identity = clinic.device(role).identity
            with runtime.store.writing() as writer:
                for certificate in identity.trust.certificates():
                    writer.put_certificate(certificate)
                keys = identity.keys
                DeviceKeys(signer=keys.signer, wrap=keys.wrap, administrator=None).save(writer)
                enrol(writer, root=identity.root, chain=identity.chain, session=identity.session)
    return home


def test_a_home_is_made_once_and_opened_again(tmp_path: Path):
    """Making it again keeps what is there; without making, nothing appears."""
    for _ in range(2):
        home = _home(tmp_path)
    with open_home(home, PASSPHRASE) as runtime:
        assert runtime.store.size() == 0
        with pytest.raises(StoreError) as used, open_home(home, PASSPHRASE):
            pass
        assert used.value.code == "home_in_use"
        with pytest.raises(RefusedError):
            _ = runtime.identity
        assert not runtime.waiting
    with pytest.raises(VaultError) as wrong, open_home(home, "wrong"):
        pass
    assert wrong.value.code == "wrong_passphrase"
    for place in (tmp_path / "none", home / "lock" / "x", tmp_path / ("x" * 300)):
        with pytest.raises(VaultError) as none, open_home(place, PASSPHRASE):
            pass
        assert none.value.code == "no_vault"
    assert not (tmp_path / "none").exists()
    with pytest.raises(StoreError), open_home(home / "lock" / "x", PASSPHRASE, make=True, cost=CHEAP):
        pass


def test_rooms_are_built_once_and_share_what_they_know(tmp_path: Path, clinic: Clinic):
    """One identity, one keyring, one recorder, one set of charts; what is written is announced."""
    with open_home(_home(tmp_path, clinic), PASSPHRASE) as runtime:
        assert runtime.identity is runtime.identity
        assert runtime.charts is runtime.charts
        assert runtime.charts.keyring is runtime.keyring
        assert runtime.charts.recorder is runtime.recorder
        heard: list[Any] = []
        runtime.events.subscribe(heard.append)
        chart, _ = runtime.charts.create((), workflow=None)
        assert heard == [Changed(frozenset({chart}))]
        assert runtime.keyring.charts() == [chart]


def test_the_relays_address_is_found_in_order(tmp_path: Path, clinic: Clinic):
    """The one given, the one last used, the invitation's, the one in the relay's record; otherwise it is asked for."""
    with open_home(_home(tmp_path, clinic), PASSPHRASE) as runtime:
        with pytest.raises(RefusedError) as none:
            runtime.connections.relay_address(None)
        assert none.value.code == "no_relay"
        with runtime.store.writing() as writer:
            writer.put_value(RELAY, clinic.relay.wire)
        assert runtime.connections.relay_address(None) == ADDRESS
        invitation = Invitation(
            invitation=InvitationId(bytes(16)),
            root=RootHash(bytes(32)),
            address="http://invited",
            secret=bytes(32),
            role=Role.NURSE,
            expires_ms=1,
        )
        with runtime.store.writing() as writer:
            writer.put_value(INVITATION, pack(invitation))
        assert runtime.connections.relay_address(None) == "http://invited:80"
        runtime.connections.keep_address("http://used:81")
        runtime.connections.keep_address("http://used:81")
        assert runtime.store.get_value(RELAY_ADDRESS) == b"http://used:81"
        assert runtime.connections.relay_address(None) == "http://used:81"
        assert runtime.connections.relay_address("HTTP://Given/") == "http://given:80"
        with pytest.raises(InputError):
            runtime.connections.relay_address("given")


def test_a_relay_is_dialled_by_socket_or_by_requests(tmp_path: Path, clinic: Clinic):
    """Requests are dialled when they are made; a socket at once."""
    with open_home(_home(tmp_path, clinic), PASSPHRASE) as runtime:
        link = runtime.connections.dial("http://127.0.0.1:9", over_http=True)
        assert isinstance(link, HttpLink)
        link.close()
        with pytest.raises(RemoteError) as error:
            runtime.connections.dial("http://127.0.0.1:9", over_http=False)
        assert error.value.code == "relay_unreachable"


def test_a_sync_tries_again_closes_its_links_and_tells(tmp_path: Path, clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A failed attempt is repeated on a new link; every link is closed; success is announced and the address kept."""
    relay = RelayShell(clinic)
    slept: list[float] = []

    def dial(_: Connections, __: str, *, over_http: bool) -> Any:
        assert not over_http
        link = relay.link()
        link.cut_after = 2 if len(relay.links) < 3 else None
        return link

    monkeypatch.setattr(Connections, "dial", dial)
    monkeypatch.setattr("edge_runtime.runtime.time.sleep", slept.append)
    monkeypatch.setattr("edge_runtime.runtime.clock", lambda: START_MS)  # its certificate has not ended
    with open_home(_home(tmp_path, clinic, Role.PHYSICIAN), PASSPHRASE) as runtime:
        clinic.admin.sync(relay)
        del relay.links[:]
        runtime.charts.create((), workflow=None)
        heard: list[Any] = []
        runtime.events.subscribe(heard.append)
        with pytest.raises(RemoteError):
            runtime.connections.sync_once(ADDRESS)
        report = runtime.connections.sync_once(ADDRESS, attempts=3)
        # The chart, and this device's ledger, its key and the record that the relay was met on the attempt before.
        assert report.receipted == report.sent == 4
        assert len(slept) == 1
        assert [link.closed for link in relay.links] == [1, 1, 1]
        assert heard[-1] == Synced(received=report.received, receipted=4, pending=0)
        assert runtime.store.get_value(RELAY_ADDRESS) == ADDRESS.encode()


def test_failed_attempts_are_recorded_by_the_next_opening(tmp_path: Path, clinic: Clinic):
    """Once, with their number; also those of somebody who wanted to use the open home."""
    folder = _home(tmp_path, clinic, Role.NURSE)

    def told() -> list[int | None]:
        found = opened(runtime.store, runtime.keyring, ledger_id(runtime.identity.name))
        return [one.count for _, one in found if isinstance(one, AuditRecord) and one.kind.name == "unlock_failed"]

    for _ in range(3):
        with pytest.raises(VaultError, match="another"), open_home(folder, "wrong"):
            pass
    with open_home(folder, PASSPHRASE) as runtime:
        assert told() == [3]
        with pytest.raises(VaultError):
            runtime.check_passphrase("wrong")
        runtime.check_passphrase(PASSPHRASE)
        assert told() == [3, 1]
    with open_home(folder, PASSPHRASE) as runtime:
        assert told() == [3, 1]


def test_failed_attempts_wait_until_they_can_be_recorded(
    tmp_path: Path, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
):
    """For a full disk to have room again: nobody is kept out; and for the enrolment of the device."""

    def full(*_: Any, **__: Any) -> Any:
        raise StoreError("disk_full", expected="room", got="none", do="free some")

    folder = _home(tmp_path, clinic, Role.NURSE)
    with pytest.raises(VaultError), open_home(folder, "wrong"):
        pass
    monkeypatch.setattr(Recorder, "write", full)
    with open_home(folder, PASSPHRASE) as runtime:
        assert failed_attempts(runtime.home.attempts) is not None
    monkeypatch.undo()
    with open_home(folder, PASSPHRASE) as runtime:
        assert failed_attempts(runtime.home.attempts) is None
    fresh = tmp_path / "fresh"
    with open_home(fresh, PASSPHRASE, make=True, cost=CHEAP):
        pass
    with pytest.raises(VaultError), open_home(fresh, "wrong"):
        pass
    with open_home(fresh, PASSPHRASE) as runtime:
        assert failed_attempts(runtime.home.attempts) is not None
        runtime.record_unlocked("bridge")
        assert runtime.store.size() == 0


def test_clock_and_entropy_are_the_systems(monkeypatch: pytest.MonkeyPatch):
    """Milliseconds since 1970, never before; so many random bytes."""
    assert abs(clock() - time.time() * 1000) < 60_000
    assert len(entropy(5)) == 5
    assert entropy(16) != entropy(16)
    monkeypatch.setattr("edge_runtime.runtime.time.time_ns", lambda: -5_000_000)
    assert clock() == 0


def test_an_end_keeps_open_charts_and_a_lock_removes_them(tmp_path: Path, clinic: Clinic):
    """What changed since it was kept is kept again when the program ends; a lock leaves nothing of it in the store."""
    home = _home(tmp_path, clinic, Role.PHYSICIAN)
    with open_home(home, PASSPHRASE) as runtime:
        runtime.rest()
        charts = runtime.charts
        charts.opened._entries_min = 1
        chart, (document,) = charts.create([fact("identity", name="Ana Lima")], workflow=None)
        charts.open(chart)
        charts.add_facts(chart, document, [fact("priority", to="urgent")])
        charts.open(chart)
    with open_home(home, PASSPHRASE) as runtime:
        assert runtime.charts.opened.names(chart)
        assert runtime.charts.open(chart).document(document).priority.value == "urgent"
        runtime.forget()
        assert runtime.store.values(INDEX) == {}
        assert runtime.store.check() == []
