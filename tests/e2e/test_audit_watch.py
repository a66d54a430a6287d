"""`fieldward audit watch` beside a real relay: it lets honest growth pass, and catches a past that changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import edge_runtime.runtime
from edge_runtime.cli.main import run
from edge_runtime.runtime import open_home
from edge_runtime.transports.http import HttpClient
from edge_runtime.vault.passphrase import Cost
from server.relay.cosigning import COSIGN_EVERY_S, Cosigning
from sync_protocol.checkpoints import NoteVerifyKey, open_checkpoint
from sync_protocol.merkle import verify_consistency
from sync_protocol.organisation_file import open_organisation_file
from sync_protocol.roles import Role
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayThread, keep
from tests.support.shells import SyncingDevice

HOUR_MS = 3_600_000


class Watcher:
    """The command, with a state of its own; knows the organisation file and nothing secret."""

    def __init__(self, relay: RelayThread, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.relay = relay
        self.state = state
        self._capsys = capsys

    def run(self, *options: str) -> tuple[int, str]:
        """One look: exit code and output."""
        self._capsys.readouterr()
        fixed = ["--relay", self.relay.url, "--organisation", str(self.relay.organisation_file)]
        code = run(["audit", "watch", *fixed, "--state", str(self.state), "--once", *options])
        said = self._capsys.readouterr()
        return code, said.out + said.err

    def look(self) -> tuple[int, dict[str, Any]]:
        """One look as JSON."""
        code, said = self.run("--json")
        told: dict[str, Any] = json.loads(said)
        return code, told

    def alarm(self) -> dict[str, Any]:
        """One look that must end in one alarm, with its evidence."""
        code, told = self.look()
        assert code == 3, told
        assert told["ok"] is False
        (alarm,) = told["alarms"]
        evidence: dict[str, Any] = json.loads(Path(alarm["evidence"]).read_text())
        assert evidence["alarm"] == alarm["code"]
        return evidence


@pytest.fixture
def organisation(monkeypatch: pytest.MonkeyPatch) -> Organisation:
    """Whose clock the relay and the watcher go by."""
    made = Organisation.make(29)
    monkeypatch.setattr("edge_runtime.runtime.clock", made.clock)
    return made


@pytest.fixture
def watching(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[RelayThread], Watcher]:
    """Makes the watcher of a relay; all share one state."""
    return lambda relay: Watcher(relay, tmp_path / "watch.json", capsys)


def write(relay: RelayThread, count: int) -> None:
    """Push a new chart of some entries."""
    home = SyncingDevice(relay.organisation.device(Role.PHYSICIAN, by_root=True))
    chart = ChartWriter.begin(home.session)
    chart.write(count=count)
    keep(home, home.session, chart.written)
    line = relay.dial_http(home)
    line.handshake()
    line.run()


def test_an_honest_relay_is_watched_as_it_grows(tmp_path: Path, organisation: Organisation, watching: Any):
    """From the empty log on, look by look, over a restart; a person can read what is said."""
    home = tmp_path / "relay"
    with RelayThread(home, organisation) as relay:
        relay.claim()
        watcher = watching(relay)
        code, told = watcher.look()
        assert (code, told["ok"], told["size"], told["size_before"], told["alarms"]) == (0, True, 0, None, [])
        write(relay, 20)
        code, told = watcher.look()
        assert (code, told["ok"], told["size_before"]) == (0, True, 0)
        size = told["size"]
        assert size >= 20
        write(relay, 300)
        code, said = watcher.run()
        assert code == 0
        assert "nothing before them has changed" in said
        assert "cosigned 0 h ago" in said
        assert "nothing new" in watcher.run()[1]
    with RelayThread(home, organisation) as relay:
        write(relay, 3)
        code, told = watching(relay).look()
        assert (code, told["ok"]) == (0, True)
        assert told["size"] > told["size_before"] > size
    assert [path.name for path in tmp_path.iterdir() if "watch.json" in path.name] == ["watch.json"]


def test_a_relay_that_was_rolled_back_is_caught(tmp_path: Path, organisation: Organisation, watching: Any):
    """Its database is an older copy: shorter at first, and then with another past."""
    home, copy = tmp_path / "relay", tmp_path / "copy"
    with RelayThread(home, organisation) as relay:
        relay.claim()
        write(relay, 10)
        relay.stop()
        shutil.copytree(home, copy)
        relay.start()
        write(relay, 10)
        assert watching(relay).look()[0] == 0
    with RelayThread(copy, organisation) as relay:
        watcher = watching(relay)
        kept = watcher.state.read_bytes()
        evidence = watcher.alarm()
        assert evidence["alarm"] == "rollback"
        code, said = watcher.run()
        assert code == 3
        assert "ALARM (rollback)" in said
        assert "Evidence:" in said

        write(relay, 25)
        evidence = watcher.alarm()
        assert evidence["alarm"] == "split"
        key = NoteVerifyKey(relay.services.identity.origin, relay.services.identity.key.public)
        trusted = open_checkpoint(evidence["trusted_note"].encode(), key)
        shown = open_checkpoint(evidence["shown_note"].encode(), key)
        other_root = bytes.fromhex(evidence["shown_root_at_trusted_size"])
        assert shown.size > trusted.size
        assert other_root != trusted.root
        verify_consistency(
            first=trusted.size,
            first_root=other_root,
            second=shown.size,
            second_root=shown.root,
            path=[bytes.fromhex(node) for node in evidence["consistency_path"]],
        )
        assert watcher.state.read_bytes() == kept, "what was verified is not forgotten"


def test_two_logs_of_one_size_are_caught(tmp_path: Path, organisation: Organisation, watching: Any):
    """Two copies of one relay take as many entries, but others: the two notes prove it."""
    home, copy = tmp_path / "relay", tmp_path / "copy"
    with RelayThread(home, organisation) as relay:
        relay.claim()
        relay.stop()
        shutil.copytree(home, copy)
        relay.start()
        write(relay, 12)
        code, first = watching(relay).look()
        assert code == 0
    with RelayThread(copy, organisation) as relay:
        write(relay, 12)
        evidence = watching(relay).alarm()
        assert evidence["alarm"] == "split"
        assert f"\n{first['size']}\n" in evidence["shown_note"]
        assert evidence["consistency_path"] == []


def test_a_relay_that_stops_cosigning_is_caught(tmp_path: Path, organisation: Organisation, watching: Any):
    """48 hours without a cosignature are an alarm; the next one ends it."""
    with RelayThread(tmp_path / "relay", organisation) as relay:
        relay.claim()
        watcher = watching(relay)
        organisation.clock.now_ms += 47 * HOUR_MS
        assert watcher.look()[0] == 0
        organisation.clock.now_ms += 2 * HOUR_MS
        assert watcher.alarm()["alarm"] == "stale"
        services = relay.services
        assert Cosigning(services.store, services.identity).cosign(services.window.tip.checkpoint, organisation.clock())
        assert 49 * HOUR_MS > COSIGN_EVERY_S * 1000
        assert watcher.look()[0] == 0


def test_another_relay_under_the_address_is_caught(tmp_path: Path, organisation: Organisation, watching: Any):
    """Another key, whether the root recorded it since or never did."""
    with RelayThread(tmp_path / "relay", organisation) as relay:
        relay.claim()
        assert watching(relay).look()[0] == 0
    with RelayThread(tmp_path / "other", organisation) as relay:
        code, told = watching(relay).look()
        assert (code, told["error"]["code"]) == (1, "relay_unclaimed")
        relay.claim()
        assert watching(relay).alarm()["alarm"] == "foreign_key"
    stranger = Organisation.make(31)
    with RelayThread(tmp_path / "strange", stranger) as relay:
        relay.claim()
        watcher = watching(relay)
        relay.organisation_file = tmp_path / "relay.org"
        assert watcher.alarm()["alarm"] == "foreign_key"


def test_what_cannot_be_looked_at_is_said(tmp_path: Path, organisation: Organisation, watching: Any):
    """No relay, no address, no organisation: refused, and no alarm; the loop waits for the relay."""
    with RelayThread(tmp_path / "relay", organisation) as relay:
        relay.claim()
        watcher = watching(relay)
    code, told = watcher.look()
    assert (code, told["error"]["code"]) == (1, "relay_unreachable")
    assert not watcher.state.exists()
    assert run(["audit", "watch", "--organisation", str(relay.organisation_file), "--once", "--json"]) == 1
    (tmp_path / "bad.org").write_bytes(b"x")
    fixed = ["--relay", "http://127.0.0.1:1", "--once", "--json"]
    assert run(["audit", "watch", "--organisation", str(tmp_path / "bad.org"), *fixed]) == 1
    watcher.state.write_bytes(b"damaged")
    with RelayThread(tmp_path / "relay", organisation) as relay:
        code, told = watching(relay).look()
        assert (code, told["error"]["code"]) == (1, "watch_state")


def test_the_loop_goes_on_until_an_alarm(
    tmp_path: Path, organisation: Organisation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A relay that is away for a while is no alarm; one that comes back with another past is."""
    home, copy = tmp_path / "relay", tmp_path / "copy"
    waits: list[float] = []
    answers: list[str | None] = []
    asked = HttpClient._once

    def once(client: HttpClient, *arguments: Any) -> Any:
        if answers[0] is None:
            raise ConnectionRefusedError
        if client.address != answers[0]:
            client.close()
            client.address = answers[0]
        return asked(client, *arguments)

    def pause(seconds: float) -> None:
        waits.append(seconds)
        answers.pop(0)

    with RelayThread(home, organisation) as relay:
        relay.claim()
        relay.stop()
        shutil.copytree(home, copy)
        relay.start()
        write(relay, 5)
        with RelayThread(copy, organisation) as other:
            write(other, 40)
            answers.extend([relay.url, relay.url, None, other.url])
            monkeypatch.setattr(HttpClient, "_once", once)
            monkeypatch.setattr("time.sleep", pause)
            capsys.readouterr()
            fixed = ["--relay", relay.url, "--organisation", str(relay.organisation_file)]
            assert run(["audit", "watch", *fixed, "--interval", "7", "--json"]) == 3
            monkeypatch.undo()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["ok"] for line in lines] == [True, True, None, False]
    assert lines[2]["error"]["code"] == "relay_unreachable"
    assert [alarm["code"] for alarm in lines[3]["alarms"]] == ["split"]
    assert waits == [7, 7, 7]
    assert (tmp_path / "relay.org.watch.json").exists(), "beside the organisation file, where nothing else is said"


