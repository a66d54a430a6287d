"""Acts are recorded where they happen: before anything is shown, once, and for those who must see them."""

from __future__ import annotations

from typing import Any

import pytest

from edge_runtime.audit.acts import Auditor
from edge_runtime.audit.repeats import RECENT_MAX, REPEAT_MS
from edge_runtime.audit.showing import noting_refusals, open_to_show
from edge_runtime.audit.shown import shown_documents, shown_summary, shown_whole
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RefusedError, StoreError
from edge_runtime.vault.attempts import Attempts
from sync_protocol.accusations import Verdict
from sync_protocol.audit import AuditRecord, Purpose, Result, audit_record, pack_audit
from sync_protocol.control import audit_stream, content_stream, ledger_id
from sync_protocol.findings import Finding, FindingKind
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, SessionId, StreamId
from sync_protocol.limits import AUDIT_HEADS_MAX, AUDIT_SEEN_MAX
from sync_protocol.roles import CONTENT, Compartment, Role
from sync_protocol.sealing import ContentKey
from tests.support.audit_records import opened
from tests.support.wraps import few_wraps
from tests.unit.edge_runtime.clinic import Clinic, Device, fact, settle

NOTE, LATER = b"a signed checkpoint", b"a later one"


def auditor(device: Device) -> Auditor:
    """What records on a device."""
    return Auditor(device.store, device.identity, device.keyring, device.recorder, clock=device.clinic.clock)


def records(device: Device, chart: ChartId | None = None, of: Device | None = None) -> list[AuditRecord]:
    """The records that a device can read in a chart, or in a device's ledger."""
    where = ledger_id((of or device).name) if chart is None else chart
    found = opened(device.store, device.keyring, where)
    return [record for _, record in found if isinstance(record, AuditRecord)]


def a_chart(device: Device) -> tuple[ChartId, Any]:
    """A chart with an allergy, a vital sign and a text."""
    chart, (_, encounter) = device.charts.create([fact("identity", name="Ana")], workflow=WorkflowType.ENCOUNTER)
    device.charts.add_facts(chart, encounter, [fact("allergy", text="Latex", severity="mild")])
    device.charts.edit_text(chart, encounter, "plan", "Rest.")
    return chart, encounter


def show(device: Device, chart: ChartId, **options: Any) -> None:
    """Show a chart."""
    open_to_show(device.charts, auditor(device), chart, **options)


# ------------------------------------------------------------------------------------------------------- reading


def test_a_read_says_what_was_shown_by_name_and_which_state(clinic: Clinic):
    """Fields, compartments and documents, the newest entries of what was opened, and the checks that ran; no value."""
    device = clinic.device(Role.NURSE)
    chart, encounter = a_chart(device)
    show(device, chart, purpose=Purpose.TELEMEDICINE)
    (record,) = records(device, chart)
    shown = device.charts.open(chart)
    assert (record.kind.name, record.purpose, record.result) == ("data_accessed", Purpose.TELEMEDICINE, Result.DONE)
    assert record.fields == ("allergy", "document", "identity", "text.plan")
    assert record.compartments == (Compartment.SAFETY, Compartment.CLINICAL)
    assert set(record.documents) == set(shown.documents)
    heads = {
        head
        for document in shown.documents
        for compartment in CONTENT
        for _, head in device.store.frontier(content_stream(chart, document, compartment)).values()
    }
    assert set(record.seen) == heads
    assert record.checks == ("membership", "consent", "epoch_keys")
    assert not any(word in str(record) for word in ("Ana", "Latex", "Rest"))
    assert encounter in record.documents


def test_a_part_says_no_more_than_was_shown(clinic: Clinic):
    """The summary shows no texts and no document whole; a document is itself."""
    device = clinic.device(Role.NURSE)
    chart, encounter = a_chart(device)
    opened_chart = device.charts.open(chart)
    summary = shown_summary(opened_chart)
    assert (summary.fields, summary.documents) == (("allergy", "document", "identity"), ())
    one = shown_documents(opened_chart, (encounter,))
    assert (one.fields, one.documents) == (("allergy", "document", "text.plan"), (encounter,))
    whole = shown_whole(opened_chart)
    assert set(one.seen) < set(whole.seen)
    assert len(whole.seen) <= AUDIT_SEEN_MAX


