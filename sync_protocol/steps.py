"""What the exchange machines ask of their shells. A machine does no I/O; a shell carries out its steps in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sync_protocol.certificates import Certificate, RelayRecord
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.entries import WireEntry
from sync_protocol.errors import ExplainedError
from sync_protocol.frontier import Frontier
from sync_protocol.ids import Hash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import HASH_BYTES, LOG_SIZE_MAX
from sync_protocol.merkle import EMPTY_ROOT
from sync_protocol.messages import Leaf
from sync_protocol.signed import Verified

EMPTY_CURSOR: Final = Checkpoint(origin="none", size=0, root=EMPTY_ROOT)
"""The cursor of a device that holds nothing of the feed; a state of every log."""
UNFINISHED: Final = Checkpoint(origin="none", size=LOG_SIZE_MAX, root=Hash(bytes(HASH_BYTES)))
"""The newest checkpoint of a device whose resync was cut off; a state of no log, so that it begins again."""
RELAY_LOG_DIFFERS: Final = "relay_log_differs"
RELAY_LOG_SHRANK: Final = "relay_log_shrank"
RELAY_LOG_SPLIT: Final = "relay_log_split"


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes to the peer: one frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection, after what was sent. A ToldError is the other side's reason. None: all is well."""

    error: ExplainedError | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """Device: the relay proved itself and let us in. Over HTTP with a token and its expiry in milliseconds."""

    record: Verified[RelayRecord]
    token: bytes | None
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class Take:
    """Verify and store durably, in one transaction. The relay then answers by `ingested`.

    A device that must refuse something of it stores the rest and keeps its old cursor from then on, so that what it
    could not take comes again, perhaps to a newer version of itself.
    """

    proofs: Proofs
    entries: tuple[WireEntry, ...]


@dataclass(frozen=True, slots=True)
class Advance:
    """Device: everything up to this checkpoint is stored; keep it as the cursor.

    Attributes:
        note: the checkpoint as signed.
        newest: `newest` of the next exchange, in place of what was kept.
    """

    checkpoint: Checkpoint
    note: bytes
    newest: Checkpoint


@dataclass(frozen=True, slots=True)
class Receipted:
    """Device: these entries are durable at the relay; their inclusion was verified.

    Attributes:
        checkpoint: under which they are included.
        newest: `newest` of the next exchange, in place of what was kept. UNFINISHED while a resync is under way: if the
            connection ends now, the next one must begin it again.
    """

    checkpoint: Checkpoint
    leaves: tuple[Leaf, ...]
    newest: Checkpoint


@dataclass(frozen=True, slots=True)
class Rejected:
    """Device: the relay did not take something, and why."""

    entry: bytes | None
    error: ExplainedError


@dataclass(frozen=True, slots=True)
class Supply:
    """Device: hand over what is to be pushed, by `push`.

    Attributes:
        seals: the first seal number that the relay lacks, a session that was announced. A hint that saves proofs, and
            no more: in a session that forks, an entry that waits may hang on an earlier seal that the relay lacks too.
    """

    seals: Mapping[SessionId, int]


@dataclass(frozen=True, slots=True)
class SupplyChains:
    """Device: the relay forgot; hand over these chains from these numbers on, with all their proofs, by `push`.

    They count as pending again, durably, before anything else is done: a connection that ends here must not leave the
    device believing in receipts that the relay has forgotten.
    """

    chains: tuple[tuple[StreamId, SessionId, int], ...]


@dataclass(frozen=True, slots=True)
class SupplyFrontiers:
    """Device: hand over the frontier of every stream, and which chains fork, by `frontiers`."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person must hear of: the relay's log is not what it was.

    Attributes:
        code: RELAY_LOG_DIFFERS, the cursor is no state of the log, or RELAY_LOG_SHRANK and RELAY_LOG_SPLIT, where it
            contradicts what it signed on this same connection.
        checkpoint: what the relay signed.
    """

    code: str
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Device: nothing more in the feed for now."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Relay: the device authenticated itself."""

    certificate: Verified[Certificate]


@dataclass(frozen=True, slots=True)
class Locate:
    """Relay: say by `located` whether the cursor is a state of the log, and which seals the sessions lack.

    Attributes:
        size, root: the cursor: what is fed begins there.
        newest: another state that the log must have had, where the device names one.
    """

    size: int
    root: bytes
    sessions: tuple[SessionId, ...]
    newest: tuple[int, bytes] | None = None

    @property
    def states(self) -> tuple[tuple[int, bytes], ...]:
        """Sizes and roots all of which must be states of the log."""
        cursor = (self.size, self.root)
        return (cursor,) if self.newest is None else (cursor, self.newest)


@dataclass(frozen=True, slots=True)
class Compare:
    """Relay: say by `compared` which chains these frontiers have and the log lacks; then feed what they lack of it.

    `frontier.unknown` and `frontier.lacking` say both. Streams that are not among the frontiers are lacked whole.
    """

    frontiers: Mapping[StreamId, Frontier]


@dataclass(frozen=True, slots=True)
class Feed:
    """Relay: load the next page of the feed and hand it over by `page`."""


DeviceStep = (
    Send
    | Close
    | Admitted
    | Take
    | Advance
    | Receipted
    | Rejected
    | Supply
    | SupplyChains
    | SupplyFrontiers
    | Alarm
    | CaughtUp
)
RelayStep = Send | Close | Peer | Locate | Compare | Take | Feed
