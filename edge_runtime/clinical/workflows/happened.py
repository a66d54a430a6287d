"""What happened in a document that others may be told: that work began, a step was completed, all of it was.

Owns the derivation, and the identity of what happened: the statements that made it so. Who told of any of them before
has told of it, so that a colleague who completes the same step without knowing is no second event, and a step that was
taken up again and completed anew is. Ids, types and counts; no name, no text, no value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge_runtime.clinical.layout import Priority, Status, StepStatus, WorkflowType
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.workflows.durations import began
from edge_runtime.facts import FactId, PlacedFact
from sync_protocol.ids import DocumentId, UserId


class Happening(StrEnum):
    """What may happen in a document."""

    STARTED = "started"
    STEP_COMPLETED = "step_completed"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something that is so, and was not always.

    Attributes:
        what: which.
        document: where.
        workflow_type: what the document is for.
        user: who stated it first.
        priority: how urgent the document is; None where nothing says so.
        step: which step; None where it is not about one.
        steps: how many steps the document has.
        steps_closed: how many of them need nothing more.
        causes: the statements that made it so.
    """

    what: Happening
    document: DocumentId
    workflow_type: WorkflowType
    user: UserId
    priority: Priority | None
    step: FactId | None
    steps: int
    steps_closed: int
    causes: frozenset[FactId]

    @property
    def marks(self) -> frozenset[str]:
        """What to remember once it was told; what shares one of these with something that was told, was told."""
        if self.what is Happening.STARTED:
            return frozenset({f"{self.what}:{self.document}"})
        return frozenset(f"{self.what}:{cause}" for cause in self.causes)


def happened(state: DocumentState) -> tuple[Happened, ...]:
    """What is so in a document, in the order in which people work: begun, its steps in their order, completed."""
    kind = state.workflow_type
    if kind is None or kind is WorkflowType.CHART:
        return ()
    found: list[Happened] = []

    def tell(what: Happening, causes: Sequence[PlacedFact], step: FactId | None = None) -> None:
        if causes:
            first = min(causes, key=lambda fact: (fact.lamport, fact.id))
            found.append(
                Happened(
                    what=what,
                    document=state.document,
                    workflow_type=kind,
                    user=first.author.user,
                    priority=state.priority.value,
                    step=step,
                    steps=len(state.steps.items),
                    steps_closed=sum(one.closed for one in state.steps.items),
                    causes=frozenset(fact.id for fact in causes),
                )
            )

    start = began(state)
    tell(Happening.STARTED, [] if start is None else [start])
    for step in state.steps.items:
        if step.status is StepStatus.COMPLETED and not step.disputed:
            tell(Happening.STEP_COMPLETED, _run(step.events, step.past, _is(StepStatus.COMPLETED)), step.id)
    if state.status.value is Status.COMPLETED and not state.status.disputed:
        tell(Happening.COMPLETED, _run(state.status.heads, state.status.history, _is(Status.COMPLETED)))
    return tuple(found)


def _is(word: str) -> Callable[[PlacedFact], bool]:
    return lambda fact: said(fact.fact, "to") == word


def _run(
    heads: Sequence[PlacedFact], past: Sequence[PlacedFact], ending: Callable[[PlacedFact], bool]
) -> list[PlacedFact]:
    """The statements of an ending that stand, and those before them up to the last one that says otherwise."""
    found = [fact for fact in heads if ending(fact)]
    for fact in reversed(past):
        if not ending(fact):
            break
        found.append(fact)
    return found
