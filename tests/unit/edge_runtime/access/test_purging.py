"""Purging: what is confirmed and due loses its bodies and keys here; what remains verifies, and nothing comes back."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.access.charts import Access
from edge_runtime.access.purging import Purging
from edge_runtime.audit.device_source import DeviceSource, Holder
from edge_runtime.audit.evidence_file import Scope
from edge_runtime.audit.selection import Selection
from edge_runtime.audit.showing import open_to_show
from edge_runtime.audit.timeline import Timeline
from edge_runtime.backup.home import back_up, read_backup, restore
from edge_runtime.cache.keeping import OpenedCharts
from edge_runtime.cache.shelf import INDEX
from edge_runtime.cli.chart_text import summary_line, summary_of
from edge_runtime.destroyed import all_destroyed, awaited, destroyed, heard
from edge_runtime.errors import RefusedError, StoreError
from edge_runtime.events import Changed
from edge_runtime.settings import Home
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync.admission import Admission
from edge_runtime.vault.passphrase import Cost, Passphrase
from sync_protocol.chart_records import PurgeReason
from sync_protocol.control import AddMember, MintEpoch, Rewrap, control_stream, unpack_control
from sync_protocol.findings import FindingKind
from sync_protocol.intake import Checked
from sync_protocol.limits import PURGE_WAIT_MS
from sync_protocol.roles import Compartment, Role
from sync_protocol.verification import verify
from tests.support.people import START_MS, Entropy
from tests.unit.edge_runtime.audit.test_acts import auditor, records
from tests.unit.edge_runtime.clinic import DATA_KEY, Clinic, Device, carry, fact, settle
from tests.unit.edge_runtime.sync.meeting_pair import meet
from tests.unit.edge_runtime.test_verdicts import _revoke

DUE_MS = START_MS + 1000
PHRASE = "Zoraida fell from the blue ladder"


def access(device: Device) -> Access:
    """The acts of a device on charts."""
    return Access(device.identity, device.keyring, device.recorder, device.clinic.clock, device.store)


def purging(device: Device, swept: Callable[[], None] = lambda: None) -> Purging:
    """What purges on a device."""
    return Purging(
        device.store,
        device.keyring,
        access(device),
        clock=device.clinic.clock,
        events=device.events,
        record=auditor(device).destroyed,
        forget=device.charts.forget,
        beside=lambda chart: (f"glass/{chart.hex()}",),
        swept=swept,
    )


def bodies(device: Device, chart) -> list[str]:
    """The kinds of entry of a chart that still have a body, by their place."""
    where = places(device, chart)
    found = (one.header.stream for one in _entries(device) if one.body)
    return [where[stream] for stream in found if stream in where]


def places(device: Device, chart) -> dict[Any, str]:
    """The streams of a chart by what stands in them."""
    holder = Holder(device.store, device.identity, device.keyring)
    return {
        stream: "control" if place.compartment is None else place.compartment.name.lower()
        for stream, place in DeviceSource(holder).places.items()
        if place.chart == chart
    }


class Ward:
    """A chart of a physician that a nurse and an officer hold too, with a purge that was confirmed."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.relay = clinic.start_relay(page=50)
        self.doctor, self.nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
        self.officer = clinic.device(Role.COMPLIANCE_OFFICER)
        self.devices = (self.doctor, self.nurse, self.officer)
        settle(self.relay, clinic.admin, *self.devices)
        self.chart, (self.document,) = self.doctor.charts.create([fact("identity", name=PHRASE)], workflow=None)
        self.doctor.charts.share(self.chart, self.nurse.id)
        self.doctor.charts.edit_text(self.chart, self.document, "plan", PHRASE * 200)
        self.other, _ = self.doctor.charts.create([fact("identity", name="Another")], workflow=None)
        settle(self.relay, clinic.admin, *self.devices)
        self.nurse.charts.add_facts(self.chart, self.document, [fact("allergy", text=PHRASE)])
        self.nurse.charts.edit_text(self.chart, self.document, "history", PHRASE)
        open_to_show(self.nurse.charts, auditor(self.nurse), self.chart)
        self.settle()

    def settle(self) -> None:
        """Sync everybody until nothing moves."""
        settle(self.relay, *self.devices, rounds=12)

    def confirm(self, due_ms: int = DUE_MS) -> None:
        """The nurse proposes, the officer confirms, everybody hears of it."""
        access(self.nurse).propose_purge(self.chart, PurgeReason.RETENTION_ENDED, not_before_ms=due_ms)
        self.settle()
        access(self.officer).confirm_purge(self.chart)
        self.settle()

    def pass_time(self) -> None:
        """Until the date is past."""
        self.clinic.clock.now_ms = max(self.clinic.clock.now_ms, DUE_MS) + 1000


