"""Entries that wait for others, and for which: rows of the table `held`.

Two kinds. An entry whose predecessor is missing cannot stand in its chain: it lies here whole, in the *pool*. An entry
that is in the store and names something missing besides is noted here, so that what lacks is known without reading its
stream. Each row names one missing entry that it waits for; when that comes, whoever writes looks again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from edge_runtime.store.boxes import Table, columns, damaged
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import HELD, pack_wire, unpack_wire
from edge_runtime.store.shelf import Shelf, believe, verified
from sync_protocol.certificates import Certificate
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, EntryHash, SessionId, StreamId

LACKS: Final = "held/"
"""Prefix of the values that mark streams in which an entry lacks something that it names."""
HELD_ROWS: Final = "SELECT id, kind, author, stream, seq, waits, name, size, box FROM held "
_BOX: Final = struct.Struct(">BQ32s32s")


class HeldKind(IntEnum):
    """Where the entry is. The numbers stand in the store and are never reused."""

    POOL = 1
    """Here alone: the entry before it in its chain is missing, or another that it names and there was no room to let it
    stand without."""
    STORED = 2
    """In the store: something else that it names is missing."""


class Origin(IntEnum):
    """Where an entry came from. The numbers stand in the store and are never reused."""

    RELAY = 1
    PEER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEntry:
    """One entry that waits.

    Attributes:
        entry: of a STORED one too.
        author: the first certificate of the device that wrote it.
        waits: the missing entry; of several, one.
        since_ms: when it came, by this device's clock.
        size: what it counts for against its author's budget: the bytes that it had when it came.
    """

    kind: HeldKind
    entry: VerifiedEntry
    author: CertificateHash
    waits: EntryHash
    origin: Origin
    since_ms: int
    size: int


@dataclass(frozen=True, slots=True)
class HeldUse:
    """How much is held."""

    entries: int
    bytes: int


def size_of(entry: VerifiedEntry) -> int:
    """The bytes that an entry takes, by which held ones are budgeted."""
    return len(pack_wire(entry.wire))


def held(shelf: Shelf) -> list[HeldEntry]:
    """All that waits, in the order in which it came to wait."""
    found = [_open(shelf, row)[1] for row in shelf.connection.execute(HELD_ROWS + "ORDER BY id")]
    ledger = shelf.ledger
    if (len(found), sum(one.size for one in found)) != (ledger.held, ledger.held_bytes):
        raise damaged(Table.HELD, None, f"{len(found)} of {ledger.held} entries that wait")
    return found


def waiting_for(shelf: Shelf, name: EntryHash) -> Iterator[HeldEntry]:
    """What waits for an entry, in the order in which it came."""
    keyed = shelf.boxes.name(Table.HELD, name)
    for row in shelf.connection.execute(HELD_ROWS + "WHERE waits = ? ORDER BY id", (keyed,)).fetchall():
        found = _open(shelf, row)[1]
        believe(found.waits == name, Table.HELD, row[0])
        yield found


def find(shelf: Shelf, name: EntryHash) -> tuple[int, HeldEntry] | None:
    """The row of an entry that waits, and what it holds."""
    keyed = shelf.boxes.name(Table.HELD, name)
    row = shelf.connection.execute(HELD_ROWS + "WHERE name = ?", (keyed,)).fetchone()
    if row is None:
        return None
    found = _open(shelf, row)
    believe(found[1].entry.hash == name, Table.HELD, row[0])
    return found


def at(shelf: Shelf, row: int) -> HeldEntry:
    """What a row that must exist holds."""
    found = shelf.connection.execute(HELD_ROWS + "WHERE id = ?", (row,)).fetchone()
    if found is None:
        raise damaged(Table.HELD, row, "no such row")
    return _open(shelf, found)[1]


def use_of(shelf: Shelf, author: CertificateHash) -> HeldUse:
    """How much of one author waits."""
    keyed = shelf.boxes.name(Table.HELD, author)
    query = "SELECT count(*), coalesce(sum(size), 0) FROM held WHERE author = ?"
    return HeldUse(*shelf.connection.execute(query, (keyed,)).fetchone())


def name_of(shelf: Shelf, author: CertificateHash) -> bytes:
    """By which name the table knows an author."""
    return shelf.boxes.name(Table.HELD, author)


def uses(shelf: Shelf) -> dict[HeldKind, dict[bytes, HeldUse]]:
    """How much of whom waits where, each author by the name that the table gives it."""
    found: dict[HeldKind, dict[bytes, HeldUse]] = {kind: {} for kind in HeldKind}
    query = "SELECT kind, author, count(*), sum(size) FROM held GROUP BY kind, author"
    for kind, author, entries, size in shelf.connection.execute(query):
        found[HeldKind(kind)][author] = HeldUse(entries, size)
    return found


def pooled(shelf: Shelf, author: bytes) -> list[tuple[int, int]]:
    """Row and size of what waits in the pool of an author, by its name, in the order in which it came."""
    query = "SELECT id, size FROM held WHERE author = ? AND kind = ? ORDER BY id"
    return shelf.connection.execute(query, (author, HeldKind.POOL)).fetchall()


def lacks_in(shelf: Shelf, stream: StreamId) -> bool:
    """Whether an entry of a stream that is in the store waits for another."""
    keyed = shelf.boxes.name(Table.HELD, stream)
    query = "SELECT 1 FROM held WHERE stream = ? AND kind = ? LIMIT 1"
    return shelf.connection.execute(query, (keyed, HeldKind.STORED)).fetchone() is not None


def author_of(reader: Reader, session: SessionId) -> CertificateHash:
    """The first certificate of the device to which a session belongs, as the store has it."""
    record = reader.session(session)
    found = None if record is None else reader.find(Table.CERTIFICATE, record.value.certificate)
    if found is None:
        raise damaged(Table.SESSION, None, "an entry without its session or certificate")
    certificate = verified(Table.CERTIFICATE, found[0], Certificate, found[1])
    return certificate.value.renews or CertificateHash(certificate.hash)


def keep(shelf: Shelf, one: HeldEntry) -> None:
    """Keep an entry that waits for another, or what it waits for now."""
    known = find(shelf, one.entry.hash)
    if known is None:
        shelf.ledger.held += 1
        shelf.ledger.held_bytes += one.size
    else:
        shelf.ledger.held_bytes += one.size - known[1].size
    put(shelf, shelf.next_row(Table.HELD) if known is None else known[0], one)


def let_go(shelf: Shelf, name: EntryHash) -> bool:
    """Keep an entry no more as one that waits; whether it was one."""
    known = find(shelf, name)
    if known is None:
        return False
    shelf.connection.execute("DELETE FROM held WHERE id = ?", (known[0],))
    shelf.ledger.held -= 1
    shelf.ledger.held_bytes -= known[1].size
    return True


def put(shelf: Shelf, row: int, one: HeldEntry) -> None:
    """Write a row, which counts in the ledger already."""
    header, boxes = one.entry.header, shelf.boxes
    clear = (
        one.kind,
        boxes.name(Table.HELD, one.author),
        boxes.name(Table.HELD, header.stream),
        header.seq,
        boxes.name(Table.HELD, one.waits),
        boxes.name(Table.HELD, one.entry.hash),
        one.size,
    )
    plain = _BOX.pack(one.origin, one.since_ms, one.author, one.waits)
    plain += one.entry.hash if one.kind is HeldKind.STORED else pack_wire(one.entry.wire)
    box = boxes.close(Table.HELD, row, plain, columns(HELD, *clear))
    shelf.connection.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (row, *clear, box))


def wrong(reader: Reader, row: int, one: HeldEntry) -> Iterator[str]:
    """What is wrong with a row that opens: where it is found, what it waits for, whom it counts against."""
    header = one.entry.header
    known = find(reader, one.entry.hash)
    if known is None or known[0] != row:
        yield "not found under its own name"
    if all(other.entry.hash != one.entry.hash for other in waiting_for(reader, one.waits)):
        yield "not found under what it waits for"
    if reader.index(one.waits) is not None:
        yield "it waits for an entry that is here"
    if (reader.index(one.entry.hash) is not None) is not (one.kind is HeldKind.STORED):
        yield "an entry that is in another place than its row says"
    if one.waits not in header.parents or (one.kind is HeldKind.STORED and one.waits == header.prev):
        yield "it waits for what it does not name"
    if author_of(reader, header.session) != one.author:
        yield "it counts against another author's budget"


def _open(shelf: Shelf, row: tuple[Any, ...]) -> tuple[int, HeldEntry]:
    number, *clear, box = row
    plain = shelf.boxes.open(Table.HELD, number, box, columns(HELD, *clear))
    origin, since_ms, author, waits = _BOX.unpack_from(plain)
    rest, kind = plain[_BOX.size :], HeldKind(clear[0])
    return number, HeldEntry(
        kind=kind,
        entry=_stored(shelf, number, rest) if kind is HeldKind.STORED else _pooled(number, rest),
        author=CertificateHash(author),
        waits=EntryHash(waits),
        origin=Origin(origin),
        since_ms=since_ms,
        size=clear[6],
    )


def _pooled(row: int, plain: bytes) -> VerifiedEntry:
    try:
        return VerifiedEntry.from_store(unpack_wire(plain))
    except PeerError as error:
        raise damaged(Table.HELD, row, error.got) from error


def _stored(shelf: Shelf, row: int, name: bytes) -> VerifiedEntry:
    index = shelf.index(EntryHash(name))
    if index is None:
        raise damaged(Table.HELD, row, "an entry that waits and is not here")
    return shelf.arrived(index).entry
