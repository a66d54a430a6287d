"""Makes an organisation with people, devices, sessions and sealed entries, all of them really signed.

    organisation = Organisation.make(1)
    nurse = organisation.device(Role.NURSE).session()
    stream = organisation.stream()
    seal, entries = nurse.write(stream, organisation.bodies(3))

Keys, ids, times and hashes follow from the seed alone, so two runs name everything alike. Only the wire bytes of
roots, certificates and relay records differ, because ML-DSA signs with its own randomness: their hashes do not cover
signatures, but the body of a control record that carries one of them does. An organisation takes some 5 ms, a device
1 ms, a thousand entries 100 ms: tests that change nothing of an organisation may share it.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sync_protocol.certificates import (
    Certificate,
    RelayRecord,
    Root,
    Session,
    Trust,
    issue,
    make_root,
)
from sync_protocol.checkpoints import NoteKey
from sync_protocol.control import Control, pack_control
from sync_protocol.entries import Draft, Header, Place, Seal, VerifiedEntry, seal_batch
from sync_protocol.ids import (
    CertificateHash,
    DeviceId,
    EntryHash,
    Hash,
    OrganisationId,
    SealHash,
    SessionId,
    StreamId,
    UserId,
)
from sync_protocol.intake import Proofs
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.labels import Label
from sync_protocol.records import pack
from sync_protocol.roles import Role
from sync_protocol.signed import Verified, sign, sign_hybrid
from sync_protocol.signing import HybridSigningKey, SigningKey

START_MS: Final = 1_760_000_000_000
"""The organisation's first moment, in Unix milliseconds; each certificate, session and entry comes one later."""
YEAR_MS: Final = 365 * 24 * 3600 * 1000
BODY_BYTES: Final = 200
"""A usual body: a short change, padded and sealed."""
ORIGIN: Final = "relay.example/log"
ADDRESS: Final = "https://relay.example"


class Entropy:
    """A seeded stream of bytes in place of the system's; call it with a number of bytes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, size: int) -> bytes:
        """The next `size` bytes."""
        return self._random.randbytes(size)


class Clock:
    """Unix milliseconds that pass by being asked for."""

    def __init__(self, start_ms: int) -> None:
        self.now_ms = start_ms

    def __call__(self) -> int:
        """One millisecond later than before."""
        self.now_ms += 1
        return self.now_ms


class Organisation:
    """A root, an administrator's device, and a relay whose record the root signed.

    Attributes:
        entropy, clock: where everything random and every time of this organisation comes from.
        root_key, root: the organisation's keys and its self-signed record.
        admin: the first administrator's device, certified by the root; it certifies all others.
        relay_key, relay: the relay's Ed25519 key and record; `note_key` signs checkpoints by that key.
        certificates: every certificate so far, issuers first.
    """

    def __init__(self, seed: int) -> None:
        self.entropy = Entropy(seed)
        self.clock = Clock(START_MS)
        self.root_key = HybridSigningKey(self.entropy(64))
        self.root = make_root(
            Root(
                organisation=OrganisationId(self.entropy(16)),
                ed25519=self.root_key.public.ed25519,
                ml_dsa=self.root_key.public.ml_dsa,
                control=self.stream(),
                created_ms=self.clock(),
            ),
            self.root_key,
        )
        self.certificates: list[Verified[Certificate]] = []
        self.admin = Device(self, Role.ADMIN, issuer=self.root.hash, issuer_key=self.root_key)
        self.relay_key = SigningKey(self.entropy(32))
        self.relay = sign_hybrid(
            RelayRecord(
                organisation=self.root.value.organisation,
                ed25519=self.relay_key.public,
                origin=ORIGIN,
                addresses=(ADDRESS,),
                issued_ms=self.clock(),
            ),
            self.root_key,
            Label.RELAY,
        )

    @classmethod
    def make(cls, seed: int = 1) -> Organisation:
        """An organisation of its own for each seed."""
        return cls(seed)

    @property
    def note_key(self) -> NoteKey:
        """The relay's key as the key of its log."""
        return NoteKey(self.relay.value.origin, self.relay_key)

    def device(
        self,
        role: Role,
        *,
        user: UserId | None = None,
        device: DeviceId | None = None,
        life_ms: int = YEAR_MS,
        by_root: bool = False,
    ) -> Device:
        """A new device, certified by the administrator.

        Args:
            role: the role in its certificate.
            user: whose it is; by default a new person's.
            device: of which it is a further user; by default a new one.
            life_ms: from now to the certificate's `not_after`.
            by_root: the root certifies it: then it belongs to what it is added to, though no record brings it.
        """
        if by_root:
            root, key = self.root.hash, self.root_key
            return Device(self, role, issuer=root, issuer_key=key, user=user, device=device, life_ms=life_ms)
        admin = self.admin
        assert isinstance(admin.key, HybridSigningKey), "administrators sign for the long term"
        issuer = admin.certificate.hash
        return Device(self, role, issuer=issuer, issuer_key=admin.key, user=user, device=device, life_ms=life_ms)

    def stream(self) -> StreamId:
        """A new stream's id."""
        return StreamId(self.entropy(16))

    def bodies(self, count: int, size: int = BODY_BYTES) -> list[bytes]:
        """Bodies that look like ciphertext: `count` times `size` random bytes."""
        return [self.entropy(size) for _ in range(count)]

    def trust(self) -> Trust:
        """What somebody believes who holds the root and every certificate."""
        trust = Trust(self.root)
        for certificate in self.certificates:
            trust.restore(certificate)
        return trust


