"""What others hear of charts: once on a device, without a word of them, and again only after a crash."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pytest

from edge_runtime.access.charts import Access
from edge_runtime.clinical.layout import StepStatus, WorkflowType
from edge_runtime.clinical.scores.alerts import RULES, alerts
from edge_runtime.clinical.workflows.builtin import TEMPLATES
from edge_runtime.errors import StoreError
from edge_runtime.events import (
    ClinicalWorkflowStarted,
    CriticalAlert,
    Event,
    WorkflowCompleted,
    WorkflowStepCompleted,
)
from edge_runtime.facts import FactId
from edge_runtime.workflows import announcing
from edge_runtime.workflows.announcing import ALERT_AGE_MS, TOLD, Announcer
from edge_runtime.workflows.work import Workflows
from sync_protocol.chart_records import Purpose
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic, Device, fact, settle

TOLD_OF = (ClinicalWorkflowStarted, WorkflowStepCompleted, WorkflowCompleted, CriticalAlert)


@dataclass
class Ward:
    """A physician and a nurse who share a chart, and the relay between them."""

    clinic: Clinic
    doctor: Device
    nurse: Device
    chart: ChartId

    def __post_init__(self) -> None:
        self.relay = self.clinic.start_relay()
        settle(self.relay, self.doctor, self.nurse)

    def announcer(self, device: Device) -> Announcer:
        """What tells on a device."""
        return Announcer(
            device.store, device.keyring, device.charts.open, events=device.events, clock=self.clinic.clock
        )

    def heard(self, device: Device) -> list[Event]:
        """What a device tells of now."""
        device.heard.clear()
        self.announcer(device).look()
        return [event for event in device.heard if isinstance(event, TOLD_OF)]

    def workflows(self, device: Device) -> Workflows:
        """What works at documents on a device."""
        return Workflows(device.charts, device.identity, self.clinic.clock)

    def begin(self, kind: WorkflowType = WorkflowType.FIELD_TRIAGE) -> DocumentId:
        """A document that the physician begins."""
        return self.workflows(self.doctor).begin(self.chart, TEMPLATES[kind])[0]

    def step(self, device: Device, document: DocumentId, number: int = 0) -> FactId:
        """The id of a step."""
        return device.charts.open(self.chart).document(document).steps.items[number].id


@pytest.fixture
def ward(clinic: Clinic) -> Ward:
    """A ward with a chart."""
    doctor, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, _ = doctor.charts.create([fact("identity", name="Ana Núñez", birth_date="1961-04-02")], workflow=None)
    doctor.charts.share(chart, nurse.id)
    return Ward(clinic, doctor, nurse, chart)


def consent(device: Device, chart: ChartId, *, permitted: bool) -> None:
    """Record whether the patient permits treatment."""
    access = Access(device.identity, device.keyring, device.recorder, device.clinic.clock, device.store)
    access.consent(chart, Purpose.TREATMENT, permitted=permitted)


def names(events: list[Event]) -> list[str]:
    """The types of events."""
    return [type(event).__name__ for event in events]


def test_each_device_tells_once_of_what_happened(ward: Ward):
    """Whoever did it and whoever syncs it; a second look, and one after a restart, tells of nothing."""
    document = ward.begin()
    ward.workflows(ward.doctor).state_step(ward.chart, document, ward.step(ward.doctor, document), StepStatus.COMPLETED)
    ward.workflows(ward.doctor).complete(ward.chart, document, despite="flown out")
    for device in (ward.doctor, ward.nurse):
        settle(ward.relay, ward.doctor, ward.nurse)
        assert names(ward.heard(device)) == [
            "ClinicalWorkflowStarted",
            "WorkflowStepCompleted",
            "WorkflowCompleted",
        ]
        assert ward.heard(device) == []
        assert ward.heard(device.restart()) == []


def test_an_event_says_who_where_and_what_and_no_word_of_the_chart(ward: Ward):
    """Ids, types, counts and codes; consent is what was found when the chart was opened."""
    document = ward.begin()
    ward.doctor.charts.add_facts(ward.chart, document, [fact("priority", to="emergency")])
    ward.doctor.charts.add_facts(ward.chart, document, [fact("place", location="Tent of Ana", department="Surgery")])
    ward.workflows(ward.doctor).state_step(
        ward.chart, document, ward.step(ward.doctor, document), StepStatus.COMPLETED, note="Ana was awake"
    )
    started, step = ward.heard(ward.doctor)
    own = ward.doctor.identity.certificate.user
    assert started == ClinicalWorkflowStarted(
        chart=ward.chart,
        document=document,
        user=own,
        workflow_type="field_triage",
        priority="emergency",
        consent_verified=True,
    )
    assert step == WorkflowStepCompleted(
        chart=ward.chart,
        document=document,
        user=own,
        step=str(ward.step(ward.doctor, document)),
        steps=3,
        steps_closed=1,
    )
    assert "Ana" not in str((started, step))


def test_no_event_has_a_field_that_could_hold_a_word_of_a_patient():
    """Whoever adds one thinks of it here: names of types, statuses and codes are closed lists."""
    known = {"chart", "document", "user", "workflow_type", "priority", "consent_verified", "step", "steps", "code"}
    assert {field.name for one in TOLD_OF for field in fields(one)} == known | {"steps_closed"}


def test_a_step_done_by_two_who_did_not_know_of_each_other_is_told_once(ward: Ward):
    """The nurse told of her statement; the physician's, which says the same, is not told to her again."""
    document = ward.begin()
    settle(ward.relay, ward.doctor, ward.nurse)
    for device in (ward.doctor, ward.nurse):
        ward.workflows(device).state_step(ward.chart, document, ward.step(device, document), StepStatus.COMPLETED)
        assert "WorkflowStepCompleted" in names(ward.heard(device))
    settle(ward.relay, ward.doctor, ward.nurse)
    assert ward.heard(ward.doctor) == []
    assert ward.heard(ward.nurse) == []


