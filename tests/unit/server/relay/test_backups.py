"""Backups: whole or not there, checked before anybody is told, and put back as they were."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from server.relay import backups, restoring
from server.relay.archive import TileArchive
from server.relay.backed import OVERDUE_MS, Backups, age_word, note, standing, told_backup
from server.relay.backup_draft import DRAFT
from server.relay.backup_set import Manifest
from server.relay.backups import BackedUpSet, back_up
from server.relay.blob_book import BlobBook, BlobEntry
from server.relay.blob_files import BlobFolder
from server.relay.body_cooling import cool_bodies
from server.relay.cooling import archive_cold
from server.relay.database import for_writing, open_engine
from server.relay.errors import ConflictError, StartError, StorageError
from server.relay.files import write_whole
from server.relay.homes import cold_bodies
from server.relay.identity import COSIGNER_FILE, KEY_FILE, load_cosigner, load_key
from server.relay.restoring import MARK, check_restored, restore
from server.relay.settings import RelaySettings
from server.relay.store import SqlStore
from sync_protocol.backed_up import BackedUp, sign_backed_up
from sync_protocol.blobs import Blob
from sync_protocol.ids import CertificateHash, ChartId, Hash, StreamId
from sync_protocol.roles import Role
from sync_protocol.signing import SigningKey
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_room import Bench, open_bench

LATER = 1 << 50
CHUNK = bytes(100)
ENTRIES = 300


class Cut(BaseException):
    """What a power cut is to the process: nothing catches it."""


@dataclass
class Home:
    """A relay's home, its parts, and where it is backed up."""

    settings: RelaySettings
    bench: Bench
    key: SigningKey
    out: Path
    now_ms: int = 1_800_000_000_000

    def back_up(self, **options: Any) -> BackedUpSet:
        """Make a backup, a second after the last."""
        self.now_ms += 1000
        fixed: dict[str, Any] = {"with_keys": True, "now_ms": self.now_ms}
        return back_up(self.settings, self.bench.store._engine, self.key, self.out, **(fixed | options))

    def said(self) -> BackedUp | None:
        """What the relay says."""
        found = standing(self.bench.store, self.key.public)
        return None if found is None else found.value

    def files(self) -> set[str]:
        """What is in the backup."""
        return {str(path.relative_to(self.out)) for path in self.out.rglob("*") if path.is_file()}

    def write(self, count: int) -> None:
        """Somebody writes a chart, which is taken."""
        device = self.bench.organisation.device(Role.PHYSICIAN)
        self.bench.trust.restore(device.certificate)
        session = device.session()
        chart = ChartWriter.begin(session)
        chart.write(count=count)
        assert self.bench.commit(session, entries=chart.written).refused == []

    def keep_blob(self, *, number: bool = True) -> Blob:
        """An attachment comes, whole or not."""
        blob = Blob.of(StreamId(bytes(16)), size=len(CHUNK), chunks=[Hash.of(CHUNK)])
        files, book = BlobFolder(self.settings.blobs_folder), BlobBook(self.bench.store._engine)
        files.begin(blob.id, blob.wire)
        files.keep(blob.id, 0, CHUNK)
        entry = BlobEntry(
            id=blob.id,
            stream=blob.manifest.stream,
            chart=ChartId(bytes(16)),
            uploader=CertificateHash(bytes(32)),
            size=len(CHUNK),
            chunks=1,
            heard_ms=1,
        )
        book.begin(entry)
        if number:
            book.complete(blob.id, 2)
        return blob


@pytest.fixture
def home(tmp_path: Path, organisation: Organisation) -> Iterator[Home]:
    """A home whose tiles and bodies lie beside the database, and an attachment."""
    settings = RelaySettings(home=tmp_path / "home")
    settings.home.mkdir()
    organisation.relay_key = load_key(settings.home / KEY_FILE, organisation.entropy)
    load_cosigner(settings.home / COSIGNER_FILE, organisation.entropy)
    with open_bench(settings.home, organisation) as bench:
        engine = bench.store._engine
        bench.store._archive, bench.store._cold = TileArchive(settings.archive_folder), cold_bodies(settings, engine)
        made = Home(settings, bench, organisation.relay_key, tmp_path / "backup")
        made.write(ENTRIES)
        made.keep_blob()
        archive_cold(engine, bench.store._archive, before_ms=LATER)
        cool_bodies(engine, bench.store._cold, before_ms=LATER)
        yield made


