"""How long a chart will last: holds, proposals, and from when on a confirmed purge is carried out here.

Owns the answer and the notes that it rests on: when each record that decides first counted on this device.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edge_runtime.destroyed import AllValues, heard, keep_heard
from edge_runtime.identity import ValueWriter
from sync_protocol.chart_records import ProposePurge
from sync_protocol.control import control_stream
from sync_protocol.control_entry import ControlEntry
from sync_protocol.ids import EntryHash
from sync_protocol.membership import Membership
from sync_protocol.purge_wait import deciding, purge_from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a chart will last.

    Attributes:
        held: a legal hold is on: nothing is destroyed.
        proposals: proposals to destroy it that nobody confirmed yet, each with its date in milliseconds.
        confirmed: the confirmed proposal, and its date.
        from_ms: from when on this device destroys it, should no hold be on; None where nothing is confirmed.
        due: whether it is to be destroyed now.
    """

    held: bool
    proposals: tuple[tuple[EntryHash, int], ...]
    confirmed: tuple[EntryHash, int] | None
    from_ms: int | None
    due: bool


def retention_of(
    membership: Membership, entries: Collection[ControlEntry], values: AllValues, *, now_ms: int
) -> Retention:
    """How long a chart will last.

    Args:
        membership: the chart's.
        entries: of its control stream.
        values: with the notes of when something was heard of; what is not noted yet is heard of now.
        now_ms: by this device's clock.
    """
    known, confirmed = heard(values, control_stream(membership.chart)), membership.purge
    from_ms = purge_from_ms(entries, membership, lambda one: known.get(one.hash, now_ms))
    return Retention(
        held=membership.held,
        proposals=tuple(
            (entry.hash, entry.record.not_before_ms)
            for entry in entries
            if isinstance(entry.record, ProposePurge)
            and entry.hash not in membership.refused
            and (confirmed is None or entry.hash != confirmed[0])
        ),
        confirmed=confirmed,
        from_ms=from_ms,
        due=from_ms is not None and not membership.held and from_ms <= now_ms,
    )


def note_heard(
    writer: ValueWriter,
    membership: Membership,
    entries: Collection[ControlEntry],
    known: Collection[EntryHash],
    *,
    now_ms: int,
) -> None:
    """Note what counts from now on, and let go of what counts no more.

    Args:
        writer: of this device's store.
        membership: the chart's.
        entries: of its control stream.
        known: those that are noted.
        now_ms: by this device's clock.
    """
    control, counting = control_stream(membership.chart), {one.hash for one in deciding(entries, membership)}
    for name in sorted(counting - set(known)):
        keep_heard(writer, control, name, now_ms)
    for name in sorted(set(known) - counting):
        keep_heard(writer, control, name, None)
