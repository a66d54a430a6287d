"""Connections of a relay in this process, where clocks can be set and parts can fail."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

import server.relay.fanout
import server.relay.routes.socket
import server.relay.routes.sync
from server.relay.errors import SlowError, StorageError
from server.relay.identity import COSIGNER_FILE, Identity, load_cosigner
from server.relay.models import RequestState
from sync_protocol.control import Certify
from sync_protocol.frames import unpack_frame
from sync_protocol.ids import InvitationId
from sync_protocol.roles import Role
from sync_protocol.signing import CosigningKey, SigningKey
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayThread, SocketLine, keep
from tests.support.shells import SyncingDevice


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """Shared: no test changes it."""
    return Organisation.make(17)


@pytest.fixture
def room(tmp_path: Path, organisation: Organisation) -> Iterator[RelayThread]:
    """A claimed relay by the organisation's clock."""
    with RelayThread(tmp_path / "home", organisation) as opened:
        opened.claim()
        yield opened


def writing(organisation: Organisation) -> SyncingDevice:
    """A device that has something for the relay."""
    home = SyncingDevice(organisation.device(Role.PHYSICIAN))
    chart = ChartWriter.begin(home.session)
    chart.write(count=3)
    keep(home, home.session, chart.written)
    return home


def why(line: SocketLine) -> str | None:
    """Why the relay ended it."""
    closed = line.connection.closed
    return None if closed is None or closed.error is None else closed.error.code


def ended(room: RelayThread, home: SyncingDevice) -> str | None:
    """Sync until the relay ends it; why it did."""
    with room.dial(home) as line:
        while line.connection.closed is None:
            line.receive()
        return why(line)


def test_a_full_disk_is_said_and_passes(room: RelayThread, organisation: Organisation, monkeypatch):
    """Nothing is receipted, health tells, and once there is room the same entries are taken."""
    home = writing(organisation)

    def no_room(**_: int) -> NoReturn:
        raise StorageError("storage_full", expected="room", got="none", do="free some")

    with monkeypatch.context() as patch:
        patch.setattr(room.services.store, "writing", no_room)
        assert ended(room, home) == "storage_full"
        assert home.receipted == set()
        status, _, body = room.request("GET", "/v1/health")
        assert (status, json.loads(body)["parts"]["writer"]) == (503, "storage_full")
    with room.dial(home) as line:
        line.run()
    assert home.pending() == []
    assert room.request("GET", "/v1/health")[0] == 200


def test_a_bug_is_not_the_device_s_fault_and_shows_nothing(room: RelayThread, monkeypatch, caplog):
    """An error that nobody foresaw is one of ours, without its message; the log has it."""

    def fail(*_: object) -> None:
        raise ValueError("a private word")

    monkeypatch.setattr(room.services.rates, "check", fail)
    status, _, body = room.request("GET", f"/v1/enrolment/{'0' * 32}")
    assert status == 500
    assert json.loads(body)["error"]["code"] == "internal"
    assert b"a private word" not in body
    assert "a bug in the relay" in caplog.text


def test_who_does_not_shake_hands_is_let_go(room: RelayThread, organisation: Organisation, monkeypatch):
    """An open socket that says nothing, or not enough, is not kept."""
    monkeypatch.setattr(server.relay.routes.socket, "HANDSHAKE_TIMEOUT_S", 0.05)
    home = SyncingDevice(organisation.device(Role.NURSE))
    with room.dial(home) as line:
        line.connection.exchange.fail(SlowError("late", expected="haste", got="none", do="hurry"))
        line.receive()  # WELCOME, which this device ignores
        assert unpack_frame(bytes(line.socket.recv(timeout=10))).code == "session_over"  # type: ignore[arg-type]


def test_a_session_ends_with_its_certificate(room: RelayThread, organisation: Organisation):
    """Who came in with a certificate that ends soon is let go when it does."""
    started = time.monotonic()
    assert ended(room, SyncingDevice(organisation.device(Role.NURSE, life_ms=200))) == "session_over"
    assert time.monotonic() - started < 10


def test_a_token_ends(room: RelayThread, organisation: Organisation):
    """After its life, with a fifth one of the same device, or when it is revoked."""
    home = SyncingDevice(organisation.device(Role.NURSE))
    services = room.services

    def token() -> dict[str, str]:
        line = room.dial_http(home)
        line.handshake()
        return {"Authorization": f"Bearer {line.token}"}

    def status(header: dict[str, str]) -> int:
        return room.request("POST", "/v1/sync", b"", header)[0]

    good = token()
    assert status(good) == 200
    now_ms = organisation.clock.now_ms
    services.now_ms = lambda: now_ms + services.settings.token_life_ms + 1000
    assert status(good) == 401
    services.now_ms = organisation.clock
    assert [status(header) for header in [token() for _ in range(6)]] == [401, 401, 200, 200, 200, 200]


