"""Steps of a workflow: their order, and how far each is, by the events that stand.

A step is its first fact and those that rename or move it; its place is its fraction, then its id, so that the order is
total whatever was inserted where. Of concurrent renames or moves the last by logical time is shown, and names that
differ are a review. Who ended a step is believed over who was still at it; ended in two ways, or ended by one and taken
up again by another, it is shown as the ending that did most, disputed, and is a review. An event whose step is not here
is shown apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.fractions import sort_key
from edge_runtime.clinical.layout import Kind, StepStatus
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import counted, normalised, said
from edge_runtime.clinical.succession import Scope, grouped, in_order, links, origin, parted, threads
from edge_runtime.facts import Fact, FactId, PlacedFact

KINDS: Final = frozenset({Kind.STEP, Kind.STEP_EVENT})
_ENDINGS: Final = (StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.SKIPPED)
"""How a step ends, from what did most to what did least."""
_DONE: Final = frozenset({StepStatus.COMPLETED, StepStatus.SKIPPED})


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        id: its first fact, whether or not that has arrived: events name it so.
        status: what is shown; pending where no event stands.
        disputed: it was ended in ways that contradict each other, and nobody has decided yet.
        renamed: its names differ, and nobody has decided yet.
        heads: the facts that say what it is and stand, in order; the last is shown.
        history: those that were superseded, in order.
        events: what happened to it and stands, in order.
        past: what happened to it and was superseded, in order.
    """

    id: FactId
    status: StepStatus
    disputed: bool
    renamed: bool
    heads: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]
    events: tuple[PlacedFact, ...]
    past: tuple[PlacedFact, ...]

    @property
    def name(self) -> str:
        """What it is called, by the last writer."""
        return said(self.heads[-1].fact, "name") or ""

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called by all that stands, each name once."""
        return tuple({normalised(name): name for fact in self.heads if (name := said(fact.fact, "name"))}.values())

    @property
    def type(self) -> str | None:
        """What sort of step it is."""
        return said(self.heads[-1].fact, "type")

    @property
    def key(self) -> str | None:
        """By what its template names it."""
        return next((key for fact in reversed(self.heads) if (key := said(fact.fact, "key"))), None)

    @property
    def fraction(self) -> str:
        """Its place in the order."""
        return said(self.heads[-1].fact, "fraction") or ""

    @property
    def required(self) -> bool:
        """Whether anything that stands asks for it."""
        return any(fact.fact.payload.get("required") is True for fact in self.heads)

    @property
    def estimated_minutes(self) -> int | None:
        """How long it should take."""
        return counted(self.heads[-1].fact, "estimated_minutes")

    @property
    def actual_minutes(self) -> int | None:
        """How long it took, by the last event that stands and says so."""
        return self._last("actual_minutes")

    @property
    def quality(self) -> int | None:
        """How well it went, 0 to 100, by the last event that stands and says so."""
        return self._last("quality")

    @property
    def notes(self) -> tuple[str, ...]:
        """Reasons and notes of the events that stand, each once; with its own ending where another is shown."""
        words = ((fact.fact, said(fact.fact, key)) for fact in self.events for key in ("reason", "note"))
        told = ((said(event, "to"), word) for event, word in words if word)
        return tuple(dict.fromkeys(word if to == self.status else f"{to}: {word}" for to, word in told))

    @property
    def closed(self) -> bool:
        """Whether nothing remains to be done: completed or skipped, undisputed."""
        return self.status in _DONE and not self.disputed

    def _last(self, key: str) -> int | None:
        return next((value for fact in reversed(self.events) if (value := counted(fact.fact, key)) is not None), None)


@dataclass(frozen=True, slots=True)
class StepList:
    """The steps of a document.

    Attributes:
        items: in their order.
        stray: events whose step is not here, in order of time.
    """

    items: tuple[Step, ...]
    stray: tuple[PlacedFact, ...]

    @property
    def percentage(self) -> int | None:
        """How many of a hundred steps are closed, rounded down; None where there are no steps."""
        return 100 * sum(step.closed for step in self.items) // len(self.items) if self.items else None

    def of(self, name: FactId) -> Step | None:
        """The step that has this fact among its own, or names it; None where there is none."""
        return next((step for step in self.items if name in _names((*step.heads, *step.history))), None)


def derive_steps(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[StepList, tuple[Review, ...]]:
    """Derive the steps from the readable facts of `KINDS` of one document, in order."""
    found = threads([fact for fact in facts if fact.fact.kind == Kind.STEP], links)
    owner = {name: number for number, thread in enumerate(found) for name in _names(thread)}
    happened = grouped(
        (fact for fact in facts if fact.fact.kind == Kind.STEP_EVENT), lambda fact: owner.get(named_step(fact.fact), -1)
    )
    items = sorted((_step(thread, happened.get(number, ())) for number, thread in enumerate(found)), key=_place)
    listed = StepList(tuple(items), happened.get(-1, ()))
    return listed, tuple(review for step in listed.items for review in _reviews(scope, step))


def tokens(fact: PlacedFact) -> Sequence[FactId]:
    """What ties a fact of `KINDS` to others: the ids by which its step may be named."""
    return (named_step(fact.fact),) if fact.fact.kind == Kind.STEP_EVENT else (fact.id, *fact.fact.supersedes)


def joined(lists: Iterable[StepList]) -> StepList:
    """One list of several that share no step."""
    known = tuple(lists)
    items = sorted((step for one in known for step in one.items), key=_place)
    return StepList(tuple(items), in_order(fact for one in known for fact in one.stray))


def named_step(event: Fact) -> FactId:
    """The step that a readable event names."""
    return FactId.parse(said(event, "step") or "")


def display(fact: PlacedFact) -> str:
    """What a step or an event says, in a few words."""
    parts = (said(fact.fact, name) for name in ("name", "to", "reason", "note"))
    return ": ".join(part for part in parts if part)


def _names(thread: Sequence[PlacedFact]) -> frozenset[FactId]:
    return frozenset(name for fact in thread for name in (fact.id, *fact.fact.supersedes))


def _place(step: Step) -> tuple[str, FactId]:
    return sort_key(step.fraction), step.id


def _step(thread: Sequence[PlacedFact], happened: Sequence[PlacedFact]) -> Step:
    heads, history = parted(thread)
    events, past = parted(happened)
    status, disputed = _status(events, past)
    names = {normalised(said(fact.fact, "name") or "") for fact in heads}
    return Step(origin(thread), status, disputed, len(names) > 1, heads, history, events, past)


def _status(events: Sequence[PlacedFact], past: Sequence[PlacedFact]) -> tuple[StepStatus, bool]:
    values = {_to(fact) for fact in events}
    endings = [ending for ending in _ENDINGS if ending in values]
    if not endings:
        return (StepStatus.IN_PROGRESS if StepStatus.IN_PROGRESS in values else StepStatus.PENDING), False
    ended = {fact.id for fact in past if _to(fact) in _ENDINGS}
    reopened = any(_to(fact) not in _ENDINGS and not ended.isdisjoint(fact.fact.supersedes) for fact in events)
    return endings[0], reopened or len(endings) > 1


def _to(fact: PlacedFact) -> StepStatus:
    return StepStatus(said(fact.fact, "to") or "")


def _reviews(scope: Scope, step: Step) -> Iterator[Review]:
    subject = str(step.id)
    if step.disputed:
        reason = (
            f"This step was ended and also said to have gone otherwise, by people who did not know of each other; "
            f"{step.status} is shown, disputed. Check what was done before it is done again."
        )
        yield raise_review(scope, ReviewKind.STEP, subject, step.events, display=display, reason=reason)
    if step.renamed:
        reason = "This step was given different names by people who did not know of each other; the last is shown."
        yield raise_review(scope, ReviewKind.STEP_NAME, subject, step.heads, display=display, reason=reason)
