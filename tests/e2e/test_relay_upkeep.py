"""`fieldward server archive` and `status`, beside a relay that runs and after it has stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from sync_protocol.roles import Role
from tests.e2e.conftest import LIFE_MS
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import COMMAND, RelayProcess, keep
from tests.support.shells import SyncingDevice

NEW = 600
TILE = "/v1/log/tile/0/000"


@pytest.fixture
def people() -> Organisation:
    """An organisation for this test alone."""
    return Organisation.make(47)


@pytest.fixture
def relay(tmp_path: Path, people: Organisation) -> Iterator[RelayProcess]:
    """A claimed relay."""
    with RelayProcess(tmp_path / "home", people) as opened:
        opened.claim()
        yield opened


def ask(*words: str, code: int = 0) -> str:
    """Run a command: what it says."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", COMMAND, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout or done.stderr


def told(*words: str, code: int = 0) -> dict[str, Any]:
    """Run a command: its JSON."""
    found: dict[str, Any] = json.loads(ask(*words, "--json", code=code))
    return found


def full(relay: RelayProcess, people: Organisation) -> SyncingDevice:
    """Fill some tiles of the log."""
    home = SyncingDevice(people.device(Role.PHYSICIAN, life_ms=LIFE_MS, by_root=True))
    chart = ChartWriter.begin(home.session)
    chart.write(count=NEW)
    keep(home, home.session, chart.written)
    with relay.dial(home) as line:
        line.run()
    return home


def test_tiles_move_while_the_relay_runs_and_are_served_on(relay: RelayProcess, people: Organisation) -> None:
    """Published tiles stay the same, before and after a restart; again moves nothing, and a lost file is named."""
    full(relay, people)
    place = ("--home", str(relay.home))
    tile = relay.request("GET", TILE)
    assert tile[0] == 200
    assert told("archive", *place, "--older-than", "1")["moved"] == 0
    done = told("archive", *place, "--older-than", "0")
    assert (done["moved"], done["archived"]) == (2, 2)
    file = relay.home / "archive" / "tile" / "0" / "000"
    assert file.read_bytes() == tile[2] == relay.request("GET", TILE)[2]
    full(relay, people)
    assert relay.stop() == 0
    assert relay.errors == ""
    assert "Moved 2 tiles" in ask("archive", *place, "--older-than", "0")
    relay.start()
    assert relay.request("GET", TILE)[2] == tile[2]
    file.unlink()
    status, _, body = relay.request("GET", TILE)
    assert (status, json.loads(body)["error"]["code"]) == (503, "archive_missing")
    assert str(file) in json.loads(body)["error"]["expected"]


def test_status_lists_every_certificate(relay: RelayProcess, people: Organisation) -> None:
    """With the newest entry of each and when it came; nobody is overdue whom the relay has not watched long enough."""
    home = full(relay, people)
    found = told("status", "--home", str(relay.home))
    seen = {one["certificate"]: one for one in found["certificates"]}
    assert set(seen) == {people.admin.certificate.hash.hex(), home.session.device.name.hex()}
    device = seen[home.session.device.name.hex()]
    assert device["log_index"] == found["log_size"] - 1
    assert device["arrived_ms"] > 1_700_000_000_000
    assert (device["current"], device["overdue"], found["overdue"]) == (True, False, 0)
    assert seen[people.admin.certificate.hash.hex()]["log_index"] is None
    lines = ask("status", "--home", str(relay.home)).splitlines()
    assert "2 certificates, 0 overdue" in lines[0]
    assert any(f"entry {device['log_index']}, 20" in line for line in lines[1:])
    assert any("wrote nothing yet" in line for line in lines[1:])


def test_two_archivals_at_once_are_refused(relay: RelayProcess) -> None:
    """The relay may run meanwhile, another archival may not."""
    with FileLock(relay.home / "archive.lock"):
        error = told("archive", "--home", str(relay.home), "--older-than", "0", code=1)["error"]
    assert error["code"] == "archive_in_use"


def test_a_home_without_its_relay_is_refused(relay: RelayProcess, tmp_path: Path, people: Organisation) -> None:
    """Nothing is made where no relay has run, and no tile goes to a home whose relay would not find it."""
    error = told("archive", "--home", str(tmp_path / "nowhere"), "--older-than", "0", code=1)["error"]
    assert error["code"] == "home_without_relay"
    assert not (tmp_path / "nowhere").exists()
    with RelayProcess(tmp_path / "second", people) as second:
        url = f"sqlite:///{relay.home / 'relay.sqlite3'}"
        place = ("--home", str(second.home), "--database-url", url)
        assert told("archive", *place, "--older-than", "0", code=1)["error"]["code"] == "other_key"
        assert told("status", *place, code=1)["error"]["code"] == "other_key"
