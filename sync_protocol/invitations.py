"""Enrolment: the out-of-band invitation, the request that answers it, and the code that both screens show.

An invitation may name a user, who gets a further device, or a device, which gets a further user.

The invitation passes by QR code or paper and carries a 32-byte secret that the relay never sees. The request is MACed
under it over all keys, so the relay can neither put its own keys in nor enrol anyone; it only checks, by a derived
proof, that the sender holds an invitation. The administrator compares a short code before signing the certificate: what
a stolen invitation is worth ends there.

A thief of the invitation who also rules the relay could hold the honest request back and look for keys of his own that
have its code. Nobody else takes part between the two requests, so what stops him is work: twelve digits, each guess at
the price of a memory-hard derivation that begins with the secret, so that none can be made ahead of the theft.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from sync_protocol.certificates import check_subject
from sync_protocol.errors import forged
from sync_protocol.ids import DeviceId, Hash, InvitationId, RootHash, UserId
from sync_protocol.labels import Label
from sync_protocol.limits import ADDRESS_BYTES_MAX, HASH_BYTES, WALL_MS_MAX, WRAP_KEY_BYTES
from sync_protocol.records import choice, identifier, key, octets, optional, pack, string, uint, unpack
from sync_protocol.roles import Role
from sync_protocol.signing import Ed25519Signature, MlDsaVerifyKey, SigningKey, VerifyKey, verify

CODE_DIGITS: Final = 12
_CODE_BYTES: Final = 16
CODE_PASSES: Final = 3
CODE_MEMORY_KIB: Final = 64 * 1024
_REQUEST_BYTES_MAX: Final = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What passes out of band.

    Attributes:
        root: the hash of the organisation's root record; the record itself is fetched and compared.
        address: the relay's URL.
        secret: 32 random bytes.
        user: whose further device it will be; None for a new user.
        device: the device whose further user it will be; None for a new device.
    """

    invitation: InvitationId = key(1, identifier(InvitationId))
    root: RootHash = key(2, identifier(RootHash))
    address: str = key(3, string(ADDRESS_BYTES_MAX))
    secret: bytes = key(4, octets(HASH_BYTES, HASH_BYTES))
    role: Role = key(5, choice(Role))
    expires_ms: int = key(6, uint(WALL_MS_MAX))
    user: UserId | None = key(7, optional(identifier(UserId)))
    device: DeviceId | None = key(8, optional(identifier(DeviceId)))

    def __repr__(self) -> str:
        """Hide the secret."""
        return f"Invitation({self.invitation.short}, {self.role.value})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the new device asks to be certified."""

    invitation: InvitationId = key(1, identifier(InvitationId))
    device: DeviceId = key(2, identifier(DeviceId))
    user: UserId = key(3, identifier(UserId))
    role: Role = key(4, choice(Role))
    ed25519: VerifyKey = key(5, identifier(VerifyKey))
    wrap: bytes = key(6, octets(WRAP_KEY_BYTES, WRAP_KEY_BYTES))
    made_ms: int = key(7, uint(WALL_MS_MAX))
    ml_dsa: MlDsaVerifyKey | None = key(8, optional(identifier(MlDsaVerifyKey)))


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A request as it travels.

    Attributes:
        proof: shows the relay that the sender holds an invitation.
        mac: over the request, under the invitation's secret; the administrator's device checks it.
        signature: by the new key, so that nobody enrols a key that is not theirs.
    """

    request: bytes = key(1, octets(1, _REQUEST_BYTES_MAX))
    proof: Hash = key(2, identifier(Hash))
    mac: Hash = key(3, identifier(Hash))
    signature: Ed25519Signature = key(4, identifier(Ed25519Signature))


def proof_of(invitation: Invitation) -> Hash:
    """What the holder of an invitation shows to the relay. It tells nothing of the secret."""
    return _mac(Label.INVITATION_PROOF, invitation.secret, invitation.invitation)


def proof_digest(proof: Hash) -> Hash:
    """What the relay compares a shown proof with; it stands in the invite record."""
    return Hash.of(Label.INVITATION_PROOF.value + proof)


def make_request(request: Request, invitation: Invitation, signer: SigningKey) -> WireRequest:
    """Complete a request for sending."""
    data = pack(request)
    return WireRequest(
        request=data,
        proof=proof_of(invitation),
        mac=_mac(Label.INVITATION_MAC, invitation.secret, data),
        signature=signer.sign(Label.ENROLMENT, data),
    )


def open_request(wire: WireRequest, invitation: Invitation) -> Request:
    """Verify a request on the administrator's device.

    Raises:
        ForgedError: the MAC or the signature does not hold, or another invitation, role, user or device is named.
        MalformedError, UntrustedError: see `claimed_request`.
    """
    if not hmac.compare_digest(wire.mac, _mac(Label.INVITATION_MAC, invitation.secret, wire.request)):
        raise forged("a request made with the invitation's secret", "another MAC")
    request = claimed_request(wire)
    if request.invitation != invitation.invitation or request.role is not invitation.role:
        raise forged("the invitation and role that were given out", "another")
    if invitation.user not in {None, request.user} or invitation.device not in {None, request.device}:
        raise forged("the user and the device that the invitation names", "another")
    return request


def claimed_request(wire: WireRequest) -> Request:
    """What a request says of itself, signed by its own new key alone: enough for the relay to file it.

    Raises:
        ForgedError: the new key did not sign it, or is one that no honest device makes.
        MalformedError: not a request, or keys in it to which nothing can be wrapped.
        UntrustedError: an ML-DSA key for a role that may not enrol, or none for one that may.
    """
    request = unpack(Request, wire.request, bytes_max=_REQUEST_BYTES_MAX)
    verify(request.ed25519, Label.ENROLMENT, wire.request, wire.signature)
    check_subject(role=request.role, ed25519=request.ed25519, wrap=request.wrap, ml_dsa=request.ml_dsa)
    return request


def code_of(wire: WireRequest, invitation: Invitation) -> str:
    """The twelve digits that both screens show; they depend on every key in the request and on the secret.

    Takes a tenth of a second and 64 MiB. Source: RFC 9106 (Argon2id).
    """
    derive = Argon2id(
        salt=Hash.of(Label.INVITATION_CODE.value + wire.request),
        length=_CODE_BYTES,
        iterations=CODE_PASSES,
        lanes=1,
        memory_cost=CODE_MEMORY_KIB,
    )
    number = int.from_bytes(derive.derive(invitation.secret), "big")
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def _mac(label: Label, secret: bytes, message: bytes) -> Hash:
    return Hash(hmac.new(secret, label.value + message, sha256).digest())
