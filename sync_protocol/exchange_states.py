"""Which message may come in which state: the two tables of an exchange. `docs/protocol.md` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from sync_protocol.messages import (
    Auth,
    Cursor,
    Entries,
    Failure,
    Frontiers,
    Have,
    Hello,
    Message,
    Page,
    ProofsFrame,
    Ready,
    Receipt,
    Refused,
    Resync,
    Want,
    Welcome,
)


class DeviceState(Enum):
    """Where a device stands."""

    HELLO = "sent HELLO"
    AUTH = "sent AUTH"
    OPEN = "let in"
    RESYNC = "asked for its frontiers, which the shell has not handed over yet"
    COMPARING = "sent its frontiers; the next checkpoint, or the end of the feed, ends this"
    CLOSED = "ended"


class RelayState(Enum):
    """Where a relay stands with one device."""

    HELLO = "waits for HELLO"
    GREETING = "was shown notes, for which the shell has not answered yet"
    AUTH = "sent WELCOME"
    DECIDING = "knows the device, which the shell has not let in yet"
    OPEN = "let the device in"
    RESYNC = "asked for frontiers; nothing is fed until they came"
    CLOSED = "ended"


_FED: Final = (ProofsFrame, Entries, Have, Receipt, Refused, Failure)
_PUSHED: Final = (Cursor, ProofsFrame, Entries, Frontiers, Failure)

DEVICE_ACCEPTS: Final[Mapping[DeviceState, frozenset[type[Message]]]] = MappingProxyType(
    {
        DeviceState.HELLO: frozenset({Welcome, Failure}),
        DeviceState.AUTH: frozenset({Ready, Failure}),
        DeviceState.OPEN: frozenset({*_FED, Page, Resync}),
        DeviceState.RESYNC: frozenset(_FED),
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
        RelayState.OPEN: frozenset(_PUSHED),
        RelayState.RESYNC: frozenset(_PUSHED),
        RelayState.CLOSED: frozenset(),
    }
)
