"""Messages: what the two sides of an exchange say, one record a kind, and the number of each.

Types are appended, never reused; one that a reader does not know is an error, because version negotiation in HELLO
settles what may be sent. The kinds stand in modules by what they are about; here are those that carry entries.
"""

from __future__ import annotations

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
from sync_protocol.comparison_messages import Digests, Frontiers, Tags, Unknown, Want
from sync_protocol.entries import WireEntry
from sync_protocol.greeting_messages import Auth, Hello, Ready, Welcome
from sync_protocol.limits import BATCH_ENTRIES_MAX, FRAME_ITEMS_MAX, RECORD_BYTES_MAX
from sync_protocol.log_messages import Cursor, Have, Page, Receipt, Resync
from sync_protocol.pack_columns import Pack
from sync_protocol.peer_messages import Done, PeerAuth, PeerHello, PeerNotes
from sync_protocol.records import key, many, nested, octets
from sync_protocol.refusal_messages import Failure, Refused

VERSION: Final = 1
_RECORD: Final = octets(1, RECORD_BYTES_MAX)


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
