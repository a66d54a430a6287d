"""Entries by month: on PostgreSQL they find their partition, and whatever the clock says none is refused or lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, inspect, select, text

from server.relay import partitions
from server.relay.database import migrate, open_engine
from server.relay.errors import StorageError
from server.relay.models import EntryRow, table
from server.relay.partitions import BEFORE, FIRST_MS, NET, RETRY_MS, partition_of
from server.relay.store import SqlStore
from sync_protocol.checkpoints import sign_checkpoint
from sync_protocol.entries import VerifiedEntry
from sync_protocol.store import Outcome
from tests.support.databases import BOTH, POSTGRESQL, blank
from tests.support.people import ORIGIN, Organisation

DAY_MS = 24 * 60 * 60 * 1000
JANUARY, FEBRUARY, MARCH = FIRST_MS, FIRST_MS + 31 * DAY_MS, FIRST_MS + 59 * DAY_MS
NOVEMBER = FIRST_MS + 304 * DAY_MS
ENTRY = table(EntryRow)


@pytest.fixture(params=BOTH)
def any_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of its own with empty tables, on each engine."""
    opened = open_engine(blank(request.param, tmp_path))
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The same, on PostgreSQL alone."""
    opened = open_engine(blank(POSTGRESQL, tmp_path))
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def organisation() -> Organisation:
    """An organisation for this test alone."""
    return Organisation.make(9)


def add(store: SqlStore, entries: tuple[VerifiedEntry, ...], arrived_ms: int) -> list[tuple[Outcome, int]]:
    """Append at a time, and commit the log."""
    organisation = Organisation.make(3)
    with store.writing(arrived_ms=arrived_ms) as writer:
        outcomes = writer.append(entries)
        writer.commit_log(lambda found: sign_checkpoint(found, organisation.note_key), ORIGIN)
    return outcomes


def where(engine: Engine) -> dict[str, list[int]]:
    """The log indices in each partition that has some."""
    query = text("SELECT tableoid::regclass::text, log_index FROM entry ORDER BY log_index")
    found: dict[str, list[int]] = {}
    with engine.connect() as connection:
        for name, index in connection.execute(query):
            found.setdefault(name, []).append(index)
    return found


def parts(engine: Engine) -> set[str]:
    """The partitions that there are."""
    return {name for name in inspect(engine).get_table_names() if partitions.is_partition(name)}


@pytest.mark.parametrize(
    ("arrived_ms", "name"),
    [
        (0, BEFORE),
        (FIRST_MS - 1, BEFORE),
        (FIRST_MS, "entry_202601"),
        (FEBRUARY - 1, "entry_202601"),
        (FEBRUARY, "entry_202602"),
        (FIRST_MS + 365 * DAY_MS - 1, "entry_202612"),
        (FIRST_MS + 365 * DAY_MS, "entry_202701"),
        (1_830_297_600_000, "entry_202801"),
    ],
)
def test_a_partition_is_a_month_of_utc(arrived_ms: int, name: str) -> None:
    """Named by year and month; what came before 2026, or at a time that nobody noted, is together."""
    assert partition_of(arrived_ms) == name
    assert partitions.is_partition(name)


def test_only_partitions_have_their_names() -> None:
    """No table of the models is taken for one."""
    assert not any(map(partitions.is_partition, ["entry", "entry_more", "entry_2026", "xentry_202601", None]))


@pytest.mark.xdist_group("postgresql")
def test_a_start_makes_this_month_and_the_next_two(engine: Engine) -> None:
    """So that a month begins without anything to do; again is nothing."""
    assert parts(engine) == {BEFORE, NET}
    for _ in range(2):
        SqlStore(engine).prepare(NOVEMBER)
        assert parts(engine) == {BEFORE, NET, "entry_202611", "entry_202612", "entry_202701"}


@pytest.mark.xdist_group("postgresql")
def test_entries_go_to_their_month_and_never_into_the_net(engine: Engine, organisation: Organisation) -> None:
    """A writer that runs from month to month makes partitions as they begin; a clock that is set back does no harm."""
    store, session, stream = SqlStore(engine), organisation.admin.session(), organisation.stream()
    times = [JANUARY, FEBRUARY - 1, FEBRUARY, NOVEMBER, MARCH, JANUARY + 5, 0]
    for at in times:
        assert add(store, session.write(stream, [b"body"])[1], at)[0][0] is Outcome.STORED
    found = where(engine)
    assert found == {
        "entry_202601": [0, 1, 5],
        "entry_202602": [2],
        "entry_202611": [3],
        "entry_202603": [4],
        BEFORE: [6],
    }
    assert [item.index for item in store.arrivals(after=0, limit=10)] == list(range(7))
    assert store.size() == 7


@pytest.mark.xdist_group("postgresql")
def test_each_partition_has_its_keys_and_indexes(engine: Engine) -> None:
    """An index of the log, and a hash, stand once in a partition; look-ups by place and by stream find their index."""
    SqlStore(engine).prepare(NOVEMBER)
    found = inspect(engine)
    for name in parts(engine):
        assert found.get_pk_constraint(name)["constrained_columns"] == ["log_index"]
        (unique,) = found.get_unique_constraints(name)
        assert (unique["name"], unique["column_names"]) == (f"uq_{name}_hash", ["hash"])
        indexed = [index["column_names"] for index in found.get_indexes(name) if not index["unique"]]
        assert sorted(indexed) == [
            ["session", "stream", "seq", "hash", "seal"],
            ["stream", "log_index", "session", "seq"],
        ]


def test_the_writer_finds_duplicates_gaps_and_forks_across_months(
    any_engine: Engine, organisation: Organisation
) -> None:
    """No key spans the partitions, so the writer asks all of them: an entry is stored once, whenever it comes again."""
    store, session, stream = SqlStore(any_engine), organisation.admin.session(), organisation.stream()
    first = session.write(stream, [b"1", b"2"])[1]
    twin = session.branch()
    second, other = session.write(stream, [b"3", b"4"])[1], twin.write(stream, [b"5", b"6", b"7"])[1]
    assert add(store, first, JANUARY) == [(Outcome.STORED, 0), (Outcome.STORED, 1)]
    assert add(store, first, MARCH) == [(Outcome.DUPLICATE, 0), (Outcome.DUPLICATE, 1)]
    assert add(store, second[1:], MARCH) == [(Outcome.GAP, -1)]
    assert add(store, second, FEBRUARY) == [(Outcome.STORED, 2), (Outcome.STORED, 3)]
    # Two places are taken; the third is new, but begins at a fork all the same.
    assert add(store, other, NOVEMBER) == [(Outcome.FORK, 4), (Outcome.FORK, 5), (Outcome.STORED, 6)]
    found = store.entry(first[0].hash)
    assert found is not None
    assert found.index == 0
    with any_engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(ENTRY)).scalar() == 7


def test_what_arrived_when_is_kept(any_engine: Engine, organisation: Organisation) -> None:
    """Each entry has the relay's clock of the block in which it came, and its session the newest."""
    store, session, stream = SqlStore(any_engine), organisation.admin.session(), organisation.stream()
    for at in (MARCH, JANUARY):
        add(store, session.write(stream, [b"1", b"2"])[1], at)
    with any_engine.connect() as connection:
        times = connection.execute(select(ENTRY.c.arrived_ms).order_by(ENTRY.c.log_index)).scalars().all()
        seen = connection.execute(text("SELECT session, log_index, arrived_ms FROM session_seen")).all()
    assert times == [MARCH, MARCH, JANUARY, JANUARY]
    assert [tuple(row) for row in seen] == [(session.id, 3, JANUARY)]