@pytest.fixture(name="ward")
def fixture_ward(clinic: Clinic) -> Ward:
    """A chart whose purge is confirmed, before its date."""
    made = Ward(clinic)
    made.confirm(due_ms=clinic.clock() + 60_000)
    return made


def due(ward: Ward) -> Ward:
    """The same after its date, once every device has known for long enough."""
    for device in ward.devices:
        purging(device).run()
    ward.clinic.clock.now_ms += PURGE_WAIT_MS + 120_000
    return ward


# ------------------------------------------------------------------------------------------------------- when


def test_nothing_goes_before_the_date_or_under_a_hold(ward: Ward):
    """A hold that arrives before it began stops it; once it ended, the chart goes."""
    access(ward.officer).hold(ward.chart, held=True)
    ward.settle()
    due(ward)
    for device in ward.devices:
        assert purging(device).run() == ()
        assert not all_destroyed(device.store)
        assert awaited(device.store) == {control_stream(ward.chart)}
    assert ward.doctor.charts.open(ward.chart).state.documents
    access(ward.officer).hold(ward.chart, held=False)
    ward.settle()
    (done,) = purging(due(ward).doctor).run()
    assert (done.chart, done.left) == (ward.chart, 0)
    assert done.bodies > 0
    assert not awaited(ward.doctor.store)


def test_nothing_goes_until_a_device_has_known_for_long_enough(ward: Ward):
    """Seven days by its own clock since it heard that it counts, however long ago that was written."""
    purging(ward.doctor).run()
    heard_ms = heard(ward.doctor.store, control_stream(ward.chart))
    (since_ms,) = heard_ms.values()
    ward.clinic.clock.now_ms = since_ms + PURGE_WAIT_MS - 10
    assert purging(ward.doctor).run() == ()
    assert purging(ward.nurse).run() == ()
    state = access(ward.doctor).retention(ward.chart)
    assert (state.from_ms, state.due) == (since_ms + PURGE_WAIT_MS, False)
    assert heard(ward.doctor.store, control_stream(ward.chart)) == heard_ms
    ward.clinic.clock.now_ms = since_ms + PURGE_WAIT_MS
    assert purging(ward.nurse).run() == ()
    assert len(purging(ward.doctor).run()) == 1
    assert not heard(ward.doctor.store, control_stream(ward.chart))


def test_a_clock_that_was_behind_shortens_no_wait(ward: Ward):
    """The wait does not begin before the confirmation was written."""
    now_ms = ward.clinic.clock.now_ms
    ward.clinic.clock.now_ms = 5
    purging(ward.doctor).run()
    ward.clinic.clock.now_ms = now_ms + PURGE_WAIT_MS // 2
    assert purging(ward.doctor).run() == ()
    ward.clinic.clock.now_ms = now_ms + PURGE_WAIT_MS
    assert len(purging(ward.doctor).run()) == 1


def test_a_hold_that_is_lifted_begins_the_wait_anew(ward: Ward):
    """Whoever may confirm may also lift: two records do not undo a third at once."""
    due(ward)
    access(ward.officer).hold(ward.chart, held=True)
    access(ward.officer).hold(ward.chart, held=False)
    ward.settle()
    assert purging(ward.doctor).run() == ()
    assert len(purging(due(ward).doctor).run()) == 1


