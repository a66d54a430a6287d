"""A Doc in a child process, behind the port of `replica`. What ended a child is named by all that it had taken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from edge_runtime.text.errors import ReplicaFailedError
from edge_runtime.text.splices import Splice
from edge_runtime.text.worker_child import BoundDoc, Child, failure
from edge_runtime.text.worker_wire import Op
from sync_protocol.encoding import Value

BATCH_UPDATES_MAX: Final = 256
"""Updates that wait here before they are handed over together."""
BATCH_BYTES_MAX: Final = 512 * 1024
"""Bytes of the updates that wait."""


class WorkerReplica:
    """A Doc in the child. Updates are handed over in batches, at the latest when the text is asked for."""

    def __init__(self, child: Child, doc: BoundDoc) -> None:
        """Made by `TextWorker.replica`."""
        self.taken = 0
        """Updates that the Doc took for certain."""
        self._child = child
        self._doc = doc
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._at = hashlib.sha256()
        self._dead = False

    def apply(self, update: bytes) -> None:
        """Take an admitted update, now or with later ones."""
        self._waiting.append(update)
        self._bytes += len(update)
        if len(self._waiting) >= BATCH_UPDATES_MAX or self._bytes >= BATCH_BYTES_MAX:
            self._hand_over()

    def text(self) -> str:
        """The text now."""
        self._hand_over()
        text = self._call([Op.TEXT, self._doc.number], lambda value: isinstance(value, str), b"text")
        assert isinstance(text, str), "only a text was let through"
        return text

    def edit(self, client: int, splices: Sequence[Splice]) -> bytes:
        """Make the update of an edit by `client` on a copy."""
        self._hand_over()
        request: list[Value] = [Op.EDIT, self._doc.number, client, [[*piece] for piece in splices]]
        update = self._call(request, lambda value: isinstance(value, bytes), b"edit")
        assert isinstance(update, bytes), "only an update was let through"
        return update

    def _hand_over(self) -> None:
        if not self._waiting:
            return
        spared = len(self._waiting) - self._unsuspected()
        batch: list[Value] = [*self._waiting[: len(self._waiting) - spared]]
        self._call([Op.APPLY, self._doc.number, batch], lambda _: len(self._waiting) == spared)
        if spared:
            raise self._died(failure("an update that ended a child process a short while ago"))
        self._bytes = 0

    def _unsuspected(self) -> int:
        """How many of the waiting updates stand before the first that ended a child."""
        at = self._at.copy()
        for place, update in enumerate(self._waiting):
            at.update(_digest(update))
            if self._child.is_spared(at.digest()):
                return place
        return len(self._waiting)

    def _call(self, request: list[Value], fits: Callable[[Value], bool], act: bytes = b"") -> Value:
        if self._dead:
            raise failure("a replica that failed before")
        if act and self._child.is_spared(self._named(act)):
            raise self._died(failure("an act that ended a child process a short while ago"))
        try:
            return self._child.call(self._doc, request, taken=self._took, fits=fits, suspect=lambda: self._named(act))
        except ReplicaFailedError as error:
            raise self._died(error) from None

    def _took(self) -> bool:
        if not self._waiting:
            return False
        self._at.update(_digest(self._waiting.pop(0)))
        self.taken += 1
        return True

    def _named(self, act: bytes) -> bytes:
        """Names an act after all that was taken, or the next update after it."""
        at = self._at.copy()
        at.update(act if act or not self._waiting else _digest(self._waiting[0]))
        return at.digest()

    def _died(self, error: ReplicaFailedError) -> ReplicaFailedError:
        self._dead = True
        return error


def _digest(update: bytes) -> bytes:
    return hashlib.sha256(update).digest()
