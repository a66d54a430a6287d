"""Messages of a bundle, the file in which entries travel without a connection; the exchange's own stand between them.

`sync_protocol.messages` gives them their numbers; `sync_protocol.bundle` writes and reads the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_protocol.ids import Hash, OrganisationId
from sync_protocol.limits import CERTIFICATES_MAX, RECORD_BYTES_MAX, SEQ_MAX, VERSION_MAX, WALL_MS_MAX
from sync_protocol.records import identifier, key, many, octets, uint
from sync_protocol.signing import Ed25519Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleHead:
    """The first frame: whose entries these are, and who put them together, when.

    Attributes:
        certificates: the maker's chain, from the root's side down, its own the last.
        made_ms: by the maker's clock, in Unix milliseconds.
    """

    version: int = key(1, uint(VERSION_MAX))
    organisation: OrganisationId = key(2, identifier(OrganisationId))
    certificates: tuple[bytes, ...] = key(3, many(octets(1, RECORD_BYTES_MAX), CERTIFICATES_MAX))
    made_ms: int = key(4, uint(WALL_MS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleEnd:
    """The last frame: that all of it is here, signed by the maker.

    Attributes:
        frames: how many came before this one.
        digest: SHA-256 over all bytes before this frame.
        signature: by the maker's certificate, label BUNDLE, over `cbor([frames, digest])`.
    """

    frames: int = key(1, uint(SEQ_MAX))
    digest: Hash = key(2, identifier(Hash))
    signature: Ed25519Signature = key(3, identifier(Ed25519Signature))
