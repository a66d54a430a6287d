"""Who is at the other end, where two devices meet: both sign both hellos, their own part and the address dialled.

Neither needs the relay: certificates chain to the organisation's root. The fresh nonces in the hellos make an old
signature worthless; the part, dialled or answered, makes it worthless when it is sent back to its maker; the address
makes it worthless to a third device that passes on what it hears, because that one was dialled elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from sync_protocol.certificates import Certificate, Root, Trust, untrusted
from sync_protocol.encoding import encode
from sync_protocol.errors import MalformedError
from sync_protocol.frames import pack_frame
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.labels import Label
from sync_protocol.messages import VERSION
from sync_protocol.peer_messages import PeerAuth, PeerHello
from sync_protocol.signed import Signed, Verified
from sync_protocol.signing import SigningKey, verify


class Part(IntEnum):
    """What a device does in a meeting; the number is signed."""

    DIALLED = 0
    ANSWERED = 1

    @property
    def other(self) -> Part:
        """The other side's."""
        return Part(1 - self)


@dataclass(frozen=True, slots=True)
class Greeting:
    """A hello with its frame, as it travelled."""

    message: PeerHello
    frame: bytes

    @classmethod
    def say(cls, *, root: Verified[Root], certificate: CertificateHash, nonce: bytes) -> Self:
        """Make a hello of our own."""
        message = PeerHello(
            versions=(VERSION,), organisation=root.value.organisation, certificate=certificate, nonce=nonce
        )
        return cls(message, pack_frame(message))


def check_greeting(own: Greeting, other: Greeting) -> None:
    """Look at a hello before anything else is said.

    Raises:
        MalformedError: no version in common.
        UntrustedError: another organisation's, or this device's own.
    """
    if VERSION not in other.message.versions:
        raise MalformedError(
            "version",
            expected=f"protocol version {VERSION}",
            got=f"{list(other.message.versions)}",
            do="update the older of the two programs",
        )
    if other.message.organisation != own.message.organisation:
        # Shown at both ends: the one that finds it tells the other in these words.
        both = " and ".join(sorted((own.message.organisation.short, other.message.organisation.short)))
        raise untrusted("two devices of one organisation", f"the other device belongs to another one ({both})")
    if other.message.certificate == own.message.certificate:
        raise untrusted("another device", "this device itself, or a copy of it")


def prove(
    part: Part,
    own: Greeting,
    other: Greeting,
    *,
    address: str,
    certificates: tuple[Verified[Certificate], ...],
    signer: SigningKey,
) -> PeerAuth:
    """Prove who we are."""
    signature = signer.sign(Label.AUTH_PEER, _transcript(part, own, other, address))
    return PeerAuth(address=address, certificates=tuple(c.wire for c in certificates), signature=signature)


def check_proof(
    part: Part, own: Greeting, other: Greeting, proof: PeerAuth, *, address: str, trust: Trust
) -> Verified[Certificate]:
    """Verify who the other is. Whether its certificate has expired is not asked here.

    Args:
        part: our own.
        own: our hello.
        other: theirs.
        proof: theirs.
        address: under which we were dialled, or that we dialled.
        trust: the organisation's certificates; those in `proof` are admitted to it.

    Raises:
        UntrustedError: unknown, of another organisation, or dialled under another address.
        ForgedError: a signature does not hold.
    """
    for wire in proof.certificates:
        trust.admit(Signed(Certificate, wire))
    certificate = trust.certificate(other.message.certificate)
    if certificate is None:
        raise untrusted("a known certificate", f"certificate {other.message.certificate.short}")
    transcript = _transcript(part.other, other, own, proof.address)
    verify(certificate.value.ed25519, Label.AUTH_PEER, transcript, proof.signature)
    if proof.address != address:
        raise untrusted("a device that names the same address", "another address: something stands between the two")
    return certificate


def _transcript(part: Part, signer: Greeting, other: Greeting, address: str) -> bytes:
    """What a side signs: the hello of the one who dialled, of the one who answered, the signer's part, the address."""
    first, second = (signer, other) if part is Part.DIALLED else (other, signer)
    return encode([Hash.of(first.frame), Hash.of(second.frame), int(part), address])
