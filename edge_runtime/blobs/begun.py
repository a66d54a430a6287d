"""What came of blobs that are not whole: it takes room like those that are, and makes room before they do.

A sender may stop each blob just before its end; without this count, that would fill the disk beyond all room.
"""

from __future__ import annotations

from collections.abc import Callable

from edge_runtime.blobs.book import BlobBook
from edge_runtime.blobs.chunks import ChunkFolder
from sync_protocol.ids import BlobId


class Begun:
    """How many bytes of which blobs are here that are not whole, counted once and kept up as they come and go."""

    def __init__(self, book: BlobBook, folder: Callable[[], ChunkFolder]) -> None:
        """Count nothing yet."""
        self._book = book
        self._folder = folder
        self._sizes: dict[BlobId, int] | None = None

    def of(self, blob: BlobId) -> int:
        """Bytes of one; 0 where nothing is here, or all."""
        return self._all().get(blob, 0)

    def total(self) -> int:
        """Bytes of all."""
        return sum(self._all().values())

    def grew(self, blob: BlobId, size: int) -> None:
        """Hear that so many bytes were kept."""
        sizes = self._all()
        sizes[blob] = sizes.get(blob, 0) + size

    def look(self, blob: BlobId) -> None:
        """Count one again: it became whole, or is so no more, or went."""
        sizes, note = self._all(), self._book.get(blob)
        sizes.pop(blob, None)
        if note is not None and not note.whole and (size := self._folder().size_bytes(blob)):
            sizes[blob] = size

    def leaving(self, keep: BlobId | None) -> list[BlobId]:
        """Those that may make room, the least recently used first: copies that nobody here asked for."""
        notes = self._book.all()
        found = [blob for blob in self._all() if blob != keep and not (notes[blob].own or notes[blob].asked)]
        return sorted(found, key=lambda blob: (notes[blob].used_ms, blob))

    def drop(self, blob: BlobId) -> int:
        """Remove what came of one; how many bytes.

        Raises:
            StoreError: it cannot be removed.
        """
        self._folder().drop(self._folder().name(blob))
        return self._all().pop(blob, 0)

    def _all(self) -> dict[BlobId, int]:
        if self._sizes is None:
            folder = self._folder()
            names = folder.names()
            self._sizes = {
                blob: size
                for blob, note in self._book.all().items()
                if not note.whole and folder.name(blob) in names and (size := folder.size_bytes(blob))
            }
        return self._sizes
