"""Keeping the relay to its word: what an exchange or another device shows of its log is kept, compared, and accused by.

A checkpoint that another device was given is compared at once with those of its size; otherwise it is shown to the
relay in the next HELLO, and in the one after, until the relay has proved it or stands accused. Refuses to act on an
accusation: it keeps the evidence, raises the alarm and tells whoever asked to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import Final

from edge_runtime.events import Alarmed, Events
from edge_runtime.identity import Identity
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync.log_shelf import (
    ACCUSED,
    FACTS,
    FACTS_MAX,
    HELD,
    LOST,
    LOST_MAX,
    PROOFS,
    PROOFS_MAX,
    WAITING,
    WAITING_MAX,
    LogShelf,
    StoredFacts,
    StoredNotes,
    StoredProof,
    StoredProofs,
    StoredReceipts,
    stored_accusation,
    stored_receipt,
    unpack_receipt,
)
from edge_runtime.sync.progress import NEWEST, RELAY, raise_alarm, save_checkpoint
from sync_protocol.accusations import Accusation, Rewrite, Split, Verdict, judge, own_checkpoint
from sync_protocol.certificates import RelayRecord, open_relay
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.errors import PeerError
from sync_protocol.evidence import ReceiptProof
from sync_protocol.ids import EntryHash
from sync_protocol.limits import FRAME_BYTES_MAX, GOSSIP_NOTES_MAX, NOTE_BYTES_MAX
from sync_protocol.records import pack
from sync_protocol.signed import Verified
from sync_protocol.steps import RELAY_LOG_SPLIT, Accused, Doubted, Greeted, Receipted

_NOTES_BYTES_MAX: Final = FRAME_BYTES_MAX * 3 // 4
"""Notes in one message, together."""

OnVerdict = Callable[[Verdict], object]


class Heard(StrEnum):
    """What became of a note that somebody else was given."""

    FOREIGN = "foreign"
    """Not signed by this organisation's relay for its log, or no relay is known here yet."""
    KNOWN = "known"
    """It agrees with one that is here."""
    KEPT = "kept"
    """The relay will be asked."""
    SPLIT = "split"
    """It convicts the relay, together with one that is here."""


