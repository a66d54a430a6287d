"""Rows of blobs: whose, where, how much, and the running number of those that once were whole.

A number is given once and never again, also after a purge: devices hold receipts for it, and a backup states the number
up to which it holds all. A blob that was damaged keeps its number, and until it is whole again nothing from that number
on counts as backed up.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, insert, select, update

from server.relay.database import for_writing
from server.relay.models import BlobRow, RelayValue, table
from sync_protocol.ids import BlobId, CertificateHash, ChartId, StreamId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine, Row

_BLOB: Final = table(BlobRow)
_VALUE: Final = table(RelayValue)
_NUMBER: Final = "blob_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobEntry:
    """One blob as the relay knows it.

    Attributes:
        uploader: the principal that offered it first; it counts towards its quota.
        number: None before all of it was here.
        stored_ms: since when all of it is here; None while chunks lack, or again since one was damaged.
        heard_ms: when anybody last offered it, by the relay's clock.
    """

    id: BlobId
    stream: StreamId
    chart: ChartId
    uploader: CertificateHash
    size: int
    chunks: int
    heard_ms: int
    number: int | None = None
    stored_ms: int | None = None

    @property
    def whole(self) -> tuple[int, int] | None:
        """Number and time of a blob that is whole here; None of another."""
        return None if self.number is None or self.stored_ms is None else (self.number, self.stored_ms)


@dataclass(frozen=True, slots=True)
class Usage:
    """How much somebody uses: sealed bytes, those of blobs that are not whole included, and how many those are."""

    size_bytes: int
    incomplete: int


@dataclass(frozen=True, slots=True)
class BlobCounts:
    """Blobs in all: whole ones, their bytes, those that never were whole yet, those that were damaged."""

    whole: int
    size_bytes: int
    incomplete: int
    damaged: int


class BlobBook:
    """The rows. Threads may share one; one writes at a time."""

    def __init__(self, engine: Engine) -> None:
        """Use a database that `migrate` has brought up to date."""
        self._engine = engine
        self._turn = threading.Lock()

    def find(self, blob: BlobId) -> BlobEntry | None:
        """What is known of a blob."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_BLOB).where(_BLOB.c.id == blob)).one_or_none()
        return None if row is None else _entry(row)

    def begin(self, entry: BlobEntry) -> None:
        """Note a blob of which nothing is here yet; again is nothing."""
        with self._writing() as connection:
            if connection.execute(select(_BLOB.c.id).where(_BLOB.c.id == entry.id)).first() is None:
                values = {name: getattr(entry, name) for name in BlobEntry.__slots__}
                connection.execute(insert(_BLOB), values)

    def heard(self, blob: BlobId, now_ms: int) -> None:
        """Note that a blob was offered again, or more of it came."""
        with self._writing() as connection:
            connection.execute(update(_BLOB).where(_BLOB.c.id == blob).values(heard_ms=now_ms))

    def complete(self, blob: BlobId, now_ms: int) -> int | None:
        """Note that a blob is whole, and give it a number, which it keeps. None for one that went meanwhile."""
        with self._writing() as connection:
            row = connection.execute(select(_BLOB).where(_BLOB.c.id == blob)).one_or_none()
            if row is None:
                return None
            number = int(row.number) if row.number is not None else _next_number(connection)
            told = {"number": number, "stored_ms": row.stored_ms or now_ms, "heard_ms": now_ms}
            connection.execute(update(_BLOB).where(_BLOB.c.id == blob).values(**told))
            return number

    def reopen(self, blob: BlobId) -> None:
        """Note that a blob is not whole any more, because a chunk was damaged: it may be offered again."""
        with self._writing() as connection:
            connection.execute(update(_BLOB).where(_BLOB.c.id == blob).values(stored_ms=None))

    def used_by(self, uploader: CertificateHash) -> Usage:
        """How much of what is here somebody offered."""
        mine = _BLOB.c.uploader == uploader
        with self._engine.connect() as connection:
            size = connection.execute(select(func.coalesce(func.sum(_BLOB.c.size), 0)).where(mine)).scalar_one()
            open_ = select(func.count()).select_from(_BLOB).where(mine, _BLOB.c.number.is_(None))
            return Usage(int(size), int(connection.execute(open_).scalar_one()))

    def used_in(self, chart: ChartId) -> int:
        """Sealed bytes of a chart's whole blobs. The others do not count: a claim costs its author alone."""
        whole = (_BLOB.c.chart == chart, _BLOB.c.stored_ms.is_not(None))
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.coalesce(func.sum(_BLOB.c.size), 0)).where(*whole)).scalar_one())

    def silent(self, before_ms: int) -> list[BlobId]:
        """Blobs that never were whole, and of which nobody was heard since."""
        return self._ids(_BLOB.c.number.is_(None), _BLOB.c.heard_ms < before_ms)

    def of_charts(self, charts: Sequence[ChartId]) -> list[BlobId]:
        """The blobs of some charts."""
        return self._ids(_BLOB.c.chart.in_(charts))

    def forget(self, blob: BlobId) -> None:
        """Let go of a blob's row, after its chunks are gone; its number is not given again."""
        with self._writing() as connection:
            connection.execute(delete(_BLOB).where(_BLOB.c.id == blob))

    def counts(self) -> BlobCounts:
        """Blobs in all."""
        query = select(func.count(), func.coalesce(func.sum(_BLOB.c.size), 0)).select_from(_BLOB)
        damaged = (_BLOB.c.number.is_not(None), _BLOB.c.stored_ms.is_(None))
        with self._engine.connect() as connection:
            whole, size = connection.execute(query.where(_BLOB.c.stored_ms.is_not(None))).one()
            open_ = connection.execute(query.where(_BLOB.c.number.is_(None))).one()[0]
            return BlobCounts(
                int(whole), int(size), int(open_), int(connection.execute(query.where(*damaged)).one()[0])
            )

    def through(self) -> int:
        """The number up to which every blob that was receipted is whole here, or went with its chart."""
        lost = select(func.min(_BLOB.c.number)).where(_BLOB.c.stored_ms.is_(None))
        with self._engine.connect() as connection:
            first = connection.execute(lost).scalar()
            return _number(connection) if first is None else int(first) - 1

    def _ids(self, *conditions: Any) -> list[BlobId]:  # noqa: ANN401 - SQLAlchemy's
        with self._engine.connect() as connection:
            return list(map(BlobId, connection.execute(select(_BLOB.c.id).where(*conditions)).scalars()))

    def _writing(self) -> AbstractContextManager[Connection]:
        return _changing(self._engine, self._turn)


@contextmanager
def _changing(engine: Engine, turn: threading.Lock) -> Iterator[Connection]:
    with turn, for_writing(engine) as connection, connection.begin():
        yield connection


def _next_number(connection: Connection) -> int:
    number = _number(connection) + 1
    value = number.to_bytes(8, "big")
    if not connection.execute(update(_VALUE).where(_VALUE.c.name == _NUMBER).values(value=value)).rowcount:
        connection.execute(insert(_VALUE), {"name": _NUMBER, "value": value})
    return number


def _number(connection: Connection) -> int:
    found = connection.execute(select(_VALUE.c.value).where(_VALUE.c.name == _NUMBER)).scalar()
    return 0 if found is None else int.from_bytes(found, "big")


def _entry(row: Row[Any]) -> BlobEntry:
    return BlobEntry(
        id=BlobId(row.id),
        stream=StreamId(row.stream),
        chart=ChartId(row.chart),
        uploader=CertificateHash(row.uploader),
        size=row.size,
        chunks=row.chunks,
        heard_ms=row.heard_ms,
        number=row.number,
        stored_ms=row.stored_ms,
    )
