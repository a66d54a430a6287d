"""A fact as it stands in a state, as JSON: with its author, its place, and what a reader must be told of it.

Owns the shape of that, for everything in `--json` that shows facts.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge_runtime.clinical.fact_json import Json, fact_to_json
from edge_runtime.clinical.marks import mark
from edge_runtime.clinical.payloads import SCHEMAS
from edge_runtime.clinical.schemas import unknown_keys
from edge_runtime.facts import Author, FactId, PlacedFact


def fact_entry(placed: PlacedFact) -> dict[str, Json]:
    """A fact with its author, place and verdict.

    `understood` is false for a kind that this version cannot read; `mark` is what a reader must be told, if anything.
    """
    return {
        "id": str(placed.id),
        "document": str(placed.document),
        "author": author_to_json(placed.author),
        "lamport": placed.lamport,
        "wall_ms": placed.wall_ms,
        "standing": placed.verdict.standing,
        "why": placed.verdict.reason,
        "mark": mark(placed.verdict, held=placed.held),
        "fact": fact_to_json(placed.fact),
        "understood": placed.fact.kind in SCHEMAS,
        "keys_not_understood": [*unknown_keys(placed.fact)],
    }


def entries(facts: Iterable[PlacedFact]) -> list[Json]:
    """Facts, each as `fact_entry` writes it."""
    return [fact_entry(fact) for fact in facts]


def names(ids: Iterable[FactId]) -> list[Json]:
    """Ids of facts."""
    return [str(id_) for id_ in ids]


def author_to_json(author: Author) -> Json:
    """Who wrote something."""
    return {
        "user": str(author.user),
        "device": str(author.device),
        "session": str(author.session),
        "role": author.role,
    }