def test_a_revocation_within_the_wait_stops_it(ward: Ward):
    """A confirmation outside a cut does not count, nor is it remembered since when it did."""
    purging(ward.doctor).run()
    assert heard(ward.doctor.store, control_stream(ward.chart))
    _revoke(ward.clinic, ward.officer)
    settle(ward.relay, ward.clinic.admin, ward.doctor, ward.nurse, rounds=12)
    due(ward)
    assert purging(ward.doctor).run() == ()
    assert not all_destroyed(ward.doctor.store)
    assert not heard(ward.doctor.store, control_stream(ward.chart))
    assert access(ward.doctor).retention(ward.chart).from_ms is None
    assert ward.doctor.charts.open(ward.chart).state.documents


def test_a_hold_that_comes_late_brings_nothing_back(ward: Ward):
    """What began goes on: half a chart would be worse than none."""
    due(ward)
    purging(ward.doctor).run()
    access(ward.officer).hold(ward.chart, held=True)
    ward.settle()
    assert destroyed(ward.doctor.store, ward.chart) is not None
    assert purging(ward.doctor).run() == ()
    assert purging(ward.nurse).run() == ()
    assert not all_destroyed(ward.nurse.store)


def test_an_unconfirmed_proposal_destroys_nothing(clinic: Clinic):
    """One person alone never destroys a chart."""
    ward = Ward(clinic)
    access(ward.nurse).propose_purge(ward.chart, PurgeReason.PATIENT_REQUEST, not_before_ms=0)
    ward.settle()
    assert [purging(device).run() for device in ward.devices] == [(), (), ()]


# --------------------------------------------------------------------------------------------------- what goes


def test_content_and_its_keys_go_and_the_audit_trail_stays(ward: Ward):
    """On every device: no body of content, no wrapped key to it; other charts and the organisation are untouched."""
    due(ward)
    before = {device: bodies(device, ward.other) for device in ward.devices}
    for device in ward.devices:
        (done,) = purging(device).run()
        left = bodies(device, ward.chart)
        assert set(left) == {"control", "audit"}
        assert bodies(device, ward.other) == before[device]
        kept = [arrived.entry for arrived in device.store.arrivals(after=0, limit=1 << 16) if arrived.entry.body]
        here = [unpack_control(one.body) for one in kept if one.header.stream == control_stream(ward.chart)]
        assert {one.compartment for one in here if isinstance(one, MintEpoch)} == {Compartment.AUDIT}
        assert any(isinstance(one, AddMember) for one in here)
        assert sum(one.is_stripped for one in _entries(device)) == done.bodies
        gone = {one.header.epoch for one in _entries(device) if one.is_stripped} - {None}
        assert gone
        assert gone.isdisjoint(device.keyring._keys)
        membership = device.keyring.membership(ward.chart)
        assert membership is not None
        assert {epoch.record.compartment for epoch in membership.epochs.values()} == {Compartment.AUDIT}
    assert ward.doctor.charts.open(ward.other).state.documents
    assert any(isinstance(event, Changed) and ward.chart in event.charts for event in ward.doctor.heard)


def test_what_lies_beside_the_store_is_swept_with_it(ward: Ward):
    """Attachments lie in files: they are looked through whenever something is destroyed, and only then."""
    runs: list[str] = []
    purging(ward.doctor, lambda: runs.append("before")).run()
    due(ward)
    purging(ward.doctor, lambda: runs.append("swept")).run()
    assert runs == ["swept"]


def test_the_act_is_recorded_once(ward: Ward):
    """One record a device, in the chart's audit trail; a second run, and what comes late, adds none."""
    due(ward)
    for _ in range(2):
        purging(ward.doctor).run()
    found = [record for record in records(ward.doctor, ward.chart) if record.kind.name == "content_destroyed"]
    assert len(found) == 1
    assert found[0].count is not None
    assert found[0].count > 0


