"""Compliance officers are members of every chart and ledger, of who did what and of nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RefusedError
from edge_runtime.events import Changed
from edge_runtime.facts import Content, Fact
from edge_runtime.sync.progress import charts_to_mend
from sync_protocol.audit import AuditRecord, Purpose, audit_record, unpack_audit
from sync_protocol.certificates import issue
from sync_protocol.control import LEDGER_DOCUMENT, audit_stream, ledger_id
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import LimitError
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.limits import AUDIT_TEXT_BYTES_MAX
from sync_protocol.membership import Membership
from sync_protocol.roles import CONTENT, Compartment, Role
from sync_protocol.sealing import open_sealed
from tests.support.wraps import few_wraps
from tests.unit.edge_runtime.clinic import Clinic, Device, settle

AUDIT, CLINICAL = Compartment.AUDIT, Compartment.CLINICAL
URGENT = Content(facts=(Fact(kind="priority", payload={"to": "urgent"}, supersedes=()),), text=None)
READ = audit_record("data_accessed", purpose=Purpose.TREATMENT, fields=("allergy",))
LISTED = audit_record("charts_listed", purpose=Purpose.TREATMENT, count=3)


def _chart(device: Device) -> tuple[ChartId, DocumentId]:
    chart, documents = device.charts.create((), workflow=WorkflowType.ENCOUNTER)
    return chart, documents[1]


def _membership(device: Device, chart: ChartId) -> Membership:
    found = device.keyring.membership(chart)
    assert found is not None
    return found


def _audit(device: Device, chart: ChartId, record: AuditRecord = READ) -> VerifiedEntry:
    batch = device.recorder.begin()
    batch.audit(chart, record)
    return device.recorder.write(batch)[-1]


def _ledger(device: Device) -> VerifiedEntry:
    batch = device.recorder.begin()
    batch.ledger(LISTED)
    return device.recorder.write(batch)[-1]


def _opened(device: Device, chart: ChartId, entry: VerifiedEntry) -> AuditRecord | None:
    """What a device reads of an audit entry; None where it has no key."""
    assert entry.header.epoch is not None
    epoch = _membership(device, chart).epochs.get(entry.header.epoch)
    key = None if epoch is None else device.keyring.open_epoch(chart, epoch)
    return None if key is None else unpack_audit(open_sealed(key, entry.body, aad=entry.associated_data))


def test_whoever_creates_a_chart_enlists_the_officers(clinic: Clinic):
    """Before anything else is written in it."""
    officer, nurse = clinic.device(Role.COMPLIANCE_OFFICER), clinic.device(Role.NURSE)
    chart, _ = _chart(nurse)
    assert _membership(nurse, chart).members == {
        nurse.name: {Compartment.SAFETY, CLINICAL, AUDIT},
        officer.name: {AUDIT},
    }
    batch = nurse.recorder.begin()
    batch.mend(chart)
    assert batch.drafts == []


def test_whoever_writes_next_enlists_an_officer_who_came_later(clinic: Clinic):
    """Whatever it writes, and whether or not it made the chart; once."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(nurse)
    nurse.charts.share(chart, other.id)
    _audit(nurse, chart)
    settle(relay, nurse, other)
    officer = clinic.device(Role.COMPLIANCE_OFFICER)
    batch = other.recorder.begin()
    batch.content(chart, document, CLINICAL, URGENT)
    batch.content(chart, document, CLINICAL, URGENT)
    other.recorder.write(batch)
    assert _membership(other, chart).members[officer.name] == {AUDIT}
    clinic.admin.sync(relay)
    settle(relay, other, officer)
    (entry,) = _stream(officer, chart)
    assert _opened(officer, chart, entry) == READ, "history was wrapped with the membership"


def test_an_officer_gets_all_streams_and_opens_the_audit_stream_alone(clinic: Clinic):
    """Headers of content are the record of who wrote it; a chart's content is no officer's business."""
    officer, nurse = clinic.device(Role.COMPLIANCE_OFFICER), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(nurse)
    batch = nurse.recorder.begin()
    batch.content(chart, document, CLINICAL, URGENT)
    content = nurse.recorder.write(batch)[-1]
    entry = _audit(nurse, chart)
    settle(relay, nurse, officer)
    assert officer.store.entry(content.hash) is not None
    assert _opened(officer, chart, content) is None
    assert _opened(officer, chart, entry) == READ


def test_sharing_with_an_officer_gives_the_audit_stream(clinic: Clinic):
    """And an officer, whose role reads no content, creates no chart."""
    nurse = clinic.device(Role.NURSE)
    chart, _ = _chart(nurse)
    officer = clinic.device(Role.COMPLIANCE_OFFICER)
    nurse.charts.share(chart, officer.id)
    assert _membership(nurse, chart).members[officer.name] == {AUDIT}
    with pytest.raises(RefusedError) as refused:
        officer.charts.create((), workflow=None)
    assert refused.value.code == "role_reads_no_chart"


