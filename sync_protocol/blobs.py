"""Blobs: files as they travel, sealed and cut into chunks, named by what they are.

Owns the manifest, the id that it makes, the check of each chunk by it, and the relay's receipt. Knows no key: this is
all that a carrier has. A chunk is checked before it is kept, so whoever sends a wrong one costs its receiver one hash.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from sync_protocol.errors import forged, malformed
from sync_protocol.ids import BlobId, Hash, StreamId
from sync_protocol.labels import Label
from sync_protocol.limits import (
    BLOB_BYTES_MAX,
    BLOB_CHUNKS_MAX,
    BLOB_MANIFEST_BYTES_MAX,
    BLOB_SEALED_CHUNK_BYTES,
    SEQ_MAX,
    WALL_MS_MAX,
)
from sync_protocol.records import identifier, key, many, pack, uint, unpack
from sync_protocol.signed import Signed, Verified
from sync_protocol.signing import VerifyKey

SEALED_CHUNK_BYTES_MIN = 41
"""A nonce, one byte, a tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobContents:
    """What a blob consists of.

    Attributes:
        stream: the content stream in which the fact stands that names the blob.
        size: bytes of all sealed chunks together.
        chunks: the SHA-256 of each sealed chunk, in order.
    """

    stream: StreamId = key(1, identifier(StreamId))
    size: int = key(2, uint(BLOB_BYTES_MAX))
    chunks: tuple[Hash, ...] = key(3, many(identifier(Hash), BLOB_CHUNKS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobReceipt:
    """Relay: all of this blob is durable here. Signed by the relay's key, label BLOB_RECEIPT.

    Attributes:
        number: a running number of completely stored blobs, from 1.
        stored_ms: when, by the relay's clock, in Unix milliseconds.
    """

    blob: BlobId = key(1, identifier(BlobId))
    number: int = key(2, uint(SEQ_MAX))
    stored_ms: int = key(3, uint(WALL_MS_MAX))


@dataclass(frozen=True, slots=True)
class Blob:
    """A manifest that was read strictly, with its bytes and the id that they make."""

    id: BlobId = field(init=False)
    manifest: BlobContents = field(init=False)
    wire: bytes

    def __post_init__(self) -> None:
        """Read the manifest.

        Raises:
            MalformedError: not a manifest, or one whose size cannot be that of its chunks.
            LimitError: over a limit.
        """
        manifest = unpack(BlobContents, self.wire, bytes_max=BLOB_MANIFEST_BYTES_MAX)
        last = manifest.size - (len(manifest.chunks) - 1) * BLOB_SEALED_CHUNK_BYTES
        if not manifest.chunks or not SEALED_CHUNK_BYTES_MIN <= last <= BLOB_SEALED_CHUNK_BYTES:
            raise malformed(
                f"a manifest whose chunks have {BLOB_SEALED_CHUNK_BYTES} bytes each but the last",
                f"{manifest.size} bytes in {len(manifest.chunks)} chunks",
            )
        object.__setattr__(self, "manifest", manifest)
        object.__setattr__(self, "id", BlobId.of(Label.BLOB_ID + self.wire))

    @classmethod
    def of(cls, stream: StreamId, *, size: int, chunks: Iterable[Hash]) -> Blob:
        """The blob of these sealed chunks."""
        return cls(pack(BlobContents(stream=stream, size=size, chunks=tuple(chunks))))

    @property
    def count(self) -> int:
        """How many chunks it has."""
        return len(self.manifest.chunks)

    def chunk_bytes(self, index: int) -> int:
        """How long the sealed chunk of that index is."""
        before = index * BLOB_SEALED_CHUNK_BYTES
        return min(BLOB_SEALED_CHUNK_BYTES, self.manifest.size - before)

    def check(self, index: int, data: bytes) -> None:
        """Check a sealed chunk before it is kept.

        Raises:
            MalformedError: the blob has no chunk of that index.
            ForgedError: it is another one, or cut.
        """
        if index >= self.count:
            raise malformed(f"a chunk below {self.count}", f"chunk {index}")
        fits = len(data) == self.chunk_bytes(index)
        if not fits or not hmac.compare_digest(Hash.of(data), self.manifest.chunks[index]):
            raise forged("the chunk that the manifest names", f"another one at {index}")


def read_receipt(wire: bytes, relay: VerifyKey) -> Verified[BlobReceipt]:
    """Believe a receipt.

    Args:
        wire: in its envelope.
        relay: the key of the relay's record.

    Raises:
        ForgedError: this relay did not sign it.
        MalformedError: it is none.
    """
    return Signed(BlobReceipt, wire).verify(relay, Label.BLOB_RECEIPT)
