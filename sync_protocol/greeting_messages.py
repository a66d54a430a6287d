"""How a device and the relay greet each other: who they are, and that each is who it says.

`sync_protocol.messages` gives these messages their numbers; `sync_protocol.handshake` says what the signatures cover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync_protocol.ids import CertificateHash, Hash, OrganisationId
from sync_protocol.limits import (
    ADDRESS_BYTES_MAX,
    CERTIFICATES_MAX,
    CONSISTENCY_PATH_MAX,
    GOSSIP_NOTES_MAX,
    HASH_BYTES,
    NOTE_BYTES_MAX,
    RECORD_BYTES_MAX,
    TOKEN_BYTES_MAX,
    VERSION_MAX,
    VERSIONS_MAX,
    WALL_MS_MAX,
)
from sync_protocol.records import flag, identifier, key, many, nested, octets, optional, string, uint
from sync_protocol.signing import Ed25519Signature

_RECORD: Final = octets(1, RECORD_BYTES_MAX)
_NOTE: Final = octets(1, NOTE_BYTES_MAX)
_GROWTH: Final = many(identifier(Hash), CONSISTENCY_PATH_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Device: who I am, which versions I speak, and checkpoints of yours that I hold you to.

    Attributes:
        notes: as they were signed; WELCOME answers for each of them.
    """

    versions: tuple[int, ...] = key(1, many(uint(VERSION_MAX), VERSIONS_MAX))
    organisation: OrganisationId = key(2, identifier(OrganisationId))
    certificate: CertificateHash = key(3, identifier(CertificateHash))
    nonce: bytes = key(4, octets(HASH_BYTES, HASH_BYTES))
    notes: tuple[bytes, ...] = key(5, many(_NOTE, GOSSIP_NOTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteProof:
    """Whether a note that was shown is in the log.

    Attributes:
        own: whether it is a checkpoint that this relay's key signed for this log; nobody answers for another's.
        path: from it to the log's newest checkpoint; None where there is no such path. A relay that says so of its own
            note, with its signature, has accused itself.
    """

    own: bool = key(1, flag())
    path: tuple[Hash, ...] | None = key(2, optional(_GROWTH))


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """Relay: the version, my record by the root, my log as it is now, and my signature over both hellos.

    Attributes:
        note: the newest checkpoint.
        proofs: one for each note of the hello, in its order.
    """

    version: int = key(1, uint(VERSION_MAX))
    nonce: bytes = key(2, octets(HASH_BYTES, HASH_BYTES))
    record: bytes = key(3, _RECORD)
    signature: Ed25519Signature = key(4, identifier(Ed25519Signature))
    note: bytes = key(5, _NOTE)
    proofs: tuple[NoteProof, ...] = key(6, many(nested(NoteProof), GOSSIP_NOTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Device: my certificates from the root down, the address that I dialled, my signature over all of it."""

    address: str = key(1, string(ADDRESS_BYTES_MAX))
    certificates: tuple[bytes, ...] = key(2, many(_RECORD, CERTIFICATES_MAX))
    signature: Ed25519Signature = key(3, identifier(Ed25519Signature))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Relay: you are in. Over HTTP with a short-lived token that stands for the AUTH."""

    token: bytes | None = key(1, optional(octets(1, TOKEN_BYTES_MAX)))
    expires_ms: int | None = key(2, optional(uint(WALL_MS_MAX)))
