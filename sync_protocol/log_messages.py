"""Messages about the relay's log: how far a device holds it, what it grew by, and what stands in it.

`sync_protocol.messages` gives them their numbers; `sync_protocol.log_view` believes nothing of them unproven.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync_protocol.comparison_messages import StreamFrontier
from sync_protocol.ids import EntryHash, Hash, SessionId
from sync_protocol.limits import (
    BACKED_UP_BYTES_MAX,
    CONSISTENCY_PATH_MAX,
    FRAME_ITEMS_MAX,
    LOG_PATH_MAX,
    LOG_SIZE_MAX,
    NOTE_BYTES_MAX,
    RECEIPT_LEAVES_MAX,
    SEQ_MAX,
)
from sync_protocol.records import flag, identifier, key, many, nested, octets, optional, pair, uint

_NOTE: Final = octets(1, NOTE_BYTES_MAX)
_GROWTH: Final = many(identifier(Hash), CONSISTENCY_PATH_MAX)


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
class Resync:
    """Relay: your cursor, or your newest checkpoint, is not a state of my log; let us compare frontiers."""

    note: bytes = key(1, _NOTE)