def test_a_destroyed_chart_shows_and_takes_nothing(ward: Ward):
    """Its list says so, showing and writing are refused by record and date, and consents have no say any more."""
    due(ward)
    purging(ward.doctor).run()
    charts, size = ward.doctor.charts, ward.doctor.store.size()
    opened = charts.open(ward.chart)
    assert (opened.sealed, opened.state.reviews) == (True, ())
    assert [found.facts for found in opened.documents.values()] == [[]]
    assert "(destroyed on this device on 20" in summary_line(summary_of(opened))
    note = destroyed(ward.doctor.store, ward.chart)
    assert note is not None
    with pytest.raises(RefusedError, match=str(note.record.short)) as refusal:
        open_to_show(charts, auditor(ward.doctor), ward.chart)
    assert refusal.value.code == "chart_destroyed"
    with pytest.raises(RefusedError) as refusal:
        charts.add_facts(ward.chart, ward.document, [fact("allergy", text="Nuts")])
    assert refusal.value.code == "chart_destroyed"
    with pytest.raises(RefusedError) as refusal:
        charts.edit_text(ward.chart, ward.document, "plan", "Rest.")
    assert refusal.value.code == "chart_destroyed"
    assert ward.doctor.store.size() == size
    ward.doctor.restart()
    assert ward.doctor.charts.open(ward.chart).destroyed == note


def test_the_timeline_still_says_who_wrote_when(ward: Ward):
    """Content is not readable, keys are named as such, and the decision stands with its people."""
    due(ward)
    purging(ward.officer).run()
    timeline = Timeline(ward.officer.store, ward.officer.identity, ward.officer.keyring)
    events = list(timeline.events(replace(Selection(), chart=ward.chart)))
    kinds = [event.what.kind.name for event in events]
    assert {"content_written", "keys_changed", "purge_proposed", "purge_confirmed", "content_destroyed"} <= set(kinds)
    assert "unknown" not in kinds
    assert not any(event.what.readable for event in events if event.what.kind.name == "content_written")


# ------------------------------------------------------------------------------------------------- what remains


def holder(device: Device) -> Holder:
    """A device as evidence."""
    return Holder(device.store, device.identity, device.keyring)


def test_what_remains_verifies(ward: Ward):
    """Store, evidence and an exported scope: no damage, and the destroyed bodies are counted under their record."""
    due(ward)
    for device in ward.devices:
        purging(device).run()
    ward.settle()
    for device in ward.devices:
        assert device.store.check(device.keyring.may_lack_bodies()) == []
        source = DeviceSource(holder(device))
        report = verify(source, found=source.notices())
        assert report.ok, report.findings
        (found,) = [one for one in report.findings if one.kind is FindingKind.DESTROYED]
        note = destroyed(device.store, ward.chart)
        assert note is not None
        assert found.evidence["record"] == str(note.record)
        assert found.evidence["bodies"] == str(sum(piece.is_stripped for piece in _entries(device)))
        scope = Scope(holder(device), replace(Selection(), chart=ward.chart))
        assert verify(scope).ok
        assert all(piece.body != b"" for piece in scope.pieces())


def _entries(device: Device):
    return [arrived.entry for arrived in device.store.arrivals(after=0, limit=1 << 16)]


def test_a_body_that_is_missing_elsewhere_is_damage(ward: Ward):
    """Only charts whose own records say so may lack bodies: the note alone excuses nothing."""
    due(ward)
    where = places(ward.doctor, ward.other)
    victim = next(one for one in _entries(ward.doctor) if where.get(one.header.stream) == "safety")
    index = ward.doctor.store.entry(victim.hash).index
    with ward.doctor.store.writing() as writer:
        assert writer.strip([index]) == {index}
        writer.put_value("destroyed/" + ward.other.hex(), _any_note(ward))
    ward.doctor.restart()
    assert ward.doctor.store.check(ward.doctor.keyring.may_lack_bodies()) != []
    report = verify(DeviceSource(holder(ward.doctor)))
    assert {one.kind for one in report.findings if one.severity == "damage"} == {FindingKind.FORGED}


