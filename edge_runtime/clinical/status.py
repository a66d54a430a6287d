"""Status and priority of a document: events, of which the heads stand.

A status event supersedes the heads that its author saw. Several heads that differ: the least final is shown and a
person is asked, so a terminal status is left only by an event. Of several priorities the highest is shown; only an
event that supersedes it, and so was written in knowledge of it, may lower it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.layout import STATUS_ALIASES, Priority, Status
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import Scope, parted
from edge_runtime.facts import PlacedFact

_FINALITY: Final = tuple(Status)
_URGENCY: Final = tuple(Priority)


@dataclass(frozen=True, slots=True)
class StatusState:
    """Where a document stands.

    Attributes:
        value: what is shown; pending where nothing was stated.
        disputed: the heads differ, and nobody has decided yet.
        heads: the events that stand, in order.
        history: those that were superseded, in order.
    """

    value: Status
    disputed: bool
    heads: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]


@dataclass(frozen=True, slots=True)
class PriorityState:
    """How urgent a document is.

    Attributes:
        value: the highest of the heads; None where nothing was stated.
        heads: the events that stand, in order.
        history: those that were superseded, in order.
    """

    value: Priority | None
    heads: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]


def derive_status(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[StatusState, tuple[Review, ...]]:
    """Derive the status from the readable status facts of one document, in order."""
    standing, history = parted(facts)
    values = {_status(fact) for fact in standing}
    disputed = len(values) > 1
    state = StatusState(min(values, key=_FINALITY.index, default=Status.PENDING), disputed, standing, history)
    if not disputed:
        return state, ()
    reason = f"Statements differ and none replaces the others; {state.value}, the least final, is shown."
    return state, (raise_review(scope, ReviewKind.STATUS, "status", standing, display=_display, reason=reason),)


def derive_priority(_scope: Scope, facts: Sequence[PlacedFact]) -> tuple[PriorityState, tuple[Review, ...]]:
    """Derive the priority from the readable priority facts of one document, in order; it raises no review."""
    standing, history = parted(facts)
    values = (Priority(said(fact.fact, "to") or "") for fact in standing)
    return PriorityState(max(values, key=_URGENCY.index, default=None), standing, history), ()


def _status(fact: PlacedFact) -> Status:
    word = said(fact.fact, "to") or ""
    return STATUS_ALIASES.get(word) or Status(word)


def _display(fact: PlacedFact) -> str:
    reason = said(fact.fact, "reason")
    return f"{_status(fact)}: {reason}" if reason else str(_status(fact))
