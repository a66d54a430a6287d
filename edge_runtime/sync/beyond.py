"""What this device holds beyond its cursor: what the relay fed and whose checkpoint did not come, and what peers gave.

The relay need not feed it again. Of each chain the head is named up to which the relay should have it; where it answers
that it does not know that head, it has lost the chain. So a connection of any length makes progress, and what a relay
lost before it signed for it is found out all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from sync_protocol.entries import Header, Place
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.limits import BEYOND_HEADS_MAX

PENDING_MAX: Final = 16_384
"""Entries that wait and are looked through before a connection, for their sessions and for chains of others."""
_PAGE: Final = 512

Chain = tuple[StreamId, SessionId]
_Named = tuple[Header, EntryHash, bool]
"""An entry by header and hash, and whether the relay fed it."""


@dataclass(slots=True)
class Beyond:
    """What is named on one connection.

    Attributes:
        heads: number and hash up to which a chain is held, by stream and session.
        fed: those of the chains that the relay fed: what it wants of these, it has lost.
        wanted: those that it wanted.
    """

    heads: dict[StreamId, dict[SessionId, Place]] = field(default_factory=dict)
    fed: set[Chain] = field(default_factory=set)
    wanted: set[Chain] = field(default_factory=set)

    @property
    def frontiers(self) -> Mapping[StreamId, Frontier]:
        """As it is named."""
        return self.heads

    def lost(self, chains: Iterable[tuple[StreamId, SessionId, int]]) -> list[tuple[StreamId, SessionId, int]]:
        """Hear what the relay wants; what of that it lost. The rest waits for it anyway."""
        found: list[tuple[StreamId, SessionId, int]] = []
        for stream, session, first in chains:
            self.wanted.add((stream, session))
            if session not in self.heads.get(stream, {}) or (stream, session) in self.fed:
                found.append((stream, session, first))
        return found

    def confirms(self, header: Header) -> bool:
        """Whether the relay was told of an entry and did not say that it lacks it."""
        place = header.stream, header.session
        seq, _ = self.heads.get(header.stream, {}).get(header.session, (-1, b""))
        return place in self.fed and place not in self.wanted and header.seq <= seq

    def name(self, header: Header, name: EntryHash, *, fed: bool) -> None:
        """Name an entry; of a chain that the relay fed, only what it fed counts."""
        place = header.stream, header.session
        if place in self.fed and not fed:
            return
        sessions = self.heads.setdefault(header.stream, {})
        if (fed and place not in self.fed) or sessions.get(header.session, (-1, name))[0] < header.seq:
            sessions[header.session] = (header.seq, name)
        if fed:
            self.fed.add(place)


@dataclass(slots=True)
class Survey:
    """What stands before a connection.

    Attributes:
        sessions: those that have something for the relay, this device's own first.
        beyond: what is held beyond the cursor.
    """

    sessions: tuple[SessionId, ...]
    beyond: Beyond


def survey(store: DeviceStore, own: SessionId, fed: int | None) -> Survey:
    """Look through what waits for the relay, and through what came without its checkpoint.

    Nothing is named of chains that fork, which come again whole.

    Args:
        store: the device's.
        own: this device's session.
        fed: the arrival index from which on entries came whose checkpoint did not.
    """
    beyond = Beyond()
    sessions: dict[SessionId, None] = {own: None}
    forked: dict[StreamId, frozenset[SessionId]] = {}
    count = 0
    for header, name, is_fed in chain(_fed(store, fed), _waiting(store)):
        if not is_fed:
            sessions[header.session] = None
        if header.stream not in forked:
            forked[header.stream] = store.forked(header.stream)
        is_new = header.session not in beyond.heads.get(header.stream, {})
        if header.session in forked[header.stream] or (header.session == own and not is_fed):
            continue
        if count < BEYOND_HEADS_MAX or not is_new:
            count += is_new
            beyond.name(header, name, fed=is_fed)
    return Survey(tuple(sessions), beyond)


def _fed(store: DeviceStore, first: int | None) -> Iterator[_Named]:
    """What came from an arrival index on and does not wait for the relay."""
    while first is not None and (page := store.arrivals(after=first, limit=_PAGE)):
        first = page[-1].index + 1
        noted = dict(store.noted_uploads(first=page[0].index, end=first))
        for arrived in page:
            upload = noted.get(arrived.index)
            if upload is None or upload.state is UploadState.RECEIPTED:
                yield arrived.entry.header, arrived.entry.hash, True


def _waiting(store: DeviceStore) -> Iterator[_Named]:
    """What waits for the relay, the most urgent first, at most PENDING_MAX."""
    after: tuple[int, int] | None = None
    for _ in range(PENDING_MAX // _PAGE):
        page = store.pending(limit=_PAGE, after=after)
        yield from ((waiting.entry.header, waiting.entry.hash, False) for waiting in page)
        if len(page) < _PAGE:
            return
        after = page[-1].place
