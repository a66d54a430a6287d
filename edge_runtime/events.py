"""What happened on this device, told to whoever shows it: that something changed, never what.

Events carry random ids, counts and codes: no name, no text, no key. Owns delivery within one process, in the thread
that publishes. Refuses queues and threads: a host that wants them puts them behind its subscription.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sync_protocol.ids import ChartId, DocumentId, UserId

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changed:
    """These charts have something new, written here or received."""

    charts: frozenset[ChartId]


@dataclass(frozen=True, slots=True)
class GlassBroken:
    """Somebody else opened these charts in an emergency, and nobody has reviewed it yet."""

    charts: frozenset[ChartId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """A round with the relay or a peer is over.

    Attributes:
        received: entries that came and were stored.
        receipted: entries of this device that are now at the relay, their inclusion verified.
        pending: entries that still wait for the relay.
    """

    received: int
    receipted: int
    pending: int


@dataclass(frozen=True, slots=True)
class Alarmed:
    """Something that a person must hear of, as a stable code."""

    code: str


@dataclass(frozen=True, slots=True)
class CriticalAlert:
    """Something in a chart that somebody must be told at once: `fieldward chart show` says what.

    Attributes:
        chart: whose.
        code: the rule that fired, one of `clinical.scores.alerts.RULES`; no value.
    """

    chart: ChartId
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalWorkflowStarted:
    """Somebody began to work at a document. Where it is done and for whom are words of the chart, and not in it.

    Attributes:
        chart: the patient's.
        document: the workflow.
        user: who began.
        workflow_type: what the document is for.
        priority: how urgent it is; None where nobody said.
        consent_verified: whether the patient's consents in the chart permit the treatment, as was checked just now.
    """

    chart: ChartId
    document: DocumentId
    user: UserId
    workflow_type: str
    priority: str | None
    consent_verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStepCompleted:
    """Somebody completed a step of a document.

    Attributes:
        chart: the patient's.
        document: the workflow.
        user: who completed it.
        step: the step's id.
        steps: how many the document has.
        steps_closed: how many of them need nothing more.
    """

    chart: ChartId
    document: DocumentId
    user: UserId
    step: str
    steps: int
    steps_closed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCompleted:
    """Somebody completed a document.

    Attributes:
        chart: the patient's.
        document: the workflow.
        user: who completed it.
        workflow_type: what the document is for.
        steps: how many steps it has.
        steps_closed: how many of them need nothing more.
    """

    chart: ChartId
    document: DocumentId
    user: UserId
    workflow_type: str
    steps: int
    steps_closed: int


WorkflowEvent: TypeAlias = ClinicalWorkflowStarted | WorkflowStepCompleted | WorkflowCompleted
Event: TypeAlias = Changed | GlassBroken | Synced | Alarmed | CriticalAlert | WorkflowEvent
Subscriber: TypeAlias = Callable[[Event], None]


class Events:
    """The subscriptions of one running device."""

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._lock = threading.Lock()
        self._subscribers: tuple[tuple[object, Subscriber], ...] = ()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` at every event from now on, in the publisher's thread; it should return at once.

        Returns:
            The way to end the subscription; calling it again does nothing.
        """
        ticket = object()  # one callable may subscribe twice, and each ends its own
        with self._lock:
            self._subscribers += ((ticket, subscriber),)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(pair for pair in self._subscribers if pair[0] is not ticket)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Tell everyone. A subscriber that fails is noted in the log and keeps nobody from hearing it."""
        for _, subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception as error:  # noqa: BLE001 - foreign code; its own words may quote what it was showing
                _log.error("a subscriber to %s failed: %s", type(event).__name__, type(error).__name__)
