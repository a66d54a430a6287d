"""What the entries' places say: how far chains reach, where they fork, which seals a reader has met."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from server.relay.database import slices
from server.relay.models import EntryRow, table
from sync_protocol.entries import Place
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SESSIONS_MAX: Final = 400
"""Sessions in one statement."""
_ENTRY: Final = table(EntryRow)


def frontier(connection: Connection, stream: StreamId) -> Frontier:
    """See `Store.frontier`."""
    chain = (_ENTRY.c.stream, _ENTRY.c.session)
    ends = select(*chain, func.max(_ENTRY.c.seq).label("seq")).where(_ENTRY.c.stream == stream).group_by(*chain)
    end = ends.subquery().c
    # By all three columns, and not by `stream` itself, so that SQLite takes the index of places.
    at_end = (_ENTRY.c.stream == end.stream, _ENTRY.c.session == end.session, _ENTRY.c.seq == end.seq)
    result: dict[SessionId, Place] = {}
    for session, seq, name in connection.execute(select(end.session, end.seq, _ENTRY.c.hash).where(*at_end)):
        held = result.get(session)
        if held is None or name < held[1]:
            result[SessionId(session)] = (seq, EntryHash(name))
    return result


def forked(connection: Connection, stream: StreamId) -> frozenset[SessionId]:
    """See `Store.forked`."""
    places = select(_ENTRY.c.session).where(_ENTRY.c.stream == stream).group_by(_ENTRY.c.session, _ENTRY.c.seq)
    return frozenset(map(SessionId, connection.execute(places.having(func.count() > 1)).scalars()))


def seals_known(
    connection: Connection, sessions: Collection[SessionId], streams: Collection[StreamId], before: int
) -> dict[SessionId, int]:
    """See `SqlStore.seals_known`. A reader may have more streams than a statement takes, so they are compared here."""
    read = frozenset(streams)
    query = select(_ENTRY.c.session, _ENTRY.c.stream, func.max(_ENTRY.c.seal)).where(_ENTRY.c.log_index < before)
    grouped = query.group_by(_ENTRY.c.session, _ENTRY.c.stream)
    known: dict[SessionId, int] = {}
    for some in slices(sorted(sessions), _SESSIONS_MAX):
        for session, stream, seal in connection.execute(grouped.where(_ENTRY.c.session.in_(some))):
            if stream in read:
                known[SessionId(session)] = max(seal, known.get(session, 0))
    return known