class Device:
    """A (device, user) with its certificate and private keys.

    Attributes:
        key: signs sessions and seals; of an administrator the hybrid key, which also signs certificates.
        wrap_key: opens epoch keys that were wrapped to this device.
    """

    def __init__(
        self,
        organisation: Organisation,
        role: Role,
        *,
        issuer: Hash,
        issuer_key: HybridSigningKey,
        user: UserId | None = None,
        device: DeviceId | None = None,
        life_ms: int = YEAR_MS,
    ) -> None:
        entropy, now_ms = organisation.entropy, organisation.clock()
        seed = entropy(32)
        self.organisation = organisation
        self.signer = SigningKey(seed)
        self.key = HybridSigningKey(seed + entropy(32)) if role is Role.ADMIN else self.signer
        self.wrap_key = WrapPrivateKey(entropy(32))
        self.certificate = issue(
            Certificate(
                organisation=organisation.root.value.organisation,
                device=device or DeviceId(entropy(16)),
                user=user or UserId(entropy(16)),
                role=role,
                ed25519=self.signer.public,
                wrap=self.wrap_key.public,
                issuer=issuer,
                issued_ms=now_ms,
                not_after_ms=now_ms + life_ms,
                ml_dsa=self.key.public.ml_dsa if isinstance(self.key, HybridSigningKey) else None,
            ),
            issuer_key,
        )
        organisation.certificates.append(self.certificate)

    @property
    def name(self) -> CertificateHash:
        """How control records name this device and its user."""
        return CertificateHash(self.certificate.hash)

    @property
    def chain(self) -> tuple[Verified[Certificate], ...]:
        """The certificates from the one nearest to the root down to this device's."""
        return self.organisation.trust().chain(self.certificate.hash)

    def session(self) -> DeviceSession:
        """A new session, signed by this device."""
        return DeviceSession(self)


@dataclass(slots=True)
class _Chain:
    """Where a session stands in one stream: its own head, and what it saw of others since it last wrote there."""

    head: Place | None = None
    lamport: int = 0
    seen: dict[SessionId, Place] = field(default_factory=dict)


