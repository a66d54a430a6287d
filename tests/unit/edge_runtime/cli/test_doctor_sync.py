"""What `fieldward doctor` says of entries on their way, with the way out."""

from __future__ import annotations

import time

import pytest

from edge_runtime.runtime import open_home
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.holding import Origin
from edge_runtime.sync.held import Holder
from edge_runtime.sync.recheck import RECHECKED, Rechecked
from sync_protocol.records import pack
from tests.unit.edge_runtime.cli.world import PASSPHRASE, World


@pytest.fixture
def nurse(world: World) -> World:
    """A nurse's device that wrote a chart."""
    world.found()
    world.enrol("nurse", "nurse")
    world.json("chart", "create", "--name", "Ana Lima", "--home", "nurse")
    return world


def warnings(world: World) -> list[str]:
    """The notes of a sound device."""
    told = world.json("doctor", "--home", "nurse")
    assert told["ok"]
    return list(told["warnings"])


def test_what_waits_is_told(nurse: World) -> None:
    """On this device only, at another device, refused: each with what to do."""
    assert any("on this device only" in line for line in warnings(nurse))
    with open_home(nurse.folder / "nurse", PASSPHRASE) as runtime, runtime.store.writing() as writer:
        first, second, *_ = runtime.store.pending(9)
        writer.mark_at_peer([first.entry.hash])
        writer.mark_refused(second.entry.hash, "quota", "")
    told = warnings(nurse)
    assert any(line.startswith("1 entry at another device as well") for line in told)
    assert any(line.startswith("1 entry refused by the relay") for line in told)


def test_what_is_held_or_forked_is_told(nurse: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many entries wait, for what and since when; what was not kept; which sessions fork."""
    monkeypatch.setattr("edge_runtime.sync.held.HELD_ENTRIES_PER_AUTHOR", 1)
    nurse.enrol("colleague", "nurse")
    nurse.json("chart", "create", "--name", "Rui Sá", "--home", "colleague")
    with open_home(nurse.folder / "colleague", PASSPHRASE) as other:
        session = other.identity.session
        written = [one.entry for one in other.store.pending(99) if one.entry.header.seq > 0][:2]
        seals = other.store.seals_from(session.value.session, 0, limit=99)
        certificates = other.store.certificates()
    with open_home(nurse.folder / "nurse", PASSPHRASE) as runtime, runtime.store.writing() as writer:
        for certificate in certificates:
            writer.put_certificate(certificate)
        writer.put_session(session)
        for seal in seals:
            writer.put_seal(seal)
        Holder(writer, lambda: 0).append(written, Origin.RELAY)
    monkeypatch.setattr(DeviceStore, "forked", lambda *_: frozenset({session.value.session}))
    told = warnings(nurse)
    assert any("an entry that waits for the entry before it in its chain" in line for line in told)
    assert any("held, 1 entry: entries that were not kept, because 4096" in line for line in told)
    assert any(line.startswith("1 session wrote twice") for line in told)


def test_what_the_relay_withheld_is_told(nurse: World) -> None:
    """For thirty days, how many entries and how long ago; `sync status` says it for good."""
    now_ms = int(time.time() * 1000)
    for age_days, told in ((1, True), (31, False)):
        at_ms = now_ms - age_days * 24 * 3600 * 1000
        kept = Rechecked(begun_ms=at_ms, done_ms=at_ms, withheld=2, withheld_ms=at_ms)
        with open_home(nurse.folder / "nurse", PASSPHRASE) as runtime, runtime.store.writing() as writer:
            writer.put_value(RECHECKED, pack(kept))
        assert any(line.startswith("the relay has withheld 2 entries") for line in warnings(nurse)) is told
        assert nurse.json("sync", "status", "--home", "nurse")["withheld"] == {"entries": 2, "at_ms": at_ms}


def test_a_session_that_was_left_is_told(nurse: World) -> None:
    """A home whose store was overwritten by an older one: when, why, and to use one copy only."""
    home = nurse.folder / "nurse"
    old = (home / "store.db").read_bytes()
    nurse.json("chart", "create", "--name", "Rui Sá", "--home", "nurse")
    for suffix in ("-wal", "-shm"):
        (home / f"store.db{suffix}").unlink(missing_ok=True)
    (home / "store.db").write_bytes(old)
    shown = nurse.run("chart", "list", "--home", "nurse")
    assert "NOTE: this device's store was put back or copied" in shown.err
    assert nurse.run("chart", "list", "--home", "nurse").err == ""
    told = warnings(nurse)
    assert any("went on in a new session, because its store is older than it was" in line for line in told)
    assert "use one copy of it only" in nurse.run("doctor", "--home", "nurse").out
    assert len(nurse.json("chart", "list", "--home", "nurse")["charts"]) == 1
