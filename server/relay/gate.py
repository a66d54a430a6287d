"""Back-pressure: so many bytes of work at once, and the rest waits its turn in front of the door.

Whoever waits here does not read on from its socket, so TCP slows the sender down, and memory stays bounded. In the
event loop's thread alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final


class Gate:
    """Lets work in by weight; who came first goes in first, so a heavy one is not starved by light ones."""

    def __init__(self, capacity: int) -> None:
        """Open the gate.

        Args:
            capacity: bytes inside at once; a heavier piece of work goes in alone.
        """
        self.capacity: Final = capacity
        self.inside = 0
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def entered(self, weight: int) -> AsyncIterator[None]:
        """Wait for room, and be inside until the block ends."""
        weight = min(weight, self.capacity)
        await self._enter(weight)
        try:
            yield
        finally:
            self._leave(weight)

    async def _enter(self, weight: int) -> None:
        if not self._line and self.inside + weight <= self.capacity:
            self.inside += weight
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((weight, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._let_in()  # those behind it may be lighter
            else:
                self._leave(weight)  # it was let in at the very moment when it gave up
            raise

    def _leave(self, weight: int) -> None:
        self.inside -= weight
        self._let_in()

    def _let_in(self) -> None:
        while self._line and (self._line[0][1].cancelled() or self.inside + self._line[0][0] <= self.capacity):
            weight, turn = self._line.popleft()
            if not turn.cancelled():
                self.inside += weight
                turn.set_result(None)