def test_a_handshake_waits_a_minute(room: RelayThread, organisation: Organisation):
    """And no longer."""
    line = room.dial_http(SyncingDevice(organisation.device(Role.NURSE)))
    _, headers, _ = room.request("POST", "/v1/sync/hello", b"".join(line.connection.start()))
    now_ms = organisation.clock.now_ms
    room.services.now_ms = lambda: now_ms + 61_000
    name = {"Fieldward-Exchange": headers["fieldward-exchange"]}
    assert room.request("POST", "/v1/sync/auth", b"", name)[0] == 404


def test_too_many_live_devices_are_told_to_come_later(room: RelayThread, organisation: Organisation, monkeypatch):
    """With a reason, after they have proved who they are."""
    monkeypatch.setattr(server.relay.fanout, "LISTENERS_MAX", 0)
    assert ended(room, SyncingDevice(organisation.device(Role.NURSE))) == "busy"


def test_too_many_requests_at_once_are_told_to_come_later(tmp_path: Path, organisation: Organisation, monkeypatch):
    """Before their bodies are read."""
    monkeypatch.setattr(server.relay.routes.sync, "REQUESTS_MAX", 0)
    with RelayThread(tmp_path / "home", organisation) as room:
        room.claim()
        line = room.dial_http(SyncingDevice(organisation.device(Role.NURSE)))
        line.handshake()
        assert line.request() == 503


def test_one_request_at_a_time_with_one_token(room: RelayThread, organisation: Organisation, monkeypatch):
    """A second one is refused, so that answers cannot get mixed up."""
    line = room.dial_http(writing(organisation))
    line.handshake()
    inside, go_on = threading.Event(), threading.Event()
    writing_ = room.services.store.writing

    @contextmanager
    def slow(*, arrived_ms: int) -> Iterator[object]:
        inside.set()
        go_on.wait(10)
        with writing_(arrived_ms=arrived_ms) as writer:
            yield writer

    monkeypatch.setattr(room.services.store, "writing", slow)
    line.request()
    first = threading.Thread(target=line.request)
    first.start()
    assert inside.wait(10)
    status, _, body = room.request("POST", "/v1/sync", b"", {"Authorization": f"Bearer {line.token}"})
    go_on.set()
    first.join()
    assert (status, json.loads(body)["error"]["code"]) == (409, "request_under_way")
    assert line.home.pending() == []


def test_a_record_of_another_key_does_not_claim(room: RelayThread):
    """Who replaces a key has to be claimed anew: the old record is of another relay, or of another cosigner."""
    identity, store = room.services.identity, room.services.store
    own = load_cosigner(room.home / COSIGNER_FILE, bytes)
    other = CosigningKey(bytes(32))
    assert Identity(store=store, root=identity.root, key=identity.key, cosigner=own).claimed
    assert not Identity(store=store, root=identity.root, key=SigningKey(bytes(32)), cosigner=own).claimed
    assert not Identity(store=store, root=identity.root, key=identity.key, cosigner=other).claimed
    status, _, body = room.request("POST", "/v1/relay/record", room.record(cosigner=other.public).wire)
    assert (status, json.loads(body)["error"]["code"]) == (409, "record_other_cosigner")
    assert room.request("POST", "/v1/relay/record", room.record(cosigner=None).wire)[0] == 200, "as older devices sign"


def test_what_was_taken_is_stored_when_the_relay_stops(tmp_path: Path, organisation: Organisation):
    """A graceful end commits what the writer has; the next start finds it."""
    home = writing(organisation)
    with RelayThread(tmp_path / "home", organisation) as room:
        room.claim()
        with room.dial(home) as line:
            line.run()
        size = room.services.window.tip.size
    assert room.services.ingest.state == "stopped"
    with RelayThread(tmp_path / "home", organisation) as room:
        assert room.services.window.tip.size == size
        fresh = SyncingDevice(home.device)
        with room.dial(fresh) as line:
            line.run()
        assert fresh.entries() == home.entries()


def test_a_certified_device_is_known_after_a_restart(tmp_path: Path, organisation: Organisation):
    """Its certificate is kept with the record that brought it, and its request is no longer pending."""
    newcomer, admin = organisation.device(Role.NURSE), SyncingDevice(organisation.admin)
    device = newcomer.certificate.value.device
    certify = Certify(certificate=newcomer.certificate.wire)
    keep(admin, admin.session, admin.session.write_control(organisation.root.value.control, [certify])[1])
    with RelayThread(tmp_path / "home", organisation) as room:
        room.claim()
        room.services.store.file_request(
            invitation=InvitationId(bytes(16)), device=device, wire=b"request", received_ms=0
        )
        assert room.request("GET", f"/v1/enrolment/{device}")[0] == 202
        with room.dial(admin) as line:
            line.run()
        assert room.request("GET", f"/v1/enrolment/{device}")[0] == 200
        assert room.services.enrolment.pending() == []
        room.services.store.mark_request(device, RequestState.PENDING)  # as after a crash right behind the commit
    with RelayThread(tmp_path / "home", organisation) as room:
        assert room.services.trust.certificate(newcomer.name) is not None
        assert room.services.enrolment.pending() == []
        assert newcomer.certificate.wire in room.request("GET", f"/v1/enrolment/{device}")[2]
