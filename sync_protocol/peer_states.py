"""Which message may come in which state of a meeting between two devices: one table. `docs/protocol.md` shows it.

The one who dialled goes HELLO, AUTH, then round by round TURN (offers), COMPARING, ASKED, TURN (asks and hands over),
TAKING. The one who answered goes HELLO, AUTH, then round by round OFFERED, TURN (offers), DIFFERING, TURN (asks),
ANSWERED, TURN (hands over). After the rounds, where the one who dialled speaks of blobs in place of another, both go
SHARING and TURN by turns. Only one of the two speaks at a time: whoever is in TURN, or was just told all tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from sync_protocol.blob_messages import BlobChunk, BlobManifest, BlobRefused, BlobsHeld, BlobWant
from sync_protocol.comparison_messages import Digests, Frontiers, Tags, Unknown, Want
from sync_protocol.log_messages import Have
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.peer_messages import Done, PeerAuth, PeerHello, PeerNotes
from sync_protocol.refusal_messages import Failure, Refused


class PeerState(Enum):
    """Where one of two devices stands."""

    HELLO = "waits for the other's hello"
    AUTH = "waits for the other's proof of who it is"
    TURN = "its own turn: the shell speaks"
    COMPARING = "dialled and said its digests; hears the other's tags"
    ASKED = "dialled and said what differs; hears the same, and what the other lacks"
    TAKING = "dialled; hears what the other did not take, and takes what it asked for"
    OFFERED = "answered; hears what the other did not take, and its digests, or that the meeting is over"
    DIFFERING = "answered and said its tags; hears what differs"
    ANSWERED = "answered; hears what the other lacks, and takes what it asked for"
    SHARING = "all rounds are over; hears the other's turn about blobs"
    CLOSED = "ended"


_BLOBS: Final = (BlobsHeld, BlobWant, BlobManifest, BlobChunk, BlobRefused)

PEER_ACCEPTS: Final[Mapping[PeerState, frozenset[type[Message]]]] = MappingProxyType(
    {
        PeerState.HELLO: frozenset({PeerHello, Failure}),
        PeerState.AUTH: frozenset({PeerAuth, Failure}),
        PeerState.TURN: frozenset({Failure}),
        PeerState.COMPARING: frozenset({PeerNotes, Tags, Failure}),
        PeerState.ASKED: frozenset({Frontiers, Have, Want, Done, Failure}),
        PeerState.TAKING: frozenset({Refused, ProofsFrame, Entries, Pack, Done, Failure}),
        PeerState.OFFERED: frozenset({Refused, PeerNotes, Digests, Done, Failure, *_BLOBS}),
        PeerState.DIFFERING: frozenset({Frontiers, Unknown, Failure}),
        PeerState.ANSWERED: frozenset({Have, Want, ProofsFrame, Entries, Pack, Done, Failure}),
        PeerState.SHARING: frozenset({Done, Failure, *_BLOBS}),
        PeerState.CLOSED: frozenset(),
    }
)
