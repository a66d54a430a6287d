"""What a device has of the relay's log, as it lies in the store: receipts, checkpoints, proofs, and what convicts.

Owns the stored values and their shapes, and gives them as evidence: everything is as it was signed, so that somebody
who trusts the organisation's root alone can judge it again. `log_keeping` writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.progress import RELAY, load_records
from sync_protocol.accusations import Accusation, Denial, Rewrite, Split
from sync_protocol.evidence import ConsistencyProof, ReceiptProof, Transcript
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.limits import (
    CONSISTENCY_PATH_MAX,
    FRAME_BYTES_MAX,
    LOG_PATH_MAX,
    LOG_SIZE_MAX,
    NOTE_BYTES_MAX,
    RECORD_BYTES_MAX,
)
from sync_protocol.records import identifier, key, many, nested, octets, pack, uint, unpack

HELD: Final = "log/held"
"""The note of the newest checkpoint that was proven to be of the relay's log."""
WAITING: Final = "log/waiting"
"""Notes that the relay has yet to prove."""
PROOFS: Final = "log/proofs"
"""The last proofs that the relay gave, one or a few at each contact."""
LOST: Final = "log/lost"
"""Receipts for what the relay lost: what stands at their places now was put in their stead."""
FACTS: Final = "log/facts"
"""What the relay was convicted of; the evidence of each is under ACCUSED."""
ACCUSED: Final = "log/accused/"
WAITING_MAX: Final = 64
PROOFS_MAX: Final = 32
LOST_MAX: Final = 256
FACTS_MAX: Final = 64
_PAGE: Final = 256
_SPLIT, _DENIAL, _REWRITE = 1, 2, 3
_NOTE: Final = octets(1, NOTE_BYTES_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReceipt:
    """A leaf with its path and the note over it."""

    entry: EntryHash = key(1, identifier(EntryHash))
    index: int = key(2, uint(LOG_SIZE_MAX))
    path: tuple[Hash, ...] = key(3, many(identifier(Hash), LOG_PATH_MAX))
    note: bytes = key(4, _NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProof:
    """Two notes and the path from the one to the other."""

    first: bytes = key(1, _NOTE)
    second: bytes = key(2, _NOTE)
    path: tuple[Hash, ...] = key(3, many(identifier(Hash), CONSISTENCY_PATH_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotes:
    """WAITING."""

    notes: tuple[bytes, ...] = key(1, many(_NOTE, WAITING_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProofs:
    """PROOFS, oldest first."""

    proofs: tuple[StoredProof, ...] = key(1, many(nested(StoredProof), PROOFS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReceipts:
    """LOST."""

    receipts: tuple[StoredReceipt, ...] = key(1, many(nested(StoredReceipt), LOST_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFacts:
    """FACTS, in the order in which they were found."""

    facts: tuple[Hash, ...] = key(1, many(identifier(Hash), FACTS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccusation:
    """Evidence against the relay of a record: two notes, two frames, or two receipts."""

    kind: int = key(1, uint(_REWRITE))
    parts: tuple[bytes, ...] = key(2, many(octets(1, FRAME_BYTES_MAX), 2))
    record: bytes = key(3, octets(1, RECORD_BYTES_MAX))


@dataclass(frozen=True, slots=True)
class Charge:
    """An accusation with the record, in its envelope, of the relay that it is against."""

    accusation: Accusation
    record: bytes


class LogShelf:
    """Reads what is kept of the relay's log."""

    def __init__(self, store: DeviceStore) -> None:
        """Read `store`."""
        self._store = store

    def receipts(self) -> Iterator[ReceiptProof]:
        """Every receipt that this device was given, those for what the relay lost first."""
        yield from self._lost()
        after = 0
        while page := self._store.receipts(_PAGE, after=after):
            yield from (unpack_receipt(data) for _, data in page if data)
            after = page[-1][0] + 1

    def checkpoints(self) -> tuple[bytes, ...]:
        """Notes that are here beside those of receipts: the newest, gossiped ones, and those of proofs."""
        every = [*self._held(), *self._waiting()]
        for proof in self.consistency():
            every += [proof.first, proof.second]
        return tuple(dict.fromkeys(every))

    def consistency(self) -> tuple[ConsistencyProof, ...]:
        """The last proofs that the relay gave, oldest first."""
        data = self._store.get_value(PROOFS)
        kept = () if data is None else unpack(StoredProofs, data, bytes_max=len(data)).proofs
        return tuple(ConsistencyProof(first=one.first, second=one.second, path=one.path) for one in kept)

    def transcripts(self) -> tuple[Transcript, ...]:
        """Handshakes that convict the relay."""
        found = (charge.accusation for charge in self.accusations())
        return tuple(accusation.transcript for accusation in found if isinstance(accusation, Denial))

    def accusations(self) -> tuple[Charge, ...]:
        """All that convicts the relay, in the order in which it was found."""
        found: list[Charge] = []
        for fact in self._facts():
            data = self._store.get_value(ACCUSED + fact.hex())
            assert data is not None, "a fact is stored with its evidence"
            kept = unpack(StoredAccusation, data, bytes_max=len(data))
            found.append(Charge(_accusation(kept), kept.record))
        return tuple(found)

    def relays(self) -> tuple[bytes, ...]:
        """Records of the relays whose signatures are here, in their envelopes; the one in use is the last."""
        current = self._store.get_value(RELAY)
        return (*load_records(self._store), *(() if current is None else (current,)))

    def _held(self) -> tuple[bytes, ...]:
        held = self._store.get_value(HELD)
        return () if held is None else (held,)

    def _waiting(self) -> tuple[bytes, ...]:
        data = self._store.get_value(WAITING)
        return () if data is None else unpack(StoredNotes, data, bytes_max=len(data)).notes

    def _lost(self) -> list[ReceiptProof]:
        data = self._store.get_value(LOST)
        kept = () if data is None else unpack(StoredReceipts, data, bytes_max=len(data)).receipts
        return [_receipt(one) for one in kept]

    def _facts(self) -> tuple[Hash, ...]:
        data = self._store.get_value(FACTS)
        return () if data is None else unpack(StoredFacts, data).facts


def stored_receipt(receipt: ReceiptProof) -> StoredReceipt:
    """A receipt in the form in which it is kept."""
    return StoredReceipt(entry=receipt.entry, index=receipt.index, path=receipt.path, note=receipt.note)


def unpack_receipt(data: bytes) -> ReceiptProof:
    """Read a receipt that was kept."""
    return _receipt(unpack(StoredReceipt, data))


def stored_accusation(accusation: Accusation, record: bytes) -> StoredAccusation:
    """An accusation in the form in which it is kept, with the record of the relay that it is against."""
    match accusation:
        case Split(first, second):
            kind, parts = _SPLIT, (first, second)
        case Denial(transcript):
            kind, parts = _DENIAL, (transcript.hello, transcript.welcome)
        case Rewrite(one, other):
            kind, parts = _REWRITE, (pack(stored_receipt(one)), pack(stored_receipt(other)))
    return StoredAccusation(kind=kind, parts=parts, record=record)


def _accusation(kept: StoredAccusation) -> Accusation:
    first, second = kept.parts
    if kept.kind == _SPLIT:
        return Split(first, second)
    if kept.kind == _DENIAL:
        return Denial(Transcript(hello=first, welcome=second))
    return Rewrite(unpack_receipt(first), unpack_receipt(second))


def _receipt(kept: StoredReceipt) -> ReceiptProof:
    return ReceiptProof(entry=kept.entry, index=kept.index, path=kept.path, note=kept.note)
