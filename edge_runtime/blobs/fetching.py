"""Fetching one blob after the other, from the relay or from another device: asked for by windows, kept as it comes.

What is durable is what the next attempt goes on from. Whatever goes wrong with one blob is reported, and the next has
its turn; only what no honest sender says is an error.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from edge_runtime.blobs.stock import BlobStock
from edge_runtime.errors import StoreError
from sync_protocol.blob_exchange import BlobTaker
from sync_protocol.blob_messages import BlobChunk, BlobWant
from sync_protocol.blobs import Blob
from sync_protocol.errors import malformed, too_often
from sync_protocol.ids import BlobId

GIVEN_TIMES_MAX: Final = 2
"""How often one connection or meeting gives each chunk of a blob, on average: nobody honest needs one twice."""


class Given:
    """What one connection or meeting gave of each blob."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._chunks: Counter[BlobId] = Counter()

    def spend(self, blob: Blob, chunks: int) -> None:
        """Count chunks that are about to be given.

        Raises:
            LimitError: the other asks for the same again and again.
        """
        self._chunks[blob.id] += chunks
        if self._chunks[blob.id] > GIVEN_TIMES_MAX * blob.count:
            raise too_often("chunks of one attachment", GIVEN_TIMES_MAX * blob.count, self._chunks[blob.id])


@dataclass(slots=True)
class BlobReport:
    """What one connection did with blobs.

    Attributes:
        sent: chunks that were sent.
        receipted: blobs that the relay has whole, as it said by a receipt.
        fetched: blobs that became whole here.
        waiting: blobs that the other side does not have yet.
        unsent: blobs of this device that were not taken; they stay here and are offered again.
        refused: codes of what the relay, or this device for want of room, did not take.
        steps: messages of the other side that were answered; it grows while anything does.
    """

    sent: int = 0
    steps: int = 0
    receipted: int = 0
    fetched: int = 0
    waiting: int = 0
    unsent: int = 0
    refused: list[str] | None = None

    def refuse(self, code: str) -> None:
        """Note a refusal."""
        self.refused = [*(self.refused or []), code]


class Fetching:
    """The blob that is fetched now, if any."""

    def __init__(self, stock: BlobStock, report: BlobReport) -> None:
        """Begin with none."""
        self._stock = stock
        self._report = report
        self._taker: BlobTaker | None = None
        self.blob: BlobId | None = None
        self.confirmed: set[BlobId] = set()
        """Blobs that the relay confirmed on this connection; others make no room."""

    def begin(self, blob: BlobId) -> BlobWant | None:
        """Ask for a blob: its manifest first, or what lacks of it; None where nothing is to be asked."""
        note = self._stock.book.get(blob)
        if note is None or note.whole:
            return None
        try:
            needed_bytes = note.file_bytes - self._stock.begun_bytes(blob)
            if not self._stock.make_room(needed_bytes, self.confirmed, keep=blob):
                self._report.refuse("device_full")
                return None
            wire = self._stock.folder.manifest(blob)
            if wire is None:
                self.blob, self._taker = blob, None
                return BlobWant(blob=blob, ranges=())
            taker = BlobTaker(Blob(wire), self._stock.folder.kept(blob))
            if taker.complete:
                self._whole(taker.blob)
                return None
        except StoreError as error:
            self._report.refuse(error.code)
            return None
        self.blob, self._taker = blob, taker
        return taker.want()

    def manifest(self, blob: Blob, receipt: bytes | None) -> BlobWant | None:
        """Take the manifest that was asked for, with the relay's receipt, verified, where it gave one.

        Returns:
            What is to be asked for next; None while chunks come, or where the blob is done with.

        Raises:
            MalformedError: another was asked for, or none.
        """
        if self._taker is not None or blob.id != self.blob:
            raise malformed("the manifest of the blob that was asked for", "another")
        note = self._stock.book.get(blob.id)
        misfit = None if note is None else self._stock.misfit(note, blob)
        if note is None or misfit is not None:  # its author named a blob of another chart, or lied about its length
            self.drop(misfit)
            return None
        try:
            self._stock.begin(blob)
            self._taker = BlobTaker(blob, self._stock.folder.kept(blob.id))
            if receipt is not None:
                self._stock.book.put(blob.id, replace(note, receipt=receipt))
            self._taker.expects_first()
            return self._go_on(self._taker)
        except StoreError as error:
            self.drop(error.code)
            return None

    def chunk(self, chunk: BlobChunk) -> BlobWant | None:
        """Take a chunk; what is returned is as for `manifest`.

        Raises:
            MalformedError: it comes before its manifest, or there is no such chunk.
            ForgedError: it is not what the manifest names.
        """
        taker = self._taker
        if taker is None:
            if chunk.blob == self.blob:
                raise malformed("a manifest before its chunks", "a chunk")
            return None  # of a blob that was dropped meanwhile
        if not taker.check(chunk):
            return None
        try:
            self._stock.folder.keep(taker.blob.id, chunk.index, chunk.data)
            taker.keep(chunk.index)
            self._stock.grew(taker.blob.id, len(chunk.data))
            return self._go_on(taker)
        except StoreError as error:
            self.drop(error.code)
            return None

    def drop(self, code: str | None = None) -> None:
        """Give a blob up on this connection; what came of it stays."""
        if code is not None:
            self._report.refuse(code)
        self.blob = self._taker = None

    def _go_on(self, taker: BlobTaker) -> BlobWant | None:
        """Wait for the rest of the window; then ask for the next, or end."""
        if taker.waits:
            return None
        self._stock.folder.settle(taker.blob.id)
        if not taker.complete:
            return taker.want()
        self._whole(taker.blob)
        self.blob = self._taker = None
        return None

    def _whole(self, blob: Blob) -> None:
        self._stock.became_whole(blob.id)
        self._report.fetched += 1
