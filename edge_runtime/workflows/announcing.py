"""Telling of what happened in charts: that work began, a step or all of it was completed, that somebody must look.

Owns when each is told: once on a device, soon after it became so here, whether somebody wrote it here or it came. What
was told is marked durably. It is told first: after a crash between the two it is told again, since an alert told twice
harms nobody. An event holds ids, types, counts and codes, and no word of a chart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Final

from edge_runtime.clinical.scores.alerts import alerts
from edge_runtime.clinical.scores.patient import Patient, age_at
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.workflows.happened import Happened, Happening, happened
from edge_runtime.errors import EdgeError
from edge_runtime.events import (
    ClinicalWorkflowStarted,
    CriticalAlert,
    Event,
    Events,
    WorkflowCompleted,
    WorkflowStepCompleted,
)
from edge_runtime.identity import Clock
from edge_runtime.keyring import Keyring
from edge_runtime.opened import OpenChart
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.writing import DeviceWriter
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId, DocumentId

TOLD: Final = "told/"
"""Before a chart's id: what was told of it, as short hashes."""
THROUGH: Final = "told-through"
"""The arrival index of the first entry whose chart was not looked at."""
ALERT_AGE_MS: Final = 7 * 24 * 60 * 60 * 1000
"""What was measured longer ago is in the chart, and alerts nobody: it comes with an old chart. What a phone wrote that
was apart for days still alerts."""
LOOK_MS_MAX: Final = 1000
"""How long one look may take; the next one goes on."""
PAGE_ENTRIES: Final = 512
"""Entries after which a look may end."""
SETTLED_MAX: Final = 4096
"""Documents of which it is remembered that nothing was measured since the last look."""
_MARK_BYTES: Final = 16
_INDEX_BYTES: Final = 8


class Announcer:
    """Tells of what happened on one device. Not for use from several threads at once."""

    def __init__(
        self,
        store: DeviceStore,
        keyring: Keyring,
        open_chart: Callable[[ChartId], OpenChart],
        *,
        events: Events,
        clock: Clock,
    ) -> None:
        """Tell `events`.

        Args:
            store: the device's; it keeps what was told.
            keyring: knows whose streams are whose.
            open_chart: opens a chart for treatment; nothing of it is shown to anybody.
            events: hears of it.
            clock: says how old an alert is, and how long a look takes.
        """
        self._store = store
        self._keyring = keyring
        self._open = open_chart
        self._events = events
        self._clock = clock
        self._looking = False
        self._settled: dict[DocumentId, int] = {}

    def look_at(self, chart: ChartId) -> None:
        """Tell of a chart in which somebody just wrote here; what fails is tried again by the next `look`."""
        with suppress(EdgeError, PeerError):
            self._once(lambda: self._tell([chart], None))

    def look(self) -> None:
        """Tell of the charts to which entries came since the last look, as many as the time allows.

        What fails is tried again by the next one: nothing that came is less safe because nobody was told of it.
        """
        with suppress(EdgeError, PeerError):
            self._once(self._look)

    def _once(self, act: Callable[[], None]) -> None:
        """Act, unless whoever heard of it writes meanwhile: the next look finds that."""
        if self._looking:
            return
        self._looking = True
        try:
            act()
        finally:
            self._looking = False

    def _look(self) -> None:
        began_ms, kept = self._clock(), self._store.get_value(THROUGH)
        through, size = 0 if kept is None else int.from_bytes(kept), self._store.size()
        while through < size and self._clock() - began_ms < LOOK_MS_MAX:
            came = self._store.arrivals(after=through, limit=PAGE_ENTRIES)
            through = min(size, through + PAGE_ENTRIES)
            streams = {arrived.entry.header.stream for arrived in came}
            self._tell(sorted(self._keyring.charts_of(streams)), through)

    def _tell(self, charts: Iterable[ChartId], through: int | None) -> None:
        new: dict[ChartId, bytes] = {}
        for chart in charts:
            told = self._told(chart)
            marks: set[bytes] = set()
            for event, own in self._found(chart):
                if told.isdisjoint(own) and marks.isdisjoint(own):
                    self._events.publish(event)
                marks |= own
            if not marks <= told:
                new[chart] = b"".join(sorted(told | marks))
        if not new and through is None:
            return
        try:
            with self._store.writing() as writer:
                _keep(writer, new, through)
        except EdgeError:
            self._settled.clear()  # nothing was marked: all of it is told again
            raise

    def _told(self, chart: ChartId) -> frozenset[bytes]:
        kept = self._store.get_value(TOLD + chart.hex()) or b""
        return frozenset(kept[at : at + _MARK_BYTES] for at in range(0, len(kept), _MARK_BYTES))

    def _found(self, chart: ChartId) -> Iterator[tuple[Event, frozenset[bytes]]]:
        """What is so in a chart, each with its marks; nothing of one that is closed here."""
        if self._keyring.membership(chart) is None:
            return
        opened = self._open(chart)
        if opened.lacks is not None or opened.destroyed is not None or opened.sealed:
            return
        now_ms = self._clock()
        patient = Patient(age_years=age_at(opened.state.identity, now_ms))
        for state in opened.state.documents:
            for one in happened(state):
                yield _event(chart, one, consent_verified=opened.lacks is None), _marks(one.marks)
            yield from self._alerts(chart, state, patient, now_ms)

    def _alerts(
        self, chart: ChartId, state: DocumentState, patient: Patient, now_ms: int
    ) -> Iterator[tuple[Event, frozenset[bytes]]]:
        """The alerts of a document in which something was measured since the last look: to find them takes longest."""
        measured = hash(
            (
                tuple((item.fact.id, item.corrected_by) for item in state.observations),
                tuple(review.id for review in state.reviews if review.open),
                tuple((item.observation, item.value) for item in state.validations),
                patient,
            )
        )
        if self._settled.get(state.document) == measured:
            return
        for alert in alerts(state, patient=patient, since_ms=now_ms - ALERT_AGE_MS, now_ms=now_ms):
            yield CriticalAlert(chart, alert.rule), _marks([alert.id])
        if len(self._settled) >= SETTLED_MAX:
            self._settled.clear()
        self._settled[state.document] = measured


def _event(chart: ChartId, one: Happened, *, consent_verified: bool) -> Event:
    match one.what:
        case Happening.STARTED:
            return ClinicalWorkflowStarted(
                chart=chart,
                document=one.document,
                user=one.user,
                workflow_type=one.workflow_type.value,
                priority=None if one.priority is None else one.priority.value,
                consent_verified=consent_verified,
            )
        case Happening.STEP_COMPLETED:
            return WorkflowStepCompleted(
                chart=chart,
                document=one.document,
                user=one.user,
                step=str(one.step),
                steps=one.steps,
                steps_closed=one.steps_closed,
            )
        case Happening.COMPLETED:
            return WorkflowCompleted(
                chart=chart,
                document=one.document,
                user=one.user,
                workflow_type=one.workflow_type.value,
                steps=one.steps,
                steps_closed=one.steps_closed,
            )


def _marks(names: Iterable[str]) -> frozenset[bytes]:
    return frozenset(sha256(name.encode()).digest()[:_MARK_BYTES] for name in names)


def _keep(writer: DeviceWriter, new: dict[ChartId, bytes], through: int | None) -> None:
    for chart, marks in new.items():
        writer.put_value(TOLD + chart.hex(), marks)
    if through is not None:
        writer.put_value(THROUGH, through.to_bytes(_INDEX_BYTES))