def _any_note(ward: Ward) -> bytes:
    purging(ward.nurse).run()
    data = ward.nurse.store.get_value("destroyed/" + ward.chart.hex())
    assert data is not None
    return data


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_tampering_with_what_remains_is_found(tmp_path_factory, seed: int):
    """Whoever changes a header, a path or a kept body of a destroyed chart is found out by the signatures alone."""
    pieces, root = _purged_once(tmp_path_factory)
    chosen = random.Random(seed)
    index = chosen.randrange(len(pieces))
    source = _Changed(root, pieces, index, chosen)
    report = verify(source)
    assert not report.ok


_MADE: dict[str, Any] = {}


def _purged_once(tmp_path_factory):
    """One purged device for all examples."""
    if not _MADE:
        ward = due(_confirmed(Clinic(tmp_path_factory.mktemp("purged"))))
        purging(ward.doctor).run()
        source = DeviceSource(holder(ward.doctor))
        assert verify(source).ok
        _MADE.update(pieces=list(source.pieces()), source=source)
    return _MADE["pieces"], _MADE["source"]


def _confirmed(clinic: Clinic) -> Ward:
    ward = Ward(clinic)
    ward.confirm(due_ms=clinic.clock() + 60_000)
    return ward


class _Changed:
    """A source in which one piece is another."""

    def __init__(self, source: DeviceSource, pieces: list[Any], index: int, chosen: random.Random) -> None:
        self._source = source
        piece = pieces[index]
        fields = ["header", *(["body"] if piece.body else []), *(["path"] if piece.path else [])]
        field = chosen.choice(fields)
        if field == "path":
            at = chosen.randrange(len(piece.path))
            path = (*piece.path[:at], type(piece.path[at])(_flip(piece.path[at], chosen)), *piece.path[at + 1 :])
            changed = replace(piece, path=path)
        else:
            changed = replace(piece, **{field: _flip(getattr(piece, field), chosen)})
        self._pieces = [*pieces[:index], changed, *pieces[index + 1 :]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def pieces(self):
        """See Source."""
        return iter(self._pieces)


def _flip(data: bytes, chosen: random.Random) -> bytes:
    at = chosen.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chosen.randrange(8)]) + data[at + 1 :]


@pytest.mark.campaign
@settings(max_examples=8, deadline=None)
@given(
    acts=st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["fact", "text", "read", "share", "sync"])), max_size=8),
    order=st.permutations(range(3)),
)
def test_whatever_was_written_verifies_after_the_purge(tmp_path_factory, acts, order):
    """Any history, destroyed on the devices in any order with syncs in between: no damage, and no content left."""
    clinic = Clinic(tmp_path_factory.mktemp("history"))
    try:
        ward = _confirmed(clinic)
        for number, (who, what) in enumerate(acts):
            _act(ward, ward.devices[who], what, number)
        due(ward)
        for one in order:
            ward.devices[one].sync(ward.relay)
            purging(ward.devices[one]).run()
        ward.settle()
        for device in ward.devices:
            purging(device).run()
            assert set(bodies(device, ward.chart)) <= {"control", "audit"}
            assert device.store.check(device.keyring.may_lack_bodies()) == []
            assert verify(DeviceSource(holder(device))).ok
    finally:
        clinic.close()


def _act(ward: Ward, device: Device, what: str, number: int) -> None:
    """Something that a member does in the chart."""
    match what:
        case "fact":
            device.charts.add_facts(ward.chart, ward.document, [fact("allergy", text=f"{PHRASE} {number}")])
        case "text":
            device.charts.edit_text(ward.chart, ward.document, "plan", f"{PHRASE} {number}")
        case "read":
            open_to_show(device.charts, auditor(device), ward.chart)
        case "share":
            device.charts.share(ward.chart, ward.clinic.device(Role.NURSE).id)
        case _:
            device.sync(ward.relay)


