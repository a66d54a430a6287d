"""One connection's feed: which entries of the log come next, page by page.

A cursor of size N says: of every stream that was readable at N, everything below N is here. So a stream that became
readable later is delivered from its beginning before the cursor may move past that point, and a note is given only at a
checkpoint below which nothing is owed. A chart's control stream is delivered to whoever leaves it up to the record that
ended that; also to whoever never followed it here and says that it holds of it, because a colleague may have given it a
chart of which it then takes itself for a member. The feed keeps positions, never entries: a reader who is slow costs no
memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from server.relay.comparison import Named, Wanted
from server.relay.directory import Directory
from server.relay.pages import PageDraft
from server.relay.stretches import FeedPage, Holdings, PageLimits, Segment
from server.relay.window import Source, Tip
from sync_protocol.certificates import Trust
from sync_protocol.ids import CertificateHash, StreamId
from sync_protocol.store import Arrived

OWN_MAX: Final = 8192
"""Batches that a connection sent and that its feed has not passed yet; older ones are echoed, which does no harm."""


class LogFeed:
    """Where one reader stands. One page at a time, in whatever thread."""

    def __init__(self, reader: CertificateHash, *, directory: Directory, trust: Trust, cursor: int) -> None:
        """Begin at a cursor that was found to be a state of the log.

        Args:
            reader: the device's certificate.
            directory: says what the reader may read.
            trust: the certificates that go with sessions.
            cursor: the cursor's size.
        """
        self.start: Final = cursor
        self._reader = reader
        self._directory = directory
        self._trust = trust
        held = frozenset(name for name, since in directory.readable(reader).items() if since < cursor)
        self._holdings = Holdings(streams=held, below=cursor)
        self._streams: Collection[StreamId] = held
        self._ending: Mapping[StreamId, int] = directory.ended(reader).owed(cursor)
        self._owed: tuple[Segment, ...] = ()
        self._position = cursor
        self._noted = cursor
        self._sent: deque[tuple[int, ...]] = deque(maxlen=OWN_MAX)
        self._named: deque[Named] = deque()
        self._asked: deque[Segment] = deque()
        self._given: set[StreamId] = set()
        self._told: set[StreamId] = set()
        self.caught_up = False

    def resync(self, wanted: Wanted, tip: Tip, compared: Collection[StreamId]) -> None:
        """Begin anew for a reader whose cursor is no state of this log.

        Args:
            wanted: what the reader lacks below `tip`.
            tip: from here on everything is delivered.
            compared: the streams of which it lacks nothing else below `tip`; others are delivered from their beginning.
        """
        self._holdings = Holdings(streams=(), below=0)
        self._streams = compared
        ended = self._directory.ended(self._reader)
        ends = {name: ended.of(name) for name in wanted if name not in self._streams}
        self._owed = self._stretch(wanted, until=tip.size, wanted=wanted, ends=ends)
        self._ending = {name: end for name, end in ends.items() if end >= tip.size}
        self._told.update(ends)
        self._position = tip.size
        self._noted = 0
        self.caught_up = False

    def own(self, indices: Iterable[int]) -> None:
        """The reader itself sent these entries: do not echo them. May be called while another thread makes a page."""
        self._sent.append(tuple(indices))

    def holds(self, named: Named) -> None:
        """Hear what the reader says that it holds beyond its cursor. May be called while a page is made."""
        self._named.append(named)

    def again(self, wanted: Wanted, *, start: int, until: int) -> None:
        """Feed chains once more, as far as the reader may read them. May be called while a page is made.

        Args:
            wanted: the first sequence number to feed, a chain.
            start: the log index of the first of these entries.
            until: the log's size.
        """
        readable = self._directory.readable(self._reader)
        some = {name: chains for name, chains in wanted.items() if name in readable}
        if some:
            self._asked.append(Segment(streams=frozenset(some), start=start, until=until, wanted=some, again=True))

    def advance(self, position: int) -> None:
        """Skip to an index below which nothing new concerns the reader; only while it was caught up."""
        if self.caught_up:
            self._position = max(self._position, position)

    def page(self, source: Source, tip: Tip, limits: PageLimits) -> FeedPage:
        """Make the next page. Where `source` fails, nothing has changed.

        Args:
            source: where to read.
            tip: the newest checkpoint; nothing at or above it is delivered.
            limits: of the page.

        Raises:
            Absent: the window does not reach that far.
            StorageError: the store cannot be read.
        """
        while self._sent:
            self._holdings.own.update(self._sent.popleft())
        while self._named:
            self._learn(self._named.popleft())
        while self._asked:
            self._owed += (self._asked.popleft(),)
        streams = self._directory.readable(self._reader)
        ends = self._ends()
        self._owed += self._left(tip, followed=ends)
        new = () if streams is self._streams else [name for name in streams if not self._follows(name)]
        backlog = self._stretch(new, until=self._position, wanted=None)
        draft = PageDraft(self._holdings, source, self._directory, self._trust, limits)
        followed = {*streams, *ends} if ends else streams
        owed = [*self._owed, *backlog, Segment(streams=followed, start=self._position, until=tip.size, ends=ends)]
        while owed and not draft.full:
            owed[0] = draft.fill(owed[0])
            if owed[0].start >= owed[0].until:
                owed.pop(0)
        position = owed[-1].start if owed else max(tip.size, self._position)
        floor = source.floor(position) if len(owed) <= 1 else None
        noted = floor if floor is not None and floor.size > self._noted else None
        draft.keep()
        self._streams, self._owed, self._position = streams, tuple(owed[:-1]), position
        self._ending = {name: end for name, end in ends.items() if end >= position}
        self._holdings.own = {index for index in self._holdings.own if index >= position}
        self._noted = self._noted if noted is None else noted.size
        self.caught_up = not owed
        return FeedPage(
            proofs=draft.proofs,
            entries=tuple(sorted(draft.entries, key=self._carries_content)),
            note=None if noted is None else noted.note,
            more=bool(owed),
        )

    def _learn(self, named: Named) -> None:
        """Who holds an entry holds the seals up to its own without a gap; of a fork both branches come anyway."""
        self._given |= named.streams - self._told
        self._holdings.chains.update(named.chains)
        for session, number in named.seals.items():
            known = self._holdings.next_seals
            known[session] = max(number + 1, known.get(session, 0))

    def _follows(self, stream: StreamId) -> bool:
        """Whether everything of a stream below the position was delivered, or is among what is owed."""
        return stream in self._streams or stream in self._ending

    def _ends(self) -> Mapping[StreamId, int]:
        """Up to where the reader hears of what it followed and is fed no more."""
        ended = self._directory.ended(self._reader)
        if ended.last < self._position:
            return {}
        return {name: end for name, end in ended.owed(self._position).items() if self._follows(name)}

    def _left(self, tip: Tip, *, followed: Collection[StreamId]) -> tuple[Segment, ...]:
        """What the reader is owed of charts that it left without having followed them here, and holds all the same.

        Once a connection, each; what is not below the newest checkpoint yet waits for the next one.
        """
        if not self._given:
            return ()
        found = self._directory.ended(self._reader).among(self._given)
        told = {name: end for name, end in found.items() if end < tip.size}
        self._given -= told.keys()
        self._told.update(told)
        ends = {name: end for name, end in told.items() if name not in followed}
        return self._stretch(ends, until=max(ends.values(), default=-1) + 1, wanted=None, ends=ends)

    def _stretch(
        self,
        streams: Iterable[StreamId],
        *,
        until: int,
        wanted: Wanted | None,
        ends: Mapping[StreamId, int] | None = None,
    ) -> tuple[Segment, ...]:
        """The log below `until`, control streams before content."""
        groups: tuple[list[StreamId], list[StreamId]] = ([], [])
        for name in streams:
            groups[self._is_content(name)].append(name)
        return tuple(
            Segment(streams=frozenset(group), start=0, until=until, wanted=wanted, ends=ends or {})
            for group in groups
            if group and until
        )

    def _is_content(self, stream: StreamId) -> bool:
        place = self._directory.place(stream)
        return place is not None and place.document is not None

    def _carries_content(self, item: Arrived) -> bool:
        return self._is_content(item.entry.header.stream)
