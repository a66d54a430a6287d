"""Keeps a replica in step with the admitted updates of one draft.

Owns recovery: a replica that failed is thrown away and all updates are replayed into a new one. If that fails too, the
longest start that the engine bears is shown and the replay is incomplete: a local state, for this device, now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from edge_runtime.text.errors import ReplicaFailedError
from edge_runtime.text.replica import MakeReplica
from edge_runtime.text.splices import Splice

REBUILDS_MAX: Final = 3
"""New replicas that one failure may cost, the last of which stays empty."""


class Replay:
    """The updates to show, in causal order, and a replica that shows them."""

    def __init__(self, make_replica: MakeReplica) -> None:
        """Start empty and complete."""
        self.complete = True
        """Whether the replica shows every update, as far as is known: an engine may fail when it is asked for text."""
        self._make_replica = make_replica
        self._replica = make_replica()
        self._updates: list[bytes] = []
        self._shown = 0

    def extend(self, update: bytes) -> None:
        """Show one more update; while incomplete it only joins those to show."""
        self._updates.append(update)
        if self.complete and not self._advance(len(self._updates)):
            self.retry()

    def restart(self, updates: Iterable[bytes]) -> None:
        """Show these updates instead."""
        self._updates = list(updates)
        self.retry()

    def retry(self) -> bool:
        """Replay everything into a new replica; return whether it is complete."""
        return self._rebuild(len(self._updates))

    def text(self, expected: str) -> str:
        """Read the text; incomplete from here on if the engine keeps failing or shows another text than `expected`.

        A replica that fails now costs a rebuild, as at an update: it may fail for an update that it had put off, or
        because another Doc ended the process in which both lived.
        """
        for attempt in range(REBUILDS_MAX):
            try:
                shown = self._replica.text()
            except ReplicaFailedError:
                self._rebuild(self._replica.taken if attempt else self._shown)
            else:
                self.complete = self.complete and shown == expected
                return shown
        self.complete = False
        return ""

    def edit(self, client: int, changes: Sequence[Splice]) -> bytes:
        """Make the update of an edit of the text shown.

        Raises:
            ReplicaFailedError: the engine failed; what is shown did not change.
        """
        return self._replica.edit(client, changes)

    def _rebuild(self, goal: int) -> bool:
        """Replay that many updates into a new replica, or as many as one bears; return whether that is all."""
        for _ in range(REBUILDS_MAX):
            self._replica = self._make_replica()
            self._shown = 0
            if self._advance(goal):
                break
            goal = self._shown
        else:
            self._replica = self._make_replica()
            self._shown = 0
        self.complete = self._shown == len(self._updates)
        return self.complete

    def _advance(self, goal: int) -> bool:
        """Show updates up to `goal`; False if the replica died on the way."""
        try:
            while self._shown < goal:
                self._replica.apply(self._updates[self._shown])
                self._shown += 1
        except ReplicaFailedError:
            self._shown = self._replica.taken
            return False
        return True