def test_nothing_of_it_is_left_in_the_files(ward: Ward):
    """Neither the words nor any part of a box that held them: old records are overwritten, the log is emptied."""
    due(ward)
    store = ward.doctor.store
    carried = ward.doctor.entropy(9000)
    with store.writing() as writer:
        writer.put_value(f"glass/{ward.chart.hex()}", carried)
        writer.put_value(f"glass/{ward.other.hex()}", carried)
    values = [
        bytes(box) for (box,) in store._reader_connection.execute("SELECT box FROM value WHERE length(box) > 9000")
    ]
    rows = store._reader_connection.execute("SELECT id, box FROM entry").fetchall()
    held = {row: bytes(box) for row, box in rows}
    purging(ward.doctor).run()
    assert store.get_value(f"glass/{ward.chart.hex()}") is None
    assert store.get_value(f"glass/{ward.other.hex()}") == carried
    files = [path.read_bytes() for path in ward.doctor.path.parent.glob(ward.doctor.path.name + "*")]
    gone = [index for index, one in enumerate(_entries(ward.doctor)) if one.is_stripped]
    assert max(len(held[index]) for index in gone) > 5000  # beyond one page: it lay in overflow pages
    for data in files:
        assert PHRASE.encode() not in data
        for index in gone:
            box = held[index]
            assert not any(box[at : at + 64] in data for at in range(0, len(box) - 64, 512))
    left = [all(any(box[at : at + 64] in data for data in files) for at in range(0, 8192, 512)) for box in values]
    assert left.count(False) == 1


# ---------------------------------------------------------------------------------------------------- meanwhile


def test_what_waits_for_the_relay_goes_after_it_was_sent(ward: Ward):
    """The log is to have every entry: an unsent one keeps its body, is not shown, and loses it after the next sync."""
    late = ward.nurse.charts.add_facts(ward.chart, ward.document, [fact("allergy", text="Late")])
    due(ward)
    (done,) = purging(ward.nurse).run()
    assert done.left == len(late)
    assert destroyed(ward.nurse.store, ward.chart).through == ward.nurse.store.entry(late[0].hash).index
    (again,) = purging(ward.nurse).run()
    assert (again.bodies, again.left) == (0, len(late))
    ward.nurse.sync(ward.relay)
    (done,) = purging(ward.nurse).run()
    assert (done.bodies, done.left) == (len(late), 0)
    assert purging(ward.nurse).run() == ()
    assert ward.relay.store.entry(late[0].hash) is not None


def test_what_a_relay_sends_late_goes_too(ward: Ward):
    """A relay that has not purged yet feeds what another wrote meanwhile: it is stored, never shown, and destroyed."""
    late = ward.nurse.charts.add_facts(ward.chart, ward.document, [fact("allergy", text="Late")])
    due(ward)
    purging(ward.doctor).run()
    ward.nurse.sync(ward.relay)
    ward.doctor.sync(ward.relay)
    assert ward.doctor.store.entry(late[0].hash) is not None
    assert not ward.doctor.charts.open(ward.chart).state.allergies.items
    (done,) = purging(ward.doctor).run()
    assert done.bodies == len(late)
    arrived = ward.doctor.store.entry(late[0].hash)
    assert arrived is not None
    assert arrived.entry.is_stripped


def test_a_duplicate_brings_no_body_back(ward: Ward):
    """Whoever hands the same entries over again restores nothing."""
    due(ward)
    purging(ward.doctor).run()
    carry(ward.nurse, ward.doctor)
    assert set(bodies(ward.doctor, ward.chart)) == {"control", "audit"}


def test_a_relay_that_lost_it_is_not_sent_empty_entries(ward: Ward):
    """What has no body cannot be verified: it is marked as pending no more, and the sync comes to its end."""
    due(ward)
    purging(ward.doctor).run()
    ward.doctor.sync(ward.relay)
    outbox = ward.doctor.client._begin(ward.relay.link(), "https://relay.example:443")[0].outbox
    lost = [(one.header.stream, one.header.session, 0) for one in _entries(ward.doctor) if one.is_stripped]
    outbox.lost(lost)
    pending = ward.doctor.store.pending(1 << 10)
    assert not any(arrived.entry.is_stripped for arrived in pending)


