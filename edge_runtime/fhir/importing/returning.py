"""Resources that come back: what a chart on this device had exported, and what others say of such a chart.

Owns how the own is known again. A resource whose `meta.source` names a chart of this device states nothing new here,
however old the export is. What others add refers to the chart's Patient, Encounters and orders by the ids that the
export gave them, and so finds chart and document. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from edge_runtime.clinical.layout import Kind
from edge_runtime.facts import PlacedFact
from edge_runtime.fhir.exporting.identity import plain_uuid, source_of, uuid_of
from edge_runtime.fhir.importing.changes import Seen
from edge_runtime.fhir.importing.plan import ChartPlan, key_of
from edge_runtime.fhir.reading.records import Record, Refusal
from sync_protocol.ids import ChartId, DocumentId

_REQUESTS: Final = ("CarePlan", "ServiceRequest")


class Returning:
    """What an import knows of the charts that are here.

    Attributes:
        count: the resources that were left out so far.
    """

    def __init__(self, charts: Iterable[ChartId], source: str) -> None:
        """Know some charts, and the name of the source that is imported."""
        self._source = source
        names = tuple(charts)
        self._sources = frozenset(map(source_of, names))
        self._keys = {key_of("chart", source, f"Patient/{plain_uuid(name)}"): name for name in names}
        self.count = 0

    def others(self, records: Iterable[Record | Refusal]) -> Iterator[Record | Refusal]:
        """Pass on what no chart here had exported; the rest is counted.

        A Provenance that says of nothing but such resources how they fared elsewhere is counted with them; it stands
        behind them in what we export.
        """
        left_out: set[str] = set()
        for record in records:
            if isinstance(record, Record) and (self._is_own(record) or _only_about(record, left_out)):
                left_out |= {record.full_url, f"{record.type}/{record.resource.get('id')}"}
                self.count += 1
            else:
                yield record

    def _is_own(self, record: Record) -> bool:
        meta = record.resource.get("meta")
        return isinstance(meta, dict) and meta.get("source") in self._sources

    def chart(self, plan: ChartPlan) -> ChartId | None:
        """The chart that was made by hand and whose Patient a plan names."""
        return self._keys.get(plan.key)

    def known(self, facts: Iterable[PlacedFact]) -> Mapping[str, Seen]:
        """The documents of a chart, under the keys of the resources as which they may have been exported."""
        headers: dict[DocumentId, tuple[PlacedFact, ...]] = {}
        for fact in facts:
            if fact.fact.kind == Kind.DOCUMENT and fact.verdict.counts:
                headers[fact.document] = (*headers.get(fact.document, ()), fact)
        return {
            key_of("resource", self._source, exported): Seen(
                document=name, contents=frozenset(), latest="", facts=found
            )
            for name, found in headers.items()
            for exported in _names(name)
        }


def _names(document: DocumentId) -> Iterator[str]:
    """By which a resource refers to a document that was exported: as an Encounter, a CarePlan or a ServiceRequest."""
    yield f"Encounter/{plain_uuid(document)}"
    yield from (f"{type_}/{uuid_of(type_, str(document))}" for type_ in _REQUESTS)


def _only_about(record: Record, names: Collection[str]) -> bool:
    """Whether a record is a Provenance of resources with these addresses or names, and of no other."""
    targets = record.resource.get("target")
    if record.type != "Provenance" or not isinstance(targets, list) or not targets:
        return False
    return all(isinstance(one, dict) and one.get("reference") in names for one in targets)


def without_openings(plan: ChartPlan) -> ChartPlan:
    """A plan without what it would need to open a chart: for one that was made by hand and says who the patient is."""
    first, *others = plan.documents
    spoken = tuple(item for item in first.items if item.record)
    return replace(plan, documents=(replace(first, items=spoken), *others))
