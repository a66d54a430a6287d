"""Which message may come in which state of a meeting between two devices: one table. `docs/protocol.md` shows it.

The one who dialled goes HELLO, AUTH, then round by round TURN (offers), COMPARING, ASKED, TURN (asks and hands over),
TAKING. The one who answered goes HELLO, AUTH, then round by round OFFERED, TURN (offers and asks), ANSWERED, TURN
(hands over). Only one of the two speaks at a time: whoever is in TURN.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from sync_protocol.messages import Entries, Failure, Frontiers, Have, Message, ProofsFrame, Want
from sync_protocol.peer_messages import Done, PeerAuth, PeerHello, PeerNotes


class PeerState(Enum):
    """Where one of two devices stands."""

    HELLO = "waits for the other's hello"
    AUTH = "waits for the other's proof of who it is"
    TURN = "its own turn: the shell speaks"
    COMPARING = "dialled and offered; hears what the other holds"
    ASKED = "dialled and offered; hears what the other lacks"
    TAKING = "dialled; takes what it asked for"
    OFFERED = "answered; hears what the other holds, or that the meeting is over"
    ANSWERED = "answered; hears what the other lacks, and takes what it asked for"
    CLOSED = "ended"


PEER_ACCEPTS: Final[Mapping[PeerState, frozenset[type[Message]]]] = MappingProxyType(
    {
        PeerState.HELLO: frozenset({PeerHello, Failure}),
        PeerState.AUTH: frozenset({PeerAuth, Failure}),
        PeerState.TURN: frozenset({Failure}),
        PeerState.COMPARING: frozenset({PeerNotes, Frontiers, Failure}),
        PeerState.ASKED: frozenset({Have, Want, Done, Failure}),
        PeerState.TAKING: frozenset({ProofsFrame, Entries, Done, Failure}),
        PeerState.OFFERED: frozenset({PeerNotes, Frontiers, Done, Failure}),
        PeerState.ANSWERED: frozenset({Have, Want, ProofsFrame, Entries, Done, Failure}),
        PeerState.CLOSED: frozenset(),
    }
)
