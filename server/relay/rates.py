"""How often one address may ask for what costs cryptography or room on the disk before anybody proved who they are.

A whole clinic may stand behind one address, so these are far above what people do and far below what hurts.
"""

from __future__ import annotations

import ipaddress
from enum import Enum
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from server.relay.errors import RateError

_IPV6_PREFIX: Final = 64
"""One site holds 2**64 addresses, so they count as one."""


class Desk(Enum):
    """What is asked for."""

    ENROL = "enrol"
    ANSWER = "answer"
    HANDSHAKE = "handshake"
    CLAIM = "claim"
    LOG = "log"


_A_MINUTE: Final = {Desk.ENROL: 30, Desk.ANSWER: 600, Desk.HANDSHAKE: 1200, Desk.CLAIM: 30, Desk.LOG: 1200}
"""How often one address may ask."""


class Rates:
    """Counts requests in fixed windows of a minute, in memory."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._items: dict[Desk, RateLimitItem] = {
            desk: RateLimitItemPerMinute(count) for desk, count in _A_MINUTE.items()
        }

    def check(self, desk: Desk, address: str | None) -> None:
        """Count one request.

        Raises:
            RateError: too many from that address.
        """
        if not self._limiter.hit(self._items[desk], desk.value, _site(address)):
            raise RateError(
                "too_often",
                expected=f"at most {_A_MINUTE[desk]} such requests a minute from one address",
                got="more",
                do="wait a minute, then try again",
            )


def _site(address: str | None) -> str:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
    return str(found)
