"""Cold tiles in files: the same proofs before, during and after; whatever stops the move, nothing is lost or wrong."""

from __future__ import annotations

import functools
import hashlib
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import Engine, text

from server.relay import archive, cooling, log
from server.relay.archive import TileArchive
from server.relay.cooling import Cooled, archive_cold
from server.relay.database import open_engine
from server.relay.errors import StorageError
from server.relay.files import write_whole
from server.relay.store import SqlStore
from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint, sign_checkpoint
from sync_protocol.ids import Hash
from sync_protocol.tiles import TileName
from tests.support.databases import BOTH, fresh
from tests.support.people import ORIGIN, Organisation

LEAVES = [merkle.leaf_hash(number.to_bytes(4)) for number in range(66_000)]
FULL = 66_000 // 256
LATER = 1 << 50


class Cut(BaseException):
    """What a power cut is to the process: nothing catches it."""


@pytest.fixture(params=BOTH)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with empty tables."""
    opened = open_engine(fresh(request.param, tmp_path))
    yield opened
    opened.dispose()


@pytest.fixture
def files(tmp_path: Path) -> TileArchive:
    """An archive in a folder that is not there yet."""
    return TileArchive(tmp_path / "home" / "archive")


@pytest.fixture
def store(engine: Engine, files: TileArchive) -> SqlStore:
    """A store that knows the archive."""
    return SqlStore(engine, files)


@functools.cache
def root_of(size: int) -> Hash:
    """The root over the first leaves: reckoned once, for many tests ask."""
    return merkle.root(LEAVES[:size])


def put_log(store: SqlStore, leaves: Sequence[Hash] = LEAVES) -> None:
    """A log of these leaves, without the entries under them."""
    with store._changing() as connection:
        log.extend(connection, 0, leaves)
        put_checkpoint = Checkpoint(origin=ORIGIN, size=len(leaves), root=root_of(len(leaves)))
        log.put_checkpoint(connection, len(leaves), sign_checkpoint(put_checkpoint, Organisation.make(3).note_key))


def held(engine: Engine, table: str = "log_tile") -> set[TileName]:
    """The tiles that a table has."""
    with engine.connect() as connection:
        return {(level, number) for level, number in connection.execute(text(f"SELECT level, number FROM {table}"))}


def check_proofs(store: SqlStore) -> None:
    """Roots and proofs over the whole log are those of its leaves."""
    pick = random.Random(5)
    root = root_of(66_000)
    indices = [0, 255, 256, 65_535, 65_536, 65_999, *pick.choices(range(66_000), k=20)]
    for index, path in zip(indices, store.inclusion_paths(indices, 66_000), strict=True):
        merkle.verify_inclusion(LEAVES[index], index=index, size=66_000, path=path, root=root)
    for first in (1, 256, 40_000, 65_536):
        first_root = root_of(first)
        assert store.root_at(first) == first_root
        path = store.consistency_path(first, 66_000)
        merkle.verify_consistency(first=first, first_root=first_root, second=66_000, second_root=root, path=path)
        store._paths.clear()


def test_full_tiles_move_and_proofs_stay(engine: Engine, store: SqlStore, files: TileArchive) -> None:
    """All levels, in C2SP's names; tiles at the edge stay, and what is read is what was there."""
    put_log(store)
    told: list[tuple[int, int]] = []
    names = [(0, 0), (0, 256), (0, 257), (1, 0)]
    before = store.tiles(names)
    done = archive_cold(engine, files, before_ms=LATER, progress=lambda *at: told.append(at))
    assert done == Cooled(moved=FULL + 1, archived=FULL + 1, entries=66_000)
    assert (told[0], told[-1]) == ((0, FULL + 1), (FULL + 1, FULL + 1))
    assert held(engine) == {(0, FULL), (1, 1), (2, 0)}
    assert store.tiles(names) == before
    folder = files.path((0, 0)).parent
    assert folder.parent.name == "tile"
    assert (folder / "000").read_bytes() == before[0, 0]
    assert (folder.parent / "1" / "000").read_bytes() == before[1, 0]
    assert files.path((0, 1_234_067)) == folder / "x001" / "x234" / "067"
    assert sum(len(found) for _, _, found in os.walk(folder.parent)) == FULL + 1
    check_proofs(store)


def test_again_is_nothing(engine: Engine, store: SqlStore, files: TileArchive) -> None:
    """What was moved stays as it is; the log that grew meanwhile gives its new full tiles."""
    put_log(store, LEAVES[:1000])
    assert archive_cold(engine, files, before_ms=LATER).moved == 3
    assert archive_cold(engine, files, before_ms=LATER) == Cooled(moved=0, archived=3, entries=1000)
    with store._changing() as connection:
        log.extend(connection, 1000, LEAVES[1000:1100])
        checkpoint = Checkpoint(origin=ORIGIN, size=1100, root=root_of(1100))
        log.put_checkpoint(connection, 1100, sign_checkpoint(checkpoint, Organisation.make(3).note_key))
    assert archive_cold(engine, files, before_ms=LATER) == Cooled(moved=1, archived=4, entries=1100)
    assert store.root_at(1100) == root_of(1100)


