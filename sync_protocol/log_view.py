"""What a device knows of the relay's log within one exchange: the cursor, and the newest checkpoint that it saw.

Owns the rule that a log only grows and has one state at each size. Consistency proofs are not here yet, so a checkpoint
of a larger size is believed; one that contradicts what the relay signed before is not.
"""

from __future__ import annotations

from sync_protocol.certificates import RelayRecord
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.errors import UntrustedError, malformed
from sync_protocol.steps import (
    EMPTY_CURSOR,
    RELAY_LOG_DIFFERS,
    RELAY_LOG_SHRANK,
    RELAY_LOG_SPLIT,
    UNFINISHED,
    Alarm,
)


class ContradictionError(UntrustedError):
    """The relay's log contradicts what the relay signed before."""

    def __init__(self, code: str, checkpoint: Checkpoint) -> None:
        """Make the error with the alarm that a person must hear."""
        super().__init__(
            code,
            expected="a log that only grows, and has one state at each size",
            got=f"a checkpoint of {checkpoint.size} leaves that contradicts an earlier one",
            do="tell the organisation's administrator; nothing on this device is lost",
        )
        self.alarm = Alarm(code, checkpoint)


class LogView:
    """The relay's log as one exchange has seen it."""

    def __init__(self, cursor: Checkpoint, newest: Checkpoint) -> None:
        """Start from where the device holds its feed, and the newest checkpoint that it has a receipt under."""
        self.cursor = cursor
        self.newest = max(cursor, newest, key=lambda checkpoint: checkpoint.size)
        self._resyncing = False

    @property
    def kept(self) -> Checkpoint:
        """What the device is to keep as its newest checkpoint.

        Until a resync is over it is no checkpoint at all: neither receipts of the new log nor states of the old one may
        make up for what was not compared yet, whatever log the relay has the next time.
        """
        return UNFINISHED if self._resyncing else self.newest

    def open(self, note: bytes, record: RelayRecord) -> Checkpoint:
        """Verify a checkpoint of this log.

        An older one than the newest is no contradiction, because receipts and pages are made side by side.

        Raises:
            ContradictionError: another root at a size that was seen before.
            ForgedError, MalformedError, LimitError: see `open_checkpoint`.
        """
        checkpoint = open_checkpoint(note, NoteVerifyKey(name=record.origin, public=record.ed25519))
        for known in (self.cursor, self.newest):
            if checkpoint.size == known.size and checkpoint.root != known.root:
                raise ContradictionError(RELAY_LOG_SPLIT, checkpoint)
        if checkpoint.size > self.newest.size:
            self.newest = checkpoint
        return checkpoint

    def advance(self, checkpoint: Checkpoint) -> None:
        """Move the cursor.

        Raises:
            ContradictionError: the relay would move it back.
        """
        if checkpoint.size < self.cursor.size:
            raise ContradictionError(RELAY_LOG_SHRANK, checkpoint)
        self.cursor = checkpoint
        self._resyncing = False

    def restart(self, note: bytes, record: RelayRecord) -> Alarm:
        """Hear that what the device named is no state of the relay's log, and forget it.

        Raises:
            MalformedError: it is the very state that the relay signs, or the empty one, a state of every log.
            ForgedError, LimitError: see `open_checkpoint`.
        """
        named = {(known.size, known.root) for known in (self.cursor, self.newest) if known.size}
        self.newest = self.cursor = EMPTY_CURSOR
        checkpoint = self.open(note, record)
        if named <= {(checkpoint.size, checkpoint.root)}:
            raise malformed("RESYNC for what is no state of the log", "one for a state of it")
        self._resyncing = True
        return Alarm(RELAY_LOG_DIFFERS, checkpoint)
