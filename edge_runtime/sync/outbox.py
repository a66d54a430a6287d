"""What is to be pushed: pending entries in order of arrival, batch by batch, with the proofs that the relay lacks.

In order of arrival, because a relay takes an entry only after what it hangs on: the records that make its chart, its
author's membership, its epoch, and the entry before it in its chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final

from edge_runtime.identity import Identity
from edge_runtime.store.device import DeviceStore
from sync_protocol.entries import Seal, WireEntry
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived, walk_chain, walk_seals

BATCH_ENTRIES: Final = 64
BATCH_BYTES: Final = 1024 * 1024
_MARKED: Final = 512
"""Entries marked in one transaction."""


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """Entries with what they need to be verified."""

    proofs: Proofs
    entries: tuple[WireEntry, ...]


class Outbox:
    """Cuts what waits into batches; one is under way at a time, and the next follows its answers."""

    def __init__(self, store: DeviceStore, identity: Identity) -> None:
        """Start at the oldest pending entry."""
        self._store = store
        self._identity = identity
        self._next = 0
        self._lacks: dict[SessionId, int] = {}
        self._waiting: set[EntryHash] = set()

    @property
    def settled(self) -> bool:
        """Whether every pushed entry was answered and nothing waits."""
        return not self._waiting and not self._store.pending(limit=1, after=self._next)

    @property
    def waits(self) -> bool:
        """Whether a pushed entry was not answered yet."""
        return bool(self._waiting)

    def sessions(self) -> tuple[SessionId, ...]:
        """The sessions that have something for the relay."""
        own = self._identity.session.value.session
        waiting = {arrived.entry.header.session for arrived in self._store.pending(limit=BATCH_ENTRIES)}
        return (own, *sorted(waiting - {own}))

    def offer_again(self) -> None:
        """Offer what the relay refused before: what it lacked may be there now, or its operator has mended it."""
        self._mark(refused.arrived.entry.hash for refused in self._store.refused())

    def relay_lacks(self, seals: Mapping[SessionId, int]) -> None:
        """Hear from the relay which seals it lacks."""
        self._lacks.update(seals)

    def lost(self, chains: Iterable[tuple[StreamId, SessionId, int]]) -> None:
        """Hear that the relay lost chains, from a number on: they are pending again, durably, with all their proofs."""
        for stream, session, first in chains:
            self._lacks[session] = 0
            self._mark(arrived.entry.hash for arrived in walk_chain(self._store, stream, session, first=first))
        self._next = 0

    def unconfirmed(self, first: int, end: int, *, confirmed: set[EntryHash]) -> None:
        """Hear what the relay has of the entries that came with these arrival indices; the others are pending again."""
        while first < end and (page := self._store.arrivals(after=first, limit=min(_MARKED, end - first))):
            self._mark(arrived.entry.hash for arrived in page if arrived.entry.hash not in confirmed)
            first = page[-1].index + 1
        self._next = 0

    def answered(self, names: Iterable[EntryHash]) -> int:
        """Hear that entries were receipted or refused; how many of them were waited for."""
        answered = self._waiting.intersection(names)
        self._waiting -= answered
        return len(answered)

    def next_batch(self) -> OutgoingBatch | None:
        """The next batch; None while the last is unanswered, or when nothing waits."""
        batch = [] if self._waiting else self._cut()
        if not batch:
            return None
        self._next = batch[-1].index + 1
        self._waiting = {arrived.entry.hash for arrived in batch}
        return OutgoingBatch(self._proofs(batch), tuple(arrived.entry.wire for arrived in batch))

    def _cut(self) -> list[Arrived]:
        batch: list[Arrived] = []
        used = 0
        for arrived in self._store.pending(limit=BATCH_ENTRIES, after=self._next):
            used += len(arrived.entry.body)
            if batch and used > BATCH_BYTES:
                break
            batch.append(arrived)
        return batch

    def _proofs(self, batch: Sequence[Arrived]) -> Proofs:
        """Certificates, session and gapless seals up to the newest that the batch needs, a session."""
        needed: dict[SessionId, list[int]] = {}
        for arrived in batch:
            needed.setdefault(arrived.entry.header.session, []).append(arrived.entry.header.seal)
        certificates: dict[bytes, None] = {}
        sessions: list[bytes] = []
        seals: list[bytes] = []
        for name, numbers in needed.items():
            newest = max(numbers)
            first = min(self._lacks.get(name, 0), *numbers)  # below what it lacks, the relay may know another branch
            if first == 0:
                session = self._store.session(name)
                assert session is not None, "a stored entry has a stored session"
                chain = self._identity.trust.chain(session.value.certificate)
                certificates.update(dict.fromkeys(certificate.wire for certificate in chain))
                sessions.append(session.wire)
            seals.extend(seal.wire for seal in self._seals(name, first=first, last=newest))
            self._lacks[name] = max(newest + 1, self._lacks.get(name, 0))
        return Proofs(certificates=tuple(certificates), sessions=tuple(sessions), seals=tuple(seals))

    def _seals(self, name: SessionId, *, first: int, last: int) -> Iterator[Verified[Seal]]:
        """A session's seals of these numbers, both included, every branch of a fork."""
        return takewhile(lambda seal: seal.value.number <= last, walk_seals(self._store, name, first=first))

    def _mark(self, names: Iterable[EntryHash]) -> None:
        """Mark entries as pending, some at a time."""
        every = iter(names)
        while some := list(islice(every, _MARKED)):
            with self._store.writing() as writer:
                writer.mark_pending(some)