def test_an_empty_log_has_nothing_to_move(engine: Engine, files: TileArchive) -> None:
    """Nothing is made, not even a folder."""
    assert archive_cold(engine, files, before_ms=LATER) == Cooled(moved=0, archived=0, entries=0)
    assert not files.path((0, 0)).parent.exists()


def test_only_what_is_old_moves(engine: Engine, store: SqlStore, files: TileArchive) -> None:
    """A tile moves when all its leaves arrived before the time, and nothing after the first that did not."""
    organisation = Organisation.make(7)
    stream = organisation.stream()
    for count, arrived_ms in ((300, 0), (300, 1000), (100, 3000), (300, 2000), (100, 4000)):
        entries = organisation.admin.session().write(stream, organisation.bodies(count, 1))[1]
        with store.writing(arrived_ms=arrived_ms) as writer:
            writer.append(entries)
            writer.commit_log(lambda found: sign_checkpoint(found, organisation.note_key), ORIGIN)
    for before_ms, entries_cold, tiles in ((1000, 300, 1), (1001, 600, 2), (3000, 600, 2), (3001, 1000, 3)):
        done = archive_cold(engine, files, before_ms=before_ms)
        assert (done.entries, done.archived) == (entries_cold, tiles)
    leaves = [merkle.leaf_hash(item.entry.hash) for item in store.arrivals(after=0, limit=2000)]
    assert store.root_at(700) == merkle.root(leaves[:700])


def test_the_log_grows_on(engine: Engine, store: SqlStore, files: TileArchive) -> None:
    """A commit needs no archived tile, and a store that starts anew goes on from the same edge."""
    organisation = Organisation.make(7)
    leaves: list[Hash] = []
    for opened in (store, SqlStore(engine, files), SqlStore(engine, files)):
        entries = organisation.admin.session().write(organisation.stream(), organisation.bodies(512, 1))[1]
        leaves += [merkle.leaf_hash(entry.hash) for entry in entries]
        with opened.writing(arrived_ms=1) as writer:
            writer.append(entries)
            checkpoint, _ = writer.commit_log(lambda found: sign_checkpoint(found, organisation.note_key), ORIGIN)
        assert checkpoint.root == merkle.root(leaves)
        archive_cold(engine, files, before_ms=2)
        assert opened.root_at(len(leaves)) == merkle.root(leaves)
    assert held(engine) == {(1, 0)}


def _in_a_file(patch: pytest.MonkeyPatch) -> None:
    """Cut while the tenth file is written: a part of it lies there under its draft's name."""
    written = 0

    def cut(path: Path, data: bytes) -> None:
        nonlocal written
        written += 1
        if written == 10:
            path.with_name(f"{path.name}.new").write_bytes(data[:100])
            raise Cut
        write_whole(path, data)

    patch.setattr(archive, "write_whole", cut)


def _before_folders_are_flushed(patch: pytest.MonkeyPatch) -> None:
    """Cut when all files of a batch are there, and their names perhaps not durable."""
    patch.setattr(archive, "flush_folder", _cut)


def _before_the_rows_move(patch: pytest.MonkeyPatch) -> None:
    """Cut between the files and the transaction."""
    patch.setattr(log, "move_to_archive", _cut)


def _within_the_transaction(patch: pytest.MonkeyPatch) -> None:
    """Cut when the rows have moved, and the transaction has not ended."""
    move = log.move_to_archive

    def cut(*what: Any) -> NoReturn:
        move(*what)
        raise Cut

    patch.setattr(log, "move_to_archive", cut)


def _after_the_first_batch(patch: pytest.MonkeyPatch) -> None:
    """Cut when one batch is done and the next is not begun."""
    batch, asked = cooling._batch, 0

    def cut(*what: Any) -> dict[TileName, bytes]:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise Cut
        return batch(*what)

    patch.setattr(cooling, "_batch", cut)


def _cut(*_: object) -> NoReturn:
    raise Cut


