"""A relay's database as evidence: read only, also while the relay runs, in one view of one moment.

Owns the raw rows. Nothing in them is believed for lying there: whoever may edit the database may edit every column, so
hashes are computed from headers again, and what does not even decode is handed on as it is. Entries are ciphertext.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from server.relay import log
from server.relay.archive import TileArchive
from server.relay.arrivals import WIRE_ENTRY, warmed
from server.relay.cold_bodies import LOCK_FILE, ColdBodies
from server.relay.errors import StorageError
from server.relay.evidence_engine import reading_engine
from server.relay.evidence_purges import purged_streams
from server.relay.identity import RECORD
from server.relay.models import (
    CertificateRow,
    CheckpointRow,
    EntryRow,
    PurgeRow,
    RelayValue,
    SealRow,
    SessionRow,
    table,
)
from server.relay.recall import ORGANISATION_ROOT
from server.relay.segments import LOST, FolderSegments
from server.relay.settings import ARCHIVE_FOLDER, COLD_FOLDER
from sync_protocol.certificates import open_root
from sync_protocol.entries import WireEntry, read_header
from sync_protocol.errors import PeerError
from sync_protocol.evidence import ConsistencyProof, Piece, ReceiptProof, Transcript, Witness
from sync_protocol.findings import Finding, FindingKind
from sync_protocol.ids import ChartId, EntryHash, Hash, StreamId
from sync_protocol.limits import HASH_BYTES
from sync_protocol.tiles import TILE_HASHES

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

_PAGE: Final = 512
_ENTRY: Final = table(EntryRow)
_PURGE: Final = table(PurgeRow)
_SEAL: Final = table(SealRow)
_SESSION: Final = table(SessionRow)
_CERTIFICATE: Final = table(CertificateRow)
_CHECKPOINT: Final = table(CheckpointRow)
_VALUE: Final = table(RelayValue)


@contextmanager
def open_evidence(folder: Path, *, database_url: str | None, root: bytes | None) -> Iterator[RelaySource]:
    """Open a relay's data for a verification.

    Args:
        folder: the relay's home.
        database_url: where the database is, if not in the home.
        root: the organisation's root in its envelope, if it was learned elsewhere.

    Raises:
        StorageError: no relay's data, or it cannot be read, or it does not say whose it is and nobody else does.
    """
    engine = reading_engine(folder, database_url)
    try:
        with engine.connect() as connection:
            cold = ColdBodies(engine, FolderSegments(folder / COLD_FOLDER), folder / LOCK_FILE)
            yield RelaySource(connection, TileArchive(folder / ARCHIVE_FOLDER), root, cold)
    finally:
        engine.dispose()


class RelaySource:
    """See `sync_protocol.evidence.Source`."""

    def __init__(
        self, connection: Connection, archive: TileArchive, root: bytes | None, cold: ColdBodies | None = None
    ) -> None:
        """Read by one connection, whose transaction sees one moment; `cold` has the bodies of old entries."""
        self._connection = connection
        self._cold = cold
        self._goes_on = False
        self._lost: dict[str, tuple[StorageError, set[int]]] = {}
        self._load: Callable[..., Any] = log.load_from(connection, archive)
        self._size = int(connection.execute(select(func.count()).select_from(_ENTRY)).scalar_one())
        self._root = root or self._value(ORGANISATION_ROOT)

    def root(self) -> bytes:
        """See Source.

        Raises:
            StorageError: it is neither here nor was it given.
        """
        if self._root is None:
            raise StorageError(
                "no_root",
                expected="the organisation's root beside the data",
                got="none: an older relay wrote it",
                do="name the organisation's file with --organisation",
            )
        return self._root

    def relays(self) -> Iterable[bytes]:
        """See Source."""
        record = self._value(RECORD)
        return () if record is None else (record,)

    def certificates(self) -> Iterator[bytes]:
        """See Source."""
        return self._column(select(_CERTIFICATE.c.arrival, _CERTIFICATE.c.wire), _CERTIFICATE.c.arrival)

    def sessions(self) -> Iterator[bytes]:
        """See Source."""
        return self._column(select(_SESSION.c.arrival, _SESSION.c.wire), _SESSION.c.arrival)

    def seals(self) -> Iterator[bytes]:
        """See Source."""
        sessions = self._connection.execute(select(_SEAL.c.session).distinct().order_by(_SEAL.c.session)).scalars()
        for session in list(sessions):
            after = -1
            while True:
                numbers = select(_SEAL.c.number).where(_SEAL.c.session == session, _SEAL.c.number > after)
                page = list(self._connection.execute(numbers.order_by(_SEAL.c.number).limit(_PAGE)).scalars())
                if not page:
                    break
                within = (_SEAL.c.session == session, _SEAL.c.number > after, _SEAL.c.number <= page[-1])
                query = select(_SEAL.c.wire).where(*within).order_by(_SEAL.c.number, _SEAL.c.hash)
                yield from list(self._connection.execute(query).scalars())
                after = page[-1]

    def pieces(self) -> Iterator[Piece]:
        """See Source.

        Raises:
            StorageError: a segment with bodies of old entries is missing or was changed; the error names it. After
                `damage` was called no more: then of entries whose bodies were there come the headers.
        """
        for index, header, body, place, path in self._entries(WIRE_ENTRY):
            kept = None if not body and (self._is_lost(index) or self._is_purged(header)) else body
            yield Piece(header=header, index=place, path=_hashes(path), body=kept, log_index=index)

    def size(self) -> int:
        """See Source."""
        return self._size

    def has(self, entry: EntryHash) -> bool:
        """See Source."""
        headers = self._connection.execute(select(_ENTRY.c.header).where(_ENTRY.c.hash == entry)).scalars()
        return any(EntryHash.of(header) == entry for header in headers)

    def reads(self, stream: StreamId) -> bool:
        """See Source: a relay has what was pushed, and a device pushes what an entry names before the entry."""
        del stream
        return True

    def checkpoints(self) -> Iterator[bytes]:
        """See Source."""
        return self._column(select(_CHECKPOINT.c.size, _CHECKPOINT.c.note), _CHECKPOINT.c.size)

    def consistency(self) -> Iterable[ConsistencyProof]:
        """See Source: the log itself is here."""
        return ()

    def receipts(self) -> Iterable[ReceiptProof]:
        """See Source: devices keep those."""
        return ()

    def witnesses(self) -> Iterable[Witness]:
        """See Source: records of meetings are sealed."""
        return ()

    def leaves(self) -> Iterator[bytes]:
        """See Source."""
        number = 0
        while True:
            hashes = self._load([(0, number)]).get((0, number), b"")
            yield from _hashes(hashes)
            if len(hashes) < TILE_HASHES * HASH_BYTES:
                return
            number += 1

    def transcripts(self) -> Iterable[Transcript]:
        """See Source: devices keep those."""
        return ()

    def damage(self) -> Iterator[Finding]:
        """Go on past segments that are not as they were written; which reading met is told once it has ended."""
        self._goes_on = True
        return self._damage()

    def _damage(self) -> Iterator[Finding]:
        for error, indices in self._lost.values():
            evidence = {"problem": error.code, "expected": error.expected, "got": error.got, "entries": len(indices)}
            yield Finding(kind=FindingKind.DAMAGED, evidence=evidence)

    def _lose(self, error: StorageError, indices: Sequence[int]) -> None:
        if not self._goes_on or error.code not in LOST:
            raise error
        self._lost.setdefault(error.expected, (error, set()))[1].update(indices)

    def _is_lost(self, index: int) -> bool:
        return any(index in indices for _, indices in self._lost.values())

    def _is_purged(self, header: bytes) -> bool:
        """Whether an empty body was destroyed as signed records say; of an entry that is about something."""
        try:
            claim = read_header(header)
        except PeerError:
            return False
        return claim.body_size > 0 and claim.stream in self._purged

    @cached_property
    def _purged(self) -> frozenset[StreamId]:
        charts = self._connection.execute(select(_PURGE.c.chart)).scalars().all()
        try:
            root = open_root(self.root(), expected=None)
        except PeerError:
            return frozenset()
        return purged_streams(
            map(ChartId, charts),
            root=root,
            certificates=self.certificates(),
            sessions=self.sessions(),
            read=self._stream,
        )

    def _stream(self, stream: StreamId) -> Iterator[WireEntry]:
        for _, header, body, place, path in self._entries(WIRE_ENTRY.where(_ENTRY.c.stream == stream)):
            yield WireEntry(header=header, body=body, index=place, path=_hashes(path))

    def _entries(self, query: Select[Any]) -> Iterator[tuple[int, bytes, bytes, int, bytes]]:
        """Entries by log index, with the bodies that lie beside the database."""
        for page in self._by_page(query, _ENTRY.c.log_index):
            bodies = warmed(page, self._cold, lost=self._lose)
            for index, header, body, place, path in page:
                yield index, header, body or bodies.get(index, b""), place, path

    def _value(self, name: str) -> bytes | None:
        found: bytes | None = self._connection.execute(
            select(_VALUE.c.value).where(_VALUE.c.name == name)
        ).scalar_one_or_none()
        return found

    def _column(self, query: Select[Any], key: Any) -> Iterator[bytes]:  # noqa: ANN401 - a column of any type
        return (value for _, value in self._pages(query, key))

    def _pages(self, query: Select[Any], key: Any) -> Iterator[Any]:  # noqa: ANN401 - rows of the query
        """Rows ascending by their first column, read a page at a time."""
        for page in self._by_page(query, key):
            yield from page

    def _by_page(self, query: Select[Any], key: Any) -> Iterator[Sequence[Any]]:  # noqa: ANN401 - as above
        after = None
        while True:
            some = query if after is None else query.where(key > after)
            page = self._connection.execute(some.order_by(key).limit(_PAGE)).all()
            yield page
            if len(page) < _PAGE:
                return
            after = page[-1][0]


def _hashes(joined: bytes) -> tuple[Hash, ...]:
    """Hashes that lie one after another; a rest that is none is left out, and missed by whoever counts."""
    return tuple(Hash(joined[at : at + HASH_BYTES]) for at in range(0, len(joined) - HASH_BYTES + 1, HASH_BYTES))
