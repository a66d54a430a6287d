"""Messages: what the two sides of an exchange say, one record a kind.

Types are appended, never reused; one that a reader does not know is an error, because version negotiation in HELLO
settles what may be sent. Reasons are texts for people, written by whoever is at the other end: they are cut to size on
the way out, and on the way in they lose everything that could deceive a terminal or a screen.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from sync_protocol.blob_messages import (
    BlobChunk,
    BlobManifest,
    BlobOffer,
    BlobRefused,
    BlobsHeld,
    BlobStored,
    BlobWant,
)
from sync_protocol.bundle_messages import BundleEnd, BundleHead
from sync_protocol.entries import WireEntry
from sync_protocol.errors import ExplainedError, PeerError
from sync_protocol.frontier import Frontier
from sync_protocol.ids import CertificateHash, EntryHash, Hash, OrganisationId, SessionId, StreamId
from sync_protocol.limits import (
    ADDRESS_BYTES_MAX,
    BACKED_UP_BYTES_MAX,
    BATCH_ENTRIES_MAX,
    CERTIFICATES_MAX,
    CONSISTENCY_PATH_MAX,
    DIGEST_BUCKETS_MAX,
    FRAME_ITEMS_MAX,
    FRONTIER_SESSIONS_MAX,
    GOSSIP_NOTES_MAX,
    HASH_BYTES,
    LOG_PATH_MAX,
    LOG_SIZE_MAX,
    NOTE_BYTES_MAX,
    REASON_BYTES_MAX,
    REASON_CODE_BYTES_MAX,
    RECEIPT_LEAVES_MAX,
    RECORD_BYTES_MAX,
    SEQ_MAX,
    TAG_BYTES,
    TAGS_IN_FRAME,
    TOKEN_BYTES_MAX,
    VERSION_MAX,
    VERSIONS_MAX,
    WALL_MS_MAX,
)
from sync_protocol.pack_columns import Pack
from sync_protocol.peer_messages import Done, PeerAuth, PeerHello, PeerNotes
from sync_protocol.records import (
    flag,
    identifier,
    key,
    many,
    mapping,
    nested,
    octets,
    optional,
    pair,
    string,
    uint,
)
from sync_protocol.signing import Ed25519Signature

VERSION: Final = 1
_RECORD: Final = octets(1, RECORD_BYTES_MAX)
_CODE: Final = re.compile(rf"[a-z][a-z0-9_]{{0,{REASON_CODE_BYTES_MAX - 1}}}")
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories that no reason needs: controls, direction marks, private and lone code units, line ends."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFrontier:
    """How far each session's chain is known in one stream; a stream with many sessions takes several of these."""

    stream: StreamId = key(1, identifier(StreamId))
    heads: Frontier = key(
        2, mapping(identifier(SessionId), pair(uint(SEQ_MAX), identifier(EntryHash)), FRONTIER_SESSIONS_MAX)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Device: I hold the feed up to this size and root, and these sessions have something for you.

    Attributes:
        beyond: how far chains reach here that came without their checkpoint, or from peers: what is at or below a head
            that you know need not come again. One CURSOR adds to what those before it on this connection named.
        newest: size and root of the newest checkpoint that I have a receipt under, where that is beyond the cursor: it
            too must be a state of your log, or you have lost what you receipted.
    """

    size: int = key(1, uint(LOG_SIZE_MAX))
    root: Hash = key(2, identifier(Hash))
    sessions: tuple[SessionId, ...] = key(3, many(identifier(SessionId), FRAME_ITEMS_MAX))
    newest: tuple[int, Hash] | None = key(4, optional(pair(uint(LOG_SIZE_MAX), identifier(Hash))))
    beyond: tuple[StreamFrontier, ...] | None = key(5, optional(many(nested(StreamFrontier), FRAME_ITEMS_MAX)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Have:
    """Relay: of these sessions I lack the seals from these numbers on."""

    seals: tuple[tuple[SessionId, int], ...] = key(1, many(pair(identifier(SessionId), uint(SEQ_MAX)), FRAME_ITEMS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofsFrame:
    """Either: what the following entries need to be verified."""

    certificates: tuple[bytes, ...] = key(1, many(_RECORD, FRAME_ITEMS_MAX))
    sessions: tuple[bytes, ...] = key(2, many(_RECORD, FRAME_ITEMS_MAX))
    seals: tuple[bytes, ...] = key(3, many(_RECORD, FRAME_ITEMS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Either: entries, each chain in ascending order."""

    entries: tuple[WireEntry, ...] = key(1, many(nested(WireEntry), BATCH_ENTRIES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """That a checkpoint and an earlier one of this exchange are states of one log.

    Attributes:
        base: the size of one that the device knows: it named it in CURSOR, or had it from this relay meanwhile.
        path: from the smaller of the two to the larger.
    """

    base: int = key(1, uint(LOG_SIZE_MAX))
    path: tuple[Hash, ...] = key(2, _GROWTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backed:
    """What the relay's last backup holds.

    Attributes:
        statement: a signed `BackedUp`.
        consistency: of the state that it names, from one that the device knows once the page's note is taken; left out
            where the device knows that state itself.
    """

    statement: bytes = key(1, octets(1, BACKED_UP_BYTES_MAX))
    consistency: Growth | None = key(2, optional(nested(Growth)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Relay: all of yours up to this checkpoint was sent; `more` follows or not. No note: the cursor stays.

    Attributes:
        consistency: of the note; left out where the device knows that state, or none at all.
        backed: on a last page, what the relay has backed up, where that is news on this connection.
    """

    note: bytes | None = key(1, optional(_NOTE))
    more: bool = key(2, flag())
    consistency: Growth | None = key(3, optional(nested(Growth)))
    backed: Backed | None = key(4, optional(nested(Backed)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One entry in the log: its index and the path to the checkpoint's root."""

    entry: EntryHash = key(1, identifier(EntryHash))
    index: int = key(2, uint(LOG_SIZE_MAX))
    path: tuple[Hash, ...] = key(3, many(identifier(Hash), LOG_PATH_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Relay: these entries are durable, headers and bodies, and stand in the log that the note signs.

    Attributes:
        consistency: as in Page.
    """

    note: bytes = key(1, _NOTE)
    leaves: tuple[Leaf, ...] = key(2, many(nested(Leaf), RECEIPT_LEAVES_MAX))
    consistency: Growth | None = key(3, optional(nested(Growth)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Either: one entry, or one proof, was not taken; why, and the way out. The connection goes on."""

    entry: EntryHash | None = key(1, optional(identifier(EntryHash)))
    code: str = key(2, string(REASON_CODE_BYTES_MAX))
    expected: str = key(3, string(REASON_BYTES_MAX))
    got: str = key(4, string(REASON_BYTES_MAX))
    do: str = key(5, string(REASON_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """Relay: your cursor, or your newest checkpoint, is not a state of my log; let us compare frontiers."""

    note: bytes = key(1, _NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontiers:
    """Either: what I hold of the streams that differ. `last` ends the list."""

    streams: tuple[StreamFrontier, ...] = key(1, many(nested(StreamFrontier), FRAME_ITEMS_MAX))
    last: bool = key(2, flag())


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """Either: of these chains I lack the entries from these numbers on."""

    chains: tuple[tuple[StreamId, tuple[SessionId, int]], ...] = key(
        1, many(pair(identifier(StreamId), pair(identifier(SessionId), uint(SEQ_MAX))), FRAME_ITEMS_MAX)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Whoever begins a comparison: the digests of my buckets, one after the other; `sync_protocol.digests` says how."""

    digests: bytes = key(1, octets(TAG_BYTES, TAG_BYTES * DIGEST_BUCKETS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The other: the tags of my streams in the buckets that differ, ascending. `last` ends the list.

    Attributes:
        buckets: in the first frame which buckets differ, a bit each, the lowest of the first byte first.
    """

    tags: bytes = key(1, octets(0, TAG_BYTES * TAGS_IN_FRAME))
    last: bool = key(2, flag())
    buckets: bytes | None = key(3, optional(octets(1, DIGEST_BUCKETS_MAX // 8)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Whoever began, after its FRONTIERS: those of your tags that I do not have, ascending. `last` ends the list."""

    tags: bytes = key(1, octets(0, TAG_BYTES * TAGS_IN_FRAME))
    last: bool = key(2, flag())


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Either: I end the connection; why, and the way out."""

    code: str = key(1, string(REASON_CODE_BYTES_MAX))
    expected: str = key(2, string(REASON_BYTES_MAX))
    got: str = key(3, string(REASON_BYTES_MAX))
    do: str = key(4, string(REASON_BYTES_MAX))


Message = (
    Hello
    | Welcome
    | Auth
    | Ready
    | Cursor
    | Have
    | ProofsFrame
    | Entries
    | Page
    | Receipt
    | Refused
    | Resync
    | Frontiers
    | Want
    | Failure
    | Pack
    | Digests
    | Tags
    | Unknown
    | PeerHello
    | PeerAuth
    | PeerNotes
    | Done
    | BlobOffer
    | BlobWant
    | BlobManifest
    | BlobChunk
    | BlobStored
    | BlobRefused
    | BlobsHeld
    | BundleHead
    | BundleEnd
)

TYPES: Final[dict[int, type[Message]]] = {
    1: Hello,
    2: Welcome,
    3: Auth,
    4: Ready,
    5: Cursor,
    6: Have,
    7: ProofsFrame,
    8: Entries,
    9: Page,
    10: Receipt,
    11: Refused,
    12: Resync,
    13: Frontiers,
    14: Want,
    15: Failure,
    16: Pack,
    17: Digests,
    18: Tags,
    19: Unknown,
    20: BlobOffer,
    21: BlobWant,
    22: BlobManifest,
    23: BlobChunk,
    24: BlobStored,
    25: BlobRefused,
    26: BlobsHeld,
    32: PeerHello,
    33: PeerAuth,
    34: PeerNotes,
    35: Done,
    48: BundleHead,
    49: BundleEnd,
}


class ToldError(PeerError):
    """The other side's reason for refusing, in its own words; nothing that this side found."""


def failure(error: ExplainedError) -> Failure:
    """Why this side ends the connection."""
    return Failure(code=_code(error.code), expected=_cut(error.expected), got=_cut(error.got), do=_cut(error.do))


def refused(entry: EntryHash | None, error: ExplainedError) -> Refused:
    """Why this side did not take an entry, or a proof."""
    why = failure(error)
    return Refused(entry=entry, code=why.code, expected=why.expected, got=why.got, do=why.do)


def told(message: Failure | Refused | BlobRefused) -> ToldError:
    """What the other side said, fit to be shown."""
    return ToldError(
        _code(message.code), expected=_shown(message.expected), got=_shown(message.got), do=_shown(message.do)
    )


def _code(code: str) -> str:
    return code if _CODE.fullmatch(code) else "unexplained"


def _shown(text: str) -> str:
    """The text without what moves cursors, turns directions, breaks lines or is no character."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) in _UNSHOWN else letter for letter in text
    )


def _cut(text: str) -> str:
    """The text in as many whole characters as the limit has room for."""
    return _shown(text).encode()[:REASON_BYTES_MAX].decode(errors="ignore")
