"""The log itself: its leaves beside the entries, in order, and the roots that they make beside those that were signed.

Kept in memory: 32 bytes a level of the tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.finding_list import FindingList
from sync_protocol.findings import FindingKind
from sync_protocol.ids import EntryHash
from sync_protocol.limits import HASH_BYTES

_LEAVES: Final = 1024
"""Leaves that are hashed up at once."""


class LeafWalk:
    """Reads the log's leaves beside the entries, which come in the log's order."""

    def __init__(self, leaves: Iterator[bytes], checkpoints: list[Checkpoint], findings: FindingList) -> None:
        """Start at leaf 0; `checkpoints` ascend by size."""
        self._leaves = leaves
        self._checkpoints = checkpoints
        self._findings = findings
        self._next = 0
        self._at = 0
        self._edge = merkle.CompactRange()
        self._pending: list[bytes] = []
        self._differs: list[Checkpoint] = []

    def entry(self, index: int | None, name: EntryHash) -> None:
        """Compare an entry with its leaf."""
        if index is None or index < self._next:
            self._report(index, "an entry with a place of its own in the log, in the log's order", name, None)
            return
        while self._next < index:
            leaf = self._advance()
            if leaf is None:
                break
            self._report(self._next - 1, "the entry of the leaf", None, leaf)
        leaf = self._advance() if self._next == index else None
        if leaf is None or leaf != merkle.leaf_hash(name):
            self._report(index, "the entry's own leaf", name, leaf)

    def finish(self) -> int:
        """Read what is left of the log, and compare it with its checkpoints.

        Returns:
            How many leaves there are.
        """
        while (leaf := self._advance()) is not None:
            self._report(self._next - 1, "the entry of the leaf", None, leaf)
        self._flush()
        beyond = [checkpoint for checkpoint in self._checkpoints[self._at :] if checkpoint.size > self._next]
        if beyond:
            self._findings.add(
                FindingKind.LOG_DIFFERS, size=self._next, expected=f"{beyond[-1].size} leaves, as was signed",
                got=f"{self._next} leaves", root=beyond[-1].root,
            )  # fmt: skip
        if self._differs:
            first = self._differs[0]
            self._findings.add(
                FindingKind.LOG_DIFFERS, size=first.size, expected="the root that was signed", got="another",
                root=first.root, checkpoints=len(self._differs),
            )  # fmt: skip
        return self._next

    def _advance(self) -> bytes | None:
        leaf = next(self._leaves, None)
        if leaf is not None:
            if self._at < len(self._checkpoints) and self._checkpoints[self._at].size <= self._next:
                self._flush()
            # What is no hash is no leaf of any entry, which is reported where it stands.
            self._pending.append(leaf if len(leaf) == HASH_BYTES else bytes(HASH_BYTES))
            self._next += 1
            if len(self._pending) >= _LEAVES:
                self._flush()
        return leaf

    def _flush(self) -> None:
        """Hash up what was read, and compare it with the checkpoints of this size."""
        self._edge = self._edge.extend(self._pending)
        self._pending = []
        while self._at < len(self._checkpoints) and self._checkpoints[self._at].size <= self._next:
            checkpoint = self._checkpoints[self._at]
            if self._edge.root() != checkpoint.root:
                self._differs.append(checkpoint)
            self._at += 1

    def _report(self, index: int | None, expected: str, name: EntryHash | None, leaf: bytes | None) -> None:
        self._findings.add(
            FindingKind.MISSING_LEAF, log_index=index, entry=name, leaf=leaf, expected=expected,
            got="none" if leaf is None else "another leaf",
        )  # fmt: skip
