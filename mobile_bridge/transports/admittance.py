"""Who may connect to the loopback server. Pure: the headers of a handshake in, a verdict out.

A page on any other site or port can reach 127.0.0.1. So all three must hold: the Host header names this server, or a
name that was rebound to this address would do; the Origin is on the list; and the token is the one that this run made.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SUBPROTOCOL: Final = "mb.v1"
BEARER: Final = "bearer."
PATH: Final = "/bridge"
_NAMES: Final = ("127.0.0.1", "localhost")


class Refusal(StrEnum):
    """Why a handshake is refused; for the log alone, never with what came."""

    PATH = "path"
    HOST = "host"
    ORIGIN = "origin"
    SUBPROTOCOL = "subprotocol"
    TOKEN = "token"  # noqa: S105 a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What matters of a handshake; each header as often as it came."""

    path: str
    hosts: Sequence[str]
    origins: Sequence[str]
    protocols: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Admittance:
    """Who may connect. Without a repr: it holds the token.

    Attributes:
        port: where the server listens.
        origins: pages that may connect, such as "http://127.0.0.1:8080".
        native: whether a host without any Origin may connect: an app, not a page.
        token: what a host shows.
    """

    port: int
    origins: frozenset[str]
    native: bool
    token: str

    def refusal(self, handshake: Handshake) -> Refusal | None:
        """Why this handshake is refused; None where it may go on."""
        offered = [one.strip() for line in handshake.protocols for one in line.split(",")]
        bearers = [one.removeprefix(BEARER) for one in offered if one.startswith(BEARER)]
        verdicts = (
            (Refusal.PATH, handshake.path == PATH),
            (Refusal.HOST, [*handshake.hosts] in [[f"{name}:{self.port}"] for name in _NAMES]),
            (Refusal.ORIGIN, self._origin_allowed(handshake.origins)),
            (Refusal.SUBPROTOCOL, SUBPROTOCOL in offered and len(bearers) == 1),
            (Refusal.TOKEN, any(hmac.compare_digest(_bytes(one), _bytes(self.token)) for one in bearers)),
        )
        return next((reason for reason, holds in verdicts if not holds), None)

    def _origin_allowed(self, origins: Sequence[str]) -> bool:
        if not origins:
            return self.native
        return len(origins) == 1 and origins[0] in self.origins


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # a header may hold bytes that are no text
