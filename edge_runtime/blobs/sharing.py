"""The blobs' part of a meeting of two devices: each says what it has, then both fetch what they lack, by turns.

A turn answers the other's last want and has at most one want of one's own. What comes waits for the relay as if it had
been attached here: who carries it is not its author, and it is offered at the next sync.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Final

from edge_runtime.blobs.fetching import BlobReport, Fetching, Given
from edge_runtime.blobs.stock import BlobStock
from sync_protocol.blob_exchange import blob_refused, given
from sync_protocol.blob_messages import BlobChunk, BlobManifest, BlobMessage, BlobRefused, BlobsHeld, BlobWant
from sync_protocol.blobs import Blob
from sync_protocol.errors import PeerError, malformed
from sync_protocol.ids import BlobId, StreamId
from sync_protocol.limits import BLOB_ASKED_MAX, BLOB_TURN_MAX, FRAME_ITEMS_MAX

_HELD_MAX: Final = (BLOB_TURN_MAX - BLOB_ASKED_MAX - 4) * FRAME_ITEMS_MAX
"""Blobs that one turn names, beside a manifest, its chunks and a want."""


class BlobSharing:
    """One meeting's part."""

    def __init__(self, stock: BlobStock) -> None:
        """Begin with nothing said."""
        self._stock = stock
        self._streams: Collection[StreamId] = ()
        self._said = False
        self._theirs: set[BlobId] = set()
        self._tried: set[BlobId] = set()
        self._given = Given()
        self._wanted: deque[BlobWant] = deque()
        self._next: BlobWant | None = None
        self.report = BlobReport()
        self._fetching = Fetching(stock, self.report)

    @property
    def said(self) -> bool:
        """Whether this side has spoken."""
        return self._said

    def heard(self, message: BlobMessage) -> None:
        """Take what the other said; it is answered in this side's turn.

        Raises:
            PeerError: no honest device says it.
        """
        match message:
            case BlobsHeld():
                self._theirs.update(message.blobs)
            case BlobWant():
                if self._wanted:
                    raise malformed("one want a turn", "another")
                self._wanted.append(message)
            case BlobManifest():
                self._next = self._fetching.manifest(Blob(message.manifest), None)
            case BlobChunk():
                self._next = self._fetching.chunk(message) or self._next
            case BlobRefused():
                if message.blob == self._fetching.blob:
                    self._fetching.drop()
            case _:
                raise AssertionError("the accept table lets nothing else through")

    def turn(self, streams: Collection[StreamId]) -> tuple[list[BlobMessage], bool]:
        """What to say now, and whether something is asked for.

        Args:
            streams: those of which the other may be given blobs.
        """
        said: list[BlobMessage] = []
        self._streams = streams
        if not self._said:
            self._said = True
            self._stock.tidy()
            said += self._held()
        while self._wanted:
            said += self._give(self._wanted.popleft())
        want, self._next = self._next, None
        want = want or (self._begin() if self._fetching.blob is None else None)
        return [*said, *([] if want is None else [want])], want is not None

    def _held(self) -> list[BlobMessage]:
        """What is whole here and may be given; none of it says more than the fact that names it."""
        notes = self._stock.book.all().items()
        held = sorted(blob for blob, note in notes if note.whole and note.stream in self._streams)[:_HELD_MAX]
        starts = range(0, max(1, len(held)), FRAME_ITEMS_MAX)  # nothing is said as well: the other may have something
        return [BlobsHeld(blobs=tuple(held[start : start + FRAME_ITEMS_MAX])) for start in starts]

    def _begin(self) -> BlobWant | None:
        """Ask for the smallest of what the other has and this device fetches."""
        notes = self._stock.book.all()
        open_ = (blob for blob in self._theirs - self._tried if blob in notes and self._stock.fetches(notes[blob]))
        for blob in sorted(open_, key=lambda one: (notes[one].file_bytes, one)):
            self._tried.add(blob)
            want = self._fetching.begin(blob)
            if want is not None:
                return want
        return None

    def _give(self, want: BlobWant) -> list[BlobMessage]:
        note, wire = self._stock.book.get(want.blob), self._stock.folder.manifest(want.blob)
        if note is None or wire is None or not note.whole or note.stream not in self._streams:
            return [blob_refused(want.blob, _not_offered())]
        try:
            blob = Blob(wire)
            said: list[BlobMessage] = [] if want.ranges else [BlobManifest(manifest=wire, receipt=None)]
            indices = given(blob, want)
            self._given.spend(blob, len(indices))
            for index in indices:
                data = self._stock.folder.read(blob.id, index) or b""
                self._check(blob, index, data)
                said.append(BlobChunk(blob=blob.id, index=index, data=data))
        except PeerError as error:
            return [blob_refused(want.blob, error)]
        self.report.sent += len(said)
        return said

    def _check(self, blob: Blob, index: int, data: bytes) -> None:
        try:
            blob.check(index, data)
        except PeerError:
            self._stock.damaged(blob.id, index)
            raise


def _not_offered() -> PeerError:
    return PeerError("unknown_blob", expected="an attachment that was offered", got="another", do="meet again")
