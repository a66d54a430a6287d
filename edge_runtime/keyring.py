"""The epoch keys that this device can open: of its teams, and of the charts and ledgers on it.

Owns unwrapping and choosing of epoch keys. Keys stay in memory; what opens them again lies in the control records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from edge_runtime.identity import Identity
from edge_runtime.memberships import ControlStream, Memberships
from edge_runtime.store.device import DeviceStore
from sync_protocol.chart_history import ChartHistory
from sync_protocol.encoding import encode
from sync_protocol.epochs import Epoch, opening_team_epoch, team_epoch
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, TeamId
from sync_protocol.key_wrap import WrapContext, WrapPrivateKey, WrapPublicKey, unwrap, wrap
from sync_protocol.labels import Label
from sync_protocol.membership import Membership
from sync_protocol.organisation import Organisation
from sync_protocol.roles import Compartment
from sync_protocol.sealing import ContentKey, check_commitment
from sync_protocol.secret import Secret
from sync_protocol.teams import TeamEpoch

_NOTHING: Final = ControlStream()


def frontier_digest(parents: Iterable[EntryHash]) -> Hash:
    """What an epoch's commitment says of the control frontier: the parents of the entry that mints it."""
    return Hash.of(Label.FRONTIER + encode([*sorted(parents)]))


