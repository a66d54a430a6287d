"""What is kept of syncing from one connection to the next, and what one sync did.

Owns the stored values of sync: where the feed stands, what must be said, which charts wait to be mended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.blobs.fetching import BlobReport
from edge_runtime.errors import RemoteError
from edge_runtime.identity import Identity, Values, ValueWriter
from edge_runtime.store.device import DeviceStore
from sync_protocol.certificates import RelayRecord, open_relay
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.errors import ExplainedError
from sync_protocol.ids import ChartId, Hash
from sync_protocol.limits import LOG_SIZE_MAX, RECORD_BYTES_MAX
from sync_protocol.records import identifier, key, many, octets, ordered, pack, string, uint, unpack
from sync_protocol.signed import Verified
from sync_protocol.steps import EMPTY_CURSOR

RELAY: Final = "relay/record"
RECORDS: Final = "log/records"
"""Records that RELAY was before: what their keys signed is judged by them."""
RECORDS_MAX: Final = 16
CURSOR: Final = "sync/cursor"
NEWEST: Final = "sync/newest"
"""The largest checkpoint that was proven to be of the relay's log: the log must have been in that state."""
FED: Final = "sync/fed"
"""The arrival index from which on entries came whose checkpoint did not: a relay that is restored may lose them."""
ALARM: Final = "sync/alarm"
"""The code of the last alarm, until a later sync finds everything in order."""
ALARM_HEARD: Final = "sync/alarm-heard"
"""There once the alarm stood in a report that was handed over."""
MEND: Final = "sync/mend"
"""The charts whose control records changed since their keys were last looked after."""
UNSOUND: Final = "relay_sent_unsound_entries"
WITHHELD: Final = "relay_withheld"
REFUSALS_MAX: Final = 1000
"""Refusals that a report keeps; all are counted."""
_ORIGIN_BYTES_MAX: Final = 512
_CHARTS_MAX: Final = 1 << 20
_INDEX_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheckpoint:
    """A state of the relay's log."""

    origin: str = key(1, string(_ORIGIN_BYTES_MAX))
    size: int = key(2, uint(LOG_SIZE_MAX))
    root: Hash = key(3, identifier(Hash))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecords:
    """RECORDS, in their envelopes, oldest first."""

    records: tuple[bytes, ...] = key(1, many(octets(1, RECORD_BYTES_MAX), RECORDS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Charts:
    charts: tuple[ChartId, ...] = key(1, ordered(identifier(ChartId), _CHARTS_MAX))


@dataclass(slots=True)
class SyncReport:
    """What one sync did.

    Attributes:
        sent, receipted: entries pushed, and those whose inclusion in the relay's log was verified.
        received: entries that are new on this device.
        held: entries that came and wait here for the entries before them.
        deferred: entries that came and were not kept, because too much of their author's waits; asked for again.
        unsound: items that came and did not verify, or name a predecessor that is none.
        checkpoint: size of the relay's log up to which this device holds all that is its.
        refused: what the relay did not take, with the reason; the first REFUSALS_MAX.
        refusals: how many there were.
        alarms: what a person must hear of, what an earlier sync could not tell included.
        broken: charts that somebody else opened in an emergency, as this sync heard.
        blobs: what was done with attachments.
        stopped: what the budget had no more of, "time" or "bytes", where that ended the sync; more waits then.
    """

    sent: int = 0
    receipted: int = 0
    received: int = 0
    held: int = 0
    deferred: int = 0
    unsound: int = 0
    checkpoint: int = 0
    refusals: int = 0
    refused: list[ExplainedError] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    broken: set[ChartId] = field(default_factory=set)
    blobs: BlobReport = field(default_factory=BlobReport)
    stopped: str | None = None

    def refuse(self, error: ExplainedError) -> None:
        """Count a refusal, and keep its reason while there is room."""
        self.refusals += 1
        if len(self.refused) < REFUSALS_MAX:
            self.refused.append(error)


def load_cursor(values: Values) -> Checkpoint:
    """The checkpoint up to which this device holds its feed, or the empty one."""
    return _load(values, CURSOR)


def load_newest(values: Values) -> Checkpoint:
    """The largest checkpoint that this device knows to be of the relay's log, or the empty one."""
    return _load(values, NEWEST)


def save_checkpoint(writer: ValueWriter, name: str, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint as CURSOR or NEWEST."""
    stored = StoredCheckpoint(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root)
    writer.put_value(name, pack(stored))


def load_fed(values: Values) -> int | None:
    """From where on entries came whose checkpoint did not."""
    data = values.get_value(FED)
    return None if data is None else int.from_bytes(data, "big")


def save_fed(writer: ValueWriter, index: int | None) -> None:
    """Keep FED, or forget it."""
    writer.put_value(FED, None if index is None else index.to_bytes(_INDEX_BYTES, "big"))


def charts_to_mend(values: Values) -> frozenset[ChartId]:
    """The charts whose keys are to be looked after."""
    data = values.get_value(MEND)
    return frozenset() if data is None else frozenset(unpack(_Charts, data, bytes_max=len(data)).charts)


def save_charts_to_mend(writer: ValueWriter, charts: Iterable[ChartId]) -> None:
    """Keep them, in place of those before."""
    found = tuple(sorted(set(charts)))
    writer.put_value(MEND, pack(_Charts(charts=found)) if found else None)


def raise_alarm(store: DeviceStore, code: str) -> None:
    """Keep an alarm until it was told and a later sync finds everything in order."""
    with store.writing() as writer:
        writer.put_value(ALARM, code.encode())
        writer.put_value(ALARM_HEARD, None)


def clear_alarm(store: DeviceStore) -> None:
    """Forget the alarm: everything is in order again."""
    if store.get_value(ALARM) is not None:
        with store.writing() as writer:
            writer.put_value(ALARM, None)
            writer.put_value(ALARM_HEARD, None)


def hear_alarm(store: DeviceStore) -> None:
    """Note that a report told of the alarm, if there is one."""
    if store.get_value(ALARM) is not None:
        with store.writing() as writer:
            writer.put_value(ALARM_HEARD, b"\x01")


def forget_fed(store: DeviceStore) -> None:
    """Forget FED: the relay has all that came."""
    with store.writing() as writer:
        save_fed(writer, None)


def forget_charts_to_mend(store: DeviceStore, charts: Iterable[ChartId]) -> None:
    """Forget charts whose keys were looked after."""
    with store.writing() as writer:
        save_charts_to_mend(writer, charts_to_mend(store).difference(charts))


def unheard_alarm(values: Values) -> str | None:
    """The alarm of an earlier sync that no report has told of."""
    alarm = values.get_value(ALARM)
    return None if alarm is None or values.get_value(ALARM_HEARD) is not None else alarm.decode()


def keep_record(store: DeviceStore, identity: Identity, record: Verified[RelayRecord]) -> None:
    """Keep the relay's record; only a newer one of the root's may replace the one that is here.

    Raises:
        RemoteError: an older record than the one that this device knows: an old key, perhaps a stolen one.
    """
    known = store.get_value(RELAY)
    if known == record.wire:
        return
    if known is not None and open_relay(known, identity.root).value.issued_ms > record.value.issued_ms:
        raise RemoteError(
            "relay_record_old",
            expected="the relay's newest record by the organisation",
            got="an older one",
            do="check with the administrator which relay is in use",
        )
    with store.writing() as writer:
        writer.put_value(RELAY, record.wire)
        if known is not None:
            kept = (*(one for one in load_records(store) if one != record.wire), known)
            writer.put_value(RECORDS, pack(StoredRecords(records=kept[-RECORDS_MAX:])))


def load_records(values: Values) -> tuple[bytes, ...]:
    """The records that the relay in use had before, in their envelopes."""
    data = values.get_value(RECORDS)
    return () if data is None else unpack(StoredRecords, data, bytes_max=len(data)).records


def _load(values: Values, name: str) -> Checkpoint:
    data = values.get_value(name)
    if data is None:
        return EMPTY_CURSOR
    stored = unpack(StoredCheckpoint, data)
    return Checkpoint(origin=stored.origin, size=stored.size, root=stored.root)
