"""Signatures: Ed25519 for everything, Ed25519 and ML-DSA-65 together for what must outlive the century's computers.

Owns keys, signatures and the rule that a signature covers `label || message`. Labels end in their only NUL, so none is
a prefix of another. Refuses public keys of small order or in another than the one canonical form: such a key, or such
an `R` in a signature, makes libraries disagree, and a verdict must be the same on every device.

ML-DSA's sign draws its own randomness (hedged signing, FIPS 204 section 3.4): with HPKE's encrypt the one exception to
"entropy is an argument".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
    MLDSA65PrivateKey,
    MLDSA65PublicKey,
)

from sync_protocol.errors import MisuseError, forged
from sync_protocol.ids import FixedBytes
from sync_protocol.labels import Label
from sync_protocol.records import identifier, key
from sync_protocol.secret import Secret

_SEED_BYTES: Final = 32
_FIELD_PRIME: Final = 2**255 - 19
_SIGN_BIT: Final = 1 << 255
_ORDER_EIGHT: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER: Final = frozenset(
    (y | sign).to_bytes(32, "little")
    for y in (0, 1, _FIELD_PRIME - 1, _ORDER_EIGHT, _FIELD_PRIME - _ORDER_EIGHT)
    for sign in (0, _SIGN_BIT)
)
"""Encodings of the points of order 1, 2, 4 and 8, with either sign bit."""


class VerifyKey(FixedBytes):
    """An Ed25519 public key."""

    __slots__ = ()
    SIZE: ClassVar[int] = 32


class MlDsaVerifyKey(FixedBytes):
    """An ML-DSA-65 public key."""

    __slots__ = ()
    SIZE: ClassVar[int] = 1952


class Ed25519Signature(FixedBytes):
    """An Ed25519 signature."""

    __slots__ = ()
    SIZE: ClassVar[int] = 64


class MlDsaSignature(FixedBytes):
    """An ML-DSA-65 signature."""

    __slots__ = ()
    SIZE: ClassVar[int] = 3309


class CosignVerifyKey(FixedBytes):
    """An ML-DSA-44 public key; it cosigns checkpoints of the log and nothing else."""

    __slots__ = ()
    SIZE: ClassVar[int] = 1312


class CosignSignature(FixedBytes):
    """An ML-DSA-44 signature."""

    __slots__ = ()
    SIZE: ClassVar[int] = 2420


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridPublicKey:
    """The two public keys of a root or an administrator; travels as a nested record."""

    ed25519: VerifyKey = key(1, identifier(VerifyKey))
    ml_dsa: MlDsaVerifyKey = key(2, identifier(MlDsaVerifyKey))


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridSignature:
    """Two signatures over the same bytes; worthless one without the other."""

    ed25519: Ed25519Signature = key(1, identifier(Ed25519Signature))
    ml_dsa: MlDsaSignature = key(2, identifier(MlDsaSignature))


class SigningKey(Secret):
    """An Ed25519 private key, made from its 32-byte seed."""

    __slots__ = ("_private", "public")

    def __init__(self, seed: bytes) -> None:
        """Derive the key pair.

        Raises:
            MalformedError: another length than 32 bytes.
        """
        super().__init__(seed)
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: Final = VerifyKey(self._private.public_key().public_bytes_raw())

    def sign(self, label: Label, message: bytes) -> Ed25519Signature:
        """Sign `label || message`.

        Source: RFC 8032 section 5.1.6.
        """
        return Ed25519Signature(self._private.sign(label + message))

    def sign_note(self, text: bytes) -> Ed25519Signature:
        """Sign the text of a C2SP note, without a label, as that format demands.

        No signature of a note is ever one of a labelled message: every label holds a NUL, and a text
        with one is refused here, as readers of notes refuse it. A note begins with its origin.

        Raises:
            MisuseError: the text holds a NUL.

        Source: C2SP signed-note, section Signatures, type 0x01.
        """
        if b"\0" in text:
            raise MisuseError("note", expected="a note's text", got="a NUL in it", do="report this as a bug")
        return Ed25519Signature(self._private.sign(text))


class HybridSigningKey(Secret):
    """An Ed25519 and an ML-DSA-65 private key; the secret is the first seed, then the second, 32 bytes each."""

    __slots__ = ("_classic", "_lattice", "public")
    SIZE: ClassVar[int] = 2 * _SEED_BYTES

    def __init__(self, seeds: bytes) -> None:
        """Derive both key pairs.

        Raises:
            MalformedError: another length than 64 bytes.
        """
        super().__init__(seeds)
        self._classic = SigningKey(seeds[:_SEED_BYTES])
        self._lattice = MLDSA65PrivateKey.from_seed_bytes(seeds[_SEED_BYTES:])
        self.public: Final = HybridPublicKey(
            ed25519=self._classic.public,
            ml_dsa=MlDsaVerifyKey(self._lattice.public_key().public_bytes_raw()),
        )

    def sign(self, label: Label, message: bytes) -> HybridSignature:
        """Sign `label || message` with both keys; two calls give different ML-DSA signatures.

        Source: RFC 8032 section 5.1.6; FIPS 204 algorithm 2, empty context.
        """
        return HybridSignature(
            ed25519=self._classic.sign(label, message),
            ml_dsa=MlDsaSignature(self._lattice.sign(label + message)),
        )


class CosigningKey(Secret):
    """An ML-DSA-44 private key, made from its 32-byte seed; it signs C2SP cosignatures and nothing else."""

    __slots__ = ("_private", "public")

    def __init__(self, seed: bytes) -> None:
        """Derive the key pair.

        Raises:
            MalformedError: another length than 32 bytes.
        """
        super().__init__(seed)
        self._private = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.public: Final = CosignVerifyKey(self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> CosignSignature:
        """Sign a cosigned message, which brings its own label; two calls give different signatures.

        Source: FIPS 204 algorithm 2, empty context; C2SP tlog-cosignature, section ML-DSA-44 signed message.
        """
        return CosignSignature(self._private.sign(message))


def check_verify_key(public: VerifyKey) -> None:
    """Refuse a key that no honest device makes; certificates are checked by this before they are signed.

    Raises:
        ForgedError: small order, or another encoding than the canonical one.

    Source: RFC 8032 section 5.1.3; Chalkias, Garillot, Nikolaenko, Taming the many EdDSAs, section 3.
    """
    if public in _SMALL_ORDER or (int.from_bytes(public, "little") & (_SIGN_BIT - 1)) >= _FIELD_PRIME:
        raise forged("an Ed25519 key of full order in canonical form", f"key {public.short}")


def verify(public: VerifyKey, label: Label, message: bytes, signature: Ed25519Signature) -> None:
    """Check an Ed25519 signature over `label || message`.

    Raises:
        ForgedError: it does not hold, or the key is one that `check_verify_key` refuses.

    Source: RFC 8032 section 5.1.7, cofactorless, with the checks named above.
    """
    _verify_ed25519(public, label + message, signature)


def verify_note(public: VerifyKey, text: bytes, signature: Ed25519Signature) -> None:
    """Check the signature of a note, over its text without a label.

    Raises:
        ForgedError: it does not hold.

    Source: C2SP signed-note, section Signatures, type 0x01.
    """
    _verify_ed25519(public, text, signature)


def verify_hybrid(public: HybridPublicKey, label: Label, message: bytes, signature: HybridSignature) -> None:
    """Check both signatures over `label || message`.

    Raises:
        ForgedError: either does not hold.

    Source: RFC 8032 section 5.1.7; FIPS 204 algorithm 3, empty context.
    """
    verify(public.ed25519, label, message, signature.ed25519)
    try:
        MLDSA65PublicKey.from_public_bytes(public.ml_dsa).verify(signature.ml_dsa, label + message)
    except (InvalidSignature, ValueError):
        raise forged("a valid ML-DSA-65 signature", f"another under key {public.ml_dsa.short}") from None


def verify_cosignature(public: CosignVerifyKey, message: bytes, signature: CosignSignature) -> None:
    """Check an ML-DSA-44 signature over a cosigned message.

    Raises:
        ForgedError: it does not hold.

    Source: FIPS 204 algorithm 3, empty context.
    """
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise forged("a valid ML-DSA-44 signature", f"another under key {public.short}") from None


def _verify_ed25519(public: VerifyKey, signed: bytes, signature: Ed25519Signature) -> None:
    """Parsing the key takes 1 us of 64 us (measured), so no parsed key is kept."""
    check_verify_key(public)
    if signature[:32] in _SMALL_ORDER:
        raise forged("an Ed25519 signature with R of full order", f"another under key {public.short}")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except (InvalidSignature, ValueError):
        raise forged("a valid Ed25519 signature", f"another under key {public.short}") from None
