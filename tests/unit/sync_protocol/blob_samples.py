"""Files, sealed, for the tests of blobs."""

from __future__ import annotations

import random
from itertools import count

from sync_protocol.blob_sealing import chunk_count, cut, seal_chunk
from sync_protocol.blobs import Blob
from sync_protocol.ids import Hash, StreamId
from sync_protocol.limits import BLOB_CHUNK_BYTES
from sync_protocol.sealing import ContentKey

STREAM = StreamId(b"t" * 16)
KEY = ContentKey(b"k" * 32)
_nonces = count()


def sealed(data: bytes, *, key: ContentKey = KEY, stream: StreamId = STREAM) -> tuple[Blob, list[bytes]]:
    """A file's blob, and its sealed chunks."""
    chunks = chunk_count(len(data))
    made = [
        seal_chunk(key, chunk, index=index, count=chunks, nonce=next(_nonces).to_bytes(24, "big"))
        for index, chunk in enumerate(cut([data], file_bytes=len(data)))
    ]
    blob = Blob.of(stream, size=sum(map(len, made)), chunks=map(Hash.of, made))
    return blob, made


def some_bytes(size: int, seed: int = 1) -> bytes:
    """Bytes that repeat nowhere."""
    return random.Random(seed).randbytes(size)


def chunks(number: int) -> bytes:
    """A file that becomes so many chunks."""
    return some_bytes(number * BLOB_CHUNK_BYTES - 1)
