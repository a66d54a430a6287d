"""Which repetitions are no new act, and whether anything has happened since the relay was last met.

Owns two small values in the device's store, written in the transaction of the record that they are about. They say what
was recorded, never what was read.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from edge_runtime.identity import ValueWriter
from edge_runtime.store.device import DeviceStore
from sync_protocol.audit import AuditRecord, pack_audit
from sync_protocol.ids import ChartId, Hash, StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX, LOG_SIZE_MAX
from sync_protocol.records import identifier, key, pack, uint, unpack

REPEAT_MS: Final = 5 * 60 * 1000
"""Within it, showing the same again is the act that was recorded."""
RECENT_MAX: Final = 64
"""Acts that are remembered; a repetition of an earlier one is recorded again."""
RECENT: Final = "audit/recent"
MET: Final = "audit/met-relay"


_ACT: Final = struct.Struct(">32sQ")
"""One remembered act: its name and time. They lie one after the other, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Met:
    """The last meeting with the relay.

    Attributes:
        note: hash of the checkpoint that was recorded.
        size: entries in the store before its record.
    """

    note: Hash = key(1, identifier(Hash))
    size: int = key(2, uint(LOG_SIZE_MAX))


def act_name(record: AuditRecord, chart: ChartId | None) -> Hash:
    """Names an act by all that its record says, so that what differs in anything is another act."""
    return Hash.of((chart or b"") + pack_audit(record))


class Repeats:
    """What was recorded lately on one device; of one user, as the device is."""

    def __init__(self, store: DeviceStore) -> None:
        """Remember in `store`."""
        self._store = store

    def recent(self, name: Hash, now_ms: int) -> bool:
        """Whether that very act was recorded within REPEAT_MS. A clock that went back repeats nothing."""
        acts = _ACT.iter_unpack(self._store.get_value(RECENT) or b"")
        return any(known == name and 0 <= now_ms - then < REPEAT_MS for known, then in acts)

    def keep(self, writer: ValueWriter, name: Hash, now_ms: int) -> None:
        """Remember an act that is being recorded."""
        before = _ACT.iter_unpack(self._store.get_value(RECENT) or b"")
        acts = [*(act for act in before if act[0] != name), (bytes(name), now_ms)]
        writer.put_value(RECENT, b"".join(_ACT.pack(*act) for act in acts[-RECENT_MAX:]))

    def moved(self, note: bytes, quiet: Collection[StreamId]) -> bool:
        """Whether the checkpoint is another than at the last meeting, and entries outside `quiet` came since."""
        data = self._store.get_value(MET)
        if data is None:
            return True
        met = unpack(_Met, data)
        if met.note == Hash.of(note):
            return False
        after = met.size
        while page := self._store.arrivals(after=after, limit=BATCH_ENTRIES_MAX):
            if any(arrived.entry.header.stream not in quiet for arrived in page):
                return True
            after = page[-1].index + 1
        return False

    def met(self, writer: ValueWriter, note: bytes) -> None:
        """Remember a meeting that is being recorded."""
        writer.put_value(MET, pack(_Met(note=Hash.of(note), size=self._store.size())))
