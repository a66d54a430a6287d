"""What the boxes hold, as bytes of fixed layout, and what stands beside them in the clear.

Written and read by this program alone, after authentication, and by the thousand: hence no CBOR. Another layout is
another schema version.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Final, Self

from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.ids import Hash, SessionId, StreamId
from sync_protocol.limits import HASH_BYTES

NAMED: Final = struct.Struct(">16s")
"""Clear columns of certificate, session, stream and value: the keyed name."""
CHAIN: Final = struct.Struct(">Q16s")
"""Clear columns of chain: stream, name."""
SEAL: Final = struct.Struct(">QQ16s")
"""Clear columns of seal: chain, number, name."""
ENTRY: Final = struct.Struct(">QQQQ16s")
"""Clear columns of entry: stream, rank, chain, seq, name."""
UPLOAD: Final = struct.Struct(">BB")
"""Clear columns of upload: state, rank."""
UPLOAD_1: Final = struct.Struct(">B")
"""The same in schema 1: state."""
HELD: Final = struct.Struct(">B16s16sQ16s16sQ")
"""Clear columns of held: kind, author, stream, seq, waits, name, size."""
SEALS: Final = 0
"""In the place of a chain's stream: this chain is the session's seals. Streams are numbered from 1."""

_LEDGER: Final = struct.Struct(">12Q16s")
_LEDGER_1: Final = struct.Struct(">9Q16s")
"""Of schema 1, which had no AT_PEER and held nothing beside its entries."""
_STREAM: Final = struct.Struct(">16sQQ")
_CHAIN: Final = struct.Struct(">16sQQ32s")
_WIRE: Final = struct.Struct(">HHH")


@dataclass(slots=True, kw_only=True)
class Ledger:
    """How many records there are: what a look-up that finds less is checked against.

    Attributes:
        held: rows of the table of that name; held_bytes is the sum of their sizes.
        names: the keyed names of all streams, chains and values, combined by XOR.
    """

    entries: int = 0
    certificates: int = 0
    sessions: int = 0
    seals: int = 0
    streams: int = 0
    chains: int = 0
    pending: int = 0
    refused: int = 0
    values: int = 0
    at_peer: int = 0
    held: int = 0
    held_bytes: int = 0
    names: bytes = bytes(NAMED.size)

    def pack(self) -> bytes:
        """As it lies in its box."""
        return _LEDGER.pack(*(getattr(self, field) for field in _LEDGER_FIELDS))

    @classmethod
    def unpack(cls, plain: bytes) -> Self:
        """Reverse `pack`."""
        return cls(**dict(zip(_LEDGER_FIELDS, _LEDGER.unpack(plain), strict=True)))

    @classmethod
    def unpack_schema_1(cls, plain: bytes) -> Self:
        """Read a ledger of schema 1."""
        *counts, names = _LEDGER_1.unpack(plain)
        return cls(**dict(zip(_LEDGER_FIELDS, counts, strict=False)), names=names)

    def toggle(self, name: bytes) -> None:
        """Add a name, or take it away again."""
        mixed = int.from_bytes(self.names, "big") ^ int.from_bytes(name, "big")
        self.names = mixed.to_bytes(NAMED.size, "big")


_LEDGER_FIELDS: Final = tuple(field.name for field in fields(Ledger))


@dataclass(slots=True, kw_only=True)
class StreamRow:
    """A stream, and how much of it there is."""

    row: int
    stream: StreamId
    entries: int = 0
    chains: int = 0

    def pack(self) -> bytes:
        """As it lies in its box."""
        return _STREAM.pack(self.stream, self.entries, self.chains)

    @classmethod
    def unpack(cls, row: int, plain: bytes) -> Self:
        """Reverse `pack`."""
        stream, entries, chains = _STREAM.unpack(plain)
        return cls(row=row, stream=StreamId(stream), entries=entries, chains=chains)


@dataclass(slots=True, kw_only=True)
class ChainRow:
    """A session's chain in one stream, or the chain of its seals.

    Attributes:
        stream: the stream's row, or SEALS.
        count: how many entries or seals, all branches of a fork together.
        last: the highest number.
        head: the hash of what has that number; of a fork, the lowest.
    """

    row: int
    stream: int
    name: bytes
    session: SessionId
    count: int = 0
    last: int = 0
    head: Hash = Hash(bytes(HASH_BYTES))  # noqa: RUF009 - immutable

    def pack(self) -> bytes:
        """As it lies in its box."""
        return _CHAIN.pack(self.session, self.count, self.last, self.head)

    @classmethod
    def unpack(cls, row: int, stream: int, name: bytes, plain: bytes) -> Self:
        """Reverse `pack`."""
        session, count, last, head = _CHAIN.unpack(plain)
        return cls(
            row=row, stream=stream, name=name, session=SessionId(session), count=count, last=last, head=Hash(head)
        )

    def extend(self, number: int, head: Hash) -> None:
        """Count one more and move the head where it is further, or lower at the same number."""
        if not self.count or number > self.last:
            self.last, self.head = number, head
        elif number == self.last:
            self.head = min(self.head, head)
        self.count += 1


def pack_entry(entry: VerifiedEntry) -> bytes:
    """An entry as it lies in its box: lengths, path, header, body."""
    return pack_wire(entry.wire)


def pack_wire(wire: WireEntry) -> bytes:
    """The same of an entry as it travels; one that lost its body has none."""
    return b"".join((_WIRE.pack(wire.index, len(wire.path), len(wire.header)), *wire.path, wire.header, wire.body))


def unpack_wire(plain: bytes) -> WireEntry:
    """Reverse `pack_entry`, without reading the header."""
    index, hashes, size = _WIRE.unpack_from(plain)
    start = _WIRE.size + HASH_BYTES * hashes
    path = tuple(Hash(plain[at : at + HASH_BYTES]) for at in range(_WIRE.size, start, HASH_BYTES))
    return WireEntry(header=plain[start : start + size], body=plain[start + size :], index=index, path=path)
