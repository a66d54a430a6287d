"""How facts stand to each other: concurrent, in different documents, or simply beside each other.

Owns finding, among many facts, those that contradict one to which they stand so, without looking at every pair: whoever
may write may write thousands of statements about one thing, and every device derives them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from edge_runtime.facts import CausalGraph, PlacedFact
from sync_protocol.ids import EntryHash, SessionId

FEW_FACTS: Final = 16
"""Up to so many, every pair is looked at."""
COMPARED_MAX: Final = 200_000
"""Facts of one thing times the sessions that wrote them; beyond it all count as concurrent: in doubt a person is asked.
Facts alone decide it, so that it is the same on every device."""


class Relation(Protocol):
    """How two facts may stand to each other."""

    def __call__(self, one: PlacedFact, other: PlacedFact) -> bool:
        """Tell whether they do."""

    def facing(self, facts: Sequence[PlacedFact], says: Sequence[Hashable]) -> list[bool]:
        """Tell of each fact whether it stands so to one that says something else.

        Args:
            facts: each once.
            says: of each, what it says; equal for two that say the same.
        """


class Beside:
    """Wherever they stand."""

    def __call__(self, one: PlacedFact, other: PlacedFact) -> bool:  # noqa: ARG002 all do
        """Always."""
        return True

    def facing(self, facts: Sequence[PlacedFact], says: Sequence[Hashable]) -> list[bool]:
        """Every fact, where not all say the same."""
        return [len(set(says)) > 1] * len(facts)


class Apart:
    """In different documents of a chart, between which no order is known."""

    def __call__(self, one: PlacedFact, other: PlacedFact) -> bool:
        """Tell whether their documents differ."""
        return one.document != other.document

    def facing(self, facts: Sequence[PlacedFact], says: Sequence[Hashable]) -> list[bool]:
        """Count those of another document that say something else."""
        pairs = [(fact.document, what) for fact, what in zip(facts, says, strict=True)]
        same_both, same_words = Counter(pairs), Counter(says)
        same_document = Counter(document for document, _ in pairs)
        return [len(pairs) + same_both[pair] > same_document[pair[0]] + same_words[pair[1]] for pair in pairs]


class Concurrent:
    """Written without knowledge of each other.

    Facts of one entry are never concurrent: their author saw both. An entry that no graph holds counts as unseen by
    all others: in doubt a person is asked.
    """

    def __init__(self, graphs: Iterable[CausalGraph]) -> None:
        """Take the causal graph of each stream; an entry stands in one of them."""
        self._graphs = tuple(graphs)
        self._of: dict[EntryHash, CausalGraph] = {}

    def __call__(self, one: PlacedFact, other: PlacedFact) -> bool:
        """Tell whether neither entry follows the other."""
        left, right = one.id.entry, other.id.entry
        if left == right:
            return False
        graph = self._graph(left)
        return graph is None or not (graph.precedes(left, right) or graph.precedes(right, left))

    def facing(self, facts: Sequence[PlacedFact], says: Sequence[Hashable]) -> list[bool]:
        """Count those that a fact neither follows nor precedes: all of them, less those that say the same."""
        if len(set(says)) == 1:
            return [False] * len(facts)
        if len(facts) <= FEW_FACTS:
            stated = list(zip(facts, says, strict=True))
            return [any(said != what and self(fact, other) for other, said in stated) for fact, what in stated]
        if len(facts) * len({fact.author.session for fact in facts}) > COMPARED_MAX:
            return [True] * len(facts)
        of_words: dict[Hashable, list[PlacedFact]] = {}
        for fact, what in zip(facts, says, strict=True):
            of_words.setdefault(what, []).append(fact)
        unseen = self._unseen(facts)
        same = dict.fromkeys((fact.id for fact in facts), 0)
        for group in of_words.values():
            if len(group) > 1:
                same.update(zip((fact.id for fact in group), self._unseen(group), strict=True))
        return [count > same[fact.id] for fact, count in zip(facts, unseen, strict=True)]

    def _graph(self, entry: EntryHash) -> CausalGraph | None:
        found = self._of.get(entry)
        if found is None:
            found = next((graph for graph in self._graphs if entry in graph), None)
            if found is not None:
                self._of[entry] = found
        return found

    def _unseen(self, facts: Sequence[PlacedFact]) -> list[int]:
        """Of each fact, how many of them are concurrent with it."""
        together = Counter(fact.id.entry for fact in facts)
        streams: dict[int, _Stream] = {}
        for entry in together:
            graph = self._graph(entry)
            if graph is not None:
                streams.setdefault(id(graph), _Stream(graph)).take(entry, together[entry])
        seen = dict.fromkeys(together, 0)
        for stream in streams.values():
            seen.update(stream.seen())
        return [len(facts) - together[fact.id.entry] - seen[fact.id.entry] for fact in facts]


class _Stream:
    """Some entries of one stream, and how many of their facts each follows or precedes."""

    def __init__(self, graph: CausalGraph) -> None:
        self._graph = graph
        self._counts: dict[EntryHash, int] = {}

    def take(self, entry: EntryHash, facts: int) -> None:
        """Add an entry with so many facts."""
        self._counts[entry] = facts

    def seen(self) -> Mapping[EntryHash, int]:
        """How many facts of other entries each entry follows or precedes."""
        places = {entry: self._graph.place(entry) for entry in self._counts}
        certain = [entry for entry in places if not self._graph.is_forked(entry)]
        numbers: dict[SessionId, list[int]] = {}
        for entry in certain:
            session, number, _ = places[entry]
            numbers.setdefault(session, []).extend([number] * self._counts[entry])
        reached: dict[SessionId, list[int]] = {session: [] for session in numbers}
        for entry, (own, number, others) in places.items():
            for session, found in reached.items():
                found.extend([number if session == own else others.get(session, -1)] * self._counts[entry])
        for counted in (*numbers.values(), *reached.values()):
            counted.sort()
        sure = frozenset(certain)
        return {entry: self._before(entry, numbers, sure) + self._after(entry, reached, sure) for entry in places}

    def _before(self, entry: EntryHash, numbers: Mapping[SessionId, list[int]], certain: frozenset[EntryHash]) -> int:
        """How many facts it follows; its own are not among them."""
        session, number, others = self._graph.place(entry)
        found = sum(
            bisect_right(counted, others.get(other, -1)) for other, counted in numbers.items() if other != session
        )
        own = bisect_right(numbers.get(session, ()), number)
        return found + own - (self._counts[entry] if entry in certain else 0)

    def _after(self, entry: EntryHash, reached: Mapping[SessionId, list[int]], certain: frozenset[EntryHash]) -> int:
        """How many facts follow it; none do for certain from a fork on."""
        if entry not in certain:
            return 0
        session, number, _ = self._graph.place(entry)
        counted = reached[session]
        return len(counted) - bisect_left(counted, number) - self._counts[entry]
