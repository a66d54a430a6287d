"""What this device knows of each blob: where its fact stands, whether it is whole here, what the relay receipted.

Owns the notes, as values of the encrypted store. A note never says more than is true: chunks are durable before it
says that a blob is whole, and it says so no more before they go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from edge_runtime.store.device import DeviceStore
from sync_protocol.blobs import BlobReceipt
from sync_protocol.ids import BlobId, ChartId, StreamId
from sync_protocol.limits import BLOB_BYTES_MAX, REASON_CODE_BYTES_MAX, RECORD_BYTES_MAX, WALL_MS_MAX
from sync_protocol.records import flag, identifier, key, octets, optional, pack, string, uint, unpack
from sync_protocol.signed import Verified

NOTES: Final = "blob/"
"""Prefix of the stored values that are notes."""


class BlobState(StrEnum):
    """Where a blob is known to be, from the least safe to the most."""

    ELSEWHERE = "not_here"
    HERE = "this_device_only"
    RECEIPTED = "at_the_relay"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class BlobBackup:
    """What the relay's newest word for its backup says of blobs.

    Attributes:
        through: the number up to which it holds all; 0 where nothing was said.
        made_ms: when it was made, by the relay's clock.
    """

    through: int = 0
    made_ms: int = 0

    def holds(self, receipt: BlobReceipt) -> bool:
        """Whether it holds the blob of a receipt.

        A relay that was restored gives numbers again: what it received after a backup was made is in none before.
        """
        return receipt.number <= self.through and receipt.stored_ms <= self.made_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobNote:
    """One blob.

    Attributes:
        chart, stream: where the fact stands that names it.
        file_bytes: the file's length, as the fact says.
        own: attached on this device.
        whole: every chunk is here, durably.
        asked: somebody on this device wants it, whatever the policy says.
        pruned: it was here and went to make room: not fetched again unless it is asked for.
        used_ms: when it was last opened or fetched here.
        receipt: the relay's, in its envelope, verified when it came.
        refused: the code with which the relay last refused it; None once it took it.
    """

    chart: ChartId = key(1, identifier(ChartId))
    stream: StreamId = key(2, identifier(StreamId))
    file_bytes: int = key(3, uint(BLOB_BYTES_MAX))
    own: bool = key(4, flag())
    whole: bool = key(5, flag())
    asked: bool = key(6, flag())
    pruned: bool = key(7, flag())
    used_ms: int = key(8, uint(WALL_MS_MAX))
    receipt: bytes | None = key(9, optional(octets(1, RECORD_BYTES_MAX)))
    refused: str | None = key(10, optional(string(REASON_CODE_BYTES_MAX)))

    @property
    def number(self) -> int | None:
        """The receipt's number; None without a receipt."""
        return None if self.receipt is None else Verified.from_store(BlobReceipt, self.receipt).value.number

    def state(self, backup: BlobBackup) -> BlobState:
        """Where it is known to be; `backup` is what the relay says that it has backed up."""
        if self.receipt is not None:
            receipt = Verified.from_store(BlobReceipt, self.receipt).value
            return BlobState.SAFE if backup.holds(receipt) else BlobState.RECEIPTED
        return BlobState.HERE if self.whole else BlobState.ELSEWHERE


class BlobBook:
    """The notes of one device, in memory as they are in the store. Not for use from several threads at once."""

    def __init__(self, store: DeviceStore) -> None:
        """Start with nothing read."""
        self._store = store
        self._notes: dict[BlobId, BlobNote] | None = None

    def all(self) -> dict[BlobId, BlobNote]:
        """Every note, not to be changed."""
        if self._notes is None:
            found = self._store.values(NOTES)
            self._notes = {
                BlobId.parse(name.removeprefix(NOTES)): unpack(BlobNote, data) for name, data in found.items()
            }
        return self._notes

    def get(self, blob: BlobId) -> BlobNote | None:
        """What is known of a blob."""
        return self.all().get(blob)

    def put(self, blob: BlobId, note: BlobNote) -> None:
        """Note something durably.

        Raises:
            StoreError: it cannot be kept.
        """
        notes = self.all()
        if notes.get(blob) == note:
            return
        with self._store.writing() as writer:
            writer.put_value(NOTES + blob.hex(), pack(note))
        notes[blob] = note

    def forget(self, blobs: Iterable[BlobId]) -> None:
        """Let go of notes.

        Raises:
            StoreError: they cannot be.
        """
        gone = [blob for blob in blobs if blob in self.all()]
        if not gone:
            return
        with self._store.writing() as writer:
            for blob in gone:
                writer.put_value(NOTES + blob.hex(), None)
        for blob in gone:
            del self.all()[blob]

    def doubt(self) -> None:
        """Hear that the relay lost something: no receipt counts, and every whole blob is offered again.

        Raises:
            StoreError: it cannot be noted.
        """
        doubted = {blob: note for blob, note in self.all().items() if note.receipt is not None}
        if not doubted:
            return
        with self._store.writing() as writer:
            for blob, note in doubted.items():
                writer.put_value(NOTES + blob.hex(), pack(replace(note, receipt=None)))
        for blob, note in doubted.items():
            self.all()[blob] = replace(note, receipt=None)