def test_what_was_not_opened_is_not_said_to_be_read(clinic: Clinic):
    """A nurse who is shown a chart with sensitive notes has read none of them; an empty chart shows nothing."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, encounter = a_chart(physician)
    physician.charts.add_facts(chart, encounter, [fact("priority", to="urgent")], compartment=Compartment.SENSITIVE)
    physician.charts.share(chart, nurse.id)
    settle(relay, physician, nurse)
    show(nurse, chart)
    show(physician, chart)
    by_nurse, by_physician = records(nurse, chart)[0], records(physician, chart)[0]
    assert Compartment.SENSITIVE not in by_nurse.compartments
    assert "priority" not in by_nurse.fields
    assert Compartment.SENSITIVE in by_physician.compartments
    empty, _ = nurse.charts.create((), workflow=None)
    show(nurse, empty)
    (record,) = records(nurse, empty)
    assert (record.fields, record.compartments, record.seen, record.checks) == ((), (), (), ("membership", "consent"))


def test_the_same_state_is_read_once_in_a_while(clinic: Clinic):
    """Within 5 minutes, also after a restart; another state, purpose or part, or a later time, is another read."""
    device = clinic.device(Role.NURSE)
    chart, encounter = a_chart(device)
    show(device, chart)
    show(device, chart)
    device.restart()
    show(device, chart)
    assert len(records(device, chart)) == 1
    show(device, chart, purpose=Purpose.LEGAL)
    show(device, chart, part=shown_summary)
    assert len(records(device, chart)) == 3
    device.charts.add_facts(chart, encounter, [fact("priority", to="urgent")])
    show(device, chart)
    assert len(records(device, chart)) == 4
    clinic.clock.now_ms += REPEAT_MS
    show(device, chart)
    assert len(records(device, chart)) == 5


def test_a_clock_that_went_back_repeats_nothing(clinic: Clinic):
    """A record from the future does not stand for what is read now."""
    device = clinic.device(Role.NURSE)
    chart, _ = a_chart(device)
    show(device, chart)
    clinic.clock.now_ms -= 60_000
    show(device, chart)
    assert len(records(device, chart)) == 2


def test_so_many_reads_are_remembered(clinic: Clinic):
    """Beyond them a repetition is recorded again: more is recorded, never less."""
    device = clinic.device(Role.NURSE)
    charts = [device.charts.create((), workflow=None)[0] for _ in range(RECENT_MAX + 1)]
    for chart in charts:
        show(device, chart)
    show(device, charts[-1])
    show(device, charts[0])
    assert [len(records(device, chart)) for chart in (charts[0], charts[-1])] == [2, 1]


# ------------------------------------------------------------------------------------------- when it cannot be done


def test_a_read_that_the_chart_cannot_record_goes_to_the_ledger(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Where its audit stream has more readers than an epoch has wraps: nobody is kept from care by the bookkeeping."""
    officer, nurse = clinic.device(Role.COMPLIANCE_OFFICER), clinic.device(Role.NURSE)
    chart, _ = a_chart(nurse)
    nurse.recorder.write(ledgered(nurse))
    few_wraps(monkeypatch, 1)
    show(nurse, chart)
    show(nurse, chart)
    assert records(nurse, chart) == []
    record = records(nurse)[-1]
    assert (record.kind.name, record.charts) == ("data_accessed", (chart,))
    assert len(records(nurse)) == 2
    assert officer.name in nurse.keyring.membership(chart).members


def ledgered(device: Device) -> Any:
    """A batch that has the ledger's key minted."""
    batch = device.recorder.begin()
    batch.ledger(audit_record("locked", purpose=Purpose.OPERATIONS))
    return batch


