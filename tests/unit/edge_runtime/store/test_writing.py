"""One block: all of it, durably, or nothing."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import threading
from pathlib import Path

import pytest

from edge_runtime.errors import StoreError
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from sync_protocol.errors import LimitError, MisuseError
from tests.unit.edge_runtime.store.world import World, open_store, put


class TroubleError(Exception):
    """Something that goes wrong within a block."""


def everything(store: DeviceStore, world: World) -> dict[str, object]:
    """All answers that a store without entries can give."""
    asked = {name: ask for name, ask in world.questions().items() if "last seal" not in name}
    return {name: ask(store) for name, ask in asked.items()}


def test_an_exception_undoes_the_block(world: World, store: DeviceStore) -> None:
    """Whatever a block put before it raised is gone: records, seals, entries, states, values."""

    def block() -> None:
        with store.writing() as writer:
            writer.put_certificate(world.organisation.certificates[0])
            writer.put_session(world.sessions[0].record)
            for batch in world.batches:
                put(writer, batch, state=UploadState.PENDING)
            writer.put_value("a", b"1")
            raise TroubleError

    before = everything(store, world)
    with pytest.raises(TroubleError):
        block()
    assert everything(store, world) == before
    world.fill(store)
    assert store.check() == []


@pytest.mark.parametrize("first", [True, False])
def test_a_failure_cannot_be_swallowed(world: World, store: DeviceStore, *, first: bool) -> None:
    """Where a method of the writer failed, the block fails, even if its caller went on: half may have been written."""

    def block() -> None:
        with store.writing() as writer:
            if first:
                writer.append(world.batches[0][1])
            with contextlib.suppress(LimitError):
                writer.put_value("n" * 1000, b"")
            if not first:
                writer.append(world.batches[0][1])

    with pytest.raises(LimitError):
        block()
    assert store.size() == 0


def test_nothing_is_seen_before_the_end(world: World, store: DeviceStore) -> None:
    """Until a block ends well nobody sees any of it, neither another thread nor its own."""
    seen: list[tuple[int, bytes | None]] = []
    with store.writing() as writer:
        writer.append(world.batches[0][1])
        writer.put_value("a", b"1")
        reader = threading.Thread(target=lambda: seen.append((store.size(), store.get_value("a"))))
        reader.start()
        reader.join()
        seen.append((store.size(), store.get_value("a")))
    assert seen == [(0, None), (0, None)]
    assert (store.size(), store.get_value("a")) == (3, b"1")


def test_a_writer_ends_with_its_block(world: World, store: DeviceStore) -> None:
    """Writing after the block, however it ended, is a bug, and told as one; nothing is written."""
    with store.writing() as done:
        pass
    with pytest.raises(TroubleError), store.writing() as failed:
        raise TroubleError
    for writer in (done, failed):
        with pytest.raises(MisuseError):
            writer.append(world.batches[0][1])
    assert store.size() == 0


def test_blocks_do_not_nest(store: DeviceStore) -> None:
    """A block within a block, or closing within one, would wait for itself: a bug, told as one; the block goes on."""
    with store.writing() as writer:
        with pytest.raises(MisuseError), store.writing():
            pytest.fail("a block within a block")
        with pytest.raises(MisuseError):
            store.close()
        writer.put_value("a", b"1")
    assert store.get_value("a") == b"1"


def test_one_writer_at_a_time(world: World, store: DeviceStore) -> None:
    """Two threads that write wait for each other; no entry and no value is lost, and a reader sees both or none."""
    errors: list[BaseException] = []
    written = 25

    def write(name: str) -> None:
        try:
            for number in range(1, written + 1):
                with store.writing() as writer:
                    writer.put_value(f"{name}/a", b"%d" % number)
                    writer.put_value(f"{name}/b", b"%d" % number)
        except BaseException as error:
            errors.append(error)

    def read() -> None:
        try:
            while any(thread.is_alive() for thread in writers):
                for name in ("one", "two"):
                    found = store.values(name)
                    assert found.get(f"{name}/a") == found.get(f"{name}/b")
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in ("one", "two")]
    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in (*writers, *readers):
        thread.join()
    assert errors == []
    assert set(store.values().values()) == {b"%d" % written}
    assert store.check() == []
    del world


def test_a_full_disk_changes_nothing(world: World, store: DeviceStore) -> None:
    """When there is no room, the block is undone and the error says what to do; with room again, writing goes on."""
    with store.writing() as writer:
        put(writer, world.batches[0])
    connection = store._writer_connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")

    def block(large: bytes) -> None:
        with store.writing() as writer:
            put(writer, world.batches[1])
            writer.put_value("large", large)

    for size in (200_000, 3_000_000):
        with pytest.raises(StoreError) as caught:
            block(bytes(size))
        assert caught.value.code == "disk_full"
        assert "free some space" in caught.value.do
    assert store.size() == 3
    assert store.get_value("large") is None
    connection.execute("PRAGMA max_page_count = 1000000")
    block(bytes(200_000))
    assert store.size() == 6
    assert store.check() == []


def test_a_disk_that_refuses_changes_nothing(world: World, store: DeviceStore, path: Path) -> None:
    """When the write-ahead log cannot grow, the block is undone; when it can again, writing goes on."""
    with store.writing() as writer:
        put(writer, world.batches[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("store.db-wal").stat().st_size + 100, hard))
    try:
        with pytest.raises(StoreError) as caught, store.writing() as writer:
            put(writer, world.batches[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code in {"disk_failed", "disk_full"}
    assert store.size() == 3
    with store.writing() as writer:
        put(writer, world.batches[1])
    assert store.size() == 6
    assert store.check() == []


def test_another_program_is_waited_for(store: DeviceStore, path: Path) -> None:
    """A transaction of another program is not broken into: after the wait the error says so."""
    store._writer_connection.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError) as caught, store.writing():
            pytest.fail("two writers")
        assert caught.value.code == "store_busy"
    finally:
        other.execute("ROLLBACK")
        other.close()
    with store.writing() as writer:
        writer.put_value("a", b"1")


def test_a_closed_store_says_so(path: Path) -> None:
    """After closing, reading and writing are refused as that; closing again is nothing."""
    store = open_store(path)
    store.close()
    store.close()
    with pytest.raises(StoreError) as caught:
        store.size()
    assert caught.value.code == "store_closed"
    with pytest.raises(StoreError) as caught, store.writing():
        pytest.fail("a closed store")
    assert caught.value.code == "store_closed"


def test_an_idle_moment_empties_the_log(full: DeviceStore, path: Path) -> None:
    """`checkpoint` moves everything into the file, so that the file alone holds it; nothing changes for readers."""
    full.checkpoint()
    other = sqlite3.connect(f"file:{path}?immutable=1", uri=True)  # sees the file without its log
    (count,) = other.execute("SELECT count(*) FROM entry").fetchone()
    other.close()
    assert count == full.size()
