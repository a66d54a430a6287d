"""What is handed to a device that asked for it: chains from a number on, in the order in which they came here.

In that order, because the other admits an entry only after what it hangs on, and what came here came after that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.budget import Spending
from edge_runtime.sync.meeting_report import MeetingReport
from edge_runtime.sync.proofs import ProofBook
from sync_protocol.certificates import Trust
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import BATCH_ENTRIES_MAX, MEETING_ITEMS_MAX
from sync_protocol.peer_steps import Confirmed, HandOver

Chains = Mapping[tuple[StreamId, SessionId], int]
"""The first number to hand over, a chain."""


class Handing:
    """What one meeting hands over, and what the other then says of it."""

    def __init__(self, store: DeviceStore, trust: Trust, spending: Spending, report: MeetingReport) -> None:
        """Hand over from `store` while `spending` has something left, and note in `report` how much went."""
        self._store = store
        self._book = ProofBook(store, trust)
        self._spending = spending
        self._report = report
        self._handed: set[EntryHash] = set()
        self._items = 0

    def batches(self, asked: HandOver) -> Iterator[tuple[Proofs, Sequence[WireEntry]]]:
        """What was asked for, each batch with its proofs, until the meeting is long enough."""
        self._book.lacks(asked.seals)
        for batch in chains_in_order(self._store, asked.wanted):
            proofs = self._book.proofs(batch)
            self._items += len(batch) + len(proofs)
            if self._items > MEETING_ITEMS_MAX or self._spending.spent is not None:
                self._report.more = True
                return
            self._report.sent += len(batch)
            self._handed.update(entry.hash for entry in batch if self._waits(entry.hash))
            yield proofs, [entry.wire for entry in batch]

    def confirmed(self, step: Confirmed) -> None:
        """What was handed over and not refused is durable at the other: that much is known of what the relay lacks."""
        there, self._handed = self._handed - step.refused, set()
        if there and not step.nothing:
            with self._store.writing() as writer:
                self._report.at_peer += writer.mark_at_peer(sorted(there))

    def _waits(self, name: EntryHash) -> bool:
        upload = self._store.upload(name)
        return upload is not None and upload.waits


def chains_in_order(store: DeviceStore, chains: Chains) -> Iterator[list[VerifiedEntry]]:
    """The entries of these chains, all branches of forks, in order of arrival, some at a time.

    A chain ends where a body was destroyed: nobody could verify that entry, nor take what follows it.
    """
    firsts = [
        page[0].index
        for (stream, session), first in chains.items()
        if (page := store.chain(stream, session, first=first, limit=1))
    ]
    ended: set[tuple[StreamId, SessionId]] = set()
    after = _earliest(store, chains, firsts)
    streams = _to_look_in(store, chains, after)
    while firsts and (page := store.arrivals(after=after, limit=BATCH_ENTRIES_MAX, streams=streams)):
        after = page[-1].index + 1
        headers = ((arrived.entry, arrived.entry.header) for arrived in page)
        asked = (entry for entry, header in headers if _asked(chains, header.stream, header.session, header.seq))
        batch = [entry for entry in asked if not _ends(entry, ended)]
        if batch:
            yield batch


def _to_look_in(store: DeviceStore, chains: Chains, after: int) -> set[StreamId] | None:
    """The streams to look in, or None for everything from an arrival on: by page the one costs a look-up a stream."""
    streams = {stream for stream, _ in chains}
    frontiers = {stream: store.frontier(stream) for stream in streams}
    reached = ((first, frontiers[stream].get(session)) for (stream, session), first in chains.items())
    pages = 1 + sum(place[0] + 1 - first for first, place in reached if place) // BATCH_ENTRIES_MAX
    return streams if pages * len(streams) <= store.size() - after else None


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
