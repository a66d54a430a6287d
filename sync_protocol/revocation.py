"""Revocations: a device or a user that is trusted no longer, from a place in each of its chains on.

A revocation is signed by the root or by an administrator, with both kinds of key, because it must hold for as long as
what it cuts. What it says is where each session ended that was honest: a seal by number and hash, so that what is added
below that number later, on another branch, is outside as well. A session that is not listed has nothing within.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sync_protocol.certificates import Certificate, Trust, untrusted
from sync_protocol.errors import malformed
from sync_protocol.ids import CertificateHash, DeviceId, Hash, OrganisationId, SealHash, SessionId, UserId
from sync_protocol.labels import Label
from sync_protocol.limits import CUTS_MAX, RECORD_BYTES_MAX, SEQ_MAX, WALL_MS_MAX
from sync_protocol.records import choice, identifier, key, mapping, octets, optional, pair, uint
from sync_protocol.signed import Signed, Verified, sign_hybrid
from sync_protocol.signing import HybridPublicKey, HybridSigningKey

Cut = tuple[int, SealHash]
"""The last seal of a session that counts: its number and its hash."""


class RevocationReason(StrEnum):
    """Why, as a word: the relay reads it."""

    LOST = "lost"
    STOLEN = "stolen"
    LEFT = "left"
    COMPROMISED = "compromised"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Who is trusted no longer.

    Attributes:
        issuer: the root's hash, or the principal of the administrator who signs.
        device: every certificate of this device, those of later renewals included.
        user: every certificate of this user; with `device`, those of both.
        cuts: where each session ended.
    """

    organisation: OrganisationId = key(1, identifier(OrganisationId))
    issuer: Hash = key(2, identifier(Hash))
    cuts: Mapping[SessionId, Cut] = key(
        3, mapping(identifier(SessionId), pair(uint(SEQ_MAX), identifier(SealHash)), CUTS_MAX)
    )
    reason: RevocationReason = key(4, choice(RevocationReason))
    issued_ms: int = key(5, uint(WALL_MS_MAX))
    device: DeviceId | None = key(6, optional(identifier(DeviceId)))
    user: UserId | None = key(7, optional(identifier(UserId)))

    def names(self, certificate: Certificate) -> bool:
        """Whether a certificate is of the device, or the user, that is revoked."""
        return self.device in {None, certificate.device} and self.user in {None, certificate.user}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """A revocation as it was signed. Organisation's control stream, by its issuer; one by the root, by anybody."""

    record: bytes = key(1, octets(1, RECORD_BYTES_MAX))


def issue_revocation(revocation: Revocation, signer: HybridSigningKey) -> Verified[Revocation]:
    """Sign a revocation as root or administrator."""
    assert revocation.device is not None or revocation.user is not None, "a revocation names a device or a user"
    return sign_hybrid(revocation, signer, Label.REVOCATION)


def open_revocation(wire: bytes, trust: Trust) -> Verified[Revocation]:
    """Verify a revocation by the root or the administrator that it names.

    Raises:
        UntrustedError: another organisation, an unknown issuer, or one that signs no revocations.
        ForgedError: the signatures do not hold.
        MalformedError: not a revocation, or one that names neither device nor user.
    """
    signed = Signed(Revocation, wire)
    claim = signed.claimed()
    if claim.organisation != trust.root.value.organisation:
        raise untrusted("a revocation of this organisation", "one of another organisation")
    if claim.device is None and claim.user is None:
        raise malformed("a revocation of a device or a user", "one of neither")
    return signed.verify_hybrid(_keys(claim.issuer, trust), Label.REVOCATION)


def _keys(issuer: Hash, trust: Trust) -> HybridPublicKey:
    if issuer == trust.root.hash:
        return trust.root.value.keys
    certificate = trust.certificate(issuer)
    if certificate is None or certificate.value.ml_dsa is None:
        raise untrusted("a revocation by the root or a known administrator", f"issuer {issuer.short}")
    return HybridPublicKey(ed25519=certificate.value.ed25519, ml_dsa=certificate.value.ml_dsa)


def is_senior(issuer: Hash, subject: CertificateHash, trust: Trust) -> bool:
    """Whether `issuer` stands nearer to the root than `subject`: who may revoke whom."""
    return trust.depth(issuer) < trust.depth(subject)
