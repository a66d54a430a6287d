"""Control records that entries here name and that are not here: they have no place in a chain by which to ask for them.

A header names the newest control records that its author had seen, by hash alone. Where one of them is not here, those
who belong may be judged wrongly, so it is noted durably until it comes: the device then compares with the relay sooner
(`recheck`), and says what it waits for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.identity import Values
from edge_runtime.store import values
from edge_runtime.store.writing import DeviceWriter
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash
from sync_protocol.records import identifier, key, many, pack, unpack

NAMED: Final = "sync/named"
NAMED_MAX: Final = 256
"""Missing records that are noted. Whoever may write can name what nobody wrote; beyond that the daily look remains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    names: tuple[EntryHash, ...] = key(1, many(identifier(EntryHash), NAMED_MAX))


def named(store: Values) -> tuple[EntryHash, ...]:
    """The missing records, in the order in which they were named."""
    return _load(store.get_value(NAMED))


def note_named(writer: DeviceWriter, new: Iterable[VerifiedEntry]) -> None:
    """Note which records new entries name that are not here, forget those that are; with the entries, at once."""
    before = _load(values.get(writer.reader, NAMED))
    names = dict.fromkeys(before)
    for entry in new:
        names |= dict.fromkeys((*entry.header.organisation_heads, *entry.header.chart_heads))
    after = tuple(name for name in names if writer.reader.index(name) is None)[:NAMED_MAX]
    if after != before:
        writer.put_value(NAMED, pack(_Named(names=after)) if after else None)


def _load(data: bytes | None) -> tuple[EntryHash, ...]:
    return () if data is None else unpack(_Named, data, bytes_max=len(data)).names
