"""What is to be pushed: entries that wait, by rank and arrival, batch by batch, with the proofs that the relay lacks.

In that order, because a relay takes an entry only after what it hangs on: the records that make its chart, its author's
membership, its epoch, and the entry before it in its chain. Each batch begins again at what is most urgent: what was
pushed was receipted or refused and waits no more, and what was recorded meanwhile may come before the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from edge_runtime.identity import Identity
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync.proofs import ProofBook
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.store import Arrived, walk_chain

BATCH_ENTRIES: Final = 64
BATCH_BYTES: Final = 1024 * 1024
_MARKED: Final = 512
"""Entries marked in one transaction."""


Lose = Callable[[DeviceWriter, Sequence[EntryHash]], object]


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """Entries with what they need to be verified."""

    proofs: Proofs
    entries: tuple[WireEntry, ...]


class Outbox:
    """Cuts what waits into batches; one is under way at a time, and the next follows its answers."""

    def __init__(self, store: DeviceStore, identity: Identity, *, lose: Lose | None = None) -> None:
        """Start with nothing under way.

        Args:
            store: the device's.
            identity: who it is.
            lose: told of entries that count as pending again, in the transaction in which they do.
        """
        self._store = store
        self._identity = identity
        self._lose = lose
        self._book = ProofBook(store, identity.trust)
        self._waiting: set[EntryHash] = set()
        self._lost: dict[tuple[StreamId, SessionId], int] = {}

    @property
    def settled(self) -> bool:
        """Whether every pushed entry was answered and nothing waits."""
        return not self._waiting and not self._store.waiting()

    @property
    def waits(self) -> bool:
        """Whether a pushed entry was not answered yet."""
        return bool(self._waiting)

    def offer_again(self) -> None:
        """Offer what the relay refused before: what it lacked may be there now, or its operator has mended it."""
        self._mark(refused.name for refused in self._store.refused() if not refused.is_stripped)

    def relay_lacks(self, seals: Mapping[SessionId, int]) -> None:
        """Hear from the relay which seals it lacks."""
        self._book.lacks(seals)

    def lost(self, chains: Iterable[tuple[StreamId, SessionId, int]]) -> None:
        """Hear that the relay lost chains, from a number on: they are pending again, durably, with all their proofs.

        A chain of which that is known on this connection is not looked through again, however often it is wanted.
        """
        for stream, session, first in chains:
            if self._lost.get((stream, session), first + 1) <= first:
                continue
            self._lost[stream, session] = first
            self._book.lacks({session: 0})
            self._mark(_names(walk_chain(self._store, stream, session, first=first)))

    def unconfirmed(self, first: int, end: int, *, confirmed: Callable[[VerifiedEntry], bool]) -> None:
        """Hear what the relay has of the entries that came with these arrival indices; the others are pending again."""
        while first < end and (page := self._store.arrivals(after=first, limit=min(_MARKED, end - first))):
            self._mark(_names(arrived for arrived in page if not confirmed(arrived.entry)))
            first = page[-1].index + 1

    def answered(self, names: Iterable[EntryHash]) -> int:
        """Hear that entries were receipted or refused; how many of them were waited for."""
        answered = self._waiting.intersection(names)
        self._waiting -= answered
        return len(answered)

    def next_batch(self, bytes_max: int | None = None) -> OutgoingBatch | None:
        """The next batch; None while the last is unanswered, or when nothing waits.

        Args:
            bytes_max: of bodies, BATCH_BYTES where nothing is said; one entry goes in any case.
        """
        batch = [] if self._waiting else self._cut(BATCH_BYTES if bytes_max is None else bytes_max)
        if not batch:
            return None
        self._waiting = {arrived.entry.hash for arrived in batch}
        return OutgoingBatch(
            self._book.proofs(arrived.entry for arrived in batch), tuple(arrived.entry.wire for arrived in batch)
        )

    def _cut(self, bytes_max: int) -> list[Arrived]:
        batch: list[Arrived] = []
        used = 0
        for arrived in self._store.pending(limit=BATCH_ENTRIES):
            used += len(arrived.entry.body)
            if batch and used > bytes_max:
                break
            batch.append(arrived)
        return batch

    def _mark(self, names: Iterable[EntryHash]) -> None:
        """Mark entries as pending, some at a time."""
        every = iter(names)
        while some := list(islice(every, _MARKED)):
            with self._store.writing() as writer:
                if self._lose is not None:
                    self._lose(writer, some)
                writer.mark_pending(some)


def _names(entries: Iterable[Arrived]) -> Iterator[EntryHash]:
    """The names of entries, but for those whose body was destroyed: they cannot be sent any more."""
    return (arrived.entry.hash for arrived in entries if not arrived.entry.is_stripped)
