"""How far an entry has come on its way to the relay, and what goes next."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from heapq import merge
from itertools import islice
from typing import Final, Self

from edge_runtime.store.boxes import Table, columns, damaged
from edge_runtime.store.ranks import Rank
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import UPLOAD
from edge_runtime.store.shelf import believe
from sync_protocol.ids import EntryHash
from sync_protocol.store import Arrived

CODE_BYTES_MAX: Final = 64
TEXT_BYTES_MAX: Final = 1024
_INDEX: Final = struct.Struct(">Q")
_CODE: Final = struct.Struct(">B")


class UploadState(IntEnum):
    """Where an entry is. The numbers stand in the store and are never reused."""

    PENDING = 1
    """On this device only."""
    RECEIPTED = 2
    """At the relay: this device verified its inclusion in the log, or had it from the relay."""
    REFUSED = 3
    """The relay did not take it, and said why; it stays on this device."""
    AT_PEER = 4
    """Another device stored it as well; it still waits for the relay."""


WAITING: Final = (UploadState.PENDING, UploadState.AT_PEER)
"""What is to be pushed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An entry's state.

    Attributes:
        rank: of one that waits, what it is pushed after; otherwise it says nothing.
        log_index: of an entry of this device that was receipted, its place in the relay's log.
        receipt: what proves that, in the form of whoever noted it; empty where nothing was kept.
        code, text: of a refused one, the relay's reason.
    """

    state: UploadState
    rank: Rank = Rank.CONTROL
    log_index: int | None = None
    code: str = ""
    text: str = ""
    receipt: bytes = b""

    @property
    def waits(self) -> bool:
        """Whether it is to be pushed."""
        return self.state in WAITING

    def pack(self) -> bytes:
        """As it lies in its box."""
        if self.log_index is not None:
            return _INDEX.pack(self.log_index) + self.receipt
        code = _cut(self.code, CODE_BYTES_MAX)
        return _CODE.pack(len(code)) + code + _cut(self.text, TEXT_BYTES_MAX)

    @classmethod
    def unpack(cls, state: int, rank: int, plain: bytes) -> Self:
        """Reverse `pack`."""
        if state == UploadState.RECEIPTED:
            receipt = plain[_INDEX.size :]
            return cls(state=UploadState.RECEIPTED, log_index=_INDEX.unpack_from(plain)[0], receipt=receipt)
        code, text = plain[1 : 1 + plain[0]], plain[1 + plain[0] :]
        return cls(state=UploadState(state), rank=Rank(rank), code=code.decode(), text=text.decode())


@dataclass(frozen=True, slots=True)
class Waiting(Arrived):
    """An entry that is to be pushed, and its rank."""

    rank: Rank

    @property
    def place(self) -> tuple[Rank, int]:
        """Its place in the order in which entries are pushed."""
        return self.rank, self.index


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that the relay did not take, and the relay's reason. Without its body: there may be many, and large.

    Attributes:
        index: its arrival index.
        name: its hash.
        code, text: the reason.
        is_stripped: whether its body was destroyed, so that it cannot be sent any more.
    """

    index: int
    name: EntryHash
    code: str
    text: str
    is_stripped: bool


def find(reader: Reader, index: int) -> Upload | None:
    """The state that was noted for the entry of that arrival index; none was for what came from the relay."""
    row = reader.connection.execute("SELECT state, rank, box FROM upload WHERE id = ?", (index,)).fetchone()
    if row is None:
        return None
    state, rank, box = row
    return Upload.unpack(state, rank, reader.boxes.open(Table.UPLOAD, index, box, columns(UPLOAD, state, rank)))


def between(reader: Reader, first: int, end: int) -> list[tuple[int, Upload]]:
    """The states that were noted for entries with arrival indices from `first` on, below `end`, ascending."""
    query = "SELECT id FROM upload WHERE id >= ? AND id < ? ORDER BY id"
    ids = [index for (index,) in reader.connection.execute(query, (first, end)).fetchall()]
    return [(index, upload) for index in ids if (upload := find(reader, index)) is not None]


def state(reader: Reader, name: EntryHash) -> Upload | None:
    """How far the entry of that hash has come; None where there is no such entry."""
    index = reader.index(name)
    if index is None:
        return None
    return find(reader, index) or Upload(state=UploadState.RECEIPTED)


