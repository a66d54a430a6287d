"""What one round of a meeting gathers: what the other asks for, and that it asks for nothing but what was offered.

A hostile device may ask only for what was offered, and for each chain once. Chains that fork go unasked, because a
frontier does not tell of their shorter branches.
"""

from __future__ import annotations

from collections.abc import Mapping

from sync_protocol.comparison_messages import Want
from sync_protocol.digests import Holding
from sync_protocol.errors import malformed
from sync_protocol.ids import SessionId, StreamId
from sync_protocol.log_messages import Have


class PeerRound:
    """One round, as one side gathers it.

    Attributes:
        offered: what this side holds that the other may have and does not have the same of.
        wanted: the first number that the other asks for, a chain.
        seals: the first seal that it lacks, a session.
    """

    def __init__(self) -> None:
        """Start with nothing said."""
        self.offered: Mapping[StreamId, Holding] = {}
        self.wanted: dict[tuple[StreamId, SessionId], int] = {}
        self.seals: dict[SessionId, int] = {}

    def wants(self, message: Want) -> None:
        """Gather what the other asks for.

        Raises:
            MalformedError: a chain that was not offered, or twice.
        """
        for stream, (session, first) in message.chains:
            chain = stream, session
            if chain in self.wanted or not self._offers(stream, session):
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
        if len(self.seals) > sum(len(held.frontier) for held in self.offered.values()):
            raise malformed("sessions that were offered", f"{len(self.seals)} sessions")

    def forks(self) -> dict[tuple[StreamId, SessionId], tuple[bytes, ...]]:
        """The ends of all branches of every offered chain that forks."""
        return {
            (stream, session): branches
            for stream, held in self.offered.items()
            for session, branches in held.tips.items()
        }

    def _offers(self, stream: StreamId, session: SessionId) -> bool:
        held = self.offered.get(stream)
        return held is not None and session in held.frontier


def _not_empty(items: int) -> None:
    if items == 0:
        raise malformed("something in a frame", "an empty one")
