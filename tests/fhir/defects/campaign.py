"""The campaign's defects: as many of each kind as are wanted, the same for the same seed.

Owns the pool of examples and the table of kinds. Each kind goes through the types in turn, so that a type with many
examples does not stand for all. No two defects of a kind are alike in example, place and way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from tests.fhir.defects.defect import Defect, Maker
from tests.fhir.defects.members import empty_element, missing_required, unknown_element, wrong_cardinality
from tests.fhir.defects.narratives import bad_narrative
from tests.fhir.defects.profiles import wrong_profile_cardinality
from tests.fhir.defects.sites import Sample
from tests.fhir.defects.terms import dangling_reference, wrong_binding, wrong_reference_type
from tests.fhir.defects.type_rules import broken_invariant
from tests.fhir.defects.values import bad_code_format, bad_date, bad_id, bad_primitive, number_as_string
from tests.fhir.official import WRONG
from tests.support.fhir_examples import MAPPED, names, read

BYTES_MAX: Final = 60_000
"""Of an example: a larger one holds no other places, and each defect is an example of its own."""
TRIES_MAX: Final = 400
"""In a row without a new defect, before a kind is taken to have no more."""

NAMED: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "missing_required": missing_required,
        "wrong_binding": wrong_binding,
        "wrong_reference_type": wrong_reference_type,
        "dangling_reference": dangling_reference,
        "broken_invariant": broken_invariant,
        "bad_date": bad_date,
        "bad_id": bad_id,
        "unknown_element": unknown_element,
        "wrong_cardinality": wrong_cardinality,
    }
)
"""The kinds that every validator is asked for."""
MORE: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "number_as_string": number_as_string,
        "bad_code_format": bad_code_format,
        "bad_primitive": bad_primitive,
        "empty_element": empty_element,
        "bad_narrative": bad_narrative,
        "wrong_profile_cardinality": wrong_profile_cardinality,
    }
)
"""Kinds beyond them."""
_TURNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "wrong_profile_cardinality": ("Observation",),
        "dangling_reference": (*sorted(MAPPED), *["Bundle"] * len(MAPPED)),
    }
)
"""Types of kinds that only some can have, or that one has in ways of its own."""
KINDS: Final[Mapping[str, Maker]] = MappingProxyType({**NAMED, **MORE})


@cache
def pool() -> Mapping[str, tuple[tuple[str, bytes], ...]]:
    """The examples in scope by type, each with its bytes, without those that are wrong themselves."""
    found: dict[str, list[tuple[str, bytes]]] = {}
    for name in names():
        kind = name.partition("-")[0]
        if kind not in MAPPED or (name in WRONG and kind != "Bundle"):
            continue  # the fault of a Bundle is in its addresses and hides no other
        if len(data := read(name)) <= BYTES_MAX:
            found.setdefault(kind, []).append((name, data))
    return MappingProxyType({kind: tuple(listed) for kind, listed in sorted(found.items())})


def defects(seed: int, *, named: int, more: int) -> Iterator[Defect]:
    """Make defects, kind after kind.

    Args:
        seed: says which.
        named: how many of each kind of the first table, as far as there are so many.
        more: how many of each kind of the second.
    """
    for kind in KINDS:
        yield from _of_kind(kind, seed, named if kind in NAMED else more)


def _of_kind(kind: str, seed: int, wanted: int) -> Iterator[Defect]:
    rng = random.Random(f"{kind}/{seed}")
    types = [*_TURNS.get(kind, pool())]
    rng.shuffle(types)
    seen: set[tuple[str, str, str]] = set()
    turn = tries = 0
    while len(seen) < wanted and tries < TRIES_MAX:
        listed = pool()[types[turn % len(types)]]
        turn, tries = turn + 1, tries + 1
        sample = Sample.of(*rng.choice(listed))
        spoilt = KINDS[kind](rng, sample)
        if spoilt is None or (sample.name, spoilt.path, spoilt.way) in seen:
            continue
        tries = 0
        seen.add((sample.name, spoilt.path, spoilt.way))
        yield Defect(
            example=sample.name,
            kind=kind,
            way=spoilt.way,
            path=spoilt.path,
            also=spoilt.also,
            resource=sample.resource,
        )
