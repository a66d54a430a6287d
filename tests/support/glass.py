"""A chart behind glass: a minted epoch in two layers, a broken glass, the relay's receipt of it, and a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sync_protocol import merkle
from sync_protocol.break_glass import GlassRequest, GlassWrap, wrap_in_glass
from sync_protocol.certificates import Trust
from sync_protocol.chart_records import Preload
from sync_protocol.checkpoints import Checkpoint, sign_checkpoint
from sync_protocol.control import Control, control_stream, pack_control
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason, BreakGlassRecord
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.glass_requests import Known
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.labels import Label
from sync_protocol.roles import READABLE, Compartment, Role
from sync_protocol.sealing import ContentKey
from sync_protocol.signed import Verified, sign
from sync_protocol.signing import SigningKey
from tests.support.people import START_MS, Device, DeviceSession, Organisation

CHART: Final = ChartId(b"c" * 16)
KEY: Final = ContentKey(b"k" * 32)
DESK: Final = WrapPrivateKey(b"d" * 32)
DESK_SIGNER: Final = SigningKey(b"s" * 32)
TOKEN: Final = WrapPrivateKey(b"t" * 32)
MINTER: Final = CertificateHash(b"m" * 32)


@dataclass
class People:
    """What a desk knows of people, for tests that are about the request."""

    trust: Trust
    revoked: frozenset[CertificateHash] = frozenset()
    ends_ms: int = 2 * START_MS

    def reads(self, principal: CertificateHash) -> frozenset[Compartment]:
        """As the role in the certificate reads."""
        certificate = self.trust.certificate(principal)
        return frozenset() if certificate is None else READABLE[certificate.value.role]

    def expires_ms(self, principal: CertificateHash) -> int:
        """The same for all."""
        del principal
        return self.ends_ms


def glass_record(organisation: Organisation) -> BreakGlassRecord:
    """The root's word on the desk and the token of these tests."""
    return BreakGlassRecord(
        organisation=organisation.root.value.organisation,
        desk=DESK.public,
        desk_signer=DESK_SIGNER.public,
        token=TOKEN.public,
        addresses=("http://desk.example",),
        issued_ms=START_MS,
    )


def glass_wrap(
    organisation: Organisation,
    *,
    chart: ChartId = CHART,
    compartment: Compartment = Compartment.SAFETY,
    commitment: Hash | None = None,
) -> GlassWrap:
    """An epoch's wrap, as its minter made it."""
    named = Hash(b"e" * 32) if commitment is None else commitment
    parents = (EntryHash(b"p" * 32),)
    wrapped = wrap_in_glass(
        KEY,
        glass=glass_record(organisation),
        chart=chart,
        compartment=compartment,
        commitment=named,
        parents=parents,
        minter=MINTER,
    )
    return GlassWrap(
        epoch=EntryHash(b"n" * 32),
        compartment=compartment,
        commitment=named,
        parents=parents,
        minter=MINTER,
        wrapped=wrapped,
    )


BROKEN: Final = BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=b"b" * 16)


@dataclass
class Scene:
    """An organisation with an emergency responder, and what it takes to ask the desk.

    Attributes:
        world: the organisation.
        responder: who breaks the glass.
        heads: what the author had seen of the organisation.
        leaves: other entries in the log.
    """

    world: Organisation = field(default_factory=Organisation.make)
    role: Role = Role.EMERGENCY_RESPONDER
    heads: tuple[EntryHash, ...] = ()
    leaves: tuple[Hash, ...] = (Hash(b"1" * 32), Hash(b"2" * 32))

    def __post_init__(self) -> None:
        self.responder = self.world.device(self.role)
        self.session = self.responder.session()

    def known(self, **changes: Any) -> Known:
        """What the desk has."""
        trust = changes.pop("trust", None) or Trust(self.world.root)
        people = changes.pop("people", None) or People(trust)
        return replace(Known(trust=trust, people=lambda: people, entries=(), relay=None), **changes)

    def write(
        self,
        record: Control,
        *,
        by: DeviceSession | None = None,
        chart: ChartId = CHART,
        epoch: EntryHash | None = None,
    ) -> tuple[Verified[Seal], VerifiedEntry]:
        """A control record of the chart."""
        session = by or self.session
        seal, entries = session.write(
            control_stream(chart), [pack_control(record)], organisation_heads=self.heads, epoch=epoch
        )
        return seal, entries[0]

    def request(
        self,
        record: Control = BROKEN,
        *,
        by: DeviceSession | None = None,
        asker: Device | None = None,
        epoch: EntryHash | None = None,
        wraps: Sequence[GlassWrap] | None = None,
        signer: SigningKey | None = None,
        **changes: Any,
    ) -> Verified[GlassRequest]:
        """A signed request by the responder, good in all its parts but those that are named."""
        session, device = by or self.session, asker or self.responder
        seal, entry = self.write(record, by=session, epoch=epoch)
        tree = [*self.leaves, merkle.leaf_hash(entry.hash)]
        note_key = self.world.note_key
        checkpoint = Checkpoint(origin=note_key.public.name, size=len(tree), root=merkle.root(tree))
        chain = {one.hash: one.wire for one in (*session.device.chain, *device.chain)}
        request = GlassRequest(
            organisation=self.world.root.value.organisation,
            chart=CHART,
            certificate=device.name,
            certificates=tuple(chain.values()),
            session=session.record.wire,
            seal=seal.wire,
            entry=entry.wire,
            relay=self.world.relay.wire,
            index=len(tree) - 1,
            path=merkle.inclusion_path(tree, len(tree) - 1),
            note=sign_checkpoint(checkpoint, note_key),
            wraps=tuple([glass_wrap(self.world)] if wraps is None else wraps),
            nonce=self.world.entropy(16),
        )
        return sign(replace(request, **changes), signer or device.signer, Label.GLASS_REQUEST)


def preload(kit: Device) -> Preload:
    """A member's word that a kit may carry the chart."""
    return Preload(certificate=kit.name)