def entries(folder: Path) -> list[Any]:
    """All that a home's relay can serve."""
    settings = RelaySettings(home=folder)
    engine = open_engine(settings.storage_url)
    try:
        store = SqlStore(engine, TileArchive(settings.archive_folder), cold_bodies(settings, engine))
        found = [item.entry.wire for item in store.arrivals(after=0, limit=10_000)]
        assert store.root_at(len(found)) == store.latest_checkpoint()[0].root  # type: ignore[index]
        return found
    finally:
        engine.dispose()


def test_a_backup_is_checked_and_then_told(home: Home):
    """Database, tiles, bodies, attachments and, if asked for, keys; the statement names the log's state in it."""
    assert home.said() is None
    done = home.back_up()
    size, root = home.bench.store.size(), home.bench.window.tip.checkpoint.root
    assert home.said() == BackedUp(size=size, root=root, made_ms=home.now_ms, blobs_through=1)
    assert done.manifest == Manifest.read(home.out)
    assert (done.manifest.size, done.manifest.blobs_through, done.manifest.keys) == (size, 1, True)
    kinds = {path.split("/")[0] for path in home.files()}
    assert kinds == {"archive", "cold", "blobs", "keys", "backup.json", done.manifest.database}
    assert (home.out / done.manifest.database).read_bytes()[18:20] == b"\1\1"  # no journal beside it, on any share
    assert done.copied > 0
    assert done.kept == 0


def test_the_next_one_copies_what_is_new(home: Home):
    """And lets go of the database before; keys that are not wanted any more go too."""
    first = home.back_up()
    home.write(2)
    cool_bodies(home.bench.store._engine, cold_bodies(home.settings, home.bench.store._engine), before_ms=LATER)
    home.keep_blob(number=False)
    second = home.back_up(with_keys=False)
    assert second.kept == first.copied
    assert second.copied == 1
    assert second.manifest.size > first.manifest.size
    assert first.manifest.database not in home.files()
    assert not any(path.startswith("keys/") for path in home.files())


def test_what_a_purge_destroyed_leaves_the_backup(home: Home):
    """With the next backup: no file stays there that the database does not name."""
    home.back_up()
    before = home.files()
    home.bench.store._cold.destroy(range(1000))
    home.back_up()
    assert any(path.startswith("cold/") for path in before)
    assert not any(path.startswith("cold/") for path in home.files())


@pytest.mark.parametrize("what", ["archive", "cold", "blobs"])
def test_what_is_not_as_it_was_written_is_not_backed_up(home: Home, what: str):
    """Changed or missing in the home: it is named, and nobody is told of a backup."""
    file = next(path for path in (home.settings.home / what).rglob("*") if path.is_file() and path.name != "manifest")
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(StorageError) as error:
        home.back_up()
    assert str(file) in error.value.expected
    file.unlink()
    with pytest.raises(StorageError) as error:
        home.back_up()
    assert error.value.code == "backup_incomplete"
    assert str(file) in error.value.expected
    assert home.said() is None
    file.write_bytes(data)
    home.back_up()


def test_a_manifest_of_a_blob_that_is_missing_is_named(home: Home):
    """Its chunks are known by it."""
    file = next((home.settings.home / "blobs").rglob("manifest"))
    file.unlink()
    with pytest.raises(StorageError) as error:
        home.back_up()
    assert (error.value.code, str(file) in error.value.expected) == ("backup_incomplete", True)


@pytest.mark.parametrize("what", ["archive", "cold", "blobs"])
def test_what_was_changed_in_the_backup_is_copied_anew(home: Home, what: str):
    """Files are not believed for their names."""
    home.back_up()
    file = next(path for path in (home.out / what).rglob("*") if path.is_file())
    data = file.read_bytes()
    file.write_bytes(b"x" + data)
    assert home.back_up().copied == 1
    assert file.read_bytes() == data