def test_a_home_says_whom_to_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The founder's device claims the relay with its cosigning key by inviting, and can watch it from then on."""
    kwdefaults = open_home.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
    monkeypatch.setitem(kwdefaults, "cost", Cost(memory_kib=32, passes=1, lanes=1))
    monkeypatch.setenv("FIELDWARD_PASSPHRASE", "correct horse")
    monkeypatch.setenv("FIELDWARD_HOME", str(tmp_path / "admin"))
    file = tmp_path / "clinic.org"
    assert run(["org", "init", "--out", str(file)]) == 0
    root, administrator = open_organisation_file(file.read_bytes(), expected=None)
    clock = Organisation.make(37).clock
    clock.now_ms = edge_runtime.runtime.clock()
    founded = SimpleNamespace(root=root, admin=SimpleNamespace(certificate=administrator), clock=clock)
    with RelayThread(tmp_path / "relay", cast("Organisation", founded)) as relay:
        invite = ["--relay", relay.url, "--role", "nurse", "--out", str(tmp_path / "nurse.inv")]
        assert run(["device", "invite", *invite]) == 0
        identity = relay.services.identity
        assert identity.record.value.cosigner == identity.cosigner
        capsys.readouterr()
        size_before = None
        for _ in range(2):
            assert run(["audit", "watch", "--once", "--json"]) == 0
            told = json.loads(capsys.readouterr().out)
            assert (told["ok"], told["size_before"]) == (True, size_before)
            size_before = told["size"]
        assert (tmp_path / "admin" / "watch.json").exists()
