"""The store: what was verified, kept for good, in arrival order and by chain.

A Protocol, whose three implementations share one contract suite: `memory_store` (tests and simulation), encrypted
sqlite3 on devices, SQLModel on the relay. A store appends; it never changes or removes what it has. Everything that one
`writing` block puts is there after it, durably, or none of it is; until then nobody outside the block sees any of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.intake import Checked
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.signed import Verified

T = TypeVar("T")


class Outcome(Enum):
    """What became of an appended entry."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    FORK = "fork"
    """Stored as well; another entry of the same session, stream and number is there already: a portable proof."""
    GAP = "gap"
    """Not stored: its predecessor is missing."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An entry and its place in the order of arrival, from 0 without gaps: on the relay the log index."""

    index: int
    entry: VerifiedEntry


class Writer(Protocol):
    """The writing side, inside one `writing` block."""

    def put_certificate(self, certificate: Verified[Certificate]) -> None:
        """Keep a certificate; again is nothing."""
        ...

    def put_session(self, session: Verified[Session]) -> None:
        """Keep a session; again is nothing."""
        ...

    def put_seal(self, seal: Verified[Seal]) -> None:
        """Keep a seal; again is nothing."""
        ...

    def append(self, entries: Sequence[VerifiedEntry]) -> list[tuple[Outcome, int]]:
        """Append entries in the given order.

        Returns:
            For each its outcome and arrival index; of a gap the index is -1, of a duplicate the first arrival's.
        """
        ...


class Store(Protocol):
    """The reading side, and the way to write."""

    def writing(self) -> AbstractContextManager[Writer]:
        """One atomic, durable change; an exception inside undoes it. One writer at a time: blocks are not nested."""
        ...

    def certificates(self) -> list[Verified[Certificate]]:
        """All certificates, issuers before those whom they enrolled."""
        ...

    def session(self, name: SessionId) -> Verified[Session] | None:
        """The session of that id."""
        ...

    def sessions(self) -> list[Verified[Session]]:
        """All sessions, in order of arrival."""
        ...

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """The session's seals of that number: one, or several after a fork."""
        ...

    def seals_from(self, session: SessionId, number: int, *, limit: int) -> list[Verified[Seal]]:
        """The session's seals from `number` on, ascending by number and hash, at most `limit`; see `walk_seals`."""
        ...

    def last_seal(self, session: SessionId) -> Verified[Seal] | None:
        """The session's seal of the highest number; of a fork, the one of lowest hash."""
        ...

    def entry(self, name: EntryHash) -> Arrived | None:
        """The entry of that hash."""
        ...

    def chain(self, stream: StreamId, session: SessionId, *, first: int, limit: int) -> list[Arrived]:
        """The chain's entries from sequence number `first` on, ascending by number and arrival, at most `limit`.

        Branches of a fork are among them, and a page may end between two: see `walk_chain`.
        """
        ...

    def frontier(self, stream: StreamId) -> Frontier:
        """How far each session's chain reaches in the stream; of a fork, the longest branch, then the lowest hash."""
        ...

    def forked(self, stream: StreamId) -> frozenset[SessionId]:
        """The sessions whose chains fork in the stream: some sequence number has more than one entry."""
        ...

    def streams(self) -> frozenset[StreamId]:
        """Every stream that has an entry."""
        ...

    def arrivals(self, *, after: int, limit: int, streams: Collection[StreamId] | None = None) -> list[Arrived]:
        """Entries from arrival index `after` on, ascending, at most `limit`; of `streams` only, where given."""
        ...

    def size(self) -> int:
        """How many entries there are: the next arrival index."""
        ...


def put_proofs(writer: Writer, checked: Checked) -> None:
    """Keep what a batch's entries were verified by, in the order in which each record needs those before."""
    for certificate in checked.certificates:
        writer.put_certificate(certificate)
    for session in checked.sessions:
        writer.put_session(session)
    for seal in checked.seals:
        writer.put_seal(seal)


def walk_chain(store: Store, stream: StreamId, session: SessionId, *, first: int = 0) -> Iterator[Arrived]:
    """Every entry of a chain from sequence number `first` on, branches of a fork included, loaded page by page."""
    return _walk(
        lambda at, limit: store.chain(stream, session, first=at, limit=limit),
        lambda arrived: (arrived.entry.header.seq, arrived.index),
        first,
    )


def walk_seals(store: Store, session: SessionId, *, first: int = 0) -> Iterator[Verified[Seal]]:
    """Every seal of a session from number `first` on, those of a fork included, loaded page by page."""
    return _walk(
        lambda at, limit: store.seals_from(session, at, limit=limit), lambda seal: (seal.value.number, seal.hash), first
    )


def _walk(
    load: Callable[[int, int], Sequence[T]], place: Callable[[T], tuple[int, Hashable]], first: int
) -> Iterator[T]:
    """Load from the last number again, because a page may end within it; load more where one number fills a page."""
    at, limit = first, BATCH_ENTRIES_MAX
    given: set[tuple[int, Hashable]] = set()
    while True:
        page = load(at, limit)
        places = [place(item) for item in page]
        yield from (item for item, where in zip(page, places, strict=True) if where not in given)
        if len(page) < limit:
            return
        last = places[-1][0]
        if last == at:
            limit *= 2
            given.update(places)
        else:
            at, limit = last, BATCH_ENTRIES_MAX
            given = {where for where in places if where[0] == last}
