"""What a device holds, beside what the log holds: which entries it lacks, and which the log lacks.

A device says how far its chains reach, beyond its cursor or where its cursor is no state of this log. Nothing of that
is believed but to choose what is fed, and what is asked for: whoever holds an entry that the log lacks may bring it,
because its author is judged and not its carrier.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from server.relay.directory import Directory
from server.relay.store import SqlStore
from sync_protocol.digests import Holding, holding
from sync_protocol.frontier import Frontier, lacking, unknown
from sync_protocol.ids import CertificateHash, EntryHash, SessionId, StreamId

Wanted = Mapping[StreamId, Mapping[SessionId, int]]
"""Of each chain the first sequence number that somebody lacks."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a reader holds beyond its cursor, as far as the log knows it.

    Attributes:
        chains: up to which sequence number, a chain; none that forks here.
        seals: the highest seal that it holds for that, a session.
        lost: chains whose named head the log does not know, from 0 on.
        streams: all in which it names anything.
    """

    chains: Mapping[tuple[StreamId, SessionId], int]
    seals: Mapping[SessionId, int]
    lost: tuple[tuple[StreamId, SessionId, int], ...]
    streams: frozenset[StreamId]


def find(beyond: Mapping[StreamId, Frontier], store: SqlStore) -> Named:
    """Look up what a reader says that it holds beyond its cursor.

    Raises:
        StorageError: the store cannot be read.
    """
    chains: dict[tuple[StreamId, SessionId], int] = {}
    seals: dict[SessionId, int] = {}
    lost: list[tuple[StreamId, SessionId, int]] = []
    known = store.headers({head for frontier in beyond.values() for _, head in frontier.values()})
    for stream, frontier in beyond.items():
        forked = store.forked(stream)
        for session, (seq, head) in frontier.items():
            header = known.get(head)
            if header is None:
                lost.append((stream, session, 0))
                continue
            if (header.stream, header.session, header.seq) == (stream, session, seq) and session not in forked:
                chains[stream, session] = seq
                seals[session] = max(header.seal, seals.get(session, 0))
    return Named(chains, seals, tuple(lost), frozenset(beyond))


def compare(
    frontiers: Mapping[StreamId, Frontier],
    differing: Collection[StreamId],
    reader: CertificateHash,
    *,
    directory: Directory,
    store: SqlStore,
) -> tuple[Wanted, list[tuple[StreamId, SessionId, int]]]:
    """Compare a device's frontiers with the log.

    Args:
        frontiers: the device's, of its streams that differ.
        differing: streams that it may read and of which it does not hold the same as the log.
        reader: the device.
        directory: says what it may read.
        store: the log.

    Returns:
        What the device lacks of what it may read, and which chains the log lacks.

    Raises:
        StorageError: the store cannot be read.
    """
    readable = directory.readable(reader)
    ended = directory.ended(reader)
    wanted: dict[StreamId, Mapping[SessionId, int]] = {}
    missing: list[tuple[StreamId, SessionId, int]] = []
    for stream in frontiers.keys() | differing:
        ours, theirs = store.frontier(stream), frontiers.get(stream, {})
        heads = {head for _, head in ours.values()}

        def knows(name: EntryHash, heads: Collection[EntryHash] = heads) -> bool:
            return name in heads or store.has(name)

        if (stream in differing and stream in readable) or (theirs and ended.of(stream) >= 0):
            lacks = lacking(theirs, ours, knows=knows, forked=store.forked(stream))
            if lacks:
                wanted[stream] = lacks
        missing.extend((stream, session, first) for session, first in unknown(theirs, knows=knows).items())
    return wanted, missing


def holdings(streams: Collection[StreamId], store: SqlStore) -> dict[StreamId, Holding]:
    """What the log holds of some streams; of one in which nothing was written there is nothing to compare.

    Raises:
        StorageError: the store cannot be read.
    """
    found = ((stream, holding(store, stream)) for stream in streams)
    return {stream: held for stream, held in found if held.frontier}


def first_index(chains: Wanted, store: SqlStore) -> int | None:
    """The log index of the first of these entries; None where there are none.

    Raises:
        StorageError: the store cannot be read.
    """
    found = (
        store.first_index(stream, session, first)
        for stream, wanted in chains.items()
        for session, first in wanted.items()
    )
    return min((index for index in found if index is not None), default=None)