class Keyring(Memberships):
    """Memberships and opened epoch keys. Not for use from several threads at once."""

    def __init__(self, store: DeviceStore, identity: Identity) -> None:
        """Start with nothing opened."""
        super().__init__(store, identity)
        self._keys: dict[EntryHash, ContentKey] = {}
        self._team_keys: dict[EntryHash, WrapPrivateKey] = {}
        self._closed: dict[EntryHash, tuple[tuple[CertificateHash, bytes], ...]] = {}

    def open_epoch(self, chart: ChartId, epoch: Epoch) -> ContentKey | None:
        """The key of an epoch, if one of its wraps is for this device or a team of it, and holds what it commits to."""
        known = self._keys.get(epoch.id)
        if known is not None:
            return known
        organisation = self.organisation()
        for recipient in epoch.wraps:
            private = self._private(recipient, organisation)
            key = None if private is None else self.open_with(chart, epoch, private, recipient)
            if key is not None:
                self._keys[epoch.id] = key
                return key
        return None

    def open_with(self, chart: ChartId, epoch: Epoch, private: WrapPrivateKey, recipient: Hash) -> ContentKey | None:
        """The key of an epoch by a private key that is not this device's own: that of a team, or of recovery.

        Args:
            chart: whose epoch.
            epoch: which.
            private: opens what is wrapped to `recipient`.
            recipient: as the epoch's wraps name it.
        """
        record = epoch.record
        context = self._context(chart, record.compartment, record.commitment, record.parents, private.public)
        for wrapper, wrapped in epoch.wraps.get(recipient, ()):
            try:
                key = ContentKey(unwrap(private, wrapped, context=replace(context, minter=wrapper)))
                self._check(record.commitment, key, epoch.minter, epoch.heads, record.nonce)
            except PeerError:
                continue  # a bad wrap: another holder may have wrapped it well
            return key
        return None

    def open_team(self, epoch: TeamEpoch) -> WrapPrivateKey | None:
        """The private key of a team's epoch, if one of its wraps is for this device and holds what it commits to."""
        known = self._team_keys.get(epoch.id)
        wraps = epoch.wraps.get(self._identity.principal, ())
        if known is not None or self._closed.get(epoch.id, ()) == wraps:
            return known
        record, own = epoch.record, self._identity.keys.wrap
        context = self._team_context(epoch.team, record.commitment, record.parents, own.public)
        for wrapper, wrapped in wraps:
            try:
                key = WrapPrivateKey(unwrap(own, wrapped, context=replace(context, minter=wrapper)))
                self._check(record.commitment, key, epoch.minter, epoch.heads, record.nonce)
            except PeerError:
                continue
            if key.public == record.public:
                self._team_keys[epoch.id] = key
                return key
        self._closed[epoch.id] = wraps  # tried: not again before the wraps are others
        return None

    def forget(self, chart: ChartId) -> None:
        """Let go of a chart's records and keys; what still lies in the store is read anew."""
        for entry in self._controls.pop(chart, _NOTHING).entries:
            self._keys.pop(entry.hash, None)

    def close(self, membership: Membership) -> None:
        """Let go of the keys of a chart of which this device is no member any more."""
        self.let_go(epoch.id for compartment in Compartment for epoch in membership.epochs_of(compartment))

    def let_go(self, epochs: Iterable[EntryHash]) -> None:
        """Let go of the keys of some epochs; their wraps lie in the store."""
        for name in epochs:
            self._keys.pop(name, None)

    def keep(self, epoch: EntryHash, key: ContentKey) -> None:
        """Remember the key of an epoch that this device minted, or that an emergency opened."""
        self._keys[epoch] = key

    def keep_team(self, epoch: EntryHash, key: WrapPrivateKey) -> None:
        """Remember the key of a team's epoch that this device minted."""
        self._team_keys[epoch] = key

    def writing_key(
        self, history: ChartHistory, compartment: Compartment, *, now_ms: int
    ) -> tuple[EntryHash, ContentKey] | None:
        """The epoch to write under, or None when one must be minted."""
        for epoch in history.writing_candidates(compartment, now_ms=now_ms):
            key = self.open_epoch(history.chart, epoch)
            if key is not None:
                return epoch.id, key
        return None

    def opened(self, history: ChartHistory) -> Iterator[tuple[Epoch, ContentKey]]:
        """The epochs that this device can open, of the compartments that it may read."""
        membership = history.now
        assert membership is not None, "asked of a chart that was created"
        reads = membership.members.get(self._identity.principal, frozenset())
        for compartment in Compartment:
            for epoch in membership.epochs_of(compartment) if compartment in reads else ():
                key = self.open_epoch(history.chart, epoch)
                if key is not None:
                    yield epoch, key

    def left_over(self, history: ChartHistory) -> Iterator[tuple[Epoch, ContentKey]]:
        """The epochs that this device was given and may read by no more, because of a cut or a removal.

        What was written under them stands, and who reads must open that: it may be that nobody else has their keys.
        """
        membership, own = history.now, self._identity.principal
        assert membership is not None, "asked of a chart that was created"
        reads = membership.members.get(own, frozenset())
        for epoch in () if own in history.organisation.now.revoked else membership.epochs.values():
            lost = epoch.record.compartment not in reads and history.holders.has(own, epoch.id)
            key = self.open_epoch(history.chart, epoch) if lost else None
            if key is not None:
                yield epoch, key

    def wrap_epoch(
        self,
        chart: ChartId,
        *,
        compartment: Compartment,
        commitment: Hash,
        parents: tuple[EntryHash, ...],
        key: ContentKey,
        recipients: Iterable[tuple[Hash, WrapPublicKey]],
    ) -> tuple[tuple[Hash, bytes], ...]:
        """Wrap an epoch's key to recipients."""
        return tuple(
            (name, wrap(public, key.reveal(), context=self._context(chart, compartment, commitment, parents, public)))
            for name, public in sorted(recipients)
        )

    def public_key(self, recipient: Hash, organisation: Organisation) -> WrapPublicKey:
        """The key to which a recipient is wrapped: of a principal, of a team's epoch, or of recovery.

        Args:
            recipient: one of those.
            organisation: that knows it.
        """
        view = organisation.now
        team = team_epoch(organisation, view, recipient)
        if team is not None:
            return WrapPublicKey(team.record.public)
        recovery = view.recovery
        if recovery is not None and recovery.hash == recipient:
            return WrapPublicKey(recovery.value.wrap)
        certificate = organisation.trust.certificate(recipient)
        assert certificate is not None, "members have known certificates"
        return WrapPublicKey(certificate.value.wrap)

    def _private(self, recipient: Hash, organisation: Organisation) -> WrapPrivateKey | None:
        """The private key that opens what is wrapped to a recipient, if this device has it."""
        if recipient == self._identity.principal:
            return self._identity.keys.wrap
        team = opening_team_epoch(organisation, recipient)
        return None if team is None else self.open_team(team)

    def _check(
        self, commitment: Hash, key: Secret, minter: CertificateHash, heads: Iterable[EntryHash], nonce: bytes
    ) -> None:
        check_commitment(commitment, key, minter=minter, frontier=frontier_digest(heads), nonce=nonce)

    def _context(
        self,
        chart: ChartId,
        compartment: Compartment,
        commitment: Hash,
        parents: tuple[EntryHash, ...],
        recipient: WrapPublicKey,
    ) -> WrapContext:
        """What a wrap by this device is for; a reader replaces the wrapper."""
        return WrapContext(
            organisation=self._identity.root.value.organisation,
            commitment=commitment,
            parents=parents,
            recipient=recipient,
            minter=self._identity.principal,
            chart=chart,
            compartment=compartment,
        )

    def wrap_team(
        self,
        team: TeamId,
        *,
        commitment: Hash,
        parents: tuple[EntryHash, ...],
        key: WrapPrivateKey,
        recipients: Iterable[tuple[Hash, WrapPublicKey]],
    ) -> tuple[tuple[Hash, bytes], ...]:
        """Wrap the seed of a team's epoch to recipients."""
        return tuple(
            (name, wrap(public, key.reveal(), context=self._team_context(team, commitment, parents, public)))
            for name, public in sorted(recipients)
        )

    def _team_context(
        self, team: TeamId, commitment: Hash, parents: tuple[EntryHash, ...], recipient: WrapPublicKey
    ) -> WrapContext:
        """What a wrap of a team's seed by this device is for; a reader replaces the wrapper."""
        return WrapContext(
            organisation=self._identity.root.value.organisation,
            commitment=commitment,
            parents=parents,
            recipient=recipient,
            minter=self._identity.principal,
            team=team,
        )
