"""The file of a backup: a header, then chunks, each sealed; whole, or no file at all.

    magic || u32 length || header || (u32 length || ciphertext || tag (16))...

Owns the form and knows nothing of what is in it. The header's `wrapped` is a fresh key as a vault wraps it, so a guess
at the passphrase costs what it costs there. Chunks are AES-256-GCM under a key derived from that one. Their nonces are
counters, with a last byte that tells the last chunk, so that chunks that are moved, left out or cut off do not open;
the key is drawn for one file, so that no nonce repeats under it.
Source: Hoang, Reyhanitabar, Rogaway, Vizar, Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance,
section 7, STREAM.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge_runtime.errors import InputError, VaultError
from edge_runtime.vault.keys import KIND_BYTES_MAX, WRAPPED_BYTES_MAX, DataKey, Entropy, KeyStore
from sync_protocol.errors import PeerError
from sync_protocol.records import key, octets, pack, string, uint, unpack

VERSION: Final = 1
CHUNK_BYTES: Final = 256 * 1024
"""Plaintext of every chunk but the last, which is shorter or empty."""
_MAGIC: Final = b"fieldward backup\n"
_VERSION_MAX: Final = 2**16 - 1
_HEADER_BYTES_MAX: Final = WRAPPED_BYTES_MAX + 256
_TAG_BYTES: Final = 16
_LENGTH: Final = struct.Struct(">I")
_NONCE: Final = struct.Struct(">3xQB")
_BOUND: Final = b"fieldward/1/backup\0"
_PURPOSE: Final = b"backup/chunk"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    version: int = key(1, uint(_VERSION_MAX))
    kind: str = key(2, string(KIND_BYTES_MAX))
    wrapped: bytes = key(3, octets(1, WRAPPED_BYTES_MAX))


def write_sealed(file: BinaryIO, parts: Iterable[bytes], keystore: KeyStore, entropy: Entropy) -> None:
    """Write a backup.

    Args:
        file: empty.
        parts: the plaintext, in pieces of any length.
        keystore: wraps the file's key.
        entropy: for that key and its wrapping.

    Raises:
        InputError: the key store cannot wrap, such as under an empty passphrase; nothing was written.
        OSError: the file does not take it.
    """
    secret = DataKey(entropy(DataKey.SIZE))
    wrapped = keystore.wrap(secret, bound=_bound(VERSION, keystore.kind), entropy=entropy)
    header = pack(_Header(version=VERSION, kind=keystore.kind, wrapped=wrapped))
    file.write(_MAGIC + _LENGTH.pack(len(header)) + header)
    cipher = AESGCM(secret.derive(_PURPOSE))
    for number, (chunk, last) in enumerate(_chunks(parts)):
        sealed = cipher.encrypt(_NONCE.pack(number, last), chunk, header)
        file.write(_LENGTH.pack(len(sealed)) + sealed)


class SealedFile:
    """A backup whose header was read and whose key is known; its chunks are opened as they are read."""

    def __init__(self, file: BinaryIO, keystore: KeyStore) -> None:
        """Read the header and unwrap the key.

        Raises:
            InputError: "no_backup", "backup_newer", "backup_damaged", or "wrong_keystore".
            VaultError: "wrong_passphrase".
        """
        self._file = file
        file.seek(0)
        if file.read(len(_MAGIC)) != _MAGIC:
            raise InputError(
                "no_backup", expected="a backup of a device", got="another file", do="check the path after --from"
            )
        self._header = self._read_piece(_HEADER_BYTES_MAX)
        self._start = file.tell()
        try:
            header = unpack(_Header, self._header, bytes_max=_HEADER_BYTES_MAX)
        except PeerError as error:
            raise damaged(error.expected) from None
        if header.version != VERSION:
            raise InputError(
                "backup_newer",
                expected=f"a backup of version {VERSION}",
                got=f"version {header.version}",
                do="update Fieldward on this device; nothing was written",
            )
        if header.kind != keystore.kind:
            raise InputError(
                "wrong_keystore", expected=f"what sealed this backup: {header.kind}", got=keystore.kind, do="use that"
            )
        try:
            secret = keystore.unwrap(header.wrapped, bound=_bound(header.version, header.kind))
        except VaultError as error:
            if error.code == "vault_damaged":
                raise damaged(error.expected) from None
            raise VaultError(
                "wrong_passphrase",
                expected="the passphrase of this backup",
                got="another, or a changed header",
                do="type it again; it was chosen when the backup was made, and is not the device's own",
            ) from None
        self._cipher = AESGCM(secret.derive(_PURPOSE))

    def parts(self) -> Iterator[bytes]:
        """The plaintext from its beginning. Believe none of it before the iteration has ended well.

        Raises:
            InputError: "backup_damaged": a chunk was changed, moved, left out or added, or the end is missing.
        """
        self._file.seek(self._start)
        number, last = 0, False
        while not last:
            sealed = self._read_piece(CHUNK_BYTES + _TAG_BYTES)
            # The last chunk is the one that is not full; nothing outside the seal says which it is.
            last = len(sealed) < CHUNK_BYTES + _TAG_BYTES
            try:
                yield self._cipher.decrypt(_NONCE.pack(number, last), sealed, self._header)
            except InvalidTag:
                raise damaged("every part as it was written") from None
            number += 1
        if self._file.read(1):
            raise damaged("nothing after the end")

    def _read_piece(self, size_max: int) -> bytes:
        head = self._file.read(_LENGTH.size)
        size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else size_max + 1
        piece = self._file.read(size) if size <= size_max else b""
        if size > size_max or len(piece) != size:
            raise damaged("a file to its end")
        return piece


def damaged(expected: str) -> InputError:
    """Make the error for a backup that is not what was written."""
    return InputError(
        "backup_damaged",
        expected=f"a whole backup: {expected}",
        got="a damaged or cut off one",
        do="take another backup; nothing was written",
    )


def _chunks(parts: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Chunks of CHUNK_BYTES, then the last one, which is shorter, and whether each is that."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) >= CHUNK_BYTES:
            yield bytes(held[:CHUNK_BYTES]), False
            del held[:CHUNK_BYTES]
    yield bytes(held), True


def _bound(version: int, kind: str) -> bytes:
    return _BOUND + pack(_Header(version=version, kind=kind, wrapped=b"\0"))
