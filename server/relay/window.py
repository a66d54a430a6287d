"""The newest part of the log in memory, so that a hundred live connections ask the database nothing for one new entry.

Everything here was committed before it came in. It lives in the event loop's thread alone: the window is extended, its
connections woken and their pages built there, without a lock. What it no longer holds raises `Absent`; the feed then
reads the store, in another thread.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol, TypeVar

from server.relay.bodies import stripped
from server.relay.store import SqlStore
from sync_protocol.certificates import Session
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.entries import Seal
from sync_protocol.ids import SessionId, StreamId
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived

WINDOW_ENTRIES_MAX: Final = 4096
WINDOW_BYTES_MAX: Final = 32 * 1024 * 1024
WINDOW_PROOFS_MAX: Final = 16_384
"""Sessions, and seals, that are kept at hand."""
WINDOW_CHECKPOINTS_MAX: Final = 1024

SealPlace = tuple[SessionId, int]
_T = TypeVar("_T")


class Absent(Exception):  # noqa: N818 - not an error: the feed asks the store instead
    """The window does not reach that far."""


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest checkpoint, with its signed note: everything below it is durable and may be served."""

    checkpoint: Checkpoint
    note: bytes

    @property
    def size(self) -> int:
        """How many entries."""
        return self.checkpoint.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one transaction brought.

    Attributes:
        arrived: its entries, in order of arrival.
        sessions: sessions that those who verified the batch knew or brought.
        seals: every seal of these places.
    """

    tip: Tip
    arrived: tuple[Arrived, ...]
    sessions: Mapping[SessionId, Verified[Session]]
    seals: Mapping[SealPlace, tuple[Verified[Seal], ...]]

    @property
    def first(self) -> int:
        """The log index of its first entry."""
        return self.tip.size - len(self.arrived)


class Source(Protocol):
    """Where a feed reads: the window, or the store behind it."""

    @property
    def forks(self) -> Mapping[SessionId, tuple[int, int]]:
        """Of a session that forked, the lowest forked seal number, and a count that changes with each further seal."""
        ...

    def entries(self, *, after: int, until: int, streams: Collection[StreamId], limit: int) -> Sequence[Arrived]:
        """Entries of `streams` from index `after` on, below `until`, ascending, at most `limit`."""
        ...

    def session(self, name: SessionId) -> Verified[Session]:
        """A session that has an entry."""
        ...

    def knows(self, name: SessionId) -> bool:
        """Whether that session is here."""
        ...

    def seals(self, session: SessionId, *, first: int, last: int, limit: int) -> Sequence[Verified[Seal]]:
        """A session's seals of these numbers, both included, ascending, all branches, at most `limit`."""
        ...

    def seals_known(
        self, sessions: Collection[SessionId], streams: Collection[StreamId], *, before: int
    ) -> Mapping[SessionId, int]:
        """The highest seal number that somebody holds, a session, who holds all of `streams` below index `before`."""
        ...

    def floor(self, size: int) -> Tip | None:
        """The newest checkpoint of at most `size`."""
        ...


