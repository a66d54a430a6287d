"""The evidence file: what a verification reads, in one file that anybody can check who has the organisation's root.

Frames as in an exchange, `u32 length | u8 type | CBOR map`, of their own types. First the manifest, then the records
that entries need, then the entries, and among them after every EVIDENCE_DIGESTS frames one with their hashes; last the
trailer, signed by the session that made the file. So a changed byte is found wherever it is, and its frame is named;
and neither writer nor reader holds more than those hashes.

Owns the frames. Details of audit entries are opened by one key an entry, which says nothing of any other: see
`sealing.open_disclosed` for what such a key proves, and what not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync_protocol.errors import malformed, over_limit
from sync_protocol.ids import ChartId, EntryHash, Hash, OrganisationId, SessionId, StreamId
from sync_protocol.limits import (
    BODY_BYTES_MAX,
    CONSISTENCY_PATH_MAX,
    EVIDENCE_DIGESTS,
    EVIDENCE_FRAME_BYTES_MAX,
    EVIDENCE_STREAMS,
    FRAME_BYTES_MAX,
    HASH_BYTES,
    HEADER_BYTES_MAX,
    LOG_PATH_MAX,
    LOG_SIZE_MAX,
    NOTE_BYTES_MAX,
    RECORD_BYTES_MAX,
    SEAL_ENTRIES_MAX,
    SEAL_PATH_MAX,
    SEQ_MAX,
    VERSION_MAX,
    WALL_MS_MAX,
)
from sync_protocol.records import identifier, key, many, octets, optional, ordered, pack, uint, unpack

VERSION: Final = 1
LENGTH_BYTES: Final = 4
HEAD_BYTES: Final = 5
_RECORD: Final = octets(1, RECORD_BYTES_MAX)
_NOTE: Final = octets(1, NOTE_BYTES_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the file holds, in its maker's words.

    Attributes:
        made_ms: the maker's clock.
        exporter: the session that made the file and signs the trailer.
        chart: the one chart that it is about; absent for all that the maker holds.
        since_ms, until_ms: bodies and details are of entries dated within; headers are of all, or no chain would
            verify.
    """

    version: int = key(1, uint(VERSION_MAX))
    organisation: OrganisationId = key(2, identifier(OrganisationId))
    made_ms: int = key(3, uint(WALL_MS_MAX))
    exporter: SessionId = key(4, identifier(SessionId))
    chart: ChartId | None = key(5, optional(identifier(ChartId)))
    since_ms: int | None = key(6, optional(uint(WALL_MS_MAX)))
    until_ms: int | None = key(7, optional(uint(WALL_MS_MAX)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RootFrame:
    """The organisation's root."""

    record: bytes = key(1, _RECORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayFrame:
    """A relay record."""

    record: bytes = key(1, _RECORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFrame:
    """A certificate."""

    record: bytes = key(1, _RECORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFrame:
    """A session record."""

    record: bytes = key(1, _RECORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealFrame:
    """A seal."""

    record: bytes = key(1, _RECORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamsFrame:
    """Streams of which the file has everything that its maker had, who was meant to have all."""

    streams: tuple[StreamId, ...] = key(1, ordered(identifier(StreamId), EVIDENCE_STREAMS))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFrame:
    """A checkpoint of the log, as it was signed."""

    note: bytes = key(1, _NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyFrame:
    """That one checkpoint's log is a prefix of another's."""

    first: bytes = key(1, _NOTE)
    second: bytes = key(2, _NOTE)
    path: tuple[Hash, ...] = key(3, many(identifier(Hash), CONSISTENCY_PATH_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFrame:
    """A receipt."""

    entry: EntryHash = key(1, identifier(EntryHash))
    index: int = key(2, uint(LOG_SIZE_MAX))
    path: tuple[Hash, ...] = key(3, many(identifier(Hash), LOG_PATH_MAX))
    note: bytes = key(4, _NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptFrame:
    """A handshake with a relay, as its two frames travelled."""

    hello: bytes = key(1, octets(1, FRAME_BYTES_MAX))
    welcome: bytes = key(2, octets(1, FRAME_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceFrame:
    """An entry.

    Attributes:
        body: left out for content, which a verification need not show.
        disclosed: the key that opens this body and no other.
    """

    header: bytes = key(1, octets(1, HEADER_BYTES_MAX))
    index: int = key(2, uint(SEAL_ENTRIES_MAX))
    path: tuple[Hash, ...] = key(3, many(identifier(Hash), SEAL_PATH_MAX))
    body: bytes | None = key(4, optional(octets(0, BODY_BYTES_MAX)))
    log_index: int | None = key(5, optional(uint(LOG_SIZE_MAX)))
    disclosed: bytes | None = key(6, optional(octets(HASH_BYTES, HASH_BYTES)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestsFrame:
    """The hashes of the frames since the last of these, or since the beginning; those of digests are not among them."""

    hashes: bytes = key(1, octets(0, EVIDENCE_DIGESTS * HASH_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailer:
    """What the exporting session signs, under Label.EVIDENCE.

    Attributes:
        frames: how many there are, without digests and trailer.
        digest: SHA-256 over all their hashes, one after another.
    """

    session: SessionId = key(1, identifier(SessionId))
    frames: int = key(2, uint(SEQ_MAX))
    digest: Hash = key(3, identifier(Hash))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailerFrame:
    """The signed trailer; nothing follows it."""

    record: bytes = key(1, _RECORD)


Frame = (
    Manifest
    | RootFrame
    | RelayFrame
    | CertificateFrame
    | SessionFrame
    | SealFrame
    | StreamsFrame
    | CheckpointFrame
    | ConsistencyFrame
    | ReceiptFrame
    | TranscriptFrame
    | PieceFrame
    | DigestsFrame
    | TrailerFrame
)

TYPES: Final[dict[int, type[Frame]]] = {
    1: Manifest,
    2: RootFrame,
    3: RelayFrame,
    4: CertificateFrame,
    5: SessionFrame,
    6: SealFrame,
    7: StreamsFrame,
    8: CheckpointFrame,
    9: ConsistencyFrame,
    10: ReceiptFrame,
    11: TranscriptFrame,
    12: PieceFrame,
    13: DigestsFrame,
    14: TrailerFrame,
}
"""Wire types; appended, never reused."""
TYPE_OF: Final[dict[type[object], int]] = {kind: number for number, kind in TYPES.items()}


def pack_evidence(frame: Frame) -> bytes:
    """Encode a frame.

    Raises:
        LimitError: a field over its limit.
        MisuseError: a value that its field cannot carry.
    """
    payload = pack(frame)
    size = HEAD_BYTES + len(payload)
    assert size <= EVIDENCE_FRAME_BYTES_MAX, "the limits of its fields keep a frame within its own"
    return (size - LENGTH_BYTES).to_bytes(LENGTH_BYTES, "big") + bytes([TYPE_OF[type(frame)]]) + payload


def unpack_evidence(frame: bytes) -> Frame:
    """Decode a frame whose length was read off its head.

    Raises:
        MalformedError: not one whole frame of a known type.
        LimitError: over a limit.
    """
    if len(frame) > EVIDENCE_FRAME_BYTES_MAX:
        raise over_limit("a frame", EVIDENCE_FRAME_BYTES_MAX, len(frame), "bytes")
    if len(frame) < HEAD_BYTES or int.from_bytes(frame[:LENGTH_BYTES], "big") != len(frame) - LENGTH_BYTES:
        raise malformed("one whole frame", f"{len(frame)} bytes")
    kind = TYPES.get(frame[LENGTH_BYTES])
    if kind is None:
        raise malformed("a known frame type", f"type {frame[LENGTH_BYTES]}")
    return unpack(kind, frame[HEAD_BYTES:], bytes_max=EVIDENCE_FRAME_BYTES_MAX)
