"""The state of one document, derived from its facts: the same on every device that holds the same facts.

Owns the order of work: each fact once, in one order; those that count by kind to their rule; everything else shown as
unverified, as unreadable or as not understood by this version. Nothing that was stated is left out of the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from edge_runtime.clinical.succession import grouped, in_order, within
from edge_runtime.facts import CausalGraph, PlacedFact
from sync_protocol.ids import DocumentId


def derive(document: DocumentId, facts: Iterable[PlacedFact], graphs: Iterable[CausalGraph]) -> DocumentState:
    """Derive the state of one document.

    Args:
        document: which; facts of other documents are left aside.
        facts: in any order, any number of times.
        graphs: the causal graph of each of the document's streams, in any order.
    """
    own = in_order(fact for fact in facts if fact.document == document)
    kept, stated = quarantined(own), counting(own)
    readable, unreadable = sort_out(stated)
    by_kind = grouped(readable, lambda fact: fact.fact.kind)
    scope = within(document, graphs)
    parts: dict[str, Any] = {}
    raised: list[Review] = []
    for rule in RULES:
        parts[rule.part], reviews = rule.derive(scope, of_kinds(rule.kinds, by_kind))
        raised += reviews
    reviews = settle(chain(raised, unverified_reviews(scope, kept, readable, raised)), parts["decisions"])
    return settled(
        DocumentState(
            document=document,
            reviews=reviews,
            unreadable=unreadable,
            others=tuple(fact for fact in readable if fact.fact.kind not in RULED),
            unverified=visible(kept, readable),
            withheld=withheld(kept),
            newer_layout=is_newer(stated),
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
