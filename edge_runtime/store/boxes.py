"""Records at rest: AES-256-GCM under a key for each table, and keyed names to find them by.

A box is `nonce (12) || ciphertext || tag (16)`. Its associated data are the table, the row, the version of the key and
every column of the row that stands in the clear, so that a row which was moved, swapped or altered does not open. An
older box of the same row does: who can write the file can bring back what it said before, as whoever restores a backup.

The nonces are random: a store restored from a backup goes on under the same key, where a counter would repeat. Two of
2**32 random 96-bit nonces collide with probability 2**-33, and NIST SP 800-38D section 8.3 sets that bound for one key.
Each table has a key of its own, so the bound is on the writes to one table: a write a second for 136 years.
"""

from __future__ import annotations

import hmac
import struct
from enum import Enum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge_runtime.errors import StoreError
from edge_runtime.vault.keys import DataKey, Entropy

KEY_VERSION: Final = 1
"""Of the keys derived here. A change of it is a new schema version: one store holds one version."""
RESTORE: Final = (
    "run `fieldward doctor`, then restore the home from a backup or enrol again: what the relay has comes back"
)
"""The way out of damage."""
NAME_BYTES: Final = 16
"""A keyed name: HMAC-SHA256, cut. 2**64 records before two are likely to share one."""
_NONCE_BYTES: Final = 12
_PLACE: Final = struct.Struct(">BQ")


class Table(bytes, Enum):
    """The tables, by their names in the database; also the labels under which their keys are derived."""

    LEDGER = b"ledger"
    CERTIFICATE = b"certificate"
    SESSION = b"session"
    STREAM = b"stream"
    CHAIN = b"chain"
    SEAL = b"seal"
    ENTRY = b"entry"
    UPLOAD = b"upload"
    VALUE = b"value"
    HELD = b"held"


class Boxes:
    """Closes and opens the records of one store. Serves any number of threads."""

    __slots__ = ("_ciphers", "_entropy", "_names")

    def __init__(self, data_key: DataKey, entropy: Entropy) -> None:
        """Derive the keys.

        Args:
            data_key: the vault's.
            entropy: for nonces.
        """
        self._entropy = entropy
        self._ciphers = {table: AESGCM(data_key.derive(b"store/box/" + table.value)) for table in Table}
        self._names = {table: data_key.derive(b"store/name/" + table.value) for table in Table}

    def name(self, table: Table, what: bytes) -> bytes:
        """What `what` is called in the clear in `table`; it says nothing to who has not the key."""
        return hmac.digest(self._names[table], what, "sha256")[:NAME_BYTES]

    def close(self, table: Table, row: int, plain: bytes, clear: bytes = b"") -> bytes:
        """Encrypt a record.

        Args:
            table: where it will lie.
            row: its place there.
            plain: the record.
            clear: the row's other columns.
        """
        nonce = self._entropy(_NONCE_BYTES)  # unique: see the module's docstring
        return nonce + self._ciphers[table].encrypt(nonce, plain, _bound(table, row, clear))

    def open(self, table: Table, row: int, box: bytes, clear: bytes = b"") -> bytes:
        """Decrypt a record.

        Raises:
            StoreError: "store_damaged": the record, its place or its columns are not what was written.
        """
        try:
            return self._ciphers[table].decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _bound(table, row, clear))
        except (InvalidTag, ValueError, TypeError, struct.error):  # the last three: columns of another type or length
            raise damaged(table, row, "a record that does not open") from None


def columns(layout: struct.Struct, *values: object) -> bytes:
    """A row's columns in the clear, to bind a box to; columns of another type bind it to nothing that was written."""
    try:
        return layout.pack(*values)
    except struct.error:
        return b"\xff" * (layout.size + 1)


def damaged(table: Table, row: int | None, got: str) -> StoreError:
    """Make the StoreError for damage, naming the place and the way out."""
    place = table.value.decode() + ("" if row is None else f" {row}")
    return StoreError(
        "store_damaged",
        expected=f"the store as it was written, at {place}",
        got=got,
        do=RESTORE,
    )


def _bound(table: Table, row: int, clear: bytes) -> bytes:
    return table.value + _PLACE.pack(KEY_VERSION, row) + clear
