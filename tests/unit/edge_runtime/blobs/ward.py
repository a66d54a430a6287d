"""Devices with attachments, and a relay of blobs in memory, without a network or a log."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from edge_runtime.attaching import Attachments, Listed
from edge_runtime.blobs.book import BlobBackup, BlobNote
from edge_runtime.blobs.fetching import BlobReport
from edge_runtime.blobs.stock import BlobStock
from edge_runtime.blobs.transfer import BlobTransfer
from edge_runtime.clinical.attachments import Attachment
from edge_runtime.clinical.layout import WorkflowType
from sync_protocol.blob_exchange import BlobTaker, blob_refused, given
from sync_protocol.blob_messages import (
    BlobChunk,
    BlobManifest,
    BlobMessage,
    BlobOffer,
    BlobStored,
    BlobWant,
)
from sync_protocol.blobs import Blob, BlobReceipt
from sync_protocol.errors import LimitError, PeerError
from sync_protocol.ids import BlobId, ChartId, DocumentId
from sync_protocol.labels import Label
from sync_protocol.roles import Role
from sync_protocol.signed import sign
from sync_protocol.signing import SigningKey
from tests.unit.edge_runtime.clinic import Clinic, Device, carry
from tests.unit.sync_protocol.blob_samples import some_bytes

RELAY = SigningKey(b"r" * 32)


class Cut(Exception):  # noqa: N818 - what happens to a line
    """The connection ended."""


class Blobs:
    """A relay of blobs.

    Attributes:
        refuse: the code with which an offer is refused; None to take it.
        left: messages before the next cut; None for none.
        asked: every chunk that was asked for or sent, in order.
    """

    def __init__(self) -> None:
        self.manifests: dict[BlobId, Blob] = {}
        self.chunks: dict[BlobId, dict[int, bytes]] = {}
        self.numbers: dict[BlobId, int] = {}
        self.refuse: Callable[[Blob], str | None] = lambda _: None
        self.left: int | None = None
        self.asked: list[int] = []
        self.now_ms = 7
        self._offered: deque[Blob] = deque()
        self._taker: BlobTaker | None = None

    def talk(self, transfer: BlobTransfer) -> BlobReport:
        """One connection, until nothing more is said.

        Raises:
            Cut: it was cut.
        """
        self._taker, self._offered = None, deque()
        waiting = deque(transfer.begin())
        while waiting:
            message = waiting.popleft()
            for answer in self.answer(message):
                self._count()
                waiting.extend(transfer.heard(answer, RELAY.public))
        assert transfer.done
        return transfer.report

    def answer(self, message: BlobMessage) -> list[BlobMessage]:
        """What an honest relay says."""
        self._count()
        match message:
            case BlobOffer():
                self._offered = deque(map(Blob, message.manifests))
                return self._go_on()
            case BlobChunk():
                taker = self._taker
                if taker is None or not taker.check(message):
                    return []
                self.asked.append(message.index)
                self.chunks[taker.blob.id][message.index] = message.data
                taker.keep(message.index)
                if taker.waits:
                    return []
                return self._go_on() if taker.complete else [taker.want()]
            case BlobWant():
                return list(self._give(message))
        raise AssertionError(message)

    def receipt(self, blob: BlobId) -> bytes:
        """The receipt of a whole blob."""
        number = self.numbers.setdefault(blob, len(self.numbers) + 1)
        return sign(BlobReceipt(blob=blob, number=number, stored_ms=self.now_ms), RELAY, Label.BLOB_RECEIPT).wire

    def _go_on(self) -> list[BlobMessage]:
        said: list[BlobMessage] = []
        if self._taker is not None and self._taker.complete:
            said.append(BlobStored(receipt=self.receipt(self._taker.blob.id)))
            self._taker = None
        while self._offered:
            blob = self._offered.popleft()
            code = self.refuse(blob)
            if code is not None:
                said.append(blob_refused(blob.id, LimitError(code, expected="less", got="more", do="wait")))
                continue
            self.manifests[blob.id] = blob
            taker = BlobTaker(blob, self.chunks.setdefault(blob.id, {}))
            if not taker.complete:
                self._taker = taker
                return [*said, taker.want()]
            said.append(BlobStored(receipt=self.receipt(blob.id)))
        return said

    def _give(self, want: BlobWant) -> list[BlobMessage]:
        blob = self.manifests.get(want.blob)
        if blob is None or want.blob not in self.numbers:
            return [blob_refused(want.blob, PeerError("unknown_blob", expected="a blob", got="none", do="wait"))]
        indices = given(blob, want)
        self.asked.extend(indices)
        made: list[BlobMessage] = [
            BlobChunk(blob=blob.id, index=index, data=self.chunks[blob.id][index]) for index in indices
        ]
        first = [] if want.ranges else [BlobManifest(manifest=blob.wire, receipt=self.receipt(blob.id))]
        return [*first, *made]

    def _count(self) -> None:
        if self.left == 0:
            self.left = None
            raise Cut
        self.left = None if self.left is None else self.left - 1


class Holder:
    """A device that has attachments; `restart` reads everything anew, as after a start of the program."""

    def __init__(self, device: Device, folder: Path) -> None:
        self.device = device
        self.folder = folder
        self.through = 0
        self.made_ms = 1000
        self.load()

    def load(self) -> None:
        """Put the rooms together."""
        self.stock = BlobStock(
            self.device.store,
            self.device.identity,
            self.device.keyring,
            self.folder,
            clock=self.device.clinic.clock,
            entropy=self.device.entropy,
            backup=lambda: BlobBackup(self.through, self.made_ms),
        )
        self.attachments = Attachments(self.device.charts, self.stock, entropy=self.device.entropy)

    def restart(self) -> None:
        """Begin anew on the same store and folder."""
        self.device.restart()
        self.load()

    def attach(self, chart: ChartId, document: DocumentId, data: bytes, name: str = "scan.png") -> Attachment:
        """Attach a file of that content."""
        path = self.folder.with_name("file-" + name)
        path.write_bytes(data)
        return self.attachments.attach(chart, document, path)[1]

    def note(self, blob: BlobId) -> BlobNote:
        """What is known of a blob."""
        note = self.stock.book.get(blob)
        assert note is not None
        return note

    def listed(self, chart: ChartId) -> list[Listed]:
        """The chart's attachments."""
        return self.attachments.listed(self.device.charts.open(chart))

    def read(self, chart: ChartId, blob: BlobId) -> bytes:
        """The file of an attachment."""
        (one,) = [item for item in self.listed(chart) if item.attachment.blob == blob]
        return b"".join(self.attachments.pieces(one))

    def files(self) -> list[Path]:
        """Every file that lies here."""
        return [path for path in self.folder.rglob("*") if path.is_file()]


class Ward:
    """A nurse and a physician who share a chart, each with attachments, and a relay of blobs."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.relay = Blobs()
        self.nurse = Holder(clinic.device(Role.NURSE), clinic.folder / "nurse-blobs")
        self.physician = Holder(clinic.device(Role.PHYSICIAN), clinic.folder / "physician-blobs")
        charts = self.nurse.device.charts
        self.chart, (self.document, self.encounter) = charts.create((), workflow=WorkflowType.ENCOUNTER)
        charts.share(self.chart, self.physician.device.id)

    def carry(self) -> None:
        """Let the physician have every entry of the nurse's."""
        carry(self.nurse.device, self.physician.device)

    def attach(self, size: int = 100, name: str = "scan.png") -> tuple[Attachment, bytes]:
        """Attach a file of the nurse's."""
        data = some_bytes(size, seed=size)
        return self.nurse.attach(self.chart, self.encounter, data, name), data

    def sync(self, holder: Holder) -> BlobReport:
        """One connection of a holder to the relay."""
        return self.relay.talk(BlobTransfer(holder.stock))
