"""Opening and creating the file."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from edge_runtime.errors import StoreError
from edge_runtime.store import database
from edge_runtime.store.device import DeviceStore
from edge_runtime.vault.keys import DataKey
from tests.support.people import Entropy
from tests.unit.edge_runtime.store.world import World, open_store


def refused(path: Path, *, create: bool = True) -> StoreError:
    """The error with which a store does not open."""
    with pytest.raises(StoreError) as caught:
        open_store(path, create=create)
    return caught.value


def change(path: Path, statement: str) -> None:
    """Change a closed store behind its back."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


def test_only_its_owner_reads_it(world: World, store: DeviceStore, path: Path) -> None:
    """The store, its log and its index have mode 0600."""
    world.fill(store)
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["store.db", "store.db-shm", "store.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_every_commit_reaches_the_disk(store: DeviceStore) -> None:
    """The file is kept with a write-ahead log, and a commit waits for the disk."""
    for connection in (store._writer_connection, store._reader_connection):
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA fullfsync").fetchone() == (1,)


def test_a_missing_store_is_a_loss_where_one_must_be(path: Path) -> None:
    """A home that was used has a store: without one it is not quietly begun anew."""
    assert refused(path, create=False).code == "no_store"
    assert not path.exists()


def test_an_empty_file_is_damage(path: Path) -> None:
    """Sqlite takes an empty file for a new database; a store was never empty."""
    path.touch()
    assert refused(path).code == "store_damaged"
    assert path.stat().st_size == 0


def test_a_crash_while_creating_leaves_none(path: Path) -> None:
    """What a crash left of a store that was being made is thrown away, and never opened."""
    path.with_name("store.db.part").write_bytes(b"half")
    path.with_name("store.db.part-journal").write_bytes(b"half")
    with open_store(path) as store:
        assert store.size() == 0
    assert [file.name for file in path.parent.iterdir()] == ["store.db"]


@pytest.mark.parametrize("content", [b"not a database at all" * 500, b"SQLite format 3\0" + bytes(5000), b"S"])
def test_not_a_database(path: Path, content: bytes) -> None:
    """A file of another kind is refused as damaged."""
    path.write_bytes(content)
    assert refused(path).code == "store_damaged"


def test_another_programs_database(path: Path) -> None:
    """A database without our mark is refused, and not written to."""
    change(path, "CREATE TABLE theirs (id)")
    before = path.read_bytes()
    assert refused(path).code == "store_damaged"
    assert path.read_bytes() == before


def test_a_newer_store_asks_for_an_update(path: Path) -> None:
    """A store of a later program is refused as that, and not written to."""
    open_store(path).close()
    change(path, f"PRAGMA user_version = {database.SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    error = refused(path)
    assert error.code == "store_newer"
    assert "update" in error.do
    assert path.read_bytes() == before


def test_another_vaults_store(path: Path) -> None:
    """A store that another data key wrote is told from a damaged one."""
    open_store(path).close()
    with pytest.raises(StoreError) as caught:
        DeviceStore(path, DataKey(bytes(32)), Entropy(1))
    assert caught.value.code == "store_foreign"


@pytest.mark.parametrize("statement", ["DELETE FROM ledger", "DROP TABLE ledger", "UPDATE ledger SET box = NULL || ''"])
def test_a_lost_ledger_is_damage(path: Path, statement: str) -> None:
    """Without the ledger nothing is known to be whole."""
    open_store(path).close()
    try:
        change(path, statement)
    except sqlite3.IntegrityError:
        change(path, "UPDATE ledger SET box = x''")
    assert refused(path).code == "store_damaged"


def test_a_folder_that_refuses(tmp_path: Path) -> None:
    """Where no file can be made, the error names the place and the reason."""
    error = refused(tmp_path / "none" / "store.db")
    assert error.code == "store_unwritable"
    assert "No such file" in error.got


def test_a_folder_in_its_place(path: Path) -> None:
    """A folder is no store."""
    path.mkdir()
    assert refused(path).code in {"store_unwritable", "store_damaged"}


def test_a_read_only_store_is_told(world: World, store: DeviceStore) -> None:
    """Where the disk turned read-only, writing says so and changes nothing."""
    store._writer_connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError) as caught, store.writing() as writer:
        writer.append(world.batches[0][1])
    assert caught.value.code == "store_unwritable"
    assert store.size() == 0
