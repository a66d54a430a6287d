"""Who may speak: the organisation's root, device certificates that chain to it, sessions, and the relay's record.

A certificate binds a (device, user) to its keys and role. `not_after` gates relay sessions and new wraps, never the
acceptance of entries: what was written stays written. Roots, certificates and relay records carry Ed25519 and
ML-DSA-65; a session is signed by its device's Ed25519 key alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync_protocol.errors import UntrustedError
from sync_protocol.ids import (
    CertificateHash,
    DeviceId,
    Hash,
    OrganisationId,
    RootHash,
    SessionId,
    StreamId,
    UserId,
)
from sync_protocol.labels import Label
from sync_protocol.limits import (
    ADDRESS_BYTES_MAX,
    ADDRESSES_MAX,
    CERTIFICATE_CHAIN_MAX,
    ID_BYTES,
    WALL_MS_MAX,
    WRAP_KEY_BYTES,
)
from sync_protocol.public_keys import check_wrap_key
from sync_protocol.records import choice, identifier, key, many, octets, optional, string, uint
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, Verified, sign_hybrid
from sync_protocol.signing import (
    CosignVerifyKey,
    HybridPublicKey,
    HybridSigningKey,
    MlDsaVerifyKey,
    VerifyKey,
    check_verify_key,
)

_ENROLLING: Final = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """An organisation, signed by itself. Its hash is what people carry out of band."""

    organisation: OrganisationId = key(1, identifier(OrganisationId))
    ed25519: VerifyKey = key(2, identifier(VerifyKey))
    ml_dsa: MlDsaVerifyKey = key(3, identifier(MlDsaVerifyKey))
    control: StreamId = key(4, identifier(StreamId))
    created_ms: int = key(5, uint(WALL_MS_MAX))

    @property
    def keys(self) -> HybridPublicKey:
        """Both keys."""
        return HybridPublicKey(ed25519=self.ed25519, ml_dsa=self.ml_dsa)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A (device, user) of the organisation.

    Attributes:
        wrap: the X-Wing public key to which epoch keys are wrapped.
        issuer: the hash of the root, or of the first certificate of the enrolling administrator.
        ml_dsa: present on administrators' certificates, who sign for the long term.
        renews: the first certificate of the same device, user, role and keys, which this one prolongs. It and all that
            renew it are one principal, by the name of the first.
    """

    organisation: OrganisationId = key(1, identifier(OrganisationId))
    device: DeviceId = key(2, identifier(DeviceId))
    user: UserId = key(3, identifier(UserId))
    role: Role = key(4, choice(Role))
    ed25519: VerifyKey = key(5, identifier(VerifyKey))
    wrap: bytes = key(6, octets(WRAP_KEY_BYTES, WRAP_KEY_BYTES))
    issuer: Hash = key(7, identifier(Hash))
    issued_ms: int = key(8, uint(WALL_MS_MAX))
    not_after_ms: int = key(9, uint(WALL_MS_MAX))
    ml_dsa: MlDsaVerifyKey | None = key(10, optional(identifier(MlDsaVerifyKey)))
    renews: CertificateHash | None = key(11, optional(identifier(CertificateHash)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRecord:
    """The organisation's word for one relay: its keys, the origin of its log, where it answers.

    Attributes:
        ed25519: signs handshakes and checkpoints.
        cosigner: the ML-DSA-44 key that cosigns a checkpoint a day; None for a relay claimed before it had one.
    """

    organisation: OrganisationId = key(1, identifier(OrganisationId))
    ed25519: VerifyKey = key(2, identifier(VerifyKey))
    origin: str = key(3, string(ADDRESS_BYTES_MAX))
    addresses: tuple[str, ...] = key(4, many(string(ADDRESS_BYTES_MAX), ADDRESSES_MAX))
    issued_ms: int = key(5, uint(WALL_MS_MAX))
    cosigner: CosignVerifyKey | None = key(6, optional(identifier(CosignVerifyKey)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One user at work on one device: the writer of chains, one client id a text section.

    Attributes:
        certificate: whose session.
        nonce: 16 random bytes; with the certificate they make the session's id.
        started_ms: the author's clock.
    """

    certificate: CertificateHash = key(1, identifier(CertificateHash))
    nonce: bytes = key(2, octets(ID_BYTES, ID_BYTES))
    started_ms: int = key(3, uint(WALL_MS_MAX))

    @property
    def session(self) -> SessionId:
        """The session's id. Derived, so that no other certificate can lay claim to it and shut its owner out."""
        return SessionId(Hash.of(Label.SESSION_ID.value + self.certificate + self.nonce)[:ID_BYTES])


def make_root(root: Root, signer: HybridSigningKey) -> Verified[Root]:
    """Sign a new organisation's root record with its own keys."""
    return sign_hybrid(root, signer, Label.ROOT)


def open_root(wire: bytes, *, expected: RootHash | None) -> Verified[Root]:
    """Verify a root record by its own keys and, where one came out of band, by its hash.

    Raises:
        UntrustedError: another organisation's root than the expected one.
        ForgedError: the signatures do not hold.
        MalformedError: not a root record.
    """
    signed = Signed(Root, wire)
    if expected is not None and signed.hash != expected:
        raise untrusted(f"the root {expected.short}, which is trusted here", f"root {signed.hash.short}")
    return signed.verify_hybrid(signed.claimed().keys, Label.ROOT)


class Trust:
    """The organisation's certificates as far as they are known and verified, by hash."""

    def __init__(self, root: Verified[Root]) -> None:
        """Start from the root alone."""
        self.root = root
        self._certificates: dict[bytes, Verified[Certificate]] = {}
        self._newest: dict[bytes, Verified[Certificate]] = {}
        self._depths: dict[bytes, int] = {root.hash: 0}

    def certificate(self, name: bytes) -> Verified[Certificate] | None:
        """The certificate of that hash, if it is known."""
        return self._certificates.get(name)

    def certificates(self) -> tuple[Verified[Certificate], ...]:
        """All that are known."""
        return tuple(self._certificates.values())

    def principal(self, name: bytes) -> CertificateHash:
        """The (device, user) that a certificate speaks for: the first certificate of its line of renewals."""
        certificate = self._certificates.get(name)
        first = None if certificate is None else certificate.value.renews
        return CertificateHash(name) if first is None else first

    def principals(self) -> tuple[CertificateHash, ...]:
        """All that are known; another thread may be adding to them."""
        names = tuple(self._newest)  # in one step, which a loop over the table itself would not be
        return tuple(map(CertificateHash, names))

    def newest(self, principal: bytes) -> Verified[Certificate] | None:
        """The certificate of a principal that is good for longest."""
        return self._newest.get(principal)

    def depth(self, name: bytes) -> int:
        """How many enrolments lie between the root and a known certificate; renewals keep it. The root is at 0."""
        known = self._depths.get(name)
        if known is None:  # the hash fixes the line to the root, so it is worked out once
            known = self._depths[name] = 1 + self.depth(self._certificates[self.principal(name)].value.issuer)
        return known

    def restore(self, certificate: Verified[Certificate]) -> None:
        """Take back a certificate that this process's own store kept, in any order."""
        self._keep(certificate)

    def admit(self, signed: Signed[Certificate]) -> Verified[Certificate]:
        """Verify a certificate by its issuer's keys and keep it.

        Raises:
            ForgedError, MalformedError, UntrustedError: see `verify`.
        """
        known = self._certificates.get(signed.hash)
        if known is not None:  # the hash covers all of it but the signatures, and one good pair is enough
            return known
        verified = self.verify(signed)
        self._keep(verified)
        return verified

    def verify(self, signed: Signed[Certificate]) -> Verified[Certificate]:
        """Verify a certificate by its issuer's keys.

        Raises:
            UntrustedError: another organisation, an unknown issuer, an issuer who may not enrol, too long a chain.
            ForgedError: the signatures do not hold, or the certified key is one that no honest device makes.
            MalformedError: not a certificate, or keys in it to which nothing can be wrapped.
        """
        claim = signed.claimed()
        if claim.organisation != self.root.value.organisation:
            raise untrusted("a certificate of this organisation", "one of another organisation")
        verified = signed.verify_hybrid(self._issuer_keys(claim), Label.CERTIFICATE)
        check_subject(role=claim.role, ed25519=claim.ed25519, wrap=claim.wrap, ml_dsa=claim.ml_dsa)
        self._check_renewal(claim)
        return verified

    def chain(self, name: bytes) -> tuple[Verified[Certificate], ...]:
        """The certificates that show who `name` is, each after those on which it rests; empty when it is unknown.

        Those from the root's side down, and for a renewal those of the certificate that it renews: at most
        CERTIFICATES_MAX.
        """
        found: dict[bytes, Verified[Certificate]] = {}
        self._gather(name, found)
        return tuple(found.values())

    def _gather(self, name: bytes, found: dict[bytes, Verified[Certificate]]) -> None:
        certificate = self._certificates.get(name)
        if certificate is None:
            return
        self._gather(certificate.value.issuer, found)
        if certificate.value.renews is not None:
            self._gather(certificate.value.renews, found)
        found[name] = certificate

    def _keep(self, certificate: Verified[Certificate]) -> None:
        name, value = CertificateHash(certificate.hash), certificate.value
        self._certificates[name] = certificate
        principal = name if value.renews is None else value.renews
        newest = self._newest.get(principal)
        if newest is None or (value.not_after_ms, name) > (newest.value.not_after_ms, newest.hash):
            self._newest[principal] = certificate

    def _check_renewal(self, claim: Certificate) -> None:
        """A renewal prolongs and changes nothing else: other keys or another role are another enrolment.

        It names the first of its line, so that proofs stay short, and nobody signs one for itself: whose certificate
        has ended would let itself in again.
        """
        if claim.renews is None:
            return
        earlier = self._certificates.get(claim.renews)
        if earlier is None:
            raise untrusted("a renewal of a known certificate", f"certificate {claim.renews.short}")
        if earlier.value.renews is not None:
            raise untrusted("a renewal that names the first certificate of its line", "one that names a renewal")
        if claim.issuer == claim.renews:
            raise untrusted("a renewal by the root or another administrator", "one by its own device")
        for name in ("device", "user", "role", "ed25519", "wrap", "ml_dsa"):
            if getattr(claim, name) != getattr(earlier.value, name):
                raise untrusted("a renewal that changes nothing but the time", f"another {name}")
        if claim.not_after_ms <= earlier.value.not_after_ms:
            raise untrusted("a renewal that ends later than what it renews", f"the end {claim.not_after_ms} ms")

    def _issuer_keys(self, claim: Certificate) -> HybridPublicKey:
        if claim.issuer == self.root.hash:
            return self.root.value.keys
        known = self._certificates.get(claim.issuer)
        if known is None:
            raise untrusted("a certificate whose issuer is known", f"issuer {claim.issuer.short}")
        issuer, depth = known.value, self.depth(claim.issuer)
        if depth >= CERTIFICATE_CHAIN_MAX:
            raise untrusted(f"at most {CERTIFICATE_CHAIN_MAX} certificates to the root", f"{depth + 1}")
        if issuer.ml_dsa is None:
            raise untrusted("an issuer who may enrol devices", f"role {issuer.role.value}")
        if issuer.renews is not None:
            raise untrusted("an issuer by its first certificate", "one by a renewal")
        return HybridPublicKey(ed25519=issuer.ed25519, ml_dsa=issuer.ml_dsa)


def check_subject(*, role: Role, ed25519: VerifyKey, wrap: bytes, ml_dsa: MlDsaVerifyKey | None) -> None:
    """Check what is to be certified, before signing and again on receipt.

    A wrapping key that takes no wrap would leave a chart without a valid epoch as soon as its owner becomes a member.

    Raises:
        ForgedError: an Ed25519 key that no honest device makes.
        MalformedError: a wrapping key to which nothing can be wrapped.
        UntrustedError: an ML-DSA key for a role that may not enrol, or none for one that may.
    """
    check_verify_key(ed25519)
    check_wrap_key(wrap)
    if (ml_dsa is not None) != (role in _ENROLLING):
        raise untrusted("an ML-DSA key on administrators' certificates only", f"role {role.value}")


def issue(certificate: Certificate, signer: HybridSigningKey) -> Verified[Certificate]:
    """Sign a certificate as root or administrator.

    Raises:
        ForgedError, MalformedError, UntrustedError: see `check_subject`.
    """
    check_subject(role=certificate.role, ed25519=certificate.ed25519, wrap=certificate.wrap, ml_dsa=certificate.ml_dsa)
    return sign_hybrid(certificate, signer, Label.CERTIFICATE)


def open_relay(wire: bytes, root: Verified[Root]) -> Verified[RelayRecord]:
    """Verify the relay's record by the organisation's root.

    Raises:
        UntrustedError: another organisation.
        ForgedError: the root did not sign it.
        MalformedError: not a relay record.
    """
    record = Signed(RelayRecord, wire).verify_hybrid(root.value.keys, Label.RELAY)
    if record.value.organisation != root.value.organisation:
        raise untrusted("a relay of this organisation", "a relay of another organisation")
    return record


def open_session(wire: bytes, trust: Trust) -> Verified[Session]:
    """Verify a session record by the certificate that it names.

    Raises:
        UntrustedError: that certificate is not known.
        ForgedError: its key did not sign.
        MalformedError: not a session record.
    """
    signed = Signed(Session, wire)
    certificate = trust.certificate(signed.claimed().certificate)
    if certificate is None:
        raise untrusted("a session of a known certificate", f"certificate {signed.claimed().certificate.short}")
    return signed.verify(certificate.value.ed25519, Label.SESSION)


def untrusted(expected: str, got: str) -> UntrustedError:
    """Make an UntrustedError with the usual advice."""
    return UntrustedError("untrusted", expected=expected, got=got, do="check with the organisation's administrator")
