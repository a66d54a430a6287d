"""Messages about blobs. `sync_protocol.messages` gives them their numbers; both sides of an exchange use the same."""

from __future__ import annotations

from dataclasses import dataclass

from sync_protocol.ids import BlobId
from sync_protocol.limits import (
    BLOB_ASKED_MAX,
    BLOB_CHUNKS_MAX,
    BLOB_MANIFEST_BYTES_MAX,
    BLOB_OFFERS_MAX,
    BLOB_SEALED_CHUNK_BYTES,
    FRAME_ITEMS_MAX,
    REASON_BYTES_MAX,
    REASON_CODE_BYTES_MAX,
    RECORD_BYTES_MAX,
)
from sync_protocol.records import identifier, key, many, octets, optional, pair, string, uint


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobOffer:
    """Device: these blobs are whole here, and I want a receipt for each. A later offer replaces an earlier one."""

    manifests: tuple[bytes, ...] = key(1, many(octets(1, BLOB_MANIFEST_BYTES_MAX), BLOB_OFFERS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobWant:
    """Either: send me these chunks of a blob.

    Attributes:
        ranges: first and end, ascending and apart, at most BLOB_ASKED_MAX chunks in all. None: the manifest, and as
            many chunks from the first on.
    """

    blob: BlobId = key(1, identifier(BlobId))
    ranges: tuple[tuple[int, int], ...] = key(
        2, many(pair(uint(BLOB_CHUNKS_MAX), uint(BLOB_CHUNKS_MAX)), BLOB_ASKED_MAX)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobManifest:
    """What a blob that was asked for consists of.

    Attributes:
        receipt: the relay's, in its envelope; it has all of the blob. None between devices.
    """

    manifest: bytes = key(1, octets(1, BLOB_MANIFEST_BYTES_MAX))
    receipt: bytes | None = key(2, optional(octets(1, RECORD_BYTES_MAX)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobChunk:
    """One sealed chunk."""

    blob: BlobId = key(1, identifier(BlobId))
    index: int = key(2, uint(BLOB_CHUNKS_MAX - 1))
    data: bytes = key(3, octets(1, BLOB_SEALED_CHUNK_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobStored:
    """Relay: every chunk is durable; a BlobReceipt in its envelope."""

    receipt: bytes = key(1, octets(1, RECORD_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRefused:
    """Either: this blob is not taken, or not given, now; why, and the way out. The connection goes on."""

    blob: BlobId = key(1, identifier(BlobId))
    code: str = key(2, string(REASON_CODE_BYTES_MAX))
    expected: str = key(3, string(REASON_BYTES_MAX))
    got: str = key(4, string(REASON_BYTES_MAX))
    do: str = key(5, string(REASON_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobsHeld:
    """Either of two devices that meet, in its first turn of blobs: these are whole here, and you may have them."""

    blobs: tuple[BlobId, ...] = key(1, many(identifier(BlobId), FRAME_ITEMS_MAX))


BlobMessage = BlobOffer | BlobWant | BlobManifest | BlobChunk | BlobStored | BlobRefused | BlobsHeld
