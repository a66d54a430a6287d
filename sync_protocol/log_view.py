"""What a device knows of the relay's log within one exchange: the cursor, and the newest checkpoint that it saw.

Owns the rule that a log only grows. Every checkpoint that is believed here, for a cursor or for a receipt, larger or
smaller than the newest, was proven to be of one log with what was believed before; only to a device that knows nothing,
or that was told by RESYNC that what it knew is gone, the first one is news. Receipts and pages are made side by side,
so an older note may come after a newer one: it is proven from the other end, as a prefix of what is known.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sync_protocol import merkle
from sync_protocol.accusations import Accusation, Answer, Split
from sync_protocol.certificates import RelayRecord
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.errors import ForgedError, UntrustedError, malformed
from sync_protocol.ids import Hash
from sync_protocol.limits import EXCHANGE_STATES_MAX
from sync_protocol.log_messages import Growth
from sync_protocol.steps import (
    EMPTY_CURSOR,
    RELAY_LOG_DIFFERS,
    RELAY_LOG_SHRANK,
    RELAY_LOG_SPLIT,
    RELAY_LOG_UNPROVEN,
    UNFINISHED,
    Alarm,
)

_NOTHING: Final = EMPTY_CURSOR.size


class ContradictionError(UntrustedError):
    """The relay's log contradicts what the relay signed before, or is not shown to go with it.

    Attributes:
        alarm: what a person must hear.
        accusation: what shows it to everybody, where the relay's two words are at hand.
        doubted: notes by which the relay is to be asked again.
    """

    def __init__(
        self,
        code: str,
        checkpoint: Checkpoint,
        *,
        accusation: Accusation | None = None,
        doubted: tuple[bytes, ...] = (),
    ) -> None:
        """Make the error with the alarm that a person must hear."""
        super().__init__(
            code,
            expected="a log that only grows, with a proof of it, and has one state at each size",
            got=f"a checkpoint of {checkpoint.size} leaves that contradicts an earlier one, or is not proven from it",
            do="tell the organisation's administrator; nothing on this device is lost",
        )
        self.alarm = Alarm(code, checkpoint)
        self.accusation = accusation
        self.doubted = doubted


@dataclass(frozen=True, slots=True)
class _State:
    root: Hash
    note: bytes | None


class LogView:
    """The relay's log as one exchange has seen it."""

    def __init__(self, cursor: Checkpoint, newest: Checkpoint) -> None:
        """Start from where the device holds its feed, and the newest checkpoint that it knows to be of the same log."""
        self.cursor = cursor
        self.newest = max(cursor, newest, key=lambda checkpoint: checkpoint.size)
        self.held: bytes | None = None
        """The newest checkpoint's note, once this exchange saw one."""
        self._resyncing = False
        self._states: OrderedDict[int, _State] = OrderedDict()
        for checkpoint in (EMPTY_CURSOR, self.cursor, self.newest):
            self._remember(checkpoint, None)

    @property
    def kept(self) -> Checkpoint:
        """What the device is to keep as its newest checkpoint.

        Until a resync is over it is no checkpoint at all: neither receipts of the new log nor states of the old one may
        make up for what was not compared yet, whatever log the relay has the next time.
        """
        return UNFINISHED if self._resyncing else self.newest

    def greeted(self, answers: Iterable[Answer], newest: Checkpoint, note: bytes) -> bool:
        """Hear of the log as it is now.

        Args:
            answers: what the relay said of the notes that it was shown, verified.
            newest: its newest checkpoint.
            note: the same as it was signed.

        Returns:
            Whether what the device knew is part of that; then it is the newest now.
        """
        linked = self.newest.size == _NOTHING or any(
            item.path is not None and item.checkpoint is not None and _same(item.checkpoint, self.newest)
            for item in answers
        )
        if linked:
            self._see(newest, note)
        return linked

    def named(self, checkpoint: Checkpoint) -> None:
        """Hear that the device named a state to the relay, which may prove what comes from there."""
        if checkpoint.size in self._states:
            self._states.move_to_end(checkpoint.size)

    def open(self, note: bytes, growth: Growth | None, record: RelayRecord) -> Checkpoint:
        """Verify a checkpoint of this log.

        Raises:
            ContradictionError: another root at a size that was seen before, or no proof that it goes with that.
            ForgedError, MalformedError, LimitError: see `open_checkpoint`.
        """
        checkpoint = open_checkpoint(note, NoteVerifyKey(name=record.origin, public=record.ed25519))
        known = self._states.get(checkpoint.size)
        if known is not None and known.root != checkpoint.root:
            split = None if known.note is None else Split(known.note, note)
            raise ContradictionError(RELAY_LOG_SPLIT, checkpoint, accusation=split, doubted=(note,))
        if known is None and self.newest.size != _NOTHING:
            self._prove(checkpoint, note, growth)
        self._see(checkpoint, note)
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

    def covers(self, size: int, root: Hash, growth: Growth | None) -> None:
        """Verify that a state which is named without a note of its own is one of this log's.

        Raises:
            ContradictionError: it lies beyond what is known of the log, contradicts that, or is not proven from it.
        """
        state = Checkpoint(origin=self.newest.origin, size=size, root=root)
        known = self._states.get(size)
        if known is None and size < self.newest.size:
            self._prove(state, None, growth)
        elif known is None or known.root != root:
            raise ContradictionError(RELAY_LOG_UNPROVEN, state)

    def restart(self, note: bytes, record: RelayRecord) -> tuple[Alarm, bytes | None]:
        """Hear that what the device named is no state of the relay's log, and forget it.

        Returns:
            The alarm, and the note by which the relay had shown otherwise on this connection, if it had.

        Raises:
            MalformedError: it is the very state that the relay signs, or the empty one, a state of every log.
            ForgedError, LimitError: see `open_checkpoint`.
        """
        named = {(known.size, known.root) for known in (self.cursor, self.newest) if known.size}
        doubted = self.held
        self.newest = self.cursor = EMPTY_CURSOR
        self.held = None
        self._states.clear()
        self._remember(EMPTY_CURSOR, None)
        checkpoint = self.open(note, None, record)
        if named <= {(checkpoint.size, checkpoint.root)}:
            raise malformed("RESYNC for what is no state of the log", "one for a state of it")
        self._resyncing = True
        return Alarm(RELAY_LOG_DIFFERS, checkpoint), doubted

    def _prove(self, checkpoint: Checkpoint, note: bytes | None, growth: Growth | None) -> None:
        doubted = () if note is None else (note,)
        base = None if growth is None else self._states.get(growth.base)
        if growth is None or base is None or growth.base == _NOTHING:  # every log grows from nothing
            raise ContradictionError(RELAY_LOG_UNPROVEN, checkpoint, doubted=doubted)
        (first, first_root), (second, second_root) = sorted(
            [(growth.base, base.root), (checkpoint.size, checkpoint.root)]
        )
        try:
            merkle.verify_consistency(
                first=first, first_root=first_root, second=second, second_root=second_root, path=growth.path
            )
        except ForgedError:
            raise ContradictionError(RELAY_LOG_UNPROVEN, checkpoint, doubted=doubted) from None

    def _see(self, checkpoint: Checkpoint, note: bytes) -> None:
        self._remember(checkpoint, note)
        if checkpoint.size >= self.newest.size:
            self.newest = checkpoint
            self.held = note

    def _remember(self, checkpoint: Checkpoint, note: bytes | None) -> None:
        self._states[checkpoint.size] = _State(checkpoint.root, note)
        self._states.move_to_end(checkpoint.size)
        while len(self._states) > EXCHANGE_STATES_MAX:
            self._states.popitem(last=False)


def _same(one: Checkpoint, other: Checkpoint) -> bool:
    return (one.size, one.root) == (other.size, other.root)
