"""Blobs at the relay: who may bring one, who may have one, how much of them there may be, and when they go.

Owns quotas, receipts and purges. A blob that is not taken now stays on its device, which offers it again: a quota
delays and never loses. Refuses to look inside: a chunk is ciphertext, checked by its hash before it is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from server.relay.blob_book import BlobEntry
from server.relay.errors import BusyError, MissingError, RelayError
from server.relay.tables import may_write
from sync_protocol.blob_exchange import BlobTaker, given
from sync_protocol.blob_messages import BlobChunk, BlobManifest, BlobStored, BlobWant
from sync_protocol.blobs import Blob, BlobReceipt
from sync_protocol.errors import PeerError
from sync_protocol.labels import Label
from sync_protocol.signed import sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.relay.blob_book import BlobBook
    from server.relay.blob_files import BlobFiles
    from server.relay.directory import Directory
    from sync_protocol.ids import BlobId, CertificateHash, ChartId
    from sync_protocol.signing import SigningKey

INCOMPLETE_MAX: Final = 16
"""Blobs of one uploader that are not whole: each claims its size of the uploader's quota."""
SILENT_MS_MAX: Final = 14 * 24 * 60 * 60 * 1000
"""After so long without an offer, what came of a blob that is not whole is let go."""
_LOG: Final = logging.getLogger("fieldward.relay")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobQuotas:
    """How much the relay carries, in sealed bytes.

    Attributes:
        chart_bytes_max: whole blobs of one chart.
        uploader_bytes_max: everything that one device and user offered first.
    """

    chart_bytes_max: int
    uploader_bytes_max: int


