"""The transfer of one blob, from either side: which chunks to ask for, which to give, which to keep. No I/O.

A receiver asks for a window of chunks, keeps each durably as it comes, and asks for the next window when all of them
are kept. What it holds is all that it needs to go on elsewhere and later: nothing else is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sync_protocol.blob_messages import BlobChunk, BlobOffer, BlobRefused, BlobWant
from sync_protocol.blobs import Blob
from sync_protocol.errors import ExplainedError, malformed
from sync_protocol.ids import BlobId
from sync_protocol.limits import BLOB_ASKED_MAX, BLOB_OFFERS_MAX, FRAME_BYTES_MAX
from sync_protocol.refusal_messages import failure

_HEAD_BYTES: Final = 16
"""A frame's head, and what a list and one manifest in it add."""


class BlobTaker:
    """The receiving side of one blob."""

    def __init__(self, blob: Blob, kept: Iterable[int] = ()) -> None:
        """Go on where `kept` ends: the chunks that are durable here, from whatever transfer."""
        self.blob = blob
        held = frozenset(kept)
        self._lacks = [index for index in range(blob.count) if index not in held]
        self._asked: set[int] = set()

    @property
    def complete(self) -> bool:
        """Whether every chunk is durable here."""
        return not self._lacks

    @property
    def waits(self) -> bool:
        """Whether chunks were asked for that did not come yet."""
        return bool(self._asked)

    @property
    def lacking(self) -> int:
        """How many chunks are not here."""
        return len(self._lacks)

    def want(self) -> BlobWant:
        """Ask for the next window of what lacks."""
        window = self._lacks[:BLOB_ASKED_MAX]
        self._asked = set(window)
        return BlobWant(blob=self.blob.id, ranges=ranges_of(window))

    def expects_first(self) -> None:
        """Take the first chunks as asked for: they come with a manifest."""
        self._asked = set(self._lacks).intersection(range(BLOB_ASKED_MAX))

    def check(self, chunk: BlobChunk) -> bool:
        """Judge a chunk that came; whether it is to be kept, and then told by `keep`.

        One that was not asked for, or came before, or belongs to another blob, changes nothing.

        Raises:
            MalformedError: there is no such chunk.
            ForgedError: it is not what the manifest names.
        """
        if chunk.blob != self.blob.id or (chunk.index < self.blob.count and chunk.index not in self._asked):
            return False
        self.blob.check(chunk.index, chunk.data)
        return True

    def keep(self, index: int) -> None:
        """Hear that a chunk is durable."""
        self._asked.discard(index)
        self._lacks.remove(index)


def given(blob: Blob, want: BlobWant) -> tuple[int, ...]:
    """The chunks that a want asks for, of a blob that is here.

    Raises:
        MalformedError: ranges out of bounds, out of order, empty, or of too many chunks.
    """
    if not want.ranges:
        return tuple(range(min(BLOB_ASKED_MAX, blob.count)))
    found: list[int] = []
    reached = 0
    for first, end in want.ranges:
        if not reached <= first < end <= blob.count or len(found) + end - first > BLOB_ASKED_MAX:
            raise malformed(
                f"ascending ranges of at most {BLOB_ASKED_MAX} chunks, below {blob.count}", f"{first} to {end}"
            )
        found.extend(range(first, end))
        reached = end
    return tuple(found)


def ranges_of(indices: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Ascending indices as ranges, first and end."""
    found: list[tuple[int, int]] = []
    for index in indices:
        if found and found[-1][1] == index:
            found[-1] = (found[-1][0], index + 1)
        else:
            found.append((index, index + 1))
    return tuple(found)


def offers(blobs: Iterable[Blob]) -> Iterator[BlobOffer]:
    """Offers of blobs, as few as the limits allow, in the order given."""
    batch: list[bytes] = []
    used = _HEAD_BYTES
    for blob in blobs:
        size = _HEAD_BYTES + len(blob.wire)
        if batch and (used + size > FRAME_BYTES_MAX or len(batch) == BLOB_OFFERS_MAX):
            yield BlobOffer(manifests=tuple(batch))
            batch, used = [], _HEAD_BYTES
        batch.append(blob.wire)
        used += size
    if batch:
        yield BlobOffer(manifests=tuple(batch))


def blob_refused(blob: BlobId, error: ExplainedError) -> BlobRefused:
    """Why a blob is not taken, or not given."""
    why = failure(error)
    return BlobRefused(blob=blob, code=why.code, expected=why.expected, got=why.got, do=why.do)
