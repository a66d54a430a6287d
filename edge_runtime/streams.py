"""Streams as they lie in the store: their entries, the causal order, and where the next entry of a session stands.

An entry whose parents have not all come is *held*: it is stored, its facts are shown, and it is never built upon.
Nor is one that ends its chain under an epoch whose record has not come: it says nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from edge_runtime.identity import Values, ValueWriter
from edge_runtime.store.holding import LACKS
from sync_protocol.entries import Place, VerifiedEntry
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX, DEPS_MAX, SEQ_MAX
from sync_protocol.records import identifier, key, mapping, pack, pair, uint, unpack
from sync_protocol.store import Arrived, Store

HELD: Final = LACKS
"""Prefix of the stored values that mark streams with held entries."""
_SEEN: Final = "seen/"
_SESSIONS_MAX: Final = 1 << 20


class Arrivals(Protocol):
    """What is read here: a store, or one view of it."""

    def arrivals(self, *, after: int, limit: int, streams: Collection[StreamId] | None = None) -> list[Arrived]:
        """See Store."""
        ...


def stream_entries(store: Arrivals, stream: StreamId, *, after: int = 0) -> list[Arrived]:
    """Every entry of a stream from arrival index `after` on, all branches of forks, in order of arrival."""
    found: list[Arrived] = []
    while page := store.arrivals(after=after, limit=BATCH_ENTRIES_MAX, streams=(stream,)):
        found.extend(page)
        after = page[-1].index + 1
    return found


def causal_order(entries: Iterable[VerifiedEntry]) -> tuple[list[VerifiedEntry], list[VerifiedEntry]]:
    """Order a stream's entries so that each follows its parents; those that lack one come second, in no order."""
    known = {entry.hash: entry for entry in entries}
    placed = _ordered(known, {name: len(entry.header.parents) for name, entry in known.items()})
    done = {entry.hash for entry in placed}
    return placed, [entry for name, entry in known.items() if name not in done]


def known_order(held: Iterable[VerifiedEntry]) -> list[VerifiedEntry]:
    """Order entries that lack a parent, so that each follows those of its parents that are among them."""
    known = {entry.hash: entry for entry in held}
    return _ordered(
        known, {name: sum(parent in known for parent in entry.header.parents) for name, entry in known.items()}
    )


def _ordered(known: Mapping[EntryHash, VerifiedEntry], waiting: dict[EntryHash, int]) -> list[VerifiedEntry]:
    """Entries after the parents that each waits for, the same whatever the arrival; those that wait for ever are not.

    Args:
        known: by hash.
        waiting: how many of its parents each waits for; it is used up.
    """
    children: dict[EntryHash, list[EntryHash]] = {}
    for name, entry in known.items():
        for parent in entry.header.parents:
            children.setdefault(parent, []).append(name)
    ready = sorted(name for name, count in waiting.items() if count == 0)
    placed: list[VerifiedEntry] = []
    while ready:
        following: list[EntryHash] = []
        for name in ready:
            placed.append(known[name])
            for child in children.get(name, ()):
                waiting[child] -= 1
                if waiting[child] == 0:
                    following.append(child)
        ready = sorted(following)
    return placed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """How much of one stream a session's newest entry there had seen of other sessions."""

    heads: Mapping[SessionId, Place] = key(
        1, mapping(identifier(SessionId), pair(uint(SEQ_MAX), identifier(EntryHash)), _SESSIONS_MAX)
    )


