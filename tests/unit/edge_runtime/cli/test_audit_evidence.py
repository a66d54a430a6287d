"""`fieldward audit verify`, `findings`, `export --bundle` and `prove`, on homes and on files."""

from __future__ import annotations

import pytest

from edge_runtime.identity import RELAY_ADDRESS
from edge_runtime.runtime import open_home
from edge_runtime.sync.progress import RELAY
from tests.unit.edge_runtime.cli.world import PASSPHRASE, World


@pytest.fixture(name="founded")
def founded_world(world: World) -> World:
    """An organisation with a nurse, who made a chart and has synced."""
    world.found()
    world.enrol("nurse", "nurse")
    world.json("chart", "create", "--home", "nurse", "--name", "Zoraida Quispe")
    world.json("sync", "once", "--home", "nurse")
    return world


def test_a_home_and_its_evidence_hold(founded: World):
    """The file needs no home; the organisation's file pins its root."""
    report = founded.json("audit", "verify", "--home", "nurse")
    assert report["ok"]
    assert report["entries"] > 0
    assert report["devices"] == 2
    assert report["findings"] == []
    made = founded.json("audit", "export", "--home", "nurse", "--bundle", "evidence.fwe")
    assert made["entries"] >= report["entries"]
    checked = founded.json("audit", "verify", "--bundle", "evidence.fwe", "--organisation", "clinic.org")
    assert (checked["ok"], checked["findings"]) == (True, [])
    assert founded.run("audit", "findings", "--bundle", "evidence.fwe").code == 0
    assert "Everything holds" in founded.run("audit", "verify", "--bundle", "evidence.fwe").out


@pytest.mark.parametrize("part", range(0, 100, 7))
def test_a_changed_byte_is_exit_code_3(founded: World, part: int):
    """For people and for machines, and what to do about it is said."""
    founded.json("audit", "export", "--home", "nurse", "--bundle", "evidence.fwe")
    path = founded.folder / "evidence.fwe"
    data = bytearray(path.read_bytes())
    data[len(data) * part // 100] ^= 1
    path.write_bytes(data)
    report = founded.json("audit", "verify", "--bundle", "evidence.fwe", code=3)
    assert not report["ok"]
    assert all(
        set(finding) == {"kind", "severity", "device", "session", "seq", "evidence"} for finding in report["findings"]
    )
    found = founded.json("audit", "findings", "--bundle", "evidence.fwe", code=3)
    assert all(finding["do"] for finding in found["findings"])
    told = founded.run("audit", "findings", "--bundle", "evidence.fwe")
    assert told.code == 3
    assert "What to do" in told.out
    assert founded.run("audit", "verify", "--bundle", "evidence.fwe").code == 3


def test_what_does_not_go_together_is_wrong_usage(founded: World):
    """Exit code 2; a file that is no organisation's is refused."""
    (founded.folder / "x.fwe").write_bytes(b"x")
    assert founded.refused("audit", "verify", "--bundle", "x.fwe", "--home", "nurse", code=2) == "usage"
    assert founded.refused("audit", "verify", "--bundle", "none.fwe", code=2) == "usage"
    assert founded.refused("audit", "verify", "--database-url", "sqlite:///x", code=2) == "usage"
    assert founded.refused("audit", "export", "--home", "nurse", code=2) == "usage"
    assert founded.refused("audit", "export", "--home", "nurse", "--bundle", "y", "--risk", "high", code=2) == "usage"
    pinned = founded.refused("audit", "verify", "--bundle", "x.fwe", "--organisation", "x.fwe")
    assert pinned == "organisation_file"
    assert founded.json("audit", "verify", "--bundle", "x.fwe", code=3)["entries"] == 0
    assert founded.refused("audit", "verify", "--server-data", ".") == "no_relay"


def test_one_entry_is_proved_from_its_receipt(founded: World):
    """On the screen, and as a file that verifies; without a receipt the relay is asked, which has not what is late."""
    founded.json("sync", "once", "--home", "nurse")
    events = founded.json("audit", "timeline", "--home", "nurse")["events"]
    entry = [event["entry"] for event in events if event["witnessed"]][-1]
    proof = founded.json("audit", "prove", entry, "--home", "nurse", "--out", "proof.fwe")
    assert proof["entry"] == entry
    assert proof["log_size"] > proof["log_index"] >= 0
    assert founded.json("audit", "verify", "--bundle", "proof.fwe")["ok"]
    assert proof["root"] in founded.run("audit", "prove", entry[:12], "--home", "nurse").out
    events = founded.json("audit", "timeline", "--home", "nurse")["events"]
    late = next(event["entry"] for event in events if not event["witnessed"])
    assert founded.refused("audit", "prove", late, "--home", "nurse") == "not_in_log"
    assert founded.relay is not None
    assert f"GET /v1/log/index/{late}" in founded.relay.asked
    with open_home(founded.folder / "nurse", PASSPHRASE) as runtime, runtime.store.writing() as writer:
        for name in (RELAY, RELAY_ADDRESS):
            writer.put_value(name, None)
    assert founded.refused("audit", "prove", late, "--home", "nurse") == "no_receipt"
