"""How much of a link and of time a sync or meeting may use: a phone that was woken for thirty seconds stops by itself.

It stops between two frames: everything that came is durable, what was not answered is offered again, and the next one
goes on from there. What is most urgent went first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_runtime.transports.link import Link

BYTES, TIME = "bytes", "time"
"""Why one stopped."""
BATCH_SHARE: Final = 4
"""At most this part of what is left goes into one batch, so that there is room for its answer."""

BARREN_BYTES_MAX: Final = 16 * 1024 * 1024
"""Beyond a budget, for proofs that come before the first entry: more than that without one, and somebody wastes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one sync or meeting may use; None for no limit.

    Attributes:
        bytes_max: in both directions together. A frame that was begun is finished, and one batch is taken in any case,
            so that every connection makes progress; but for BARREN_BYTES_MAX at most.
        until_ms: the clock at which to stop, in Unix milliseconds.
    """

    bytes_max: int | None = None
    until_ms: int | None = None


UNLIMITED: Final = Budget()


class Spending:
    """What was used of a budget. A link itself, which counts what passes it.

    Attributes:
        sent, received: bytes of frames.
        took: whether something was stored or receipted: before that no connection ends for its bytes.
    """

    def __init__(self, link: Link, budget: Budget, clock: Callable[[], int]) -> None:
        """Count from now on."""
        self.link = link
        self._budget = budget
        self._clock = clock
        self.sent = 0
        self.received = 0
        self.took = False

    @property
    def spent(self) -> str | None:
        """Why to stop now: BYTES or TIME; None to go on."""
        budget = self._budget
        if budget.until_ms is not None and self._clock() >= budget.until_ms:
            return TIME
        if budget.bytes_max is not None and self.sent + self.received >= budget.bytes_max:
            return BYTES if self.took or self.overdrawn else None
        return None

    @property
    def overdrawn(self) -> bool:
        """Whether so much came beyond the budget that nothing is waited for any more."""
        most = self._budget.bytes_max
        return most is not None and self.sent + self.received >= most + BARREN_BYTES_MAX

    def batch_bytes(self, most: int) -> int:
        """How many bytes of bodies the next batch may have, at most `most`."""
        if self._budget.bytes_max is None:
            return most
        left = self._budget.bytes_max - self.sent - self.received
        return max(0, min(most, left // BATCH_SHARE))

    def send(self, frame: bytes) -> None:
        """Send one frame, and count it."""
        self.link.send(frame)
        self.sent += len(frame)

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame, counted; waits no longer than there is time."""
        if self._budget.until_ms is not None:
            timeout_s = max(0.0, min(timeout_s, (self._budget.until_ms - self._clock()) / 1000))
        frame = self.link.receive(timeout_s=timeout_s)
        self.received += 0 if frame is None else len(frame)
        return frame

    def close(self) -> None:
        """Whoever dialled closes."""
        self.link.close()
