"""A file into sealed chunks on this device, and back. No plaintext is written anywhere but where the caller says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from edge_runtime.blobs.chunks import ChunkFolder
from edge_runtime.clinical.attachments import Attachment
from edge_runtime.errors import RefusedError, StoreError
from edge_runtime.identity import Entropy
from sync_protocol.blob_sealing import chunk_count, cut, join, open_chunk, seal_chunk
from sync_protocol.blobs import Blob
from sync_protocol.errors import PeerError
from sync_protocol.ids import Hash, StreamId
from sync_protocol.sealing import NONCE_BYTES, ContentKey

Progress = Callable[[int, int], None]
"""Hears how many chunks of how many are done."""
_KEY_BYTES: Final = 32
_NAME_BYTES: Final = 8
_PIECE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file whose chunks lie in the folder, durably.

    Attributes:
        key: opens them; it belongs into the fact and nowhere else.
        sha256: of the file.
    """

    blob: Blob
    key: bytes
    sha256: bytes
    file_bytes: int

    def __repr__(self) -> str:
        """Show which blob, without its key."""
        return f"SealedFile({self.blob.id.short})"


def seal_file(
    folder: ChunkFolder,
    source: BinaryIO,
    *,
    file_bytes: int,
    stream: StreamId,
    entropy: Entropy,
    progress: Progress = lambda _done, _of: None,
) -> SealedFile:
    """Seal a file for a stream. A crash leaves a draft, which the next tidying removes.

    Args:
        folder: where its chunks go.
        source: the file, read from where it stands.
        file_bytes: how long it is.
        stream: where the fact will stand that names it.
        entropy: for the key, and a nonce a chunk.
        progress: see Progress.

    Raises:
        LimitError: longer than a blob holds; nothing was written.
        MalformedError: it changed while it was read.
        StoreError: it cannot be written.
    """
    count = chunk_count(file_bytes)
    secret, digest = entropy(_KEY_BYTES), hashlib.sha256()
    key, hashes, size = ContentKey(secret), [], 0

    def pieces() -> Iterator[bytes]:
        while piece := source.read(_PIECE_BYTES):
            digest.update(piece)
            yield piece

    with folder.draft(entropy(_NAME_BYTES).hex()) as draft:
        for index, plain in enumerate(cut(pieces(), file_bytes=file_bytes)):
            sealed = seal_chunk(key, plain, index=index, count=count, nonce=entropy(NONCE_BYTES))
            draft.keep(index, sealed)
            hashes.append(Hash.of(sealed))
            size += len(sealed)
            progress(index + 1, count)
        blob = Blob.of(stream, size=size, chunks=hashes)
        folder.adopt(draft, blob)
    return SealedFile(blob, secret, digest.digest(), file_bytes)


def open_file(
    folder: ChunkFolder, attachment: Attachment, progress: Progress = lambda _done, _of: None
) -> Iterator[bytes]:
    """The file, piece by piece. What came before an error is not to be believed.

    Raises:
        StoreError: "attachment_damaged", a chunk here is missing or not what it was; it is removed.
        RefusedError: what its author sealed is not what its fact says.
    """
    wire = folder.manifest(attachment.blob)
    if wire is None:
        raise damaged()
    blob, digest = Blob(wire), hashlib.sha256()
    key = ContentKey(attachment.key)

    def chunks() -> Iterator[bytes]:
        for index in range(blob.count):
            data = folder.read(blob.id, index)
            try:
                blob.check(index, data or b"")
            except PeerError:
                raise damaged() from None
            assert data is not None, "a chunk that is checked is there"
            yield open_chunk(key, data, index=index, count=blob.count)
            progress(index + 1, blob.count)

    try:
        for piece in join(chunks(), file_bytes=attachment.file_bytes):
            digest.update(piece)
            yield piece
    except PeerError:
        raise _unsound() from None
    if digest.digest() != attachment.sha256:
        raise _unsound()


def damaged() -> StoreError:
    """Make the error of chunks that are not what they were."""
    return StoreError(
        "attachment_damaged",
        expected="an attachment as it was stored on this device",
        got="a piece that is missing or another",
        do="sync: it is fetched again where the relay has it; 'fieldward doctor' says more",
    )


def _unsound() -> RefusedError:
    return RefusedError(
        "attachment_unsound",
        expected="a file as its fact says: key, length and SHA-256",
        got="another",
        do="ask its author to attach it again; do not use the file",
    )
