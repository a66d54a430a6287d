"""Which compartment each fact goes to: where its kind belongs, or with what it concerns.

Owns that choice alone. Refuses a place where a kind may not stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from edge_runtime.clinical.layout import Kind, home, may_stand_in
from edge_runtime.errors import InputError
from edge_runtime.facts import CausalGraph, Fact, FactId
from sync_protocol.encoding import Value
from sync_protocol.errors import PeerError
from sync_protocol.ids import EntryHash
from sync_protocol.roles import Compartment

_APART: Final = frozenset({Compartment.SENSITIVE})
_OF_ONE_THING: Final = frozenset(
    {Kind.ALLERGY, Kind.MEDICATION, Kind.DIAGNOSIS, Kind.OBSERVATION, Kind.PROCEDURE, Kind.SPECIMEN, Kind.VALIDATION}
    | {Kind.STEP, Kind.STEP_EVENT, Kind.LINK}
)
"""Kinds that say something of one thing among several, and not of the document or the patient as a whole."""


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
        found.setdefault(wanted or _place(fact, graphs), []).append(fact)
    return dict(sorted(found.items()))


def _place(fact: Fact, graphs: Mapping[Compartment, CausalGraph]) -> Compartment:
    """Where a fact belongs. Its own kind says so, unless it follows, or continues, what it concerns.

    What is stated about a thing that is kept apart, and about nothing else, is kept apart too: a correction would tell
    what it corrects. What concerns the whole document never is: nobody may miss that somebody is in danger. A draft is
    nothing that an emergency needs, whatever it was made from.
    """
    named = (*fact.supersedes, *_named(fact.payload.get("heads")), *_named(_about(fact)))
    concerned = {*(one.entry for one in named), *_seen(fact)}
    places = {where for where, graph in graphs.items() if any(entry in graph for entry in concerned)}
    own = home(fact.kind)
    if own is None:
        least = {Compartment.CLINICAL} if fact.kind == Kind.DRAFT else set()
        return max(places | least, default=Compartment.CLINICAL)
    return Compartment.SENSITIVE if places == _APART and fact.kind in _OF_ONE_THING else own


def _about(fact: Fact) -> list[Value]:
    return [fact.payload.get(name) for name in ("step", "observation", "draft")]


def _seen(fact: Fact) -> Iterator[EntryHash]:
    """The entries that a draft was made from."""
    seen = fact.payload.get("seen") if fact.kind == Kind.DRAFT else None
    for name in seen if isinstance(seen, list) else ():
        try:
            yield EntryHash.parse(str(name))
        except PeerError:
            continue  # the form of a draft says what is wrong with it


def _named(raw: Value) -> Iterator[FactId]:
    for item in raw if isinstance(raw, list) else ():
        try:
            yield FactId.parse(str(item))
        except PeerError:
            continue  # the rules of the kind say what is wrong with it