@pytest.mark.parametrize("grown", [0, 2 * ENTRIES], ids=["shorter", "longer, with others"])
def test_what_a_relay_lost_is_not_lost_in_its_backup_too(
    home: Home, tmp_path: Path, organisation: Organisation, grown: int
):
    """A relay that was put back to before its backup, even if it grew since, does not replace it."""
    older = tmp_path / "older"
    home.out, out = older, home.out
    home.back_up()
    home.out = out
    home.write(ENTRIES)
    lost = home.keep_blob()
    home.back_up()
    files = home.files()

    settings = RelaySettings(home=tmp_path / "again")
    restore(older, settings.home)
    with open_bench(settings.home, organisation) as bench:
        again = replace(home, settings=settings, bench=bench)
        if grown:
            again.write(grown)
        with pytest.raises(StorageError) as error:
            again.back_up()
        assert error.value.code == "backup_ahead"
        assert again.files() == files
        assert any(lost.id.hex() in name for name in files)
        again.out = tmp_path / "another"
        assert again.back_up().manifest.size >= ENTRIES


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM entry WHERE log_index = 3",
        "UPDATE entry SET header = X'00' WHERE log_index = 3",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint SET note = CAST(replace(CAST(note AS TEXT), '\u2014 ', '\u2014 other') AS BLOB)",
        "UPDATE log_tile SET hashes = zeroblob(length(hashes)) WHERE level = 0",
    ],
    ids=["an entry less", "another header", "no checkpoint", "a stranger's checkpoint", "other tiles"],
)
def test_a_database_that_does_not_hold_is_not_backed_up(home: Home, damage: str):
    """The checkpoint is verified over the entries as their headers are, and over the tiles."""
    with sqlite3.connect(home.settings.database_file) as connection:
        connection.execute(damage)
    with pytest.raises(StorageError) as error:
        home.back_up()
    assert error.value.code in {"backup_damaged", "storage_damaged"}
    assert not (home.out / "backup.json").exists()


def test_a_clock_that_was_set_back_ends_no_backups(home: Home):
    """What was written since is backed up; devices take the later statement, so the new one is later all the same."""
    home.back_up()
    before = home.said()
    home.write(1)
    done = home.back_up(now_ms=5)
    said = home.said()
    assert before is not None
    assert said is not None
    assert said.made_ms == before.made_ms + 1 == done.manifest.made_ms
    assert said.size > before.size
    assert age_word(said, 5) == "overdue"  # nobody knows of what age it is


def test_a_statement_that_was_overtaken_is_not_kept(home: Home):
    """Two that make backups at once: what devices were told last stays the latest."""
    home.back_up()
    said = home.said()
    assert said is not None
    earlier = sign_backed_up(replace(said, made_ms=said.made_ms - 1), home.key)
    with pytest.raises(ConflictError) as error, for_writing(home.bench.store._engine) as connection:
        note(connection, earlier)
    assert error.value.code == "backup_older"


def test_a_body_that_is_not_its_headers_is_not_backed_up(home: Home):
    """What counts as safe has bodies as well: a device must not let go of what is damaged here."""
    with sqlite3.connect(home.settings.database_file) as connection:
        done = connection.execute(
            "UPDATE entry SET body = zeroblob(length(body)) WHERE log_index ="
            " (SELECT max(log_index) FROM entry WHERE length(body) > 0)"
        )
        assert done.rowcount == 1
    with pytest.raises(StorageError) as error:
        home.back_up()
    assert error.value.code == "backup_damaged"
    assert home.said() is None


def test_a_database_server_has_its_own_means(home: Home):
    """They are named, and so is the command that tells of them."""
    home.settings = replace(home.settings, database_url="postgresql://relay@localhost/relay")
    with pytest.raises(StartError) as error:
        home.back_up()
    assert error.value.code == "backup_by_engine"
    assert "backed-up" in error.value.do


def test_a_folder_that_is_no_database_is_said(home: Home, tmp_path: Path):
    """As the engine's own words mean it."""
    home.settings = replace(home.settings, database_url=f"sqlite:///{tmp_path}/none/relay.sqlite3")
    with pytest.raises(StorageError):
        home.back_up()


def _cut(*_: object, **__: object) -> NoReturn:
    raise Cut


@pytest.mark.parametrize("step", ["copy_database", "_copy_files", "check", "_finish", "_prune"])
def test_a_backup_that_is_cut_off_leaves_the_one_before(home: Home, monkeypatch: pytest.MonkeyPatch, step: str):
    """The manifest always names a whole backup, and the relay never says more than one holds; the next run goes on."""
    first = home.back_up()
    home.write(3)
    with monkeypatch.context() as patch:
        patch.setattr(backups, step, _cut)
        with pytest.raises(Cut):
            home.back_up()
    found = Manifest.read(home.out)
    assert found.size == first.manifest.size or step == "_prune"
    said = home.said()
    assert said is not None
    assert said.size == first.manifest.size <= found.size
    assert (home.out / found.database).exists()
    last = home.back_up()
    assert last.manifest.size == home.bench.store.size()
    assert sum(path.endswith(".sqlite3") for path in home.files()) == 1


