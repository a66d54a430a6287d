"""What the exchange machines ask of their shells. A machine does no I/O; a shell carries out its steps in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sync_protocol.accusations import Accusation
from sync_protocol.backed_up import BackedUp
from sync_protocol.blob_messages import BlobMessage
from sync_protocol.certificates import Certificate, RelayRecord
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.entries import WireEntry
from sync_protocol.errors import ExplainedError
from sync_protocol.evidence import ConsistencyProof
from sync_protocol.frontier import Frontier
from sync_protocol.ids import Hash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import HASH_BYTES, LOG_SIZE_MAX
from sync_protocol.log_messages import Leaf
from sync_protocol.merkle import EMPTY_ROOT
from sync_protocol.signed import Verified

EMPTY_CURSOR: Final = Checkpoint(origin="none", size=0, root=EMPTY_ROOT)
"""The cursor of a device that holds nothing of the feed; a state of every log."""
UNFINISHED: Final = Checkpoint(origin="none", size=LOG_SIZE_MAX, root=Hash(bytes(HASH_BYTES)))
"""The newest checkpoint of a device whose resync was cut off; a state of no log, so that it begins again."""
RELAY_LOG_DIFFERS: Final = "relay_log_differs"
RELAY_LOG_SHRANK: Final = "relay_log_shrank"
RELAY_LOG_SPLIT: Final = "relay_log_split"
RELAY_LOG_DENIED: Final = "relay_log_denied"
RELAY_LOG_UNPROVEN: Final = "relay_log_unproven"
RELAY_LOG_REWROTE: Final = "relay_log_rewrote"
ALARMS: Final = (
    RELAY_LOG_DIFFERS,
    RELAY_LOG_SHRANK,
    RELAY_LOG_SPLIT,
    RELAY_LOG_DENIED,
    RELAY_LOG_UNPROVEN,
    RELAY_LOG_REWROTE,
)
"""The words for what a person must hear of a relay's log."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeted:
    """Device: the relay proved who it is, and answered for the notes that it was shown.

    Attributes:
        checkpoint, note: the newest of its log.
        linked: whether that contains the newest that this device knew: then it is the newest now, to be kept as that.
            Otherwise it is a note to be shown to the relay again, because it is not proven to belong to what was known.
        proofs: of every note that it proved.
        settled: notes that need not be shown again: proven, or denied and accused by, or another log's.
    """

    checkpoint: Checkpoint
    note: bytes
    linked: bool
    proofs: tuple[ConsistencyProof, ...]
    settled: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Accused:
    """Device: the relay is guilty, and this shows it to everybody; keep it."""

    accusation: Accusation


@dataclass(frozen=True, slots=True)
class Doubted:
    """Device: the relay signed this and did not show that it belongs to what it signed before: show it in a HELLO."""

    note: bytes


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
        held: the note of the newest state of this log, to be shown in the next HELLO; None while that is unknown.
        whole: whether all that was sent stands below it. Otherwise some of the last page's entries may stand above it.
    """

    checkpoint: Checkpoint
    note: bytes
    newest: Checkpoint
    held: bytes | None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Receipted:
    """Device: these entries are durable at the relay; their inclusion was verified.

    Attributes:
        checkpoint, note: under which they are included.
        newest: `newest` of the next exchange, in place of what was kept. UNFINISHED while a resync is under way: if the
            connection ends now, the next one must begin it again.
        held: see Advance.
    """

    checkpoint: Checkpoint
    note: bytes
    leaves: tuple[Leaf, ...]
    newest: Checkpoint
    held: bytes | None


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
class SupplyHoldings:
    """Device: hand over what is held of every stream, by `compare`."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person must hear of: the relay's log is not what it was.

    Attributes:
        code: one of ALARMS: RELAY_LOG_DIFFERS, what the device named is no state of the log; RELAY_LOG_DENIED, a note
            that it was shown is none; RELAY_LOG_SHRANK, RELAY_LOG_SPLIT and RELAY_LOG_UNPROVEN, where it contradicts
            what it signed, or does not show that it does not.
        checkpoint: what the relay signed.
    """

    code: str
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Device: nothing more in the feed for now."""


@dataclass(frozen=True, slots=True)
class Greet:
    """Relay: say by `greeted` what the log is now, and which of these are states of it.

    Attributes:
        shown: what the notes of the HELLO say; None for one that this relay did not sign for this log.
    """

    shown: tuple[Checkpoint | None, ...]


@dataclass(frozen=True, slots=True)
class Peer:
    """Relay: the device authenticated itself."""

    certificate: Verified[Certificate]


@dataclass(frozen=True, slots=True)
class Locate:
    """Relay: say by `located` whether the cursor is a state of the log, and which seals the sessions lack.

    Attributes:
        size, root: the cursor: what is fed begins there.
        beyond: how far chains reach at the device beyond the cursor. Where the feed goes on with this cursor, it skips
            of each of them what is at or below that head, unless the chain forks; heads that the log does not know
            are told to `located`.
        newest: another state that the log must have had, where the device names one.
    """

    size: int
    root: bytes
    sessions: tuple[SessionId, ...]
    newest: tuple[int, bytes] | None = None
    beyond: Mapping[StreamId, Frontier] = field(default_factory=dict)

    @property
    def states(self) -> tuple[tuple[int, bytes], ...]:
        """Sizes and roots all of which must be states of the log."""
        cursor = (self.size, self.root)
        return (cursor,) if self.newest is None else (cursor, self.newest)


@dataclass(frozen=True, slots=True)
class Hold:
    """Relay: say by `holding` what the log holds of the streams that the device may read.

    What comes into the log after that is fed in any case, and so is a stream that becomes readable after it.
    """


@dataclass(frozen=True, slots=True)
class Compare:
    """Relay: say by `compared` which chains these frontiers have and the log lacks; then feed what they lack of it.

    `frontier.unknown` and `frontier.lacking` say both.

    Attributes:
        frontiers: the device's, of its streams that differ.
        differing: the streams that `Hold` was answered with and of which the device does not hold the same. Where it
            has no frontier of one, it lacks it whole. It lacks nothing of any other.
    """

    frontiers: Mapping[StreamId, Frontier]
    differing: frozenset[StreamId]


@dataclass(frozen=True, slots=True)
class FeedAgain:
    """Relay: feed these chains from these numbers on once more, as far as the device may read them; then `Feed`."""

    chains: tuple[tuple[StreamId, SessionId, int], ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """Relay: load the next page of the feed and hand it over by `page`."""


@dataclass(frozen=True, slots=True)
class SaidSafe:
    """Device: the relay has backed up its log through a state that was verified to be one; keep the statement.

    Comes after the page's entries and its `Advance`. A statement that is older than the one that is kept changes
    nothing.
    """

    statement: Verified[BackedUp]


@dataclass(frozen=True, slots=True)
class BlobSaid:
    """Either: the other side said this of a blob; the shell answers it, as `blob_exchange` says."""

    message: BlobMessage


DeviceStep = (
    Send
    | Close
    | Admitted
    | Greeted
    | Accused
    | Doubted
    | Take
    | Advance
    | Receipted
    | Rejected
    | Supply
    | SupplyChains
    | SupplyHoldings
    | Alarm
    | CaughtUp
    | SaidSafe
    | BlobSaid
)
RelayStep = Send | Close | Greet | Peer | Locate | Hold | Compare | FeedAgain | Take | Feed | BlobSaid
