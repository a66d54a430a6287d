"""Whose turn it is: round robin over keys, first come first served within one. Pure, and not for several threads.

Owns the order and its bounds. A key that asks for much waits for its own requests, not the others for it: between two
turns of one key, every other key that waits has one.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, Generic, TypeVar

from edge_runtime.ai.errors import BudgetError

WAITING_MAX: Final = 64
"""Requests that wait, of all keys."""
WAITING_PER_KEY_MAX: Final = 16
"""Requests that wait, of one key: nobody can fill the queue alone."""

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """A bounded queue of items, each with a key."""

    def __init__(self, *, waiting_max: int = WAITING_MAX, per_key_max: int = WAITING_PER_KEY_MAX) -> None:
        """Begin empty."""
        self._waiting_max = waiting_max
        self._per_key_max = per_key_max
        self._lines: OrderedDict[bytes, deque[Item]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    def add(self, key: bytes, item: Item) -> None:
        """Put an item at the end of its key's line.

        Raises:
            BudgetError: too many wait already (`queue_full`).
        """
        line = self._lines.get(key, deque())
        if self._count >= self._waiting_max or len(line) >= self._per_key_max:
            raise BudgetError(
                "queue_full",
                expected=f"at most {self._waiting_max} requests that wait, {self._per_key_max} of them of one patient",
                got=f"{self._count} that wait, {len(line)} of this one",
                do="wait until some are done, or cancel some",
            )
        line.append(item)
        self._lines[key] = line
        self._count += 1

    def take(self) -> Item | None:
        """The item whose turn it is; None where nobody waits."""
        if not self._lines:
            return None
        key, line = self._lines.popitem(last=False)
        item = line.popleft()
        if line:
            self._lines[key] = line  # at the end of the round
        self._count -= 1
        return item

    def drop(self, key: bytes, item: Item) -> bool:
        """Take an item out of its line; False if it waits no longer."""
        line = self._lines.get(key)
        if line is None or item not in line:
            return False
        line.remove(item)
        if not line:
            del self._lines[key]
        self._count -= 1
        return True

    def empty(self) -> list[Item]:
        """Take all that wait, in the order of their turns."""
        taken: list[Item] = []
        while (item := self.take()) is not None:
            taken.append(item)
        return taken
