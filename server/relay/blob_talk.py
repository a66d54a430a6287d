"""What one connection says of blobs: one upload at a time, and a bounded answer to each message.

An offer that comes while an earlier one is under way takes its place, so what a connection holds is one frame's
manifests and one taker, however many offers come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from server.relay.errors import RelayError, busy
from sync_protocol.blob_exchange import BlobTaker, blob_refused
from sync_protocol.blob_messages import BlobChunk, BlobMessage, BlobOffer, BlobStored, BlobWant
from sync_protocol.blobs import Blob
from sync_protocol.errors import MalformedError

if TYPE_CHECKING:
    from server.relay.blobs import Blobs
    from sync_protocol.ids import CertificateHash

WANTS_MAX: Final = 2
"""Wants that are answered in one message of frames: 2 MiB. A device asks for one window after the other."""
OFFERS_MAX: Final = 2
"""Offers that are looked at in one message of frames: each may begin an upload, which writes and flushes."""


class BlobTalk:
    """One device's talk of blobs. Used by one thread at a time."""

    def __init__(self, blobs: Blobs, reader: CertificateHash) -> None:
        """Talk with `reader`."""
        self._blobs = blobs
        self._reader = reader
        self._offered: deque[Blob] = deque()
        self._taker: BlobTaker | None = None
        self._wants = 0
        self._offers = 0

    def begin_message(self) -> None:
        """Hear that another message of frames came: what came before was answered."""
        self._wants = self._offers = 0

    def answer(self, message: BlobMessage) -> list[BlobMessage]:
        """Answer what the device said of a blob.

        Raises:
            PeerError: a manifest, chunk or range that no honest device sends; it ends the connection.
        """
        match message:
            case BlobOffer():
                return self._look_at(message)
            case BlobWant():
                return self._give(message)
            case BlobChunk():
                return self._keep(message)
            case _:
                raise AssertionError("the accept table lets nothing else through")

    def _look_at(self, offer: BlobOffer) -> list[BlobMessage]:
        blobs = deque(map(Blob, offer.manifests))
        self._offers += 1
        if self._offers > OFFERS_MAX:
            error = busy("offers of blobs in one message", OFFERS_MAX, "offers")
            return [blob_refused(blob.id, error) for blob in blobs]
        self._offered, self._taker = blobs, None
        return list(self._go_on())

    def _go_on(self) -> Iterator[BlobMessage]:
        """Answer for offered blobs until one of them lacks chunks."""
        while self._offered:
            blob = self._offered.popleft()
            try:
                found = self._blobs.offered(self._reader, blob)
            except RelayError as error:
                yield blob_refused(blob.id, error)
                continue
            if isinstance(found, BlobTaker):
                self._taker = found
                yield found.want()
                return
            yield found

    def _keep(self, chunk: BlobChunk) -> list[BlobMessage]:
        taker = self._taker
        if taker is None:
            return []
        try:
            said = self._blobs.keep(taker, chunk)
        except RelayError as error:
            self._taker = None
            return [blob_refused(taker.blob.id, error), *self._go_on()]
        if isinstance(said, BlobStored):
            self._taker = None
            return [said, *self._go_on()]
        return [] if said is None else [said]

    def _give(self, want: BlobWant) -> list[BlobMessage]:
        self._wants += 1
        try:
            if self._wants > WANTS_MAX:
                raise busy("wants of blobs in one message", WANTS_MAX, "wants")
            return list(self._blobs.wanted(self._reader, want))
        except (RelayError, MalformedError) as error:
            return [blob_refused(want.blob, error)]
