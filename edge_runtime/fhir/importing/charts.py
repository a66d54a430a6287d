"""A chart while an import fills it, and what it needs that no resource says.

Owns the opening of the chart document, the placeholder of a patient whose Patient resource is missing, and the one
rule across resources: an old prescription that ended is not listed beside the same medication where it goes on. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from edge_runtime.clinical.layout import LAYOUT_VERSION, Action, Kind, WorkflowType
from edge_runtime.clinical.subjects import said, subject_keys
from edge_runtime.fhir.importing.chart_facts import patient, placeholder
from edge_runtime.fhir.importing.plan import ChartPlan, DocumentPlan, Item, key_of
from edge_runtime.fhir.importing.stated import Stated, When, fact
from edge_runtime.fhir.reading.elements import Node
from edge_runtime.fhir.reading.strict_json import FhirError, Json, digest
from sync_protocol.roles import Compartment

NOBODY: Final = ""
"""Stands for the patient of resources that have none."""


@dataclass(slots=True)
class ChartDraft:
    """The items of one chart.

    Attributes:
        contained: the Patient as another resource contains it, if one does.
        identity: of the Patient resource, if there is one.
        items: what goes into the chart document.
        opened: what goes into each document that a resource opens, by that one's name; the resource itself first.
    """

    contained: Mapping[str, Json] | None = None
    identity: Item | None = None
    items: list[Item] = field(default_factory=list)
    opened: dict[str, list[Item]] = field(default_factory=dict)

    def finish(self, name: str, source: str) -> ChartPlan:
        """Make the plan of the chart of the patient `name`, as `source` knows them."""
        identity = () if name == NOBODY else (self.identity or _placeholder(name, source, self.contained),)
        first = DocumentPlan(items=(_opening(name, source), *identity, *_without_ended(self.items)))
        others = (DocumentPlan(items=tuple(items)) for items in self.opened.values())
        assigned = name != NOBODY
        return ChartPlan(documents=(first, *others), placeholder=assigned and not self.identity, assigned=assigned)


def _opening(name: str, source: str) -> Item:
    title = "Imported resources of no patient" if name == NOBODY else ""
    header = fact(Kind.DOCUMENT, schema=LAYOUT_VERSION, workflow_type=WorkflowType.CHART.value, title=title)
    return _unspoken("Chart", key_of("chart", source, name), "opening", Stated((header,), When.NEW))


def _placeholder(name: str, source: str, contained: Mapping[str, Json] | None) -> Item:
    """The identity as another resource contains it, else the reference; a Patient resource supersedes either."""
    key = key_of("resource", source, name)
    try:
        known = patient(Node("Patient", contained)).facts if contained else ()
    except FhirError:
        known = ()
    return _unspoken("Patient", key, "placeholder", Stated(known or (placeholder(name),), When.NEW))


def _unspoken(kind: str, key: str, content: str, stated: Stated) -> Item:
    return Item(
        record="",
        type=kind,
        key=key,
        content=digest(content),
        stated=stated,
        compartment=Compartment.SAFETY,
        source_compartment=Compartment.SAFETY,
    )


def _without_ended(items: list[Item]) -> Iterator[Item]:
    current = frozenset[str]().union(
        *(subject_keys(one) for item in items for one in item.stated.facts if _goes_on(item))
    )
    for item in items:
        covered = any(not current.isdisjoint(subject_keys(one)) for one in item.stated.facts)
        yield replace(item, stated=replace(item.stated, when=When.KNOWN)) if covered and _ended(item) else item


def _goes_on(item: Item) -> bool:
    return item.mapped and any(one.kind == Kind.MEDICATION for one in item.stated.facts) and not _ended(item)


def _ended(item: Item) -> bool:
    return any(said(one, "action") == Action.STOP for one in item.stated.facts)