def _full_database(path: Path, *_: object) -> sqlite3.Connection:
    """A database that cannot grow, as on a full disk."""
    opened = sqlite3.Connection(path, isolation_level=None)
    if path.name == DRAFT:
        opened.execute("PRAGMA max_page_count = 2")
    return opened


def _full_disk(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("what", ["database", "file", "manifest"])
def test_a_full_disk_is_said_and_leaves_no_draft(home: Home, monkeypatch: pytest.MonkeyPatch, what: str):
    """Nothing that takes room and is no backup; the one before stands, and with room the next one is made."""
    first = home.back_up()
    before = home.files()
    home.write(3)
    with monkeypatch.context() as patch:
        if what == "database":
            patch.setattr("server.relay.backup_draft.sqlite3.connect", lambda path, **_: _full_database(path))
        elif what == "file":
            patch.setattr(backups, "_copy_file", _full_disk)
        else:
            patch.setattr(Manifest, "write", _full_disk)
        with pytest.raises(StorageError) as error:
            home.back_up()
    assert error.value.code == "backup_unwritable"
    assert str(home.out) in error.value.expected
    assert not [name for name in home.files() if name.startswith(DRAFT)]
    assert before <= home.files()
    assert Manifest.read(home.out) == first.manifest
    assert home.back_up().manifest.size == home.bench.store.size()


def test_what_could_not_be_written_whole_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A part of a file would keep room that a full disk lacks."""
    monkeypatch.setattr("server.relay.files.os.fsync", _full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "file", b"data")
    assert list(tmp_path.iterdir()) == []


def test_a_restored_home_is_as_it_was(home: Home, tmp_path: Path):
    """Every entry with its body, proofs, keys, and the statement of that very backup."""
    done = home.back_up()
    before = entries(home.settings.home)
    assert restore(home.out, tmp_path / "new") == done.manifest
    assert entries(tmp_path / "new") == before
    assert load_key(tmp_path / "new" / KEY_FILE, lambda _: b"").public == home.key.public
    engine = open_engine(RelaySettings(home=tmp_path / "new").storage_url)
    found = standing(SqlStore(engine, TileArchive(tmp_path / "new" / "archive")), home.key.public)
    engine.dispose()
    assert found is not None
    assert found.value == home.said()
    check_restored(tmp_path / "new")


def test_keys_come_from_the_backup_or_lie_there(home: Home, tmp_path: Path):
    """A backup without them needs them in the home; without any, nothing is restored, and no new key is made."""
    home.back_up(with_keys=False)
    with pytest.raises(StartError) as error:
        restore(home.out, tmp_path / "new")
    assert error.value.code == "keys_missing"
    for name in (KEY_FILE, COSIGNER_FILE):
        (tmp_path / "new" / name).write_bytes((home.settings.home / name).read_bytes())
        (tmp_path / "new" / name).chmod(0o600)
    restore(home.out, tmp_path / "new")


def test_a_home_in_use_is_left_alone(home: Home, tmp_path: Path):
    """Whatever is in it."""
    home.back_up()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "notes").write_text("mine")
    with pytest.raises(StartError) as error:
        restore(home.out, tmp_path / "new")
    assert error.value.code == "home_not_empty"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["notes"]


@pytest.mark.parametrize("step", ["_place_keys", "_copy_files", "check"])
def test_a_restore_that_is_cut_off_begins_again(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str):
    """And no relay starts on what is half there."""
    home.back_up()
    with monkeypatch.context() as patch:
        patch.setattr(restoring, step, _cut)
        with pytest.raises(Cut):
            restore(home.out, tmp_path / "new")
    with pytest.raises(StartError) as error:
        check_restored(tmp_path / "new")
    assert error.value.code == "restore_unfinished"
    restore(home.out, tmp_path / "new")
    assert not (tmp_path / "new" / MARK).exists()
    assert entries(tmp_path / "new") == entries(home.settings.home)


def test_a_backup_is_its_owner_s_alone(home: Home, tmp_path: Path):
    """Also in a folder that others may read: who wrote what and when stands in it, though no content."""
    home.out.mkdir(mode=0o755)
    (tmp_path / "new").mkdir(mode=0o755)
    home.back_up()
    restore(home.out, tmp_path / "new")
    for folder in (home.out, tmp_path / "new"):
        assert {path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_file()} == {0}


def test_a_backup_with_keys_stays_whole_while_one_without_is_made(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What the manifest names is there until another manifest stands; then the keys go."""
    home.back_up()
    home.write(1)
    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "write", _cut)
        with pytest.raises(Cut):
            home.back_up(with_keys=False)
    restore(home.out, tmp_path / "new")
    assert load_key(tmp_path / "new" / KEY_FILE, lambda _: b"").public == home.key.public
    home.back_up(with_keys=False)
    assert not (home.out / "keys").exists()


