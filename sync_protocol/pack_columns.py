"""The form of a PACK: proofs and entries by column, where what follows from the rest is left out.

Owns the message, the names of the columns, and how numbers stand in one. What the columns mean is `pack_writing`'s and
`pack_reading`'s, and nobody believes it: a pack opens to the bytes of records and entries, which are then verified as
if they had come by themselves.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

from sync_protocol.ids import SessionId, StreamId
from sync_protocol.limits import (
    BATCH_ENTRIES_MAX,
    FRAME_BYTES_MAX,
    FRAME_ITEMS_MAX,
    HEADER_BYTES_MAX,
    PACK_BYTES_MAX,
    PACK_SESSIONS_MAX,
    RECORD_BYTES_MAX,
)
from sync_protocol.records import identifier, key, many, octets

_RECORDS: Final = many(octets(1, RECORD_BYTES_MAX), FRAME_ITEMS_MAX)
_NUMBERS: Final = octets(0, PACK_BYTES_MAX)
_RAW: Final = octets(0, FRAME_BYTES_MAX)

HEADER_AS_IT_IS: Final = 1
"""Form of an entry: its header stands as a whole."""
PATH_AS_IT_IS: Final = 2
"""Form of an entry: its path stands hash by hash."""
BODY_STATED: Final = 4
"""Form of an entry: its header says another hash or size than its body has, as where the body was destroyed."""

SEAL_FIRST: Final = 0
"""Form of a seal: without a predecessor."""
SEAL_NEXT: Final = 1
"""Form of a seal: its predecessor is the seal before it of its session, among those by column."""
SEAL_AFTER: Final = 2
"""Form of a seal: its predecessor's hash stands among the hashes."""
SEAL_AS_IT_IS: Final = 3
"""Form of a seal: its envelope stands as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Either: proofs and entries by column; the same as PROOFS and then ENTRIES.

    Attributes:
        columns: zlib over the encoding of PackColumns.
        hashes: that no reader could work out, 32 bytes each.
        signatures: of the seals by column, 64 bytes each.
        bodies: of the entries, one after the other.
    """

    columns: bytes = key(1, octets(1, FRAME_BYTES_MAX))
    hashes: bytes = key(2, _RAW)
    signatures: bytes = key(3, _RAW)
    bodies: bytes = key(4, _RAW)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackColumns:
    """Everything of a pack that is not random: lists of what repeats, and columns of numbers.

    `docs/protocol.md` says what every number means.
    """

    certificates: tuple[bytes, ...] = key(1, _RECORDS)
    sessions: tuple[bytes, ...] = key(2, _RECORDS)
    whole_seals: tuple[bytes, ...] = key(3, _RECORDS)
    whole_headers: tuple[bytes, ...] = key(4, many(octets(1, HEADER_BYTES_MAX), BATCH_ENTRIES_MAX))
    streams: tuple[StreamId, ...] = key(5, many(identifier(StreamId), BATCH_ENTRIES_MAX))
    names: tuple[SessionId, ...] = key(6, many(identifier(SessionId), PACK_SESSIONS_MAX))
    forms: bytes = key(7, _NUMBERS)
    body_sizes: bytes = key(8, _NUMBERS)
    indices: bytes = key(9, _NUMBERS)
    path_sizes: bytes = key(10, _NUMBERS)
    entry_streams: bytes = key(11, _NUMBERS)
    entry_sessions: bytes = key(12, _NUMBERS)
    seqs: bytes = key(13, _NUMBERS)
    prevs: bytes = key(14, _NUMBERS)
    dep_counts: bytes = key(15, _NUMBERS)
    dep_sessions: bytes = key(16, _NUMBERS)
    dep_places: bytes = key(17, _NUMBERS)
    dep_seqs: bytes = key(18, _NUMBERS)
    organisation_sets: bytes = key(19, _NUMBERS)
    chart_sets: bytes = key(20, _NUMBERS)
    epoch_sets: bytes = key(21, _NUMBERS)
    set_sizes: bytes = key(22, _NUMBERS)
    set_places: bytes = key(23, _NUMBERS)
    lamports: bytes = key(24, _NUMBERS)
    walls: bytes = key(25, _NUMBERS)
    entry_seals: bytes = key(26, _NUMBERS)
    stated_sizes: bytes = key(27, _NUMBERS)
    tree_sizes: bytes = key(28, _NUMBERS)
    seal_forms: bytes = key(29, _NUMBERS)
    seal_sessions: bytes = key(30, _NUMBERS)
    seal_numbers: bytes = key(31, _NUMBERS)


NUMBERS: Final = tuple(field.name for field in dataclasses.fields(PackColumns) if field.metadata["codec"] is _NUMBERS)
"""The columns of numbers."""
