"""Which charts' content was destroyed on this device, by which record and since when.

Owns the notes. One that was made stays, whatever is recorded later: what is gone does not come back, and what comes
late of it goes as well. Refuses to decide that something is to be destroyed: `access.purging` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from edge_runtime.errors import RefusedError
from edge_runtime.identity import Values, ValueWriter
from sync_protocol.ids import ChartId, EntryHash, StreamId
from sync_protocol.limits import SEQ_MAX, WALL_MS_MAX
from sync_protocol.records import flag, identifier, key, pack, uint, unpack

DESTROYED: Final = "destroyed/"
"""Prefix of the stored values that say which charts are destroyed here."""
AWAITED: Final = "purge-confirmed/"
"""Prefix of the stored values that name control streams in which a purge was confirmed."""
HEARD: Final = "purge-heard/"
"""Prefix of the stored values that say when the records that decide on a purge first counted here."""
_TIME_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroyed:
    """That a chart's content is destroyed here.

    Attributes:
        record: the entry that confirmed it.
        since_ms: when this device began, by its clock.
        through: the arrival index below which nothing is left to destroy.
        told: whether the act is on the audit trail.
    """

    record: EntryHash = key(1, identifier(EntryHash))
    since_ms: int = key(2, uint(WALL_MS_MAX))
    through: int = key(3, uint(SEQ_MAX))
    told: bool = key(4, flag())


class AllValues(Values, Protocol):
    """The small encrypted values of a store, and the names among them."""

    def values(self, prefix: str = "") -> dict[str, bytes]:
        """All values whose names begin with `prefix`."""
        ...


def destroyed(values: Values, chart: ChartId) -> Destroyed | None:
    """What is known of a chart's destruction here; None for one that stands."""
    data = values.get_value(DESTROYED + chart.hex())
    return None if data is None else unpack(Destroyed, data)


def all_destroyed(values: AllValues) -> dict[ChartId, Destroyed]:
    """Every chart that is destroyed here, or about to be."""
    found = values.values(DESTROYED)
    return {ChartId.parse(name.removeprefix(DESTROYED)): unpack(Destroyed, data) for name, data in found.items()}


def keep_destroyed(writer: ValueWriter, chart: ChartId, note: Destroyed) -> None:
    """Note it; the chart is no longer waited for."""
    writer.put_value(DESTROYED + chart.hex(), pack(note))


def await_purge(writer: ValueWriter, control: StreamId) -> None:
    """Note that a purge was confirmed in a chart's control stream: its date is to be watched."""
    writer.put_value(AWAITED + control.hex(), b"\x01")


def forget_awaited(writer: ValueWriter, control: StreamId) -> None:
    """Watch no longer."""
    writer.put_value(AWAITED + control.hex(), None)


def heard(values: AllValues, control: StreamId) -> dict[EntryHash, int]:
    """When each of the records that decide on a chart's purge first counted here, in Unix milliseconds."""
    found = values.values(_heard(control))
    return {EntryHash.parse(name.rpartition("/")[2]): int.from_bytes(data) for name, data in found.items()}


def keep_heard(writer: ValueWriter, control: StreamId, record: EntryHash, at_ms: int | None) -> None:
    """Note since when a record counts here; None lets go of that: should it count again, it does so from then on."""
    writer.put_value(_heard(control) + record.hex(), None if at_ms is None else at_ms.to_bytes(_TIME_BYTES))


def _heard(control: StreamId) -> str:
    return f"{HEARD}{control.hex()}/"


def awaited(values: AllValues) -> frozenset[StreamId]:
    """The control streams in which a purge was confirmed that was not carried out."""
    return frozenset(StreamId.parse(name.removeprefix(AWAITED)) for name in values.values(AWAITED))


def gone(chart: ChartId, note: Destroyed) -> RefusedError:
    """Make the refusal of what would read or change a destroyed chart."""
    return RefusedError(
        "chart_destroyed",
        expected="a chart whose content is kept",
        got=f"chart {chart.short}, destroyed on this device as record {note.record.short} says",
        do="see who decided it, and when, with 'fieldward audit timeline --chart'; nothing brings it back",
    )
