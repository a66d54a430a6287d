"""A passphrase as key store: Argon2id makes a key of it, AES-256-GCM wraps the data key. For kits, desks and tests.

Passphrases are prepared as RFC 8265 OpaqueString does: every Unicode space becomes U+0020, then NFC, so that the same
words open the vault whatever keyboard composed their accents; case and width count. Blank ones and control characters
are refused when a passphrase is set. Any attempt to open costs one whole derivation, whatever is wrong.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from edge_runtime.errors import InputError, VaultError
from edge_runtime.vault.keys import WRAPPED_BYTES_MAX, DataKey, Entropy
from sync_protocol.errors import PeerError, malformed
from sync_protocol.records import key, nested, octets, pack, uint, unpack

PASSPHRASE_BYTES_MAX: Final = 1024
MEMORY_KIB_MAX: Final = 1024 * 1024
"""1 GiB: a vault that asks for more was not written by this program, or is meant to exhaust the device."""
PASSES_MAX: Final = 16
LANES_MAX: Final = 16
_MEMORY_KIB_A_LANE: Final = 8
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_WRAPPED_KEY_BYTES: Final = DataKey.SIZE + _TAG_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one guess costs. The default takes 0.3 s of one core's time on a tablet, and 64 MiB.

    Source: RFC 9106 section 4, second recommended option (t=3, p=4, m=64 MiB).
    """

    memory_kib: int = key(1, uint(MEMORY_KIB_MAX))
    passes: int = key(2, uint(PASSES_MAX))
    lanes: int = key(3, uint(LANES_MAX))

    def check(self) -> None:
        """Check the lower bounds, which Argon2id itself demands; the upper ones are the fields'.

        Raises:
            MalformedError: no such derivation exists.
        """
        if not (self.passes and self.lanes and self.memory_kib >= _MEMORY_KIB_A_LANE * self.lanes):
            raise malformed("Argon2id with a pass, a lane and 8 KiB a lane at least", "less")


DEFAULT_COST: Final = Cost(memory_kib=64 * 1024, passes=3, lanes=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wrapped:
    """What stands in the vault."""

    cost: Cost = key(1, nested(Cost))
    salt: bytes = key(2, octets(_SALT_BYTES, _SALT_BYTES))
    nonce: bytes = key(3, octets(_NONCE_BYTES, _NONCE_BYTES))
    box: bytes = key(4, octets(_WRAPPED_KEY_BYTES, _WRAPPED_KEY_BYTES))

    def associated(self, bound: bytes) -> bytes:
        """What the box is bound to: the vault's header, and these parameters."""
        return bound + pack(self.cost) + self.salt


class Passphrase:
    """What a person typed. CPython cannot erase the text that it was made from; `docs/threat_model.md` says so."""

    __slots__ = ("_cost", "_prepared", "_refusal")

    kind = "passphrase"

    def __init__(self, text: str, *, cost: Cost = DEFAULT_COST) -> None:
        """Prepare `text`; whether it will do is said when it is used.

        Args:
            text: the passphrase.
            cost: what a vault written with it will ask of each attempt; opening goes by what the vault says.
        """
        spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)
        # Half a surrogate pair is no text. It may open nothing, but must fail as any other wrong passphrase does.
        self._prepared = unicodedata.normalize("NFC", spaced).encode("utf-8", "surrogatepass")
        self._refusal = _refusal(spaced, len(self._prepared))
        self._cost = cost

    def __repr__(self) -> str:
        """Show the type only."""
        return "Passphrase(secret)"

    def wrap(self, key: DataKey, *, bound: bytes, entropy: Entropy) -> bytes:
        """See KeyStore.

        Raises:
            InputError: blank, too long, or with characters that cannot be typed again.
        """
        if self._refusal:
            raise InputError(
                "passphrase_unfit",
                expected=f"a passphrase of 1 to {PASSPHRASE_BYTES_MAX} bytes without control characters",
                got=self._refusal,
                do="choose another; several words are easier to keep and harder to guess than one",
            )
        self._cost.check()
        # The nonce is the only one ever used with this key: every wrap draws a salt, and so derives a key, of its own.
        empty = _Wrapped(
            cost=self._cost, salt=entropy(_SALT_BYTES), nonce=entropy(_NONCE_BYTES), box=bytes(_WRAPPED_KEY_BYTES)
        )
        cipher = AESGCM(self._derive(empty.cost, empty.salt))
        box = cipher.encrypt(empty.nonce, key.reveal(), empty.associated(bound))
        return pack(_Wrapped(cost=empty.cost, salt=empty.salt, nonce=empty.nonce, box=box))

    def unwrap(self, wrapped: bytes, *, bound: bytes) -> DataKey:
        """See KeyStore.

        Raises:
            VaultError: "wrong_passphrase", or "vault_damaged" where the parameters cannot be meant.
        """
        try:
            parts = unpack(_Wrapped, wrapped, bytes_max=WRAPPED_BYTES_MAX)
            parts.cost.check()
        except PeerError as error:
            self.burn()
            raise VaultError(
                "vault_damaged",
                expected="the parameters of a passphrase vault within their bounds",
                got=error.got,
                do="restore vault.cbor from a backup, or enrol the device again",
            ) from error
        cipher = AESGCM(self._derive(parts.cost, parts.salt))
        try:
            return DataKey(cipher.decrypt(parts.nonce, parts.box, parts.associated(bound)))
        except InvalidTag:
            raise VaultError(
                "wrong_passphrase",
                expected="the passphrase of this device",
                got="another",
                do="type it again; mind capitals and the keyboard's language",
            ) from None

    def burn(self) -> None:
        """See KeyStore."""
        self._derive(self._cost, bytes(_SALT_BYTES))

    def _derive(self, cost: Cost, salt: bytes) -> bytes:
        kdf = Argon2id(
            salt=salt, length=DataKey.SIZE, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib
        )
        return kdf.derive(self._prepared)


def _refusal(text: str, size: int) -> str:
    """What is wrong with a new passphrase; nothing when it will do."""
    if not text.strip(" "):
        return "a blank one"
    if size > PASSPHRASE_BYTES_MAX:
        return f"{size} bytes"
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        return "control characters"
    return ""
