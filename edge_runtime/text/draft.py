"""A text draft: some entries of one Doc, replayed in causal order.

Owns the uptake of each entry and what the Doc shows. Uptake is a function of the entry and its causal past alone:
refused or admitted is the same on every device, whatever arrived when. The rules:

- An entry waits (held) until all its parents are placed. A refused parent is placed: it contributes no text and
  consumes no clocks, and what follows it is judged as if it had changed nothing.
- Entries of one client id that do not follow one another fork the history (`history`). Both, and all that follows
  them, are forked: left out, unjudged. A draft of one branch's own past judges and shows it.
- All other entries are screened, then admitted against their own past, and are applied or refused for good.

Incomplete is local: the engine failed, was rebuilt and failed again, or shows other text than the order. Who may write
is not asked here: `lineage` chooses the entries that a draft is given.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge_runtime.text.admit import AdmitContext, admit
from edge_runtime.text.changes import Admitted
from edge_runtime.text.errors import Reason, ReplicaFailedError, UpdateRefusedError, unavailable
from edge_runtime.text.held import Held
from edge_runtime.text.history import History, TextEntry, members
from edge_runtime.text.order import ItemOrder
from edge_runtime.text.replay import Replay
from edge_runtime.text.replica import InProcessReplica, MakeReplica
from edge_runtime.text.screen import LIMITS, ScreenLimits, screen
from edge_runtime.text.splices import check_characters, splices
from sync_protocol.ids import EntryHash, SessionId
from sync_protocol.labels import Label

_CLIENT_BITS: Final = 53


class Effect(StrEnum):
    """What a draft did with an entry."""

    APPLIED = "applied"
    HELD = "held"
    REFUSED = "refused"
    FORKED = "forked"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Uptake:
    """How an entry was taken; `reason` is given with REFUSED only."""

    effect: Effect
    reason: Reason | None = None


_APPLIED: Final = Uptake(Effect.APPLIED)
_HELD: Final = Uptake(Effect.HELD)
_FORKED: Final = Uptake(Effect.FORKED)
_INCOMPLETE: Final = Uptake(Effect.INCOMPLETE)


def client_id(session: SessionId, doc_id: bytes) -> int:
    """A session's client id in one Doc: the first 53 bits of a labelled SHA-256 over both ids."""
    digest = hashlib.sha256(Label.CLIENT + session + doc_id).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _CLIENT_BITS)