@pytest.mark.parametrize("what", ["database", "cold", "blobs", "archive", "manifest", "size"])
def test_a_damaged_backup_is_not_restored(home: Home, tmp_path: Path, what: str):
    """What is wrong is named, and the home does not count as restored."""
    done = home.back_up()
    if what == "database":
        (home.out / done.manifest.database).write_bytes(b"none")
    elif what == "manifest":
        (home.out / "backup.json").write_text("{}")
    elif what == "size":
        told = json.loads((home.out / "backup.json").read_text())
        (home.out / "backup.json").write_text(json.dumps(told | {"size": told["size"] + 1}))
    else:
        next(path for path in (home.out / what).rglob("*") if path.is_file()).write_bytes(b"none")
    with pytest.raises(StorageError) as error:
        restore(home.out, tmp_path / "new")
    assert error.value.code == "backup_damaged"
    assert not (tmp_path / "new" / "relay.sqlite3").exists()


@pytest.mark.parametrize("told", [None, "[]", "{", '{"format": 9}'])
def test_a_folder_without_a_backup_is_said(tmp_path: Path, told: str | None):
    """Or with one that this program does not know."""
    if told is not None:
        (tmp_path / "backup.json").write_text(told)
    with pytest.raises(StorageError) as error:
        Manifest.read(tmp_path)
    assert error.value.code == "backup_damaged"


def test_a_later_format_or_a_path_is_not_followed(home: Home):
    """A manifest names a file beside it, and nothing else."""
    home.back_up()
    told = json.loads((home.out / "backup.json").read_text())
    for change in ({"format": 2}, {"database": "../relay.sqlite3"}, {"digest": "00"}):
        (home.out / "backup.json").write_text(json.dumps(told | change))
        with pytest.raises(StorageError):
            Manifest.read(home.out)


# ------------------------------------------------------------------------------------------------- what is told


def test_only_what_the_log_bears_out_is_told(home: Home):
    """A statement beyond the log, about another state, or by another key is dropped."""
    store, tip = home.bench.store, home.bench.window.tip.checkpoint
    told = Backups(store, home.key.public)
    assert not told.look()
    good = BackedUp(size=tip.size, root=tip.root, made_ms=1, blobs_through=0)
    bad = [replace(good, size=tip.size + 1, made_ms=2), replace(good, root=Hash(bytes(32)), made_ms=3)]
    for said, key in [(good, home.key), (bad[0], home.key), (bad[1], home.key), (good, SigningKey(bytes(32)))]:
        with for_writing(store._engine) as connection, connection.begin():
            statement = sign_backed_up(replace(said, made_ms=home.now_ms), key)
            home.now_ms += 1
            note(connection, statement)
        assert told.look() is (said is good and key is home.key)
        assert (told.newest is None) is not (said is good and key is home.key)
    assert not told.look()


def test_the_age_of_a_backup_is_a_word():
    """A day and two hours; later it calls for attention, and so does none."""
    said = BackedUp(size=7, root=Hash(bytes(32)), made_ms=1000, blobs_through=2)
    assert age_word(None, 0) == "never"
    assert age_word(said, 1000 + OVERDUE_MS) == "ok"
    assert age_word(said, 1001 + OVERDUE_MS) == "overdue"
    assert told_backup(None, 5) == {
        "state": "never",
        "through": 0,
        "blobs_through": 0,
        "made_ms": None,
        "age_s": None,
    }
    assert told_backup(said, 4000) == {
        "state": "ok",
        "through": 7,
        "blobs_through": 2,
        "made_ms": 1000,
        "age_s": 3,
    }


def test_a_changing_home_is_backed_up_when_it_rests(home: Home, monkeypatch: pytest.MonkeyPatch):
    """A file that a purge took between the database's copy and its own: all begins again."""
    copy, tries = backups._copy_files, []

    def once(*what: Any) -> tuple[int, int]:
        tries.append(1)
        if len(tries) == 1:
            raise backups._GoneError("a file")
        return copy(*what)

    monkeypatch.setattr(backups, "_copy_files", once)
    assert home.back_up().manifest.size == home.bench.store.size()
    assert len(tries) == 2
