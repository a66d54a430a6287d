"""The check for `fieldward doctor`: it finds what is wrong, names it, and goes on.

That it finds what was flipped, swapped or removed stands in test_damage; here is what only a check can know.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime.errors import StoreError
from edge_runtime.store.boxes import Table, columns
from edge_runtime.store.check import Problem
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.rows import ENTRY, pack_entry
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.ids import SessionId
from tests.unit.edge_runtime.store.world import World, open_store, put


def test_an_empty_store_is_well(store: DeviceStore) -> None:
    """A new store has nothing wrong."""
    assert store.check() == []


def test_a_whole_store_is_well(full: DeviceStore) -> None:
    """A store with forks, duplicates, refusals and removed values has nothing wrong."""
    with full.writing() as writer:
        writer.put_value("kind/0/0", None)
    assert full.check() == []


def test_an_entry_without_its_seal(world: World, store: DeviceStore) -> None:
    """An entry whose seal is not here cannot be shown to anybody, and is named."""
    with store.writing() as writer:
        writer.append(world.batches[0][1])
    session = world.sessions[0].id
    assert store.check() == [
        Problem("entry", index, f"no seal 0 of session {session.short} covers it") for index in range(3)
    ]


def test_an_entry_under_another_seal(world: World, store: DeviceStore) -> None:
    """An entry whose path does not lead to its seal's root is named, though its record is authentic."""
    with store.writing() as writer:
        put(writer, world.batches[0])
    whole = world.batches[0][1][1]
    wire = WireEntry(header=whole.wire.header, body=whole.body, index=0, path=whole.wire.path)
    row = store._writer_connection.execute("SELECT stream, rank, chain, seq, name FROM entry WHERE id = 1").fetchone()
    plain = pack_entry(VerifiedEntry.from_store(wire))
    box = store._boxes.close(Table.ENTRY, 1, plain, columns(ENTRY, *row))
    store._writer_connection.execute("UPDATE entry SET box = ? WHERE id = 1", (box,))
    assert [(problem.table, problem.row) for problem in store.check()] == [("entry", 1)]


def test_a_missing_seal_is_named(world: World, store: DeviceStore) -> None:
    """A session's seals are without gaps: the one after a gap is named."""
    mine = [batch for batch in world.batches if batch[0].value.session == world.sessions[0].id]
    with store.writing() as writer:
        writer.put_seal(mine[0][0])
        writer.put_seal(mine[2][0])
    session = world.sessions[0].id
    assert store.check() == [Problem("seal", 2, f"seal 2 of session {session.short} without the one before it")]


def test_it_goes_on_after_damage(world: World, full: DeviceStore) -> None:
    """Every damaged record is named, each once, not only the first."""
    connection = full._writer_connection
    connection.execute("UPDATE entry SET box = zeroblob(200) WHERE id IN (3, 9)")
    connection.execute("UPDATE seal SET box = zeroblob(200) WHERE id = 2")
    connection.execute("UPDATE value SET box = zeroblob(200) WHERE id = 1")
    found = {(problem.table, problem.row) for problem in full.check()}
    assert {("entry", 3), ("entry", 9), ("seal", 2), ("value", 1)} <= found
    del world


@pytest.mark.parametrize("index", ["entry_seq", "entry_stream", "chain_stream", "seal_number", "upload_rank"])
def test_an_index_that_lacks_a_row(world: World, path: Path, index: str) -> None:
    """An index that does not know a record is named, by sqlite's own check of the file."""
    with open_store(path) as store:
        world.fill(store)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    table = index.split("_", maxsplit=1)[0]
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql + " WHERE id > 1", index))
    connection.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"REINDEX {index}")  # now without the first rows
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, index))
    connection.close()
    with open_store(path) as store:
        problems = store.check()
    if table == "upload":
        assert problems == []  # all its rows are above
    else:
        assert [problem for problem in problems if problem.table == "file" and index in problem.what]


def test_chains_of_a_lost_stream(full: DeviceStore) -> None:
    """Where a stream's row is gone, its chains are named, and the counts that no longer hold."""
    full._writer_connection.execute("DELETE FROM stream WHERE id = 1")
    found = full.check()
    assert [problem.what for problem in found if problem.table == "chain"] == ["its stream is not here"] * 3
    assert {problem.what for problem in found if problem.table == "ledger"} >= {"streams: other than were written"}


def test_an_upload_of_no_entry(full: DeviceStore) -> None:
    """A state that was noted for no entry is named, and so is the count that no longer holds."""
    box = full._boxes.close(Table.UPLOAD, 900, b"\0", b"\x01\x00")
    full._writer_connection.execute("INSERT INTO upload VALUES (900, 1, 0, ?)", (box,))
    assert full.check() == [Problem("upload", 900, "the state of an entry that is not here")]


def test_a_file_that_is_no_file_any_more(full: DeviceStore, path: Path) -> None:
    """A check of a store whose tables went away reports that; it does not fail."""
    full._writer_connection.execute("DROP TABLE upload")
    problems = full.check()
    assert ("upload", None) in [(problem.table, problem.row) for problem in problems]
    del path


@pytest.mark.parametrize("table", [Table.CERTIFICATE, Table.SESSION])
def test_a_record_that_opens_and_is_none(full: DeviceStore, table: Table) -> None:
    """A record that is authentic but not what its table holds is damage, to readers and to the check."""
    name = table.value.decode()
    (keyed,) = full._writer_connection.execute(f"SELECT name FROM {name} WHERE id = 2").fetchone()
    box = full._boxes.close(table, 2, b"no envelope", keyed)
    full._writer_connection.execute(f"UPDATE {name} SET box = ? WHERE id = 2", (box,))
    with pytest.raises(StoreError) as caught:
        full.certificates() if table is Table.CERTIFICATE else full.sessions()
    assert caught.value.code == "store_damaged"
    assert (name, 2) in [(problem.table, problem.row) for problem in full.check()]


def test_an_entry_that_opens_and_is_none(full: DeviceStore) -> None:
    """An authentic entry whose header cannot be read is damage, to readers and to the check."""
    row = full._writer_connection.execute("SELECT stream, rank, chain, seq, name FROM entry WHERE id = 4").fetchone()
    box = full._boxes.close(Table.ENTRY, 4, b"\0\0\0\0\0\x01\xff", columns(ENTRY, *row))
    full._writer_connection.execute("UPDATE entry SET box = ? WHERE id = 4", (box,))
    with pytest.raises(StoreError) as caught:
        full.arrivals(after=4, limit=1)
    assert caught.value.code == "store_damaged"
    assert ("entry", 4) in [(problem.table, problem.row) for problem in full.check()]


@pytest.mark.parametrize(
    ("statement", "ask"),
    [
        (
            "DELETE FROM seal WHERE number = 2",
            lambda store, name: store.seals(name, 2) or store.seals_from(name, 0, limit=9),
        ),
        ("DELETE FROM seal WHERE number > 3", lambda store, name: store.last_seal(name)),
        ("DELETE FROM seal", lambda store, name: store.seals_from(name, 4, limit=9)),
    ],
)
def test_missing_seals_are_noticed(
    world: World, full: DeviceStore, statement: str, ask: Callable[[DeviceStore, SessionId], object]
) -> None:
    """A session's seals that are not there are missed, at the end, at the beginning, or all of them."""
    full._writer_connection.execute(statement)
    with pytest.raises(StoreError) as caught:
        ask(full, world.sessions[0].id)
    assert caught.value.code == "store_damaged"
    assert full.check()
