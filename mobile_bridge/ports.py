"""What the bridge needs of the world, each with a default in pure Python. A host or a test may hand in its own.

Ports of the design that no command uses yet (keystore, media, net.state and so on) come with their commands: until then
a home is opened by its passphrase alone. A host's own model is no port of the program but an offer over the contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge_runtime import runtime
from edge_runtime.ai.models.choosing import Need
from edge_runtime.ai.models.opening import Opened, open_model
from edge_runtime.connections import TIMEOUT_S
from edge_runtime.identity import Clock, Entropy
from edge_runtime.shared_device.locking import Moment
from edge_runtime.transports.link import Link
from edge_runtime.transports.websocket import WebSocketLink

Dial = Callable[[str], Link]
"""Connects to the relay at an address. Raises RemoteError where it does not answer."""


def moment() -> Moment:
    """The present, by clocks that nobody sets."""
    return Moment(awake_ms=runtime.awake_ms(), lasting_ms=runtime.lasting_ms())


def dial(address: str) -> Link:
    """Connect by WebSocket."""
    return WebSocketLink(address, timeout_s=TIMEOUT_S)


def open_engine(skill: str) -> Opened:
    """Choose what answers for a skill, of the models of this device."""
    return open_model(None, Need(skill=skill))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports in use.

    Attributes:
        clock: milliseconds since 1970, UTC.
        entropy: so many random bytes.
        dial: the way to the relay.
        moment: the present, by which homes are locked.
        open_engine: chooses the model for a skill.
    """

    clock: Clock = runtime.clock
    entropy: Entropy = runtime.entropy
    dial: Dial = dial
    moment: Callable[[], Moment] = moment
    open_engine: Callable[[str], Opened] = open_engine
