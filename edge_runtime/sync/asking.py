"""What one meeting asks the other device for, by what it says that it holds.

Owns the remembering, from round to round, of the chains that the other named, and of those that came with a gap: they
are asked for whole, once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.taking import Chain
from sync_protocol.frontier import Frontier, wanting
from sync_protocol.ids import EntryHash, SessionId, StreamId

Wanted = tuple[list[tuple[StreamId, SessionId, int]], list[tuple[SessionId, int]]]
"""Chains with the first number that is asked for, and sessions with the first seal that lacks."""


class Asking:
    """What one meeting asks for.

    Attributes:
        theirs: the chains that the other is known to hold something of, stream and session.
    """

    def __init__(self, store: DeviceStore, keyring: Keyring) -> None:
        """Ask for what `store` lacks, but for the content of charts that `keyring` knows as destroyed."""
        self._store = store
        self._keyring = keyring
        self.theirs: set[Chain] = set()
        self._whole: set[Chain] = set()
        self._asked_whole: set[Chain] = set()

    def wanted(self, offered: Mapping[StreamId, Frontier]) -> Wanted:
        """What to ask for in this round, given how far the other's chains reach."""
        chains: list[tuple[StreamId, SessionId, int]] = []
        whole: dict[StreamId, set[SessionId]] = {}
        for stream, session in self._whole:
            whole.setdefault(stream, set()).add(session)
        unwanted = self._keyring.destroyed_content()
        for stream, theirs in offered.items():
            if stream in unwanted:
                continue
            self.theirs.update((stream, session) for session in theirs)
            gaps = whole.get(stream, ())
            wanted = wanting(theirs, self._store.frontier(stream), knows=self._knows, whole=gaps)
            chains.extend((stream, session, first) for session, first in wanted.items())
        self._asked_whole |= self._whole
        return chains, self._seals(chains)

    def gaps(self, chains: Iterable[Chain]) -> bool:
        """Hear of chains that came with a gap; whether there is one among them that was not known to have any."""
        new = set(chains) - self._asked_whole - self._whole
        self._whole |= new
        return bool(new)

    def _seals(self, chains: Collection[tuple[StreamId, SessionId, int]]) -> list[tuple[SessionId, int]]:
        again = {session for _, session in self._whole}
        sessions = dict.fromkeys(session for _, session, _ in chains)
        return [(session, 0 if session in again else self._first_seal(session)) for session in sessions]

    def _first_seal(self, session: SessionId) -> int:
        last = self._store.last_seal(session)
        return 0 if last is None else last.value.number + 1

    def _knows(self, name: EntryHash) -> bool:
        return self._store.entry(name) is not None
