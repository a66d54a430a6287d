"""Two real devices meet: what comes is verified, admitted, stored for the relay, recorded; what is cut off goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RemoteError
from edge_runtime.events import Alarmed, Changed, Synced
from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.admission import Admission
from edge_runtime.sync.budget import Budget
from edge_runtime.sync.log_keeping import Heard
from edge_runtime.sync.meeting_report import PEER_UNSOUND
from sync_protocol.audit import Purpose, audit_record
from sync_protocol.comparison_messages import Frontiers
from sync_protocol.control import LEDGER_DOCUMENT, audit_stream, content_stream, control_stream, ledger_id
from sync_protocol.errors import over_limit
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.ids import ChartId
from sync_protocol.intake import Checked, Refusal
from sync_protocol.messages import Entries
from sync_protocol.peer_messages import Done
from sync_protocol.roles import Compartment, Role
from sync_protocol.steps import RELAY_LOG_SPLIT
from tests.unit.edge_runtime.clinic import Clinic, Device, fact
from tests.unit.edge_runtime.sync.meeting_pair import Met, Side, meet, run, sides


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """An organisation."""
    made = Clinic(tmp_path)
    yield made
    made.close()


def a_chart(owner: Device, *members: Device, name: str = "Ana Lima") -> tuple[ChartId, Any]:
    """A chart with a name and an encounter, shared; and the encounter's document."""
    chart, (_, encounter) = owner.charts.create([fact("identity", name=name)], workflow=WorkflowType.ENCOUNTER)
    for member in members:
        owner.charts.share(chart, member.id)
    return chart, encounter


def to_ledger(device: Device) -> None:
    """Write something into a device's ledger."""
    batch = device.recorder.begin()
    batch.ledger(audit_record("charts_listed", purpose=Purpose.TREATMENT, count=1))
    device.recorder.write(batch)


def names(device: Device) -> set[Any]:
    """All that a device holds."""
    return {arrived.entry.hash for arrived in device.store.arrivals(after=0, limit=1 << 20)}


def well(*sides_met: Met) -> None:
    """A meeting that came to its end, with nothing to complain about."""
    for one in sides_met:
        assert one.told.refusals == 0, one.told.refused
        assert (one.told.alarms, one.told.more) == ([], False)


def test_a_member_gets_the_chart_and_carries_it(clinic: Clinic):
    """What came waits for the relay here as well, changes are made known, and both see whom they met."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.EMERGENCY_RESPONDER)
    chart, _ = a_chart(phone, kit)
    kit.heard.clear()
    first, second = meet(phone, kit)
    well(first, second)
    assert kit.shown(chart) == phone.shown(chart)
    assert kit.pending() == phone.pending() == first.told.sent == second.told.received > 0
    assert (second.told.charts, second.told.role, second.told.peer) == (1, Role.PHYSICIAN, phone.name)
    assert (first.told.device, first.told.user) == (kit.identity.certificate.device, kit.identity.certificate.user)
    assert Changed(frozenset({chart})) in kit.heard
    assert Synced(received=second.told.received, receipted=0, pending=kit.pending()) in kit.heard
    assert not kit.store.check()


def test_what_is_written_apart_comes_together(clinic: Clinic):
    """Both write while nobody hears them; one meeting, dialled from either side, shows both the same."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, encounter = a_chart(phone, kit)
    meet(kit, phone)
    phone.charts.edit_text(chart, encounter, "plan", "Rest.")
    kit.charts.edit_text(chart, encounter, "history", "Fell from a tree.")
    kit.charts.add_facts(chart, encounter, [fact("allergy", text="Penicillin", severity="severe")])
    well(*meet(kit, phone))
    assert kit.shown(chart) == phone.shown(chart)
    assert phone.text(chart, encounter, "history") == "Fell from a tree."
    again = meet(phone, kit)
    well(*again)
    assert [one.told.received for one in again] == [0, 0]


