"""When a confirmed purge may be carried out: not at once, so that a hold or a revocation can still stop it.

The records say from which date on; how long ago they came is each holder's own knowledge, and an argument here. A hold
that was lifted begins the wait again: whoever may confirm may also lift, and two records must not undo a third.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sync_protocol.chart_records import ConfirmPurge, SetHold
from sync_protocol.control_entry import ControlEntry
from sync_protocol.limits import PURGE_WAIT_MS
from sync_protocol.membership import Membership


def deciding(entries: Iterable[ControlEntry], membership: Membership) -> tuple[ControlEntry, ...]:
    """The records from whose coming on the wait runs: confirmations of the purge, and legal holds, that count.

    Args:
        entries: of the chart's control stream.
        membership: what they add up to now.
    """
    return tuple(one for one in entries if _decides(one, membership))


def purge_from_ms(
    entries: Iterable[ControlEntry], membership: Membership, heard_ms: Callable[[ControlEntry], int]
) -> int | None:
    """From when on the chart may be destroyed, should no hold be on; None where no purge is confirmed.

    That is after the proposal's date, and PURGE_WAIT_MS after both the first of its confirmations and the last of the
    holds came here. A confirmation does not come before it was written, whatever this holder's clock read then.

    Args:
        entries: of the chart's control stream.
        membership: what they add up to now.
        heard_ms: when such a record first counted here, by this holder's clock.
    """
    if membership.purge is None:
        return None
    found = deciding(entries, membership)
    confirmed = [max(heard_ms(one), one.wall_ms) for one in found if isinstance(one.record, ConfirmPurge)]
    holds = [heard_ms(one) for one in found if isinstance(one.record, SetHold)]
    return max(membership.purge[1], max([min(confirmed), *holds]) + PURGE_WAIT_MS)


def _decides(entry: ControlEntry, membership: Membership) -> bool:
    if membership.purge is None or entry.hash in membership.refused:
        return False
    if isinstance(entry.record, ConfirmPurge):
        return entry.record.proposal == membership.purge[0]
    return isinstance(entry.record, SetHold)