class Window:
    """The newest entries, seals, sessions and checkpoints."""

    def __init__(self, tip: Tip, forks: Mapping[SessionId, int]) -> None:
        """Begin behind the log as it was found.

        Args:
            tip: the newest checkpoint.
            forks: sessions with several seals of one number, and the lowest such number.
        """
        self.tip = tip
        self._forks = {name: (number, 0) for name, number in forks.items()}
        self._start = tip.size
        self._entries: list[Arrived] = []
        self._bytes = 0
        self._checkpoints: deque[Tip] = deque([tip], maxlen=WINDOW_CHECKPOINTS_MAX)
        self._sessions: OrderedDict[SessionId, Verified[Session]] = OrderedDict()
        self._seals: OrderedDict[SealPlace, tuple[Verified[Seal], ...]] = OrderedDict()

    @property
    def forks(self) -> Mapping[SessionId, tuple[int, int]]:
        """See Source."""
        return self._forks

    def extend(self, commit: Commit) -> None:
        """Take in what was just committed."""
        self.tip = commit.tip
        self._checkpoints.append(commit.tip)
        self._entries.extend(commit.arrived)
        self._bytes += sum(map(_weight, commit.arrived))
        excess = 0
        while len(self._entries) - excess > WINDOW_ENTRIES_MAX or self._bytes > WINDOW_BYTES_MAX:
            self._bytes -= _weight(self._entries[excess])
            excess += 1
        del self._entries[:excess]
        self._start += excess
        self._sessions.update(commit.sessions)
        for place, seals in commit.seals.items():
            known = self._seals.get(place, ())
            names = {seal.hash for seal in known}
            merged = known + tuple(seal for seal in seals if seal.hash not in names)
            self._seals[place] = merged
            self._note_fork(place, len(merged))
        for kept in (self._sessions, self._seals):
            while len(kept) > WINDOW_PROOFS_MAX:
                kept.popitem(last=False)

    def entries(self, *, after: int, until: int, streams: Collection[StreamId], limit: int) -> Sequence[Arrived]:
        """See Source."""
        if after < self._start:
            raise Absent
        stretch = self._entries[after - self._start : until - self._start]
        return tuple(islice((item for item in stretch if item.entry.header.stream in streams), limit))

    def session(self, name: SessionId) -> Verified[Session]:
        """See Source."""
        return _present(self._sessions.get(name))

    def knows(self, name: SessionId) -> bool:
        """See Source; what is not at hand may be in the store."""
        return _present(self._sessions.get(name)) is not None

    def forget(self, indices: Collection[int]) -> None:
        """Let go of the bodies of entries that lost theirs."""
        for index in indices:
            place = index - self._start
            if 0 <= place < len(self._entries):
                self._bytes -= _weight(self._entries[place])
                self._entries[place] = Arrived(index, stripped(self._entries[place].entry))
                self._bytes += _weight(self._entries[place])

    def seals(self, session: SessionId, *, first: int, last: int, limit: int) -> Sequence[Verified[Seal]]:
        """See Source."""
        found: list[Verified[Seal]] = []
        for number in range(first, last + 1):
            found.extend(_present(self._seals.get((session, number))))
            if len(found) >= limit:
                break
        return found[:limit]

    def seals_known(
        self, sessions: Collection[SessionId], streams: Collection[StreamId], *, before: int
    ) -> Mapping[SessionId, int]:
        """See Source; the window does not know what came before it."""
        del streams, before
        if sessions:
            raise Absent
        return {}

    def floor(self, size: int) -> Tip | None:
        """See Source."""
        for tip in reversed(self._checkpoints):
            if tip.size <= size:
                return tip
        raise Absent

    def _note_fork(self, place: SealPlace, seals: int) -> None:
        session, number = place
        known = self._forks.get(session)
        if known is not None:
            self._forks[session] = (min(known[0], number) if seals > 1 else known[0], known[1] + 1)
        elif seals > 1:
            self._forks[session] = (number, 0)


class Archive:
    """The store as a source, for what the window no longer holds. Threads may share one."""

    def __init__(self, store: SqlStore, forks: Mapping[SessionId, tuple[int, int]]) -> None:
        """Read `store`; `forks` are the window's."""
        self._store = store
        self._forks = forks

    @property
    def forks(self) -> Mapping[SessionId, tuple[int, int]]:
        """See Source."""
        return self._forks

    def entries(self, *, after: int, until: int, streams: Collection[StreamId], limit: int) -> Sequence[Arrived]:
        """See Source."""
        return self._store.arrivals(after=after, until=until, streams=streams, limit=limit)

    def session(self, name: SessionId) -> Verified[Session]:
        """See Source."""
        return _present(self._store.session(name))

    def knows(self, name: SessionId) -> bool:
        """See Source."""
        return self._store.session(name) is not None

    def seals(self, session: SessionId, *, first: int, last: int, limit: int) -> Sequence[Verified[Seal]]:
        """See Source."""
        span = limit if session in self._forks else min(limit, last - first + 1)
        return [seal for seal in self._store.seals_from(session, first, limit=span) if seal.value.number <= last]

    def seals_known(
        self, sessions: Collection[SessionId], streams: Collection[StreamId], *, before: int
    ) -> Mapping[SessionId, int]:
        """See Source."""
        return self._store.seals_known(sessions, streams, before)

    def floor(self, size: int) -> Tip | None:
        """See Source."""
        found = self._store.checkpoint_floor(size)
        return None if found is None else Tip(*found)


def _weight(item: Arrived) -> int:
    wire = item.entry.wire
    return len(wire.body) + len(wire.header) + 32 * len(wire.path)


def _present(found: _T | None) -> _T:
    if found is None:
        raise Absent
    return found
