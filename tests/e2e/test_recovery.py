"""A team that is gone and a tablet that is lost, through a real relay: what the holders and a backup bring back."""

from __future__ import annotations

import json
from collections.abc import Callable
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
) -> Say:
    """Homes of a founder, a physician and a nurse who belongs to no chart; runs commands on them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIELDWARD_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("FIELDWARD_BACKUP_PASSPHRASE", "of the backup")
    make_home(tmp_path / "founder", organisation.device(Role.ADMIN, life_ms=LIFE_MS, by_root=True), relay=relay.url)
    for name, role in STAFF.items():
        make_home(tmp_path / name, organisation.device(role, life_ms=LIFE_MS, by_root=True), relay=relay.url)
    with open_home(tmp_path / "founder", PASSPHRASE, cost=CHEAP) as founder, founder.store.writing() as writer:
        writer.put_value(ORGANISATION_KEYS, organisation.root_key.reveal())

    def said(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        found = run([*words, "--json"])
        out = capsys.readouterr().out
        assert found == code, out
        return json.loads(out)

    return said


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


def test_three_holders_open_what_a_team_wrote_that_is_gone(say: Say) -> None:
    """On a device that belonged to no chart, once the relay has receipted the record; two holders do not."""
    old = _with("physician", _chart)
    say("recovery", "create", "--home", "founder", "--out", "sheets")
    for home in ("founder", "physician", "stranger"):
        assert say("sync", "once", "--home", home)["ok"]
    new = _with("physician", _chart)
    assert say("sync", "once", "--home", "physician")["ok"]
    sheets = [f"sheets/sheet-{number}.txt" for number in (2, 3, 5)]
    assert say("recovery", "drill", "--home", "stranger", *sheets)["canary"]
    few = say("recovery", "run", "--home", "stranger", *sheets[:2], code=1)
    assert few["error"]["code"] == "too_few_shares"
    assert say("chart", "list", "--home", "stranger")["charts"] == []
    found = say("recovery", "run", "--home", "stranger", *sheets)
    assert (found["charts"], found["closed"]) == (2, 0)
    assert {row["chart"] for row in say("chart", "list", "--home", "stranger")["charts"]} == {str(old), str(new)}
    for chart in (old, new):
        assert "Latex" in json.dumps(say("chart", "show", str(chart), "--home", "stranger"))
    say("sync", "once", "--home", "founder")
    status = say("recovery", "status", "--home", "founder")
    assert [(use["drill"], use["let_in"] is None) for use in status["uses"]] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert status["due"] == "it was used"


def test_a_restored_tablet_goes_on_where_the_lost_one_ended(say: Say) -> None:
    """What it wrote after its backup comes back from the relay, what it never sent is lost, and nothing forks."""
    say("sync", "once", "--home", "physician")
    before = _with("physician", _chart)
    say("device", "backup", "--home", "physician", "--out", "tablet.backup")
    after = _with("physician", _chart)
    assert say("sync", "once", "--home", "physician")["ok"]
    say("device", "restore", "--from", "tablet.backup", "--home", "replacement")
    elsewhere = _with("replacement", _chart)
    assert say("sync", "once", "--home", "replacement")["ok"]
    charts = {row["chart"] for row in say("chart", "list", "--home", "replacement")["charts"]}
    assert charts == {str(before), str(after), str(elsewhere)}
    for home in ("physician", "replacement", "physician", "replacement"):
        assert say("sync", "once", "--home", home)["ok"]
    assert _with("replacement", _names) == _with("physician", _names)
