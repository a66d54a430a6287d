"""`fieldward server run`: starts, says where, stops well, and refuses with one clear line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from sync_protocol.organisation_file import make_organisation_file
from sync_protocol.roles import Role
from tests.e2e.conftest import LIFE_MS
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayProcess, keep
from tests.support.shells import SyncingDevice


@pytest.fixture(scope="module")
def people() -> Organisation:
    """One for all relays here."""
    return Organisation.make(41)


def refused(relay: RelayProcess, *options: str) -> dict[str, str]:
    """Run a relay that must not start: its error."""
    done = subprocess.run(relay.command("--json", *options), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert len(done.stdout.splitlines()) == 1
    error: dict[str, str] = json.loads(done.stdout)["error"]
    return error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_well(tmp_path: Path, people: Organisation, number: int):
    """Exit code 0, nothing on standard error, connections told, the ready file gone."""
    with RelayProcess(tmp_path / "home", people) as relay:
        relay.claim()
        home = SyncingDevice(people.device(Role.NURSE, life_ms=LIFE_MS, by_root=True))
        with relay.dial(home) as line:
            line.run()
            assert relay.stop(number) == 0
        assert relay.errors == ""
        assert not (tmp_path / "home.ready").exists()


def test_the_key_is_the_owner_s_alone_and_stays(tmp_path: Path, people: Organisation):
    """Made once, mode 0600; the fingerprint after a restart is the same, and so is the claim."""
    with RelayProcess(tmp_path / "home", people) as relay:
        told = json.loads(relay.request("GET", "/v1/relay")[2])
        assert told["record"] is None
        relay.claim()
        claimed = json.loads(relay.request("GET", "/v1/relay")[2])["record"]
        assert relay.stop() == 0
        key = tmp_path / "home" / "relay.key"
        assert key.stat().st_mode & 0o777 == 0o600
        assert len(key.read_bytes()) == 32
        relay.start()
        again = json.loads(relay.request("GET", "/v1/relay")[2])
        assert again["fingerprint"] == told["fingerprint"]
        assert again["record"] == claimed
        assert again["origin"].startswith(f"fieldward/{people.root.value.organisation}/")


def test_nobody_syncs_before_the_claim(tmp_path: Path, people: Organisation):
    """By WebSocket and by request the reason is the same, and says what to do."""
    with RelayProcess(tmp_path / "home", people) as relay:
        home = SyncingDevice(people.device(Role.NURSE, life_ms=LIFE_MS, by_root=True))
        with relay.dial(home) as line:
            line.receive()
            assert line.connection.closed is not None
            assert line.connection.closed.error is not None
            assert line.connection.closed.error.code == "relay_unclaimed"
        status, headers, body = relay.request("POST", "/v1/sync/hello", b"")
        assert (status, json.loads(body)["error"]["code"]) == (503, "relay_unclaimed")
        assert headers["retry-after"]


def test_a_claim_is_the_root_s_word_for_this_very_relay(tmp_path: Path, people: Organisation):
    """Another root's, another key's, another log's or an older record is refused; a newer one replaces."""
    with RelayProcess(tmp_path / "home", people) as relay:
        foreign = Organisation.make(42)
        older = relay.record().wire

        def claim(wire: bytes) -> tuple[int, str]:
            status, _, body = relay.request("POST", "/v1/relay/record", wire)
            return status, body.decode()

        assert claim(foreign.relay.wire)[0] == 403
        assert claim(b"\xff")[0] == 400
        assert "record_other_key" in claim(people.relay.wire)[1]
        assert "record_other_log" in claim(relay.record(origin="elsewhere").wire)[1]
        newer = relay.record().wire
        assert claim(newer)[0] == 200
        assert claim(newer)[0] == 200
        assert "record_older" in claim(older)[1]
        assert claim(relay.record().wire)[0] == 200


def test_one_relay_a_home(tmp_path: Path, people: Organisation):
    """A second one on the same home is refused while the first one runs."""
    with RelayProcess(tmp_path / "home", people) as relay:
        assert refused(relay)["code"] == "home_in_use"


