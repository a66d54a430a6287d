"""A team that is gone and a tablet that is lost, through a real relay: what the holders and a backup bring back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.cli.main import run
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.facts import Fact
from edge_runtime.identity import ORGANISATION_KEYS
from edge_runtime.runtime import Runtime, open_home
from sync_protocol.ids import ChartId, EntryHash
from sync_protocol.roles import Role
from tests.e2e.conftest import LIFE_MS
from tests.support.people import Organisation
from tests.support.relay_server import RelayProcess
from tests.unit.mobile_bridge.homes import CHEAP, PASSPHRASE, make_home

Say = Callable[..., Any]
STAFF = {"physician": Role.PHYSICIAN, "stranger": Role.NURSE}


@pytest.fixture(name="say")
def fixture_say(
    tmp_path: Path,
    organisation: Organisation,
    relay: RelayProcess,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Say]:
    """Homes of a founder, a physician and a nurse who belongs to no chart; runs commands on them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIELDWARD_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("FIELDWARD_BACKUP_PASSPHRASE", "of the backup")
    make_home(tmp_path / "founder", organisation.admin_of_long_life, relay=relay.url)
    for name, role in STAFF.items():
        make_home(tmp_path / name, organisation.device(role, life_ms=LIFE_MS), relay=relay.url)
    with open_home(tmp_path / "founder", PASSPHRASE, cost=CHEAP) as founder, founder.store.writing() as writer:
        writer.put_value(ORGANISATION_KEYS, organisation.root_key.reveal())

    def said(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        found = run([*words, "--json"])
        out = capsys.readouterr().out
        assert found == code, out
        return json.loads(out)

    yield said


def _with(home: str, act: Callable[[Runtime], Any]) -> Any:
    with open_home(Path(home), PASSPHRASE, cost=CHEAP) as runtime:
        return act(runtime)


def _chart(runtime: Runtime) -> ChartId:
    facts = [Fact(kind="allergy", payload={"text": "Latex", "severity": "mild"}, supersedes=())]
    return runtime.charts.create(facts, workflow=WorkflowType.ENCOUNTER)[0]


def _names(runtime: Runtime) -> set[EntryHash]:
    store = runtime.store
    assert not any(store.forked(stream) for stream in store.streams())
    assert store.check() == []
    return {arrived.entry.hash for arrived in store.arrivals(after=0, limit=1 << 20)}