class CutError(Exception):
    """The power went."""


@pytest.mark.parametrize("at", range(6))
def test_a_crash_in_between_goes_on_later(ward: Ward, monkeypatch: pytest.MonkeyPatch, at: int):
    """Whatever is durable when it stops, the next run ends with the same, recorded once; nothing is shown meanwhile."""
    monkeypatch.setattr("edge_runtime.access.purging.BATCH_ENTRIES", 2)
    due(ward)
    calls = iter(range(at))
    finish: Callable[[DeviceWriter], None] = DeviceWriter.finish

    def failing(writer: DeviceWriter) -> None:
        if next(calls, None) is None:
            raise CutError
        finish(writer)

    monkeypatch.setattr(DeviceWriter, "finish", failing)
    with pytest.raises(CutError):
        purging(ward.doctor).run()
    monkeypatch.setattr(DeviceWriter, "finish", finish)
    ward.doctor.restart()
    assert bool(all_destroyed(ward.doctor.store)) == (at > 0)
    assert ward.doctor.store.check(ward.doctor.keyring.may_lack_bodies()) == []
    if at:
        with pytest.raises(RefusedError):
            open_to_show(ward.doctor.charts, auditor(ward.doctor), ward.chart)
    purging(ward.doctor).run()
    assert set(bodies(ward.doctor, ward.chart)) == {"control", "audit"}
    found = [record for record in records(ward.doctor, ward.chart) if record.kind.name == "content_destroyed"]
    assert len(found) == 1


def test_the_device_goes_on_beside_a_destroyed_chart(ward: Ward):
    """Keys are mended, members and officers come and go, the chart stays destroyed and everything settles."""
    due(ward)
    for device in ward.devices:
        purging(device).run()
    ward.doctor.recorder.mend([ward.chart, ward.other])
    first = ward.doctor.charts.open(ward.other).membership.chart_document
    ward.doctor.charts.add_facts(ward.other, first, [fact("status", to="active")])
    newcomer = ward.clinic.device(Role.COMPLIANCE_OFFICER)
    settle(ward.relay, ward.clinic.admin, *ward.devices, newcomer, rounds=12)
    for device in ward.devices:
        purging(device).run()
        assert device.store.check(device.keyring.may_lack_bodies()) == []
        assert device.store.upload_counts()[UploadState.PENDING] <= 1
    control = [unpack_control(one.body) for one in _entries(ward.doctor) if one.body and one.header.epoch is None]
    assert not any(isinstance(one, Rewrap) and one.epoch not in _known(ward) for one in control)


def _known(ward: Ward) -> set[Any]:
    found: set[Any] = set()
    for chart in (*ward.doctor.keyring.charts(), *ward.doctor.keyring.ledgers()):
        membership = ward.doctor.keyring.membership(chart)
        found |= set() if membership is None else set(membership.epochs)
    return found


def test_a_store_that_cannot_do_it_says_so(ward: Ward):
    """Nothing is shown of the chart all the same, and the next run goes on."""
    due(ward)
    ward.doctor.store.close()
    with pytest.raises(StoreError):
        purging(ward.doctor).run()
    ward.doctor.restart()


def test_a_peer_that_still_has_it_brings_nothing_back(ward: Ward):
    """Neither asks for it nor is given it; what the peer wrote since stays there, and goes once it synced."""
    ward.nurse.charts.add_facts(ward.chart, ward.document, [fact("allergy", text="Late")])
    due(ward)
    purging(ward.doctor).run()
    here, there = meet(ward.doctor, ward.nurse)
    assert (here.told.complete, there.told.complete) == (True, True)
    assert (here.told.refusals, there.told.refusals) == (0, 0)
    assert set(bodies(ward.doctor, ward.chart)) == {"control", "audit"}
    assert PHRASE in ward.nurse.text(ward.chart, ward.document)
    purging(ward.nurse).run()
    here, there = meet(ward.doctor, ward.nurse)
    assert (here.told.complete, there.told.complete) == (True, True)