def test_a_taken_port(tmp_path: Path, people: Organisation):
    """Says which, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = refused(RelayProcess(tmp_path / "home", people), "--port", str(port))
    assert error["code"] == "address"
    assert str(port) in error["expected"]
    assert "--port" in error["do"]


def test_another_organisation_s_database(tmp_path: Path, people: Organisation):
    """Expected and got name the roots."""
    with RelayProcess(tmp_path / "home", people) as relay:
        assert relay.stop() == 0
        foreign = Organisation.make(43)
        relay.organisation_file.write_bytes(make_organisation_file(foreign.root, foreign.admin.certificate))
        assert refused(relay)["code"] == "other_organisation"


def test_damaged_files(tmp_path: Path, people: Organisation):
    """An organisation file, a key or a database that is not what it was: one line each, and the data stays."""
    relay = RelayProcess(tmp_path / "home", people)
    with relay:
        assert relay.stop() == 0
    good = relay.organisation_file.read_bytes()
    relay.organisation_file.write_bytes(good[:100])
    assert refused(relay)["code"] == "organisation_file"
    relay.organisation_file.write_bytes(good)
    key = tmp_path / "home" / "relay.key"
    seed = key.read_bytes()
    key.write_bytes(b"short")
    assert refused(relay)["code"] == "relay_key"
    key.write_bytes(bytes(32))
    assert refused(relay)["code"] == "other_key"
    key.write_bytes(seed)
    key.chmod(0o644)
    assert refused(relay)["code"] == "relay_key"
    key.chmod(0o600)
    database = tmp_path / "home" / "relay.sqlite3"
    database.write_bytes(b"no database" * 1000)
    assert refused(relay)["code"] == "storage_damaged"


def test_an_unreachable_database(tmp_path: Path, people: Organisation):
    """A server that is not there, and a URL that is none; no password in the error."""
    relay = RelayProcess(tmp_path / "home", people)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"postgresql://relay:hunter2@127.0.0.1:{closed.getsockname()[1]}/relay"
        error = refused(relay, "--database-url", url)
    assert error["code"] == "storage_unreachable"
    assert "hunter2" not in json.dumps(error)
    assert refused(relay, "--database-url", "nonsense")["code"] == "storage_url"


def test_the_readable_line_and_the_ready_file(tmp_path: Path, people: Organisation):
    """People get a sentence, programs an object; both name address and fingerprint."""
    relay = RelayProcess(tmp_path / "home", people)
    for options in ((), ("--json",)):
        ready = tmp_path / "ready.json"
        process = subprocess.Popen(
            relay.command("--ready-file", str(ready), *options), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        told = json.loads(ready.read_text())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert set(told) == {"url", "pid", "fingerprint"}
        assert told["url"] in line
        assert told["fingerprint"] in line
        if options:
            assert json.loads(line)["claimed"] is False


def test_it_runs_on_postgresql(tmp_path: Path, people: Organisation):
    """The same relay, another engine."""
    from tests.support.postgres import new_database

    url = new_database(f"relay_{os.getpid()}")
    owner, nurse = (
        SyncingDevice(people.device(role, life_ms=LIFE_MS, by_root=True)) for role in (Role.PHYSICIAN, Role.NURSE)
    )
    chart = ChartWriter.begin(owner.session, members=[nurse.device])
    chart.write(count=50)
    keep(owner, owner.session, chart.written)
    with RelayProcess(tmp_path / "home", people, "--database-url", url) as relay:
        relay.claim()
        for home in (owner, nurse):
            with relay.dial(home) as line:
                line.run()
        assert relay.stop() == 0
        assert relay.errors == ""
        relay.start()
        with relay.dial(SyncingDevice(nurse.device)) as line:
            line.run()
            assert {entry.hash for entry in chart.written} <= line.home.entries()
    assert {entry.hash for entry in chart.written} <= owner.receipted