def test_a_chart_reaches_a_member_over_another(clinic: Clinic):
    """A member who was added afterwards, and whom the author never met, gets it from the one who carries it."""
    phone, kit, tablet = (clinic.device(role) for role in (Role.PHYSICIAN, Role.EMERGENCY_RESPONDER, Role.NURSE))
    chart, _ = a_chart(phone, kit, tablet)
    well(*meet(phone, kit))
    well(*meet(kit, tablet))
    assert tablet.shown(chart) == phone.shown(chart)


def test_whoever_learns_of_a_new_member_hands_over_in_the_same_meeting(clinic: Clinic):
    """The other brings the record that makes it a member; what that opens follows in another round."""
    phone, kit, tablet = (clinic.device(role) for role in (Role.PHYSICIAN, Role.EMERGENCY_RESPONDER, Role.NURSE))
    chart, encounter = a_chart(phone, kit)
    well(*meet(phone, kit))
    kit.charts.add_facts(chart, encounter, [fact("status", to="active")])
    phone.charts.share(chart, tablet.id)
    well(*meet(phone, tablet))
    first, second = meet(kit, tablet)
    well(first, second)
    assert first.told.rounds > 1
    assert kit.shown(chart)["documents"] == tablet.shown(chart)["documents"]


def test_strangers_to_a_chart_learn_nothing_of_it(clinic: Clinic):
    """Neither its streams' ids nor its members; of the organisation's own records they get everything."""
    phone, other = clinic.device(Role.PHYSICIAN, known=False), clinic.device(Role.NURSE)
    chart, _ = a_chart(phone)
    first, _ = meet(phone, other)
    frames = [unpack_frame(frame) for frame in first.link.sent]
    shown = {item.stream for frame in frames if isinstance(frame, Frontiers) for item in frame.streams}
    assert control_stream(chart) not in shown
    assert shown <= {phone.identity.root.value.control}
    assert other.keyring.charts() == []


