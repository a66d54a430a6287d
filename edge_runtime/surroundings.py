"""What a device stands in: its clock, its entropy, and whom it can reach. The system's, or those of a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edge_runtime.identity import Clock, Entropy
from edge_runtime.transports.http import HttpClient
from edge_runtime.transports.link import Link


class DialledPeer(Link, Protocol):
    """A link to another device, dialled by this one."""

    @property
    def address(self) -> str:
        """The other's address, in the form in which both sides sign it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a runtime asks for from outside.

    Attributes:
        clock: milliseconds since 1970, UTC; it may jump.
        entropy: that many random bytes.
        pause: waits, given seconds.
        dial: a link over which a relay can speak unasked, given its address.
        dial_peer: a link to another device, given its address.
        http: plain requests to a relay, given its address.
    """

    clock: Clock
    entropy: Entropy
    pause: Callable[[float], None]
    dial: Callable[[str], Link]
    dial_peer: Callable[[str], DialledPeer]
    http: Callable[[str], HttpClient]
