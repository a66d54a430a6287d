"""Real wraps for the in-memory organisation, and who opens them with any key that it ever held."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sync_protocol.control import Control, MintEpoch, Rewrap, unpack_control
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash
from sync_protocol.key_wrap import WrapContext, WrapPrivateKey, WrapPublicKey, unwrap, wrap
from sync_protocol.team_records import MintTeamEpoch, RewrapTeam
from tests.support.org_world import Actor, OrgWorld

RECOVERY: Final = WrapPrivateKey(b"w" * 32)
"""The recovery key that `org_emergency` announces."""
Minted = MintEpoch | MintTeamEpoch


class RealWraps:
    """Puts real wraps in the place of dummies, as whoever writes the record would make them."""

    def __init__(self, world: OrgWorld, chart: ChartId, recovery: Hash) -> None:
        """Know where the recipients' keys are.

        Args:
            world: whose records they are.
            chart: of every epoch.
            recovery: the recovery record.
        """
        self._world = world
        self._chart = chart
        self._recovery = recovery
        self._secrets: dict[Hash, bytes] = {}

    def __call__(self, actor: Actor, record: Control) -> Control:
        """The record with real wraps; others as they are."""
        match record:
            case MintTeamEpoch():
                seed = self._world.people.entropy(32)
                self._secrets[record.commitment] = seed
                record = replace(record, public=bytes(WrapPrivateKey(seed).public))
                return replace(record, wraps=self._wraps(actor, record, record.wraps))
            case MintEpoch():
                self._secrets.setdefault(record.commitment, self._world.people.entropy(32))
                return replace(record, wraps=self._wraps(actor, record, record.wraps))
            case Rewrap() | RewrapTeam():
                return replace(record, wraps=self._wraps(actor, self._minted(record.epoch), record.wraps))
            case _:
                return record

    def _minted(self, epoch: EntryHash) -> Minted:
        record = unpack_control(self._world.entries[epoch].body)
        assert isinstance(record, MintEpoch | MintTeamEpoch), "an epoch"
        return record

    def _wraps(
        self, actor: Actor, minted: Minted, dummies: tuple[tuple[Hash, bytes], ...]
    ) -> tuple[tuple[Hash, bytes], ...]:
        found: list[tuple[Hash, bytes]] = []
        for name, _ in dummies:
            public = self._public(name)
            context = self._context(actor.name, minted, public)
            found.append((name, wrap(public, self._secrets[minted.commitment], context=context)))
        return tuple(found)

    def _public(self, name: Hash) -> WrapPublicKey:
        if name == self._recovery:
            return RECOVERY.public
        certificate = self._world.trust.certificate(name)
        if certificate is not None:
            return WrapPublicKey(certificate.value.wrap)
        team = self._minted(EntryHash(name))
        assert isinstance(team, MintTeamEpoch), "a team's epoch"
        return WrapPublicKey(team.public)

    def _context(self, wrapper: CertificateHash, minted: Minted, public: WrapPublicKey) -> WrapContext:
        chart = isinstance(minted, MintEpoch)
        return WrapContext(
            organisation=self._world.people.root.value.organisation,
            commitment=minted.commitment,
            parents=minted.parents,
            recipient=public,
            minter=wrapper,
            chart=self._chart if chart else None,
            compartment=minted.compartment if isinstance(minted, MintEpoch) else None,
            team=None if isinstance(minted, MintEpoch) else minted.team,
        )

    def opened_by(self, own: WrapPrivateKey) -> frozenset[EntryHash]:
        """The epochs that somebody opens with a key of its own, and with whatever that opens."""
        keys = [own]
        opened: set[EntryHash] = set()
        for teams in (True, False):  # no team's key opens another's
            for entry in self._world.entries.values():
                record = self._control(entry)
                if not isinstance(record, MintEpoch | MintTeamEpoch | Rewrap | RewrapTeam):
                    continue
                epoch = record.epoch if isinstance(record, Rewrap | RewrapTeam) else entry.hash
                minted = self._minted(epoch)
                if isinstance(minted, MintTeamEpoch) is not teams:
                    continue
                for secret in self._tried(keys, self._world.author(entry), minted, record.wraps):
                    assert secret == self._secrets[minted.commitment]
                    opened.add(epoch)
                    keys += [WrapPrivateKey(secret)] if teams else []
        return frozenset(opened)

    def _control(self, entry: VerifiedEntry) -> object:
        try:
            return unpack_control(entry.body) if entry.header.epoch is None else None
        except PeerError:
            return None

    def _tried(
        self,
        keys: list[WrapPrivateKey],
        wrapper: CertificateHash,
        minted: Minted,
        wraps: tuple[tuple[Hash, bytes], ...],
    ) -> list[bytes]:
        """What any of some keys opens of some wraps, whomever they name."""
        found: list[bytes] = []
        for key in list(keys):
            for _, wrapped in wraps:
                try:
                    found.append(unwrap(key, wrapped, context=self._context(wrapper, minted, key.public)))
                except PeerError:
                    continue
        return found
