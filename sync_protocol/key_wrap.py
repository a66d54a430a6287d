"""Wrapping of keys to a recipient: HPKE base mode with X-Wing (ML-KEM-768 and X25519), HKDF-SHA256, AES-256-GCM.

Anyone may wrap to a public key, so a wrap proves nothing about its maker: the record that carries it is signed. What
the wrap is for is bound in HPKE's `info`, because the library has no AAD. HPKE's encrypt draws its own randomness: with
ML-DSA's sign the one exception to "entropy is an argument".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from sync_protocol.errors import MisuseError, forged, malformed, over_limit
from sync_protocol.ids import CertificateHash, ChartId, FixedBytes, Hash, OrganisationId, TeamId
from sync_protocol.labels import Label
from sync_protocol.limits import FRONTIER_SESSIONS_MAX, WRAPPED_BYTES_MAX
from sync_protocol.records import choice, identifier, key, optional, ordered, pack
from sync_protocol.roles import Compartment
from sync_protocol.secret import Secret

_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_ML_KEM_PUBLIC_BYTES: Final = 1184
_ML_KEM_SEED_BYTES: Final = 64
_EXPANDED_BYTES: Final = 96
_ENC_BYTES: Final = 1120
_TAG_BYTES: Final = 16
WRAP_OVERHEAD_BYTES: Final = _ENC_BYTES + _TAG_BYTES
"""A wrap is this much longer than the key in it: 1,168 bytes for 32."""


class WrapPublicKey(FixedBytes):
    """An X-Wing public key: ML-KEM-768 (1,184 bytes), then X25519 (32)."""

    __slots__ = ()
    SIZE: ClassVar[int] = 1216


class WrapPrivateKey(Secret):
    """An X-Wing private key, made from its 32-byte seed."""

    __slots__ = ("_private", "public")

    def __init__(self, seed: bytes) -> None:
        """Derive the key pair.

        Raises:
            MalformedError: another length than 32 bytes.

        Source: draft-connolly-cfrg-xwing-kem section 5.2, expandDecapsulationKey.
        """
        super().__init__(seed)
        expanded = hashlib.shake_256(seed).digest(_EXPANDED_BYTES)
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:_ML_KEM_SEED_BYTES])
        curve = X25519PrivateKey.from_private_bytes(expanded[_ML_KEM_SEED_BYTES:])
        self._private = MLKEM768X25519PrivateKey(lattice, curve)
        self.public: Final = WrapPublicKey(
            lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        )

    def open(self, wrapped: bytes, info: bytes) -> bytes:
        """HPKE's single-shot open under a ready `info`; use `unwrap`.

        Raises:
            ForgedError: wrapped for another key or `info`, or changed since.
        """
        try:
            return _SUITE.decrypt(wrapped, self._private, info)
        except (InvalidTag, ValueError):
            raise forged("a key wrapped to this recipient for this epoch", "another") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapContext:
    """What a wrap is for. All of it is bound; nothing of it travels in the wrap."""

    organisation: OrganisationId = key(1, identifier(OrganisationId))
    commitment: Hash = key(2, identifier(Hash))
    """The commitment of the epoch whose key is wrapped."""
    parents: tuple[Hash, ...] = key(3, ordered(identifier(Hash), FRONTIER_SESSIONS_MAX))
    """The epochs that this one follows; a set, so their order is of no matter."""
    recipient: WrapPublicKey = key(4, identifier(WrapPublicKey))
    minter: CertificateHash = key(5, identifier(CertificateHash))
    chart: ChartId | None = key(6, optional(identifier(ChartId)))
    """None for the epoch of a team, whose key opens no chart by itself."""
    compartment: Compartment | None = key(7, optional(choice(Compartment)))
    team: TeamId | None = key(8, optional(identifier(TeamId)))
    """The team whose seed is wrapped; None for the epoch of a chart."""

    def info(self) -> bytes:
        """HPKE's `info`: the label and the record's deterministic encoding."""
        return Label.EPOCH_WRAP + pack(self)


def wrap(recipient: WrapPublicKey, key_bytes: bytes, *, context: WrapContext) -> bytes:
    """Encrypt a key to its recipient. Two calls give different bytes.

    Args:
        recipient: the recipient's public key; the same as in `context`.
        key_bytes: the key, or for break-glass a wrap.
        context: what the wrap is for.

    Returns:
        `enc (1,120) || ciphertext || tag (16)`.

    Raises:
        MisuseError: `context` names another recipient.
        LimitError: the wrap would be too long.
        MalformedError: the recipient's key is none; leave that recipient out and report it.

    Source: RFC 9180 section 6.1; draft-connolly-cfrg-xwing-kem (KEM 0x647a), KDF 0x0001, AEAD 0x0002.
    """
    if context.recipient != recipient:
        raise MisuseError("wrap", expected="a context for the recipient", got="another", do="report this as a bug")
    size = len(key_bytes) + WRAP_OVERHEAD_BYTES
    if size > WRAPPED_BYTES_MAX:
        raise over_limit("a wrapped key", WRAPPED_BYTES_MAX, size, "bytes")
    return encrypt_to(recipient, key_bytes, info=context.info())


def encrypt_to(recipient: WrapPublicKey, plain: bytes, *, info: bytes) -> bytes:
    """HPKE's single-shot encryption under a ready `info`, which begins with a label; of keys use `wrap`.

    Raises:
        MalformedError: the recipient's key is none.

    Source: RFC 9180 section 6.1.
    """
    try:
        return _SUITE.encrypt(plain, _parse(recipient), info)
    except ValueError:
        raise malformed("an X-Wing public key", f"key {recipient.short}") from None


def unwrap(private: WrapPrivateKey, wrapped: bytes, *, context: WrapContext) -> bytes:
    """Decrypt a key that was wrapped to `private` for `context`. The caller checks the key's commitment.

    Raises:
        LimitError: longer than any honest wrap.
        ForgedError: wrapped for another key or context, or changed since.

    Source: RFC 9180 section 6.1.
    """
    if len(wrapped) > WRAPPED_BYTES_MAX:
        raise over_limit("a wrapped key", WRAPPED_BYTES_MAX, len(wrapped), "bytes")
    # The info could name somebody else and yet open with this key: whoever wrapped it chose both.
    if context.recipient != private.public:
        raise forged("a key wrapped to this recipient", "one for another")
    return private.open(wrapped, context.info())


def _parse(recipient: WrapPublicKey) -> MLKEM768X25519PublicKey:
    """Split the key in its halves; ValueError for coefficients that are not reduced."""
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(recipient[:_ML_KEM_PUBLIC_BYTES]),
        X25519PublicKey.from_public_bytes(recipient[_ML_KEM_PUBLIC_BYTES:]),
    )