def test_a_newcomer_gets_of_a_chain_what_can_be_verified(ward: Ward):
    """A chain of control records ends where a body was destroyed; nothing unsound is handed over."""
    third = ward.clinic.device(Role.NURSE)
    ward.doctor.charts.share(ward.chart, third.id)
    settle(ward.relay, ward.clinic.admin, *ward.devices, rounds=12)
    due(ward)
    purging(ward.doctor).run()
    carry(ward.clinic.admin, third)
    here, there = meet(ward.doctor, third)
    assert (here.told.complete, there.told.complete) == (True, True)
    assert not there.told.alarms
    assert not any(one.is_stripped for one in _entries(third))
    assert set(bodies(third, ward.chart)) <= {"control", "audit"}


def test_a_hostile_peer_hands_over_in_vain(ward: Ward):
    """Content of a destroyed chart that comes unasked is refused by name; its audit trail is not."""
    late = ward.nurse.charts.add_facts(ward.chart, ward.document, [fact("allergy", text="Late")])
    open_to_show(ward.nurse.charts, auditor(ward.nurse), ward.chart)
    due(ward)
    purging(ward.doctor).run()
    device = ward.doctor
    admission = Admission(device.store, device.identity, device.keyring)
    news = [one for one in _entries(ward.nurse) if device.store.entry(one.hash) is None]
    checked = Checked(entries=list(news))
    admission.check(checked)
    refused = {refusal.what: refusal.error.code for refusal in checked.refused}
    assert {name: refused.get(name) for name in (one.hash for one in late)} == {late[-1].hash: "chart_destroyed"}
    assert {one.hash for one in checked.entries} == {one.hash for one in news} - refused.keys()
    assert checked.entries


def test_a_backup_of_a_device_that_destroyed_a_chart_restores(ward: Ward, tmp_path: Path):
    """The restored home lacks the same bodies, by the same records, and goes on so."""
    due(ward)
    device = ward.doctor
    purging(device).run()
    seal = Passphrase("of the backup", cost=Cost(memory_kib=32, passes=1, lanes=1))
    back_up(
        Home(device.path.parent),
        device.store,
        device.identity,
        tmp_path / "backup",
        data_key=DATA_KEY,
        keystore=seal,
        now_ms=ward.clinic.clock(),
        entropy=device.entropy,
    )
    with (tmp_path / "backup").open("rb") as file:
        sealed, manifest = read_backup(file, seal)
        first = []
        restore(
            sealed,
            manifest,
            Home(tmp_path / "new"),
            keystore=seal,
            clock=ward.clinic.clock,
            entropy=Entropy(77),
            first=lambda _, store: first.append(all_destroyed(store)),
        )
    assert first == [all_destroyed(device.store)]


def test_what_was_kept_of_a_chart_goes_with_it(ward: Ward):
    """A purge removes the opened chart that the store keeps, as thoroughly as the rest; the check finds nothing amiss.

    The values are named beside those that would open the chart, so that they go before anything else does.
    """
    nurse = ward.nurse
    nurse.charts.opened = OpenedCharts(nurse.store, nurse.identity, nurse.keyring, nurse.reader, entries_min=1)
    nurse.charts.open(ward.chart)
    names = nurse.charts.opened.names(ward.chart)
    assert all(nurse.store.get_value(name) for name in names)
    due(ward)
    work = purging(nurse)
    work._beside = nurse.charts.opened.names
    assert work.run()
    assert names
    assert not any(nurse.store.get_value(name) for name in names)
    nurse.charts.opened.sweep()
    assert nurse.charts.open(ward.chart).destroyed is not None
    assert nurse.store.values(INDEX) == {}
    assert nurse.store.check(nurse.keyring.may_lack_bodies()) == []
