"""The epoch keys that this device can open, of the charts and ledgers on it.

Owns unwrapping and choosing of epoch keys. Keys stay in memory; what opens them again lies in the control records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from edge_runtime.identity import Identity
from edge_runtime.memberships import Memberships
from edge_runtime.store.device import DeviceStore
from sync_protocol.encoding import encode
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash
from sync_protocol.key_wrap import WrapContext, WrapPublicKey, unwrap, wrap
from sync_protocol.labels import Label
from sync_protocol.membership import Epoch, Membership
from sync_protocol.roles import Compartment
from sync_protocol.sealing import ContentKey, check_commitment


def frontier_digest(parents: Iterable[EntryHash]) -> Hash:
    """What an epoch's commitment says of the control frontier: the parents of the entry that mints it."""
    return Hash.of(Label.FRONTIER + encode([*sorted(parents)]))


class Keyring(Memberships):
    """Memberships and opened epoch keys. Not for use from several threads at once."""

    def __init__(self, store: DeviceStore, identity: Identity) -> None:
        """Start with nothing opened."""
        super().__init__(store, identity)
        self._keys: dict[EntryHash, ContentKey] = {}

    def open_epoch(self, chart: ChartId, epoch: Epoch) -> ContentKey | None:
        """The key of an epoch, if one of its wraps is for this device and holds what the epoch commits to."""
        known = self._keys.get(epoch.id)
        if known is not None:
            return known
        record = epoch.record
        context = self._context(chart, record.compartment, record.commitment, record.parents)
        for wrapper, wrapped in epoch.wraps.get(self._identity.name, ()):
            try:
                key = ContentKey(unwrap(self._identity.keys.wrap, wrapped, context=replace(context, minter=wrapper)))
                frontier = frontier_digest(epoch.heads)
                check_commitment(record.commitment, key, minter=epoch.minter, frontier=frontier, nonce=record.nonce)
            except PeerError:
                continue  # a bad wrap: another holder may have wrapped it well
            self._keys[epoch.id] = key
            return key
        return None

    def keep(self, epoch: EntryHash, key: ContentKey) -> None:
        """Remember the key of an epoch that this device minted."""
        self._keys[epoch] = key

    def writing_key(
        self, chart: ChartId, membership: Membership, compartment: Compartment
    ) -> tuple[EntryHash, ContentKey] | None:
        """The epoch to write under, or None when one must be minted."""
        for epoch in membership.writing_candidates(compartment):
            key = self.open_epoch(chart, epoch)
            if key is not None:
                return epoch.id, key
        return None

    def unwrapped(
        self, chart: ChartId, membership: Membership, *, again: CertificateHash | None = None
    ) -> Iterator[tuple[Epoch, ContentKey, tuple[CertificateHash, ...]]]:
        """Epochs that this device can open, and the readers for whom nobody has wrapped their keys.

        Args:
            chart: which.
            membership: of the chart.
            again: a reader whose wraps may be bad: counts as lacking all that this device has not wrapped itself.
        """
        for compartment in Compartment:
            readers = membership.readers(compartment)
            for epoch in membership.epochs_of(compartment):
                lacking = set(readers - epoch.wraps.keys())
                if again in readers and all(by != self._identity.name for by, _ in epoch.wraps.get(again, ())):
                    lacking.add(again)
                key = self.open_epoch(chart, epoch) if lacking and self._identity.name in readers else None
                if key is not None:
                    yield epoch, key, tuple(sorted(lacking))

    def wrap_for(
        self,
        chart: ChartId,
        *,
        compartment: Compartment,
        commitment: Hash,
        parents: tuple[EntryHash, ...],
        key: ContentKey,
        recipients: Iterable[CertificateHash],
    ) -> tuple[tuple[CertificateHash, bytes], ...]:
        """Wrap an epoch's key to devices; all must be known here."""
        context = self._context(chart, compartment, commitment, parents)
        wraps: list[tuple[CertificateHash, bytes]] = []
        for name in sorted(recipients):
            certificate = self._identity.trust.certificate(name)
            assert certificate is not None, "members have known certificates"
            recipient = WrapPublicKey(certificate.value.wrap)
            wraps.append((name, wrap(recipient, key.reveal(), context=replace(context, recipient=recipient))))
        return tuple(wraps)

    def _context(
        self, chart: ChartId, compartment: Compartment, commitment: Hash, parents: tuple[EntryHash, ...]
    ) -> WrapContext:
        """What a wrap by this device for itself is for; the caller replaces the wrapper, or the recipient."""
        return WrapContext(
            organisation=self._identity.root.value.organisation,
            commitment=commitment,
            parents=parents,
            recipient=self._identity.keys.wrap.public,
            minter=self._identity.name,
            chart=chart,
            compartment=compartment,
        )
