"""The vault's file: a header that says what wraps the data key, the wrapped key, and a digest over both.

The digest tells damage from a wrong passphrase; it keeps nobody out. Whoever holds a copy of the file can guess
passphrases offline, at the price that the key store sets. A change of passphrase rewraps the same data key, so an old
copy of the vault still opens with the old passphrase: a stolen copy is answered by revoking the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_runtime.errors import VaultError
from edge_runtime.settings import replace_file
from edge_runtime.vault.keys import KIND_BYTES_MAX, WRAPPED_BYTES_MAX, DataKey, Entropy, KeyStore
from sync_protocol.errors import PeerError
from sync_protocol.ids import Hash
from sync_protocol.records import identifier, key, octets, pack, string, uint, unpack

VERSION: Final = 1
_VERSION_MAX: Final = 2**16 - 1
_HEADER_BYTES_MAX: Final = 128
_FILE_BYTES_MAX: Final = WRAPPED_BYTES_MAX + 512
_BOUND: Final = b"fieldward/1/vault\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    version: int = key(1, uint(_VERSION_MAX))
    kind: str = key(2, string(KIND_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What lies on disk.

    Attributes:
        header: the bytes of the header, as written.
        wrapped: what the key store made.
        digest: SHA-256 over header and wrapped, each with its length before it.
    """

    header: bytes = key(1, octets(1, _HEADER_BYTES_MAX))
    wrapped: bytes = key(2, octets(1, WRAPPED_BYTES_MAX))
    digest: Hash = key(3, identifier(Hash))


def create(path: Path, keystore: KeyStore, entropy: Entropy, *, data_key: DataKey | None = None) -> DataKey:
    """Make a new data key and the vault that keeps it. The caller holds the home's lock.

    Args:
        path: where no vault is.
        keystore: wraps the key.
        entropy: for the key and its wrapping.
        data_key: of a store that is restored from a backup, in place of a new one.

    Raises:
        VaultError: "vault_exists", or "vault_unwritable".
        InputError: the key store cannot wrap, such as under an empty passphrase.
    """
    if path.exists():
        raise VaultError(
            "vault_exists",
            expected="a home without a vault",
            got=f"{path}",
            do="open it; to start anew, choose another home: without this file its store is lost for ever",
        )
    made = DataKey(entropy(DataKey.SIZE)) if data_key is None else data_key
    _write(path, made, keystore, entropy)
    return made


def open_vault(path: Path, keystore: KeyStore) -> DataKey:
    """Read the data key. What fails after the file was found costs as much as a wrong passphrase.

    Raises:
        VaultError: "no_vault", "wrong_passphrase", "vault_damaged", "vault_newer" or "wrong_keystore".
    """
    try:
        header, wrapped = _read(path)
        _check(header, keystore)
    except VaultError as error:
        if error.code != "no_vault":
            keystore.burn()
        raise
    return keystore.unwrap(wrapped, bound=_bound(header))


def rewrap(path: Path, old: KeyStore, new: KeyStore, entropy: Entropy) -> None:
    """Change the passphrase, or the key store: the data key stays, and with it the store. A crash leaves either.

    Raises:
        VaultError: as `open_vault`, or "vault_unwritable"; the old wrapping stands.
        InputError: the new key store cannot wrap; the old wrapping stands.
    """
    _write(path, open_vault(path, old), new, entropy)


def _write(path: Path, data_key: DataKey, keystore: KeyStore, entropy: Entropy) -> None:
    header = pack(_Header(version=VERSION, kind=keystore.kind))
    wrapped = keystore.wrap(data_key, bound=_bound(header), entropy=entropy)
    try:
        replace_file(path, pack(_File(header=header, wrapped=wrapped, digest=_digest(header, wrapped))))
    except OSError as error:
        raise VaultError(
            "vault_unwritable",
            expected=f"to write {path}",
            got=error.strerror or "an error of the file system",
            do="free some space or check the folder's owner, then try again; nothing was changed",
        ) from error


def _read(path: Path) -> tuple[bytes, bytes]:
    """The header's bytes and the wrapped key, as they were written."""
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise VaultError(
            "no_vault",
            expected=f"a vault at {path}",
            got="no file",
            do="enrol this device first, or name its home with --home",
        ) from None
    except OSError as error:
        raise _damaged("a readable file", error.strerror or "an error of the file system") from error
    try:
        found = unpack(_File, data, bytes_max=_FILE_BYTES_MAX)
    except PeerError as error:
        raise _damaged(error.expected, error.got) from error
    if found.digest != _digest(found.header, found.wrapped):
        raise _damaged("the bytes that were written", "other bytes")
    return found.header, found.wrapped


def _check(header: bytes, keystore: KeyStore) -> None:
    """Check that this program and this key store are the ones for the file."""
    try:
        parsed = unpack(_Header, header, bytes_max=_HEADER_BYTES_MAX)
    except PeerError as error:
        raise _damaged(error.expected, error.got) from error
    if parsed.version != VERSION:
        raise VaultError(
            "vault_newer",
            expected=f"a vault of version {VERSION}",
            got=f"version {parsed.version}",
            do="update Fieldward on this device",
        )
    if parsed.kind != keystore.kind:
        raise VaultError(
            "wrong_keystore",
            expected=f"the key store that wrapped this vault: {parsed.kind}",
            got=keystore.kind,
            do="open the device the way it was set up",
        )


def _bound(header: bytes) -> bytes:
    """What the wrapped key is bound to; the label keeps a key store from being used for something else."""
    return _BOUND + header


def _digest(header: bytes, wrapped: bytes) -> Hash:
    parts = (len(part).to_bytes(4, "big") + part for part in (header, wrapped))
    return Hash.of(_BOUND + b"".join(parts))


def _damaged(expected: str, got: str) -> VaultError:
    return VaultError(
        "vault_damaged",
        expected=f"a whole vault: {expected}",
        got=got,
        do="restore vault.cbor from a backup; no passphrase opens this file",
    )