def test_an_officer_s_certificate_has_the_creator_s_charts_mended(clinic: Clinic):
    """The charts that the device made and its ledger; nobody else's."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, _ = _chart(nurse)
    foreign, _ = _chart(other)
    other.charts.share(foreign, nurse.id)
    _ledger(nurse)
    settle(relay, nurse, other)
    officer = clinic.device(Role.COMPLIANCE_OFFICER, known=False)
    clinic.admin.sync(relay)
    marked: list[frozenset[ChartId]] = []
    client = nurse.client
    client._mend = lambda charts: marked.append(frozenset(charts))
    client.run(relay.link(), "https://relay.example:443")
    assert marked == [{chart, ledger_id(nurse.name)}]
    assert charts_to_mend(nurse.store) == frozenset()
    nurse.recorder.mend(marked[0])
    assert officer.name in _membership(nurse, chart).members
    assert officer.name in _membership(nurse, ledger_id(nurse.name)).members


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ADMIN, Role.DATA_SCIENTIST, Role.COMPLIANCE_OFFICER])
def test_every_device_keeps_a_ledger_whatever_its_role(clinic: Clinic, role: Role):
    """Made by its first record, once; read by itself and by the officers, and no chart of anybody's."""
    officer, device = clinic.device(Role.COMPLIANCE_OFFICER), clinic.device(role)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    ledger = ledger_id(device.name)
    first, second = _ledger(device), _ledger(device)
    assert (second.header.seq, second.header.stream) == (1, audit_stream(ledger, LEDGER_DOCUMENT))
    assert (device.keyring.charts(), device.keyring.ledgers()) == ([], {ledger: device.name})
    settle(relay, device, officer)
    assert (officer.keyring.charts(), officer.keyring.ledgers()) == ([], {ledger: device.name})
    assert [_opened(one, ledger, entry) for one in (device, officer) for entry in (first, second)] == [LISTED] * 4
    assert device.restart().keyring.ledgers() == {ledger: device.name}
    assert _ledger(device).header.seq == 2


def test_an_audit_entry_changes_no_chart(clinic: Clinic):
    """Or whoever shows a chart again when it changes would be recorded as reading it, for ever."""
    device, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, _ = _chart(device)
    device.charts.share(chart, other.id)
    _audit(device, chart)
    _ledger(device)
    settle(relay, device, other)
    for one in (device, other):
        one.heard.clear()
    _audit(device, chart)
    _ledger(device)
    settle(relay, device, other)
    assert [event for one in (device, other) for event in one.heard if isinstance(event, Changed)] == []


def test_a_record_that_no_reader_would_take_is_not_written(clinic: Clinic):
    """The author is held to the limits, and nothing of the change is kept."""
    device = clinic.device(Role.NURSE)
    chart, _ = _chart(device)
    batch = device.recorder.begin()
    with pytest.raises(LimitError):
        batch.audit(chart, audit_record("printed", purpose=Purpose.LEGAL, fields=("x" * (AUDIT_TEXT_BYTES_MAX + 1),)))
    assert batch.drafts == []


def test_care_comes_before_the_audit_streams_room(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A colleague for whom the audit stream has no room is added without it; an officer is added even so."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    chart, _ = _chart(nurse)
    officers = {clinic.device(Role.COMPLIANCE_OFFICER).name for _ in range(2)}
    nurse.recorder.mend([chart])
    few_wraps(monkeypatch, 3)
    nurse.charts.share(chart, other.id)
    members = _membership(nurse, chart).members
    assert members[other.name] == {Compartment.SAFETY, CLINICAL}
    late = clinic.device(Role.COMPLIANCE_OFFICER)
    nurse.recorder.mend([chart])
    assert _membership(nurse, chart).readers(AUDIT) == {nurse.name, late.name, *officers}
    with pytest.raises(RefusedError) as full:
        _audit(nurse, chart)
    assert full.value.code == "too_many_members"


def test_a_ledger_takes_as_many_officers_as_it_has_room_for(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """There is nowhere else to record, so it must never be full."""
    device = clinic.device(Role.ADMIN)
    for _ in range(3):
        clinic.device(Role.COMPLIANCE_OFFICER)
    few_wraps(monkeypatch, 3)
    assert [_ledger(device).header.seq for _ in range(2)] == [0, 1]
    assert len(_membership(device, ledger_id(device.name)).members) == 3


def test_a_member_without_the_audit_stream_lets_nobody_into_it(clinic: Clinic):
    """Its word would not count."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(nurse)
    batch = nurse.recorder.begin()
    batch.add_member(chart, other.name, frozenset(CONTENT))
    nurse.recorder.write(batch)
    settle(relay, nurse, other)
    officer = clinic.device(Role.COMPLIANCE_OFFICER)
    batch = other.recorder.begin()
    batch.content(chart, document, CLINICAL, URGENT)
    other.recorder.write(batch)
    assert officer.name not in _membership(other, chart).members
    with pytest.raises(RefusedError) as refused:
        _audit(other, chart)
    assert refused.value.code == "not_a_reader"


def test_a_renewed_officer_is_one_member(clinic: Clinic):
    """Whatever was renewed, in whatever order it is known."""
    nurse, officer = clinic.device(Role.NURSE), clinic.device(Role.COMPLIANCE_OFFICER)
    administrator = clinic.admin.identity.keys.administrator
    assert administrator is not None
    value = officer.identity.certificate
    later = replace(value, not_after_ms=value.not_after_ms + 1, renews=officer.name)
    nurse.identity.trust.restore(issue(later, administrator))
    assert nurse.keyring.officers() == {officer.name}


def _stream(device: Device, chart: ChartId) -> list[VerifiedEntry]:
    stream = audit_stream(chart, _membership(device, chart).chart_document)
    return [arrived.entry for arrived in device.store.arrivals(after=0, limit=99, streams=(stream,))]
