"""What the entries' places say: how far chains reach, where they fork, which seals a reader has met."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from server.relay.database import slices
from server.relay.models import EntryRow, table
from sync_protocol.entries import Header, Place, read_header
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SESSIONS_MAX: Final = 400
"""Sessions in one statement."""
LOOKED_AT_MAX: Final = 20_000
"""Entries that are looked at to find whether one follows another; beyond it, it does not."""
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


def saw(connection: Connection, later: EntryHash, earlier: EntryHash) -> bool:
    """Whether one entry follows another in the causal order of their stream, as far as that is stored.

    Walks from the later one towards its ancestors, and leaves out what is not later than the earlier one by Lamport
    time: nothing that honest devices wrote before it can follow it.
    """
    floor = max((header.lamport for header in _headers(connection, [earlier])), default=-1)
    ahead, met = [later], {later}
    while ahead and len(met) <= LOOKED_AT_MAX:
        parents: set[EntryHash] = set()
        for some in slices(ahead, _SESSIONS_MAX):
            for header in _headers(connection, some):
                if header.lamport > floor:
                    parents.update(header.parents)
        if earlier in parents:
            return True
        ahead = sorted(parents - met)
        met.update(ahead)
    return False


def headers(connection: Connection, names: Collection[EntryHash]) -> dict[EntryHash, Header]:
    """What those of some entries that are here say of themselves."""
    found: dict[EntryHash, Header] = {}
    for some in slices(sorted(names), _SESSIONS_MAX):
        for name, header in connection.execute(select(_ENTRY.c.hash, _ENTRY.c.header).where(_ENTRY.c.hash.in_(some))):
            found[EntryHash(name)] = read_header(header)
    return found


def first_index(connection: Connection, stream: StreamId, session: SessionId, first: int) -> int | None:
    """The log index of a chain's first entry from a sequence number on; None where there is none."""
    within = (_ENTRY.c.session == session, _ENTRY.c.stream == stream, _ENTRY.c.seq >= first)
    query = select(_ENTRY.c.log_index).where(*within).order_by(_ENTRY.c.seq, _ENTRY.c.log_index).limit(1)
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


def _headers(connection: Connection, names: Sequence[EntryHash]) -> list[Header]:
    rows = connection.execute(select(_ENTRY.c.header).where(_ENTRY.c.hash.in_(names)))
    return [read_header(header) for header in rows.scalars()]
