"""The state of a chart that takes fact after fact: equal to deriving it anew, without looking at all facts again.

Owns what of a state one more fact can change, and when it may change more than that: where a verdict changed, where an
entry was placed that facts here stand in already, and where a fork became known, all is derived anew.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from edge_runtime.clinical.chart import RULES_ACROSS, ChartState, documents_of, join
from edge_runtime.clinical.clock import ClockWatch, derive_clock
from edge_runtime.clinical.document import Sorted, is_newer, put_together, sort_out
from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.row_table import row_of
from edge_runtime.clinical.rows import Made, Row, put
from edge_runtime.clinical.rules import RULED, RULES, Rule
from edge_runtime.clinical.state import DocumentState, Unreadable
from edge_runtime.clinical.succession import Scope, across, in_order, place, within
from edge_runtime.facts import CausalGraph, FactId, PlacedFact
from sync_protocol.ids import DocumentId, EntryHash, SessionId
from sync_protocol.verdicts import Standing


class Derivation:
    """What a chart says, kept up with its facts. Not for use from several threads."""

    def __init__(
        self, chart_document: DocumentId, facts: Iterable[PlacedFact] = (), graphs: Iterable[CausalGraph] = ()
    ) -> None:
        """Derive a chart; the arguments are those of `derive_chart`."""
        self._chart_document = chart_document
        self._state: ChartState | None = None
        self._begin({fact.id: fact for fact in facts}, tuple(graphs))

    def __len__(self) -> int:
        """How many facts there are."""
        return len(self._facts)

    @property
    def state(self) -> ChartState:
        """What the chart says: equal to `derive_chart` of all facts."""
        if self._state is None:
            documents = {
                name: self._documents[name].state for name in documents_of(self._chart_document, self._documents)
            }
            made = self._across.made()
            raised = chain(_raised(made), self._clock.made())
            parts = {part: value for part, (value, _) in made.items()}
            self._state = join(self._chart_document, tuple(documents.values()), parts, raised)
        return self._state

    def add(self, facts: Iterable[PlacedFact], graphs: Iterable[CausalGraph]) -> None:
        """Take facts that came.

        Args:
            facts: in any order, those that are known already too.
            graphs: as `derive_chart` would be given them now; those that were given before have grown meanwhile.
        """
        known, came, anew = self._facts, dict[FactId, PlacedFact](), not self._goes_on(now := tuple(graphs))
        for fact in facts:
            before = known.get(fact.id)
            if before is None:
                came[fact.id] = fact
            elif before is not fact and before != fact:
                known[fact.id], anew = fact, True
        if anew:
            self._begin(known | came, now)
            return
        self._take(came)

    def _begin(self, facts: dict[FactId, PlacedFact], graphs: tuple[CausalGraph, ...]) -> None:
        self._facts: dict[FactId, PlacedFact] = {}
        self._graphs = graphs
        self._forks = _forks(graphs)
        self._unplaced: set[EntryHash] = set()
        self._documents = {self._chart_document: _Document(within(self._chart_document, graphs))}
        self._across = _Rows(RULES_ACROSS, across(self._chart_document))
        self._clock = _Clock(across(self._chart_document), graphs)
        self._take(facts)

    def _take(self, facts: Mapping[FactId, PlacedFact]) -> None:
        """Take facts of which none is known."""
        self._facts |= facts
        self._state = None
        for fact in in_order(facts.values()):
            if not any(fact.id.entry in graph for graph in self._graphs):
                self._unplaced.add(fact.id.entry)
            document = self._documents.get(fact.document)
            if document is None:
                document = self._documents[fact.document] = _Document(within(fact.document, self._graphs))
            if document.add(fact):
                self._across.add(fact)
            if fact.verdict.counts:
                self._clock.add(fact)

    def _goes_on(self, graphs: tuple[CausalGraph, ...]) -> bool:
        """Whether all that was known of how entries stand to each other still holds."""
        same = len(graphs) == len(self._graphs) and all(map(_is, graphs, self._graphs))
        placed = any(entry in graph for entry in self._unplaced for graph in graphs)
        return same and not placed and _forks(graphs) == self._forks


class _Rows:
    """What some rules make."""

    def __init__(self, rules: Iterable[Rule], scope: Scope) -> None:
        self._rows: dict[str, Row] = {}
        self._reading: dict[str, list[Row]] = {}
        for rule in rules:
            row = self._rows[rule.part] = row_of(rule, scope)
            for kind in rule.kinds:
                self._reading.setdefault(kind, []).append(row)

    def add(self, fact: PlacedFact) -> None:
        """Take a readable fact that is new."""
        for row in self._reading.get(fact.fact.kind, ()):
            row.add(fact)

    def made(self) -> dict[str, Made]:
        """What each rule made, by part."""
        return {part: row.made() for part, row in self._rows.items()}


class _Document:
    """One document."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._rows = _Rows(RULES, scope)
        self._kept: list[PlacedFact] = []
        self._readable: list[PlacedFact] = []
        self._unreadable: list[Unreadable] = []
        self._others: list[PlacedFact] = []
        self._newer = False
        self._state: DocumentState | None = None

    def add(self, fact: PlacedFact) -> bool:
        """Take a fact that is new; true if it counts and can be read."""
        self._state = None
        if not fact.verdict.counts:
            if fact.verdict.standing is Standing.QUARANTINED:
                put(self._kept, fact)
            return False
        self._newer = self._newer or is_newer((fact,))
        readable, unreadable = sort_out((fact,))
        for item in unreadable:
            insort(self._unreadable, item, key=_place_of)
        if not readable:
            return False
        put(self._readable, fact)
        if fact.fact.kind not in RULED:
            put(self._others, fact)
        self._rows.add(fact)
        return True

    @property
    def state(self) -> DocumentState:
        """What it says."""
        if self._state is None:
            made = self._rows.made()
            found = Sorted(
                kept=tuple(self._kept),
                stated=(),
                readable=tuple(self._readable) if self._kept else (),
                unreadable=tuple(self._unreadable),
                others=tuple(self._others),
                newer_layout=self._newer,
            )
            parts: dict[str, Any] = {part: value for part, (value, _) in made.items()}
            self._state = put_together(self._scope, found, parts, tuple(_raised(made)))
        return self._state


class _Clock:
    """The reviews that clocks call for; without looking at all of them again while nothing follows what comes."""

    def __init__(self, scope: Scope, graphs: tuple[CausalGraph, ...]) -> None:
        self._scope, self._graphs = scope, graphs
        self._facts: list[PlacedFact] = []
        self._watch: ClockWatch | None = ClockWatch(scope, graphs)
        self._made: tuple[Review, ...] | None = ()

    def add(self, fact: PlacedFact) -> None:
        """Take a fact that counts."""
        put(self._facts, fact)
        if self._watch is not None and not self._watch.add(fact):
            self._watch = None
        self._made = None

    def made(self) -> tuple[Review, ...]:
        """The reviews."""
        if self._made is None:
            watch = self._watch
            self._made = derive_clock(self._scope, self._facts, self._graphs) if watch is None else watch.reviews()
        return self._made


def _raised(made: Mapping[str, Made]) -> Iterable[Review]:
    return chain.from_iterable(reviews for _, reviews in made.values())


def _place_of(item: Unreadable) -> tuple[int, FactId]:
    return place(item.fact)


def _forks(graphs: Iterable[CausalGraph]) -> list[Mapping[SessionId, int]]:
    return [graph.forks for graph in graphs]


def _is(one: object, other: object) -> bool:
    return one is other
