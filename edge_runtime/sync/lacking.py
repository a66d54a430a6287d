"""What is lacking: the chains to be asked for again, and what is to be said of each entry that waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_runtime.store.device import DeviceStore
from edge_runtime.store.holding import HeldEntry, HeldKind
from edge_runtime.sync.deferred import Deferred, Reason, deferred, unnamed
from sync_protocol.frontier import Frontier
from sync_protocol.ids import CertificateHash, EntryHash, SessionId, StreamId
from sync_protocol.limits import (
    DEFERRED_CHAINS_PER_AUTHOR,
    HELD_BYTES_MAX,
    HELD_BYTES_PER_AUTHOR,
    HELD_ENTRIES_PER_AUTHOR,
)

Chain = tuple[StreamId, SessionId]

WAITS_FOR_CHAIN: Final = "waits_for_chain"
WAITS_FOR_OTHERS: Final = "waits_for_others"
DEFERRED_CODES: Final = {
    Reason.AUTHOR_ENTRIES: "held_entries_per_author",
    Reason.AUTHOR_BYTES: "held_bytes_per_author",
    Reason.DEVICE_BYTES: "held_bytes",
}
UNNAMED: Final = "deferred_chains_per_author"
_DO: Final = "sync, or meet a device that has it; it is asked for each time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One entry that waits, or one chain of which entries were not kept.

    Attributes:
        author, stream, session, seq: which; of a chain the number from which on it is asked for. None of entries whose
            chains could not be named any more.
        waits_for: the missing entry; None of a chain.
        since_ms: by this device's clock.
        bytes: what is kept of it.
        count: how many entries, where they are not named.
        code: why.
        got: what there is, with the limit that was reached.
        do: the way out.
    """

    author: CertificateHash | None
    stream: StreamId | None
    session: SessionId | None
    seq: int
    waits_for: EntryHash | None
    since_ms: int
    bytes: int
    code: str
    got: str
    count: int = 1
    do: str = _DO


def lacking_chains(store: DeviceStore) -> list[tuple[StreamId, SessionId, int]]:
    """The chains to be asked for again, each from a number on: what held entries wait for, and what was deferred.

    From 0 where a branch of a fork is missing: where it leaves the branch that is here is not known.
    """
    frontiers: dict[StreamId, Frontier] = {}
    wanted: dict[Chain, int] = {}

    def want(stream: StreamId, session: SessionId, missing: int) -> None:
        """Ask for a chain in which the entry of a number is missing."""
        if stream not in frontiers:
            frontiers[stream] = store.frontier(stream)
        reached = frontiers[stream].get(session)
        first = 0 if reached is None or reached[0] >= missing else reached[0] + 1
        chain = stream, session
        wanted[chain] = min(first, wanted.get(chain, first))

    for one in store.held():
        header = one.entry.header
        if one.kind is HeldKind.POOL:
            want(header.stream, header.session, header.seq - 1)
        for session, (seq, name) in header.deps.items():
            if store.arrival(name) is None:
                want(header.stream, session, seq)
    for note in deferred(store):
        want(note.stream, note.session, note.last)
    return sorted((stream, session, first) for (stream, session), first in wanted.items())


def held_report(store: DeviceStore) -> list[Held]:
    """What waits and what was deferred, oldest first in each kind."""
    found = [_entry(one) for one in store.held()]
    found += [_chain(note) for note in deferred(store)]
    more = unnamed(store)
    if more:
        limit = f"more than {DEFERRED_CHAINS_PER_AUTHOR} chains of one author"
        found.append(
            Held(
                author=None,
                stream=None,
                session=None,
                seq=0,
                waits_for=None,
                since_ms=0,
                bytes=0,
                code=UNNAMED,
                got=f"entries that were not kept, of {limit}",
                count=more,
                do="meet a device that has them: meetings compare everything",
            )
        )
    return found


def _entry(one: HeldEntry) -> Held:
    header = one.entry.header
    pooled = one.kind is HeldKind.POOL
    what = "the entry before it in its chain" if pooled else "an entry of somebody else that it follows"
    return Held(
        author=one.author,
        stream=header.stream,
        session=header.session,
        seq=header.seq,
        waits_for=one.waits,
        since_ms=one.since_ms,
        bytes=one.size,
        code=WAITS_FOR_CHAIN if pooled else WAITS_FOR_OTHERS,
        got=f"an entry that waits for {what}",
    )


def _chain(note: Deferred) -> Held:
    limit = {
        Reason.AUTHOR_ENTRIES: f"{HELD_ENTRIES_PER_AUTHOR} entries of its author",
        Reason.AUTHOR_BYTES: f"{HELD_BYTES_PER_AUTHOR} bytes of its author",
        Reason.DEVICE_BYTES: f"{HELD_BYTES_MAX} bytes",
    }[note.reason]
    return Held(
        author=note.author,
        stream=note.stream,
        session=note.session,
        seq=note.first,
        waits_for=None,
        since_ms=note.since_ms,
        bytes=0,
        code=DEFERRED_CODES[note.reason],
        got=f"entries that were not kept, because {limit} wait here already",
        count=note.last - note.first + 1,
    )
