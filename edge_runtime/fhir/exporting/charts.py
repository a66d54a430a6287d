"""Every resource of a chart, in the order in which it is exported.

Owns the table of mappers and the frame around them: imported resources that nothing stands in place of go out as they
came, what is unresolved is marked, each statement has its Provenance, and what is ours names its chart as its source.
The same chart gives the same resources in the same order on every device that reads the same of it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from edge_runtime.facts import FactId, PlacedFact
from edge_runtime.fhir.exporting.documents_made import MAPPERS as DOCUMENT_MAPPERS
from edge_runtime.fhir.exporting.encounters import encounters
from edge_runtime.fhir.exporting.identity import address_of, source_of, urn, uuid_of
from edge_runtime.fhir.exporting.marks import marked
from edge_runtime.fhir.exporting.medications import medications
from edge_runtime.fhir.exporting.observations import observations, triages
from edge_runtime.fhir.exporting.patients import patients
from edge_runtime.fhir.exporting.provenance import provenances
from edge_runtime.fhir.exporting.safety import allergy_intolerances, conditions, procedures
from edge_runtime.fhir.exporting.scene import Content, Made, Mapper, Scene, instant

MAPPERS: Final[tuple[Mapper, ...]] = (
    patients,
    encounters,
    allergy_intolerances,
    conditions,
    medications,
    procedures,
    observations,
    triages,
    *DOCUMENT_MAPPERS,
)

_FIRST: Final[Mapping[str, int]] = MappingProxyType(
    {name: rank for rank, name in enumerate(("Composition", "Patient", "Encounter", "AllergyIntolerance"))}
)
_LAST: Final[Mapping[str, int]] = MappingProxyType({"DetectedIssue": 1, "List": 2, "Provenance": 3})


def resources(scene: Scene) -> list[Made]:
    """Everything that a chart's export holds."""
    made = [one for mapper in MAPPERS for one in mapper(scene)]
    made += _verbatim(scene, frozenset(key for one in made for key in one.keys))
    whole = marked(scene, told_apart(source_of(scene.chart), made, set()))
    whole += provenances(scene, [one for one in whole if one.type not in _LAST])
    by_id = {fact.id: fact for fact in scene.facts}
    return sorted((_sourced(scene, one, by_id) for one in whole), key=_rank)


def sealed(scene: Scene) -> int:
    """How many imported resources this device cannot export, because a part of them is sealed from it."""
    return sum(kept.resource is None for kept in scene.kept.values())


def _verbatim(scene: Scene, claimed: frozenset[str]) -> Iterator[Made]:
    """The imported resources as they came, in the order of their keys."""
    for key, kept in sorted(scene.kept.items()):
        if key not in claimed and kept.resource is not None:
            facts = (*kept.stated, kept.head)
            yield Made(content=dict(kept.resource), address=address_of(kept), facts=facts, keys=(key,), verbatim=True)


def told_apart(source: str, made: Iterable[Made], taken: set[str]) -> list[Made]:
    """No address twice: of resources of two sources that gave the same one, the later gets one of its own.

    Args:
        source: what `identity.source_of` says of the chart; such a resource names it, to be known again.
        made: in order.
        taken: the addresses that stand in the export already; those of `made` are added.
    """
    found: list[Made] = []
    for one in made:
        unique = one
        if one.address in taken:
            address = urn(uuid_of("twice", one.address, source, *one.keys))
            unique = replace(one, content=_with_source(one.content, source), address=address, verbatim=False)
        taken.add(unique.address)
        found.append(unique)
    return found


def _sourced(scene: Scene, made: Made, by_id: Mapping[FactId, PlacedFact]) -> Made:
    """With its chart as `meta.source` and when it was stated, unless it goes out as it came."""
    if made.verbatim:
        return made
    content = _with_source(made.content, source_of(scene.chart))
    meta, updated = content["meta"], _updated(scene, made, by_id)
    if isinstance(meta, dict) and updated:
        content["meta"] = {"lastUpdated": updated, **meta}
    return replace(made, content=content)


def _updated(scene: Scene, made: Made, by_id: Mapping[FactId, PlacedFact]) -> str:
    """When the last of what a resource rests on was stated: an importer tells by it which of two exports is older.

    Never before anything that it replaces, nor before the version of the source that it lies over: a clock that is
    behind must not make a correction look older than what it corrects.
    """
    waiting, walls = list(made.facts), dict[FactId, int]()
    while waiting:
        fact = waiting.pop()
        if fact.id not in walls:
            walls[fact.id] = fact.wall_ms
            waiting += [by_id[name] for name in fact.fact.supersedes if name in by_id]
    bases = (scene.kept[key].updated for key in made.keys)
    found = [*filter(None, bases), *([instant(max(walls.values()))] if walls else [])]
    return max(found, key=datetime.fromisoformat, default="")


def _with_source(content: Content, source: str) -> Content:
    before = content.get("meta")
    meta: Content = {**(before if isinstance(before, dict) else {}), "source": source}
    named: Content = {name: content[name] for name in ("resourceType", "id") if name in content}
    return {**named, "meta": meta, **{name: one for name, one in content.items() if name not in {"meta", *named}}}


def _rank(made: Made) -> tuple[int, int, str, str]:
    return _FIRST.get(made.type, len(_FIRST)), _LAST.get(made.type, 0), made.type, made.address
