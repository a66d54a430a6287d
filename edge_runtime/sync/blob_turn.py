"""The turn of blobs within a connection to the relay: last, once the log is settled both ways.

Owns when they have it. A connection of a device that has no blobs to speak of goes on without.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge_runtime.blobs.fetching import BlobReport
from edge_runtime.blobs.transfer import BlobTransfer
from edge_runtime.store.device import DeviceStore
from edge_runtime.transports.link import Link
from sync_protocol.blob_messages import BlobMessage
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.errors import PeerError
from sync_protocol.frames import pack_frame
from sync_protocol.steps import BlobSaid, DeviceStep


class BlobTurn:
    """One connection's."""

    def __init__(self, store: DeviceStore, link: Link, transfer: BlobTransfer | None) -> None:
        """Begin with nothing said."""
        self._store = store
        self._link = link
        self._transfer = transfer
        self._begun_at = -1
        self.report = BlobReport() if transfer is None else transfer.report

    @property
    def waits(self) -> bool:
        """Whether an answer of the relay is due."""
        return self._transfer is not None and self._transfer.waits

    @property
    def done(self) -> bool:
        """Whether all was said and answered."""
        return self._transfer is None or self._transfer.done

    def doubt(self) -> None:
        """Hear that the relay lost something."""
        if self._transfer is not None:
            self._transfer.doubt()

    def go_on(self, *, settled: bool) -> None:
        """Once the log is settled, and again when more was written or came: say what is to be said."""
        transfer, size = self._transfer, self._store.size()
        if transfer is not None and settled and not (transfer.begun and self._begun_at == size):
            self._begun_at = size
            self._say(transfer.begin())

    def hear(self, step: BlobSaid, exchange: DeviceExchange) -> list[DeviceStep]:
        """Answer what the relay said; what is then to be done."""
        if self._transfer is None:
            return []
        try:
            self._say(self._transfer.heard(step.message, exchange.record.value.ed25519))
        except PeerError as error:
            return exchange.fail(error)
        return []

    def _say(self, said: Iterable[BlobMessage]) -> None:
        for message in said:
            self._link.send(pack_frame(message))
