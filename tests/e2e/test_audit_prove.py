"""`fieldward audit prove` on a real relay: an officer proves what a nurse wrote, to somebody who has the file alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.cli.main import run
from edge_runtime.runtime import open_home
from edge_runtime.sync.log_keeping import LogKeeper
from sync_protocol.control import content_stream
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.roles import CONTENT, Role
from tests.e2e.conftest import LIFE_MS
from tests.support.people import Organisation
from tests.support.relay_server import RelayProcess
from tests.unit.mobile_bridge.homes import CHEAP, PASSPHRASE, make_chart, make_home

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs a command with --json: exit code, and what it says."""
    monkeypatch.setenv("FIELDWARD_PASSPHRASE", PASSPHRASE)

    def asked(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return asked


def sync(folder: Path, url: str) -> None:
    """Sync a home."""
    with open_home(folder, PASSPHRASE, cost=CHEAP) as runtime:
        runtime.connections.sync_once(url)


def test_an_officer_proves_a_nurse_s_entry(tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """Without her receipt; a relay that lost it since is caught, and the note waits to be held against it."""
    organisation = Organisation.make(53)
    nurse, officer, proof = tmp_path / "nurse", tmp_path / "officer", tmp_path / "proof.fwe"
    home, copy = tmp_path / "relay", tmp_path / "copy"
    people = {nurse: organisation.device(Role.NURSE, life_ms=LIFE_MS, by_root=True)}
    people[officer] = organisation.device(Role.COMPLIANCE_OFFICER, life_ms=LIFE_MS, by_root=True)
    with RelayProcess(home, organisation) as relay:
        relay.claim()
        for folder, device in people.items():
            make_home(folder, device, relay=relay.url)
        sync(officer, relay.url)
        relay.stop()
        shutil.copytree(home, copy)
        relay.start()
        chart, _, encounter = make_chart(nurse)
        sync(nurse, relay.url)
        sync(officer, relay.url)
        with open_home(officer, PASSPHRASE, cost=CHEAP) as runtime:
            streams = [
                content_stream(ChartId.parse(chart), DocumentId.parse(encounter), compartment)
                for compartment in CONTENT
            ]
            entry = runtime.store.arrivals(after=0, limit=1, streams=streams)[0].entry.hash.hex()
        prove = ("audit", "prove", entry, "--home", str(officer))
        code, told = ask(*prove, "--relay", relay.url, "--out", str(proof))
        assert (code, told["source"], told["entry"]) == (0, "published_log", entry)
        assert 0 <= told["log_index"] < told["log_size"]
        assert told["size_before"] > 0
        code, report = ask("audit", "verify", "--bundle", str(proof), "--organisation", str(relay.organisation_file))
        assert (code, report["ok"]) == (0, True)
        kinds = {finding["kind"] for finding in report["findings"]}
        assert kinds <= {"awaited", "unseen_device"}, (
            "what the entry names is not in the file, and nothing else is amiss"
        )
        assert report["receipts"] > 0
        assert ask(*prove)[1]["source"] == "published_log", "by the address last used"
        assert ask("audit", "prove", entry, "--home", str(nurse))[1]["source"] == "kept_receipt"
        assert run([*prove]) == 0
        said = capsys.readouterr().out
        assert "the relay's published log, checked now" in said
        assert f"begins with the {told['size_before']} entries" in said
    with RelayProcess(copy, organisation) as relay:
        code, told = ask("audit", "prove", entry[:20], "--home", str(officer), "--relay", relay.url)
        assert (code, told["error"]["code"]) == (1, "not_in_log")
        code, told = ask("audit", "prove", entry, "--home", str(nurse), "--relay", relay.url)
        assert (code, told["error"]["code"]) == (3, "rollback")
        note = relay.request("GET", "/v1/log/checkpoint")[2]
        with open_home(nurse, PASSPHRASE, cost=CHEAP) as runtime:
            assert note in LogKeeper(runtime.store, runtime.identity, events=runtime.events).to_show()
