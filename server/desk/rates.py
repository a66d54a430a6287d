"""How often the desk answers: one address, before anybody proved who they are, and one person, who did.

A person who breaks glass after glass is an attack or a catastrophe; both are slowed, so that somebody can look.
"""

from __future__ import annotations

from typing import Final

from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from server.desk.errors import RateError
from sync_protocol.ids import CertificateHash

ASKED_A_MINUTE: Final = 60
"""Requests from one address."""
NEWS_A_MINUTE: Final = 600
"""Parts of control records from one address: a new desk takes many."""
ANSWERED_AN_HOUR: Final = 120
"""Requests of one person; a chart takes one for each 48 epochs."""


class Rates:
    """Counts in fixed windows, in memory."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def asked(self, address: str | None) -> None:
        """Count a request from an address.

        Raises:
            RateError: too many.
        """
        if not self._limiter.hit(RateLimitItemPerMinute(ASKED_A_MINUTE), "asked", address or "unknown"):
            raise _too_often(f"at most {ASKED_A_MINUTE} requests a minute from one address")

    def news(self, address: str | None) -> None:
        """Count a part of control records from an address.

        Raises:
            RateError: too many.
        """
        if not self._limiter.hit(RateLimitItemPerMinute(NEWS_A_MINUTE), "news", address or "unknown"):
            raise _too_often(f"at most {NEWS_A_MINUTE} parts a minute from one address")

    def answering(self, principal: CertificateHash) -> None:
        """Count an answer to a person.

        Raises:
            RateError: too many.
        """
        if not self._limiter.hit(RateLimitItemPerHour(ANSWERED_AN_HOUR), "answered", principal.hex()):
            raise _too_often(f"at most {ANSWERED_AN_HOUR} answers an hour to one person")


def _too_often(expected: str) -> RateError:
    return RateError("too_often", expected=expected, got="more", do="wait, then try again; tell the compliance officer")
