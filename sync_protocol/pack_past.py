"""What a pack says of the entries before one, by which the next is said: both sides reckon with it alike.

A guess that fails costs bytes, never truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sync_protocol.entries import Header, Place, next_lamport
from sync_protocol.ids import EntryHash, SessionId, StreamId


class Past:
    """The entries of a pack so far, but for those whose headers stand as a whole."""

    def __init__(self) -> None:
        """Before the first."""
        self.names: list[EntryHash] = []
        """Of the entries, in order."""
        self.lamport = 0
        self.wall_ms = 0
        self._places: dict[EntryHash, int] = {}
        self._in_chain: dict[EntryHash, int] = {}
        self._chains: dict[tuple[StreamId, SessionId], list[Place]] = {}
        self._lamports: dict[EntryHash, int] = {}
        self._seals: dict[SessionId, int] = {}
        self._next: dict[tuple[SessionId, int], int] = {}

    def chain(self, stream: StreamId, session: SessionId) -> Sequence[Place]:
        """The chain's entries here, in order of coming."""
        return self._chains.get((stream, session), ())

    def back(self, stream: StreamId, session: SessionId, place: Place) -> int:
        """How many entries of a chain back that one is, from 1 on; 0 where it is not among them."""
        chain, at = self.chain(stream, session), self._in_chain.get(place[1])
        return len(chain) - at if at is not None and at < len(chain) and chain[at] == place else 0

    def next_seq(self, stream: StreamId, session: SessionId) -> int:
        """The number after that of the chain's last entry here; 0 where there is none."""
        chain = self.chain(stream, session)
        return chain[-1][0] + 1 if chain else 0

    def next_lamport(self, parents: Iterable[EntryHash]) -> int:
        """What follows from the parents that are here; without any, the time of the entry before."""
        times = [self._lamports[name] for name in parents if name in self._lamports]
        return next_lamport(times) if times else self.lamport

    def seal(self, session: SessionId) -> int:
        """The seal of the session's last entry here; 0 where there is none."""
        return self._seals.get(session, 0)

    def next_index(self, session: SessionId, seal: int) -> int:
        """The index after that of the last entry here under a seal; 0 where there is none."""
        return self._next.get((session, seal), 0)

    def distance(self, name: EntryHash) -> int:
        """How many entries back that one is, from 1 on; 0 where it is not here."""
        place = self._places.get(name)
        return 0 if place is None else len(self.names) - place

    def add(self, header: Header, name: EntryHash, index: int) -> None:
        """An entry came."""
        self._places[name] = len(self.names)
        self.names.append(name)
        self.lamport, self.wall_ms = header.lamport, header.wall_ms
        self._lamports[name] = header.lamport
        chain = self._chains.setdefault((header.stream, header.session), [])
        self._in_chain[name] = len(chain)
        chain.append((header.seq, name))
        self._seals[header.session] = header.seal
        self._next[header.session, header.seal] = index + 1
