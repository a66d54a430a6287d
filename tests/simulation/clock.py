"""Simulated time: one true time, and machines whose clocks are off by what somebody set them to."""

from __future__ import annotations

import random
from typing import Final

START_MS: Final = 1_790_000_000_000
"""When every simulated world begins, in Unix milliseconds."""


class Time:
    """The true time of a world."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def passes(self, milliseconds: int) -> None:
        """Let time pass."""
        self.now_ms += milliseconds

    def seconds(self) -> float:
        """The true time in seconds."""
        return self.now_ms / 1000


class Clock:
    """A machine's clock; it may be off, and jump."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.offset_ms = 0

    def __call__(self) -> int:
        """What the machine believes the time to be."""
        return max(0, self._time.now_ms + self.offset_ms)


class Entropy:
    """A seeded stream of bytes in the place of the system's; nothing rewinds it, whatever is restored."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def __call__(self, size: int) -> bytes:
        """The next `size` bytes."""
        return self._random.randbytes(size)
