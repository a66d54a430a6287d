"""Working at a document on a device: begun in one change, and completed only when nothing lacks, or for a reason."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.layout import Section, StepStatus, Validation, WorkflowType
from edge_runtime.clinical.workflows.builtin import TEMPLATES
from edge_runtime.clinical.workflows.needs import Signed
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import FactId
from edge_runtime.signing.attesting import Signing
from edge_runtime.workflows.report import Report
from edge_runtime.workflows.work import DESPITE, Workflows
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic, Device, fact
from tests.unit.edge_runtime.workflows.test_announcing import consent

MINUTE_MS = 60_000


@pytest.fixture
def doctor(clinic: Clinic) -> Device:
    """A physician's device."""
    return clinic.device(Role.PHYSICIAN)


@pytest.fixture
def chart(doctor: Device) -> ChartId:
    """A chart of hers."""
    return doctor.charts.create((), workflow=None)[0]


def working(device: Device) -> Workflows:
    """What works at documents on a device."""
    return Workflows(device.charts, device.identity, device.clinic.clock)


def begin(device: Device, chart: ChartId, kind: WorkflowType = WorkflowType.FIELD_TRIAGE) -> DocumentId:
    """A document from the program's template."""
    return working(device).begin(chart, TEMPLATES[kind])[0]


def report(device: Device, chart: ChartId, document: DocumentId) -> Report:
    """How a document stands."""
    return working(device).report(device.charts.open(chart), document)


def steps(device: Device, chart: ChartId, document: DocumentId) -> list[FactId]:
    """The steps of a document."""
    return [step.id for step in report(device, chart, document).state.steps.items]


def test_a_document_begins_in_one_change(doctor: Device, chart: ChartId):
    """One seal over its control record, its header and its steps: half a document is never there."""
    before = doctor.store.last_seal(doctor.identity.session.value.session)
    begin(doctor, chart)
    after = doctor.store.last_seal(doctor.identity.session.value.session)
    assert before is not None
    assert after is not None
    assert after.value.number == before.value.number + 1


def test_what_cannot_be_begun_leaves_nothing(doctor: Device, chart: ChartId):
    """Too long a title, a patient who denies treatment."""
    size = doctor.store.size()
    with pytest.raises(InputError):
        working(doctor).begin(chart, TEMPLATES[WorkflowType.ENCOUNTER], title="x" * 300)
    assert doctor.store.size() == size
    consent(doctor, chart, permitted=False)
    with pytest.raises(RefusedError) as refused:
        begin(doctor, chart)
    assert refused.value.code == "no_consent"


def test_completion_is_checked_and_its_reason_stays(doctor: Device, chart: ChartId):
    """What lacks is counted in the refusal, and not named; the reason stands in the status."""
    document = begin(doctor, chart)
    with pytest.raises(RefusedError) as refused:
        working(doctor).complete(chart, document)
    assert (refused.value.code, refused.value.got) == ("not_complete", "3 things that lack")
    doctor.charts.add_facts(chart, document, [fact("triage", to="red"), fact("place", location="Tent 2")])
    with pytest.raises(RefusedError, match="one thing"):
        working(doctor).complete(chart, document)
    working(doctor).state_step(chart, document, steps(doctor, chart, document)[0], StepStatus.COMPLETED)
    working(doctor).complete(chart, document, despite="nothing lacks, so that this reason is not needed")
    (head,) = report(doctor, chart, document).state.status.heads
    assert dict(head.fact.payload) == {"to": "completed"}
    with pytest.raises(RefusedError) as refused:
        working(doctor).complete(chart, document)
    assert refused.value.code == "already_ended"
    other = begin(doctor, chart)
    working(doctor).complete(chart, other, despite="flown out")
    (head,) = report(doctor, chart, other).state.status.heads
    assert head.fact.payload["reason"] == DESPITE + "flown out"