@pytest.mark.parametrize(
    "cut",
    [
        _in_a_file,
        _before_folders_are_flushed,
        _before_the_rows_move,
        _within_the_transaction,
        _after_the_first_batch,
    ],
)
def test_a_run_that_is_cut_off_costs_nothing(
    engine: Engine,
    store: SqlStore,
    files: TileArchive,
    monkeypatch: pytest.MonkeyPatch,
    cut: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """Between any two steps each tile is still to be had, and the next run finishes."""
    put_log(store)
    everything = held(engine)
    with monkeypatch.context() as patch:
        cut(patch)
        with pytest.raises(Cut):
            archive_cold(engine, files, before_ms=LATER)
    assert held(engine) | held(engine, "archived_tile") == everything
    assert not held(engine) & held(engine, "archived_tile")
    check_proofs(store)
    done = archive_cold(engine, files, before_ms=LATER)
    assert done.archived == FULL + 1
    assert not list(files.path((0, 0)).parent.glob("*.new"))
    check_proofs(store)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda path: path.unlink(), "archive_missing"),
        (lambda path: path.write_bytes(b""), "archive_damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "archive_damaged"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "archive_damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[32:] + bytes(32)), "archive_damaged"),
        (lambda path: (path.unlink(), path.mkdir()), "archive_unreadable"),
    ],
    ids=["missing", "empty", "short", "long", "changed", "no file"],
)
def test_a_damaged_file_is_named_and_nothing_proved_from_it(
    engine: Engine, store: SqlStore, files: TileArchive, damage: Callable[[Path], object], code: str
) -> None:
    """Whatever was done to it: no proof, no root and no tile, but an error that says which file to restore."""
    put_log(store, LEAVES[:1000])
    archive_cold(engine, files, before_ms=LATER)
    path = files.path((0, 1))
    whole = path.read_bytes()
    damage(path)
    reads: list[Callable[[], object]] = [
        lambda: store.root_at(400),
        lambda: store.inclusion_paths([300], 1000),
        lambda: store.consistency_path(300, 1000),
        lambda: store.tiles([(0, 1)]),
    ]
    for read in reads:
        with pytest.raises(StorageError) as caught:
            read()
        assert caught.value.code == code
        assert str(path) in caught.value.expected
    assert store.root_at(1000) == root_of(1000)
    if path.is_dir():
        path.rmdir()
    path.write_bytes(whole)
    assert store.root_at(400) == root_of(400)


def test_another_tile_s_file_is_no_substitute(engine: Engine, store: SqlStore, files: TileArchive) -> None:
    """A whole file in the wrong place is a damaged one."""
    put_log(store, LEAVES[:1000])
    archive_cold(engine, files, before_ms=LATER)
    files.path((0, 1)).write_bytes(files.path((0, 2)).read_bytes())
    with pytest.raises(StorageError):
        store.root_at(400)


def test_a_full_or_closed_disk_is_said(engine: Engine, store: SqlStore, files: TileArchive, tmp_path: Path) -> None:
    """The file is named, and no tile has left the database."""
    put_log(store, LEAVES[:1000])
    (tmp_path / "home").write_bytes(b"a file where the folder should be")
    with pytest.raises(StorageError) as caught:
        archive_cold(engine, files, before_ms=LATER)
    assert caught.value.code == "archive_unwritable"
    assert str(files.path((0, 0))) in caught.value.expected
    assert held(engine, "archived_tile") == set()


def test_a_damaged_row_does_not_become_a_file(engine: Engine, store: SqlStore, files: TileArchive) -> None:
    """A tile that is full and has not its size is a damaged database."""
    put_log(store, LEAVES[:1000])
    with engine.begin() as connection:
        connection.execute(text("UPDATE log_tile SET hashes = :hashes WHERE number = 1"), {"hashes": b"short"})
    with pytest.raises(StorageError) as caught:
        archive_cold(engine, files, before_ms=LATER)
    assert caught.value.code == "storage_damaged"


def test_what_was_read_before_may_move_meanwhile(engine: Engine, store: SqlStore, files: TileArchive) -> None:
    """A reader that found no row looks for the archived one after it, so it finds the tile in either."""
    put_log(store, LEAVES[:1000])
    with engine.connect() as connection:
        load = log.load_from(connection, files)
        assert len(load([(0, 0)])) == 1
        archive_cold(engine, files, before_ms=LATER)
        assert load([(0, 0)]) == {(0, 0): b"".join(LEAVES[:256])}


def test_files_are_written_durably_and_for_the_owner(files: TileArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file and each folder above it, up to the home, is flushed before a digest is returned."""
    flushed: list[int] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        flushed.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    tile = bytes(8192)
    assert files.write({(0, 1000): tile}) == {(0, 1000): hashlib.sha256(tile).digest()}
    path = files.path((0, 1000))
    home = path.parents[4]
    assert path.relative_to(home) == Path("archive/tile/0/x001/000")
    assert flushed[0] == path.stat().st_ino
    assert set(flushed[1:]) == {folder.stat().st_ino for folder in path.parents[:5]}
    assert path.stat().st_mode & 0o777 == 0o600
