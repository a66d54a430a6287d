"""A ward for drafts: a physician, a nurse and a responder with one encounter, and drafts as a skill would make them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from edge_runtime.ai.checking.findings import Citation, FindingKind, Unsupported
from edge_runtime.ai.drafting import Drafted
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills.skill import DraftPart, PartKind, Sketch, SkillName, Source
from edge_runtime.audit.acts import Auditor
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.clinical.state import DocumentState
from edge_runtime.drafts.choosing import Wish
from edge_runtime.drafts.desk import Accepted, Drafts
from edge_runtime.drafts.finding import Found, drafts_of
from edge_runtime.errors import RefusedError
from edge_runtime.facts import FactId
from sync_protocol.audit import AuditRecord
from sync_protocol.control import ledger_id
from sync_protocol.errors import ExplainedError
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.roles import Role
from tests.support.audit_records import opened
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact

SOURCE = "I hurt my ankle yesterday. I took paracetamol. Rest for two days and come back on Friday."
ENGINE = EngineFacts(
    engine="litert-lm 0.18.1", model="demonstration", digest="0f" * 32, context_tokens=2048, demonstration=True
)
HISTORY = DraftPart(
    name="subjective.1",
    kind=PartKind.TEXT,
    text="Hurt the ankle yesterday.",
    section="subjective",
    citations=(Citation(0, 25, 0, 26),),
)
MARKED = DraftPart(
    name="plan.1",
    kind=PartKind.TEXT,
    text="Give ibuprofen 400 mg.",
    section="plan",
    unsupported=(Unsupported(FindingKind.DOSE, "ibuprofen 400 mg", 5, 21),),
)
REST = DraftPart(
    name="plan.2", kind=PartKind.TEXT, text="Rest for two days.", section="plan", citations=(Citation(0, 18, 47, 64),)
)
SPRAIN = DraftPart(
    name="codes.1",
    kind=PartKind.FACT,
    text="S93.401A Sprain of unspecified ligament of right ankle, initial encounter",
    proposes={
        "kind": "diagnosis",
        "payload": {"text": "Sprain of right ankle", "code": "S93.401A", "system": "icd-10-cm",
                    "certainty": "provisional"},
    },
    citations=(Citation(0, 8, 7, 15),),
)  # fmt: skip
ADVICE = DraftPart(
    name="ask.1", kind=PartKind.ADVICE, text="Can she bear weight on it?", notes=("A prompt, not a finding.",)
)
HOMELESS = DraftPart(name="what_to_do.1", kind=PartKind.TEXT, text="Keep the foot up.")
PARTS = (HISTORY, MARKED, REST, SPRAIN, ADVICE)


def drafted(*parts: DraftPart, engine: EngineFacts | None = ENGINE, source: str = SOURCE, **more: Any) -> Drafted:
    """A draft of these parts, or of PARTS."""
    return Drafted(
        skill=SkillName.SOAP,
        template="soap/1",
        source=Source(text=source, options=more.pop("options", {})),
        sketch=Sketch(fields={}, parts=parts or PARTS, **more),
        engine=engine,
        seed=7,
        adapter=None,
        timings=(),
    )


@contextmanager
def refused(code: str, error: type[ExplainedError] = RefusedError) -> Iterator[pytest.ExceptionInfo[ExplainedError]]:
    """An error with this code."""
    with pytest.raises(error) as found:
        yield found
    assert found.value.code == code
    assert not {"ankle", "ibuprofen", "Sprain"} & set(str(found.value).replace(".", " ").split()), "words of a patient"


@dataclass
class Ward:
    """Devices of one chart, and what they do with drafts."""

    clinic: Clinic
    doctor: Device
    nurse: Device
    chart: ChartId
    whole: DocumentId
    document: DocumentId

    def auditor(self, device: Device) -> Auditor:
        """What records on a device."""
        return Auditor(device.store, device.identity, device.keyring, device.recorder, clock=self.clinic.clock)

    def drafts(self, device: Device) -> Drafts:
        """The drafts of a device."""
        return Drafts(device.charts, self.auditor(device), self.clinic.clock)

    def record(self, device: Device, made: Drafted | None = None, **more: Any) -> FactId:
        """Keep a draft in the encounter."""
        return self.drafts(device).record(self.chart, self.document, made or drafted(), **more)

    def accept(self, device: Device, draft: FactId, *, outdated: bool = False, **wish: Any) -> Accepted:
        """Take a draft over."""
        wanted, here = Wish(**{"facts": True, **wish}), (self.chart, self.document, draft)
        return self.drafts(device).accept(*here, wanted, outdated=outdated, demonstration=True)

    def dismiss(self, device: Device, draft: FactId, reason: str = "another patient") -> FactId:
        """Take nothing of a draft over."""
        return self.drafts(device).dismiss(self.chart, self.document, draft, reason=reason)

    def found(self, device: Device, draft: FactId) -> Found:
        """A draft as a device shows it."""
        return next(one for one in drafts_of(device.charts.open(self.chart)) if one.id == draft)

    def found_state(self, device: Device) -> DocumentState:
        """The encounter as a device derives it."""
        return device.charts.open(self.chart).document(self.document)

    def text(self, device: Device, section: str = "plan") -> str:
        """What a section of the encounter reads."""
        return device.text(self.chart, self.document, section)

    def meet(self) -> None:
        """Everybody holds what any of them holds."""
        carry(self.doctor, self.nurse)
        carry(self.nurse, self.doctor)

    def records(self, device: Device, chart: ChartId | None = None) -> list[AuditRecord]:
        """What the chart's audit stream, or a ledger, says on a device, in order of arrival."""
        found = opened(device.store, device.keyring, chart or self.chart)
        return [record for _, record in found if isinstance(record, AuditRecord)]

    def ledger(self, device: Device) -> list[AuditRecord]:
        """What a device's ledger says."""
        return self.records(device, ledger_id(device.name))


def make_ward(clinic: Clinic) -> Ward:
    """A physician and a nurse who share a chart with one encounter, in which the plan says something."""
    doctor, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, (whole, document) = doctor.charts.create([fact("identity", name="Ana")], workflow=WorkflowType.ENCOUNTER)
    doctor.charts.share(chart, nurse.id)
    doctor.charts.edit_text(chart, document, "plan", "Elevate.")
    ward = Ward(clinic, doctor, nurse, chart, whole, document)
    ward.meet()
    return ward
