"""Parts of a state that take one fact after the other: what a rule made of facts that a new one does not touch is kept.

Owns which facts a rule looks at together. What a rule of threads makes of a thread depends on that thread alone: so a
new fact costs its own thread, however many others there are. The rules themselves are the same as for a whole document.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol, TypeAlias

from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.succession import Scope, place
from edge_runtime.facts import FactId, PlacedFact

Place: TypeAlias = tuple[int, FactId]
Made: TypeAlias = tuple[Any, tuple[Review, ...]]
Derive: TypeAlias = Callable[[Scope, Sequence[PlacedFact]], Made]
Tokens: TypeAlias = Callable[[PlacedFact], Iterable[Hashable]]


class Row(Protocol):
    """One part of a state."""

    def add(self, fact: PlacedFact) -> None:
        """Take a readable fact that is new, of a kind that the part's rule reads; in any order."""

    def made(self) -> Made:
        """What the rule makes of all that was added: equal to the rule applied to the facts in order."""


def put(facts: list[PlacedFact], fact: PlacedFact) -> bool:
    """Put a fact where it stands in order; true if that is the end."""
    if not facts or place(facts[-1]) < place(fact):
        facts.append(fact)
        return True
    insort(facts, fact, key=place)
    return False


class WholeRow:
    """A part whose rule looks at all of its facts together; few, or in one thread anyway."""

    def __init__(self, scope: Scope, derive: Derive) -> None:
        """Start with no fact."""
        self._scope, self._derive = scope, derive
        self._facts: list[PlacedFact] = []
        self._made: Made | None = None

    def add(self, fact: PlacedFact) -> None:
        """See Row."""
        put(self._facts, fact)
        self._made = None

    def made(self) -> Made:
        """See Row."""
        if self._made is None:
            self._made = self._derive(self._scope, tuple(self._facts))
        return self._made


@dataclass(eq=False, slots=True)
class _Thread:
    """Facts that are looked at together, in order.

    Attributes:
        place: under which what was made of them is listed; None while it is not.
        reviews: that their rule raised.
    """

    facts: list[PlacedFact] = field(default_factory=list)
    place: Place | None = None
    reviews: tuple[Review, ...] = ()


class _Threads:
    """Facts by what ties them together; grows as `succession.threads` would group them."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._parent: dict[Hashable, Hashable] = {}
        self._threads: dict[Hashable, _Thread] = {}

    def add(self, fact: PlacedFact) -> tuple[_Thread, list[_Thread]]:
        """Put a fact into its thread; gives that, and those that it joined to it, which are no more."""
        roots = list(dict.fromkeys(self._root(token) for token in self._tokens(fact)))
        met = [self._threads.pop(root) for root in roots if root in self._threads]
        met.sort(key=lambda thread: len(thread.facts))
        thread = met.pop() if met else _Thread()
        for other in met:
            for earlier in other.facts:
                put(thread.facts, earlier)
        put(thread.facts, fact)
        self._parent.update(dict.fromkeys(roots, roots[0]))
        self._threads[roots[0]] = thread
        return thread, met

    def _root(self, token: Hashable) -> Hashable:
        parent = self._parent
        while (above := parent.setdefault(token, token)) != token:
            parent[token] = parent[above]
            token = above
        return token


def flat(made: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
    """What the threads made, in one list."""
    return tuple(chain.from_iterable(made))


class ThreadRow:
    """A part that is a list of threads, by their first facts."""

    def __init__(
        self, scope: Scope, derive: Derive, tokens: Tokens, join: Callable[[Iterable[Any]], Any] = lambda made: made
    ) -> None:
        """Start with no fact.

        Args:
            scope: where the rule is applied.
            derive: the rule.
            tokens: what ties a fact to others.
            join: makes one value of those of the threads, in order.
        """
        self._scope, self._derive, self._join = scope, derive, join
        self._threads = _Threads(tokens)
        self._changed: dict[_Thread, None] = {}
        self._raising: dict[_Thread, None] = {}
        self._places: list[Place] = []
        self._values: list[Any] = []
        self._made: Made | None = None

    def add(self, fact: PlacedFact) -> None:
        """See Row."""
        thread, gone = self._threads.add(fact)
        for other in gone:
            self._changed.pop(other, None)
            self._raising.pop(other, None)
            self._forget(other)
        self._changed[thread] = None
        self._made = None

    def made(self) -> Made:
        """See Row."""
        if self._made is None:
            for thread in self._changed:
                value, thread.reviews = self._derive(self._scope, tuple(thread.facts))
                self._list(thread, value)
                self._raising.pop(thread, None)
                if thread.reviews:
                    self._raising[thread] = None
            self._changed.clear()
            self._made = self._value(), tuple(chain.from_iterable(thread.reviews for thread in self._raising))
        return self._made

    def _value(self) -> Any:  # noqa: ANN401 each rule has its own type
        return self._join(self._values)

    def _list(self, thread: _Thread, value: Any) -> None:  # noqa: ANN401 each rule has its own type
        first = place(thread.facts[0])
        if thread.place != first:
            self._forget(thread)
            at = bisect_left(self._places, first)
            self._places.insert(at, first)
            self._values.insert(at, value)
            thread.place = first
        else:
            self._values[bisect_left(self._places, first)] = value

    def _forget(self, thread: _Thread) -> None:
        if thread.place is not None:
            at = bisect_left(self._places, thread.place)
            del self._places[at], self._values[at]
            thread.place = None


class FactRow(ThreadRow):
    """A part that is a list of facts, of which those of one thread replace each other."""

    def _value(self) -> Any:  # noqa: ANN401 each rule has its own type
        return tuple(self._values)

    def _list(self, thread: _Thread, value: Any) -> None:  # noqa: ANN401 each rule has its own type
        for fact, item in zip(thread.facts, value, strict=True):
            here = place(fact)
            at = bisect_left(self._places, here)
            if at < len(self._places) and self._places[at] == here:
                self._values[at] = item
            else:
                self._places.insert(at, here)
                self._values.insert(at, item)

    def _forget(self, thread: _Thread) -> None:
        """Facts stay where they are."""
