"""Sealing of content: XAES-256-GCM over Padme-padded plaintext, and commitments to the keys that seal.

A sealed body is `nonce (24) || ciphertext || tag (16)`. AES-GCM does not commit to its key, so a body could be made to
open under two; the epoch's commitment fixes the key, and openers check it before they use one.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from sync_protocol.encoding import encode
from sync_protocol.errors import MisuseError, forged, over_limit
from sync_protocol.ids import Hash
from sync_protocol.labels import Label
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.secret import Secret

NONCE_BYTES: Final = 24
TAG_BYTES: Final = 16
_BLOCK_BYTES: Final = 16
_ENTRY_KEY_BYTES: Final = 32
_DERIVE_BYTES: Final = 12
_OVERHEAD_BYTES: Final = NONCE_BYTES + TAG_BYTES
_MARK: Final = b"\x80"
_FLOOR_BYTES: Final = 256
"""Shortest padded content: below it Padme hides little, and a status, a vital sign and a keystroke would differ."""


class ContentKey(Secret):
    """A 32-byte key that seals content. What depends on the key alone is computed once."""

    __slots__ = ("_cipher", "_mask1", "_mask2")

    def __init__(self, secret: bytes) -> None:
        """Derive K1 and fold it into the two constant block prefixes.

        Raises:
            MalformedError: another length than 32 bytes.
        """
        super().__init__(secret)
        # ECB here is the bare block cipher of CMAC, on blocks that this module forms; it encrypts no content.
        self._cipher = Cipher(AES256(secret), ECB())  # noqa: S305 see above
        subkey = _double(_block_cipher(self._cipher, bytes(_BLOCK_BYTES)))
        self._mask1 = int.from_bytes(subkey, "big") ^ (0x00015800 << 96)
        self._mask2 = int.from_bytes(subkey, "big") ^ (0x00025800 << 96)

    def derive(self, nonce: bytes) -> bytes:
        """Kx, the AES-256-GCM key for the first 12 bytes of `nonce`.

        Source: C2SP XAES-256-GCM, section Overview, steps 4 to 6.
        """
        half = int.from_bytes(nonce[:_DERIVE_BYTES], "big")
        blocks = (self._mask1 ^ half).to_bytes(_BLOCK_BYTES, "big") + (self._mask2 ^ half).to_bytes(_BLOCK_BYTES, "big")
        return _block_cipher(self._cipher, blocks)


def xaes_encrypt(key: ContentKey, plaintext: bytes, *, nonce: bytes, aad: bytes) -> bytes:
    """XAES-256-GCM without padding; the result is as long as the plaintext and 16 bytes more.

    Raises:
        MisuseError: the nonce is not of 24 bytes.

    Source: C2SP XAES-256-GCM.
    """
    if len(nonce) != NONCE_BYTES:
        raise MisuseError(
            "nonce", expected=f"a nonce of {NONCE_BYTES} bytes", got=f"{len(nonce)}", do="report this as a bug"
        )
    # Kx differs with the nonce's first half and the second half is GCM's own: unique while the 24 bytes are.
    return AESGCM(key.derive(nonce)).encrypt(nonce[_DERIVE_BYTES:], plaintext, aad)


def xaes_decrypt(key: ContentKey, ciphertext: bytes, *, nonce: bytes, aad: bytes) -> bytes:
    """Reverse `xaes_encrypt`.

    Raises:
        ForgedError: the tag does not hold, or either length cannot be.

    Source: C2SP XAES-256-GCM.
    """
    if len(nonce) != NONCE_BYTES or len(ciphertext) < TAG_BYTES:
        raise forged("a nonce of 24 bytes and a ciphertext with its tag", "fewer or more bytes")
    try:
        return AESGCM(key.derive(nonce)).decrypt(nonce[_DERIVE_BYTES:], ciphertext, aad)
    except InvalidTag:
        raise forged("content sealed under this key and header", "another") from None


def seal(key: ContentKey, plaintext: bytes, *, nonce: bytes, aad: bytes) -> bytes:
    """Pad and encrypt an entry's content.

    Args:
        key: the epoch's content key.
        plaintext: the content; its sealed form is at most BODY_BYTES_MAX.
        nonce: 24 fresh random bytes. Random, so that a device restored from a backup repeats none: two of 2**32 bodies
            under one key collide with probability 2**-129.
        aad: the entry's header without ciphertext hash and size.

    Raises:
        LimitError: the sealed form would be too long.
        MisuseError: the nonce is not of 24 bytes.
    """
    size = sealed_size(len(plaintext))
    if size > BODY_BYTES_MAX:
        raise over_limit("a sealed body", BODY_BYTES_MAX, size, "bytes")
    padded = (plaintext + _MARK).ljust(size - _OVERHEAD_BYTES, b"\0")
    return nonce + xaes_encrypt(key, padded, nonce=nonce, aad=aad)


def open_sealed(key: ContentKey, body: bytes, *, aad: bytes) -> bytes:
    """Decrypt and strictly unpad an entry's body; the caller has checked the key's commitment.

    Raises:
        LimitError: longer than any honest body.
        ForgedError: another key, header or body, or padding that `seal` does not make.
    """
    if len(body) > BODY_BYTES_MAX:
        raise over_limit("a sealed body", BODY_BYTES_MAX, len(body), "bytes")
    padded = xaes_decrypt(key, body[NONCE_BYTES:], nonce=body[:NONCE_BYTES], aad=aad)
    return _unpadded(padded, len(body))


def open_disclosed(entry_key: bytes, body: bytes, *, aad: bytes) -> bytes:
    """Open one body by the key of that body alone: `ContentKey.derive` of its nonce, which opens no other.

    The key stands under no commitment, and GCM commits to none: whoever sealed the body and discloses the key could
    have made two keys that both open it. What its author signed is the ciphertext.

    Args:
        entry_key: 32 bytes.
        body: as it travels.
        aad: the entry's header without ciphertext hash and size.

    Raises:
        LimitError: longer than any honest body.
        ForgedError: another key, header or body, or padding that `seal` does not make.
    """
    if len(body) > BODY_BYTES_MAX:
        raise over_limit("a sealed body", BODY_BYTES_MAX, len(body), "bytes")
    if len(entry_key) != _ENTRY_KEY_BYTES or len(body) < _OVERHEAD_BYTES:
        raise forged("a key of 32 bytes, and a body with its nonce and tag", "fewer or more bytes")
    try:
        padded = AESGCM(entry_key).decrypt(body[_DERIVE_BYTES:NONCE_BYTES], body[NONCE_BYTES:], aad)
    except InvalidTag:
        raise forged("content sealed under this key and header", "another") from None
    return _unpadded(padded, len(body))


def _unpadded(padded: bytes, body_bytes: int) -> bytes:
    marked = padded.rstrip(b"\0")
    # One plaintext, one padding: otherwise a key holder could hide bytes where nobody looks.
    if not marked.endswith(_MARK) or sealed_size(len(marked) - len(_MARK)) != body_bytes:
        raise forged("content padded by Padme", "another padding")
    return marked[: -len(_MARK)]


def sealed_size(plaintext_bytes: int) -> int:
    """The length of the body that `seal` makes of so many bytes: 40 bytes, and the marked content padded by Padme.

    At least 296 bytes: content of up to 255 bytes looks alike.
    """
    return max(_FLOOR_BYTES, padme(plaintext_bytes + len(_MARK))) + _OVERHEAD_BYTES


def padme(length: int) -> int:
    """The padded length for `length`; log log of it many bits of the length stay visible, the rest does not.

    Source: Nikitin et al., Reducing Metadata Leakage from Encrypted Files and Communication with PURBs, section 4.
    """
    if length < 2:  # noqa: PLR2004 - log2 of the exponent is undefined below
        return length
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def commit(key: Secret, *, minter: bytes, frontier: bytes, nonce: bytes) -> Hash:
    """Commit to an epoch's key.

    Args:
        key: the content key or team key.
        minter: the hash of the minter's certificate.
        frontier: the digest of the control frontier that the epoch names.
        nonce: 32 random bytes; hides nothing (the key does), but keeps the minter from reusing a commitment.

    Returns:
        SHA-256 over the label and the CBOR array of the four, in this order.
    """
    return Hash.of(Label.EPOCH_COMMITMENT + encode([key.reveal(), minter, frontier, nonce]))


def check_commitment(commitment: Hash, key: Secret, *, minter: bytes, frontier: bytes, nonce: bytes) -> None:
    """Check that `commitment` was made of these.

    Raises:
        ForgedError: it was not.
    """
    if not hmac.compare_digest(commitment, commit(key, minter=minter, frontier=frontier, nonce=nonce)):
        raise forged("the key that the epoch commits to", "another key, minter, frontier or nonce")


def _block_cipher(cipher: Cipher[ECB], blocks: bytes) -> bytes:
    """AES of whole blocks; a fresh context each time (2 us), because one context may not serve two threads."""
    return cipher.encryptor().update(blocks)


def _double(block: bytes) -> bytes:
    """Multiply by x in GF(2**128), without a branch on the secret bit.

    Source: NIST SP 800-38B section 6.1.
    """
    value = int.from_bytes(block, "big")
    return ((value << 1) & ((1 << 128) - 1) ^ (0x87 * (value >> 127))).to_bytes(_BLOCK_BYTES, "big")
