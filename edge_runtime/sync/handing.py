"""What is handed to a device that asked for it: chains from a number on, in the order in which they came here.

In that order, because the other admits an entry only after what it hangs on, and what came here came after that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edge_runtime.store.device import DeviceStore
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import SessionId, StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX

Chains = Mapping[tuple[StreamId, SessionId], int]
"""The first number to hand over, a chain."""


def chains_in_order(store: DeviceStore, chains: Chains) -> Iterator[list[VerifiedEntry]]:
    """The entries of these chains, all branches of forks, in order of arrival, some at a time.

    A chain ends where a body was destroyed: nobody could verify that entry, nor take what follows it.
    """
    firsts = [
        page[0].index
        for (stream, session), first in chains.items()
        if (page := store.chain(stream, session, first=first, limit=1))
    ]
    streams = {stream for stream, _ in chains}
    ended: set[tuple[StreamId, SessionId]] = set()
    after = _earliest(store, chains, firsts)
    while firsts and (page := store.arrivals(after=after, limit=BATCH_ENTRIES_MAX, streams=streams)):
        after = page[-1].index + 1
        headers = ((arrived.entry, arrived.entry.header) for arrived in page)
        asked = (entry for entry, header in headers if _asked(chains, header.stream, header.session, header.seq))
        batch = [entry for entry in asked if not _ends(entry, ended)]
        if batch:
            yield batch


def _earliest(store: DeviceStore, chains: Chains, firsts: list[int]) -> int:
    """From where on to look: the first arrival of any of them. In a fork a later number may have come earlier."""
    forked = any(session in store.forked(stream) for stream, session in chains)
    return 0 if forked else min(firsts, default=0)


def _ends(entry: VerifiedEntry, ended: set[tuple[StreamId, SessionId]]) -> bool:
    chain = entry.header.stream, entry.header.session
    if entry.is_stripped:
        ended.add(chain)
    return chain in ended


def _asked(chains: Chains, stream: StreamId, session: SessionId, seq: int) -> bool:
    first = chains.get((stream, session))
    return first is not None and seq >= first
