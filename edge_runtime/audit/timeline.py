"""The timeline of a device: everything that it holds, merged into one order.

Owns the way from stored entries to events. What decides the order is read of every entry; what an entry says is opened
only for those that are asked for, so a timeline needs memory for headers, not for bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from edge_runtime.audit.event import Event, Who
from edge_runtime.audit.merging import Dropped, Merged, Node, merge
from edge_runtime.audit.opening import Opener
from edge_runtime.audit.places import StreamPlace, stream_places
from edge_runtime.audit.refusals import refusals
from edge_runtime.audit.selection import Selection
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from sync_protocol.entries import VerifiedEntry
from sync_protocol.finding_list import Policy
from sync_protocol.ids import EntryHash
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.roles import Compartment

Progress = Callable[[int, int], None]
"""Told how many of how many entries are read."""
_NOWHERE: Final = StreamPlace()


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entry in the order, before it is opened."""

    node: Node
    who: Who


class Timeline:
    """What a device holds, in causal order, as it was when this was made."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        *,
        policy: Policy | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Read every header and merge.

        Args:
            store: the device's.
            identity: its own.
            keyring: its keys.
            policy: how far clocks may differ before they are doubted.
            progress: told from time to time.
        """
        self._store = store
        self._keyring = keyring
        self._identity = identity
        self._opener = Opener(keyring)
        self._places = stream_places(keyring, identity.root.value.control)
        self._refused = {name: why for name, (why, _) in refusals(keyring).items()}
        self._entries = {placed.node.hash: placed for placed in self._read(progress)}
        self._merged: Merged = merge(placed.node for placed in self._entries.values())
        self._doubted = _doubted({name: placed.node for name, placed in self._entries.items()}, policy or Policy())

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """Claims about the order that others prove wrong: somebody's seals or meetings are not to be believed."""
        return self._merged.dropped

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def events(self, selection: Selection, *, limit: int | None = None) -> Iterator[Event]:
        """The chosen events, oldest first; with a limit, the last ones."""
        if limit is None:
            yield from self._chosen(self._merged.order, selection)
            return
        newest = list(islice(self._chosen(reversed(self._merged.order), selection), limit))
        yield from reversed(newest)

    def _chosen(self, order: Iterable[EntryHash], selection: Selection) -> Iterator[Event]:
        for name in order:
            placed = self._entries[name]
            place = self._places.get(placed.node.stream, _NOWHERE)
            elsewhere = selection.chart is not None and place.chart != selection.chart and not place.ledger
            if elsewhere or not selection.may_hold(placed.who, placed.node.wall_ms):
                continue
            event = self._event(placed, place)
            if selection.holds(event):
                yield event

    def _event(self, placed: _Placed, place: StreamPlace) -> Event:
        node = placed.node
        arrived, upload = self._store.entry(node.hash), self._store.upload(node.hash)
        assert arrived is not None, "a store keeps what it has"
        what = self._opener.what(arrived.entry, place)
        peer = None if what.peer is None else self._identity.trust.certificate(what.peer)
        return Event(
            entry=node.hash,
            stream=node.stream,
            seq=node.seq,
            wall_ms=node.wall_ms,
            clock_doubted=node.hash in self._doubted,
            who=placed.who,
            what=what,
            peer=None if peer is None else peer.value.device,
            chart=None if place.ledger else place.chart,
            ledger=place.ledger,
            witnessed=upload is not None and upload.state is UploadState.RECEIPTED,
            refused=self._refused.get(node.hash),
        )

    def _read(self, progress: Progress | None) -> Iterator[_Placed]:
        after, size = 0, self._store.size()
        while after < size:
            page = self._store.arrivals(after=after, limit=min(BATCH_ENTRIES_MAX, size - after))
            for arrived in page:
                yield _Placed(self._node(arrived.entry), self._who(arrived.entry))
            after = page[-1].index + 1
            if progress is not None:
                progress(after, size)

    def _node(self, entry: VerifiedEntry) -> Node:
        header = entry.header
        place = self._places.get(header.stream, _NOWHERE)
        record = self._opener.record(entry, place) if place.compartment is Compartment.AUDIT else None
        epoch = () if header.epoch is None else (header.epoch,)
        seen = () if record is None else record.seen
        return Node(
            hash=entry.hash,
            stream=header.stream,
            session=header.session,
            seq=header.seq,
            seal=header.seal,
            index=entry.wire.index,
            wall_ms=header.wall_ms,
            lamport=header.lamport,
            names=(*header.parents, *header.organisation_heads, *header.chart_heads, *epoch, *seen),
            heads=() if record is None else record.heads,
        )

    def _who(self, entry: VerifiedEntry) -> Who:
        certificate = self._identity.trust.certificate(self._keyring.author(entry))
        assert certificate is not None, "a stored entry has a known author"
        value = certificate.value
        return Who(user=value.user, role=value.role, device=value.device, session=entry.header.session)


def _doubted(nodes: Mapping[EntryHash, Node], policy: Policy) -> frozenset[EntryHash]:
    """Entries dated so long before what they follow that one of the two clocks is wrong; both are doubted."""
    found: set[EntryHash] = set()
    for node in nodes.values():
        for earlier in (nodes[name] for name in node.names if name in nodes):
            allowed_ms = policy.backwards_ms if earlier.session == node.session else policy.skew_ms
            if earlier.wall_ms - node.wall_ms > allowed_ms:
                found.update((earlier.hash, node.hash))
    return frozenset(found)
