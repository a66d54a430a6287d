"""What a meeting's machine asks of its shell, beside `Send`, `Take` and `Close` of `sync_protocol.steps`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync_protocol.certificates import Certificate
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.signed import Verified
from sync_protocol.steps import BlobSaid, Close, Send, Take


@dataclass(frozen=True, slots=True)
class Met:
    """The other proved who it is.

    Attributes:
        expired: its certificate has ended: it may hand over, and gets no more than the organisation's records.
    """

    certificate: Verified[Certificate]
    expired: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """Checkpoints that the other holds; nothing about them was verified."""

    notes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """Say what this side holds that the other may have, by `offer`."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Say what this side lacks of what the other holds, by `ask`."""

    theirs: Mapping[StreamId, Frontier]


@dataclass(frozen=True, slots=True)
class HandOver:
    """Hand over, by `hand`, what the other asked for, and whole every chain that was offered and forks here.

    Attributes:
        wanted: the first number to hand over, a chain; each is one that this side offered. Chains that fork are among
            them, from 0.
        seals: the first seal that the other lacks, a session. A hint, as in `Supply`.
    """

    wanted: Mapping[tuple[StreamId, SessionId], int]
    seals: Mapping[SessionId, int]


@dataclass(frozen=True, slots=True)
class Finish:
    """End this turn, by `finish`."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What this side handed over in its last turn is durable at the other, but for what that refused.

    Attributes:
        refused: what it did not take, by name.
        nothing: whether it refused more than it could name; then nothing of that turn counts as being there.
    """

    refused: frozenset[EntryHash]
    nothing: bool


@dataclass(frozen=True, slots=True)
class RoundOver:
    """Begin another round by `offer`, speak of blobs by `share`, or end the meeting by `end`.

    Attributes:
        again: the other asks for another round.
    """

    again: bool


@dataclass(frozen=True, slots=True)
class BlobTurn:
    """Speak of blobs, by `share`; or, where this side dialled, end the meeting by `end`.

    Attributes:
        again: the other asked for something, or hopes for more.
    """

    again: bool


PeerStep = (
    Send | Close | Take | Met | Heard | Offer | Ask | HandOver | Finish | Confirmed | RoundOver | BlobSaid | BlobTurn
)
