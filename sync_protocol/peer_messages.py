"""Messages of two devices that meet without the relay, beside those of the exchange that serve there as well.

`sync_protocol.messages` gives them their numbers. Both sides speak by turns, so that two devices with much to hand over
cannot stand in each other's way; `Done` ends a turn, and of the one who dialled, said in place of a turn, the meeting.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_protocol.ids import CertificateHash, OrganisationId
from sync_protocol.limits import (
    ADDRESS_BYTES_MAX,
    CERTIFICATES_MAX,
    GOSSIP_NOTES_MAX,
    HASH_BYTES,
    NOTE_BYTES_MAX,
    RECORD_BYTES_MAX,
    VERSION_MAX,
    VERSIONS_MAX,
)
from sync_protocol.records import flag, identifier, key, many, octets, string, uint
from sync_protocol.signing import Ed25519Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerHello:
    """Either device: who I am, and which versions I speak."""

    versions: tuple[int, ...] = key(1, many(uint(VERSION_MAX), VERSIONS_MAX))
    organisation: OrganisationId = key(2, identifier(OrganisationId))
    certificate: CertificateHash = key(3, identifier(CertificateHash))
    nonce: bytes = key(4, octets(HASH_BYTES, HASH_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAuth:
    """Either device: my certificates from the root down, and my signature over both hellos, my part and the address.

    Attributes:
        address: under which one of the two was dialled, as its own sender knows it.
    """

    address: str = key(1, string(ADDRESS_BYTES_MAX))
    certificates: tuple[bytes, ...] = key(2, many(octets(1, RECORD_BYTES_MAX), CERTIFICATES_MAX))
    signature: Ed25519Signature = key(3, identifier(Ed25519Signature))


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerNotes:
    """Either device, once: checkpoints of the relay that I hold, as it signed them. Compare them with yours."""

    notes: tuple[bytes, ...] = key(1, many(octets(1, NOTE_BYTES_MAX), GOSSIP_NOTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Either device: my turn is over.

    Attributes:
        again: I have more for another round, or hope for more: what came may have opened what could not be taken.
    """

    again: bool = key(1, flag())
