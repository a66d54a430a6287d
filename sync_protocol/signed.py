"""Signed bytes and what they become once verified.

`Signed` hides its payload; only `verify` or `verify_hybrid` turns it into `Verified`, which shows it. So nothing that
was not verified can be read by accident. Bytes are kept as received and never re-encoded. The envelope itself is not
signed, so it has no room for extensions: whoever passes it on could fill them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from sync_protocol.encoding import decode
from sync_protocol.errors import forged, malformed
from sync_protocol.ids import Hash
from sync_protocol.labels import Label
from sync_protocol.limits import RECORD_BYTES_MAX
from sync_protocol.records import from_map, identifier, key, octets, optional, pack, to_map, unpack
from sync_protocol.signing import (
    Ed25519Signature,
    HybridPublicKey,
    HybridSignature,
    HybridSigningKey,
    MlDsaSignature,
    SigningKey,
    VerifyKey,
    verify,
    verify_hybrid,
)

R = TypeVar("R")
_MINT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Payload bytes and the signatures over label and payload."""

    payload: bytes = key(1, octets(1, RECORD_BYTES_MAX))
    ed25519: Ed25519Signature = key(2, identifier(Ed25519Signature))
    ml_dsa: MlDsaSignature | None = key(3, optional(identifier(MlDsaSignature)))


class Verified(Generic[R]):
    """A record whose signature was checked, or that comes from this process's own authenticated store."""

    __slots__ = ("hash", "value", "wire")

    def __init__(self, mint: object, value: R, payload: bytes, wire: bytes) -> None:
        """Made by `Signed` and `from_store` only."""
        assert mint is _MINT, "Verified is made by verification"
        self.value = value
        self.hash = Hash.of(payload)
        self.wire = wire

    @classmethod
    def from_store(cls, kind: type[R], wire: bytes) -> Verified[R]:
        """Read back what this process verified before it stored it in a store that only it writes."""
        payload = unpack(Envelope, wire).payload
        return Verified(_MINT, unpack(kind, payload), payload, wire)


class Signed(Generic[R]):
    """A record that came from somewhere, its payload not yet to be believed."""

    __slots__ = ("_envelope", "_kind", "wire")

    def __init__(self, kind: type[R], wire: bytes) -> None:
        """Parse the envelope; the payload stays closed.

        Raises:
            MalformedError: not an envelope, or one with anything else in it.
            LimitError: too long.
        """
        raw = decode(wire)
        self._kind = kind
        self._envelope = from_map(Envelope, raw)
        self.wire = wire
        if to_map(self._envelope) != raw:
            raise malformed("an envelope of payload and signatures", "further keys")

    @property
    def hash(self) -> Hash:
        """The hash of the payload's bytes: a name, not a claim."""
        return Hash.of(self._envelope.payload)

    def claimed(self) -> R:
        """What the payload says of itself, to look up the key that must have signed it. Decide nothing else by it.

        Raises:
            MalformedError: not such a record.
            LimitError: over a limit.
        """
        return unpack(self._kind, self._envelope.payload)

    def verify(self, signer: VerifyKey, label: Label) -> Verified[R]:
        """Check the Ed25519 signature.

        Raises:
            ForgedError: it does not hold, or an unexpected ML-DSA signature hangs on it.
            MalformedError: the payload is not such a record.
        """
        if self._envelope.ml_dsa is not None:
            raise forged("a single Ed25519 signature", "two signatures")
        verify(signer, label, self._envelope.payload, self._envelope.ed25519)
        return Verified(_MINT, self.claimed(), self._envelope.payload, self.wire)

    def verify_hybrid(self, signer: HybridPublicKey, label: Label) -> Verified[R]:
        """Check both signatures of a long-lived record.

        Raises:
            ForgedError: one of them is missing or does not hold.
            MalformedError: the payload is not such a record.
        """
        if self._envelope.ml_dsa is None:
            raise forged("an Ed25519 and an ML-DSA-65 signature", "Ed25519 alone")
        both = HybridSignature(ed25519=self._envelope.ed25519, ml_dsa=self._envelope.ml_dsa)
        verify_hybrid(signer, label, self._envelope.payload, both)
        return Verified(_MINT, self.claimed(), self._envelope.payload, self.wire)


def sign(record: R, signer: SigningKey, label: Label) -> Verified[R]:
    """Sign a record with a session's or relay's key."""
    payload = pack(record)
    envelope = Envelope(payload=payload, ed25519=signer.sign(label, payload))
    return Verified(_MINT, record, payload, pack(envelope))


def sign_hybrid(record: R, signer: HybridSigningKey, label: Label) -> Verified[R]:
    """Sign a long-lived record with both algorithms."""
    payload = pack(record)
    both = signer.sign(label, payload)
    return Verified(_MINT, record, payload, pack(Envelope(payload=payload, ed25519=both.ed25519, ml_dsa=both.ml_dsa)))
