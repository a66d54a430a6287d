"""Which compartment each fact goes to: where its kind belongs, or with what it concerns.

Owns that choice alone. Refuses a place where a kind may not stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from edge_runtime.clinical.layout import home, may_stand_in
from edge_runtime.errors import InputError
from edge_runtime.facts import CausalGraph, Fact, FactId
from sync_protocol.encoding import Value
from sync_protocol.errors import PeerError
from sync_protocol.roles import Compartment


def sort_out(
    facts: Iterable[Fact], graphs: Mapping[Compartment, CausalGraph], *, wanted: Compartment | None
) -> dict[Compartment, list[Fact]]:
    """Put facts of one document where they stand, least closed compartment first.

    Args:
        facts: in order.
        graphs: of the document's streams, to find what a fact concerns.
        wanted: None for the one where each belongs.

    Raises:
        InputError: a kind may not stand in `wanted`.
    """
    found: dict[Compartment, list[Fact]] = {}
    for fact in facts:
        if wanted is not None and not may_stand_in(fact.kind, wanted):
            raise InputError(
                "compartment",
                expected=f"a compartment where a fact of kind {fact.kind} may stand",
                got=wanted.name.lower(),
                do="leave the compartment out, or keep the fact apart in the sensitive one",
            )
        found.setdefault(wanted or home(fact.kind) or _beside(fact, graphs), []).append(fact)
    return dict(sorted(found.items()))


def _beside(fact: Fact, graphs: Mapping[Compartment, CausalGraph]) -> Compartment:
    """The most closed compartment of what a fact concerns, so that it tells nobody of what they may not read."""
    concerned = [*fact.supersedes, *_named(fact.payload.get("heads"))]
    return max(
        (compartment for one in concerned for compartment, graph in graphs.items() if one.entry in graph),
        default=Compartment.CLINICAL,
    )


def _named(raw: Value) -> Iterator[FactId]:
    for item in raw if isinstance(raw, list) else ():
        try:
            yield FactId.parse(str(item))
        except PeerError:
            continue  # the rules of the kind say what is wrong with it
