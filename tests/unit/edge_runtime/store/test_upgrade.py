"""A store of schema 1 becomes one of schema 2 where it lies: whole, or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.errors import StoreError
from edge_runtime.store import upgrade
from edge_runtime.store.boxes import columns
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.holding import HeldKind, Origin
from edge_runtime.store.uploads import UploadState
from edge_runtime.vault.keys import DataKey
from sync_protocol.roles import Role
from tests.support.people import Entropy
from tests.unit.edge_runtime.store.schema_1 import write_schema_1
from tests.unit.edge_runtime.store.world import World, open_store, put


def version(path: Path) -> int:
    """The schema of a closed store."""
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def answers(world: World, store: DeviceStore) -> dict[str, Any]:
    """Everything that one can ask."""
    return {name: ask(store) for name, ask in (world.questions() | world.lookups()).items()}


@pytest.fixture
def expected(world: World, tmp_path: Path, path: Path) -> dict[str, Any]:
    """What a store of the world answers; one of schema 1 lies at `path`."""
    (tmp_path / "new").mkdir()
    with open_store(tmp_path / "new" / "store.db") as store:
        world.fill(store)
        found = answers(world, store)
    write_schema_1(tmp_path / "new" / "store.db", path)
    assert version(path) == 1
    return found


def test_everything_is_there_afterwards(world: World, path: Path, expected: dict[str, Any]) -> None:
    """An old store opens, answers as before, is sound, and takes what is new; the next opening changes nothing."""
    with open_store(path) as store:
        assert answers(world, store) == expected
        assert store.check() == []
        with store.writing() as writer:
            assert writer.mark_at_peer([one.entry.hash for one in store.pending(9)]) == 1
    assert version(path) == 2
    with open_store(path) as store:
        assert store.upload_counts()[UploadState.AT_PEER] == 1
        assert store.check() == []


def test_its_schema_is_that_of_a_new_store(tmp_path: Path, path: Path, expected: dict[str, Any]) -> None:
    """The same tables and indexes, whichever way a store came to them."""
    del expected
    open_store(path).close()
    schemas = []
    for file in (path, tmp_path / "new" / "store.db"):
        with closing(sqlite3.connect(file)) as connection:
            schemas.append(sorted(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL")))
    assert schemas[0] == schemas[1]


def test_ranks_follow_from_the_entries(world: World, tmp_path: Path, path: Path) -> None:
    """Entries that waited in the old store are ranked as they would have been: long content after short."""
    (tmp_path / "new").mkdir()
    organisation = world.organisation
    session, epoch = organisation.device(Role.NURSE).session(), world.entries[0].hash
    bodies = [b"a", bytes(20_000), b"c"]
    batches = [session.write(organisation.stream(), [body], epoch=epoch) for body in bodies]
    batches.append(session.write(batches[1][1][0].header.stream, [b"d"], epoch=epoch))
    with open_store(tmp_path / "new" / "store.db") as store:
        with store.writing() as writer:
            for certificate in organisation.certificates:
                writer.put_certificate(certificate)
            writer.put_session(session.record)
            for batch in batches:
                put(writer, batch, state=UploadState.PENDING)
        expected = [(one.rank.name, one.index) for one in store.pending(9)]
    assert expected == [("CONTENT", 0), ("CONTENT", 2), ("LARGE", 1), ("LARGE", 3)]
    write_schema_1(tmp_path / "new" / "store.db", path)
    with open_store(path) as store:
        assert [(one.rank.name, one.index) for one in store.pending(9)] == expected
        assert store.check() == []


def test_what_lacked_something_is_noted(world: World, tmp_path: Path, path: Path) -> None:
    """The old store knew only that a stream lacks something; the new one knows which entry, and what it waits for."""
    (tmp_path / "new").mkdir()
    organisation = world.organisation
    one, two = (organisation.device(Role.NURSE).session() for _ in range(2))
    stream = organisation.stream()
    _, missing = one.write(stream, [b"never came"])
    two.see(missing)
    batch = two.write(stream, [b"lacks", b"follows"])
    with open_store(tmp_path / "new" / "store.db") as store, store.writing() as writer:
        for certificate in organisation.certificates:
            writer.put_certificate(certificate)
        writer.put_session(two.record)
        put(writer, batch)
        writer.put_value("held/" + stream.hex(), b"\x01")
    write_schema_1(tmp_path / "new" / "store.db", path)
    with open_store(path) as store:
        (found,) = store.held()
        assert (found.kind, found.origin, found.waits) == (HeldKind.STORED, Origin.RELAY, missing[0].hash)
        assert found.entry.hash == batch[1][0].hash
        assert found.author == two.device.certificate.hash
        assert store.held_use().entries == 1
        assert store.check() == []


class _CrashError(Exception):
    """The power fails."""


@pytest.mark.parametrize("step", range(7))
def test_a_crash_leaves_the_old_store(
    world: World, path: Path, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Whatever is interrupted, and however: the store is of schema 1 still, and the next opening goes through."""
    count = 0

    def crash(*_: object) -> Any:
        nonlocal count
        count += 1
        if count > step:
            raise _CrashError

    with monkeypatch.context() as patch:
        patch.setattr(upgrade, "columns", lambda *given: (crash(), columns(*given))[1])
        patch.setattr(upgrade, "write_ledger", lambda *_: crash())
        with pytest.raises(_CrashError):
            open_store(path)
    assert version(path) == 1
    with open_store(path) as store:
        assert answers(world, store) == expected
        assert store.check() == []


def test_another_vaults_old_store(path: Path, expected: dict[str, Any]) -> None:
    """A store of schema 1 that another data key wrote is told as that, and is not touched."""
    del expected
    with pytest.raises(StoreError) as caught:
        DeviceStore(path, DataKey(bytes(32)), Entropy(1))
    assert caught.value.code == "store_foreign"
    assert version(path) == 1


def test_a_damaged_old_store_stays_as_it_is(path: Path, expected: dict[str, Any]) -> None:
    """Damage is found before anything is changed for good: the old file is there for whoever mends it."""
    del expected
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE upload SET box = zeroblob(60)")
    with pytest.raises(StoreError) as caught:
        open_store(path)
    assert caught.value.code == "store_damaged"
    assert version(path) == 1
