"""The organisation file: what a relay or a new device must hold of an organisation before it can believe anything else.

It is public and carries no secret: the root record and the first administrator's certificate, as they were signed.
Whoever reads it compares the root's hash with the one that came out of band, if one came.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_protocol.certificates import Certificate, Root, Trust, open_root, untrusted
from sync_protocol.ids import RootHash
from sync_protocol.limits import RECORD_BYTES_MAX
from sync_protocol.records import key, octets, pack, unpack
from sync_protocol.roles import Role
from sync_protocol.signed import Signed, Verified


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationFile:
    """The file's content as it travels; nothing in it is to be believed before `open_organisation_file`.

    Attributes:
        root: the root record.
        administrator: the first administrator's certificate, issued by the root.
    """

    root: bytes = key(1, octets(1, RECORD_BYTES_MAX))
    administrator: bytes = key(2, octets(1, RECORD_BYTES_MAX))


def make_organisation_file(root: Verified[Root], administrator: Verified[Certificate]) -> bytes:
    """The file's bytes."""
    return pack(OrganisationFile(root=root.wire, administrator=administrator.wire))


def open_organisation_file(data: bytes, *, expected: RootHash | None) -> tuple[Verified[Root], Verified[Certificate]]:
    """Read and verify an organisation file.

    Args:
        data: the file.
        expected: the root's hash, where one came out of band.

    Returns:
        The root, and the first administrator's certificate.

    Raises:
        UntrustedError: another root than expected, or no administrator whom the root itself certified.
        ForgedError: a signature does not hold.
        MalformedError: not an organisation file.
        LimitError: over a limit.
    """
    file = unpack(OrganisationFile, data)
    root = open_root(file.root, expected=expected)
    certificate = Trust(root).admit(Signed(Certificate, file.administrator))
    if certificate.value.role is not Role.ADMIN:
        raise untrusted("an administrator certified by the root", f"role {certificate.value.role.value}")
    return root, certificate
