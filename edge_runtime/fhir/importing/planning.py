"""Plans the import of FHIR R4 resources: one chart for each patient, a document for each encounter, order and plan.

Owns the way from records to an `ImportPlan`. The chart document takes identity, allergies, medications and problems; a
document that a resource opens takes its status and whatever belongs there (`placing`). A patient whom resources name
and whose Patient resource is missing gets a chart with a placeholder. Every resource, mapped or not, is kept verbatim;
those of no patient (a value set, an organisation, an observation of a herd) stand in one chart of their own. Refuses
what cannot be read, by record and path, and every resource of an id that two people share. What `meta.security` keeps
apart goes to the sensitive compartment; a Patient and what opens a document stay findable, but their text does not, nor
what the document is for. Pure.

Source: FHIR R4 (4.0.1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from edge_runtime.clinical.layout import home
from edge_runtime.fhir.importing.charts import NOBODY, ChartDraft
from edge_runtime.fhir.importing.mappings import LABELLED, MAPPED_TYPES, is_sensitive, state
from edge_runtime.fhir.importing.placing import Places, rank
from edge_runtime.fhir.importing.plan import ImportPlan, Item, key_of
from edge_runtime.fhir.importing.stated import Stated
from edge_runtime.fhir.importing.versions import Held, Versions
from edge_runtime.fhir.reading.elements import Node
from edge_runtime.fhir.reading.records import Record, Refusal
from edge_runtime.fhir.reading.references import Index, Subject, name_of, patient_of, pruned
from edge_runtime.fhir.reading.strict_json import FhirError, Json, UnmappableError
from sync_protocol.roles import Compartment

_NOTHING: Final = Stated(())
_BY_PATIENT: Final = frozenset({"AllergyIntolerance"})
_OF_A_PATIENT: Final = _BY_PATIENT | {
    *("Patient", "Encounter", "Condition", "MedicationRequest", "MedicationStatement", "Observation", "Procedure")
}
"""Types that are refused where they do not say whom they are about, or in a form that cannot be read; others then are
nobody's. An Observation may be about nobody, and any may be about somebody of whom only the name is told."""
_FINDABLE: Final = frozenset({"Patient", "Encounter"})
"""Their text stands with what they state, unless it is kept apart; that of others that open a document tells more."""


def plan_import(records: Iterable[Record | Refusal], *, source: str = "") -> ImportPlan:
    """Plan an import.

    Args:
        records: what `read_resources` yields, of one file or of several that belong together.
        source: names where they come from, if ids alone do not: two hospitals may both have a Patient/1. Ids that are
            UUIDs or stand in an address need none. The same source finds the same charts again.
    """
    planner = _Planner(source)
    for record in records:
        planner.take(record)
    return planner.plan()


