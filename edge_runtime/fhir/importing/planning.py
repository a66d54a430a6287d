"""Plans the import of FHIR R4 resources: one chart for each patient, a document for each encounter, nothing lost.

Owns the way from records to an `ImportPlan`. The chart document takes identity, allergies, medications and problems;
an encounter's document takes its status and the conditions, observations and procedures that name it. A patient whom
resources name and whose Patient resource is missing gets a chart with a placeholder. Every resource, mapped or not,
is kept verbatim; those of no patient (a value set, an organisation, an observation of a herd) stand in one chart of
their own. Refuses what cannot be read, by record and path, and every resource of an id that two people share. What
`meta.security` keeps apart goes to the sensitive compartment; a Patient and an Encounter stay findable, but their text
does not, nor what the encounter is for. Pure.

Source: FHIR R4 (4.0.1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from edge_runtime.clinical.layout import home
from edge_runtime.fhir.importing.charts import NOBODY, ChartDraft
from edge_runtime.fhir.importing.mappings import MAPPED_TYPES, is_sensitive, state
from edge_runtime.fhir.importing.plan import ImportPlan, Item, key_of
from edge_runtime.fhir.importing.stated import Stated
from edge_runtime.fhir.importing.versions import Held, Versions
from edge_runtime.fhir.reading.elements import Node
from edge_runtime.fhir.reading.records import Record, Refusal
from edge_runtime.fhir.reading.references import Index, Subject, name_of, patient_of, pruned
from edge_runtime.fhir.reading.strict_json import FhirError, UnmappableError
from sync_protocol.roles import Compartment

_NOTHING: Final = Stated(())
_RANK: Final[Mapping[str, int]] = {"Patient": 0, "Encounter": 1}
"""Patients first, then encounters, so that what names them finds them."""
_BY_PATIENT: Final = frozenset({"AllergyIntolerance"})
_CHART_ONLY: Final = frozenset({"AllergyIntolerance", "MedicationRequest", "MedicationStatement"})
_OPEN_TYPES: Final = frozenset({"Patient", "Encounter"})


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
        kept = record if record.type in MAPPED_TYPES else replace(record, resource=pruned(record.resource))
        self._versions.add(Held(kept, named.name))

    def plan(self) -> ImportPlan:
        self._shared = self._versions.shared_names()
        for newest, *older in sorted(self._versions.groups(), key=lambda group: _rank(group[0])):
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
            kept=sum(not item.mapped for item in items),
            refused=tuple(self._refused),
        )

    def _refuse(self, record: Record, error: FhirError) -> None:
        self._refused.append(Refusal(record=record.record, path=error.path, reason=error.reason))

    def _place(self, held: Held, *, current: bool) -> None:
        """Put the newest version where it belongs; an older one is only kept, beside it."""
        record = held.record
        try:
            subject = self._subject(held)
            stated = self._state(record, subject) if current else _NOTHING
            encounter = held.name if record.type == "Encounter" else self._encounter(record)
            item = self._item(held, stated, encounter)
        except FhirError as error:
            self._refuse(record, error)
            return
        chart = self._charts.setdefault(subject.name if subject else NOBODY, ChartDraft())
        if subject and subject.contained:
            chart.contained = chart.contained or subject.contained
        if record.type == "Patient" and current:
            chart.identity = item
        elif record.type == "Encounter" and stated.facts:
            chart.encounters[held.name] = [item]
        else:
            chart.encounters.get(encounter, chart.items).append(item)

    def _subject(self, held: Held) -> Subject | None:
        """The patient of a resource; None for one that is of no patient."""
        record = held.record
        element = "patient" if record.type in _BY_PATIENT else "subject"
        if record.type == "Patient":
            element = "id"
            found: Subject | None = Subject(held.name, None)
        elif record.type in MAPPED_TYPES:
            reference = Node(record.type, record.resource).node(element)
            if reference is None:
                raise FhirError(f"{record.type}.{element}", expected="a patient", got="nothing")
            found = self._index.subject(record, reference)
        else:
            found = patient_of(record, self._index)
        if found and found.name in self._shared:
            raise FhirError(f"{record.type}.{element}", expected="one patient under this id", got="two people")
        return found

    def _state(self, record: Record, subject: Subject | None) -> Stated:
        if record.type not in MAPPED_TYPES or subject is None:
            return _NOTHING
        try:
            return state(record.type, record.resource, lambda reference: self._index.medication(reference, record))
        except UnmappableError as error:
            reason = f"{error.reason}; kept as it came, unmapped"
            self._refused.append(Refusal(record=record.record, path=error.path, reason=reason))
            return _NOTHING

    def _item(self, held: Held, stated: Stated, encounter: str) -> Item:
        record = held.record
        ordinary = home(stated.facts[0].kind) if stated.facts else None
        apart = is_sensitive(Node(record.type, record.resource))
        text = Compartment.SENSITIVE if apart else ordinary or Compartment.CLINICAL
        return Item(
            record=record.record,
            type=record.type,
            key=key_of("resource", self._source, held.name),
            content=record.content,
            stated=stated,
            compartment=ordinary if ordinary and record.type in _OPEN_TYPES else text,
            source_compartment=text,
            text=record.text,
            address=record.full_url,
            encounter=key_of("resource", self._source, encounter) if encounter else "",
        )

    def _encounter(self, record: Record) -> str:
        """The encounter in whose document a resource belongs; empty for one that outlasts it."""
        reference = record.resource.get("encounter")
        written = reference.get("reference") if isinstance(reference, dict) else None
        if not isinstance(written, str) or record.type in _CHART_ONLY or _is_problem(record):
            return ""
        found = self._index.find(written, record, "Encounter")
        return found.name if found else ""


def _rank(held: Held) -> int:
    return _RANK.get(held.record.type, len(_RANK))


def _is_problem(record: Record) -> bool:
    """Tell whether a Condition stands on the problem list, which outlasts its encounter."""
    categories = Node("", record.resource).nodes("category") if record.type == "Condition" else ()
    codings = (coding for category in categories for coding in category.nodes("coding"))
    return any(coding.text("code") == "problem-list-item" for coding in codings)