class LogKeeper(LogShelf):
    """Keeps what one device knows of the relay's log. Threads may share one, or have one each."""

    def __init__(
        self, store: DeviceStore, identity: Identity, *, events: Events, accused: OnVerdict | None = None
    ) -> None:
        """Keep it in `store`.

        Args:
            store: the device's.
            identity: who it is.
            events: hears of alarms.
            accused: hears of each conviction once, after its evidence was stored: so that the audit can record it.
        """
        super().__init__(store)
        self._identity = identity
        self._events = events
        self._accused = accused

    def known(self) -> tuple[bytes, ...]:
        """Notes to show to another device, the newest first, as many as a message takes."""
        return _fitting((*self._held(), *reversed(self._waiting())))

    def to_show(self) -> tuple[bytes, ...]:
        """Notes to show to the relay: the newest, then those that have waited longest."""
        return _fitting((*self._held(), *self._waiting()))

    def gossip(self, note: bytes) -> Heard:
        """Take a note that somebody else was given, and compare it with what is here.

        Raises:
            StoreError: it could not be kept.
        """
        wire = self._store.get_value(RELAY)
        record = None if wire is None else open_relay(wire, self._identity.root)
        fits = len(note) <= NOTE_BYTES_MAX  # an exchange has no room for more, nor has its relay a use for it
        checkpoint = own_checkpoint(note, record.value) if record is not None and fits else None
        if record is None or checkpoint is None:
            return Heard.FOREIGN
        equal = self._of_size(checkpoint)
        if self._disagrees(note, checkpoint, equal, record):
            return Heard.SPLIT
        if equal:
            return Heard.KNOWN
        self._wait((note,))
        return Heard.KEPT

    def carry_out(self, step: Greeted | Accused | Doubted, record: Verified[RelayRecord]) -> None:
        """Keep what an exchange found out; `record` is that of the relay with whom it is."""
        match step:
            case Greeted():
                self._greeted(step)
            case Accused(accusation):
                self._convict(accusation, record)
            case Doubted(note):
                checkpoint = own_checkpoint(note, record.value)
                if checkpoint is not None:
                    self._disagrees(note, checkpoint, self._of_size(checkpoint), record)
                    self._wait((note,))

    def keep(self, writer: DeviceWriter, newest: Checkpoint, held: bytes | None) -> None:
        """Keep the newest checkpoint, and its note where it is known, in place of those before."""
        save_checkpoint(writer, NEWEST, newest)
        if held is not None:
            writer.put_value(HELD, held)

    def receipted(self, writer: DeviceWriter, step: Receipted) -> list[Rewrite]:
        """Keep receipts with the marks of their entries; those that show that the log was rewritten are returned."""
        found = [
            ReceiptProof(entry=leaf.entry, index=leaf.index, path=leaf.path, note=step.note) for leaf in step.leaves
        ]
        writer.mark_receipted(
            {receipt.entry: receipt.index for receipt in found},
            proofs={receipt.entry: pack(stored_receipt(receipt)) for receipt in found},
        )
        self.keep(writer, step.newest, step.held)
        lost = {receipt.index: receipt for receipt in self._lost()}
        return [
            Rewrite(lost[receipt.index], receipt)
            for receipt in found
            if receipt.index in lost and lost[receipt.index].entry != receipt.entry
        ]

    def rewrote(self, found: Iterable[Rewrite], record: Verified[RelayRecord]) -> bool:
        """Accuse the relay of what `receipted` found; whether that convicts it. The alarm is the caller's."""
        convicting = [rewrite for rewrite in found if self._convict(rewrite, record)]
        return bool(convicting)

    def lose(self, writer: DeviceWriter, names: Iterable[EntryHash]) -> None:
        """Set the receipts of entries aside, before those count as pending again; as many as there is room for."""
        before = self._lost()
        lost = list(before)
        for name in names:
            upload = self._store.upload(name) if len(lost) < LOST_MAX else None
            if upload is not None and upload.receipt:
                lost.append(unpack_receipt(upload.receipt))
        if len(lost) > len(before):
            writer.put_value(LOST, pack(StoredReceipts(receipts=tuple(map(stored_receipt, lost)))))

    def _greeted(self, step: Greeted) -> None:
        waiting = self._waiting()
        left = tuple(note for note in waiting if note not in step.settled)
        proofs = [proof for proof in step.proofs if proof.first != proof.second]
        fresh = step.linked and self._held() != (step.note,)
        if left != waiting or proofs or fresh:
            with self._store.writing() as writer:
                _put_waiting(writer, left)
                kept = [*self.consistency(), *proofs][-PROOFS_MAX:]
                stored = tuple(StoredProof(first=one.first, second=one.second, path=one.path) for one in kept)
                writer.put_value(PROOFS, pack(StoredProofs(proofs=stored)))
                if fresh:
                    self.keep(writer, step.checkpoint, step.note)
        if not step.linked:
            self._wait((step.note,))

    def _disagrees(
        self, note: bytes, checkpoint: Checkpoint, equal: Sequence[bytes], record: Verified[RelayRecord]
    ) -> bool:
        """Whether a note of the same size says otherwise; that convicts the relay."""
        others = [other for other in equal if _read(other).root != checkpoint.root]
        return any(self._convict(Split(other, note), record, alarm=RELAY_LOG_SPLIT) for other in others)

    def _of_size(self, checkpoint: Checkpoint) -> list[bytes]:
        """The notes of the same log and size that are here."""
        place = (checkpoint.origin, checkpoint.size)
        return [note for note in self.checkpoints() if ((known := _read(note)).origin, known.size) == place]

    def _convict(self, accusation: Accusation, record: Verified[RelayRecord], *, alarm: str | None = None) -> bool:
        """Whether the relay is guilty; then its evidence is kept, and told of where the fact is new."""
        try:
            verdict = judge(accusation, self._identity.root, record.value)
        except PeerError:
            return False  # an earlier relay's word beside this one's: two logs
        with self._store.writing() as writer:
            facts = self._facts()
            if verdict.fact in facts or len(facts) >= FACTS_MAX:
                return True
            kept = stored_accusation(accusation, record.wire)
            writer.put_value(ACCUSED + verdict.fact.hex(), pack(kept))
            writer.put_value(FACTS, pack(StoredFacts(facts=(*facts, verdict.fact))))
        if alarm is not None:
            raise_alarm(self._store, alarm)
            self._events.publish(Alarmed(alarm))
        if self._accused is not None:
            self._accused(verdict)
        return True

    def _wait(self, notes: Sequence[bytes]) -> None:
        """Keep notes that the relay has to prove; the oldest make room."""
        with self._store.writing() as writer:
            _put_waiting(writer, tuple(dict.fromkeys((*self._waiting(), *notes)))[-WAITING_MAX:])


def _put_waiting(writer: DeviceWriter, notes: tuple[bytes, ...]) -> None:
    writer.put_value(WAITING, pack(StoredNotes(notes=notes)) if notes else None)


def _fitting(notes: Sequence[bytes]) -> tuple[bytes, ...]:
    """As many as one message takes."""
    some = tuple(dict.fromkeys(notes))[:GOSSIP_NOTES_MAX]
    return tuple(note for note, used in zip(some, accumulate(map(len, some)), strict=True) if used <= _NOTES_BYTES_MAX)


def _read(note: bytes) -> Checkpoint:
    """What a note says that was verified before it was kept."""
    return Checkpoint.parse(note.decode().partition("\n\n")[0] + "\n")