def test_what_cannot_be_recorded_is_not_shown(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A full store refuses the read, and says why and what to do."""
    device = clinic.device(Role.NURSE)
    chart, _ = a_chart(device)

    def full(*_: Any, **__: Any) -> Any:
        raise StoreError("disk_full", expected="room on the disk", got="none", do="free some space")

    monkeypatch.setattr(device.recorder, "_append", full)
    with pytest.raises(StoreError, match="to record this act before it is done") as refused:
        show(device, chart)
    assert (refused.value.code, refused.value.do) == ("disk_full", "free some space")
    monkeypatch.undo()
    show(device, chart)
    assert len(records(device, chart)) == 1, "what was not recorded is no repetition"


# ------------------------------------------------------------------------------------------------------- refusals


def test_a_refused_read_is_recorded_and_one_of_nothing_is_not(clinic: Clinic):
    """An officer who asks for a chart's content leaves a trace in the chart; an unknown chart was not touched."""
    officer, nurse = clinic.device(Role.COMPLIANCE_OFFICER), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, _ = a_chart(nurse)
    settle(relay, nurse, officer)
    with pytest.raises(RefusedError) as refused:
        show(officer, chart)
    assert refused.value.code == "not_a_reader"
    (record,) = records(officer, chart)
    assert (record.kind.name, record.result, dict(record.detail)["reason"]) == (
        "access_refused",
        Result.REFUSED,
        "not_a_reader",
    )
    assert officer.charts.open(chart).sealed
    assert not nurse.charts.open(chart).sealed
    before = officer.store.size()
    with pytest.raises(RefusedError) as unknown:
        show(officer, ChartId(bytes(16)))
    assert (unknown.value.code, officer.store.size()) == ("no_such_chart", before)


def test_only_want_of_access_is_a_refusal(clinic: Clinic):
    """What is wrong with a request itself is no attempt on a chart; who is no member is recorded in the ledger."""
    device, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    chart, _ = a_chart(device)
    for code, kinds in (("no_such_document", []), ("not_a_member", ["access_refused"])):
        with pytest.raises(RefusedError), noting_refusals(auditor(other), chart):
            raise RefusedError(code, expected="", got="", do="")
        assert [record.kind.name for record in records(other)] == kinds
    assert records(other)[0].charts == (chart,)


# ------------------------------------------------------------------------------------------------------- on the device


def test_a_list_names_its_charts_once_in_a_while(clinic: Clinic):
    """In the ledger, with how many; another list is another act."""
    device = clinic.device(Role.NURSE)
    charts = [device.charts.create((), workflow=None)[0] for _ in range(2)]
    for names in (charts, charts[::-1], charts[:1]):
        auditor(device).listed(names)
    first, second = records(device)
    assert (first.kind.name, first.count, set(first.charts)) == ("charts_listed", 2, set(charts))
    assert second.count == 1


def test_each_act_says_what_it_is_about(clinic: Clinic):
    """Exports, prints, imports, openings, failed openings and convictions, each with its words."""
    device = clinic.device(Role.NURSE)
    chart, _ = a_chart(device)
    shown = shown_whole(device.charts.open(chart))
    acts = auditor(device)
    acts.exported(shown, purpose=Purpose.PATIENT_REQUEST, form="pdf")
    acts.printed(shown, purpose=Purpose.TREATMENT)
    acts.record("consent_checked", purpose=Purpose.TREATMENT, chart=chart)
    assert [(one.kind.name, dict(one.detail)) for one in records(device, chart)] == [
        ("exported", {"format": "pdf"}),
        ("printed", {}),
        ("consent_checked", {}),
    ]
    acts.imported(charts=2, entries=9, refused=1)
    acts.unlocked("bridge")
    acts.unlock_failed(Attempts(count=3, first_ms=5, last_ms=9))
    finding = Finding(kind=FindingKind.RELAY_SPLIT)
    acts.accused(Verdict(finding=finding, fact=Hash(b"f" * 32)))
    assert [(one.kind.name, one.count, dict(one.detail)) for one in records(device)] == [
        ("imported", 2, {"entries": "9", "refused": "1"}),
        ("unlocked", None, {"by": "bridge"}),
        ("unlock_failed", 3, {"first_ms": "5", "last_ms": "9"}),
        ("relay_accused", None, {"what": "relay_split", "act": (b"f" * 32).hex()}),
    ]
    with pytest.raises(AssertionError):
        acts.record("imported", purpose=Purpose.TREATMENT, chart=chart)


@pytest.mark.parametrize("count", [0, 3, AUDIT_HEADS_MAX + 1])
def test_a_meeting_names_every_head(clinic: Clinic, count: int):
    """In as many records as they take."""
    device = clinic.device(Role.NURSE)
    peer = CertificateHash(b"p" * 32)
    heads = [
        (StreamId(n.to_bytes(16, "big")), (SessionId(b"s" * 16), (n, EntryHash(n.to_bytes(32, "big")))))
        for n in range(count)
    ]
    written = auditor(device).met_peer(peer, heads, NOTE)
    found = records(device)
    assert len(written) == len(found) == (count > AUDIT_HEADS_MAX) + 1
    assert [head for record in found for head in record.heads] == heads
    assert {(record.peer, record.note) for record in found} == {(peer, NOTE)}


def test_the_relay_is_met_when_there_is_something_to_say(clinic: Clinic):
    """A newer checkpoint, and more than ledger entries came: or each record would be the reason for the next."""
    device = clinic.device(Role.NURSE)
    acts = auditor(device)
    assert acts.met_relay(None) is None
    assert acts.met_relay(NOTE) is not None
    device.charts.create((), workflow=None)
    assert acts.met_relay(NOTE) is None
    assert acts.met_relay(LATER) is not None
    acts.unlocked("bridge")
    assert acts.met_relay(NOTE) is None
    assert [record.note for record in records(device) if record.note] == [NOTE, LATER]


# ------------------------------------------------------------------------------------------------------- who reads it


def test_members_and_officers_read_who_read_and_nobody_else_does(clinic: Clinic):
    """Of a chart its members and the officers; of a ledger its device and the officers."""
    officer, admin = clinic.device(Role.COMPLIANCE_OFFICER), clinic.device(Role.ADMIN)
    nurse, colleague, stranger = (clinic.device(Role.NURSE) for _ in range(3))
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, _ = a_chart(nurse)
    nurse.charts.share(chart, colleague.id)
    show(nurse, chart)
    auditor(nurse).listed([chart])
    settle(relay, nurse, officer, colleague, stranger, admin)
    assert [len(records(one, chart)) for one in (nurse, colleague, officer, stranger, admin)] == [1, 1, 1, 0, 0]
    assert [len(records(one, of=nurse)) for one in (nurse, colleague, officer, stranger, admin)] == [1, 0, 1, 0, 0]


def test_what_does_not_open_is_kept_and_is_no_record(clinic: Clinic):
    """What is sealed under another key than the audit's, altered, or no record; the entry is there, unread."""
    device = clinic.device(Role.NURSE)
    chart, _ = a_chart(device)
    show(device, chart)
    membership = device.keyring.membership(chart)
    assert membership is not None
    stream = audit_stream(chart, membership.chart_document)
    record = pack_audit(audit_record("charts_listed", purpose=Purpose.TREATMENT))
    for compartment, key, plain, there in (
        (Compartment.AUDIT, None, record, True),
        (Compartment.AUDIT, None, b"no record", False),
        (Compartment.CLINICAL, None, record, False),
        (Compartment.AUDIT, ContentKey(bytes(32)), record, False),
    ):
        before = unread(device, chart)
        batch = device.recorder.begin()
        name, right = batch._epoch(chart, compartment)
        batch._drafts.add(stream, plain, epoch=(name, key or right))
        (entry,) = device.recorder.write(batch)
        assert unread(device, chart) == before + ([] if there else [entry.hash])


def test_what_has_no_key_here_is_kept_unread(clinic: Clinic):
    """Its key may come; and a chart that is not here has no records."""
    device = clinic.device(Role.NURSE)
    chart, _ = a_chart(device)
    show(device, chart)
    (entry,) = [entry for entry, _ in opened(device.store, device.keyring, chart)]
    device.keyring._keys.clear()
    assert unread(device, chart) == [], "the wrap is there"

    def locked(*_: Any) -> None:
        return None

    device.keyring.open_epoch = locked  # type: ignore[assignment]
    assert unread(device, chart) == [entry.hash]
    assert list(opened(device.store, device.keyring, ChartId(bytes(16)))) == []


def unread(device: Device, chart: ChartId) -> list[EntryHash]:
    """What of a chart's audit stream is here and not read."""
    return [entry.hash for entry, record in opened(device.store, device.keyring, chart) if record is None]


def test_a_session_never_writes_far_behind_its_own_time(clinic: Clinic):
    """A clock that is set back by more than 2 minutes begins a new session; a smaller step does not."""
    device = clinic.device(Role.NURSE)
    chart, encounter = a_chart(device)
    session = device.identity.session.value.session
    clinic.clock.now_ms += 600_000
    show(device, chart)
    clinic.clock.now_ms -= 60_000
    device.charts.edit_text(chart, encounter, "plan", "Rest. Drink.")
    assert device.identity.session.value.session == session
    clinic.clock.now_ms -= 120_000
    device.charts.edit_text(chart, encounter, "plan", "Rest. Drink. Sleep.")
    fresh = device.identity.session.value.session
    assert fresh != session
    assert device.text(chart, encounter) == "Rest. Drink. Sleep."
    device.restart()
    assert device.identity.session.value.session == fresh
    device.charts.edit_text(chart, encounter, "plan", "Rest.")
    walls: dict[SessionId, int] = {}
    entries = [arrived.entry for arrived in device.store.arrivals(after=0, limit=1000)]
    for header in (one.header for one in entries if device.keyring.author(one) == device.name):
        assert header.wall_ms >= walls.get(header.session, 0) - 120_000
        walls[header.session] = max(header.wall_ms, walls.get(header.session, 0))
    assert len(walls) == 2
