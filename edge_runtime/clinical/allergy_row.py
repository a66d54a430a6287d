"""The allergy list as it takes one fact after the other.

Owns what a statement that denies allergies changes: it stands beside all of them, and ties none of those together that
replace it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from collections.abc import Set as AbstractSet

from edge_runtime.clinical import allergies
from edge_runtime.clinical.allergy_denials import denies
from edge_runtime.clinical.rows import Made, ThreadRow, flat, put
from edge_runtime.clinical.succession import Scope, in_order, successors
from edge_runtime.facts import PlacedFact


class AllergyRow:
    """Allergies by threads, beside the statements that deny them."""

    def __init__(self, scope: Scope) -> None:
        """Start with no fact."""
        self._scope = scope
        self._made: Made | None = None
        self._begin(set())

    def add(self, fact: PlacedFact) -> None:
        """See Row."""
        name, earlier = (fact.document, fact.id), {(fact.document, one) for one in fact.fact.supersedes}
        self._facts.append(fact)
        self._named |= earlier
        self._made = None
        if not earlier.isdisjoint(self._denied):
            self._replacing.append(fact)
        if not denies(fact.fact):
            self._items.add(fact)
            return
        put(self._denials, fact)
        if name in self._named and name not in self._denied:
            self._begin(self._denied | {name}, self._facts)  # what replaces it came first, and was tied to others by it
        self._denied.add(name)

    def made(self) -> Made:
        """See Row."""
        if self._made is None:
            items, raised = self._items.made()
            replaced = successors(in_order((*self._denials, *self._replacing))) if self._replacing else {}
            listed, reviews = allergies.beside_denials(self._scope, items, self._denials, replaced)
            self._made = listed, (*raised, *reviews)
        return self._made

    def _begin(self, denied: set[Hashable], facts: Iterable[PlacedFact] = ()) -> None:
        self._facts: list[PlacedFact] = []
        self._denials: list[PlacedFact] = []
        self._replacing: list[PlacedFact] = []
        self._denied = denied
        self._named: set[Hashable] = set()
        self._items = ThreadRow(self._scope, allergies.derive_asserted, self._tokens, flat)
        for fact in facts:
            self.add(fact)

    def _tokens(self, fact: PlacedFact) -> AbstractSet[Hashable]:
        return allergies.tokens(fact, self._denied)
