"""The state of one document, derived from its facts: the same on every device that holds the same facts.

Owns the order of work: each fact once, in one order; those that count by kind to their rule; everything else shown as
unverified, as unreadable or as not understood by this version. Nothing that was stated is left out of the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from edge_runtime.clinical.layout import LAYOUT_VERSION, Kind
from edge_runtime.clinical.payloads import SCHEMAS
from edge_runtime.clinical.reviews import Review, settle
from edge_runtime.clinical.rules import RULED, RULES
from edge_runtime.clinical.schemas import flaw
from edge_runtime.clinical.settling import settled
from edge_runtime.clinical.standing import counting, quarantined, unverified_reviews, visible, withheld
from edge_runtime.clinical.state import DocumentState, Unreadable
from edge_runtime.clinical.subjects import counted
from edge_runtime.clinical.succession import Scope, grouped, in_order, within
from edge_runtime.facts import CausalGraph, PlacedFact
from sync_protocol.ids import DocumentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The facts of one document by what this version makes of them, each part in order.

    Attributes:
        kept: what is quarantined.
        stated: what counts, readable or not.
        readable: what counts and can be used, or is not judged.
        unreadable: what counts and cannot be used.
        others: the readable facts that no rule reads.
        newer_layout: a header states a layout that this version does not know.
    """

    kept: tuple[PlacedFact, ...]
    stated: tuple[PlacedFact, ...]
    readable: tuple[PlacedFact, ...]
    unreadable: tuple[Unreadable, ...]
    others: tuple[PlacedFact, ...]
    newer_layout: bool


def derive(document: DocumentId, facts: Iterable[PlacedFact], graphs: Iterable[CausalGraph]) -> DocumentState:
    """Derive the state of one document.

    Args:
        document: which; facts of other documents are left aside.
        facts: in any order, any number of times.
        graphs: the causal graph of each of the document's streams, in any order.
    """
    return derive_sorted(within(document, graphs), sorted_out(fact for fact in facts if fact.document == document))


def sorted_out(facts: Iterable[PlacedFact]) -> Sorted:
    """Sort the facts of one document, given in any order."""
    own = in_order(facts)
    stated = counting(own)
    readable, unreadable = sort_out(stated)
    return Sorted(
        kept=quarantined(own) if len(stated) < len(own) else (),
        stated=stated,
        readable=readable,
        unreadable=unreadable,
        others=tuple(fact for fact in readable if fact.fact.kind not in RULED),
        newer_layout=is_newer(stated),
    )


def derive_sorted(scope: Scope, found: Sorted) -> DocumentState:
    """Derive the state of the document of a scope."""
    by_kind = grouped(found.readable, lambda fact: fact.fact.kind)
    parts: dict[str, Any] = {}
    raised: list[Review] = []
    for rule in RULES:
        parts[rule.part], reviews = rule.derive(scope, of_kinds(rule.kinds, by_kind))
        raised += reviews
    return put_together(scope, found, parts, raised)


def put_together(scope: Scope, found: Sorted, parts: Mapping[str, Any], raised: Sequence[Review]) -> DocumentState:
    """The state of a document from what each of `RULES` made.

    Args:
        scope: the document's.
        found: its facts; of `readable` nothing is used while none is quarantined.
        parts: what each rule made, by part.
        raised: the reviews that they raised, in any order.
    """
    unverified = unverified_reviews(scope, found.kept, found.readable, raised)
    return settled(
        DocumentState(
            document=scope.document,
            reviews=settle(chain(raised, unverified), parts["decisions"]),
            unreadable=found.unreadable,
            others=found.others,
            unverified=visible(found.kept, found.readable),
            withheld=withheld(found.kept),
            newer_layout=found.newer_layout,
            **parts,
        )
    )


def of_kinds(kinds: Sequence[Kind], by_kind: Mapping[str, tuple[PlacedFact, ...]]) -> tuple[PlacedFact, ...]:
    """The facts of some kinds, in order."""
    found = [by_kind.get(kind, ()) for kind in kinds]
    return found[0] if len(found) == 1 else in_order(chain.from_iterable(found))


def of_kind(kind: Kind, facts: Sequence[PlacedFact]) -> tuple[PlacedFact, ...]:
    """The facts of one kind, in the order given."""
    return tuple(fact for fact in facts if fact.fact.kind == kind)


def is_newer(facts: Iterable[PlacedFact]) -> bool:
    """Tell whether a header among facts that count, readable or not, states a layout that this version does not know.

    One that was replaced says so as well: what was written by its layout is still there.
    """
    versions = (counted(fact.fact, "schema") for fact in facts if fact.fact.kind == Kind.DOCUMENT)
    return any(version is not None and version > LAYOUT_VERSION for version in versions)


def sort_out(facts: Sequence[PlacedFact]) -> tuple[tuple[PlacedFact, ...], tuple[Unreadable, ...]]:
    """Part what this version can use, or does not judge, from what is unreadable; each in the order given."""
    readable: list[PlacedFact] = []
    unreadable: list[Unreadable] = []
    for fact in facts:
        problem = flaw(fact.fact) if fact.fact.kind in SCHEMAS else None
        if problem is None:
            readable.append(fact)
        else:
            unreadable.append(Unreadable(fact, problem))
    return tuple(readable), tuple(unreadable)
