"""Room for held entries: when all of it is taken, whoever holds most of it makes room for whoever holds less.

Owns the limits of the device, beside those of each author. Only entries in the pool can make room, because what stands
in its chain stays there; so beyond half of the room what stands and lacks others is no longer let stand, and waits in
the pool as well. What makes room is deferred by whoever asked for it: nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_runtime.store import holding
from edge_runtime.store.holding import HeldKind, HeldUse
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync.deferred import Reason
from sync_protocol.ids import CertificateHash
from sync_protocol.limits import HELD_BYTES_MAX, HELD_ENTRIES_MAX

STANDING_PART: Final = 2
"""What stands and lacks others takes at most this part of the room: a half."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What makes room for an entry.

    Attributes:
        reason: which limit was reached; None where there is room.
        rows: of the table `held`, those that are to go; None where nothing may, and the entry has no room.
    """

    reason: Reason | None
    rows: tuple[int, ...] | None = ()


class Room:
    """The room while one transaction takes entries in. Authors are known by their names in the table `held`."""

    def __init__(self, writer: DeviceWriter) -> None:
        """Nothing is counted before the room gets scarce."""
        self._reader = writer.reader
        self._uses: dict[HeldKind, dict[bytes, HeldUse]] | None = None
        self._rows: dict[bytes, list[tuple[int, int]]] = {}

    def held(self, author: CertificateHash, kind: HeldKind, size: int) -> None:
        """Hear that an entry is held."""
        self._change(author, kind, 1, size)

    def let_go(self, author: CertificateHash, kind: HeldKind, size: int) -> None:
        """Hear that one is no more."""
        self._change(author, kind, -1, -size)

    def may_stand(self, size: int) -> bool:
        """Whether one more entry that lacks others may stand in its chain."""
        ledger = self._reader.ledger
        bytes_max, entries_max = HELD_BYTES_MAX // STANDING_PART, HELD_ENTRIES_MAX // STANDING_PART
        if ledger.held_bytes + size <= bytes_max and ledger.held < entries_max:
            return True
        standing = self._counted()[HeldKind.STORED].values()
        return sum(use.bytes for use in standing) + size <= bytes_max and (
            sum(use.entries for use in standing) < entries_max
        )

    def make(self, author: CertificateHash, size: int) -> Leaving:
        """What is to go so that an entry of `author` has room."""
        ledger = self._reader.ledger
        if ledger.held_bytes + size > HELD_BYTES_MAX:
            return Leaving(Reason.DEVICE_BYTES, self._leaving(author, size, HELD_BYTES_MAX, by_bytes=True))
        if ledger.held >= HELD_ENTRIES_MAX:
            return Leaving(Reason.DEVICE_ENTRIES, self._leaving(author, 1, HELD_ENTRIES_MAX, by_bytes=False))
        return Leaving(None)

    def _leaving(self, author: CertificateHash, added: int, room_max: int, *, by_bytes: bool) -> tuple[int, ...] | None:
        """The newest rows of whoever has most in the pool, until there is room; None where that is not to be had.

        Whoever has no more than a fair share of the pool loses nothing, nor does whoever has no more than the author
        would have then: so two of them never push each other out in turns. Each row that goes is one that was let in
        for its bytes, so the work is bounded by what all of them sent.
        """
        counted, own = self._counted(), holding.name_of(self._reader, author)
        pool = {name: use.bytes if by_bytes else use.entries for name, use in counted[HeldKind.POOL].items()}
        stands = sum(use.bytes if by_bytes else use.entries for use in counted[HeldKind.STORED].values())
        lacking = stands + sum(pool.values()) + added - room_max
        share = (room_max - stands) // len({*pool, own})
        kept = max(pool.get(own, 0) + added, share)
        leaving: list[int] = []
        # Of those who have the same, the name decides, which is a secret of this device: nobody can choose it.
        for name in sorted((name for name, use in pool.items() if use > kept), key=lambda name: (-pool[name], name)):
            left = pool[name]
            for row, size in reversed(self._rows_of(name)):
                if lacking <= 0 or left <= kept:
                    break
                leaving.append(row)
                freed = size if by_bytes else 1
                left, lacking = left - freed, lacking - freed
        return tuple(leaving) if lacking <= 0 else None

    def _counted(self) -> dict[HeldKind, dict[bytes, HeldUse]]:
        if self._uses is None:
            self._uses = holding.uses(self._reader)
        return self._uses

    def _rows_of(self, name: bytes) -> list[tuple[int, int]]:
        if name not in self._rows:
            self._rows[name] = holding.pooled(self._reader, name)
        return self._rows[name]

    def _change(self, author: CertificateHash, kind: HeldKind, entries: int, size: int) -> None:
        if self._uses is None:
            return
        name = holding.name_of(self._reader, author)
        before = self._uses[kind].pop(name, HeldUse(0, 0))
        after = HeldUse(before.entries + entries, before.bytes + size)
        if after.entries:
            self._uses[kind][name] = after
        self._rows.pop(name, None)
