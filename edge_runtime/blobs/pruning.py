"""The one place where a blob's chunks are removed to make room.

Owns the rule: only what the relay holds and has backed up goes, by its signed word, and of that only what it said to
hold on the connection that is open now: a relay that was restored may have lost what it once receipted. What others
attached goes before what was attached here, the least recently used first. What is not safe is never removed, however
full the device is: then something else has to wait.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from edge_runtime.blobs.book import BlobBackup, BlobBook, BlobNote, BlobState
from edge_runtime.blobs.chunks import ChunkFolder
from sync_protocol.ids import BlobId


def prune(
    book: BlobBook,
    folder: ChunkFolder,
    *,
    needed_bytes: int,
    backup: BlobBackup,
    confirmed: Collection[BlobId],
) -> int:
    """Remove chunks of safe blobs until so many bytes are free, or no safe blob is left.

    Args:
        book: says what is safe.
        folder: where chunks lie.
        needed_bytes: how much is to be freed.
        backup: what the relay says that it has backed up.
        confirmed: blobs for which the relay gave a receipt on this connection; others stay.

    Returns:
        How many bytes were freed.

    Raises:
        StoreError: something cannot be removed; what went is noted.
    """
    freed = 0
    for blob in prunable(book, backup=backup):
        if freed >= needed_bytes:
            break
        if blob not in confirmed:
            continue
        note = book.all()[blob]
        size = folder.size_bytes(blob)
        book.put(blob, replace(note, whole=False, asked=False, pruned=True))  # first: a note never says too much
        folder.drop(folder.name(blob))
        freed += size
    return freed


def prunable(book: BlobBook, *, backup: BlobBackup) -> list[BlobId]:
    """The blobs that may go once the relay has confirmed them, in the order in which they do."""
    safe = [(note.own, note.used_ms, blob) for blob, note in book.all().items() if note.whole and may_go(note, backup)]
    return [blob for _, _, blob in sorted(safe)]


def may_go(note: BlobNote, backup: BlobBackup) -> bool:
    """Whether the relay holds a blob and has backed it up: its word, signed, is all that permits to remove it here."""
    return note.state(backup) is BlobState.SAFE
