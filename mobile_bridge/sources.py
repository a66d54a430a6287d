"""What streams give: items made one at a time, when the host has asked for one. Used in the bridge's thread only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from edge_runtime.events import (
    Alarmed,
    Changed,
    ClinicalWorkflowStarted,
    CriticalAlert,
    Event,
    GlassBroken,
    Synced,
    WorkflowCompleted,
    WorkflowEvent,
    WorkflowStepCompleted,
)
from mobile_bridge.limits import ALARMS_MAX, CHARTS_IN_ITEM_MAX
from sync_protocol.encoding import Value
from sync_protocol.ids import ChartId

T = TypeVar("T")
Body: TypeAlias = Mapping[str, Value]
GLASS_BROKEN: Final = "glass_broken"
"""The code under which a host hears that somebody opened a chart of this device in an emergency."""
CRITICAL_ALERT: Final = "critical_alert"
"""The code under which a host hears that something in a chart must be looked at now."""


class Source(Protocol):
    """Where a stream's items come from."""

    @property
    def ready(self) -> bool:
        """Whether there is an item now."""
        ...

    @property
    def finished(self) -> bool:
        """Whether no item will come any more."""
        ...

    def take(self) -> Body:
        """Make the next item; only when `ready`."""
        ...

    def final(self) -> Body:
        """The body of the stream's end; only when `finished`."""
        ...

    def close(self) -> None:
        """The stream is over, for whatever reason."""
        ...


class Series(Generic[T]):
    """One item for each of some things that are known from the start."""

    def __init__(self, things: Sequence[T], make: Callable[[T], Body], final: Body) -> None:
        """Make items by `make`, one when it is asked for."""
        self._things = list(reversed(things))
        self._make = make
        self._final = final

    @property
    def ready(self) -> bool:
        """See Source."""
        return bool(self._things)

    @property
    def finished(self) -> bool:
        """See Source."""
        return not self._things

    def take(self) -> Body:
        """See Source."""
        return self._make(self._things.pop())

    def final(self) -> Body:
        """See Source."""
        return self._final

    def close(self) -> None:
        """See Source."""
        self._things.clear()


class Activity:
    """What happened on the device, merged while the host does not ask: bounded, however long it sleeps.

    Of changes the charts are kept, up to a number from which on any chart may have changed; of syncs the sums; of
    alarms each code once.
    """

    finished: Final = False

    def __init__(self, *, on_close: Callable[[Activity], None]) -> None:
        """Start with nothing to tell."""
        self._on_close = on_close
        self._charts: set[ChartId] = set()
        self._any_chart = False
        self._synced: Synced | None = None
        self._alarms: dict[str, None] = {}
        self._merge: Mapping[type[Event], Callable[[Any], None]] = {
            Changed: self._changed,
            Synced: self._summed,
            Alarmed: self._alarmed,
            GlassBroken: lambda _: self._alarmed(Alarmed(GLASS_BROKEN)),
            CriticalAlert: lambda _: self._alarmed(Alarmed(CRITICAL_ALERT)),
            ClinicalWorkflowStarted: self._worked,
            WorkflowStepCompleted: self._worked,
            WorkflowCompleted: self._worked,
        }

    def add(self, event: Event) -> None:
        """Merge an event into what waits."""
        self._merge[type(event)](event)

    @property
    def ready(self) -> bool:
        """See Source."""
        return bool(self._alarms or self._charts or self._any_chart or self._synced)

    def take(self) -> Body:
        """See Source. Alarms go first, then what changed, then that a round of sync is over."""
        if self._alarms:
            code = next(iter(self._alarms))
            del self._alarms[code]
            return {"kind": "alarmed", "code": code}
        if self._charts or self._any_chart:
            names: list[Value] = [str(chart) for chart in sorted(self._charts)]
            item: Body = {"kind": "changed", "charts": names, "any_chart": self._any_chart}
            self._charts.clear()
            self._any_chart = False
            return item
        synced, self._synced = self._synced, None
        assert synced is not None, "a ready source has an item"
        return {
            "kind": "synced",
            "received": synced.received,
            "receipted": synced.receipted,
            "pending": synced.pending,
        }

    def final(self) -> Body:
        """See Source; it never ends by itself."""
        raise AssertionError

    def close(self) -> None:
        """See Source."""
        self._on_close(self)

    def _changed(self, event: Changed) -> None:
        if self._any_chart:
            return
        self._charts |= event.charts
        if len(self._charts) > CHARTS_IN_ITEM_MAX:
            self._charts.clear()
            self._any_chart = True

    def _worked(self, event: WorkflowEvent) -> None:
        """A host shows the chart again: what is new in its workflows, it reads there."""
        self._changed(Changed(frozenset({event.chart})))

    def _summed(self, event: Synced) -> None:
        before = self._synced or Synced(received=0, receipted=0, pending=0)
        self._synced = Synced(
            received=before.received + event.received,
            receipted=before.receipted + event.receipted,
            pending=event.pending,
        )

    def _alarmed(self, event: Alarmed) -> None:
        if len(self._alarms) < ALARMS_MAX:
            self._alarms[event.code] = None
