"""Bodies of old entries in segments: read as before, purged as before, and lost at no moment."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from filelock import FileLock
from sqlalchemy import func, select

from server.relay import body_cooling, cold_bodies, segments
from server.relay.body_cooling import BodiesCooled, cool_bodies
from server.relay.cold_bodies import ColdBodies
from server.relay.errors import StorageError
from server.relay.evidence import open_evidence
from server.relay.models import ColdDraft, EntryRow, table
from server.relay.segments import FolderSegments
from sync_protocol.findings import FindingKind
from sync_protocol.ids import EntryHash
from sync_protocol.verification import verify
from tests.support.databases import BOTH, SQLITE, blank
from tests.support.people import Organisation
from tests.support.relay_room import Bench, open_bench
from tests.unit.server.relay.test_purging import PLANTED, Case, bodies, destroyed

LATER = 1 << 50
_ENTRY = table(EntryRow)


class Cut(BaseException):
    """What a power cut is to the process: nothing catches it."""


@pytest.fixture(params=BOTH)
def bench(request: pytest.FixtureRequest, tmp_path: Path, organisation: Organisation) -> Iterator[Bench]:
    """A relay with a folder for segments; in a home, where the database is a file."""
    url = None if request.param == SQLITE else blank(request.param, tmp_path)
    with open_bench(tmp_path, organisation, url=url) as opened:
        opened.store.put_value("relay_record", organisation.relay.wire)
        opened.store._cold = cold(opened, tmp_path)
        yield opened


def cold(bench: Bench, home: Path) -> ColdBodies:
    """Its segments, as another process sees them."""
    return ColdBodies(bench.store._engine, FolderSegments(home / "cold"), home / "cold.lock")


def cool(bench: Bench, home: Path, before_ms: int = LATER) -> BodiesCooled:
    """Cool, in another process."""
    return cool_bodies(bench.store._engine, cold(bench, home), before_ms=before_ms)


def files(home: Path) -> list[Path]:
    """The segments' files."""
    return sorted(path for path in (home / "cold").rglob("*") if path.is_file())


def in_rows(bench: Bench) -> int:
    """Bodies of content that are in the database."""
    query = select(_ENTRY.c.log_index).where(func.length(_ENTRY.c.body) > 0)
    with bench.store._engine.connect() as connection:
        held = set(connection.execute(query).scalars())
    items = bench.store.arrivals(after=0, limit=10_000)
    return sum(item.index in held for item in items if item.entry.header.epoch is not None)


def whole(bench: Bench) -> dict[EntryHash, bytes]:
    """Every body, as readers get it."""
    return {name: entry.body for name, entry in bodies(bench.store).items()}


def test_old_bodies_move_and_read_as_before(bench: Bench, tmp_path: Path):
    """By hash, by chain, by stream, by place and in order; control records stay where they are; again moves nothing."""
    case = Case.make(bench)
    before = whole(bench)
    done = cool(bench, tmp_path)
    assert (done.moved, in_rows(bench)) == (4, 0)
    assert done.through == bench.store.size()
    assert done.moved_bytes == sum(path.stat().st_size for path in files(tmp_path))
    assert whole(bench) == before
    for entry in case.chart.written:
        found = bench.store.entry(entry.hash)
        assert found is not None
        assert found.entry.wire == entry.wire
        header = entry.header
        chain = bench.store.chain(header.stream, header.session, first=header.seq, limit=1)
        assert [item.entry.wire for item in chain] == [entry.wire]
        assert [item.entry.wire for item in bench.store.at([found.index])] == [entry.wire]
        streams = bench.store.arrivals(after=found.index, limit=1, streams={header.stream})
        assert [item.entry.wire for item in streams] == [entry.wire]
    assert cool(bench, tmp_path).moved == 0


def test_only_what_is_older_moves(bench: Bench, tmp_path: Path, organisation: Organisation):
    """By the relay's clock, up to the first entry that is not."""
    Case.make(bench)
    assert cool(bench, tmp_path, before_ms=1).moved == 0
    assert files(tmp_path) == []
    between = organisation.clock()
    Case.make(bench)
    assert cool(bench, tmp_path, before_ms=between).moved == 4
    assert in_rows(bench) == 4
    assert cool(bench, tmp_path).moved == 4