def pending(reader: Reader, *, limit: int, after: tuple[int, int] | None) -> list[Waiting]:
    """Entries that are to be pushed, by rank and then in order of arrival, at most `limit`; beyond a place, if given.

    Args:
        reader: of the store.
        limit: how many at most.
        after: rank and arrival index of the last one of the page before.
    """
    first, beyond = (0, -1) if after is None else after
    found: list[Waiting] = []
    for rank in Rank:
        if rank < first or len(found) >= limit:
            continue
        for index in _waiting(reader, rank, beyond if rank == first else -1, limit - len(found)):
            upload = find(reader, index)
            believe(upload is not None and upload.waits and upload.rank is rank, Table.UPLOAD, index)
            found.append(Waiting(index, reader.arrived(index).entry, rank))
    count = reader.ledger.pending + reader.ledger.at_peer
    if after is None and len(found) != max(min(limit, count), 0):
        raise damaged(Table.UPLOAD, None, f"{len(found)} of {count} entries that wait")
    return found


def oldest(reader: Reader) -> Arrived | None:
    """Of the entries that are to be pushed, the one that has been here longest."""
    ids = [index for rank in Rank for index in _waiting(reader, rank, -1, 1)]
    query = "SELECT count(*) FROM upload WHERE state IN (?, ?)"
    (found,) = reader.connection.execute(query, WAITING).fetchone()
    count = reader.ledger.pending + reader.ledger.at_peer
    if found != count or bool(ids) != bool(count):
        raise damaged(Table.UPLOAD, None, f"{found} of {count} entries that wait")
    if not ids:
        return None
    first = find(reader, min(ids))
    believe(first is not None and first.waits, Table.UPLOAD, min(ids))
    return reader.arrived(min(ids))


def unsent(reader: Reader, end: int) -> int:
    """How many entries with arrival indices below `end` are to be pushed, or were refused."""
    if not reader.ledger.pending + reader.ledger.at_peer + reader.ledger.refused:
        return 0
    query = "SELECT count(*) FROM upload WHERE state IN (?, ?, ?) AND id < ?"
    (found,) = reader.connection.execute(query, (*WAITING, UploadState.REFUSED, end)).fetchone()
    return int(found)


def refused(reader: Reader) -> list[Refused]:
    """What the relay did not take, in order of arrival."""
    query = "SELECT id FROM upload WHERE state = ? ORDER BY id"
    found: list[Refused] = []
    for (index,) in reader.connection.execute(query, (UploadState.REFUSED,)):
        upload = find(reader, index) or Upload(state=UploadState.RECEIPTED)
        believe(upload.state is UploadState.REFUSED, Table.UPLOAD, index)
        entry = reader.arrived(index).entry
        found.append(Refused(index, entry.hash, upload.code, upload.text, entry.is_stripped))
    if len(found) != reader.ledger.refused:
        raise damaged(Table.UPLOAD, None, f"{len(found)} of {reader.ledger.refused} entries that are refused")
    return found


def receipts(reader: Reader, *, limit: int, after: int) -> list[tuple[int, bytes]]:
    """Receipts that were kept, with their entries' arrival indices, from `after` on, ascending, at most `limit`."""
    query = "SELECT id FROM upload WHERE state = ? AND rank = 0 AND id >= ? ORDER BY id LIMIT ?"
    found: list[tuple[int, bytes]] = []
    for (index,) in reader.connection.execute(query, (UploadState.RECEIPTED, after, limit)):
        upload = find(reader, index)
        believe(upload is not None and upload.state is UploadState.RECEIPTED, Table.UPLOAD, index)
        found.append((index, b"" if upload is None else upload.receipt))
    return found


def counts(reader: Reader) -> dict[UploadState, int]:
    """How many entries are in each state."""
    ledger = reader.ledger
    return {
        UploadState.PENDING: ledger.pending,
        UploadState.RECEIPTED: ledger.entries - ledger.pending - ledger.at_peer - ledger.refused,
        UploadState.REFUSED: ledger.refused,
        UploadState.AT_PEER: ledger.at_peer,
    }


def _waiting(reader: Reader, rank: Rank, beyond: int, limit: int) -> list[int]:
    """Arrival indices of what waits with a rank, beyond an index, ascending."""
    query = "SELECT id FROM upload WHERE state = ? AND rank = ? AND id > ? ORDER BY id LIMIT ?"
    lines = [reader.connection.execute(query, (state, rank, beyond, limit)) for state in WAITING]
    return [index for (index,) in islice(merge(*lines), limit)]


def _cut(text: str, bytes_max: int) -> bytes:
    """The text as UTF-8, cut between characters: it is somebody else's, and may be of any length."""
    return text.encode("utf-8", "replace")[:bytes_max].decode("utf-8", "ignore").encode()