def test_a_workflow_completed_anew_after_it_was_taken_up_again_is_told_again(ward: Ward):
    """But it began only once."""
    document = ward.begin()
    ward.workflows(ward.doctor).complete(ward.chart, document, despite="flown out")
    assert names(ward.heard(ward.doctor)) == ["ClinicalWorkflowStarted", "WorkflowCompleted"]
    ward.doctor.charts.add_facts(ward.chart, document, [fact("status", to="active")])
    assert ward.heard(ward.doctor) == []
    ward.workflows(ward.doctor).complete(ward.chart, document, despite="back, and flown out again")
    assert names(ward.heard(ward.doctor)) == ["WorkflowCompleted"]


def test_a_critical_result_is_told_with_its_rule(ward: Ward):
    """Once a result, and not for what was measured long ago: that came with an old chart."""
    document = ward.begin(WorkflowType.LAB_ORDER)
    ward.heard(ward.doctor)
    potassium = {"code": "2823-3", "text": "K", "value": "7.1", "unit": "mmol/L"}
    ward.doctor.charts.add_facts(ward.chart, document, [fact("observation", **potassium)])
    (alert,) = ward.heard(ward.doctor)
    assert alert == CriticalAlert(ward.chart, "potassium.high")
    assert alert.code in RULES
    assert ward.heard(ward.doctor) == []
    settle(ward.relay, ward.doctor, ward.nurse)
    ward.clinic.clock.now_ms += ALERT_AGE_MS + 1
    assert names(ward.heard(ward.nurse)) == ["ClinicalWorkflowStarted"]


def test_what_is_written_here_is_told_at_once(ward: Ward):
    """Without a sync and without a look."""
    ward.doctor.charts.written = ward.announcer(ward.doctor).look_at
    ward.doctor.heard.clear()
    ward.begin()
    assert "ClinicalWorkflowStarted" in names(ward.doctor.heard)
    ward.doctor.heard.clear()
    ward.doctor.charts.add_facts(ward.chart, ward.begin(), [fact("place", location="Tent 2")])
    assert names(ward.doctor.heard).count("ClinicalWorkflowStarted") == 1


