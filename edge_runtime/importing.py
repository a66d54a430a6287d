"""Importing FHIR into charts: plan, compare with what is there, record one chart a transaction.

Owns which chart a source's patient has on this device. A chart is found by what its own `source` facts say, so an
import on another device that was synced since counts as well; what was found is remembered in a stored value. What an
export of a chart that is here states comes back as nothing new: it is known by its `meta.source`, and an older export
would otherwise undo what was stated since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from edge_runtime.charts import Charts
from edge_runtime.clinical.layout import Kind
from edge_runtime.facts import FACTS_MAX, Content, Fact, FactId, pack_content
from edge_runtime.fhir.importing.bound import bounded
from edge_runtime.fhir.importing.changes import Change, Seen, changes, conflict, following, place_of_plan, seen
from edge_runtime.fhir.importing.plan import ChartPlan, DocumentPlan, ImportPlan, Item
from edge_runtime.fhir.importing.planning import plan_import
from edge_runtime.fhir.importing.returning import Returning, without_openings
from edge_runtime.fhir.reading.records import Record, Refusal, read_resources
from edge_runtime.recorder.batch import Batch
from sync_protocol.control import content_stream
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.limits import ID_BYTES, SEAL_ENTRIES_MAX
from sync_protocol.roles import CONTENT, Compartment

INDEX: Final = "import/"
LOOKED: Final = "import-looked/"
NOBODYS: Final = "import-nobody/"
"""Where a device keeps which charts hold resources of no patient: practitioners, organisations, medications."""
ENTRY_BYTES: Final = 120 * 1024
"""Plain bytes of one entry: padding and seal keep it under BODY_BYTES_MAX."""
_ROOM: Final = 64
"""Entries left free under one seal for control records: a document and its epochs."""
_INDEX_BYTES: Final = 8
_PATIENT: Final = "Patient"


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        plan: what the files hold: charts, mapped, kept, refused.
        refused: what was left out, besides what the plan refused.
        own: resources that a chart on this device had exported, of which nothing is taken.
        charts_new, entries_new: what was recorded; 0 when everything was here already.
    """

    plan: ImportPlan
    refused: list[Refusal] = field(default_factory=list)
    own: int = 0
    charts_new: int = 0
    entries_new: int = 0

    def to_json(self) -> dict[str, object]:
        """The report for machines."""
        base = self.plan.report()
        mine = [{"record": one.record, "path": one.path, "reason": one.reason} for one in self.refused]
        listed = base["refused"]
        assert isinstance(listed, list), "a plan reports its refusals as a list"
        return base | {
            "refused": [*listed, *mine],
            "own": self.own,
            "new": {"charts": self.charts_new, "entries": self.entries_new},
        }


def import_charts(
    charts: Charts, files: Sequence[Path], *, source: str = "", progress: Callable[[int, int], None] | None = None
) -> ImportReport:
    """Import files that belong together.

    Args:
        charts: of the importing device.
        files: FHIR R4 as JSON, Bundle or NDJSON, plain or gzip.
        source: names the system that they come from, where ids alone do not: see `plan_import`.
        progress: told how many charts are done, of how many.

    Raises:
        InputError: more than one import may hold; nothing was recorded.
        RefusedError: this device's role reads no chart.
    """
    returning = Returning(charts.keyring.charts(), source)
    report = ImportReport(plan=plan_import(bounded(returning.others(_read(files))), source=source))
    report.own = returning.count
    index = _Index(charts)
    for done, chart in enumerate(report.plan.charts, start=1):
        _Chart(charts, chart, report).record(index, returning)
        if progress is not None:
            progress(done, len(report.plan.charts))
    return report


def _read(files: Iterable[Path]) -> Iterator[Record | Refusal]:
    for path in files:
        try:
            with path.open("rb") as stream:
                yield from read_resources(stream, path.name)
        except OSError as error:
            reason = error.strerror or "an error"
            yield Refusal(record=path.name, path="", reason=f"expected a readable file; got: {reason}")


