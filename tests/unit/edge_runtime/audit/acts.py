"""A small organisation whose devices wrote, read, met and were refused; what timelines and exports are tested on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_runtime.audit.selection import Selection
from edge_runtime.audit.timeline import Timeline
from edge_runtime.clinical.layout import WorkflowType
from sync_protocol.audit import AuditRecord, Purpose, Result, audit_record
from sync_protocol.control import content_stream
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId, StreamId
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact


def act(device: Device, chart: ChartId | None, record: AuditRecord) -> VerifiedEntry:
    """Record an act, in a chart's audit stream or the device's ledger; its entry."""
    batch = device.recorder.begin()
    name = batch.ledger(record) if chart is None else batch.audit(chart, record)
    return next(entry for entry in device.recorder.write(batch) if entry.hash == name)


def lines(device: Device, **chosen: Any) -> list[str]:
    """The device's timeline as kinds, oldest first."""
    return [event.what.kind.name for event in timeline(device).events(Selection(**chosen))]


def timeline(device: Device) -> Timeline:
    """The device's timeline."""
    return Timeline(device.store, device.identity, device.keyring)


class Ward:
    """A physician, a nurse and a compliance officer around one chart.

    The nurse's clock is an hour slow. Everybody holds everything that was written when the chart was made.
    """

    def __init__(self, folder: Path) -> None:
        self.clinic = Clinic(folder)
        self.physician = self.clinic.device(Role.PHYSICIAN)
        self.nurse = self.clinic.device(Role.NURSE)
        self.officer = self.clinic.device(Role.COMPLIANCE_OFFICER)
        made = self.physician.charts.create(
            [fact("identity", name="Zoraida Quispe", birth_date="1961-04-02")], workflow=WorkflowType.ENCOUNTER
        )
        self.chart: ChartId = made[0]
        self.document: DocumentId
        self.encounter: DocumentId
        self.document, self.encounter = made[1]
        self.physician.charts.share(self.chart, self.nurse.id)
        self.physician.charts.edit_text(self.chart, self.encounter, "plan", "Paracetamol, as the family asked.")
        self.deliver()

    def deliver(self) -> None:
        """Carry everything to everybody; what somebody cannot open stays sealed there."""
        everybody = (self.clinic.admin, self.physician, self.nurse, self.officer)
        for source in everybody:
            for target in everybody:
                if target is not source:
                    carry(source, target)

    def read(self, device: Device, *fields: str, **more: Any) -> VerifiedEntry:
        """A read of the chart by a device, as it stands there."""
        frontier = [head for _, head in device.store.frontier(self._content).values()]
        said = {"seen": tuple(sorted(frontier)), "checks": ("membership",), **more}
        record = audit_record(
            "data_accessed",
            purpose=Purpose.TREATMENT,
            fields=fields or ("identity", "text.plan"),
            compartments=(Compartment.SAFETY, Compartment.CLINICAL),
            documents=(self.encounter,),
            **said,
        )
        return act(device, self.chart, record)

    def refuse(self, device: Device) -> VerifiedEntry:
        """A read that was refused."""
        record = audit_record(
            "access_refused",
            purpose=Purpose.TREATMENT,
            result=Result.REFUSED,
            compartments=(Compartment.SENSITIVE,),
            detail={"reason": "role"},
        )
        return act(device, self.chart, record)

    @property
    def _content(self) -> StreamId:
        return content_stream(self.chart, self.encounter, Compartment.CLINICAL)
