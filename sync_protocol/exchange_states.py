"""Which message may come in which state: the two tables of an exchange. `docs/protocol.md` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from sync_protocol.blob_messages import BlobChunk, BlobManifest, BlobOffer, BlobRefused, BlobStored, BlobWant
from sync_protocol.comparison_messages import Digests, Frontiers, Tags, Unknown, Want
from sync_protocol.greeting_messages import Auth, Hello, Ready, Welcome
from sync_protocol.log_messages import Cursor, Have, Page, Receipt, Resync
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.refusal_messages import Failure, Refused


class DeviceState(Enum):
    """Where a device stands."""

    HELLO = "sent HELLO"
    AUTH = "sent AUTH"
    OPEN = "let in"
    ASKED = "began a comparison itself, and sent its digests; hears the relay's tags, and pages that were under way"
    RESYNC = "asked for a comparison, for which the shell has handed over nothing yet"
    DIGESTED = "sent its digests; hears the relay's tags"
    COMPARING = "sent its frontiers; the next checkpoint, or the end of the feed, ends this"
    CLOSED = "ended"


class RelayState(Enum):
    """Where a relay stands with one device."""

    HELLO = "waits for HELLO"
    GREETING = "was shown notes, for which the shell has not answered yet"
    AUTH = "sent WELCOME"
    DECIDING = "knows the device, which the shell has not let in yet"
    OPEN = "let the device in"
    RESYNC = "asked for a comparison; nothing is fed until it is done"
    HOLDING = "has digests; the shell has not said yet what the log holds"
    TAGGED = "sent its tags; hears the device's frontiers"
    CLOSED = "ended"


_BLOBS_HEARD: Final = (BlobWant, BlobManifest, BlobChunk, BlobStored, BlobRefused)
_FED: Final = (ProofsFrame, Entries, Pack, Have, Receipt, Refused, Failure, *_BLOBS_HEARD)
_PUSHED: Final = (Cursor, ProofsFrame, Entries, Want, Failure, BlobOffer, BlobWant, BlobChunk)

DEVICE_ACCEPTS: Final[Mapping[DeviceState, frozenset[type[Message]]]] = MappingProxyType(
    {
        DeviceState.HELLO: frozenset({Welcome, Failure}),
        DeviceState.AUTH: frozenset({Ready, Failure}),
        DeviceState.OPEN: frozenset({*_FED, Page, Want, Resync}),
        DeviceState.ASKED: frozenset({*_FED, Page, Want, Tags}),
        DeviceState.RESYNC: frozenset(_FED),
        DeviceState.DIGESTED: frozenset({*_FED, Tags}),
        DeviceState.COMPARING: frozenset({*_FED, Page, Want}),
        DeviceState.CLOSED: frozenset(),
    }
)
RELAY_ACCEPTS: Final[Mapping[RelayState, frozenset[type[Message]]]] = MappingProxyType(
    {
        RelayState.HELLO: frozenset({Hello, Failure}),
        RelayState.GREETING: frozenset({Failure}),
        RelayState.AUTH: frozenset({Auth, Failure}),
        RelayState.DECIDING: frozenset({Failure}),
        RelayState.OPEN: frozenset({*_PUSHED, Digests}),
        RelayState.RESYNC: frozenset({*_PUSHED, Digests}),
        RelayState.HOLDING: frozenset({Failure}),
        RelayState.TAGGED: frozenset({*_PUSHED, Frontiers, Unknown}),
        RelayState.CLOSED: frozenset(),
    }
)
