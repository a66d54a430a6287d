"""Targets of attachments and of the relay's word on them: manifests, sealed chunks, padding, receipts, what is safe."""

from __future__ import annotations

from collections.abc import Callable

from sync_protocol.backed_up import BackedUp, open_backed_up, sign_backed_up
from sync_protocol.blob_sealing import cut, join, open_chunk
from sync_protocol.blobs import Blob, read_receipt
from sync_protocol.ids import Hash
from sync_protocol.limits import BLOB_CHUNK_BYTES
from tests.fuzz.target import ACCEPTED, Target
from tests.support.people import Organisation
from tests.unit.sync_protocol.blob_samples import KEY, sealed, some_bytes


def manifests() -> Target:
    """A manifest, and a chunk that is checked against it."""
    blobs = [sealed(some_bytes(size))[0] for size in (1, 5_000, 3 * BLOB_CHUNK_BYTES)]

    def run(data: bytes) -> str:
        blob = Blob(data)
        for index in range(blob.count):
            assert 0 < blob.chunk_bytes(index) <= len(data) + 2 * BLOB_CHUNK_BYTES, "no chunk is longer than a chunk"
        blob.check(0, data)
        return ACCEPTED

    return Target(seeds=[blob.wire for blob in blobs], decode=run)


def chunks() -> Target:
    """A sealed chunk; with a first byte 1, the plaintext of all chunks of a file, as its author padded it."""
    small = sealed(some_bytes(5_000))[1]
    plain = list(cut([some_bytes(5_000)], file_bytes=5_000))

    def run(data: bytes) -> str:
        if data[:1] == b"\1":
            assert sum(map(len, join([data[1:]], file_bytes=5_000))) == 5_000, "the length that the fact says"
        else:
            open_chunk(KEY, data[1:], index=0, count=1)
        return ACCEPTED

    seeds = [b"\0" + chunk for chunk in small] + [b"\1" + chunk for chunk in plain]
    return Target(seeds=seeds, decode=run, prefix=1)


def relays_word() -> Target:
    """Receipts for blobs and statements of what is backed up; the first byte chooses."""
    organisation = Organisation.make(6)
    said = BackedUp(size=4, root=Hash(bytes(32)), made_ms=5, blobs_through=3)
    relay = organisation.relay_key.public
    readers: tuple[Callable[[bytes], object], ...] = (
        lambda wire: open_backed_up(wire, relay),
        lambda wire: read_receipt(wire, relay),
    )

    def run(data: bytes) -> str:
        readers[data[0] % 2 if data else 0](data[1:])
        return ACCEPTED

    wire = sign_backed_up(said, organisation.relay_key).wire
    return Target(seeds=[b"\0" + wire, b"\1" + wire], decode=run, prefix=1)
