"""`fieldward server backup`, `restore` and `backed-up`, and bodies that cool, beside a relay that runs."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from edge_runtime.cli.main import run
from edge_runtime.cli.output import EXIT_DAMAGE, EXIT_DONE
from sync_protocol.backed_up import BackedUp, open_backed_up
from sync_protocol.signing import VerifyKey
from sync_protocol.steps import RELAY_LOG_DIFFERS
from tests.e2e.test_relay_upkeep import ask, full, told
from tests.support.people import Organisation
from tests.support.relay_server import RelayProcess
from tests.support.shells import SyncingDevice


@pytest.fixture
def people() -> Organisation:
    """An organisation for this test alone."""
    return Organisation.make(49)


@pytest.fixture
def relay(tmp_path: Path, people: Organisation) -> Iterator[RelayProcess]:
    """A claimed relay."""
    with RelayProcess(tmp_path / "home", people) as opened:
        opened.claim()
        yield opened


def backed_up(relay: RelayProcess) -> BackedUp:
    """What the relay of a home says, as it lies there."""
    key = VerifyKey.parse(json.loads(relay.request("GET", "/v1/relay")[2])["key"])
    with sqlite3.connect(relay.home / "relay.sqlite3") as connection:
        (wire,) = connection.execute("SELECT value FROM relay_value WHERE name = 'backed_up'").fetchone()
    return open_backed_up(wire, key).value


def test_a_relay_that_is_lost_comes_back_from_its_backup(relay: RelayProcess, people: Organisation, tmp_path: Path):
    """Made while it runs; after the loss devices are told, send again what came after, and nothing is missing."""
    home = full(relay, people)
    place, out = ("--home", str(relay.home)), tmp_path / "backup"
    assert "never backed up" in ask("status", *place)
    done = told("archive", *place, "--older-than", "0", "--bodies-older-than", "0")
    assert done["moved"] == 2
    assert done["bodies_moved"] >= 600
    made = told("backup", *place, "--out", str(out), "--with-keys")
    assert made["size"] == backed_up(relay).size == told("status", *place)["backup"]["through"]
    assert f"Backed up through entry {made['size']}" in ask("status", *place)
    with FileLock(out / "backup.lock"):
        assert told("backup", *place, "--out", str(out), code=1)["error"]["code"] == "backup_in_use"
    later = full(relay, people)
    relay.kill()
    shutil.rmtree(relay.home)
    assert told("restore", "--from", str(out), *place)["size"] == made["size"]
    assert told("restore", "--from", str(out), *place, code=1)["error"]["code"] == "home_not_empty"
    relay.start()
    with relay.dial(home) as line:
        line.run()
    for _ in range(2):
        later.rejected.clear()  # a device offers again what came before what it hangs on
        with relay.dial(later) as line:
            line.run()
    assert RELAY_LOG_DIFFERS in {alarm.code for alarm in later.alarms}
    assert not any(alarm.code == RELAY_LOG_DIFFERS for alarm in home.alarms)
    assert later.rejected == {}
    newcomer = told("status", *place)
    assert newcomer["log_size"] >= made["size"] + 600
    assert newcomer["backup"]["through"] == made["size"]
    assert relay.stop() == 0
    assert relay.errors == ""


def test_a_relay_does_not_start_on_half_a_restore(relay: RelayProcess, tmp_path: Path):
    """Whatever is there already."""
    place = ("--home", str(relay.home))
    ask("backup", *place, "--out", str(tmp_path / "backup"))
    relay.stop()
    (relay.home / "restore.unfinished").touch()
    out = ask("run", *place, "--organisation", str(relay.organisation_file), "--port", "0", code=1)
    assert "restore" in out


def test_a_backup_has_a_folder_of_its_own(relay: RelayProcess, tmp_path: Path):
    """Not the home's, where it is lost with it; nor one where the files of others, or another relay's, would go."""
    other, full_of = tmp_path / "other", tmp_path / "photos"
    (full_of / "blobs").mkdir(parents=True)
    (full_of / "blobs" / "one.jpg").write_bytes(b"x")
    place = ("--home", str(relay.home))
    for out in (relay.home, relay.home / "backup", relay.home.parent):
        assert told("backup", *place, "--out", str(out), code=1)["error"]["code"] == "backup_in_home"
    assert told("backup", *place, "--out", str(full_of), code=1)["error"]["code"] == "backup_folder"
    told("backup", *place, "--out", str(other))
    told("backup", *place, "--out", str(other))
    manifest = other / "backup.json"
    origin = json.loads(manifest.read_text())["origin"]
    manifest.write_text(manifest.read_text().replace(origin, f"fieldward/{'0' * 32}/{'0' * 16}"))
    assert told("backup", *place, "--out", str(other), code=1)["error"]["code"] == "backup_folder"
    assert (full_of / "blobs" / "one.jpg").exists()
    manifest.write_text("{")
    assert told("backup", *place, "--out", str(other))["folder"] == str(other)


def test_who_backs_up_otherwise_says_so(relay: RelayProcess, people: Organisation):
    """After being told what that asserts; never more than the relay has."""
    full(relay, people)
    place = ("--home", str(relay.home))
    size = told("status", *place)["log_size"]
    assert told("backed-up", *place, "--through", str(size + 1), "--yes", code=1)["error"]["code"] == "backed_up_beyond"
    assert "safe" in ask("backed-up", *place, "--through", "7", "--json", code=2)
    assert "Aborted" in ask("backed-up", *place, "--through", "7", code=1)
    assert told("backed-up", *place, "--through", str(size), "--yes")["size"] == size
    assert backed_up(relay).size == size
    assert "entries below 7" in ask("backed-up", *place, "--through", "7", "--yes")


def test_cooled_bodies_are_served_on(relay: RelayProcess, people: Organisation, capsys: pytest.CaptureFixture[str]):
    """To whoever syncs anew, from the files; and a lost file is named, while the rest goes on."""
    home = full(relay, people)
    place = ("--home", str(relay.home))
    assert "Moved 0 bodies" in ask("archive", *place, "--bodies-older-than", "1")
    assert told("archive", *place, "--bodies-older-than", "0")["bodies_moved"] >= 600
    assert "name --older-than" in ask("archive", *place, code=2)
    relay.stop()
    relay.start()
    again = SyncingDevice(home.device)
    with relay.dial(again) as line:
        line.until(lambda: line.connection.caught_up)
    assert again.store.size() == home.store.size()
    verify = ["audit", "verify", "--server-data", str(relay.home), "--json"]
    assert run(verify) == EXIT_DONE, capsys.readouterr().out
    file = next(path for path in (relay.home / "cold").rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[1:])
    capsys.readouterr()
    assert run(verify) == EXIT_DAMAGE
    report = json.loads(capsys.readouterr().out)
    assert report["entries"] == again.store.size()
    (finding,) = [one for one in report["findings"] if one["severity"] == "damage"]
    assert str(file) in finding["evidence"]["expected"]