def test_segments_keep_to_their_size(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As many as it takes; progress is told after each, and few of them stay in memory."""
    for _ in range(4):
        Case.make(bench)
    monkeypatch.setattr(body_cooling, "SEGMENT_BYTES", 1)
    before, told = whole(bench), []
    done = cool_bodies(
        bench.store._engine, cold(bench, tmp_path), before_ms=LATER, progress=lambda *at: told.append(at)
    )
    assert done.moved == 16
    assert len(files(tmp_path)) == 4  # bodies that are the same share a file
    assert told[0] == (0, bench.store.size())
    assert told[-1] == (bench.store.size(), bench.store.size())
    assert whole(bench) == before
    store = cold(bench, tmp_path)
    monkeypatch.setattr(cold_bodies, "KEPT_SEGMENTS", 3)
    assert len(store.bodies(range(bench.store.size()))) == 16
    assert len(store._kept) == 3
    rows = list(store.rows())
    assert len(rows) == 16
    store.destroy(range(rows[0].first, rows[0].end))
    assert len(files(tmp_path)) == 4
    assert len(store.bodies(range(bench.store.size()))) == 15


def test_without_anything_to_move_nothing_is_made(bench: Bench, tmp_path: Path):
    """An empty log has no old bodies."""
    assert cool(bench, tmp_path) == BodiesCooled(moved=0, moved_bytes=0, through=0)
    assert not (tmp_path / "cold").exists()


@pytest.mark.parametrize("harm", ["missing", "changed", "unreadable"])
def test_a_segment_that_is_not_as_it_was_is_named_and_not_served(bench: Bench, tmp_path: Path, harm: str):
    """Nor is anything else in it; what is in the database goes on."""
    case = Case.make(bench)
    cool(bench, tmp_path)
    (file,) = files(tmp_path)
    data = file.read_bytes()
    file.unlink()
    if harm == "changed":
        file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    if harm == "unreadable":
        file.mkdir()
    content = next(entry for entry in case.chart.written if entry.header.epoch is not None)
    with pytest.raises(StorageError) as error:
        bench.store.entry(content.hash)
    assert error.value.code == {"changed": "cold_damaged"}.get(harm, f"cold_{harm}")
    assert str(file) in error.value.expected
    assert bench.store.entry(case.chart.written[0].hash) is not None
    if harm == "unreadable":
        file.rmdir()
    file.write_bytes(data)
    assert bench.store.entry(content.hash) is not None


def test_a_purge_destroys_cooled_bodies(bench: Bench, tmp_path: Path):
    """The segment is written anew without them, and the old file is gone; what stays verifies."""
    case = Case.make(bench)
    other = Case.make(bench)
    cool(bench, tmp_path)
    (before,) = files(tmp_path)
    assert PLANTED in before.read_bytes()
    kept = whole(bench)
    case.confirm()
    assert case.run() == 1
    (after,) = files(tmp_path)
    assert after != before
    gone = destroyed(case)
    for name, body in kept.items():
        found = bench.store.entry(name)
        assert found is not None
        assert (found.entry.body == b"") is (name in gone)
        assert name in gone or found.entry.body == body
    sealed = [entry for entry in other.chart.written if entry.header.epoch is not None]
    audit = [entry for entry in case.chart.written if entry.header.epoch and entry.hash not in gone]
    assert after.stat().st_size == sum(len(entry.body) for entry in (*sealed, *audit))
    assert drafts(bench) == 0


def drafts(bench: Bench) -> int:
    """Files that no segment names."""
    with bench.store._engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table(ColdDraft))).scalar_one()


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_check_names_every_damaged_segment_and_goes_on(
    tmp_path: Path, organisation: Organisation, monkeypatch: pytest.MonkeyPatch, harm: str
):
    """Each is one finding, with how many bodies it had; headers, chains and the other segments are checked."""
    monkeypatch.setattr(body_cooling, "SEGMENT_BYTES", 1)
    with open_bench(tmp_path, organisation) as bench:
        bench.store.put_value("relay_record", organisation.relay.wire)
        bench.store._cold = cold(bench, tmp_path)
        Case.make(bench)
        cool(bench, tmp_path)
        size = bench.store.size()
        first, *_, last = files(tmp_path)
        for path in (first, last):
            path.unlink() if harm == "missing" else path.write_bytes(b"another")
        with open_evidence(tmp_path, database_url=None, root=None) as source:
            report = verify(source, found=source.damage())
        assert (report.ok, report.entries, report.log_size) == (False, size, size)
        assert report.counts == {FindingKind.DAMAGED: 2}
        assert {str(finding.evidence["expected"]) for finding in report.findings} == {
            f"the segment {path} as it was written" for path in (first, last)
        }
        assert [finding.evidence["entries"] for finding in report.findings] == [1, 1]


def test_a_segment_of_which_nothing_stays_goes_unread(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """So that a damaged one holds up no purge that would take all of it."""
    monkeypatch.setattr(body_cooling, "SEGMENT_BYTES", 1)
    Case.make(bench)
    cool(bench, tmp_path)
    first = files(tmp_path)
    store = cold(bench, tmp_path)
    (one, *_) = store.rows()
    FolderSegments(tmp_path / "cold").path(one.digest).write_bytes(b"damaged")
    index = next(index for index in range(one.first, one.end) if one.has(index))
    store.destroy([index])
    assert len(files(tmp_path)) == len(first) - 1
    assert store.bodies([index]) == {}
    store.destroy([index])
    store.destroy([10_000])


def test_a_reader_between_a_purge_s_steps_reads_on(bench: Bench, tmp_path: Path):
    """Who has found the old segment's row reads the one that took its place; of what is gone there is nothing."""
    Case.make(bench)
    cool(bench, tmp_path)
    reader, purger = cold(bench, tmp_path), cold(bench, tmp_path)
    (old,) = reader.rows()
    held = [index for index in range(old.first, old.end) if old.has(index)]
    purger.destroy(held[:1])
    segment, data = reader._data(old)
    assert segment.digest != old.digest
    assert [segment.has(index) for index in held] == [False, True, True, True]
    assert len(data) == segment.offsets[-1]
    purger.destroy(held)
    segment, data = reader._data(old)
    assert not any(map(segment.has, held))
    assert data == b""


def test_what_a_purge_took_while_it_cooled_is_in_no_segment(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The transaction notices, the segment is destroyed, and another is made."""
    Case.make(bench)
    sealed = [item.index for item in bench.store.arrivals(after=0, limit=99) if item.entry.header.epoch is not None]
    write, once = ColdBodies.write, [True]

    def late(self: ColdBodies, data: bytes) -> bytes:
        digest = write(self, data)
        if once.pop() if once else False:
            with bench.store._changing() as connection:
                connection.execute(_ENTRY.update().where(_ENTRY.c.log_index == sealed[0]).values(body=b""))
        return digest

    monkeypatch.setattr(ColdBodies, "write", late)
    assert cool(bench, tmp_path).moved == 3
    (file,) = files(tmp_path)
    assert PLANTED + b"\x01" not in file.read_bytes() or len(sealed) == 4
    assert bench.store.at([sealed[0]])[0].entry.body == b""
    assert drafts(bench) == 0


def _in_the_file(patch: pytest.MonkeyPatch) -> None:
    """Cut while the file is written."""

    def cut(path: Path, data: bytes) -> None:
        path.with_name(f"{path.name}.new").write_bytes(data[:10])
        raise Cut

    patch.setattr(segments, "write_whole", cut)


def _before_its_name_is_durable(patch: pytest.MonkeyPatch) -> None:
    """Cut when the file is there, and its name perhaps not durable."""
    patch.setattr(segments, "flush_folder", _cut)


def _before_the_rows_change(patch: pytest.MonkeyPatch) -> None:
    """Cut between the file and the transaction."""
    write = ColdBodies.write

    def cut(self: ColdBodies, data: bytes) -> bytes:
        write(self, data)
        raise Cut

    patch.setattr(ColdBodies, "write", cut)


def _within_the_transaction(patch: pytest.MonkeyPatch) -> None:
    """Cut when bodies and segment have changed places, and the transaction has not ended."""
    name = ColdBodies.name

    def cut(*what: Any) -> NoReturn:
        name(*what)
        raise Cut

    patch.setattr(ColdBodies, "name", cut)


def _before_the_old_file_goes(patch: pytest.MonkeyPatch) -> None:
    """Cut when a file is to be destroyed."""
    patch.setattr(FolderSegments, "destroy", _cut)


def _cut(*_: object) -> NoReturn:
    raise Cut


CUTS = [
    _in_the_file,
    _before_its_name_is_durable,
    _before_the_rows_change,
    _within_the_transaction,
]


@pytest.mark.parametrize("cut", CUTS)
def test_cooling_that_is_cut_off_costs_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Callable[[pytest.MonkeyPatch], None]
):
    """Between any two steps each body is to be had, and the next run finishes and leaves no stray file."""
    Case.make(bench)
    before = whole(bench)
    with monkeypatch.context() as patch:
        cut(patch)
        with pytest.raises(Cut):
            cool(bench, tmp_path)
    assert whole(bench) == before
    assert cool(bench, tmp_path).moved == 4
    assert whole(bench) == before
    assert drafts(bench) == 0
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in files(tmp_path)] == [
        path.name for path in files(tmp_path)
    ]
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("cut", [*CUTS, _before_the_old_file_goes])
def test_a_purge_of_cooled_bodies_that_is_cut_off_goes_on(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Callable[[pytest.MonkeyPatch], None]
):
    """What stays is to be had between any two steps; in the end no file has what was destroyed."""
    case = Case.make(bench)
    Case.make(bench)
    cool(bench, tmp_path)
    case.confirm()
    kept = {name: body for name, body in whole(bench).items() if name not in destroyed(case)}
    with monkeypatch.context() as patch:
        cut(patch)
        with pytest.raises(Cut):
            case.run()
    assert kept.items() <= whole(bench).items()
    case.run()
    assert kept.items() <= whole(bench).items()
    assert not any(whole(bench)[name] for name in destroyed(case))
    with cold(bench, tmp_path).alone():
        pass
    assert len(files(tmp_path)) == 1
    assert drafts(bench) == 0


def test_one_writes_segments_at_a_time(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever waits too long says so."""
    monkeypatch.setattr(cold_bodies, "_LOCK_TIMEOUT_S", 0)
    Case.make(bench)
    with FileLock(tmp_path / "cold.lock"), pytest.raises(StorageError) as error:
        cool(bench, tmp_path)
    assert error.value.code == "cold_in_use"


def test_a_folder_that_cannot_be_written_is_said(bench: Bench, tmp_path: Path):
    """Nothing has moved; once that is mended, it does."""
    Case.make(bench)
    (tmp_path / "cold").write_bytes(b"in the way")
    with pytest.raises(StorageError) as error:
        cool(bench, tmp_path)
    assert error.value.code == "cold_unwritable"
    (tmp_path / "cold").unlink()
    assert cool(bench, tmp_path).moved == 4


def test_a_file_that_cannot_be_removed_is_said(tmp_path: Path):
    """Its purge is not over before it is gone."""
    folder = FolderSegments(tmp_path / "cold")
    digest = folder.write(b"some bodies")
    folder.destroy(digest)
    folder.destroy(digest)
    folder.path(digest).mkdir()
    with pytest.raises(StorageError) as error:
        folder.destroy(digest)
    assert error.value.code == "cold_unwritable"


def test_evidence_reads_cooled_bodies_and_names_a_lost_segment(tmp_path: Path, organisation: Organisation):
    """The relay's data verifies as before; what is missing in a segment is not passed over."""
    with open_bench(tmp_path, organisation) as bench:
        bench.store.put_value("relay_record", organisation.relay.wire)
        bench.store._cold = cold(bench, tmp_path)
        case = Case.make(bench)
        Case.make(bench)
        cool(bench, tmp_path)
        case.confirm()
        case.run()
    with open_evidence(tmp_path, database_url=None, root=None) as source:
        report = verify(source)
    assert report.ok, report.findings
    (file,) = files(tmp_path)
    file.rename(tmp_path / "aside")
    with open_evidence(tmp_path, database_url=None, root=None) as source, pytest.raises(StorageError) as error:
        verify(source)
    assert error.value.code == "cold_missing"
    (tmp_path / "aside").rename(file)
    with sqlite3.connect(tmp_path / "relay.sqlite3") as connection:
        connection.execute("DELETE FROM cold_segment")
    with open_evidence(tmp_path, database_url=None, root=None) as source:
        assert not verify(source).ok
