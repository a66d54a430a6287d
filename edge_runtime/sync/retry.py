"""Trying again: exponential backoff with full jitter, bounded, for a relay that does not answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from edge_runtime.errors import RemoteError
from edge_runtime.identity import Entropy

T = TypeVar("T")

BASE_S: Final = 0.5
PAUSE_S_MAX: Final = 30.0
_DOUBLINGS_MAX: Final = 16
"""Far beyond PAUSE_S_MAX; a float ends at 1,024."""
RETRYABLE: Final = frozenset({"relay_unreachable", "relay_silent", "busy", "too_often", "token"})
"""What passes: the network, a relay that has much to do, a token that ended."""


def pause_s(attempt: int, entropy: Entropy) -> float:
    """How long to wait after a failed attempt, from 0: between nothing and the doubled base, so devices spread out.

    Source: Brooker, Exponential Backoff and Jitter, 2015 (full jitter).
    """
    ceiling = min(PAUSE_S_MAX, BASE_S * 2.0 ** min(attempt, _DOUBLINGS_MAX))
    return ceiling * int.from_bytes(entropy(4), "big") / 2.0**32


def retrying(operation: Callable[[], T], *, attempts: int, entropy: Entropy, sleep: Callable[[float], None]) -> T:
    """Run `operation` until it goes through, at most `attempts` times.

    Raises:
        RemoteError: the last attempt's error, or at once one that another attempt would not change.
    """
    for attempt in range(attempts - 1):
        try:
            return operation()
        except RemoteError as error:
            if error.code not in RETRYABLE:
                raise
        sleep(pause_s(attempt, entropy))
    return operation()
