"""Entries that wait for their parents.

Owns the bound on waiting. Whoever sends entries can send children without parents for ever, so a full room refuses to
keep more: the caller fetches the parents and offers the entry again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from edge_runtime.text.errors import HeldLimitError
from edge_runtime.text.history import TextEntry
from sync_protocol.ids import EntryHash

HELD_ENTRIES_MAX: Final = 4096
"""Entries of one draft that wait for parents."""
HELD_BYTES_MAX: Final = 8 * 1024 * 1024
"""Bytes of their updates."""


class Held:
    """The waiting entries of one draft."""

    def __init__(self) -> None:
        """Start empty."""
        self._missing: dict[EntryHash, tuple[TextEntry, set[EntryHash]]] = {}
        self._waiting: dict[EntryHash, list[EntryHash]] = {}
        self._bytes = 0

    def __contains__(self, entry: EntryHash) -> bool:
        """Tell whether the entry waits here."""
        return entry in self._missing

    def keep(self, entry: TextEntry, missing: Iterable[EntryHash]) -> None:
        """Keep an entry until all of `missing` are placed.

        Raises:
            HeldLimitError: the room is full; nothing was kept.
        """
        size = self._bytes + len(entry.update)
        if len(self._missing) >= HELD_ENTRIES_MAX or size > HELD_BYTES_MAX:
            raise HeldLimitError(
                "text_held",
                expected=f"at most {HELD_ENTRIES_MAX} waiting entries of {HELD_BYTES_MAX} bytes together",
                got=f"{len(self._missing) + 1} of {size} bytes",
                do="fetch the missing parents first, then offer this entry again",
            )
        self._bytes = size
        self._missing[entry.entry] = (entry, set(missing))
        for parent in self._missing[entry.entry][1]:
            self._waiting.setdefault(parent, []).append(entry.entry)

    def release(self, placed: EntryHash) -> Iterator[TextEntry]:
        """Yield, and keep no longer, the entries that waited for `placed` alone."""
        for child in self._waiting.pop(placed, ()):
            entry, missing = self._missing[child]
            missing.discard(placed)
            if not missing:
                del self._missing[child]
                self._bytes -= len(entry.update)
                yield entry
