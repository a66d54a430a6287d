"""Writing a bundle: what of this device travels in a file, in an order in which every beginning of it is of use.

Whoever finds the file sees what a relay sees: ids, members, times, padded sizes; it opens nothing. What may go in is
what a member may hand to members: every stream of the charts whose member this device is, its own ledger, the
organisation's records. It is not a colleague's ledger, nor a chart that is only carried here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.handing import Chains, chains_in_order
from edge_runtime.sync.places import streams_of
from edge_runtime.sync.proofs import ProofBook
from sync_protocol.blob_messages import BlobChunk, BlobManifest
from sync_protocol.bundle import BundleWriter, head_of
from sync_protocol.control import control_stream
from sync_protocol.ids import BlobId, ChartId, SessionId, StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.membership import Membership
from sync_protocol.roles import Compartment

_CONTENT_ORDER = (
    frozenset({Compartment.SAFETY}),
    frozenset({Compartment.CLINICAL, Compartment.SENSITIVE}),
    frozenset({Compartment.AUDIT}),
)


Chain = tuple[StreamId, SessionId]
Attachments = Callable[[Collection[ChartId]], Iterable[tuple[BlobId, BlobManifest | BlobChunk]]]


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into a bundle."""

    entries: int
    streams: int
    charts: int
    attachments: int = 0


class BundleExport:
    """Chooses and writes what one bundle holds."""

    def __init__(self, store: DeviceStore, identity: Identity, keyring: Keyring) -> None:
        """Export as `identity`."""
        self._store = store
        self._identity = identity
        self._keyring = keyring

    def write(
        self,
        write: Callable[[bytes], object],
        *,
        charts: Collection[ChartId] | None,
        everything: bool,
        made_ms: int,
        progress: Callable[[int], None],
        record: Callable[[Exported], object],
        attachments: Attachments,
    ) -> Exported:
        """Write a bundle, control records before content, and end it with this device's signature.

        Args:
            write: takes the file's bytes, in order.
            charts: those to take; None for all that may go in.
            everything: also what the relay has; else what waits for it, with the records on which that hangs.
            made_ms: by this device's clock.
            progress: told how many entries were written.
            record: called once everything but the end is written.
            attachments: gives the parts of those of some charts, each with a name.
        """
        writer = BundleWriter(write, head_of(self._identity.chain, made_ms=made_ms))
        book = ProofBook(self._store, self._identity.trust)
        memberships = self._memberships(charts)
        entries = 0
        streams: set[StreamId] = set()
        waiting = None if everything else self._waiting()
        if waiting is not None:
            memberships = [one for one in memberships if self._concerned(one, waiting)]
        for group in self._groups(memberships, waiting):
            for batch in chains_in_order(self._store, group):
                writer.batch(book.proofs(batch), [entry.wire for entry in batch])
                entries += len(batch)
                streams.update(entry.header.stream for entry in batch)
                progress(entries)
        blobs: set[BlobId] = set()
        for blob, message in attachments([one.chart for one in memberships]):
            writer.add(message)
            blobs.add(blob)
        shown = sum(self._keyring.ledger_of(one.chart) is None for one in memberships)
        done = Exported(entries, len(streams), shown, len(blobs))
        record(done)
        writer.finish(self._identity.keys.signer)
        return done

    def _memberships(self, charts: Collection[ChartId] | None) -> list[Membership]:
        """The charts and the ledger that may go in."""
        own = self._identity.principal
        found: list[Membership] = []
        for chart in (*self._keyring.charts(), *self._keyring.ledgers()):
            membership = self._keyring.membership(chart)
            ledger = self._keyring.ledger_of(chart)
            may = ledger == own if ledger is not None else membership is not None and own in membership.members
            wanted = charts is None or chart in charts or ledger is not None
            if membership is not None and may and wanted:
                found.append(membership)
        return found

    def _groups(self, memberships: Collection[Membership], waiting: frozenset[Chain] | None) -> Iterator[Chains]:
        """Chains in the order in which they are written, a group after the other."""
        gone = self._keyring.destroyed_content()
        yield self._whole([self._identity.root.value.control])
        yield self._whole(control_stream(one.chart) for one in memberships)
        for compartments in _CONTENT_ORDER:
            streams = {name for one in memberships for name in streams_of(one, compartments)} - gone
            if waiting is None:
                yield self._whole(streams)
            else:
                yield {chain: 0 for chain in sorted(waiting) if chain[0] in streams}

    def _whole(self, streams: Iterable[StreamId]) -> dict[tuple[StreamId, SessionId], int]:
        return {(stream, session): 0 for stream in sorted(streams) for session in self._store.frontier(stream)}

    def _waiting(self) -> frozenset[Chain]:
        """The chains with something that the relay has not receipted.

        They are written whole: who carries a ledger, or a compartment that it does not read, is fed none of it, and so
        would never have what comes before.
        """
        found: set[Chain] = set()
        after: tuple[int, int] | None = None
        while page := self._store.pending(BATCH_ENTRIES_MAX, after=after):
            found.update((waiting.entry.header.stream, waiting.entry.header.session) for waiting in page)
            after = page[-1].place
        return frozenset(found)

    @staticmethod
    def _concerned(membership: Membership, waiting: frozenset[Chain]) -> bool:
        streams = {control_stream(membership.chart)} | streams_of(membership, frozenset(Compartment))
        return any(stream in streams for stream, _ in waiting)
