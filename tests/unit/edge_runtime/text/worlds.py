"""A causal past built update by update, to put one more update before.

Owns nothing but the wiring of screen, admission and order: whoever wrote an update wrote it with everything before it
in their past.
"""

from __future__ import annotations

from edge_runtime.text.admit import AdmitContext, admit
from edge_runtime.text.changes import Admitted
from edge_runtime.text.order import ItemOrder
from edge_runtime.text.screen import screen


class World:
    """An order and its state vector."""

    def __init__(self, *updates: tuple[int, bytes]) -> None:
        """Take (author, update) pairs."""
        self.order = ItemOrder()
        for author, update in updates:
            self.take(author, update)

    def judge(self, author: int, update: bytes, past: dict[int, int] | None = None) -> Admitted:
        """Screen and admit an update by `author`, whose past is everything unless given."""
        seen = self.order.state_vector() if past is None else past
        return admit(screen(update), AdmitContext(client=author, past=seen, order=self.order))

    def take(self, author: int, update: bytes, past: dict[int, int] | None = None) -> None:
        """Judge an update and take it in."""
        self.order.integrate(self.judge(author, update, past))

    def ids(self, past: dict[int, int] | None = None) -> list[tuple[int, int]]:
        """Every unit in document order."""
        return [(first.client, first.clock + at) for first, length, _ in self.order.runs(past) for at in range(length)]