class DeviceSession:
    """A session that writes chains; it keeps sequence numbers, predecessors, dependencies and seals right.

    Attributes:
        record: the signed session record.
        seals: the session's seals so far.
    """

    def __init__(self, device: Device) -> None:
        organisation = device.organisation
        self.device = device
        self.record = sign(
            Session(certificate=device.name, nonce=organisation.entropy(16), started_ms=organisation.clock()),
            device.signer,
            Label.SESSION,
        )
        self.seals: list[Verified[Seal]] = []
        self._chains: dict[StreamId, _Chain] = {}

    @property
    def id(self) -> SessionId:
        """The session's id."""
        return self.record.value.session

    @property
    def proofs(self) -> Proofs:
        """What somebody without any record needs to verify all that this session wrote."""
        return Proofs(
            certificates=tuple(certificate.wire for certificate in self.device.chain),
            sessions=(self.record.wire,),
            seals=tuple(seal.wire for seal in self.seals),
        )

    def see(self, entries: Iterable[VerifiedEntry]) -> None:
        """Read others' entries, each chain in order: this session's next entry in their streams depends on them."""
        for entry in entries:
            header = entry.header
            assert header.session != self.id, "a session knows its own entries"
            chain = self._chains.setdefault(header.stream, _Chain())
            chain.seen[header.session] = (header.seq, entry.hash)
            chain.lamport = max(chain.lamport, header.lamport)

    def write(
        self,
        stream: StreamId,
        bodies: Sequence[bytes],
        *,
        epoch: EntryHash | None = None,
        organisation_heads: Iterable[EntryHash] = (),
        chart_heads: Iterable[EntryHash] = (),
    ) -> tuple[Verified[Seal], tuple[VerifiedEntry, ...]]:
        """Write bodies to one stream, an entry each, under a new seal; the first depends on what was seen there."""
        return self.write_all(
            [(stream, body) for body in bodies],
            epoch=epoch,
            organisation_heads=organisation_heads,
            chart_heads=chart_heads,
        )

    def write_control(
        self, stream: StreamId, records: Iterable[Control]
    ) -> tuple[Verified[Seal], tuple[VerifiedEntry, ...]]:
        """Write control records, an entry each, under a new seal."""
        return self.write(stream, [pack_control(record) for record in records])

    def write_all(
        self,
        writings: Sequence[tuple[StreamId, bytes]],
        *,
        epoch: EntryHash | None = None,
        organisation_heads: Iterable[EntryHash] = (),
        chart_heads: Iterable[EntryHash] = (),
    ) -> tuple[Verified[Seal], tuple[VerifiedEntry, ...]]:
        """Write to several streams in the given order, under one new seal."""
        heads = tuple(sorted(organisation_heads)), tuple(sorted(chart_heads))
        drafts = [self._draft(stream, body, epoch, heads) for stream, body in writings]
        seal, entries = seal_batch(
            drafts,
            session=self.record.value,
            number=len(self.seals),
            previous=SealHash(self.seals[-1].hash) if self.seals else None,
            signer=self.device.signer,
        )
        self.seals.append(seal)
        return seal, entries

    def branch(self) -> DeviceSession:
        """The same session a second time, as after a restored backup: what both write from here on is a fork."""
        twin = copy.copy(self)
        twin.seals = list(self.seals)
        twin._chains = copy.deepcopy(self._chains)
        return twin

    def _draft(
        self,
        stream: StreamId,
        body: bytes,
        epoch: EntryHash | None,
        heads: tuple[tuple[EntryHash, ...], tuple[EntryHash, ...]],
    ) -> Draft:
        chain = self._chains.setdefault(stream, _Chain())
        header = Header(
            stream=stream,
            session=self.id,
            seq=0 if chain.head is None else chain.head[0] + 1,
            prev=None if chain.head is None else chain.head[1],
            deps=dict(chain.seen),
            organisation_heads=heads[0],
            chart_heads=heads[1],
            epoch=epoch,
            lamport=chain.lamport + 1,
            wall_ms=self.device.organisation.clock(),
            body_hash=Hash.of(body),
            body_size=len(body),
            seal=len(self.seals),
        )
        chain.head = (header.seq, EntryHash.of(pack(header)))
        chain.lamport = header.lamport
        chain.seen.clear()
        return Draft(header=header, body=body)
