"""How far an entry has come on its way to the relay."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from edge_runtime.store.boxes import Table, columns, damaged
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An entry's state.

    Attributes:
        log_index: of an entry of this device that was receipted, its place in the relay's log.
        receipt: what proves that, in the form of whoever noted it; empty where nothing was kept.
        code, text: of a refused one, the relay's reason.
    """

    state: UploadState
    log_index: int | None = None
    code: str = ""
    text: str = ""
    receipt: bytes = b""

    def pack(self) -> bytes:
        """As it lies in its box."""
        if self.log_index is not None:
            return _INDEX.pack(self.log_index) + self.receipt
        code = _cut(self.code, CODE_BYTES_MAX)
        return _CODE.pack(len(code)) + code + _cut(self.text, TEXT_BYTES_MAX)

    @classmethod
    def unpack(cls, state: int, plain: bytes) -> Self:
        """Reverse `pack`."""
        if state == UploadState.RECEIPTED:
            receipt = plain[_INDEX.size :]
            return cls(state=UploadState.RECEIPTED, log_index=_INDEX.unpack_from(plain)[0], receipt=receipt)
        code, text = plain[1 : 1 + plain[0]], plain[1 + plain[0] :]
        return cls(state=UploadState(state), code=code.decode(), text=text.decode())


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that the relay did not take, and the relay's reason."""

    arrived: Arrived
    code: str
    text: str


def find(reader: Reader, index: int) -> Upload | None:
    """The state that was noted for the entry of that arrival index; none was for what came from the relay."""
    row = reader.connection.execute("SELECT state, box FROM upload WHERE id = ?", (index,)).fetchone()
    if row is None:
        return None
    state, box = row
    return Upload.unpack(state, reader.boxes.open(Table.UPLOAD, index, box, columns(UPLOAD, state)))


def state(reader: Reader, name: EntryHash) -> Upload | None:
    """How far the entry of that hash has come; None where there is no such entry."""
    index = reader.index(name)
    if index is None:
        return None
    return find(reader, index) or Upload(state=UploadState.RECEIPTED)


def pending(reader: Reader, *, limit: int, after: int) -> list[Arrived]:
    """Entries that are on this device only, from arrival index `after` on, ascending, at most `limit`."""
    return [arrived for arrived, _ in _noted(reader, UploadState.PENDING, reader.ledger.pending, limit, after)]


def refused(reader: Reader) -> list[Refused]:
    """What the relay did not take, in order of arrival."""
    count = reader.ledger.refused
    found = _noted(reader, UploadState.REFUSED, count, count + 1, 0)
    return [Refused(arrived, upload.code, upload.text) for arrived, upload in found]


def receipts(reader: Reader, *, limit: int, after: int) -> list[tuple[int, bytes]]:
    """Receipts that were kept, with their entries' arrival indices, from `after` on, ascending, at most `limit`."""
    query = "SELECT id FROM upload WHERE state = ? AND id >= ? ORDER BY id LIMIT ?"
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
        UploadState.RECEIPTED: ledger.entries - ledger.pending - ledger.refused,
        UploadState.REFUSED: ledger.refused,
    }


def _noted(reader: Reader, wanted: UploadState, count: int, limit: int, after: int) -> list[tuple[Arrived, Upload]]:
    query = "SELECT id FROM upload WHERE state = ? AND id >= ? ORDER BY id LIMIT ?"
    found: list[tuple[Arrived, Upload]] = []
    for (index,) in reader.connection.execute(query, (wanted, after, limit)):
        upload = find(reader, index) or Upload(state=UploadState.RECEIPTED)
        believe(upload.state is wanted, Table.UPLOAD, index)
        found.append((reader.arrived(index), upload))
    if after <= 0 and len(found) != min(limit, count):
        raise damaged(Table.UPLOAD, None, f"{len(found)} of {count} entries that are {wanted.name.lower()}")
    return found


def _cut(text: str, bytes_max: int) -> bytes:
    """The text as UTF-8, cut between characters: it is somebody else's, and may be of any length."""
    return text.encode("utf-8", "replace")[:bytes_max].decode("utf-8", "ignore").encode()