class _Index:
    """Which chart each source's patient has."""

    def __init__(self, charts: Charts) -> None:
        self._store = charts.store
        self._charts = {name.removeprefix(INDEX): ChartId(data) for name, data in self._store.values(INDEX).items()}
        looked = self._store.values(LOOKED)
        found = set(self._charts.values())
        for chart in charts.keyring.charts():
            if chart not in found:
                self._look(charts, chart, looked.get(LOOKED + chart.hex()))

    def find(self, key: str) -> ChartId | None:
        """The chart of that key."""
        return self._charts.get(key)

    def keep(self, key: str, chart: ChartId) -> None:
        """Remember a chart."""
        if self._charts.get(key) != chart:
            self._charts[key] = chart
            with self._store.writing() as writer:
                writer.put_value(INDEX + key, chart)

    def keep_nobodys(self, key: str, chart: ChartId) -> None:
        """Remember a chart that holds resources of no patient."""
        if self._store.get_value(NOBODYS + key) != chart:
            with self._store.writing() as writer:
                writer.put_value(NOBODYS + key, chart)

    def _look(self, charts: Charts, chart: ChartId, looked: bytes | None) -> None:
        """Look at a chart that came by sync, or was made by hand, unless nothing has come to it since the last look."""
        membership = charts.keyring.membership(chart)
        if membership is None:
            return
        streams = [content_stream(chart, membership.chart_document, compartment) for compartment in CONTENT]
        size = self._store.size()
        after = 0 if looked is None else int.from_bytes(looked, "big")
        if not self._store.arrivals(after=after, limit=1, streams=streams):
            return
        opened = charts.open(chart)
        for key, found in seen(opened.documents[membership.chart_document].facts).items():
            if found.document == membership.chart_document and key not in self._charts:
                self.keep(key, chart)
        with self._store.writing() as writer:
            writer.put_value(LOOKED + chart.hex(), size.to_bytes(_INDEX_BYTES, "big"))


class _Chart:
    """One chart of the plan on its way into the store."""

    def __init__(self, charts: Charts, plan: ChartPlan, report: ImportReport) -> None:
        self._charts = charts
        self._plan = plan
        self._report = report
        self._batch = charts.recorder.begin()

    def record(self, index: _Index, returning: Returning) -> None:
        """Record what is new: in one transaction, unless it is more than one seal covers."""
        report, found, made = self._report, index.find(self._plan.key), returning.chart(self._plan)
        known: Mapping[str, Seen] = {}
        if found is None and made is not None:
            found, self._plan = made, without_openings(self._plan)
        if found is None:
            chart_document = DocumentId(self._charts.entropy(ID_BYTES))
            chart = self._batch.create_chart(chart_document)
        else:
            chart, opened = found, self._charts.open(found)
            if opened.lacks is not None:
                reason = f"expected a patient who permits {opened.lacks.value}; got one who does not"
                named = next((item.record for item in self._plan.documents[0].items if item.record), "")
                report.refused.append(Refusal(record=named, path="", reason=reason))
                return
            chart_document = opened.membership.chart_document
            facts = [fact for document in opened.documents.values() for fact in document.facts]
            known = {**returning.known(facts), **seen(facts)}
        report.refused += _left_standing(self._plan, known)
        readable = self._batch.readable(chart)
        refusal = conflict(self._plan, known) or self._nameless(readable)
        if refusal is not None:
            report.refused.append(refusal)
            return
        for number, document in enumerate(self._plan.documents):
            part = self._open_part(document, readable)
            planned = list(changes(part, known))
            place = chart_document if number == 0 else place_of_plan(document, known)
            own = place or (self._document(chart) if planned else None)
            if own is not None:
                steps = self._contents(chart, _entries(planned, own))
                self._contents(chart, _entries(following(part, known, steps), own))
        report.charts_new += found is None
        report.entries_new += len(self._charts.recorder.write(self._batch))
        if made is None:
            index.keep(self._plan.key, chart)
            if not self._plan.assigned:
                index.keep_nobodys(self._plan.key, chart)

    def _nameless(self, readable: frozenset[Compartment]) -> Refusal | None:
        """Why no chart can be made: this device may not write what finds it again, or who the patient is."""
        needed = [item for item in self._plan.documents[0].items if not item.record or item.type == _PATIENT]
        return next(filter(None, (self._closed(item, readable) for item in needed)), None)

    def _open_part(self, document: DocumentPlan, readable: frozenset[Compartment]) -> DocumentPlan:
        """What this device may write of a document; the rest is refused, all of it where nothing opens the document."""
        refused = {item.key: self._closed(item, readable) for item in document.items}
        first = next(iter(refused.values()), None)
        if first is not None:
            refused = {item.key: replace(first, record=item.record) for item in document.items}
        told = dict.fromkeys(refusal for item in document.items if (refusal := refused[item.key]))
        self._report.refused.extend(told)  # of a resource and its parts once
        items = tuple(
            item for item in document.items if refused[item.key] is None and refused.get(item.of or item.key) is None
        )
        return replace(document, items=items)

    def _closed(self, item: Item, readable: frozenset[Compartment]) -> Refusal | None:
        """Why this device cannot write a resource, or may not; None where it may."""
        closed = sorted({item.compartment, item.source_compartment} - readable)
        kinds = (*(fact.kind for fact in item.stated.facts), Kind.SOURCE.value)
        unstated = [kind for kind in kinds if not self._charts.writable(kind)]
        if closed:
            expected = f"a device that reads the {closed[0].name.lower()} compartment of the chart"
        elif unstated:
            expected = f"a device whose role states facts of kind {unstated[0]}"
        else:
            return None
        return Refusal(record=item.record, path="", reason=f"expected {expected}; got one that does not")

    def _document(self, chart: ChartId) -> DocumentId:
        """A new document."""
        document = DocumentId(self._charts.entropy(ID_BYTES))
        self._room().create_document(chart, document)
        return document

    def _contents(self, chart: ChartId, entries: Iterable[_Entry]) -> dict[str, FactId]:
        """Record entries; the steps among them, by the key of what states each."""
        steps: dict[str, FactId] = {}
        for entry in entries:
            content = Content(facts=entry.facts, text=None)
            name = self._room().content(chart, entry.document, entry.compartment, content)
            steps |= {key: FactId(name, index) for key, index in entry.steps.items()}
        return steps

    def _room(self) -> Batch:
        """A batch with room for one more change under its seal."""
        if len(self._batch.drafts) + _ROOM > SEAL_ENTRIES_MAX:
            self._report.entries_new += len(self._charts.recorder.write(self._batch))
            self._batch = self._charts.recorder.begin()
        return self._batch