def test_a_subscriber_that_writes_is_not_told_of_that_within_its_own_hearing(ward: Ward):
    """It is told by the next look; otherwise it might never return."""
    announcer = ward.announcer(ward.doctor)
    ward.doctor.charts.written = announcer.look_at
    begun: list[DocumentId] = []

    def writes(event: Event) -> None:
        if isinstance(event, ClinicalWorkflowStarted) and not begun:
            begun.append(ward.begin())

    ward.doctor.events.subscribe(writes)
    ward.begin()
    assert len(begun) == 1
    assert [event.document for event in ward.heard(ward.doctor)] == begun


def test_nothing_is_told_of_a_chart_that_is_closed_here(ward: Ward):
    """Without consent it is not read; once the patient permits it again, it is told."""
    ward.begin()
    consent(ward.doctor, ward.chart, permitted=False)
    assert ward.heard(ward.doctor) == []
    consent(ward.doctor, ward.chart, permitted=True)
    assert names(ward.heard(ward.doctor)) == ["ClinicalWorkflowStarted"]


def test_what_was_told_before_a_crash_and_not_marked_is_told_again(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """Twice harms nobody; never might."""
    document = ward.begin()
    potassium = {"code": "2823-3", "text": "K", "value": "7.1", "unit": "mmol/L"}
    ward.doctor.charts.add_facts(ward.chart, document, [fact("observation", **potassium)])
    announcer = ward.announcer(ward.doctor)

    def full(*_: Any) -> None:
        raise StoreError("store_full", expected="room", got="none", do="make room")

    def heard() -> list[str]:
        ward.doctor.heard.clear()
        announcer.look()
        return names(ward.doctor.heard)

    with monkeypatch.context() as failing:
        failing.setattr(announcing, "_keep", full)
        assert heard() == ["ClinicalWorkflowStarted", "CriticalAlert"]
    assert ward.doctor.store.get_value(TOLD + ward.chart.hex()) is None
    assert heard() == ["ClinicalWorkflowStarted", "CriticalAlert"]
    assert heard() == []


def test_what_is_measured_later_is_looked_at_and_what_was_is_not_again(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """Scores are worked out only where something was measured, or a birth date said whose ranges hold."""
    document = ward.begin()
    announcer = ward.announcer(ward.doctor)
    worked: list[int] = []

    def counting(*given: Any, **options: Any) -> Any:
        worked.append(1)
        return alerts(*given, **options)

    monkeypatch.setattr(announcing, "alerts", counting)
    monkeypatch.setattr(announcing, "SETTLED_MAX", 1)
    ward.doctor.charts.written = announcer.look_at

    def works(*stated: Any) -> int:
        worked.clear()
        ward.doctor.charts.add_facts(ward.chart, document, stated)
        return len(worked)

    works(fact("place", location="Tent 2"))
    one = works(fact("observation", code="8867-4", text="HR", value="70", unit="/min"))
    assert one > 0
    monkeypatch.setattr(announcing, "SETTLED_MAX", 10)
    works(fact("place", location="Tent 3"))
    assert works(fact("place", location="Tent 4")) == 0
    assert works(fact("observation", code="8867-4", text="HR", value="71", unit="/min")) == 1


def test_a_look_takes_only_so_long_and_the_next_one_goes_on(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """After a first sync of a large clinic nobody waits for all of it."""
    ward.begin()
    monkeypatch.setattr(announcing, "PAGE_ENTRIES", 2)
    slow = iter(range(0, 10**9, announcing.LOOK_MS_MAX))
    announcer = Announcer(
        ward.doctor.store,
        ward.doctor.keyring,
        ward.doctor.charts.open,
        events=ward.doctor.events,
        clock=lambda: ward.clinic.clock() + next(slow),
    )
    ward.doctor.heard.clear()
    announcer.look()
    assert ward.doctor.store.get_value(announcing.THROUGH) is None
    assert names(ward.heard(ward.doctor)) == ["ClinicalWorkflowStarted"]
