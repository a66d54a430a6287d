"""What a feed is about: stretches of the log that a reader is owed, what it holds already, one page of the rest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sync_protocol.ids import SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.store import Arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLimits:
    """How much one page may hold: so many entries, so many bytes."""

    entries: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """What is sent at once.

    Attributes:
        note: a checkpoint at or below which everything has been delivered, when there is a newer one than before.
        more: whether another page can follow right away.
    """

    proofs: Proofs
    entries: tuple[Arrived, ...]
    note: bytes | None
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of the log that is owed: these streams, from index `start` on, below `until`.

    Attributes:
        wanted: of each chain the first sequence number that the reader lacks; None when it lacks all.
        ends: of streams that the reader is fed no more, the log index of the last entry that it still hears.
        again: whether the reader asked for these chains though it was fed them, or said that it holds them.
    """

    streams: Collection[StreamId]
    start: int
    until: int
    wanted: Mapping[StreamId, Mapping[SessionId, int]] | None = None
    ends: Mapping[StreamId, int] = field(default_factory=dict)
    again: bool = False

    def wants(self, item: Arrived) -> bool:
        """Whether the reader lacks an entry of this stretch."""
        header = item.entry.header
        if item.index > self.ends.get(header.stream, item.index):
            return False
        if self.wanted is None:
            return True
        first = self.wanted.get(header.stream, {}).get(header.session)
        return first is not None and header.seq >= first


@dataclass(slots=True)
class Holdings:
    """What a reader holds already.

    Attributes:
        streams, below: it came with everything of these streams below this log index, proofs included.
        own: log indices of entries that it sent on this connection.
        chains: up to which sequence number it holds a chain, as it says itself; none that forks.
        next_seals: the first seal number that it lacks, a session that was met on this connection.
        forks: up to which count a forked session's seals were sent again.
        certificates: hashes of those that were sent on this connection.
    """

    streams: Collection[StreamId]
    below: int
    own: set[int] = field(default_factory=set)
    chains: dict[tuple[StreamId, SessionId], int] = field(default_factory=dict)
    next_seals: dict[SessionId, int] = field(default_factory=dict)
    forks: dict[SessionId, int] = field(default_factory=dict)
    certificates: set[bytes] = field(default_factory=set)

    def has(self, item: Arrived) -> bool:
        """Whether it holds an entry, by what it said or sent itself."""
        header = item.entry.header
        return item.index in self.own or header.seq <= self.chains.get((header.stream, header.session), -1)