def test_the_organisation_s_records_spread_from_device_to_device(clinic: Clinic):
    """A device that was enrolled while another was away is known to it after the meeting, with its certificate."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    late = clinic.device(Role.NURSE, known=False)
    well(*meet(clinic.admin, phone))
    well(*meet(phone, kit))
    assert kit.identity.trust.certificate(late.name) is not None


def test_a_device_s_ledger_is_carried_by_whom_it_met_and_no_further(clinic: Clinic):
    """Its audit survives it; it is no chart; and a third device does not learn of it from the second."""
    officer = clinic.device(Role.COMPLIANCE_OFFICER)
    phone, kit, third = (clinic.device(role) for role in (Role.PHYSICIAN, Role.EMERGENCY_RESPONDER, Role.NURSE))
    del officer
    to_ledger(phone)
    stream = audit_stream(ledger_id(phone.name), LEDGER_DOCUMENT)
    well(*meet(phone, kit))
    assert len(kit.store.arrivals(after=0, limit=10, streams=(stream,))) == 1
    assert kit.keyring.charts() == []
    assert ledger_id(phone.name) in kit.keyring.ledgers()
    well(*meet(kit, third))
    assert third.store.arrivals(after=0, limit=10, streams=(stream,)) == []


def test_an_officer_gets_every_stream_of_a_chart_that_it_is_a_member_of(clinic: Clinic):
    """Headers are the record of who wrote; it opens no content."""
    officer, phone = clinic.device(Role.COMPLIANCE_OFFICER), clinic.device(Role.PHYSICIAN)
    chart, _ = a_chart(phone)
    well(*meet(phone, officer))
    assert names(phone) <= names(officer)
    assert not officer.shown(chart)["documents"][0].get("facts")


def test_what_a_member_may_not_read_is_carried_until_the_relay_has_it(clinic: Clinic):
    """A nurse's device carries a physician's sensitive note, shows nothing of it, and hands it on to the relay.

    Once it is there, no other device that may not read it is given it.
    """
    relay = clinic.start_relay()
    phone, kit, tablet = (clinic.device(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.NURSE))
    clinic.admin.sync(relay)
    chart, encounter = a_chart(phone, kit, tablet)
    status = fact("status", to="active")
    phone.charts.add_facts(chart, encounter, [status], compartment=Compartment.SENSITIVE)
    secret = content_stream(chart, encounter, Compartment.SENSITIVE)
    well(*meet(phone, kit))
    assert len(kit.store.arrivals(after=0, limit=9, streams=(secret,))) == 1
    assert not any(document["unread"] for document in kit.shown(chart)["documents"])
    kit.sync(relay)
    phone.sync(relay)
    assert set(names(phone)) <= relay.names()
    for carrier in (phone, kit):
        well(*meet(carrier, tablet))
    assert tablet.store.arrivals(after=0, limit=9, streams=(secret,)) == []
    doctor = clinic.device(Role.PHYSICIAN)
    phone.charts.share(chart, doctor.id)
    well(*meet(phone, doctor))
    assert doctor.shown(chart) == phone.shown(chart)


def test_a_meeting_is_recorded_with_how_far_the_other_reached(clinic: Clinic):
    """The heads of the other's chains as they are here afterwards, and the newest checkpoint."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    a_chart(phone, kit)
    first, second = meet(phone, kit, notes=((), (b"newest", b"older")))
    ((peer, heads, note),) = second.records
    assert (peer, note) == (phone.name, b"newest")
    assert {session for _, (session, _) in heads} == {phone.identity.session.value.session}
    assert all(kit.store.frontier(stream)[session] == place for stream, (session, place) in heads)
    assert list(heads) == sorted(heads)
    assert first.records == [(kit.name, (), None)]
    assert first.heard == [b"newest", b"older"]
    _, later = meet(phone, kit)
    assert later.records[0][1] == heads, "also when nothing came: an earlier meeting may have gone unrecorded"


def test_a_split_view_of_the_log_is_told_of(clinic: Clinic):
    """Where a checkpoint that the other shows convicts the relay, the report says so."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    first, second = sides(phone, kit)
    first.notes, second.hear = (b"note",), lambda _: Heard.SPLIT
    run(first, second)
    assert second.met.told.alarms == [RELAY_LOG_SPLIT]


@pytest.mark.parametrize("cut_after", range(1, 13))
@pytest.mark.parametrize("end", [0, 1])
def test_a_meeting_that_is_cut_off_goes_on_by_frontier(clinic: Clinic, cut_after: int, end: int):
    """Wherever it ends, nothing is lost, it is recorded if anybody was met, and the next one brings the rest."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, encounter = a_chart(phone, kit)
    for number in range(3):
        phone.charts.add_facts(chart, encounter, [fact("status", to=("active", "completed")[number % 2])])
    both = sides(phone, kit)
    both[end].met.link.cut_after = cut_after
    cut = run(*both)
    if cut[end].report is None:
        assert all(one.error is not None and one.error.code == "peer_gone" for one in cut if one.report is None)
    else:
        well(cut[end])
    well(*meet(kit, phone))
    assert kit.shown(chart) == phone.shown(chart)
    assert names(phone) <= names(kit)


def expired(clinic: Clinic, device: Device) -> None:
    """Let a device's certificate end, by everybody's clock, and make the others' anew by not asking theirs."""
    clinic.clock.now_ms = device.identity.certificate.not_after_ms + 1


