"""The relay's store: `sync_protocol.store.Store` on SQLite or PostgreSQL, and what ingest, feeds and enrolment need.

Reads run beside each other and beside the one writer, and see what was committed when they began. What comes back was
verified before it was stored, so it is decoded and not verified again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select, update

from server.relay import arrivals, chains, partitions
from server.relay.database import for_writing
from server.relay.errors import StorageError
from server.relay.filing_store import FilingStore
from server.relay.last_seals import LastSeal, last_seals
from server.relay.models import (
    CertificateRow,
    EntryRow,
    PurgeRow,
    SealRow,
    SessionRow,
    table,
)
from server.relay.writer import SqlWriter
from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import Header, Seal
from sync_protocol.frontier import Frontier
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, SessionId, StreamId
from sync_protocol.merkle import CompactRange
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Select

    from server.relay.archive import TileArchive
    from server.relay.cold_bodies import ColdBodies

_LOG: Final = logging.getLogger("fieldward.relay")
_CERTIFICATE: Final = table(CertificateRow)
_ENTRY: Final = table(EntryRow)
_PURGE: Final = table(PurgeRow)
_SEAL: Final = table(SealRow)
_SESSION: Final = table(SessionRow)


class SqlStore(FilingStore):
    """See `sync_protocol.store.Store`. Threads may share one."""

    def __init__(self, engine: Engine, archive: TileArchive | None = None, cold: ColdBodies | None = None) -> None:
        """Read and write a database that `migrate` has brought up to date.

        Args:
            engine: the database's.
            archive: where tiles of the log went that are no longer in the database; None where none can have gone.
            cold: where bodies of old entries went; None where none can have gone.
        """
        super().__init__(engine, archive)
        self._cold = cold
        self._edge: CompactRange | None = None
        self._prepared = range(0)

    def prepare(self, now_ms: int) -> None:
        """Get ready for the entries of this month and the next ones.

        What cannot be done now is left for later, and no entry is refused for it: see `partitions`.

        Args:
            now_ms: the relay's clock, in Unix milliseconds.
        """
        with self._turn():
            self._prepare(now_ms)

    @contextmanager
    def writing(self, *, arrived_ms: int = 0) -> Iterator[SqlWriter]:
        """See Store. Another thread waits for its turn.

        Args:
            arrived_ms: the relay's clock, in Unix milliseconds; 0 where nobody knows when the entries came.

        Raises:
            MisuseError: a block within a block.
        """
        with self._turn():
            self._prepare(arrived_ms)
            with for_writing(self._engine) as connection, connection.begin():
                writer = SqlWriter(connection, self._edge, arrived_ms=arrived_ms)
                yield writer
                writer.flush()
            self._edge = writer.edge

    def certificates(self) -> list[Verified[Certificate]]:
        """See Store."""
        query = select(_CERTIFICATE.c.wire).order_by(_CERTIFICATE.c.arrival)
        return [Verified.from_store(Certificate, wire) for wire in self._column(query)]

    def session(self, name: SessionId) -> Verified[Session] | None:
        """See Store."""
        found = self._column(select(_SESSION.c.wire).where(_SESSION.c.id == name))
        return Verified.from_store(Session, found[0]) if found else None

    def sessions(self) -> list[Verified[Session]]:
        """See Store."""
        query = select(_SESSION.c.wire).order_by(_SESSION.c.arrival)
        return [Verified.from_store(Session, wire) for wire in self._column(query)]

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """See Store."""
        query = select(_SEAL.c.wire).where(_SEAL.c.session == session, _SEAL.c.number == number)
        return tuple(Verified.from_store(Seal, wire) for wire in self._column(query.order_by(_SEAL.c.hash)))

    def seals_from(self, session: SessionId, number: int, *, limit: int) -> list[Verified[Seal]]:
        """See Store."""
        query = select(_SEAL.c.wire).where(_SEAL.c.session == session, _SEAL.c.number >= number)
        ordered = query.order_by(_SEAL.c.number, _SEAL.c.hash).limit(limit)
        return [Verified.from_store(Seal, wire) for wire in self._column(ordered)]

    def last_seal(self, session: SessionId) -> Verified[Seal] | None:
        """See Store."""
        query = select(_SEAL.c.wire).where(_SEAL.c.session == session)
        found = self._column(query.order_by(_SEAL.c.number.desc(), _SEAL.c.hash).limit(1))
        return Verified.from_store(Seal, found[0]) if found else None

    def entry(self, name: EntryHash) -> Arrived | None:
        """See Store."""
        found = self._arrived(arrivals.WIRE_ENTRY.where(_ENTRY.c.hash == name))
        return found[0] if found else None

    def has(self, name: EntryHash) -> bool:
        """Whether an entry is here."""
        return bool(self._column(select(_ENTRY.c.log_index).where(_ENTRY.c.hash == name)))

    def headers(self, names: Collection[EntryHash]) -> dict[EntryHash, Header]:
        """What those of some entries that are here say of themselves: without bodies, which may be in cold segments."""
        with self._engine.connect() as connection:
            return chains.headers(connection, names)

    def first_index(self, stream: StreamId, session: SessionId, first: int) -> int | None:
        """The log index of a chain's first entry from a sequence number on; None where there is none."""
        with self._engine.connect() as connection:
            return chains.first_index(connection, stream, session, first)

    def chain(self, stream: StreamId, session: SessionId, *, first: int, limit: int) -> list[Arrived]:
        """See Store."""
        within = (_ENTRY.c.session == session, _ENTRY.c.stream == stream, _ENTRY.c.seq >= first)
        return self._arrived(arrivals.WIRE_ENTRY.where(*within).order_by(_ENTRY.c.seq, _ENTRY.c.log_index).limit(limit))

    def frontier(self, stream: StreamId) -> Frontier:
        """See Store."""
        with self._engine.connect() as connection:
            return chains.frontier(connection, stream)

    def forked(self, stream: StreamId) -> frozenset[SessionId]:
        """See Store."""
        with self._engine.connect() as connection:
            return chains.forked(connection, stream)

    def streams(self) -> frozenset[StreamId]:
        """See Store."""
        return frozenset(map(StreamId, self._column(select(_ENTRY.c.stream).distinct())))

    def arrivals(
        self, *, after: int, limit: int, streams: Collection[StreamId] | None = None, until: int | None = None
    ) -> list[Arrived]:
        """See Store; with `until`, only entries below that arrival index."""
        with self._engine.connect() as connection:
            end = _size(connection) if until is None else until
            return arrivals.page(connection, streams, after=after, end=end, limit=limit, cold=self._cold)

    def size(self) -> int:
        """See Store."""
        with self._engine.connect() as connection:
            return _size(connection)

    def seals_known(
        self, sessions: Collection[SessionId], streams: Collection[StreamId], before: int
    ) -> dict[SessionId, int]:
        """The highest seal that a reader of `streams` up to a cursor has met, a session.

        Args:
            sessions: the sessions to look at; those that the reader met nowhere are left out.
            streams: what the reader reads.
            before: its cursor; entries from this log index on are new to it.
        """
        with self._engine.connect() as connection:
            return chains.seals_known(connection, sessions, streams, before)

    def saw(self, later: EntryHash, earlier: EntryHash) -> bool:
        """Whether one entry follows another in the causal order of their stream; see `chains.saw`."""
        with self._engine.connect() as connection:
            return chains.saw(connection, later, earlier)

    def control_of(self, session: SessionId, is_control: Callable[[StreamId], bool]) -> list[int]:
        """The log indices of a session's entries in streams that carry control records; no body is read for it."""
        query = select(_ENTRY.c.stream, func.min(_ENTRY.c.log_index)).where(_ENTRY.c.session == session)
        with self._engine.connect() as connection:
            streams = [stream for stream, _ in connection.execute(query.group_by(_ENTRY.c.stream))]
            control = [stream for stream in streams if is_control(StreamId(stream))]
            mine = select(_ENTRY.c.log_index).where(_ENTRY.c.session == session, _ENTRY.c.stream.in_(control))
            return sorted(connection.execute(mine).scalars())

    def at(self, indices: Sequence[int]) -> list[Arrived]:
        """The entries at these log indices, ascending."""
        with self._engine.connect() as connection:
            return arrivals.at(connection, indices, self._cold)

    def arrived_ms(self, names: Sequence[EntryHash]) -> list[int]:
        """When those of some entries that are here came, by the relay's clock; 0 before the relay noted it."""
        with self._engine.connect() as connection:
            return arrivals.arrived_ms(connection, names)

    def last_seals(self, certificates: Collection[CertificateHash], *, before_ms: int | None) -> list[LastSeal]:
        """How far the sessions of some certificates had come by a moment; see `last_seals.last_seals`."""
        with self._engine.connect() as connection:
            return last_seals(connection, certificates, before_ms=before_ms)

    def purges(self, *, unfinished: bool = False) -> frozenset[ChartId]:
        """The charts whose content was destroyed, or is being; or only the latter."""
        query = select(_PURGE.c.chart)
        return frozenset(map(ChartId, self._column(query.where(_PURGE.c.ended_ms.is_(None)) if unfinished else query)))

    def begin_purge(self, chart: ChartId, now_ms: int, noted: Callable[[], None]) -> None:
        """Note that a chart's content is to be destroyed; `noted` is called before anybody else may write."""
        with self._turn():
            with for_writing(self._engine) as connection, connection.begin():
                connection.execute(insert(_PURGE), {"chart": chart, "began_ms": now_ms, "ended_ms": None})
            noted()

    def destroy_bodies(self, indices: Sequence[int]) -> None:
        """Empty the bodies of the entries at these log indices, and overwrite what they were where that can be done.

        The rows first: a body that cools meanwhile is then either in a segment already, or not moved any more.
        """
        with self._changing() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            connection.execute(update(_ENTRY).where(_ENTRY.c.log_index.in_(indices)).values(body=b""))
        if self._cold is not None:
            self._cold.destroy(indices)

    def end_purge(self, chart: ChartId, now_ms: int) -> None:
        """Note that nothing of a chart's content is left, after the engine's own journal was emptied if it can be."""
        if self._engine.dialect.name == "sqlite":
            with closing(self._engine.raw_connection()) as raw:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        with self._changing() as connection:
            connection.execute(update(_PURGE).where(_PURGE.c.chart == chart).values(ended_ms=now_ms))

    def _prepare(self, now_ms: int) -> None:
        if now_ms in self._prepared:
            return
        try:
            with for_writing(self._engine) as connection, connection.begin():
                self._prepared = partitions.prepare(connection, now_ms)
        except StorageError as error:
            _LOG.warning("a month's partition could not be made: %s (%s)", error.code, error.got)
            self._prepared = range(now_ms, now_ms + partitions.RETRY_MS)

    def _arrived(self, query: Select[Any]) -> list[Arrived]:
        return arrivals.decoded(self._rows(query), self._cold)


def _size(connection: Connection) -> int:
    last = connection.execute(select(func.max(_ENTRY.c.log_index))).scalar()
    return 0 if last is None else last + 1
