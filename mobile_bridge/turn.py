"""The turn: who may touch the Runtime now. Its objects are for one thread at a time; only its store is for any.

The bridge's thread takes the turn for one step of one command; the sync thread takes it whenever it does not wait for
the network. So the two see one keyring, one set of certificates and one reader, never half of a change, and nothing has
to be refreshed. Turns are given in the order of asking: a long sync keeps no host waiting for more than one frame.
"""

from __future__ import annotations

import threading
from types import TracebackType


class Turn:
    """A lock that is fair. Not reentrant."""

    def __init__(self) -> None:
        """Start free."""
        self._changed = threading.Condition()
        self._asked = 0
        self._serving = 0

    def acquire(self) -> None:
        """Wait for one's turn."""
        with self._changed:
            ticket = self._asked
            self._asked += 1
            self._changed.wait_for(lambda: self._serving == ticket)

    def release(self) -> None:
        """Let the next one."""
        with self._changed:
            assert self._serving < self._asked, "only who has the turn gives it on"
            self._serving += 1
            self._changed.notify_all()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
