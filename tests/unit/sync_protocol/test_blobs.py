"""Manifests, chunks and receipts: what a carrier can check without a key."""

from __future__ import annotations

import pytest

from sync_protocol.blobs import Blob, BlobContents, BlobReceipt, read_receipt
from sync_protocol.errors import ForgedError, LimitError, MalformedError
from sync_protocol.ids import BlobId, Hash
from sync_protocol.labels import Label
from sync_protocol.limits import BLOB_CHUNKS_MAX, BLOB_SEALED_CHUNK_BYTES, FRAME_BYTES_MAX
from sync_protocol.records import pack
from sync_protocol.signed import sign
from sync_protocol.signing import SigningKey
from tests.unit.sync_protocol.blob_samples import STREAM, chunks, sealed

HASH = Hash(b"h" * 32)


def test_a_blob_is_named_by_its_manifest():
    """The id is the hash of the manifest's bytes under its label: the same chunks elsewhere are another blob."""
    blob, _ = sealed(b"scan")
    assert blob.id == BlobId.of(Label.BLOB_ID + blob.wire)
    assert Blob(blob.wire) == blob
    assert sealed(b"scan")[0].id != blob.id


def test_every_chunk_is_checked_by_its_hash_and_length():
    """A chunk that is another, cut, longer or at another place is refused before it is kept."""
    blob, made = sealed(chunks(3))
    for index, data in enumerate(made):
        blob.check(index, data)
        for wrong in (data[:-1], data + b"\0", made[index - 1], b""):
            with pytest.raises(ForgedError):
                blob.check(index, wrong)
    with pytest.raises(MalformedError):
        blob.check(3, made[0])


def test_the_last_chunk_alone_may_be_shorter():
    """Sizes follow from the manifest, so nobody can claim a size that its chunks do not have."""
    blob, made = sealed(b"x" * 70_000)
    assert [blob.chunk_bytes(index) for index in range(blob.count)] == [len(one) for one in made]


@pytest.mark.parametrize(
    ("size", "count"),
    [
        (0, 0),
        (40, 1),
        (BLOB_SEALED_CHUNK_BYTES + 1, 1),
        (BLOB_SEALED_CHUNK_BYTES + 40, 2),
        (2 * BLOB_SEALED_CHUNK_BYTES + 1, 2),
        (41, 2),
    ],
)
def test_a_size_that_its_chunks_cannot_have_is_refused(size, count):
    """Whoever claims another size than its chunks have is refused by the manifest alone."""
    wire = pack(BlobContents(stream=STREAM, size=size, chunks=(HASH,) * count))
    with pytest.raises(MalformedError, match="chunks"):
        Blob(wire)


def test_the_longest_manifest_fits_one_frame():
    """As many chunks as a blob may have are named in one frame; one more is over the limit, by name."""
    size = BLOB_CHUNKS_MAX * BLOB_SEALED_CHUNK_BYTES
    blob = Blob.of(STREAM, size=size, chunks=[HASH] * BLOB_CHUNKS_MAX)
    assert len(blob.wire) < FRAME_BYTES_MAX
    with pytest.raises(LimitError):
        Blob.of(STREAM, size=size, chunks=[HASH] * (BLOB_CHUNKS_MAX + 1))


def test_a_receipt_counts_by_the_relays_key_alone():
    """A receipt that another key signed, or for another purpose, is forged."""
    relay, other = SigningKey(b"r" * 32), SigningKey(b"o" * 32)
    receipt = BlobReceipt(blob=sealed(b"scan")[0].id, number=7, stored_ms=1)
    wire = sign(receipt, relay, Label.BLOB_RECEIPT).wire
    assert read_receipt(wire, relay.public).value == receipt
    for forged in (sign(receipt, other, Label.BLOB_RECEIPT).wire, sign(receipt, relay, Label.SEAL).wire):
        with pytest.raises(ForgedError):
            read_receipt(forged, relay.public)
