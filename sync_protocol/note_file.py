"""Note files: signed texts in one file that anybody can check who has the organisation's root, and no key.

A line that says what it is; a map with texts, signatures under them and the certificates of who signed; and the maker's
signature over all of it, so that one changed byte is found wherever it is. A text may come with the entry that carried
it, opened by the key of that entry alone, and with the relay's receipt.

Owns the file and how it is made. What of it holds, `note_checks` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync_protocol.entries import WireEntry
from sync_protocol.errors import over_limit
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.labels import Label
from sync_protocol.limits import (
    ATTESTED_BYTES_MAX,
    LOG_PATH_MAX,
    LOG_SIZE_MAX,
    NOTE_BYTES_MAX,
    NOTE_FILE_BYTES_MAX,
    NOTE_FILE_CERTIFICATES_MAX,
    NOTE_FILE_RELAYS_MAX,
    NOTE_FILE_TEXTS_MAX,
    NOTE_FILE_WORDS_BYTES_MAX,
    RECORD_BYTES_MAX,
    VERSION_MAX,
    WALL_MS_MAX,
)
from sync_protocol.records import identifier, key, many, nested, octets, optional, pack, string, uint
from sync_protocol.signed import sign
from sync_protocol.signing import SigningKey

MAGIC: Final = b"fieldward note 1\n"
VERSION: Final = 1
LENGTH_BYTES: Final = 4
_ENTRY_KEY_BYTES: Final = 32
_RECORD: Final = octets(1, RECORD_BYTES_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReceipt:
    """The relay's word that the entry is in its log.

    Attributes:
        index, path: the leaf, and its path to the root of the checkpoint.
        note: the checkpoint as it was signed.
    """

    index: int = key(1, uint(LOG_SIZE_MAX))
    path: tuple[Hash, ...] = key(2, many(identifier(Hash), LOG_PATH_MAX))
    note: bytes = key(3, octets(1, NOTE_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEntry:
    """The entry that carried an attestation.

    Attributes:
        session, seal: the records that vouch for it.
        entry: as it travelled.
        opened: the key of its body alone.
        receipt: absent where the relay has not receipted it yet.
    """

    session: bytes = key(1, _RECORD)
    seal: bytes = key(2, _RECORD)
    entry: WireEntry = key(3, nested(WireEntry))
    opened: bytes = key(4, octets(_ENTRY_KEY_BYTES, _ENTRY_KEY_BYTES))
    receipt: NoteReceipt | None = key(5, optional(nested(NoteReceipt)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteText:
    """One signature, and what stands under it.

    Attributes:
        attestation: the signed record.
        text: absent for a cosignature, whose text is that of what it refers to.
        entry: where it stands in its author's chain; absent where the maker does not show it.
        stated: what the maker's device knows of the signer: role, standing, why; the maker's word.
    """

    attestation: bytes = key(1, _RECORD)
    text: str | None = key(2, optional(string(ATTESTED_BYTES_MAX)))
    entry: NoteEntry | None = key(3, optional(nested(NoteEntry)))
    stated: str | None = key(4, optional(string(NOTE_FILE_WORDS_BYTES_MAX)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFile:
    """What a file holds.

    Attributes:
        root: the organisation's root record.
        certificates: of signers and maker, each after its issuer.
        relays: records of the relays that receipted.
        texts: each after what it refers to.
        maker: the certificate of who made the file.
        made_ms: the maker's clock.
    """

    version: int = key(1, uint(VERSION_MAX))
    root: bytes = key(2, _RECORD)
    certificates: tuple[bytes, ...] = key(3, many(_RECORD, NOTE_FILE_CERTIFICATES_MAX))
    relays: tuple[bytes, ...] = key(4, many(_RECORD, NOTE_FILE_RELAYS_MAX))
    texts: tuple[NoteText, ...] = key(5, many(nested(NoteText), NOTE_FILE_TEXTS_MAX))
    maker: CertificateHash = key(6, identifier(CertificateHash))
    made_ms: int = key(7, uint(WALL_MS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteTrailer:
    """The maker's signature over the file: the hash of the map's bytes."""

    file: Hash = key(1, identifier(Hash))


def make_note(file: NoteFile, signer: SigningKey) -> bytes:
    """Write a file, signed by the key of its maker's certificate.

    Raises:
        LimitError: over NOTE_FILE_BYTES_MAX, or another limit.
    """
    payload = pack(file)
    trailer = sign(NoteTrailer(file=Hash.of(payload)), signer, Label.NOTE).wire
    data = MAGIC + b"".join(len(part).to_bytes(LENGTH_BYTES) + part for part in (payload, trailer))
    if len(data) > NOTE_FILE_BYTES_MAX:
        raise over_limit("a note file", NOTE_FILE_BYTES_MAX, len(data), "bytes")
    return data