def test_times_that_contradict_each_other_are_asked_about_and_written(doctor: Device, chart: ChartId):
    """A clock that was set back, minutes that did not pass: said, never refused."""
    document = begin(doctor, chart)
    first = steps(doctor, chart, document)[0]
    assert working(doctor).state_step(chart, document, first, StepStatus.IN_PROGRESS)[1] is None
    doctor.clinic.clock.now_ms += 2 * MINUTE_MS
    entries, asked = working(doctor).state_step(chart, document, first, StepStatus.COMPLETED, minutes=30, grade=90)
    assert len(entries) == 1
    assert asked is not None
    doctor.clinic.clock.now_ms -= 60 * MINUTE_MS
    _, asked = working(doctor).complete(chart, document, despite="flown out")
    assert asked is not None
    assert "clock" in asked
    found = report(doctor, chart, document)
    assert found.durations.clocks == "contradictory"
    assert found.state.steps.items[0].quality == 90


def test_steps_are_spread_anew_where_there_is_no_room(doctor: Device, chart: ChartId):
    """Whatever was inserted where, the order is as it was meant; two at one place are moved apart."""
    document = begin(doctor, chart)
    session = doctor.charts
    one, two, *_ = steps(doctor, chart, document)
    same = report(doctor, chart, document).state.steps.items[1].fraction
    session.add_facts(chart, document, [fact("step", fraction=same, name="Beside")])
    before = [name for name in steps(doctor, chart, document) if name != one]
    working(doctor).add_step(chart, document, {"name": "Between"}, place=2)
    names = [step.name for step in report(doctor, chart, document).state.steps.items]
    assert names[2] == "Between"
    assert [name for name in steps(doctor, chart, document) if name in before] == before
    working(doctor).move_step(chart, document, two, place=0)
    assert steps(doctor, chart, document)[0] == two
    with pytest.raises(InputError):
        working(doctor).move_step(chart, document, FactId(two.entry, 200), place=0)


def test_who_entered_a_result_does_not_validate_it(doctor: Device, chart: ChartId):
    """But may reject it; an observation that is not here is refused by its place."""
    document = begin(doctor, chart, WorkflowType.LAB_ORDER)
    doctor.charts.add_facts(chart, document, [fact("observation", code="2823-3", text="K", value="4")])
    (result,) = (item.fact.id for item in report(doctor, chart, document).state.observations)
    with pytest.raises(RefusedError) as refused:
        working(doctor).validate(chart, document, result, Validation.VALIDATED)
    assert refused.value.code == "own_result"
    working(doctor).validate(chart, document, result, Validation.REJECTED, reason="clotted")
    with pytest.raises(InputError):
        working(doctor).validate(chart, document, FactId(result.entry, 200), Validation.REJECTED)


def test_a_signature_covers_what_it_saw_and_an_addendum_what_came_after(doctor: Device, chart: ChartId):
    """None, in part, whole, changed since, covered again; what only concerns the course changes nothing."""
    document = begin(doctor, chart)
    signing = Signing(doctor.charts, doctor.identity, doctor.clinic.clock)

    def signed() -> tuple[Signed, int]:
        found = report(doctor, chart, document)
        return found.signed, found.since

    assert signed() == (Signed.NO, 0)
    doctor.charts.edit_text(chart, document, "plan", "Rest")
    signing.sign(chart, document, scope=[Section.PLAN])
    assert signed() == (Signed.PART, 0)
    entries = signing.sign(chart, document)
    assert signed() == (Signed.YES, 0)
    working(doctor).state_step(chart, document, steps(doctor, chart, document)[0], StepStatus.COMPLETED)
    assert signed() == (Signed.YES, 0)
    doctor.charts.edit_text(chart, document, "plan", "Rest, and water")
    assert signed() == (Signed.CHANGED, 1)
    signing.addend(chart, document, FactId(entries[-1].hash, 0), "Water was added.")
    assert signed() == (Signed.YES, 0)
