"""Vectors for blobs: files as chunks, manifests and ids, with fixed keys and nonces, which real ones never have."""

from __future__ import annotations

from typing import Any

from sync_protocol.blob_sealing import chunk_count, cut, join, open_chunk, seal_chunk
from sync_protocol.blobs import Blob, BlobContents
from sync_protocol.encoding import encode
from sync_protocol.ids import Hash, StreamId
from sync_protocol.limits import BLOB_SEALED_CHUNK_BYTES
from sync_protocol.records import pack
from sync_protocol.sealing import ContentKey
from tests.vectors.cast import draw
from tests.vectors.forms import outcome

KEY = bytes(range(32))
STREAM = StreamId(draw("blob's stream", 16))
FILES = {
    "an empty file": b"",
    "one byte": b"a",
    "255 bytes, the most that look alike": bytes(range(255)),
    "256 bytes": bytes(range(256)),
    "a file that ends like padding": b"text\x80\0\0",
    "one byte less than a chunk": b"0123456789abcde" * 4369,
    "a chunk and its mark": b"0123456789abcdef" * 4096,
}
_SHOWN_MAX = 512


def make() -> dict[str, Any]:
    """Files and their blobs; manifests, chunks and files that are refused."""
    accepted = [made(name, data) for name, data in FILES.items()]
    size = BLOB_SEALED_CHUNK_BYTES
    hashes = (Hash(draw("first chunk")), Hash(draw("second chunk")))
    short = made("one byte", b"a")
    refused = [
        case("no chunks", pack(BlobContents(stream=STREAM, size=0, chunks=()))),
        case("a last chunk without a byte", pack(BlobContents(stream=STREAM, size=size + 40, chunks=hashes))),
        case("a last chunk that is too long", pack(BlobContents(stream=STREAM, size=2 * size + 1, chunks=hashes))),
        case("fewer bytes than chunks", pack(BlobContents(stream=STREAM, size=41, chunks=hashes))),
        case("another key in the map", encode({1: bytes(STREAM), 2: 41, 3: [bytes(hashes[0])], 4: 0})),
        chunk(short, "another key", key=bytes(32)),
        chunk(short, "another index", index=1),
        chunk(short, "another count", count=2),
        chunk(short, "another length of the file", file_bytes=2),
    ]
    return {
        "about": "Files, padded and cut into chunks of 65,536 bytes, each sealed by XAES-256-GCM with AAD "
        "BLOB_CHUNK || cbor([index, count]); chunk i has the nonce of 23 zeros and i. Long values by their SHA-256.",
        "accepted": accepted,
        "refused": [item | outcome(check, item) for item in refused],
    }


def made(name: str, data: bytes) -> dict[str, Any]:
    """A file, its chunks and what names them."""
    count = chunk_count(len(data))
    chunks = [
        seal_chunk(ContentKey(KEY), plain, index=index, count=count, nonce=bytes(23) + bytes([index]))
        for index, plain in enumerate(cut([data], file_bytes=len(data)))
    ]
    blob = Blob.of(STREAM, size=sum(map(len, chunks)), chunks=map(Hash.of, chunks))
    return {
        "name": name,
        "key": KEY.hex(),
        "file": shown(data),
        "chunks": [shown(one) for one in chunks],
        "manifest": blob.wire.hex(),
        "id": blob.id.hex(),
    }


def shown(data: bytes) -> str:
    """Bytes, or of long ones their length and hash."""
    return data.hex() if len(data) <= _SHOWN_MAX else f"{len(data)} bytes, SHA-256 {Hash.of(data).hex()}"


def case(name: str, manifest: bytes) -> dict[str, str]:
    """A manifest as it is written."""
    return {"name": name, "manifest": manifest.hex()}


def chunk(
    item: dict[str, Any], name: str, *, key: bytes = KEY, index: int = 0, count: int = 1, file_bytes: int = 1
) -> dict[str, Any]:
    """The one chunk of a file, and how it is opened."""
    said = {"key": key.hex(), "index": index, "count": count, "bytes": file_bytes}
    return {"name": name, "chunk": item["chunks"][0], **said}


def check(item: dict[str, Any]) -> object:
    """Read a manifest, or open the one chunk of a file."""
    if "manifest" in item:
        return Blob(bytes.fromhex(item["manifest"]))
    plain = open_chunk(
        ContentKey(bytes.fromhex(item["key"])),
        bytes.fromhex(item["chunk"]),
        index=item["index"],
        count=item["count"],
    )
    return b"".join(join([plain], file_bytes=item["bytes"]))