class Blobs:
    """The blobs of one relay. Threads may share one; what belongs to one connection is in `blob_talk`."""

    def __init__(
        self,
        files: BlobFiles,
        book: BlobBook,
        directory: Directory,
        *,
        quotas: BlobQuotas,
        signer: SigningKey,
        now_ms: Callable[[], int],
        check_disk: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep chunks in `files` and rows in `book`.

        Args:
            files: where chunks lie.
            book: the rows.
            directory: says who is who.
            quotas: how much there may be.
            signer: the relay's key.
            now_ms: the clock, in Unix milliseconds.
            check_disk: raises a RelayError while the disk is too full to take anything.
        """
        self._files = files
        self._book = book
        self._directory = directory
        self._quotas = quotas
        self._signer = signer
        self._now_ms = now_ms
        self._check_disk = check_disk

    def offered(self, reader: CertificateHash, blob: Blob) -> BlobStored | BlobTaker:
        """Answer the offer of a blob: a receipt if it is whole here, otherwise what takes the rest of it.

        Raises:
            RelayError: it is not taken, or not now.
        """
        chart = self._may_bring(reader, blob)
        known = self._book.find(blob.id)
        if known is not None and known.whole is not None:
            return self._receipt(known.id, *known.whole)
        self._check_disk()
        if known is None:
            self._check_room(reader, chart, blob)
            self._book.begin(
                BlobEntry(
                    id=blob.id,
                    stream=blob.manifest.stream,
                    chart=chart,
                    uploader=self._directory.principal(reader),
                    size=blob.manifest.size,
                    chunks=blob.count,
                    heard_ms=self._now_ms(),
                )
            )
        else:
            self._check_chart(chart, blob)
            self._book.heard(blob.id, self._now_ms())
        self._files.begin(blob.id, blob.wire)
        if self._book.find(blob.id) is None:  # a purge came in between, which removed less than is there now
            self._files.drop(blob.id)
            raise _unknown()
        taker = BlobTaker(blob, self._files.kept(blob.id))
        return self._whole(taker) if taker.complete else taker

    def keep(self, taker: BlobTaker, chunk: BlobChunk) -> BlobWant | BlobStored | None:
        """Keep a chunk durably, if it was asked for.

        Returns:
            What to say: the next want, or the receipt of a blob that is whole now; None while more of a window comes.

        Raises:
            PeerError: it is not the chunk that the manifest names.
            RelayError: it cannot be stored.
        """
        if not taker.check(chunk):
            return None
        self._files.keep(taker.blob.id, chunk.index, chunk.data)
        taker.keep(chunk.index)
        if taker.waits:
            return None
        if taker.complete:
            return self._whole(taker)
        self._files.settle(taker.blob.id)
        self._book.heard(taker.blob.id, self._now_ms())
        self._check_disk()
        return taker.want()

    def wanted(self, reader: CertificateHash, want: BlobWant) -> Iterator[BlobManifest | BlobChunk]:
        """Give what a device asks for of a whole blob in a stream that it is fed.

        Raises:
            RelayError: it is not here, or not for this device: the same words for both.
            PeerError: there are no such chunks.
        """
        known = self._book.find(want.blob)
        manifest = self._files.manifest(want.blob)
        if known is None or known.whole is None or known.stream not in self._directory.readable(reader):
            raise _unknown()
        blob = _read(manifest)
        if manifest is None or blob is None or blob.id != want.blob:
            raise self._damaged(want.blob, None)
        indices = given(blob, want)
        if not want.ranges:
            receipt = self._receipt(known.id, *known.whole).receipt
            yield BlobManifest(manifest=manifest, receipt=receipt)
        for index in indices:
            data = self._files.read(want.blob, index)
            try:
                blob.check(index, data or b"")
            except PeerError:
                raise self._damaged(want.blob, index) from None
            assert data is not None, "a chunk that is checked is there"
            yield BlobChunk(blob=want.blob, index=index, data=data)

    def sweep(self, purged: frozenset[ChartId]) -> int:
        """Let go of the blobs of purged charts, and of what came of blobs of which nobody was heard for long.

        Returns:
            How many went.
        """
        doomed = [*self._book.of_charts(sorted(purged)), *self._book.silent(self._now_ms() - SILENT_MS_MAX)]
        for blob in doomed:
            self._files.drop(blob)  # before its row: a crash in between leaves the row to the next run
            self._book.forget(blob)
            self._files.drop(blob)  # and after it: an upload may have begun again in between, and now sees no row
        return len(doomed)

    def try_sweep(self, purged: Callable[[], frozenset[ChartId]]) -> None:
        """The same, where nobody waits for it: a failure is logged, and the next run goes on."""
        try:
            self.sweep(purged())
        except RelayError as error:
            _LOG.error("blobs could not be let go: %s (%s)", error.code, error.got)

    def _may_bring(self, reader: CertificateHash, blob: Blob) -> ChartId:
        """The chart of a blob, where the device may write there or is fed it."""
        directory, stream = self._directory, blob.manifest.stream
        place = directory.place(stream)
        if place is None or place.document is None:
            raise MissingError(
                "unknown_stream",
                expected="a blob in a content stream that is known here",
                got="another stream",
                do="sync the chart first; the attachment stays on the device",
            )
        chart = directory.chart(place.chart)
        assert chart is not None, "a stream's chart is known"
        if chart.purged:
            raise MissingError(
                "chart_purged",
                expected="a blob of a chart whose content is kept",
                got="one whose content was destroyed, as was confirmed",
                do="sync: this device destroys its copy too",
            )
        if not may_write(chart, directory.principal(reader), directory) and stream not in directory.readable(reader):
            raise MissingError(
                "not_member",
                expected="a blob of a chart whose member the device is",
                got="another chart",
                do="ask a member to share the chart; the attachment stays on the device",
            )
        return chart.id

    def _check_room(self, reader: CertificateHash, chart: ChartId, blob: Blob) -> None:
        used = self._book.used_by(self._directory.principal(reader))
        if used.incomplete >= INCOMPLETE_MAX:
            raise _over("attachments under way from one device", INCOMPLETE_MAX, "at once", used.incomplete + 1)
        most, size = self._quotas.uploader_bytes_max, used.size_bytes + blob.manifest.size
        if size > most:
            raise _over("attachments from one device", most, "bytes", size)
        self._check_chart(chart, blob)

    def _check_chart(self, chart: ChartId, blob: Blob) -> None:
        most, size = self._quotas.chart_bytes_max, self._book.used_in(chart) + blob.manifest.size
        if size > most:
            raise _over("attachments of one chart", most, "bytes", size)

    def _whole(self, taker: BlobTaker) -> BlobStored:
        """Number a blob whose chunks are all here: durable first, then the row, then the receipt."""
        blob, now_ms = taker.blob.id, self._now_ms()
        self._files.settle(blob)
        number = self._book.complete(blob, now_ms)
        if number is None:
            self._files.drop(blob)
            raise _unknown()
        return self._receipt(blob, number, now_ms)

    def _receipt(self, blob: BlobId, number: int, stored_ms: int) -> BlobStored:
        receipt = BlobReceipt(blob=blob, number=number, stored_ms=stored_ms)
        return BlobStored(receipt=sign(receipt, self._signer, Label.BLOB_RECEIPT).wire)

    def _damaged(self, blob: BlobId, index: int | None) -> RelayError:
        """Open a blob again that is not what it was, so that a device which has it can bring it back."""
        self._files.drop(blob, index)
        self._book.reopen(blob)
        _LOG.error("blob %s is damaged: restore the relay's folder 'blobs', or let its device sync", blob.short)
        return MissingError(
            "blob_damaged",
            expected="an attachment as it was stored",
            got="a chunk that is missing or another",
            do="tell the relay's operator; a device that still has the attachment brings it back by syncing",
        )


def _read(manifest: bytes | None) -> Blob | None:
    """A manifest that was kept; None for one that is missing or was changed on the disk."""
    try:
        return None if manifest is None else Blob(manifest)
    except PeerError:
        return None


def _unknown() -> MissingError:
    return MissingError(
        "unknown_blob",
        expected="an attachment that is whole at the relay, of a chart that this device may read",
        got="none of that name",
        do="sync again later: its author's device may not have sent it yet",
    )


def _over(what: str, limit: int, unit: str, got: int) -> BusyError:
    return BusyError(
        "blob_quota",
        expected=f"{what}: at most {limit} {unit}",
        got=f"{got}",
        do="ask the relay's operator for more room; the attachment stays on the device, which offers it again",
    )
