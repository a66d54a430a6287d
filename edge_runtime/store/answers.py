"""What can be asked of a device's store. Each answer is of what was committed when it was asked for.

Owns no connection: whoever does lends a reader for the length of one answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import AbstractContextManager

from edge_runtime.store import holding, uploads, values
from edge_runtime.store.check import Problem, check_all
from edge_runtime.store.holding import HeldEntry, HeldUse
from edge_runtime.store.reading import Reader
from edge_runtime.store.uploads import Refused, Upload, UploadState, Waiting
from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import Seal
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived


class Answers(ABC):
    """The reading side of a store."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Reader]:
        """A reader, within a transaction of its own."""

    def certificates(self) -> list[Verified[Certificate]]:
        """See Store."""
        with self._reading() as reader:
            return reader.certificates()

    def session(self, name: SessionId) -> Verified[Session] | None:
        """See Store."""
        with self._reading() as reader:
            return reader.session(name)

    def sessions(self) -> list[Verified[Session]]:
        """See Store."""
        with self._reading() as reader:
            return reader.sessions()

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """See Store."""
        with self._reading() as reader:
            return reader.seals(session, number)

    def seals_from(self, session: SessionId, number: int, *, limit: int) -> list[Verified[Seal]]:
        """See Store."""
        with self._reading() as reader:
            return reader.seals_from(session, number, limit=limit)

    def last_seal(self, session: SessionId) -> Verified[Seal] | None:
        """See Store."""
        with self._reading() as reader:
            return reader.last_seal(session)

    def entry(self, name: EntryHash) -> Arrived | None:
        """See Store."""
        with self._reading() as reader:
            return reader.entry(name)

    def chain(self, stream: StreamId, session: SessionId, *, first: int, limit: int) -> list[Arrived]:
        """See Store."""
        with self._reading() as reader:
            return reader.chain(stream, session, first=first, limit=limit)

    def frontier(self, stream: StreamId) -> Frontier:
        """See Store."""
        with self._reading() as reader:
            return reader.frontier(stream)

    def forked(self, stream: StreamId) -> frozenset[SessionId]:
        """See Store."""
        with self._reading() as reader:
            return reader.forked(stream)

    def streams(self) -> frozenset[StreamId]:
        """See Store."""
        with self._reading() as reader:
            return reader.streams()

    def arrivals(self, *, after: int, limit: int, streams: Collection[StreamId] | None = None) -> list[Arrived]:
        """See Store."""
        with self._reading() as reader:
            return reader.arrivals(after=after, limit=limit, streams=streams)

    def size(self) -> int:
        """See Store."""
        with self._reading() as reader:
            return reader.size()

    def get_value(self, name: str) -> bytes | None:
        """The value of that name."""
        with self._reading() as reader:
            return values.get(reader, name)

    def values(self, prefix: str = "") -> dict[str, bytes]:
        """All values whose names begin with `prefix`, by name and in its order."""
        with self._reading() as reader:
            return values.under(reader, prefix)

    def arrival(self, name: EntryHash) -> int | None:
        """The arrival index of an entry; None where there is no such entry."""
        with self._reading() as reader:
            return reader.index(name)

    def noted(self, arrival: int) -> Upload | None:
        """What was noted of the entry with that arrival index; nothing is of what the relay fed."""
        with self._reading() as reader:
            return uploads.find(reader, arrival)

    def noted_uploads(self, *, first: int, end: int) -> list[tuple[int, Upload]]:
        """What was noted of the entries with arrival indices from `first` on, below `end`, ascending."""
        with self._reading() as reader:
            return uploads.between(reader, first, end)

    def upload(self, name: EntryHash) -> Upload | None:
        """How far the entry of that hash has come; None where there is no such entry."""
        with self._reading() as reader:
            return uploads.state(reader, name)

    def pending(self, limit: int, *, after: tuple[int, int] | None = None) -> list[Waiting]:
        """Entries that are to be pushed, by rank and then in order of arrival, at most `limit`.

        Args:
            limit: how many at most.
            after: `Waiting.place` of the last one of the page before.
        """
        with self._reading() as reader:
            return uploads.pending(reader, limit=limit, after=after)

    def waiting(self) -> int:
        """How many entries are to be pushed: those on this device only, and those that are at a peer."""
        with self._reading() as reader:
            return reader.ledger.pending + reader.ledger.at_peer

    def unsent(self, end: int) -> int:
        """How many entries with arrival indices below `end` are to be pushed, or were refused."""
        with self._reading() as reader:
            return uploads.unsent(reader, end)

    def held(self) -> list[HeldEntry]:
        """What waits for other entries, in the order in which it came to wait."""
        with self._reading() as reader:
            return holding.held(reader)

    def held_use(self) -> HeldUse:
        """How much waits for other entries."""
        with self._reading() as reader:
            return HeldUse(reader.ledger.held, reader.ledger.held_bytes)

    def refused(self) -> list[Refused]:
        """What the relay did not take, in order of arrival."""
        with self._reading() as reader:
            return uploads.refused(reader)

    def receipts(self, limit: int, *, after: int = 0) -> list[tuple[int, bytes]]:
        """Receipts as they were kept, with their entries' arrival indices, from `after` on, at most `limit`."""
        with self._reading() as reader:
            return uploads.receipts(reader, limit=limit, after=after)

    def upload_counts(self) -> dict[UploadState, int]:
        """How many entries are in each state."""
        with self._reading() as reader:
            return uploads.counts(reader)

    def oldest_pending_ms(self) -> int | None:
        """The author's clock, in Unix milliseconds, on the entry that has waited longest for the relay."""
        with self._reading() as reader:
            first = uploads.oldest(reader)
            return None if first is None else first.entry.header.wall_ms

    def check(self, may_lack: Collection[StreamId] = ()) -> list[Problem]:
        """Look at every byte: the file, each record, chains, seals and indexes. Empty when all is well.

        Args:
            may_lack: streams whose entries may have lost their bodies, because their chart was destroyed.
        """
        with self._reading() as reader:
            return check_all(reader, may_lack)
