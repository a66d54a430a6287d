"""The turn of blobs within a connection: last, again when more was written, and without a device's blobs not at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from edge_runtime.blobs.transfer import BlobTransfer
from edge_runtime.sync.blob_turn import BlobTurn
from edge_runtime.transports.link import Link
from sync_protocol.blob_messages import BlobOffer, BlobRefused, BlobWant
from sync_protocol.device_exchange import DeviceExchange
from sync_protocol.frames import unpack_frame
from sync_protocol.ids import BlobId
from sync_protocol.steps import BlobSaid, Close
from tests.unit.edge_runtime.blobs.ward import RELAY, Ward
from tests.unit.edge_runtime.clinic import Clinic


class Line:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, frame: bytes) -> None:
        """Keep a frame."""
        self.sent.append(unpack_frame(frame))


def turn(ward: Ward, transfer: BlobTransfer | None) -> tuple[BlobTurn, Line]:
    """A nurse's turn, and the line that it speaks over."""
    line = Line()
    return BlobTurn(ward.nurse.device.store, cast("Link", line), transfer), line


def exchange() -> DeviceExchange:
    """An exchange with a relay that proved who it is, as far as blobs are concerned."""
    record = SimpleNamespace(value=SimpleNamespace(ed25519=RELAY.public))
    made = SimpleNamespace(record=record, fail=lambda error: [Close(error)])
    return cast("DeviceExchange", made)


def test_blobs_wait_for_the_log_and_come_again_with_more(clinic: Clinic):
    """Nothing is said before the log is settled; then once, and again when the store grew."""
    ward = Ward(clinic)
    ward.attach()
    mine, line = turn(ward, BlobTransfer(ward.nurse.stock))
    mine.go_on(settled=False)
    assert (line.sent, mine.done, mine.waits) == ([], False, False)
    mine.go_on(settled=True)
    mine.go_on(settled=True)
    assert [type(one) for one in line.sent] == [BlobOffer]
    assert (mine.waits, mine.done) == (True, False)
    (blob,) = ward.nurse.stock.book.all()
    refused = BlobRefused(blob=blob, code="blob_quota", expected="", got="", do="")
    assert mine.hear(BlobSaid(refused), exchange()) == []
    assert (mine.done, mine.report.unsent) == (True, 1)
    ward.attach(200, "second.png")
    mine.go_on(settled=True)
    assert [type(one) for one in line.sent] == [BlobOffer, BlobOffer]


def test_what_no_honest_relay_says_ends_the_exchange(clinic: Clinic):
    """A want of what was not offered closes the connection, with the reason."""
    ward = Ward(clinic)
    mine, _ = turn(ward, BlobTransfer(ward.nurse.stock))
    (close,) = mine.hear(BlobSaid(BlobWant(blob=BlobId(bytes(32)), ranges=())), exchange())
    assert isinstance(close, Close)
    assert close.error is not None
    assert close.error.code == "malformed"


def test_after_a_loss_of_the_relay_s_everything_is_offered_again(clinic: Clinic):
    """Receipts are let go of, and the next turn offers what they were for."""
    ward = Ward(clinic)
    ward.attach()
    ward.sync(ward.nurse)
    mine, line = turn(ward, BlobTransfer(ward.nurse.stock))
    mine.go_on(settled=True)
    assert line.sent == []
    mine.doubt()
    mine.go_on(settled=True)
    assert [type(one) for one in line.sent] == [BlobOffer]


def test_a_device_without_blobs_has_no_turn(clinic: Clinic):
    """It says nothing, hears nothing, and is done."""
    mine, line = turn(Ward(clinic), None)
    mine.doubt()
    mine.go_on(settled=True)
    assert mine.hear(BlobSaid(BlobWant(blob=BlobId(bytes(32)), ranges=())), exchange()) == []
    assert (line.sent, mine.done, mine.waits) == ([], True, False)
