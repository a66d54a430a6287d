"""Sealing of files: padded by Padme, cut into chunks, each sealed under one random key that serves this file alone.

The associated data of a chunk are its index and how many there are, so that no holder of the key can be shown a file
cut short or put together in another order. Owns the limit of a file; refuses to know its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sync_protocol.encoding import encode
from sync_protocol.errors import LimitError, MalformedError, forged
from sync_protocol.labels import Label
from sync_protocol.limits import BLOB_CHUNK_BYTES, BLOB_CHUNKS_MAX, BLOB_SEALED_CHUNK_BYTES
from sync_protocol.sealing import NONCE_BYTES, ContentKey, padme, xaes_decrypt, xaes_encrypt

FILE_BYTES_MAX: Final = BLOB_CHUNKS_MAX * BLOB_CHUNK_BYTES - 1
"""A file that one blob holds: 256 MiB, less the mark that ends it."""
_FLOOR_BYTES: Final = 256
_OVERHEAD_BYTES: Final = BLOB_SEALED_CHUNK_BYTES - BLOB_CHUNK_BYTES
"""Nonce and tag of a chunk."""
_MARK: Final = b"\x80"


def chunk_count(file_bytes: int) -> int:
    """How many chunks a file of so many bytes becomes.

    Raises:
        LimitError: more than one blob holds.
    """
    if file_bytes > FILE_BYTES_MAX:
        raise LimitError(
            "limit",
            expected=f"a file of at most {FILE_BYTES_MAX} bytes",
            got=f"{file_bytes} bytes",
            do="attach what matters of it, such as single images or a smaller scan",
        )
    return -(-_padded_bytes(file_bytes) // BLOB_CHUNK_BYTES)


def sealed_bytes(file_bytes: int) -> int:
    """How many bytes the sealed chunks of a file of so many bytes have together: what its manifest has to say."""
    padded = _padded_bytes(file_bytes)
    return padded - (-padded // BLOB_CHUNK_BYTES) * _OVERHEAD_BYTES


def cut(pieces: Iterable[bytes], *, file_bytes: int) -> Iterator[bytes]:
    """The plaintext of each chunk in turn, the padding in the last ones.

    Args:
        pieces: the file's bytes, cut anywhere; no more than a chunk and a piece are held.
        file_bytes: how many there are in all.

    Raises:
        LimitError: more than one blob holds.
        MalformedError: the pieces have another length: the file changed while it was read.
    """
    chunk_count(file_bytes)
    held, seen = bytearray(), 0
    for piece in pieces:
        seen += len(piece)
        if seen > file_bytes:
            break
        held += piece
        while len(held) >= BLOB_CHUNK_BYTES:
            yield bytes(held[:BLOB_CHUNK_BYTES])
            del held[:BLOB_CHUNK_BYTES]
    if seen != file_bytes:
        raise MalformedError(
            "file_changed", expected=f"a file of {file_bytes} bytes", got="another length", do="attach it again"
        )
    left = _padded_bytes(file_bytes) - (file_bytes - len(held))
    held += _MARK
    while left > 0:
        size = min(left, BLOB_CHUNK_BYTES)
        yield bytes(held[:size]).ljust(size, b"\0")
        del held[:size]
        left -= size


def seal_chunk(key: ContentKey, plaintext: bytes, *, index: int, count: int, nonce: bytes) -> bytes:
    """Seal one chunk.

    Args:
        key: this file's alone, random.
        plaintext: one of `cut`.
        index: which.
        count: of how many.
        nonce: 24 fresh random bytes: at most 4,096 under one key, so that none repeats.
    """
    return nonce + xaes_encrypt(key, plaintext, nonce=nonce, aad=_aad(index, count))


def open_chunk(key: ContentKey, sealed: bytes, *, index: int, count: int) -> bytes:
    """Reverse `seal_chunk`.

    Raises:
        ForgedError: another key, place or chunk.
    """
    return xaes_decrypt(key, sealed[NONCE_BYTES:], nonce=sealed[:NONCE_BYTES], aad=_aad(index, count))


def join(chunks: Iterable[bytes], *, file_bytes: int) -> Iterator[bytes]:
    """Reverse `cut`: the file's bytes, piece by piece, the padding checked and left out.

    Args:
        chunks: the plaintext of all chunks in order.
        file_bytes: what the file's fact says.

    Raises:
        ForgedError: the chunks do not hold a file of that length, padded as `cut` does.
    """
    seen, padding = 0, bytearray()
    for chunk in chunks:
        kept = chunk[: max(0, file_bytes - seen)]
        seen += len(chunk)
        padding += chunk[len(kept) :]
        if kept:
            yield kept
    # One file, one padding: otherwise whoever holds the key could hide bytes where nobody looks.
    right = _padded_bytes(file_bytes) == seen and padding == _MARK.ljust(len(padding), b"\0")
    if not right or not padding:
        raise forged(f"a file of {file_bytes} bytes, padded", f"{seen} bytes, or another padding")


def _padded_bytes(file_bytes: int) -> int:
    return max(_FLOOR_BYTES, padme(file_bytes + len(_MARK)))


def _aad(index: int, count: int) -> bytes:
    return Label.BLOB_CHUNK + encode([index, count])
