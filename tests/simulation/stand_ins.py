"""Deterministic stand-ins for the two primitives that draw their own randomness: HPKE's encrypt and ML-DSA's sign.

Owns the swap and undoes it. What they keep of the real ones is what a simulation can see: a wrapped key never stands in
the bytes in the clear, it opens under exactly the key and `info` that it was wrapped for, and a signature holds for
exactly its key and message. They are no cryptography: whoever knows the public key opens and signs. Ed25519, hashes and
the sealing of bodies are the real ones; of Ed25519 a check that held once is remembered, and what some bytes decode
to, because six devices and a relay in one process ask the same.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from cryptography.exceptions import InvalidSignature

from edge_runtime import restored
from sync_protocol import control, key_wrap, records, signing
from sync_protocol.errors import forged
from sync_protocol.key_wrap import WrapPrivateKey, WrapPublicKey

_ENC_BYTES: Final = 1120
_TAG_BYTES: Final = 16
FILES: dict[Path, int] = {}
"""What a simulated disk says of files: another number is another file. One of which nothing is said is the first."""
_CHECKS_KEPT: Final = 1 << 16
_RECORDS_KEPT: Final = 1 << 16


class StandInSuite:
    """In place of HPKE: the same lengths, no randomness."""

    def encrypt(self, plain: bytes, recipient: bytes, info: bytes) -> bytes:
        """`enc || ciphertext || tag`, a function of what goes in."""
        enc = hashlib.shake_256(b"stand-in enc" + recipient + info + plain).digest(_ENC_BYTES)
        return enc + _xor(plain, _stream(enc, recipient, info, len(plain))) + _tag(enc, recipient, info, plain)

    def decrypt(self, wrapped: bytes, recipient: bytes, info: bytes) -> bytes:
        """Reverse `encrypt`.

        Raises:
            ForgedError: wrapped for another key or `info`, or changed since.
        """
        enc, cipher, tag = wrapped[:_ENC_BYTES], wrapped[_ENC_BYTES:-_TAG_BYTES], wrapped[-_TAG_BYTES:]
        plain = _xor(cipher, _stream(enc, recipient, info, len(cipher)))
        if _tag(enc, recipient, info, plain) != tag:
            raise forged("a key wrapped to this recipient for this epoch", "another")
        return plain


class _LatticePublic:
    """In place of an ML-DSA public key; of both sizes."""

    size = 1952
    signature = 3309

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    @classmethod
    def from_public_bytes(cls, raw: bytes) -> _LatticePublic:
        return cls(bytes(raw))

    def public_bytes_raw(self) -> bytes:
        return self._raw

    def sign(self, message: bytes) -> bytes:
        return hashlib.shake_256(b"stand-in signature" + self._raw + message).digest(self.signature)

    def verify(self, signature: bytes, message: bytes) -> None:
        if signature != self.sign(message):
            raise InvalidSignature


class _LatticePrivate:
    """In place of an ML-DSA private key."""

    public = _LatticePublic

    def __init__(self, seed: bytes) -> None:
        self._public = self.public(hashlib.shake_256(b"stand-in key" + seed).digest(self.public.size))

    @classmethod
    def from_seed_bytes(cls, seed: bytes) -> _LatticePrivate:
        return cls(bytes(seed))

    def public_key(self) -> _LatticePublic:
        return self._public

    def sign(self, message: bytes) -> bytes:
        return self._public.sign(message)


class _SmallPublic(_LatticePublic):
    """Of ML-DSA-44."""

    size = 1312
    signature = 2420


class _SmallPrivate(_LatticePrivate):
    """Of ML-DSA-44."""

    public = _SmallPublic


_FORGING: list[bool] = []


@contextmanager
def forging() -> Iterator[None]:
    """A thief's own program writes within this block: planted bugs of honest ones are none of its."""
    _FORGING.append(True)
    try:
        yield
    finally:
        _FORGING.pop()


def is_forging() -> bool:
    """Whether a thief's own program writes now."""
    return bool(_FORGING)


@contextmanager
def installed() -> Iterator[None]:
    """Work with the stand-ins within a `with` block; keys that were made within are of no use outside."""
    suite = StandInSuite()

    def opened(self: WrapPrivateKey, wrapped: bytes, info: bytes) -> bytes:
        return suite.decrypt(wrapped, self.public, info)

    swaps: list[tuple[Any, str, Any]] = [
        (key_wrap, "_SUITE", suite),
        (key_wrap, "_parse", WrapPublicKey),
        (WrapPrivateKey, "open", opened),
        (signing, "MLDSA65PrivateKey", _LatticePrivate),
        (signing, "MLDSA65PublicKey", _LatticePublic),
        (signing, "MLDSA44PrivateKey", _SmallPrivate),
        (signing, "MLDSA44PublicKey", _SmallPublic),
        (signing, "_verify_ed25519", lru_cache(_CHECKS_KEPT)(signing._verify_ed25519)),
    ]
    swaps.append((restored, "_file", lambda path: (FILES.get(path, 1), 0)))
    for decode in (records.unpack, control.unpack_control):
        kept = lru_cache(_RECORDS_KEPT)(decode)
        users = [module for module in list(sys.modules.values()) if getattr(module, decode.__name__, None) is decode]
        swaps.extend((module, decode.__name__, kept) for module in users)
    patches = [patch.object(owner, name, value) for owner, name, value in swaps]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in reversed(patches):
            one.stop()


def _stream(enc: bytes, recipient: bytes, info: bytes, size: int) -> bytes:
    return hashlib.shake_256(b"stand-in stream" + enc + recipient + info).digest(size)


def _tag(enc: bytes, recipient: bytes, info: bytes, plain: bytes) -> bytes:
    return hashlib.sha256(b"stand-in tag" + enc + recipient + info + plain).digest()[:_TAG_BYTES]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
