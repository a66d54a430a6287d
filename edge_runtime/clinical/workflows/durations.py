"""How long a workflow and its steps should take, and took: what people said, and what clocks say, each as such.

Owns the arithmetic. A time that people state is theirs; a time between two entries is a difference of clocks, and says
whose. Where clocks contradict the order in which things were done, there is no such time, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge_runtime.clinical.layout import STATUS_ALIASES, Status, StepStatus
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.steps import Step
from edge_runtime.clinical.subjects import counted, said
from edge_runtime.facts import PlacedFact

MINUTE_MS: Final = 60_000
_BEGUN: Final = frozenset({StepStatus.IN_PROGRESS, StepStatus.COMPLETED, StepStatus.FAILED})


class Clocks(StrEnum):
    """What a difference of clocks rests on."""

    ONE = "one"
    """Both ends by one device's clock, in one session."""
    SEVERAL = "several"
    """Two devices' clocks, which may differ."""
    CONTRADICTORY = "contradictory"
    """The end stands before the beginning: there is no duration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """How long one step should take, and took.

    Attributes:
        step: which.
        estimated_minutes: by its template or author.
        stated_minutes: by whoever did it.
        elapsed_ms: from its beginning to its end by clocks; None where one of them is not stated, or they contradict.
        clocks: what that rests on; None where one end is not stated.
    """

    step: Step
    estimated_minutes: int | None
    stated_minutes: int | None
    elapsed_ms: int | None
    clocks: Clocks | None

    @property
    def in_time(self) -> bool | None:
        """Whether it took no longer than estimated, by what was stated; None where either was not."""
        if self.estimated_minutes is None or self.stated_minutes is None:
            return None
        return self.stated_minutes <= self.estimated_minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long a workflow should take, and took.

    Attributes:
        estimated_minutes: by its header; else the sum of its steps' estimates, where every step has one.
        stated_minutes: the sum of what was stated of its steps; None where nothing was.
        steps_unstated: steps that were done, of which nobody stated how long.
        started: the statement that began it; None where nothing did.
        ended: the statement that ended it; None while it goes on.
        elapsed_ms: between the two by clocks; None where one is missing, or they contradict.
        clocks: what that rests on; None where one end is missing.
        steps: of each step, in their order.
    """

    estimated_minutes: int | None
    stated_minutes: int | None
    steps_unstated: int
    started: PlacedFact | None
    ended: PlacedFact | None
    elapsed_ms: int | None
    clocks: Clocks | None
    steps: tuple[StepTime, ...]


def durations(state: DocumentState) -> Durations:
    """The times of a document."""
    steps = tuple(_step(step) for step in state.steps.items)
    stated = [time.stated_minutes for time in steps if time.stated_minutes is not None]
    done = sum(time.step.status is StepStatus.COMPLETED for time in steps)
    told = sum(time.step.status is StepStatus.COMPLETED and time.stated_minutes is not None for time in steps)
    started, ended = began(state), completed(state)
    elapsed_ms, clocks = _between(started, ended)
    return Durations(
        estimated_minutes=_estimated(state, steps),
        stated_minutes=sum(stated) if stated else None,
        steps_unstated=done - told,
        started=started,
        ended=ended,
        elapsed_ms=elapsed_ms,
        clocks=clocks,
        steps=steps,
    )


def began(state: DocumentState) -> PlacedFact | None:
    """The first statement by which somebody works at a document, by logical time; None where there is none."""
    events = [fact for fact in (*state.status.heads, *state.status.history) if _status(fact) is not Status.PENDING]
    for step in state.steps.items:
        events += (fact for fact in (*step.events, *step.past) if said(fact.fact, "to") in _BEGUN)
    return _first(events)


def completed(state: DocumentState) -> PlacedFact | None:
    """The first of the statements by which a document stands as completed; None while it does not."""
    if state.status.value is not Status.COMPLETED or state.status.disputed:
        return None
    return _first(state.status.heads)


def contradiction(state: DocumentState, *, now_ms: int) -> str | None:
    """What to say to somebody whose clock stands before something that they are about to follow; None for nothing.

    Args:
        state: of the document, as they see it.
        now_ms: their clock, in milliseconds since 1970.
    """
    started = began(state)
    if started is not None and now_ms < started.wall_ms:
        return "by this device's clock it is earlier than when this was started: is the clock right?"
    return None


def step_contradiction(step: Step, *, minutes: int | None, now_ms: int) -> str | None:
    """The same of a step that somebody is about to end.

    Args:
        step: as they see it.
        minutes: how long they say that it took.
        now_ms: their clock, in milliseconds since 1970.
    """
    begun = _begun(step)
    if begun is None:
        return None
    if now_ms < begun.wall_ms:
        return "by this device's clock it is earlier than when this step was begun: is the clock right?"
    if minutes is not None and minutes * MINUTE_MS > now_ms - begun.wall_ms + MINUTE_MS:
        return "the minutes that it took are more than passed since it was begun: are both right?"
    return None


def _estimated(state: DocumentState, steps: Iterable[StepTime]) -> int | None:
    standing = [item.fact.fact for item in state.headers if not item.superseded_by]
    stated = next((found for fact in reversed(standing) if (found := counted(fact, "estimated_minutes"))), None)
    if stated is not None:
        return stated
    each = [time.estimated_minutes for time in steps]
    known = [minutes for minutes in each if minutes is not None]
    return sum(known) if known and len(known) == len(each) else None


def _step(step: Step) -> StepTime:
    ended = _first(fact for fact in step.events if said(fact.fact, "to") == StepStatus.COMPLETED)
    elapsed_ms, clocks = _between(_begun(step), ended if step.status is StepStatus.COMPLETED else None)
    return StepTime(
        step=step,
        estimated_minutes=step.estimated_minutes,
        stated_minutes=step.actual_minutes,
        elapsed_ms=elapsed_ms,
        clocks=clocks,
    )


def _begun(step: Step) -> PlacedFact | None:
    return _first(fact for fact in (*step.events, *step.past) if said(fact.fact, "to") == StepStatus.IN_PROGRESS)


def _between(started: PlacedFact | None, ended: PlacedFact | None) -> tuple[int | None, Clocks | None]:
    if started is None or ended is None or started.id == ended.id:
        return None, None
    if ended.wall_ms < started.wall_ms:
        return None, Clocks.CONTRADICTORY
    own = started.author.session == ended.author.session
    return ended.wall_ms - started.wall_ms, Clocks.ONE if own else Clocks.SEVERAL


def _first(facts: Iterable[PlacedFact]) -> PlacedFact | None:
    return min(facts, key=lambda fact: (fact.lamport, fact.id), default=None)


def _status(fact: PlacedFact) -> Status:
    word = said(fact.fact, "to") or ""
    return STATUS_ALIASES.get(word) or Status(word)
