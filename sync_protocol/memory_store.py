"""The store in memory: for tests and simulation. It forgets with its process.

A `writing` block stages its changes beside the store and adds them when it ends well, so a reader never sees half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import Place, Seal, VerifiedEntry
from sync_protocol.errors import MisuseError
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived, Outcome, Writer


class MemoryStore:
    """A store that forgets with its process: for tests and simulation."""

    def __init__(self) -> None:
        """Start empty."""
        self._held = _Contents()
        self._writing = False

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """See Store.

        Raises:
            MisuseError: a block within a block.
        """
        if self._writing:
            raise MisuseError(
                "writing", expected="one writer at a time", got="a block within a block", do="report this as a bug"
            )
        writer = _MemoryWriter(self._held)
        self._writing = True
        try:
            yield writer
        finally:
            self._writing = False
        self._held.take(writer.staged)

    def certificates(self) -> list[Verified[Certificate]]:
        """See Store."""
        return list(self._held.certificates.values())

    def session(self, name: SessionId) -> Verified[Session] | None:
        """See Store."""
        return self._held.sessions.get(name)

    def sessions(self) -> list[Verified[Session]]:
        """See Store."""
        return list(self._held.sessions.values())

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """See Store."""
        found = self._held.seals.get(session, {}).get(number, {})
        return tuple(found[name] for name in sorted(found))

    def seals_from(self, session: SessionId, number: int, *, limit: int) -> list[Verified[Seal]]:
        """See Store."""
        found: list[Verified[Seal]] = []
        for at in sorted(n for n in self._held.seals.get(session, {}) if n >= number):
            if len(found) >= limit:
                break
            found.extend(self.seals(session, at))
        return found[:limit]

    def last_seal(self, session: SessionId) -> Verified[Seal] | None:
        """See Store."""
        numbers = self._held.seals.get(session)
        return self.seals(session, max(numbers))[0] if numbers else None

    def entry(self, name: EntryHash) -> Arrived | None:
        """See Store."""
        index = self._held.index.get(name)
        return None if index is None else Arrived(index, self._held.log[index])

    def chain(self, stream: StreamId, session: SessionId, *, first: int, limit: int) -> list[Arrived]:
        """See Store."""
        chain = self._held.chains.get((stream, session), {})
        found: list[Arrived] = []
        for seq in range(first, len(chain)):  # chains have no gaps
            if len(found) >= limit:
                break
            found.extend(Arrived(index, self._held.log[index]) for index in chain[seq])
        return found[:limit]

    def frontier(self, stream: StreamId) -> Frontier:
        """See Store."""
        result: dict[SessionId, Place] = {}
        for session in self._held.streams.get(stream, ()):
            chain = self._held.chains[stream, session]
            seq = len(chain) - 1
            result[session] = (seq, min(self._held.log[index].hash for index in chain[seq]))
        return result

    def forked(self, stream: StreamId) -> frozenset[SessionId]:
        """See Store."""
        sessions = self._held.streams.get(stream, ())
        return frozenset(s for s in sessions if any(len(at) > 1 for at in self._held.chains[stream, s].values()))

    def streams(self) -> frozenset[StreamId]:
        """See Store."""
        return frozenset(self._held.streams)

    def arrivals(self, *, after: int, limit: int, streams: Collection[StreamId] | None = None) -> list[Arrived]:
        """See Store."""
        found: list[Arrived] = []
        for index in range(after, len(self._held.log)):
            if len(found) >= limit:
                break
            if streams is None or self._held.log[index].header.stream in streams:
                found.append(Arrived(index, self._held.log[index]))
        return found

    def size(self) -> int:
        """See Store."""
        return len(self._held.log)


class _Contents:
    """What a store holds, or what one block is about to add to it."""

    def __init__(self) -> None:
        self.certificates: dict[bytes, Verified[Certificate]] = {}
        self.sessions: dict[SessionId, Verified[Session]] = {}
        self.seals: dict[SessionId, dict[int, dict[bytes, Verified[Seal]]]] = defaultdict(lambda: defaultdict(dict))
        self.log: list[VerifiedEntry] = []
        self.index: dict[EntryHash, int] = {}
        self.chains: dict[tuple[StreamId, SessionId], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.streams: dict[StreamId, dict[SessionId, None]] = defaultdict(dict)

    def put(self, index: int, entry: VerifiedEntry) -> None:
        """Add an entry under its arrival index."""
        header = entry.header
        self.log.append(entry)
        self.index[entry.hash] = index
        self.chains[header.stream, header.session][header.seq].append(index)
        self.streams[header.stream][header.session] = None

    def take(self, staged: _Contents) -> None:
        """Add what a block staged."""
        for name, certificate in staged.certificates.items():
            self.certificates.setdefault(name, certificate)
        for session, record in staged.sessions.items():
            self.sessions.setdefault(session, record)
        for session, numbers in staged.seals.items():
            for number, seals in numbers.items():
                for name, seal in seals.items():
                    self.seals[session][number].setdefault(name, seal)
        for entry in staged.log:
            self.put(len(self.log), entry)


class _MemoryWriter:
    """Stages a block's changes beside the store, so that nobody sees them before the block ends well."""

    def __init__(self, held: _Contents) -> None:
        self._held = held
        self.staged = _Contents()

    def put_certificate(self, certificate: Verified[Certificate]) -> None:
        self.staged.certificates.setdefault(certificate.hash, certificate)

    def put_session(self, session: Verified[Session]) -> None:
        self.staged.sessions.setdefault(session.value.session, session)

    def put_seal(self, seal: Verified[Seal]) -> None:
        self.staged.seals[seal.value.session][seal.value.number].setdefault(seal.hash, seal)

    def append(self, entries: Sequence[VerifiedEntry]) -> list[tuple[Outcome, int]]:
        return [self._append(entry) for entry in entries]

    def _append(self, entry: VerifiedEntry) -> tuple[Outcome, int]:
        known = self._index(entry.hash)
        if known is not None:
            return Outcome.DUPLICATE, known
        header = entry.header
        if header.prev is not None and not self._continues(header.prev, entry):
            return Outcome.GAP, -1
        place = header.stream, header.session
        taken = any(c.chains.get(place, {}).get(header.seq) for c in (self._held, self.staged))
        index = len(self._held.log) + len(self.staged.log)
        self.staged.put(index, entry)
        return (Outcome.FORK if taken else Outcome.STORED), index

    def _index(self, name: EntryHash) -> int | None:
        known = self._held.index.get(name)
        return self.staged.index.get(name) if known is None else known

    def _continues(self, prev: EntryHash, entry: VerifiedEntry) -> bool:
        """Whether the predecessor is here, in the same chain and one number lower."""
        index, size = self._index(prev), len(self._held.log)
        if index is None:
            return False
        before = (self._held.log[index] if index < size else self.staged.log[index - size]).header
        header = entry.header
        return (before.stream, before.session, before.seq + 1) == (header.stream, header.session, header.seq)
