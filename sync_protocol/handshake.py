"""Who is at the other end: both sides sign both hellos, the relay's certified key and the address that was dialled.

The relay shows itself first, by a record that the organisation's root signed, so a device tells nothing to a stranger
but its organisation and certificate hash. The device signs the address that it dialled: a relay in the middle, reached
under another address, cannot pass the signature on. What is signed are hashes of frames as they travelled.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from sync_protocol.certificates import Certificate, RelayRecord, Root, Trust, open_relay, untrusted
from sync_protocol.encoding import encode
from sync_protocol.errors import MalformedError
from sync_protocol.frames import pack_frame
from sync_protocol.greeting_messages import Auth, Hello, NoteProof, Welcome
from sync_protocol.ids import Hash
from sync_protocol.labels import Label
from sync_protocol.messages import VERSION
from sync_protocol.records import to_map
from sync_protocol.signed import Signed, Verified
from sync_protocol.signing import SigningKey, verify

M = TypeVar("M", Hello, Welcome)


@dataclass(frozen=True, slots=True)
class Said(Generic[M]):
    """A message of the handshake with its frame. Decoding and encoding again would lose what a newer version added."""

    message: M
    frame: bytes

    @classmethod
    def say(cls, message: M) -> Self:
        """Encode a message of our own."""
        return cls(message, pack_frame(message))


def check_hello(hello: Said[Hello], record: Verified[RelayRecord]) -> None:
    """See, as the relay, whether a hello is for it.

    Raises:
        MalformedError: no version in common.
        UntrustedError: the hello is for another organisation.
    """
    if VERSION not in hello.message.versions:
        raise MalformedError(
            "version",
            expected=f"protocol version {VERSION}",
            got=f"{list(hello.message.versions)}",
            do="update the program",
        )
    if hello.message.organisation != record.value.organisation:
        raise untrusted("a device of this relay's organisation", f"organisation {hello.message.organisation.short}")


def welcome(
    hello: Said[Hello],
    *,
    record: Verified[RelayRecord],
    nonce: bytes,
    note: bytes,
    proofs: tuple[NoteProof, ...],
    signer: SigningKey,
) -> Said[Welcome]:
    """Answer a hello as the relay.

    Args:
        hello: the device's.
        record: the root's word for this relay.
        nonce: 32 random bytes, never used for another answer.
        note: the log's newest checkpoint.
        proofs: one for each note of the hello.
        signer: the relay's key.

    Raises:
        MalformedError, UntrustedError: see `check_hello`.
    """
    check_hello(hello, record)
    transcript = relay_transcript(hello, nonce=nonce, record=record.hash, note=note, proofs=proofs)
    signature = signer.sign(Label.AUTH_RELAY, transcript)
    return Said.say(
        Welcome(version=VERSION, nonce=nonce, record=record.wire, signature=signature, note=note, proofs=proofs)
    )


def check_welcome(hello: Said[Hello], answer: Said[Welcome], root: Verified[Root]) -> Verified[RelayRecord]:
    """Verify the relay as the device; what it says of its log is judged by `accusations`.

    Raises:
        UntrustedError: a relay of another organisation, or another version than this one.
        ForgedError: the root did not sign its record, or its certified key did not sign this answer.
    """
    message = answer.message
    if message.version != VERSION:
        raise untrusted("a version that was offered", f"version {message.version}")
    record = open_relay(message.record, root)
    transcript = relay_transcript(
        hello, nonce=message.nonce, record=record.hash, note=message.note, proofs=message.proofs
    )
    verify(record.value.ed25519, Label.AUTH_RELAY, transcript, message.signature)
    return record


def authenticate(
    hello: Said[Hello],
    answer: Said[Welcome],
    *,
    address: str,
    certificates: tuple[Verified[Certificate], ...],
    signer: SigningKey,
) -> Auth:
    """Prove who the device is."""
    signature = signer.sign(Label.AUTH_DEVICE, device_transcript(hello, answer, address))
    return Auth(address=address, certificates=tuple(c.wire for c in certificates), signature=signature)


def check_auth(
    hello: Said[Hello],
    answer: Said[Welcome],
    auth: Auth,
    *,
    trust: Trust,
    addresses: Collection[str],
    now_ms: int,
) -> Verified[Certificate]:
    """Verify the device as the relay.

    Args:
        hello: the device's.
        answer: this relay's.
        auth: the device's answer to that.
        trust: the organisation's certificates; those in `auth` are admitted to it.
        addresses: under which this relay may have been dialled.
        now_ms: the relay's clock.

    Raises:
        UntrustedError: unknown, expired, of another organisation, or dialled under a stranger's address.
        ForgedError: a signature does not hold.
    """
    for wire in auth.certificates:
        trust.admit(Signed(Certificate, wire))
    certificate = trust.certificate(hello.message.certificate)
    if certificate is None:
        raise untrusted("a known certificate", f"certificate {hello.message.certificate.short}")
    transcript = device_transcript(hello, answer, auth.address)
    verify(certificate.value.ed25519, Label.AUTH_DEVICE, transcript, auth.signature)
    if auth.address not in addresses:
        raise untrusted("one of this relay's own addresses", "another address dialled by the device")
    if certificate.value.not_after_ms < now_ms:
        raise untrusted("a certificate that has not expired", f"one that ended at {certificate.value.not_after_ms} ms")
    return certificate


def relay_transcript(
    hello: Said[Hello], *, nonce: bytes, record: Hash, note: bytes, proofs: tuple[NoteProof, ...]
) -> bytes:
    """What the relay signs: the hello, and all that it answers.

    With the notes in the hello and what it says of them under one signature, the two frames show to anybody what the
    relay was asked and how it answered.
    """
    return encode([Hash.of(hello.frame), VERSION, nonce, record, note, [to_map(proof) for proof in proofs]])


def device_transcript(hello: Said[Hello], answer: Said[Welcome], address: str) -> bytes:
    """What the device signs: both hellos and the address."""
    return encode([Hash.of(hello.frame), Hash.of(answer.frame), address])
