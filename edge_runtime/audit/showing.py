"""Opening a chart in order to show it: the one way from a stored chart to a screen, and it leaves a record.

Owns the order: first it is decided whether there is anything to show, then that is recorded, then it is handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from edge_runtime.audit.shown import shown_whole
from edge_runtime.destroyed import gone
from edge_runtime.errors import RefusedError
from edge_runtime.permissions import CONSENT, ROLE, check_consent
from sync_protocol.audit import Purpose

if TYPE_CHECKING:
    from edge_runtime.audit.acts import Auditor
    from edge_runtime.audit.shown import Shown
    from edge_runtime.charts import Charts
    from edge_runtime.opened import OpenChart
    from sync_protocol.ids import ChartId


T = TypeVar("T")

_NO_ACCESS: Final = frozenset({"not_a_reader", "not_a_member", ROLE, CONSENT})


def open_to_show(
    charts: Charts,
    auditor: Auditor,
    chart: ChartId,
    *,
    purpose: Purpose = Purpose.TREATMENT,
    part: Callable[[OpenChart], Shown] = shown_whole,
) -> OpenChart:
    """Open a chart and record that it, or a part of it, is about to be shown.

    Args:
        charts: of the device.
        auditor: records.
        chart: which.
        purpose: for what.
        part: what of it will be shown; by default all.

    Raises:
        RefusedError: no such chart here, or it was destroyed; or this device may read nothing of it, or the patient
            does not permit the purpose, which is recorded, too.
        StoreError: it cannot be recorded, so it must not be shown.
    """
    opened = _open_checked(charts, auditor, chart, purpose)
    auditor.accessed(part(opened), purpose=purpose)
    return opened


def make_to_hand_out(
    charts: Charts,
    auditor: Auditor,
    chart: ChartId,
    *,
    purpose: Purpose,
    make: Callable[[OpenChart], T],
    record: Callable[[Shown], object],
) -> T:
    """Open a chart, make a file of all of it, or what a file is made of, and record that before it is handed out.

    Args:
        charts: of the device.
        auditor: records a refusal.
        chart: which.
        purpose: for what.
        make: makes the file; what it refuses was not handed out, and is not recorded.
        record: what is recorded: that it is exported, or printed.

    Raises:
        RefusedError: as for `open_to_show`, or the file cannot be made.
        StoreError: it cannot be recorded, so it must not be handed out.
    """
    opened = _open_checked(charts, auditor, chart, purpose)
    made = make(opened)
    record(shown_whole(opened))
    return made


@contextmanager
def noting_refusals(auditor: Auditor, chart: ChartId, *, purpose: Purpose = Purpose.TREATMENT) -> Iterator[None]:
    """Record an act on a chart that is refused for want of access. A chart that is not here was not touched."""
    try:
        yield
    except RefusedError as error:
        if error.code in _NO_ACCESS:
            auditor.refused(chart, error, purpose=purpose)
        raise


def _open_checked(charts: Charts, auditor: Auditor, chart: ChartId, purpose: Purpose) -> OpenChart:
    opened = charts.open(chart, purpose=purpose)
    if opened.destroyed is not None:
        raise gone(chart, opened.destroyed)
    with noting_refusals(auditor, chart, purpose=purpose):
        check_consent(chart, opened.lacks)
        if opened.sealed:
            raise _refusal(opened, member=auditor.name in opened.membership.members)
    return opened


def _refusal(opened: OpenChart, *, member: bool) -> RefusedError:
    got = f"chart {opened.chart.short}, of which this device may read " + ("who did what" if member else "nothing")
    return RefusedError(
        "not_a_reader" if member else "not_a_member",
        expected="a chart of which this device may read some content",
        got=got,
        do="see 'fieldward audit timeline'" if member else "ask a member to share the chart with this device",
    )