def _left_standing(plan: ChartPlan, known: Mapping[str, Seen]) -> Iterator[Refusal]:
    """Newer versions that state nothing here, of resources of which an earlier version did: a person has to look."""
    for item in (item for document in plan.documents for item in document.items):
        earlier = known.get(item.key)
        if earlier is None or item.stated.facts or item.content in earlier.contents:
            continue
        if any(fact.fact.kind != Kind.SOURCE and fact.id in earlier.standing(fact.fact.kind) for fact in earlier.facts):
            reason = (
                "expected a version that states what holds now; got one that is only kept: "
                "what an earlier version stated still stands here, look at it"
            )
            yield Refusal(record=item.record, path="", reason=reason)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Facts of one entry.

    Attributes:
        steps: where among the facts a step stands, by the key of what states it.
    """

    document: DocumentId
    compartment: Compartment
    facts: tuple[Fact, ...] = ()
    steps: Mapping[str, int] = field(default_factory=dict)

    def with_change(self, change: Change) -> _Entry:
        """This entry with one change more."""
        first = len(self.facts)
        steps = {change.key: first} if change.facts[0].kind == Kind.STEP else {}
        return replace(self, facts=(*self.facts, *change.facts), steps={**self.steps, **steps})


def _entries(planned: Iterable[Change], own: DocumentId) -> Iterator[_Entry]:
    """Put changes into as few entries as the limits allow; a change is never cut."""
    open_entries: dict[tuple[DocumentId, Compartment], tuple[_Entry, int]] = {}
    for change in planned:
        place = (change.document or own, change.compartment)
        size = len(pack_content(Content(facts=change.facts, text=None)))
        entry, used = open_entries.get(place, (_Entry(*place), 0))
        if entry.facts and (used + size > ENTRY_BYTES or len(entry.facts) + len(change.facts) > FACTS_MAX):
            yield entry
            entry, used = _Entry(*place), 0
        open_entries[place] = (entry.with_change(change), used + size)
    for entry, _ in open_entries.values():
        yield entry
