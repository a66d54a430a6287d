"""Identifiers and hashes as distinct types.

An id is 16 random bytes, a hash is SHA-256 over bytes as received. Both are `bytes` underneath, so they encode as CBOR
byte strings, and are told apart by the type checker: a `ChartId` is not a `DocumentId`.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar, Self

from sync_protocol.errors import malformed
from sync_protocol.limits import HASH_BYTES, ID_BYTES


class FixedBytes(bytes):
    """Bytes of one length, fixed by the subclass."""

    __slots__ = ()
    SIZE: ClassVar[int] = ID_BYTES

    def __new__(cls, value: bytes) -> Self:
        """Check the length.

        Raises:
            MalformedError: another length.
        """
        if len(value) != cls.SIZE:
            raise malformed(f"{cls.__name__} of {cls.SIZE} bytes", f"{len(value)} bytes")
        return bytes.__new__(cls, value)  # by name: an id is made for every head that is read

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the hexadecimal form, in lower case and without spaces.

        Raises:
            MalformedError: another form, or another length.
        """
        try:
            value = bytes.fromhex(text)
        except ValueError:
            value = b""
        if len(value) != cls.SIZE or value.hex() != text:
            raise malformed(f"{cls.__name__} as {2 * cls.SIZE} hexadecimal digits", f"{len(text)} characters")
        return cls(value)

    @property
    def short(self) -> str:
        """The first eight hexadecimal digits, for people."""
        return self[:4].hex()

    def __repr__(self) -> str:
        """Show type and short form."""
        return f"{type(self).__name__}({self.short})"

    def __str__(self) -> str:
        """Show the whole in hexadecimal."""
        return self.hex()


class OrganisationId(FixedBytes):
    """An organisation: one root, one set of members."""

    __slots__ = ()


class UserId(FixedBytes):
    """A person, as the certificates name them."""

    __slots__ = ()


class DeviceId(FixedBytes):
    """A device."""

    __slots__ = ()


class SessionId(FixedBytes):
    """One run of one user on one device: the writer of chains."""

    __slots__ = ()


class ChartId(FixedBytes):
    """A patient's chart."""

    __slots__ = ()


class DocumentId(FixedBytes):
    """A document of a chart."""

    __slots__ = ()


class StreamId(FixedBytes):
    """One compartment of one document, or a control stream."""

    __slots__ = ()


class TeamId(FixedBytes):
    """A care team: people who share keys and work together."""

    __slots__ = ()


class InvitationId(FixedBytes):
    """A one-time invitation."""

    __slots__ = ()


class Hash(FixedBytes):
    """SHA-256."""

    __slots__ = ()
    SIZE: ClassVar[int] = HASH_BYTES

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Hash `data` as received."""
        return cls(hashlib.sha256(data).digest())


class EntryHash(Hash):
    """Names an entry: the hash of its header's bytes."""

    __slots__ = ()


class CertificateHash(Hash):
    """Names a certificate: the hash of its payload's bytes."""

    __slots__ = ()


class RootHash(Hash):
    """Names an organisation's root record."""

    __slots__ = ()


class SealHash(Hash):
    """Names a seal: the hash of its payload's bytes."""

    __slots__ = ()


class BlobId(Hash):
    """Names a sealed file: the hash of its manifest's bytes under the label for that."""

    __slots__ = ()
