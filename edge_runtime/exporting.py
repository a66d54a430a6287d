"""Charts out of this device as FHIR R4: opened for a purpose, recorded, then handed on resource by resource.

Owns the order: a chart is checked, made into resources whole, recorded as exported, and only then handed out; one after
the other, so that all charts of a device need no more memory than the largest. What a resource says is decided in
`fhir.exporting`, who may open a chart in `audit.showing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from edge_runtime.audit.acts import Auditor
from edge_runtime.audit.showing import make_to_hand_out
from edge_runtime.charts import Charts
from edge_runtime.errors import RefusedError
from edge_runtime.fhir.exporting.beside import referenced
from edge_runtime.fhir.exporting.charts import resources, sealed, told_apart
from edge_runtime.fhir.exporting.identity import source_of
from edge_runtime.fhir.exporting.kept import kept_resources
from edge_runtime.fhir.exporting.scene import Made, Scene, scene_facts
from edge_runtime.identity import Identity
from edge_runtime.importing import NOBODYS
from edge_runtime.opened import OpenChart
from edge_runtime.signing.notes import NoteWriter
from edge_runtime.signing.signatures import signatures_of
from sync_protocol.audit import Purpose
from sync_protocol.ids import ChartId

FORM: Final = "fhir-r4"
"""What the audit record of an export says."""


@dataclass(slots=True)
class ExportReport:
    """What an export held.

    Attributes:
        charts: how many charts.
        resources: by type, how many.
        sealed: imported resources that were left out because this device reads only a part of them.
        closed: charts that were left out because this device may not read them.
    """

    charts: int = 0
    resources: dict[str, int] = field(default_factory=dict)
    sealed: int = 0
    closed: int = 0

    def to_json(self) -> dict[str, object]:
        """The report for machines."""
        return {
            "charts": self.charts,
            "resources": dict(sorted(self.resources.items())),
            "sealed": self.sealed,
            "closed": self.closed,
        }


def scene_of(opened: OpenChart, identity: Identity, *, now_ms: int, notes: NoteWriter | None = None) -> Scene:
    """What an exporter sees of an opened chart; with `notes`, the signed record of each document."""
    facts = scene_facts(fact for document in opened.documents.values() for fact in document.facts)
    judged = {name: signatures_of(opened.chart, found, identity.trust) for name, found in opened.documents.items()}
    return Scene(
        chart=opened.chart,
        organisation=identity.root.value.organisation,
        membership=opened.membership,
        state=opened.state,
        facts=facts,
        kept=kept_resources(facts),
        sound=frozenset(one.fact.id for found in judged.values() for one in found.sound),
        notes={name: notes.write(opened, found) for name, found in judged.items() if notes and found.sound},
        now_ms=now_ms,
    )


class Exporter:
    """Exports charts of one device, as its user."""

    def __init__(self, charts: Charts, auditor: Auditor, identity: Identity, notes: NoteWriter) -> None:
        """Export `charts` as `identity`; `auditor` records each, `notes` makes the files of signed notes."""
        self._charts = charts
        self._auditor = auditor
        self._identity = identity
        self._notes = notes
        self._taken: set[str] = set()
        self._nobodys: dict[ChartId, list[Made]] = {}
        self.report = ExportReport()

    def export(self, chart: ChartId, *, purpose: Purpose, now_ms: int) -> list[Made]:
        """Make a chart's resources and record that they leave the device.

        Raises:
            RefusedError: no such chart here, it was destroyed, or this device may not read it, or not for this purpose.
            StoreError: it cannot be recorded.
            LimitError: more signatures, or longer texts, than one note file holds.
        """
        left = 0

        def made_of(opened: OpenChart) -> list[Made]:
            nonlocal left
            scene = scene_of(opened, self._identity, now_ms=now_ms, notes=self._notes)
            left = sealed(scene)
            return resources(scene)

        record = partial(self._auditor.exported, purpose=purpose, form=FORM)
        made = make_to_hand_out(self._charts, self._auditor, chart, purpose=purpose, make=made_of, record=record)
        found = told_apart(source_of(chart), made, self._taken)
        self.report.charts += 1
        self.report.sealed += left
        for one in found:
            self.report.resources[one.type] = self.report.resources.get(one.type, 0) + 1
        return found

    def beside(self, made: Sequence[Made], *, purpose: Purpose, now_ms: int) -> list[Made]:
        """The resources of no patient to which some refer, each once an export; recorded as handed out of their chart.

        Only charts that an import on this device made are looked into, as far as its role reads them.

        Raises:
            StoreError: it cannot be recorded.
        """
        found: list[Made] = []
        for name in sorted(set(map(ChartId, self._charts.store.values(NOBODYS).values()))):
            try:
                if name not in self._nobodys:
                    self._nobodys[name] = resources(scene_of(self._charts.open(name), self._identity, now_ms=now_ms))
                chosen = referenced(made, self._nobodys[name])
                if chosen:
                    record = partial(self._auditor.exported, purpose=purpose, form=FORM)
                    make_to_hand_out(
                        self._charts, self._auditor, name, purpose=purpose, make=lambda _: None, record=record
                    )
            except RefusedError:
                continue
            found += [one for one in chosen if one.address not in self._taken]
            self._taken.update(one.address for one in found)
        for one in found:
            self.report.resources[one.type] = self.report.resources.get(one.type, 0) + 1
        return found

    def export_open(
        self, names: Sequence[ChartId], *, purpose: Purpose, now_ms: int
    ) -> Iterator[tuple[ChartId, list[Made]]]:
        """Export those of some charts that this device may read; the others are counted.

        Raises:
            StoreError: it cannot be recorded.
        """
        for name in names:
            try:
                yield name, self.export(name, purpose=purpose, now_ms=now_ms)
            except RefusedError:
                self.report.closed += 1
