"""The one place where a blob's chunks are removed to make room.

Owns the rule: only what the relay holds and has backed up goes, by its signed word; what others attached before what
was attached here, the least recently used first. What is not safe is never removed, however full the device is: then
something else has to wait.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from edge_runtime.blobs.book import BlobBook, BlobNote, BlobState
from edge_runtime.blobs.chunks import ChunkFolder
from sync_protocol.ids import BlobId


def prune(
    book: BlobBook,
    folder: ChunkFolder,
    *,
    needed_bytes: int,
    backed_up_through: int,
    spared: Collection[BlobId] = (),
) -> int:
    """Remove chunks of safe blobs until so many bytes are free, or no safe blob is left.

    Args:
        book: says what is safe.
        folder: where chunks lie.
        needed_bytes: how much is to be freed.
        backed_up_through: the highest number of a blob that the relay says is backed up; 0 where it says none.
        spared: blobs that stay.

    Returns:
        How many bytes were freed.

    Raises:
        StoreError: something cannot be removed; what went is noted.
    """
    freed = 0
    for blob in prunable(book, backed_up_through=backed_up_through, spared=spared):
        if freed >= needed_bytes:
            break
        note = book.all()[blob]
        size = folder.size_bytes(blob)
        book.put(blob, replace(note, whole=False, asked=False, pruned=True))  # first: a note never says too much
        folder.drop(folder.name(blob))
        freed += size
    return freed


def prunable(book: BlobBook, *, backed_up_through: int, spared: Collection[BlobId] = ()) -> list[BlobId]:
    """The blobs that may go, in the order in which they do."""
    safe = [
        (note.own, note.used_ms, blob)
        for blob, note in book.all().items()
        if note.whole and blob not in spared and may_go(note, backed_up_through)
    ]
    return [blob for _, _, blob in sorted(safe)]


def may_go(note: BlobNote, backed_up_through: int) -> bool:
    """Whether the relay holds a blob and has backed it up: its word, signed, is all that permits to remove it here."""
    return note.state(backed_up_through) is BlobState.SAFE