@pytest.mark.xdist_group("postgresql")
def test_without_a_partition_the_net_takes_it_and_gives_it_back(
    engine: Engine, organisation: Organisation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A partition that cannot be made is tried again later; what the net caught moves to its month then, whole."""
    store, session, stream = SqlStore(engine), organisation.admin.session(), organisation.stream()
    tried = 0

    def refused(*_: object) -> range:
        nonlocal tried
        tried += 1
        raise StorageError("storage_locked", expected="a lock", got="none", do="wait")

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "fieldward.relay"):
        patch.setattr(partitions, "prepare", refused)
        for at in (NOVEMBER, NOVEMBER + 1, NOVEMBER + RETRY_MS):
            assert add(store, session.write(stream, [b"1"])[1], at)[0][0] is Outcome.STORED
    assert tried == 2
    assert "storage_locked" in caplog.text
    assert where(engine) == {NET: [0, 1, 2]}
    before = store.arrivals(after=0, limit=10)
    assert add(store, session.write(stream, [b"2"])[1], NOVEMBER + 2 * RETRY_MS) == [(Outcome.STORED, 3)]
    assert where(engine) == {"entry_202611": [0, 1, 2, 3]}
    assert [item.entry.hash for item in store.arrivals(after=0, limit=3)] == [item.entry.hash for item in before]


@pytest.mark.xdist_group("postgresql")
def test_a_reader_that_holds_the_table_costs_no_entry(
    engine: Engine, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a long reader keeps a partition from being attached, the entries are in the net, and stored."""
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT_MS", 20)
    store, session, stream = SqlStore(engine), organisation.admin.session(), organisation.stream()
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM entry")).scalar()
        assert add(store, session.write(stream, [b"1"])[1], NOVEMBER) == [(Outcome.STORED, 0)]
    assert where(engine) == {NET: [0]}
    assert parts(engine) == {BEFORE, NET}


@pytest.mark.xdist_group("postgresql")
@pytest.mark.parametrize("at", [253_402_300_800_000, 1 << 60], ids=["the year 10000", "beyond all calendars"])
def test_a_clock_gone_mad_stops_nothing(engine: Engine, organisation: Organisation, at: int) -> None:
    """An arrival for which there is no month falls into the net."""
    store, session, stream = SqlStore(engine), organisation.admin.session(), organisation.stream()
    assert add(store, session.write(stream, [b"1"])[1], at) == [(Outcome.STORED, 0)]
    assert where(engine) == {NET: [0]}
