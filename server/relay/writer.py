"""The writing side of the relay's store, inside one transaction: records, entries, and the log over them.

Look-ups go by the batch: the duplicates and predecessors of some hundred entries are one statement, storing the entries
is another, and finding forks is a third. The writer assigns arrival indices, so there is one writer at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sqlalchemy import BigInteger, bindparam, func, insert, select, text

from server.relay import chains, log
from server.relay.database import slices
from server.relay.models import CertificateRow, EntryRow, SealRow, SessionRow, table
from sync_protocol import merkle
from sync_protocol.certificates import Certificate, Session
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.ids import EntryHash
from sync_protocol.signed import Verified
from sync_protocol.store import Outcome
from sync_protocol.tile_tree import TileReader, edge

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Select, Table

_ASKED_MAX: Final = 400
"""Places or names in one statement."""
_CERTIFICATE: Final = table(CertificateRow)
_ENTRY: Final = table(EntryRow)
_SEAL: Final = table(SealRow)
_SESSION: Final = table(SessionRow)

_PLACE: Final = (_ENTRY.c.session, _ENTRY.c.stream, _ENTRY.c.seq)
_Place: TypeAlias = tuple[bytes, bytes, int]
"""Session, stream and sequence number: where one entry stands, or several after a fork."""


class _Held(NamedTuple):
    at: _Place
    log_index: int


def _older_at_place() -> Select[int]:
    """Those of the entries `asked`, by log index, at whose places entries below `first` stand.

    In a form that leaves planners no choice: the asked ones by their key, then a look-up by place for each. `+ 0` keeps
    SQLite from taking the index of feeds, and without the limits PostgreSQL, lacking statistics, joins the whole table.
    """
    first, count = bindparam("first", type_=BigInteger), bindparam("count", type_=BigInteger)
    asked = _ENTRY.c.log_index.in_(bindparam("asked", type_=BigInteger, expanding=True))
    these = select(_ENTRY.c.log_index, *_PLACE).where(asked).limit(count).subquery()
    older = _ENTRY.alias()
    at_place = [older.c[column.name] == these.c[column.name] for column in _PLACE]
    held = select(older.c.log_index).where(*at_place, older.c.log_index + 0 < first).limit(1).scalar_subquery()
    return select(these.c.log_index).where(held.is_not(None))


_OLDER_AT_PLACE: Final = _older_at_place()
_SEEN: Final = text(
    "INSERT INTO session_seen (session, log_index, arrived_ms) VALUES (:session, :log_index, :arrived_ms)"
    " ON CONFLICT (session) DO UPDATE SET log_index = excluded.log_index, arrived_ms = excluded.arrived_ms"
)
"""Both engines take it; the newest entry is the one with the highest index, whatever the clock said before."""


class SqlWriter:
    """See `sync_protocol.store.Writer`. Records are held back until the block ends; entries go in at once.

    Attributes:
        edge: the right edge of the log as this block leaves it; None until somebody needed it.
    """

    def __init__(self, connection: Connection, edge: merkle.CompactRange | None, *, arrived_ms: int) -> None:
        """Write by `connection`, in its open transaction.

        Args:
            connection: nobody else uses it.
            edge: of the log as it was last committed here.
            arrived_ms: the relay's clock, in Unix milliseconds: when the entries of this block came.
        """
        self._connection = connection
        self.edge = edge
        self._arrived_ms = arrived_ms
        self._appended: list[bytes] = []
        self._seen: dict[bytes, int] = {}
        self._certificates: dict[bytes, dict[str, Any]] = {}
        self._sessions: dict[bytes, dict[str, Any]] = {}
        self._seals: dict[bytes, dict[str, Any]] = {}
        self._known_size: int | None = None

    def put_certificate(self, certificate: Verified[Certificate]) -> None:
        """See Writer."""
        self._certificates.setdefault(certificate.hash, {"hash": certificate.hash, "wire": certificate.wire})

    def put_session(self, session: Verified[Session]) -> None:
        """See Writer."""
        record = session.value
        row = {"id": record.session, "certificate": record.certificate, "wire": session.wire}
        self._sessions.setdefault(record.session, row)

    def put_seal(self, seal: Verified[Seal]) -> None:
        """See Writer."""
        record = seal.value
        row = {
            "hash": seal.hash,
            "session": record.session,
            "number": record.number,
            "wire": seal.wire,
            "received_ms": self._arrived_ms or None,
        }
        self._seals.setdefault(seal.hash, row)

    def append(self, entries: Sequence[VerifiedEntry]) -> list[tuple[Outcome, int]]:
        """See Writer."""
        places = self._places({name for e in entries for name in (e.hash, e.header.prev) if name is not None})
        outcomes: list[tuple[Outcome, int]] = []
        new: list[VerifiedEntry] = []
        first = self._size()
        for entry in entries:
            header = entry.header
            held = places.get(entry.hash)
            before = (header.session, header.stream, header.seq - 1)
            if held is not None:
                outcomes.append((Outcome.DUPLICATE, held.log_index))
            elif header.prev is not None and (header.prev not in places or places[header.prev].at != before):
                outcomes.append((Outcome.GAP, -1))
            else:
                index = first + len(new)
                outcomes.append((Outcome.STORED, index))
                places[entry.hash] = _Held((header.session, header.stream, header.seq), index)
                new.append(entry)
        if not new:
            return outcomes
        rows = [_entry_row(index, entry, self._arrived_ms) for index, entry in enumerate(new, first)]
        self._connection.execute(insert(_ENTRY), rows)
        self._known_size = first + len(new)
        self._appended.extend(entry.hash for entry in new)
        self._seen.update({entry.header.session: index for index, entry in enumerate(new, first)})
        forks = self._forks(first, new)
        return [(Outcome.FORK, index) if index in forks else (outcome, index) for outcome, index in outcomes]

    def saw(self, later: EntryHash, earlier: EntryHash) -> bool:
        """Whether one entry follows another; those of this block count."""
        return chains.saw(self._connection, later, earlier)

    def commit_log(self, sign: Callable[[Checkpoint], bytes], origin: str) -> tuple[Checkpoint, bytes]:
        """Take all entries into the log that are not in it yet, and sign its new size.

        Args:
            sign: makes the signed note of a checkpoint.
            origin: the log's name.

        Returns:
            The new checkpoint and its note, or the newest one if the log did not grow. An empty log has one too.
        """
        known = log.latest_checkpoint(self._connection)
        start, size = 0 if known is None else known[0].size, self._size()
        if known is not None and start == size:
            return known
        if self.edge is None or self.edge.size != start:
            self.edge = edge(TileReader(log.load_from(self._connection)), start)
        leaves = [merkle.leaf_hash(name) for name in self._names(start, size)]
        log.extend(self._connection, start, leaves)
        self.edge = self.edge.extend(leaves)
        checkpoint = Checkpoint(origin=origin, size=size, root=self.edge.root())
        note = sign(checkpoint)
        log.put_checkpoint(self._connection, size, note)
        return checkpoint, note

    def flush(self) -> None:
        """Store the records that were held back; the store calls it at the end of the block."""
        self._insert_new(_CERTIFICATE, _CERTIFICATE.c.hash, self._certificates)
        self._insert_new(_SESSION, _SESSION.c.id, self._sessions)
        self._insert_new(_SEAL, _SEAL.c.hash, self._seals)
        if self._seen:
            at = self._arrived_ms
            seen = [{"session": name, "log_index": index, "arrived_ms": at} for name, index in self._seen.items()]
            self._connection.execute(_SEEN, seen)

    def _names(self, start: int, end: int) -> Sequence[bytes]:
        """Hashes of the entries from one log index to another; those of this block are at hand."""
        if end - start <= len(self._appended):
            return self._appended[len(self._appended) - (end - start) :]
        names = select(_ENTRY.c.hash).where(_ENTRY.c.log_index >= start).order_by(_ENTRY.c.log_index)
        return self._connection.execute(names).scalars().all()

    def _size(self) -> int:
        if self._known_size is None:
            last = self._connection.execute(select(func.max(_ENTRY.c.log_index))).scalar()
            self._known_size = 0 if last is None else last + 1
        return self._known_size

    def _places(self, names: Collection[bytes]) -> dict[bytes, _Held]:
        """Which of the entries are here, and where."""
        query = select(_ENTRY.c.hash, *_PLACE, _ENTRY.c.log_index)
        return {
            name: _Held((session, stream, seq), index)
            for some in slices(list(names), _ASKED_MAX)
            for name, session, stream, seq, index in self._connection.execute(query.where(_ENTRY.c.hash.in_(some)))
        }

    def _forks(self, first: int, new: Sequence[VerifiedEntry]) -> set[int]:
        """Those of the entries just stored, from log index `first` on, whose places others held before.

        An entry at a place has one at the place before it, so where a stretch of a chain is new and nothing older
        stands at its first place, nothing stands at the others: mostly one look-up a stretch is enough.
        """
        forks: set[int] = set()
        taken: set[_Place] = set()
        for index, entry in enumerate(new, first):
            place = (entry.header.session, entry.header.stream, entry.header.seq)
            if place in taken:
                forks.add(index)
            taken.add(place)
        names = {entry.hash for entry in new}
        starts = [index for index, entry in enumerate(new, first) if entry.header.prev not in names]
        if older := self._with_older(starts, first):
            older |= self._with_older(sorted(set(range(first, first + len(new))) - set(starts)), first)
        return forks | older

    def _with_older(self, indices: Sequence[int], first: int) -> set[int]:
        """Those of the entries at whose places some below `first` stand."""
        return {
            index
            for some in slices(indices, _ASKED_MAX)
            for index in self._connection.execute(
                _OLDER_AT_PLACE, {"asked": some, "first": first, "count": len(some)}
            ).scalars()
        }

    def _insert_new(self, target: Table, key: Column[Any], rows: dict[bytes, dict[str, Any]]) -> None:
        """Insert the rows whose keys are not there yet, numbered on where the table is in order of arrival."""
        known: set[bytes] = set()
        for some in slices(list(rows), _ASKED_MAX):
            known.update(self._connection.execute(select(key).where(key.in_(some))).scalars())
        new = [row for name, row in rows.items() if name not in known]
        if new and "arrival" in target.c:
            last = self._connection.execute(select(func.max(target.c.arrival))).scalar()
            new = [{**row, "arrival": arrival} for arrival, row in enumerate(new, 0 if last is None else last + 1)]
        if new:
            self._connection.execute(insert(target), new)


def _entry_row(index: int, entry: VerifiedEntry, arrived_ms: int) -> dict[str, Any]:
    header, wire = entry.header, entry.wire
    return {
        "log_index": index,
        "hash": entry.hash,
        "stream": header.stream,
        "session": header.session,
        "seq": header.seq,
        "seal": header.seal,
        "seal_index": wire.index,
        "seal_path": b"".join(wire.path),
        "header": wire.header,
        "body": wire.body,
        "arrived_ms": arrived_ms,
    }