def test_a_device_with_an_expired_certificate_hands_over_and_gets_nothing_of_charts(clinic: Clinic):
    """What it wrote is taken: entries do not expire. It gets the organisation's records, where its renewal would be."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, encounter = a_chart(phone, kit)
    well(*meet(phone, kit))
    phone.charts.add_facts(chart, encounter, [fact("status", to="active")])
    kit.charts.add_facts(chart, encounter, [fact("allergy", text="Latex", severity="mild")])
    before = names(phone)
    first, second = sides(phone, kit)
    clock = clinic.clock.now_ms
    expired(clinic, phone)
    first.clock = lambda: clock  # the phone's own clock is behind: it gives as ever
    run(first, second)
    assert second.met.told.expired
    assert not first.met.told.expired
    assert second.met.told.received > 0
    assert names(phone) == before
    assert names(phone) <= names(kit)


def test_only_one_meeting_at_a_time(clinic: Clinic):
    """One that comes meanwhile proves who it is and is asked to try again; nothing is recorded of it."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    first, second = sides(phone, kit)
    second.enter = lambda: False
    run(first, second)
    for side in (first, second):
        assert side.met.error is not None
        assert side.met.error.code == "busy"
    assert second.met.records == []


def test_a_meeting_takes_no_longer_than_it_may(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """One that drags on is ended, recorded, and goes on another time."""
    monkeypatch.setattr("edge_runtime.sync.meeting.TURN_S", 24 * 3600.0)
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    first, second = sides(phone, kit)
    times = iter(range(clinic.clock(), clinic.clock() + 10**9, 15 * 60_000))
    second.clock = lambda: next(times)
    run(first, second)
    assert second.met.error is not None
    assert (second.met.error.code, second.met.error.got) == ("limit", "2700 seconds")
    well(*meet(phone, kit))


def test_what_another_took_is_at_a_peer(clinic: Clinic):
    """Until the relay has it, it waits as before; what the other had of others, or wrote, is told in the same way."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.EMERGENCY_RESPONDER)
    chart, encounter = a_chart(phone, kit)
    waiting = phone.pending()
    first, second = meet(phone, kit)
    well(first, second)
    assert phone.store.upload_counts()[UploadState.AT_PEER] == first.told.at_peer == waiting
    assert phone.pending() == waiting
    kit.charts.add_facts(chart, encounter, [fact("status", to="active")])
    first, second = meet(phone, kit)
    well(first, second)
    assert second.told.at_peer == first.told.received > 0
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    phone.sync(relay)
    assert phone.store.upload_counts()[UploadState.AT_PEER] == 0


def test_what_another_refuses_is_not_there(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """It stays on this device only, for all that anybody knows."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.EMERGENCY_RESPONDER)
    a_chart(phone, kit)

    def refuse(_: Admission, checked: Checked) -> None:
        checked.refused.extend(Refusal(entry.hash, over_limit("a test", 0, 1, "entries")) for entry in checked.entries)
        checked.entries.clear()

    with monkeypatch.context() as patch:
        patch.setattr(Admission, "check", refuse)
        first, _ = meet(phone, kit)
    assert first.told.at_peer == 0
    assert phone.store.upload_counts()[UploadState.AT_PEER] == 0
    first, _ = meet(phone, kit)
    assert first.told.at_peer == phone.pending()


def test_a_meeting_that_is_cut_off_says_nothing_of_where_things_are(clinic: Clinic):
    """Only the end of the other's turn does: until then it may have stored it or not."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.EMERGENCY_RESPONDER)
    a_chart(phone, kit)
    first, second = sides(phone, kit)
    second.met.link.twist = lambda frame: (
        [] if isinstance(unpack_frame(frame), Done) and sent_twice(second) else [frame]
    )
    run(first, second)
    assert phone.store.upload_counts()[UploadState.AT_PEER] == 0


def sent_twice(side: Side) -> bool:
    """Whether a side ended its second turn with this: the link ends in place of it."""
    over = sum(isinstance(unpack_frame(frame), Done) for frame in side.met.link.sent) > 1
    if over:
        side.met.link.close()
    return over


def test_a_meeting_within_its_budget_stops_and_the_next_goes_on(clinic: Clinic):
    """Whoever may use no more says so, and keeps what came."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.EMERGENCY_RESPONDER)
    chart, _ = a_chart(phone, kit)
    first, second = sides(phone, kit)
    second.budget = Budget(until_ms=clinic.clock())
    run(first, second)
    assert second.met.report is not None
    assert (second.met.report.stopped, second.met.report.more) == ("time", True)
    assert first.met.error is not None
    for _ in range(20):
        first, second = sides(phone, kit)
        second.budget = Budget(bytes_max=1000)
        run(first, second)
        assert second.met.report is not None
        if second.met.report.stopped is None:
            break
        assert second.met.report.received > 0, "each brings something"
    well(*meet(phone, kit))
    assert kit.shown(chart) == phone.shown(chart)


def test_a_device_that_sends_everything_twice_is_left(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """What is here counts against it; what it sent is stored once, and the limit is named to both."""
    monkeypatch.setattr("edge_runtime.sync.meeting_run.TWICE_MAX", 3)
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.EMERGENCY_RESPONDER)
    a_chart(phone, kit)
    first, second = sides(phone, kit)
    first.met.link.twist = lambda frame: [frame] * (5 if isinstance(unpack_frame(frame), Entries) else 1)
    run(first, second)
    for met in (first.met, second.met):
        assert met.error is not None
        assert met.error.code == "too_often"
    assert names(phone) <= names(kit)


def test_a_turn_takes_no_longer_than_it_may(clinic: Clinic):
    """One who says a little now and then, each time in time, holds nobody for ever."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    first, second = sides(phone, kit)
    times = iter(range(clinic.clock(), clinic.clock() + 10**9, 4 * 60_000))
    second.clock = lambda: next(times)
    run(first, second)
    assert second.met.error is not None
    assert (second.met.error.code, second.met.error.expected) == (
        "limit",
        "one turn of a meeting of at most 300 seconds",
    )
    well(*meet(phone, kit))


def test_somebody_silent_is_left(clinic: Clinic):
    """The meeting ends with an error that says so."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    first, _ = sides(phone, kit)
    first.met.link.receive = lambda **_: None
    first.run()
    assert isinstance(first.met.error, RemoteError)
    assert first.met.error.code == "peer_silent"


def test_what_is_no_frame_ends_the_meeting(clinic: Clinic):
    """With the reason, told to the other as well."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    first, second = sides(phone, kit)
    first.met.link.twist = lambda _: [b"\x00\x00\x00\x01\xff"]
    run(first, second)
    assert second.met.error is not None
    assert second.met.error.code == "malformed"


def test_forged_entries_raise_an_alarm_and_are_not_stored(clinic: Clinic):
    """One changed byte of a body: its entry is refused and asked for again, and a person hears of it."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    a_chart(phone, kit)
    first, second = sides(phone, kit)

    def twist(frame: bytes) -> list[bytes]:
        message = unpack_frame(frame)
        if isinstance(message, Entries):
            *rest, last = message.entries
            body = last.body[:-1] + bytes([last.body[-1] ^ 1])
            forged = type(last)(header=last.header, body=body, index=last.index, path=last.path)
            return [pack_frame(Entries(entries=(*rest, forged)))]
        return [frame]

    first.met.link.twist = twist
    run(first, second)
    assert second.met.told.alarms == [PEER_UNSOUND]
    assert second.met.told.refusals > 0
    assert Alarmed(PEER_UNSOUND) in kit.heard
    assert not kit.store.check()
    well(*meet(kit, phone))
    assert names(phone) <= names(kit)


def test_too_much_that_is_unsound_ends_the_meeting(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A device that hands over nothing but rubbish is not listened to for ever."""
    monkeypatch.setattr("edge_runtime.sync.meeting_run.MEETING_UNSOUND_MAX", 0)
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    a_chart(phone, kit)
    first, second = sides(phone, kit)
    first.met.link.twist = lambda frame: [frame if not isinstance(unpack_frame(frame), Entries) else _headless(frame)]
    run(first, second)
    assert second.met.error is not None
    assert second.met.error.code == "limit"


def _headless(frame: bytes) -> bytes:
    message = unpack_frame(frame)
    assert isinstance(message, Entries)
    return pack_frame(
        Entries(
            entries=tuple(
                type(one)(header=b"\xff", body=one.body, index=one.index, path=one.path) for one in message.entries
            )
        )
    )


def test_a_long_history_takes_several_meetings(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A limit that is reached leaves the rest for the next, and both are told."""
    monkeypatch.setattr("edge_runtime.sync.handing.MEETING_ITEMS_MAX", 30)
    monkeypatch.setattr("edge_runtime.sync.handing.BATCH_ENTRIES_MAX", 2)
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, encounter = a_chart(phone, kit)
    for number in range(12):
        phone.charts.add_facts(chart, encounter, [fact("status", to=("active", "completed")[number % 2])])
    first, _ = meet(phone, kit)
    assert first.told.more
    for _ in range(8):
        first, _ = meet(phone, kit)
        if not first.told.more:
            break
    assert not first.told.more
    assert kit.shown(chart) == phone.shown(chart)


@pytest.mark.parametrize("lost", [1, 4])
def test_a_device_that_was_restored_hears_of_it_from_a_peer(clinic: Clinic, lost: int):
    """It is handed entries of its own session that it does not hold, keeps them, and goes on in a new session.

    However far the two branches have grown apart: what does not continue its own is asked for whole.
    """
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, encounter = a_chart(phone, kit)
    well(*meet(phone, kit))
    backup = phone.path.with_suffix(".backup")
    phone.store.close()
    backup.write_bytes(phone.path.read_bytes())
    phone.restart()
    for number in range(lost):
        phone.charts.add_facts(chart, encounter, [fact("status", to=("active", "completed")[number % 2])])
    well(*meet(phone, kit))
    phone.store.close()
    for suffix in ("-wal", "-shm"):
        Path(f"{phone.path}{suffix}").unlink(missing_ok=True)
    phone.path.write_bytes(backup.read_bytes())
    phone.restart()
    before = phone.identity.session.value.session
    phone.charts.add_facts(chart, encounter, [fact("status", to="completed")])
    well(*meet(phone, kit))
    assert phone.identity.session.value.session != before
    assert kit.shown(chart) == phone.shown(chart)
    assert names(kit) == names(phone)
    assert kit.store.forked(next(iter(s for s in kit.store.streams() if kit.store.forked(s)))), "both branches"


def test_the_relay_gets_from_the_kit_what_the_phone_wrote(clinic: Clinic):
    """Carried entries go up with their proofs, the phone's ledger among them; receipts are for the kit's pushes."""
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    officer = clinic.device(Role.COMPLIANCE_OFFICER)
    phone, kit, tablet = (clinic.device(role) for role in (Role.PHYSICIAN, Role.EMERGENCY_RESPONDER, Role.NURSE))
    clinic.admin.sync(relay)
    chart, _ = a_chart(phone, kit, tablet)
    to_ledger(phone)
    well(*meet(phone, kit))
    written = names(phone) - names(clinic.admin)
    phone.store.close()
    report = kit.sync(relay)
    assert (report.refusals, kit.pending()) == (0, 0)
    assert report.receipted == report.sent >= len(written)
    assert written <= relay.names()
    for device in (tablet, officer):
        device.sync(relay)
    assert tablet.shown(chart) == kit.shown(chart)
    stream = audit_stream(ledger_id(phone.name), LEDGER_DOCUMENT)
    assert len(officer.store.arrivals(after=0, limit=10, streams=(stream,))) == 1
    assert kit.store.upload_counts()[UploadState.REFUSED] == 0
    phone.store = kit.store  # closed already; the fixture closes every store