class _Planner:
    """Holds the records until all are known, then places each."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._index = Index()
        self._versions = Versions()
        self._places = Places(self._index)
        self._subjects: dict[str, Subject] = {}
        self._shared: frozenset[str] = frozenset()
        self._refused: list[Refusal] = []
        self._charts: dict[str, ChartDraft] = {}

    def take(self, record: Record | Refusal) -> None:
        if isinstance(record, Refusal):
            self._refused.append(record)
            return
        try:
            named = name_of(record)
            self._index.add(record, named)
        except FhirError as error:
            self._refuse(record, error)
            return
        kept = record if record.type in MAPPED_TYPES else replace(record, resource=_looked_at(record))
        self._versions.add(Held(kept, named.name))

    def plan(self) -> ImportPlan:
        self._shared = self._versions.shared_names()
        for newest, *_ in self._versions.groups():
            self._places.learn(newest)
        for newest, *older in sorted(self._versions.groups(), key=lambda group: rank(group[0])):
            self._place(newest, current=True)
            for held in older:
                self._place(held, current=False)
        nobody = self._charts.pop(NOBODY, None)
        charts = [draft.finish(name, self._source) for name, draft in self._charts.items()]
        charts += [nobody.finish(NOBODY, self._source)] if nobody else []
        items = [item for chart in charts for document in chart.documents for item in document.items if item.text]
        return ImportPlan(
            charts=tuple(charts),
            mapped=dict(sorted(Counter(item.type for item in items if item.mapped).items())),
            kept_types=dict(sorted(Counter(item.type for item in items if not item.mapped).items())),
            refused=tuple(self._refused),
        )

    def _refuse(self, record: Record, error: FhirError) -> None:
        self._refused.append(Refusal(record=record.record, path=error.path, reason=error.reason))

    def _keep(self, record: Record, error: FhirError) -> None:
        reason = f"{error.reason}; kept as it came, unmapped"
        self._refused.append(Refusal(record=record.record, path=error.path, reason=reason))

    def _place(self, held: Held, *, current: bool) -> None:
        """Put the newest version where it belongs; an older one is only kept, beside it."""
        record = held.record
        try:
            subject = self._subject(held)
            stated = self._state(held, subject) if current else _NOTHING
            item = replace(self._item(held, stated), older=not current)
            leads = self._places.leads(held, opens=item.opens)
        except FhirError as error:
            self._refuse(record, error)
            return
        chart = self._charts.setdefault(subject.name if subject else NOBODY, ChartDraft())
        if subject:
            self._subjects[held.name] = subject
            chart.contained = chart.contained or subject.contained
        if record.type == "Patient" and current:
            chart.identity = item
            return
        into = next((name for name in leads if name in chart.opened), "")
        wanted = leads[: leads.index(into) + 1] if into else leads
        item = replace(item, within=tuple(key_of("resource", self._source, name) for name in wanted))
        if item.opens and not into:
            into = held.name
            chart.opened[into] = []
        chart.opened.get(into, chart.items).extend((item, *item.parts()))
        if current:
            self._places.put(held.name, into)

    def _subject(self, held: Held) -> Subject | None:
        """The patient of a resource; None for one that is of no patient."""
        record = held.record
        element = "patient" if record.type in _BY_PATIENT else "subject"
        if record.type == "Patient":
            element = "id"
            found: Subject | None = Subject(held.name, None)
        elif record.type in _OF_A_PATIENT:
            reference = Node(record.type, record.resource).node(element)
            if reference is None and record.type != "Observation":
                raise FhirError(f"{record.type}.{element}", expected="a patient", got="nothing")
            if reference is not None and reference.content.keys() == {"display"}:
                self._keep(record, FhirError(reference.path, expected="a reference or an identifier", got="neither"))
                return None
            found = self._index.subject(record, reference) if reference else None
        else:
            found = patient_of(record, self._index) or self._related(record)
        if found and found.name in self._shared:
            raise FhirError(f"{record.type}.{element}", expected="one patient under this id", got="two people")
        return found

    def _related(self, record: Record) -> Subject | None:
        """The one patient whom everything is about that a record without patient refers to."""
        known = {found for name in self._places.others(record) if (found := self._subjects.get(name))}
        return Subject(known.pop().name, None) if len({one.name for one in known}) == 1 else None

    def _state(self, held: Held, subject: Subject | None) -> Stated:
        record = held.record
        if record.type not in MAPPED_TYPES or subject is None:
            return _NOTHING
        try:
            return state(
                record.type,
                record.resource,
                lambda reference: self._index.medication(reference, record),
                sampled=self._places.is_sampled(held.name),
            )
        except UnmappableError as error:
            self._keep(record, error)
            return _NOTHING

    def _item(self, held: Held, stated: Stated) -> Item:
        record = held.record
        ordinary = home(stated.facts[0].kind) if stated.facts else None
        own = ordinary if record.type in _FINDABLE or not stated.opens else Compartment.CLINICAL
        apart = is_sensitive(Node(record.type, record.resource))
        text = Compartment.SENSITIVE if apart else own or Compartment.CLINICAL
        return Item(
            record=record.record,
            type=record.type,
            key=key_of("resource", self._source, held.name),
            content=record.content,
            stated=stated,
            compartment=ordinary if ordinary and (record.type in _FINDABLE or stated.opens) else text,
            source_compartment=text,
            text=record.text,
            address=record.full_url,
            updated=held.updated,
        )


def _looked_at(record: Record) -> dict[str, Json]:
    """What is read of a resource that states nothing: to whom and where it belongs, and what keeps it apart."""
    label = record.resource.get("securityLabel") if record.type in LABELLED else None
    return pruned(record.resource) | ({"securityLabel": label} if label else {})
