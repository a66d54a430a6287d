"""The data key of a device, and the port to whatever keeps it.

Owns the key from which everything at rest is derived. Refuses storage: `edge_runtime.vault.file` does that, and what
wraps the key is a `KeyStore`: a passphrase here, a phone's hardware key store behind the bridge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync_protocol.secret import Secret

Entropy: TypeAlias = Callable[[int], bytes]
"""So many fresh random bytes, from the operating system in the end."""

WRAPPED_BYTES_MAX: Final = 4096
"""A wrapped data key with whatever its key store writes beside it."""
KIND_BYTES_MAX: Final = 32
_DERIVED: Final = b"fieldward/1/at-rest/"


class DataKey(Secret):
    """32 random bytes, made once for a home. Nothing is encrypted under them; each use derives its own key."""

    __slots__ = ()

    def derive(self, purpose: bytes) -> bytes:
        """32 bytes for one purpose, worthless for any other.

        Source: RFC 5869, without salt: the key is uniformly random.
        """
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=_DERIVED + purpose).derive(self.reveal())


class KeyStore(Protocol):
    """What wraps the data key. `bound` is authenticated with it: the vault's header."""

    @property
    def kind(self) -> str:
        """A stable word for the vault's header, at most KIND_BYTES_MAX bytes."""
        ...

    def wrap(self, key: DataKey, *, bound: bytes, entropy: Entropy) -> bytes:
        """Wrap `key` into at most WRAPPED_BYTES_MAX bytes that only this key store opens.

        Raises:
            InputError: what the person gave cannot wrap anything; nothing was changed.
        """
        ...

    def unwrap(self, wrapped: bytes, *, bound: bytes) -> DataKey:
        """Reverse `wrap`.

        Raises:
            VaultError: "wrong_passphrase" where a person can mend it, "vault_damaged" where not.
        """
        ...

    def burn(self) -> None:
        """Do the work of a failed `unwrap`, because the vault is damaged and time must not tell."""
        ...
