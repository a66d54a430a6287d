"""Bundles of one device: written and taken in, and recorded as the acts that they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from edge_runtime.blobs.bundled import Incoming, outgoing
from edge_runtime.blobs.stock import BlobStock
from edge_runtime.errors import StoreError
from edge_runtime.events import Events, Synced
from edge_runtime.identity import Clock, Entropy, Identity, new_session
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.bundle_export import BundleExport, Exported
from edge_runtime.sync.bundle_import import BundleImport, BundleReport
from edge_runtime.sync.progress import charts_to_mend, forget_charts_to_mend
from sync_protocol.audit import Head
from sync_protocol.ids import CertificateHash, ChartId


class Record(Protocol):
    """What writes both acts into this device's audit."""

    def bundle_exported(self, *, entries: int, charts: int, everything: bool) -> object:
        """Record that a bundle was written."""
        ...

    def bundle_imported(self, peer: CertificateHash | None, heads: Iterable[Head], *, received: int) -> object:
        """Record that a bundle was taken in."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    """What writes and takes in bundles.

    Attributes:
        store, identity, keyring, events: the device's.
        clock, entropy: date bundles, and open another session where this one turns out to have written elsewhere.
        record: writes the act into this device's audit.
        mend: looks after the keys of charts whose members changed.
        stock: its attachments.
        settled: does what is due once something came, such as a purge.
    """

    store: DeviceStore
    identity: Identity
    keyring: Keyring
    events: Events
    clock: Clock
    entropy: Entropy
    record: Record
    mend: Callable[[Iterable[ChartId]], object]
    stock: Callable[[], BlobStock]
    settled: Callable[[], object]

    def export(
        self,
        write: Callable[[bytes], object],
        *,
        charts: Collection[ChartId] | None,
        everything: bool,
        attachments: bool,
        progress: Callable[[int], None],
    ) -> Exported:
        """Write a bundle, with its attachments or without. It is recorded before its end is signed.

        The other arguments are explained at BundleExport.

        Raises:
            StoreError: the store cannot be read, or the act not recorded.
        """
        export = BundleExport(self.store, self.identity, self.keyring)
        return export.write(
            write,
            charts=charts,
            everything=everything,
            made_ms=self.clock(),
            progress=progress,
            record=lambda done: self.record.bundle_exported(
                entries=done.entries, charts=done.charts, everything=everything
            ),
            attachments=lambda found: outgoing(self.stock(), found, everything=everything) if attachments else (),
        )

    def take_in(self, pieces: Iterable[bytes], *, progress: Callable[[BundleReport], None]) -> BundleReport:
        """Take in a bundle; see BundleImport.

        Raises:
            PeerError: no bundle.
            RefusedError: of another organisation.
            InputError: it cannot be read on; what came is kept.
            StoreError: the store is full or damaged; what came is kept.
        """
        taking = BundleImport(
            self.store,
            self.identity,
            self.keyring,
            self.events,
            fresh=lambda certificate: new_session(
                self.identity.keys, certificate, now_ms=self.clock(), entropy=self.entropy
            ),
            clock=self.clock,
            attachments=Incoming(self.stock()),
        )
        try:
            try:
                return taking.read(pieces, progress=progress)
            finally:
                self._conclude(taking)
        except StoreError as error:
            if error.code != "disk_full" or not taking.report.entries:
                raise
            raise StoreError(
                error.code,
                expected="room for what the bundle holds, and for the record that it was taken in",
                got=error.got,
                do="free some space and import it again: what came before is kept, and nothing comes twice",
            ) from error

    def _conclude(self, taking: BundleImport) -> None:
        """After an import, also one that was cut off: mend keys, record it, tell of it."""
        report = taking.report
        if not report.entries:
            return
        charts = charts_to_mend(self.store)
        if charts:
            self.mend(charts)
            forget_charts_to_mend(self.store, charts)
        proven = report.maker if report.is_proven else None  # nobody goes on record for what a head claims
        maker = None if proven is None else CertificateHash(proven.hash)
        received = report.received + report.waited
        self.record.bundle_imported(maker, taking.heads(), received=received)
        self.events.publish(Synced(received=received, receipted=0, pending=self.store.waiting()))
