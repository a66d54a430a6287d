"""What is to be pushed: pending entries in order of arrival, batch by batch, with the proofs that the relay lacks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from edge_runtime.identity import Identity
from edge_runtime.store.device import DeviceStore
from sync_protocol.entries import WireEntry
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.store import Arrived

BATCH_ENTRIES: Final = 64
BATCH_BYTES: Final = 1024 * 1024
_SEALS_PAGE: Final = 4096


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
        self._resupply: deque[Arrived] = deque()
        self._waiting: set[EntryHash] = set()

    @property
    def settled(self) -> bool:
        """Whether every pushed entry was answered and nothing waits."""
        return not self._waiting and not self._resupply and not self._store.pending(limit=1, after=self._next)

    def sessions(self) -> tuple[SessionId, ...]:
        """The sessions that have something for the relay."""
        own = self._identity.session.value.session
        waiting = {arrived.entry.header.session for arrived in self._store.pending(limit=BATCH_ENTRIES)}
        return (own, *sorted(waiting - {own}))

    def relay_lacks(self, seals: Mapping[SessionId, int]) -> None:
        """Hear from the relay which seals it lacks."""
        self._lacks.update(seals)

    def resupply(self, chains: Iterable[tuple[StreamId, SessionId, int]]) -> None:
        """Hear from the relay which chains it lost; they go before what is pending."""
        for stream, session, first in chains:
            self._lacks[session] = 0
            at = first
            while page := self._store.chain(stream, session, first=at, limit=BATCH_ENTRIES_MAX):
                self._resupply.extend(page)
                at = page[-1].entry.header.seq + 1

    def answered(self, names: Iterable[EntryHash]) -> None:
        """Hear that entries were receipted or refused."""
        self._waiting.difference_update(names)

    def next_batch(self) -> OutgoingBatch | None:
        """The next batch; None while the last is unanswered, or when nothing waits."""
        if self._waiting:
            return None
        batch = self._cut()
        if not batch:
            return None
        self._waiting = {arrived.entry.hash for arrived in batch}
        return OutgoingBatch(self._proofs(batch), tuple(arrived.entry.wire for arrived in batch))

    def _cut(self) -> list[Arrived]:
        batch: list[Arrived] = []
        used = 0
        while self._resupply and len(batch) < BATCH_ENTRIES and used < BATCH_BYTES:
            batch.append(self._resupply.popleft())
            used += len(batch[-1].entry.body)
        if batch:
            return batch
        for arrived in self._store.pending(limit=BATCH_ENTRIES, after=self._next):
            if batch and used + len(arrived.entry.body) > BATCH_BYTES:
                break
            batch.append(arrived)
            used += len(arrived.entry.body)
        if batch:
            self._next = batch[-1].index + 1
        return batch

    def _proofs(self, batch: Iterable[Arrived]) -> Proofs:
        """Certificates, session and gapless seals up to the newest that the batch needs, a session."""
        needed: dict[SessionId, int] = {}
        for arrived in batch:
            header = arrived.entry.header
            needed[header.session] = max(needed.get(header.session, 0), header.seal)
        certificates: dict[bytes, None] = {}
        sessions: list[bytes] = []
        seals: list[bytes] = []
        for name, newest in needed.items():
            first = self._lacks.get(name, 0)
            if first == 0:
                session = self._store.session(name)
                assert session is not None, "a stored entry has a stored session"
                chain = self._identity.trust.chain(session.value.certificate)
                certificates.update(dict.fromkeys(certificate.wire for certificate in chain))
                sessions.append(session.wire)
            while first <= newest:
                page = self._store.seals_from(name, first, limit=min(_SEALS_PAGE, newest - first + 1))
                assert page, "a stored entry has a stored seal"
                seals.extend(seal.wire for seal in page)
                first = page[-1].value.number + 1
            self._lacks[name] = max(first, self._lacks.get(name, 0))
        return Proofs(certificates=tuple(certificates), sessions=tuple(sessions), seals=tuple(seals))
