"""The order in which a stream's entries are read: parents first, the same whatever the arrival, a few at a time.

Owns the bound on what is in memory meanwhile. A stream is gone through twice: once for the order, which needs the names
alone, and once in that order. Entries that stand close together in both are read once.

The order is by depth, which is the number of entries on the longest way to one, then by hash.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Final

from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash, StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.store import Arrived, Store

KEPT_ENTRIES_MAX: Final = 8_192
"""Entries that are kept from the first reading to the second."""
KEPT_BYTES_MAX: Final = 8 * 1024 * 1024
"""Bytes of their bodies."""
AHEAD_ENTRIES: Final = 64
"""Entries read at once in the second reading, from the one that is due, by arrival."""
AHEAD_ENTRIES_MAX: Final = 2_048
AHEAD_BYTES_MAX: Final = 4 * 1024 * 1024
"""What is kept of those that were not due yet; beyond it they are read again when they are."""


class StreamOrder:
    """The entries of one stream, up to an arrival index. Not for use from several threads."""

    def __init__(self, store: Store, stream: StreamId, *, through: int) -> None:
        """Find the order.

        Args:
            store: where the entries are.
            stream: whose.
            through: the arrival index of the first entry that is left out.
        """
        self._store = store
        self._stream = stream
        self._through = through
        self._kept: dict[EntryHash, VerifiedEntry] = {}
        self._ahead: dict[EntryHash, VerifiedEntry] = {}
        self._ahead_bytes = 0
        depths = _Depths()
        size = 0
        for arrived in self._arrivals():
            depths.add(arrived.entry)
            size += len(arrived.entry.body)
            if len(self._kept) < KEPT_ENTRIES_MAX and size <= KEPT_BYTES_MAX:
                self._kept[arrived.entry.hash] = arrived.entry
        self._order = depths.order()
        self.held: Sequence[EntryHash] = depths.waiting()
        """The entries that lack something they follow, in no order."""

    def __len__(self) -> int:
        """How many entries there are that lack nothing."""
        return len(self._order)

    def placed(self, done: Container[EntryHash]) -> Iterator[VerifiedEntry]:
        """The entries that lack nothing, each after those that it follows.

        Args:
            done: those that were taken already; the caller adds each before it asks for the next.
        """
        order = iter(self._order)
        self._order = []  # from here on the caller has the names
        for name in order:
            yield self.read(name, done)

    def read(self, name: EntryHash, done: Container[EntryHash] = ()) -> VerifiedEntry:
        """An entry of the stream."""
        found = self._kept.pop(name, None) or self._take_ahead(name)
        return self._read_on(name, done) if found is None else found

    def _arrivals(self) -> Iterator[Arrived]:
        after = 0
        while page := self._page(after, BATCH_ENTRIES_MAX):
            yield from page
            after = page[-1].index + 1

    def _page(self, after: int, limit: int) -> list[Arrived]:
        page = self._store.arrivals(after=after, limit=limit, streams=(self._stream,))
        return [arrived for arrived in page if arrived.index < self._through]

    def _take_ahead(self, name: EntryHash) -> VerifiedEntry | None:
        found = self._ahead.pop(name, None)
        self._ahead_bytes -= 0 if found is None else len(found.body)
        return found

    def _read_on(self, name: EntryHash, done: Container[EntryHash]) -> VerifiedEntry:
        """Read an entry, and those that came after it: most often they are the next."""
        found = self._store.entry(name)
        assert found is not None, "it was there when the order was found"
        if len(self._ahead) > AHEAD_ENTRIES_MAX - AHEAD_ENTRIES or self._ahead_bytes > AHEAD_BYTES_MAX:
            self._ahead.clear()
            self._ahead_bytes = 0
        for arrived in self._page(found.index + 1, AHEAD_ENTRIES):
            entry = arrived.entry
            if entry.hash not in done and entry.hash not in self._kept and entry.hash not in self._ahead:
                self._ahead[entry.hash] = entry
                self._ahead_bytes += len(entry.body)
        return found.entry


class _Depths:
    """How deep each entry stands, found as they arrive."""

    def __init__(self) -> None:
        self._depths: dict[EntryHash, int] = {}
        self._waiting: dict[EntryHash, tuple[EntryHash, ...]] = {}
        self._children: dict[EntryHash, list[EntryHash]] = {}

    def add(self, entry: VerifiedEntry) -> None:
        """Take an entry in; those that waited for it alone are placed with it."""
        ready = [(entry.hash, entry.header.parents)]
        while ready:
            name, parents = ready.pop()
            if name in self._depths:
                continue  # it waited for several that came together
            missing = [parent for parent in parents if parent not in self._depths]
            if missing:
                if name not in self._waiting:
                    self._waiting[name] = parents
                    for parent in missing:
                        self._children.setdefault(parent, []).append(name)
                continue
            self._depths[name] = max((self._depths[parent] + 1 for parent in parents), default=0)
            self._waiting.pop(name, None)
            ready.extend(
                (child, self._waiting[child]) for child in self._children.pop(name, ()) if child in self._waiting
            )

    def order(self) -> list[EntryHash]:
        """Those that lack nothing, by depth, then by hash."""
        found = sorted(self._depths)
        found.sort(key=self._depths.__getitem__)
        return found

    def waiting(self) -> list[EntryHash]:
        """Those that lack something."""
        return list(self._waiting)
