"""Emergency accesses that are open, and their review by a member who is another user than who broke the glass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_runtime.audit.device_source import Holder
from edge_runtime.errors import RefusedError
from edge_runtime.recorder.naming import one_named
from edge_runtime.recorder.record import Recorder
from sync_protocol.certificates import Certificate
from sync_protocol.chart_shape import Broken
from sync_protocol.emergency_records import CloseBreakGlass
from sync_protocol.ids import ChartId


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One emergency access that is open.

    Attributes:
        by: whose certificate; None where it is not known here.
        own: whether it is this device's own user's.
    """

    chart: ChartId
    broken: Broken
    by: Certificate | None
    own: bool


def open_accesses(holder: Holder) -> Iterator[Access]:
    """Every open emergency access to the charts on this device."""
    for chart in holder.keyring.charts():
        yield from accesses_to(holder, chart)


def accesses_to(holder: Holder, chart: ChartId) -> Iterator[Access]:
    """The open emergency accesses to a chart."""
    membership = holder.keyring.membership(chart)
    own = holder.identity.certificate.user
    for broken in () if membership is None else membership.broken:
        certificate = holder.identity.trust.certificate(broken.author)
        by = None if certificate is None else certificate.value
        yield Access(chart=chart, broken=broken, by=by, own=by is not None and by.user == own)


def close(holder: Holder, recorder: Recorder, chart: ChartId, entry: str) -> Access:
    """Close an emergency access after its review: the access ends, and the chart's keys change at the next write.

    Args:
        holder: the device.
        recorder: its recorder.
        chart: which.
        entry: the record that broke the glass, or the beginning of its hash.

    Raises:
        RefusedError: no such access is open, it is this user's own, or this device is no member.
    """
    found = {access.broken.record: access for access in accesses_to(holder, chart)}
    access = found[one_named(entry, found, "access", "list them with 'fieldward break-glass list'")]
    if access.own:
        raise RefusedError(
            "own_access",
            expected="a reviewer who is another user than who broke the glass",
            got="the same user",
            do="ask another member, or the compliance officer",
        )
    batch = recorder.begin()
    batch.say(chart, CloseBreakGlass(record=access.broken.record))
    recorder.write(batch)
    return access
