"""Blobs in a bundle: written after the entries whose facts name them, and taken in by whoever has those facts.

What comes is checked chunk by chunk against the manifest, and the manifest against the id in the fact; a part that was
cut off is kept, and the next bundle, meeting or sync goes on from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from edge_runtime.blobs.fetching import BlobReport
from edge_runtime.blobs.stock import BlobStock
from sync_protocol.blob_messages import BlobChunk, BlobManifest
from sync_protocol.blobs import Blob
from sync_protocol.ids import BlobId, ChartId


def outgoing(
    stock: BlobStock, charts: Collection[ChartId], *, everything: bool
) -> Iterator[tuple[BlobId, BlobManifest | BlobChunk]]:
    """The whole blobs of some charts, each its manifest and then its chunks, small ones first.

    Args:
        stock: the device's.
        charts: those in the bundle.
        everything: also what the relay has receipted.
    """
    stock.find()
    notes = stock.book.all()
    wanted = [
        (note.file_bytes, blob)
        for blob, note in notes.items()
        if note.whole and note.chart in charts and (everything or note.receipt is None)
    ]
    for _, blob in sorted(wanted):
        wire = stock.folder.manifest(blob)
        if wire is None:
            continue  # the doctor tells of it
        yield blob, BlobManifest(manifest=wire, receipt=None)
        for index in range(Blob(wire).count):
            data = stock.folder.read(blob, index)
            if data is not None:
                yield blob, BlobChunk(blob=blob, index=index, data=data)


class Incoming:
    """The blobs of one bundle, as they come."""

    def __init__(self, stock: BlobStock) -> None:
        """Take in to `stock`."""
        self._stock = stock
        self._taking: Blob | None = None
        self._kept: set[int] = set()
        self._found = False
        self.report = BlobReport()

    def take(self, message: BlobManifest | BlobChunk) -> None:
        """Take a part.

        Raises:
            PeerError: it is not what it says it is.
            StoreError: it cannot be kept.
        """
        if isinstance(message, BlobManifest):
            self._begin(Blob(message.manifest))
        elif self._taking is not None and message.blob == self._taking.id:
            self._chunk(self._taking, message)

    def end(self) -> None:
        """Make durable what came of a blob that was cut off.

        Raises:
            StoreError: it cannot be.
        """
        if self._taking is not None:
            self._stock.folder.settle(self._taking.id)
            self._taking = None

    def _begin(self, blob: Blob) -> None:
        self.end()
        if not self._found:  # the entries came before
            self._stock.find()
            self._found = True
        note = self._stock.book.get(blob.id)
        if note is None or note.whole:
            self.report.waiting += note is None
            return
        misfit = self._stock.misfit(note, blob)
        if misfit is not None:
            self.report.refuse(misfit)
            return
        needed_bytes = note.file_bytes - self._stock.begun_bytes(blob.id)
        if not self._stock.make_room(needed_bytes, (), keep=blob.id):  # nobody is here to confirm what might go
            self.report.refuse("device_full")
            return
        self._stock.begin(blob)
        self._kept = set(self._stock.folder.kept(blob.id))
        self._taking = blob
        self._finish(blob)

    def _chunk(self, blob: Blob, message: BlobChunk) -> None:
        blob.check(message.index, message.data)
        if message.index not in self._kept:
            self._stock.folder.keep(blob.id, message.index, message.data)
            self._kept.add(message.index)
            self._stock.grew(blob.id, len(message.data))
        self._finish(blob)

    def _finish(self, blob: Blob) -> None:
        """Note a blob as whole once all of it is durable."""
        if len(self._kept) < blob.count:
            return
        self.end()
        self._stock.became_whole(blob.id)
        self.report.fetched += 1
