"""Held entries: those that wait for others. Kept durably, budgeted by author, released in causal order, never silent.

An entry whose predecessor is missing lies in the store's pool until that comes; then it is appended, and after it
whatever waited for it, in the same transaction. An entry that names something else that is missing stands in its chain,
noted. Beyond its author's budget an entry is deferred: not kept, its chain noted, to be asked for again. When the
device's whole room is taken, whoever holds most of it makes room for whoever holds less, and is deferred in turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from edge_runtime.identity import Clock
from edge_runtime.store import holding, values
from edge_runtime.store.holding import LACKS, HeldEntry, HeldKind, HeldUse, Origin
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync.deferred import Deferred, Notes, Reason
from edge_runtime.sync.held_room import Room
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, EntryHash, SessionId, StreamId
from sync_protocol.limits import HELD_BYTES_PER_AUTHOR, HELD_ENTRIES_PER_AUTHOR
from sync_protocol.store import Outcome

_STATES: Final = {Origin.RELAY: UploadState.RECEIPTED, Origin.PEER: UploadState.PENDING}


@dataclass(slots=True)
class Settled:
    """What became of a batch.

    Attributes:
        given: the entries of the batch that are in the store, with what they released; new ones or not.
        new: entries that are in the store now and were not, by arrival index, with where they came from.
        released: how many of these had waited in the pool.
        held: the entries of the batch that wait in the pool now and did not before.
        deferred: those that were not kept, or made room for others of the batch.
        gaps: the chains in which something is missing.
        broken: those that name a predecessor that is none, and will never have one.
    """

    given: list[EntryHash] = field(default_factory=list)
    new: dict[int, tuple[VerifiedEntry, Origin]] = field(default_factory=dict)
    released: int = 0
    held: list[VerifiedEntry] = field(default_factory=list)
    deferred: list[VerifiedEntry] = field(default_factory=list)
    gaps: set[tuple[StreamId, SessionId]] = field(default_factory=set)
    broken: list[VerifiedEntry] = field(default_factory=list)


class Holder:
    """Appends the entries of one transaction, and holds what cannot be."""

    def __init__(self, writer: DeviceWriter, clock: Clock | None) -> None:
        """Write by `writer`; `clock` dates what has to wait, without one its author's clock does."""
        self._writer = writer
        self._reader = writer.reader
        self._clock = clock
        self._notes = Notes(writer)
        self._use: dict[CertificateHash, HeldUse] = {}
        self._room = Room(writer)
        self._displaced: set[EntryHash] = set()
        self._touched: set[StreamId] = set()
        self._given: list[tuple[VerifiedEntry, Origin]] = []
        self._settled = Settled()

    def append(self, entries: Sequence[VerifiedEntry], origin: Origin) -> Settled:
        """Append entries and whatever waited for them, each after what it continues; hold or defer the others."""
        settled = self._settled
        outcomes = self._writer.append_each(self._in_order(entries, origin))
        for (entry, came), (outcome, index) in zip(self._given, outcomes, strict=True):
            if outcome is Outcome.GAP:
                settled.broken.append(entry)
                continue
            settled.given.append(entry.hash)
            if outcome is not Outcome.DUPLICATE:
                settled.new[index] = entry, came
        settled.deferred += [entry for entry in settled.held if entry.hash in self._displaced]
        settled.held = [entry for entry in settled.held if entry.hash not in self._displaced]
        self._notes.finish()
        for stream in self._touched:
            self._mark(stream)
        return settled

    def _in_order(
        self, entries: Sequence[VerifiedEntry], origin: Origin
    ) -> Iterator[tuple[VerifiedEntry, UploadState]]:
        """What can be appended, each followed at once by what it releases. The store takes one before the next."""
        for entry in entries:
            ready = deque([(entry, origin)])
            while ready:
                one, came = ready.popleft()
                missing = self._missing(one)
                waited = self._row(one.hash) if self._reader.ledger.held else None
                if waited is not None and waited.origin is Origin.RELAY:
                    came = Origin.RELAY
                if not self._may_append(one, came, missing, waited):
                    continue
                self._given.append((one, came))
                yield one, _STATES[came]
                if missing is not None and self._reader.index(one.hash) is not None:
                    self._hold(one, came, missing, HeldKind.STORED)
                if self._reader.ledger.held:
                    ready.extend(self._release(one.hash))

    def _missing(self, entry: VerifiedEntry) -> EntryHash | None:
        """One that an entry names and that is not here, its predecessor before all others; none of one here."""
        if self._reader.index(entry.hash) is not None:
            return None
        prev = entry.header.prev
        return prev if prev is not None and self._reader.index(prev) is None else self._lacked(entry)

    def _lacked(self, entry: VerifiedEntry) -> EntryHash | None:
        """One of those that an entry names and that are not here.

        Which one, its own hash decides: nobody can let them come in such an order that the entry is looked at again
        for each of them, with many entries that name many.
        """
        own = int.from_bytes(entry.hash, "big")
        missing = (name for name in entry.header.parents if self._reader.index(name) is None)
        return min(missing, key=lambda name: own ^ int.from_bytes(name, "big"), default=None)

    def _row(self, name: EntryHash) -> HeldEntry | None:
        found = holding.find(self._reader, name)
        return None if found is None or found[1].kind is HeldKind.STORED else found[1]

    def _may_append(
        self, entry: VerifiedEntry, origin: Origin, missing: EntryHash | None, waited: HeldEntry | None
    ) -> bool:
        """Whether an entry can be appended; otherwise it is held in the pool, or deferred.

        Args:
            entry: verified.
            origin: where it came from, now or before.
            missing: what it waits for, if for anything.
            waited: its row in the pool, if it has one.
        """
        gap = missing is not None and missing == entry.header.prev
        if gap:
            self._settled.gaps.add((entry.header.stream, entry.header.session))
        if waited is not None:
            if waited.waits == missing:
                if waited.origin is not origin:
                    self._writer.hold(replace(waited, origin=origin))
                return False
            self._let_go(waited)
            self._settled.released += 1
        if missing is None:
            return True
        reason = self._full(entry)
        if reason is not None:
            self._defer(entry, reason)
            self._settled.deferred.append(entry)
            return False
        pooled = gap or not self._room.may_stand(holding.size_of(entry))
        if pooled:
            self._hold(entry, origin, missing, HeldKind.POOL)
            self._settled.held.append(entry)
            self._displaced.discard(entry.hash)
        return not pooled

    def _release(self, name: EntryHash) -> list[tuple[VerifiedEntry, Origin]]:
        """What waited for an entry in the pool; what waited for it in the store looks for what else is missing."""
        released: list[tuple[VerifiedEntry, Origin]] = []
        for one in holding.waiting_for(self._reader, name):
            if one.kind is HeldKind.POOL:
                released.append((one.entry, one.origin))
                continue
            missing = self._lacked(one.entry)
            if missing is None:
                self._let_go(one)
            else:
                self._writer.hold(replace(one, waits=missing))
        return released

    def _hold(self, entry: VerifiedEntry, origin: Origin, missing: EntryHash, kind: HeldKind) -> None:
        author, size = self._author(entry), holding.size_of(entry)
        since_ms = entry.header.wall_ms if self._clock is None else self._clock()
        self._writer.hold(
            HeldEntry(kind=kind, entry=entry, author=author, waits=missing, origin=origin, since_ms=since_ms, size=size)
        )
        use = self._use[author] if author in self._use else holding.use_of(self._reader, author)
        self._use[author] = HeldUse(use.entries + 1, use.bytes + size)
        self._room.held(author, kind, size)
        self._touched.add(entry.header.stream)

    def _let_go(self, one: HeldEntry) -> None:
        self._writer.let_go(one.entry.hash)
        self._use.pop(one.author, None)
        self._room.let_go(one.author, one.kind, one.size)
        self._touched.add(one.entry.header.stream)

    def _full(self, entry: VerifiedEntry) -> Reason | None:
        """Which budget leaves no room for an entry, once whoever holds most has made room for it."""
        author, size = self._author(entry), holding.size_of(entry)
        if author not in self._use:
            self._use[author] = holding.use_of(self._reader, author)
        use = self._use[author]
        if use.entries >= HELD_ENTRIES_PER_AUTHOR:
            return Reason.AUTHOR_ENTRIES
        if use.bytes + size > HELD_BYTES_PER_AUTHOR:
            return Reason.AUTHOR_BYTES
        leaving = self._room.make(author, size)
        if leaving.reason is None or leaving.rows is None:
            return leaving.reason
        for row in leaving.rows:
            one = holding.at(self._reader, row)
            self._let_go(one)
            self._defer(one.entry, leaving.reason)
            self._displaced.add(one.entry.hash)
        return None

    def _defer(self, entry: VerifiedEntry, reason: Reason) -> None:
        header = entry.header
        self._notes.add(
            Deferred(
                stream=header.stream,
                session=header.session,
                author=self._author(entry),
                first=header.seq,
                last=header.seq,
                head=entry.hash,
                reason=reason,
                since_ms=header.wall_ms if self._clock is None else self._clock(),
            )
        )

    def _author(self, entry: VerifiedEntry) -> CertificateHash:
        return holding.author_of(self._reader, entry.header.session)

    def _mark(self, stream: StreamId) -> None:
        """Remember whether a stream has an entry in the store that waits for another: nothing is built on those."""
        known = values.get(self._reader, LACKS + stream.hex()) is not None
        lacks = holding.lacks_in(self._reader, stream)
        if lacks != known:
            self._writer.put_value(LACKS + stream.hex(), b"\x01" if lacks else None)