class TextDraft:
    """One section's text. Not for use from several threads."""

    def __init__(
        self, doc_id: bytes, *, limits: ScreenLimits = LIMITS, make_replica: MakeReplica = InProcessReplica
    ) -> None:
        """Start empty.

        Args:
            doc_id: names the Doc; part of every client id.
            limits: the protocol's; smaller ones are for tests.
            make_replica: starts an empty replica in the CRDT engine.
        """
        self._doc_id = doc_id
        self._limits = limits
        self._history = History()
        self._held = Held()
        self._uptakes: dict[EntryHash, Uptake] = {}
        self._order = ItemOrder()
        self._admitted: list[tuple[int, Admitted]] = []
        self._replay = Replay(make_replica)

    @property
    def history(self) -> History:
        """The causal graph of the entries, to be read alone; their indices are in the order of placing."""
        return self._history

    @property
    def admitted(self) -> Sequence[tuple[int, Admitted]]:
        """What was applied, in the order of placing, each with its index; to be read alone."""
        return self._admitted

    @property
    def order(self) -> ItemOrder:
        """How everything applied stands, to be read alone."""
        return self._order

    @property
    def complete(self) -> bool:
        """Whether the text shows every admitted entry; False after a failure of the engine, until `retry` helps."""
        return self._replay.complete

    @property
    def forked(self) -> bool:
        """Whether entries are left out because a session's history forks."""
        return self._history.forked != 0

    @property
    def heads(self) -> tuple[EntryHash, ...]:
        """The parents that an entry made from `edit` must declare: these, no more and no fewer."""
        return self._history.heads

    def uptake(self, entry: EntryHash) -> Uptake | None:
        """How an entry was taken; None if it never came. While incomplete, what was applied reads INCOMPLETE."""
        if entry in self._held:
            return _HELD
        found = self._uptakes.get(entry)
        return _INCOMPLETE if found == _APPLIED and not self.complete else found

    def apply(self, entry: TextEntry) -> Uptake:
        """Take an entry, in any order of arrival; taking it again changes nothing.

        Entries that waited for it are taken with it; `uptake` tells how.

        Raises:
            HeldLimitError: its parents are missing and too much waits already; it was not kept.
        """
        known = self.uptake(entry.entry)
        if known is not None:
            return known
        missing = {parent for parent in entry.parents if parent not in self._history}
        if missing:
            self._held.keep(entry, missing)
            return _HELD
        ready = deque([entry])
        while ready:
            placed = ready.popleft()
            self._place(placed)
            ready.extend(self._held.release(placed.entry))
        uptake = self.uptake(entry.entry)
        assert uptake is not None, "a placed entry was taken in some way"
        return uptake

    def text(self) -> str:
        """The text of the applied entries; of as many as the engine could apply if it is not `complete` afterwards.

        The engine's text is compared with our own model's: a difference makes the draft incomplete.
        """
        return self._replay.text(self._order.text())

    def text_of(self, past: int) -> str:
        """What an author who had seen exactly `past` read, by our own order; the engine is not asked.

        Args:
            past: set of placed entries that holds the past of each of them, and no fork.
        """
        deletes = (one for index, admitted in self._admitted if past >> index & 1 for one in admitted.deletes)
        return self._order.text_of(self._history.state_vector(past), deletes)

    def retry(self) -> bool:
        """Replay all entries into a new replica after a failure; return whether the draft is complete."""
        return self._replay.retry()

    def edit(self, session: SessionId, new_text: str) -> bytes | None:
        """Make the update that turns the text into `new_text`, screened and admitted as every receiver will.

        The draft does not change: the caller signs an entry with the update and `heads` as parents, then applies it.

        Args:
            session: the author's session.
            new_text: the whole text as it should read.

        Returns:
            Yjs version 1 bytes of one transaction; None if the text reads so already.

        Raises:
            DraftUnavailableError: the draft is incomplete here, forked, or the engine failed.
            UpdateRefusedError: an entry may not hold this edit: too large, or the client id is another session's.
        """
        check_characters(new_text)
        old = self.text()
        if self.forked or not self.complete:
            got = "a forked history" if self.forked else "an incomplete draft"
            raise unavailable(got, "start a new text for the section" if self.forked else "retry it first")
        changes = splices(old, new_text)
        if not changes:
            return None
        client = client_id(session, self._doc_id)
        try:
            update = self._replay.edit(client, changes)
        except ReplicaFailedError:
            raise unavailable("a failure of the text engine", "try again") from None
        self._judge(session, update, self._history.everything)
        return update

    def _place(self, entry: TextEntry) -> None:
        client, forked = client_id(entry.session, self._doc_id), self._history.forked
        index = self._history.place(entry, client)
        if self._history.forked != forked:
            self._leave_out_forked()
        if self._history.forked >> index & 1:
            return
        if not entry.update:
            self._uptakes[entry.entry] = _APPLIED
            return
        try:
            admitted = self._judge(entry.session, entry.update, self._history.past(index))
        except UpdateRefusedError as refusal:
            self._uptakes[entry.entry] = Uptake(Effect.REFUSED, refusal.reason)
            return
        self._uptakes[entry.entry] = _APPLIED
        self._history.admit(index, client, admitted.end)
        self._order.integrate(admitted)
        self._admitted.append((index, admitted))
        self._replay.extend(entry.update)

    def _judge(self, session: SessionId, update: bytes, past: int) -> Admitted:
        """Screen and admit an update against a past without forks, whose updates the order holds.

        Raises:
            UpdateRefusedError: it breaks a rule.
        """
        client = client_id(session, self._doc_id)
        if self._history.is_taken(client, session, past):
            raise UpdateRefusedError(
                Reason.CLIENT_TAKEN, expected="a client id of one session", got=f"client {client} of two sessions"
            )
        screened = screen(update, self._limits)
        return admit(screened, AdmitContext(client=client, past=self._history.state_vector(past), order=self._order))

    def _leave_out_forked(self) -> None:
        """Mark the forked entries, and rebuild without them if any of them was applied."""
        for index in members(self._history.forked):
            self._uptakes[self._history[index].entry] = _FORKED
        kept = [(index, admitted) for index, admitted in self._admitted if not self._history.forked >> index & 1]
        if len(kept) == len(self._admitted):
            return
        self._admitted = kept
        self._order = ItemOrder()
        for _, admitted in kept:
            self._order.integrate(admitted)
        self._replay.restart(self._history[index].update for index, _ in kept)
