"""What one round of a meeting gathers: what the other holds, what it asks for, and that it asks for nothing else.

Owns the limits of that. A hostile device may claim to hold whatever it likes; it can ask only for what was offered, and
for each chain once.
"""

from __future__ import annotations

from collections.abc import Mapping

from sync_protocol.entries import Place
from sync_protocol.errors import malformed, over_limit
from sync_protocol.frontier import Frontier
from sync_protocol.ids import SessionId, StreamId
from sync_protocol.limits import FRONTIER_HEADS_MAX, FRONTIER_STREAMS_MAX
from sync_protocol.messages import Frontiers, Have, Want


class PeerRound:
    """One round, as one side gathers it.

    Attributes:
        offered: what this side holds that the other may have.
        theirs: what the other side holds.
        wanted: the first number that the other asks for, a chain.
        seals: the first seal that it lacks, a session.
    """

    def __init__(self) -> None:
        """Start with nothing said."""
        self.offered: Mapping[StreamId, Frontier] = {}
        self.theirs: dict[StreamId, dict[SessionId, Place]] = {}
        self.wanted: dict[tuple[StreamId, SessionId], int] = {}
        self.seals: dict[SessionId, int] = {}
        self._heads = 0

    def hear(self, message: Frontiers) -> None:
        """Gather frontiers.

        Raises:
            LimitError: more than one exchange may have.
            MalformedError: a chain twice, or a frame that says nothing.
        """
        if not message.streams and not message.last:
            raise malformed("frontiers in a frame", "none")
        for item in message.streams:
            known = self.theirs.setdefault(item.stream, {})
            if not item.heads or not known.keys().isdisjoint(item.heads):
                raise malformed("each chain's head, once", f"others of stream {item.stream.short}")
            known.update(item.heads)
            self._heads += len(item.heads)
        if len(self.theirs) > FRONTIER_STREAMS_MAX:
            raise over_limit("frontiers of one device", FRONTIER_STREAMS_MAX, len(self.theirs), "streams")
        if self._heads > FRONTIER_HEADS_MAX:
            raise over_limit("frontiers of one device", FRONTIER_HEADS_MAX, self._heads, "heads")

    def wants(self, message: Want) -> None:
        """Gather what the other asks for.

        Raises:
            MalformedError: a chain that was not offered, or twice.
        """
        for stream, (session, first) in message.chains:
            chain = stream, session
            if session not in self.offered.get(stream, {}) or chain in self.wanted:
                raise malformed("chains that were offered, each once", f"another of stream {stream.short}")
            self.wanted[chain] = first
        _not_empty(len(message.chains))

    def lacks(self, message: Have) -> None:
        """Gather which seals the other lacks.

        Raises:
            MalformedError: a session twice, or more than there are chains.
        """
        for session, number in message.seals:
            if session in self.seals:
                raise malformed("each session's seals once", f"session {session.short} again")
            self.seals[session] = number
        _not_empty(len(message.seals))
        if len(self.seals) > sum(map(len, self.offered.values())):
            raise malformed("sessions that were offered", f"{len(self.seals)} sessions")


def _not_empty(items: int) -> None:
    if items == 0:
        raise malformed("something in a frame", "an empty one")