@dataclass(slots=True)
class StreamPlace:
    """One stream within a batch.

    Attributes:
        session: the session that writes.
        frontier: how far each session's chain reaches, the batch's own entries included.
        seen: what the session's newest entry here had seen of others.
        lamports: the Lamport time of every head.
    """

    session: SessionId
    frontier: dict[SessionId, Place]
    seen: dict[SessionId, Place]
    lamports: dict[EntryHash, int]

    @property
    def own(self) -> Place | None:
        """The session's newest entry here."""
        return self.frontier.get(self.session)

    @property
    def behind(self) -> bool:
        """Whether more heads changed than one entry may name: an entry that says nothing must go first."""
        return len(self._changed()) > DEPS_MAX

    def deps(self) -> dict[SessionId, Place]:
        """Heads of other sessions that changed since the session's newest entry here, as many as one entry may name."""
        return dict(list(self._changed().items())[:DEPS_MAX])

    def parents(self) -> tuple[EntryHash, ...]:
        """The parents that the next entry will have, in the order of `Header.parents`."""
        own = () if self.own is None else (self.own[1],)
        return own + tuple(head for _, head in self.deps().values())

    def heads(self) -> frozenset[EntryHash]:
        """Every session's newest entry here: all that was seen, once an entry is written that is not `behind`."""
        return frozenset(head for _, head in self.frontier.values())

    def step(self, name: EntryHash, *, seq: int, lamport: int) -> None:
        """Go on to a new entry of the session."""
        self.seen.update(self.deps())
        self.frontier[self.session] = (seq, name)
        self.lamports[name] = lamport

    def save(self, stream: StreamId, writer: ValueWriter) -> None:
        """Keep what the newest own entry had seen, if it had seen anything."""
        if self.seen:
            writer.put_value(_seen(stream, self.session), pack(_Seen(heads=self.seen)))

    def _changed(self) -> dict[SessionId, Place]:
        return {
            other: reached
            for other, reached in sorted(self.frontier.items())
            if other != self.session and self.seen.get(other) != reached
        }


def load_place(store: Store, values: Values, stream: StreamId, session: SessionId) -> StreamPlace:
    """Read where a stream stands."""
    frontier = dict(store.frontier(stream))
    if values.get_value(HELD + stream.hex()) is not None:
        frontier = _placed_frontier(store, stream)
    reached: dict[SessionId, Place] = {}
    lamports: dict[EntryHash, int] = {}
    here: dict[EntryHash, bool] = {}
    for one, (_, head) in frontier.items():
        newest = _entry(store, head) if one == session else _keyed(store, head, here)
        if newest is not None:
            reached[one] = (newest.header.seq, newest.hash)
            lamports[newest.hash] = newest.header.lamport
    data = values.get_value(_seen(stream, session))
    seen = {} if data is None else dict(unpack(_Seen, data, bytes_max=len(data)).heads)
    return StreamPlace(session=session, frontier=reached, seen=seen, lamports=lamports)


def _placed_frontier(store: Store, stream: StreamId) -> dict[SessionId, Place]:
    """The frontier without held entries: nothing may be built upon what was not seen."""
    placed, _ = causal_order(arrived.entry for arrived in stream_entries(store, stream))
    frontier: dict[SessionId, Place] = {}
    for entry in placed:
        header = entry.header
        known = frontier.get(header.session)
        if known is None or (-known[0], known[1]) > (-header.seq, entry.hash):
            frontier[header.session] = (header.seq, entry.hash)
    return frontier


def _keyed(store: Store, head: EntryHash, here: dict[EntryHash, bool]) -> VerifiedEntry | None:
    """The newest entry of a chain, from its head back, whose epoch's record is here; None where none is.

    No relay takes an entry before that record. When the record is lost for good, so is the entry, and whatever had been
    built upon it would wait with it wherever else it comes to.

    Args:
        store: where they are.
        head: where the chain ends.
        here: of epochs, whether their records are here; what is found out is added.
    """
    name: EntryHash | None = head
    while name is not None:
        entry = _entry(store, name)
        epoch = entry.header.epoch
        if epoch is not None and epoch not in here:
            here[epoch] = store.entry(epoch) is not None
        if epoch is None or here[epoch]:
            return entry
        name = entry.header.prev
    return None


def _entry(store: Store, name: EntryHash) -> VerifiedEntry:
    arrived = store.entry(name)
    assert arrived is not None, "frontiers and chains name stored entries"
    return arrived.entry


def _seen(stream: StreamId, session: SessionId) -> str:
    return f"{_SEEN}{stream.hex()}/{session.hex()}"
