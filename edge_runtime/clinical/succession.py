"""Which facts stand: order, heads, threads, and what was written without knowledge of each other.

A supersession counts only between facts of one kind and one document, and only from a fact that this version can read:
callers pass exactly those. Older facts stay in the set for ever; being superseded only moves them into the history.
Names are hashes, so no two entries can replace each other; within one entry only what stands earlier is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from edge_runtime.clinical.relations import Apart, Beside, Concurrent, Relation
from edge_runtime.facts import CausalGraph, FactId, PlacedFact
from sync_protocol.ids import DocumentId

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
ACROSS: Final = "across documents: "


def in_order(facts: Iterable[PlacedFact]) -> tuple[PlacedFact, ...]:
    """Each fact once, by Lamport time, then by id: the same order on every device."""
    once = {fact.id: fact for fact in facts}
    return tuple(sorted(once.values(), key=place))


def place(fact: PlacedFact) -> tuple[int, FactId]:
    """Where a fact stands in the order."""
    return fact.lamport, fact.id


def successors(facts: Sequence[PlacedFact]) -> dict[FactId, tuple[FactId, ...]]:
    """For each superseded fact among `facts`, those of its own document that supersede it."""
    replacing = [fact for fact in facts if fact.fact.supersedes]
    if not replacing:
        return {}
    documents = {fact.id: fact.document for fact in facts}
    found: dict[FactId, list[FactId]] = {}
    for fact in replacing:
        for earlier in dict.fromkeys(fact.fact.supersedes):
            if documents.get(earlier) == fact.document and not _is_later(earlier, fact.id):
                found.setdefault(earlier, []).append(fact.id)
    return {earlier: tuple(later) for earlier, later in found.items()}


def _is_later(earlier: FactId, replacing: FactId) -> bool:
    """Whether what a fact claims to replace is itself, or stands behind it in its entry: they would hide each other."""
    return earlier.entry == replacing.entry and earlier.index >= replacing.index


def heads(facts: Sequence[PlacedFact]) -> tuple[PlacedFact, ...]:
    """The facts that no other one supersedes, in the order given."""
    return parted(facts)[0]


def parted(facts: Sequence[PlacedFact]) -> tuple[tuple[PlacedFact, ...], tuple[PlacedFact, ...]]:
    """Heads and history: the facts that no other one supersedes, and the others, each in the order given."""
    superseded = successors(facts)
    if not superseded:
        return tuple(facts), ()
    standing = tuple(fact for fact in facts if fact.id not in superseded)
    return standing, tuple(fact for fact in facts if fact.id in superseded)


def fold(facts: Sequence[PlacedFact], step: Callable[[PlacedFact, Sequence[T], int], T]) -> dict[FactId, T]:
    """Work out something for each fact from what it supersedes.

    Args:
        facts: in order, so that what is superseded comes first.
        step: takes a fact, the results of what it supersedes in its own document, and how many of
            those are not here.
    """
    documents = {fact.id: fact.document for fact in facts}
    result: dict[FactId, T] = {}
    for fact in facts:
        named = dict.fromkeys(fact.fact.supersedes)
        found = [result[earlier] for earlier in named if earlier in result and documents[earlier] == fact.document]
        result[fact.id] = step(fact, found, len(named) - len(found))
    return result


def threads(
    facts: Sequence[PlacedFact], tokens: Callable[[PlacedFact], Iterable[Hashable]]
) -> tuple[tuple[PlacedFact, ...], ...]:
    """Group facts that share a token, directly or through others; groups and members in the order given.

    Args:
        facts: in order.
        tokens: what ties a fact to others, such as its subject keys or the ids in `links`; at least one.
    """
    parent: dict[Hashable, Hashable] = {}

    def root(token: Hashable) -> Hashable:
        while (above := parent.setdefault(token, token)) != token:
            parent[token] = parent[above]
            token = above
        return token

    firsts: list[Hashable] = []
    for fact in facts:
        first, *rest = tokens(fact)
        above = root(first)
        for token in rest:
            parent[root(token)] = above
        firsts.append(first)
    groups: dict[Hashable, list[PlacedFact]] = {}
    for fact, first in zip(facts, firsts, strict=True):
        groups.setdefault(root(first), []).append(fact)
    return tuple(map(tuple, groups.values()))


def origin(thread: Sequence[PlacedFact]) -> FactId:
    """The first fact of a thread of supersessions, whether or not it has arrived yet: what names the whole thread."""
    superseding = {fact.id for fact in thread if fact.fact.supersedes}
    named = {earlier for fact in thread for earlier in fact.fact.supersedes}
    return min(named - superseding, default=thread[0].id)


def grouped(facts: Iterable[PlacedFact], key: Callable[[PlacedFact], K]) -> dict[K, tuple[PlacedFact, ...]]:
    """Facts by what they are about; groups and members in the order given."""
    found: dict[K, list[PlacedFact]] = {}
    for fact in facts:
        found.setdefault(key(fact), []).append(fact)
    return {name: tuple(group) for name, group in found.items()}


def opposed(some: Sequence[PlacedFact], others: Sequence[PlacedFact], relation: Relation) -> tuple[PlacedFact, ...]:
    """The facts of both sides that stand in a relation to one of the other side; a flood of both is looked at once."""
    facts = (*some, *others)
    found = relation.facing(facts, [0] * len(some) + [1] * len(others)) if some and others else []
    return tuple(fact for fact, faces in zip(facts, found, strict=False) if faces)


def links(fact: PlacedFact) -> frozenset[tuple[DocumentId, FactId]]:
    """A fact's own id and those that it supersedes, known here or not, as tokens."""
    return frozenset((fact.document, named) for named in (fact.id, *fact.fact.supersedes))


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule is applied: within one document, or across the documents of a chart.

    Attributes:
        document: the document whose reviews these are.
        prefix: stands before the subject of each review.
        concurrent: whether two facts were written without knowledge of each other.
        beside: whether two facts that contradict each other wherever they stand are this scope's concern.
    """

    document: DocumentId
    prefix: str
    concurrent: Relation
    beside: Relation


def within(document: DocumentId, graphs: Iterable[CausalGraph]) -> Scope:
    """One document; each of its streams has its own graph."""
    return Scope(document, "", Concurrent(graphs), Beside())


def across(chart_document: DocumentId) -> Scope:
    """All documents of a chart: different documents are different streams, and no order is known between them."""
    return Scope(chart_document, ACROSS, Apart(), Apart())
