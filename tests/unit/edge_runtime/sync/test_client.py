"""Syncing with the relay: durable before it is believed, honest about what is where, and never stuck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RefusedError, RemoteError, StoreError
from edge_runtime.events import Alarmed, Changed
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync import run as run_module
from edge_runtime.sync.outbox import Outbox
from edge_runtime.sync.progress import (
    ALARM,
    FED,
    REFUSALS_MAX,
    RELAY,
    UNSOUND,
    SyncReport,
    charts_to_mend,
    load_cursor,
    load_newest,
    unheard_alarm,
)
from edge_runtime.sync.run import Run
from edge_runtime.transports.http import HttpLink
from sync_protocol.control import content_stream
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import BrokenChainError, ExplainedError, LimitError, MisuseError
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.ids import ChartId, DocumentId, EntryHash, SessionId, StreamId
from sync_protocol.log_messages import Page, Receipt
from sync_protocol.messages import Entries
from sync_protocol.roles import Compartment, Role
from sync_protocol.signing import SigningKey
from sync_protocol.steps import RELAY_LOG_DENIED, RELAY_LOG_DIFFERS, Rejected
from sync_protocol.store import Arrived, walk_chain
from tests.unit.edge_runtime.clinic import ADDRESS, Clinic, Device, Shared, carry, fact, settle
from tests.unit.edge_runtime.relay_shell import RelayRequests, RelayShell


class Ward(Shared):
    """A physician and a nurse of one chart, and a relay that has the organisation's records."""

    def __init__(self, clinic: Clinic) -> None:
        super().__init__(clinic)
        self.write(self.one)

    def write(self, device: Device, to: str = "urgent") -> VerifiedEntry:
        """One fact."""
        return device.charts.add_facts(self.chart, self.encounter, [fact("priority", to=to)])[-1]

    def settle(self) -> None:
        """Everybody up to date."""
        settle(self.relay, self.one, self.two)


@pytest.fixture(name="ward")
def fixture_ward(clinic: Clinic) -> Ward:
    """A ward of its own."""
    return Ward(clinic)


def _states(device: Device) -> dict[UploadState, int]:
    return device.store.upload_counts()


def _refusal(code: str = "quota") -> ExplainedError:
    return LimitError(code, expected="less", got="more", do="wait")


# ------------------------------------------------------------------------------------------------------ one sync


def test_one_sync_pushes_what_waits_and_takes_what_is_new(ward: Ward):
    """Counts are of entries; what is receipted is pending no more; the cursor stands at the log's end."""
    waiting = ward.one.pending()
    report = ward.one.sync(ward.relay)
    assert (report.sent, report.receipted, report.refusals, report.unsound) == (waiting, waiting, 0, 0)
    assert ward.one.pending() == 0
    assert report.checkpoint == ward.relay.store.size() == load_cursor(ward.one.store).size
    again = ward.one.sync(ward.relay)
    assert (again.sent, again.receipted, again.received) == (0, 0, 0)
    report = ward.two.sync(ward.relay)
    assert ward.two.shown(ward.chart) == ward.one.shown(ward.chart)
    assert Changed(frozenset({ward.chart})) in ward.two.heard


def test_progress_is_told_after_each_frame(ward: Ward):
    """Whoever asks sees the counts grow."""
    seen: list[tuple[int, int]] = []
    ward.one.client.run(ward.relay.link(), ADDRESS, progress=lambda r: seen.append((r.sent, r.receipted)))
    assert seen == sorted(seen)
    assert seen[-1] == (ward.one.store.size() - 3, ward.one.store.size() - 3)


def test_a_sync_that_is_cut_anywhere_goes_on_where_it_was(clinic: Clinic):
    """Whatever frame is the last, nothing is lost or half there, and a later sync brings both sides together."""
    ward = Ward(clinic)
    ward.relay.page = 2
    for number in range(3):
        ward.write(ward.one, "urgent" if number % 2 else "critical")
    cuts: list[str] = []
    for device in (ward.one, ward.two):
        for frames in range(40):
            link = ward.relay.link()
            link.cut_after = frames
            try:
                device.sync(ward.relay, link)
            except RemoteError as error:
                cuts.append(error.code)
                assert not device.store.check()
                continue
            break
    assert len(cuts) > 10
    assert set(cuts) == {"relay_unreachable"}
    ward.settle()
    assert ward.one.shown(ward.chart) == ward.two.shown(ward.chart)
    assert ward.one.pending() == ward.two.pending() == 0


def test_the_client_leaves_the_link_to_whoever_dialled(ward: Ward):
    """Neither a sync that went well nor one that failed closes the link."""
    link = ward.relay.link()
    ward.one.sync(ward.relay, link)
    cut = ward.relay.link()
    cut.cut_after = 2
    with pytest.raises(RemoteError):
        ward.one.sync(ward.relay, cut)
    assert (link.closed, cut.closed) == (0, 0)


def test_a_relay_that_says_nothing_is_silent(ward: Ward):
    """No answer in time is an error that another attempt may mend; everything is kept."""
    ward.relay.silent = True
    waiting = ward.one.pending()
    with pytest.raises(RemoteError) as error:
        ward.one.sync(ward.relay)
    assert error.value.code == "relay_silent"
    assert ward.one.pending() == waiting


def test_a_stranger_in_the_relays_place_is_found_out(ward: Ward, clinic: Clinic):
    """A record that the root did not sign, or a key not of the record, ends the exchange before anything is told."""
    clinic.relay_key = SigningKey(bytes(32))
    with pytest.raises(RemoteError) as error:
        ward.one.sync(ward.relay)
    assert error.value.code == "forged"
    assert ward.one.store.get_value(RELAY) is None


def test_what_is_no_frame_ends_the_exchange_and_tells_the_relay(ward: Ward):
    """Garbage is refused with words, by a frame that says why."""
    link = ward.relay.link()
    link.tamper = lambda _: b"\x00\x00\x00\x01\xff"
    with pytest.raises(RemoteError) as error:
        ward.one.sync(ward.relay, link)
    assert error.value.code == "malformed"
    assert type(unpack_frame(link.up[-1])).__name__ == "Failure"


def test_an_older_relay_record_is_refused_and_a_newer_one_kept(ward: Ward, clinic: Clinic):
    """A relay's record is replaced only by a newer one of the root's: an old key may be a stolen one."""
    ward.one.sync(ward.relay)
    first = ward.one.store.get_value(RELAY)
    assert first == ward.relay.record.wire
    newer = clinic.relay_record()
    ward.relay.record = newer
    ward.one.sync(ward.relay)
    assert ward.one.store.get_value(RELAY) == newer.wire
    ward.relay.record = clinic.relay_record(issued_ms=5)
    with pytest.raises(RemoteError) as error:
        ward.one.sync(ward.relay)
    assert error.value.code == "relay_record_old"
    assert ward.one.store.get_value(RELAY) == newer.wire


# ------------------------------------------------------------------------------------------------ refused entries


def test_what_the_relay_refuses_is_kept_told_and_offered_again(ward: Ward):
    """A refused entry stays, with the reason, is shown to its author, and goes up at a later sync before the rest."""
    ward.settle()
    refused = ward.write(ward.one)
    ward.relay.refuse = lambda entry: _refusal() if entry.hash == refused.hash else None
    follows = ward.write(ward.one, "critical")
    report = ward.one.sync(ward.relay)
    assert report.refusals == 2
    assert [error.code for error in report.refused] == ["quota", "gap"]
    kept = ward.one.store.refused()
    assert [(one.name, one.code) for one in kept] == [(refused.hash, "quota"), (follows.hash, "gap")]
    assert "wait" in kept[0].text
    assert "critical" in str(ward.one.shown(ward.chart))
    again = ward.one.sync(ward.relay)
    assert (again.sent, again.refusals) == (2, 2)
    ward.relay.refuse = lambda _: None
    last = ward.write(ward.one)
    report = ward.one.sync(ward.relay)
    assert (report.sent, report.receipted, report.refusals) == (3, 3, 0)
    assert ward.one.store.refused() == []
    assert {refused.hash, follows.hash, last.hash} <= ward.relay.names()
    ward.settle()
    assert ward.one.shown(ward.chart) == ward.two.shown(ward.chart)


def test_a_refusal_that_never_came_leaves_the_entries_pending(ward: Ward):
    """Offered again and cut before the answer, an entry counts as on this device only, not as refused."""
    refused = ward.write(ward.one)
    ward.relay.refuse = lambda entry: _refusal() if entry.hash == refused.hash else None
    ward.one.sync(ward.relay)
    link = ward.relay.link()
    link.cut_after = 3
    with pytest.raises(RemoteError):
        ward.one.sync(ward.relay, link)
    assert ward.one.store.refused() == []
    assert ward.one.pending() == 1


def test_a_relay_has_no_say_about_what_it_was_not_offered(ward: Ward):
    """REFUSED for an entry that is not under way marks nothing; a flood of refusals takes no memory without bound."""
    ward.settle()
    run = Run(ward.one.store, ward.one.identity, ward.one.keyring, ward.one.events, ward.relay.link())
    mine = ward.write(ward.one)
    theirs = ward.one.store.arrivals(after=0, limit=1)[0].entry
    exchange: Any = None
    for name in (mine.hash, theirs.hash, EntryHash(bytes(32)), None):
        run.carry_out(exchange, [Rejected(name, _refusal())])
    assert ward.one.store.refused() == []
    assert ward.one.pending() == 1
    for _ in range(REFUSALS_MAX + 10):
        run.carry_out(exchange, [Rejected(None, _refusal())])
    assert run.report.refusals == REFUSALS_MAX + 14
    assert len(run.report.refused) == REFUSALS_MAX


def test_receipts_count_for_what_was_pushed_here(ward: Ward):
    """A receipt for an unknown entry, or the same one twice, neither fails nor is counted."""
    ward.settle()
    mine = ward.write(ward.one)
    link = ward.relay.link()
    twice: list[bytes] = []

    def tamper(frame: bytes) -> bytes:
        message = unpack_frame(frame)
        if isinstance(message, Receipt):
            every = [link.relay.store.arrivals(after=n, limit=1)[0] for n in range(link.relay.store.size())]
            twice.append(frame)
            link.down.appendleft(frame)
            size = link.relay.store.size()
            from sync_protocol import merkle
            from sync_protocol.log_messages import Leaf

            hashes = [merkle.leaf_hash(a.entry.hash) for a in every]
            leaves = tuple(
                Leaf(entry=a.entry.hash, index=a.index, path=merkle.inclusion_path(hashes, a.index)) for a in every
            )
            link.tamper = lambda frame: frame
            return pack_frame(Receipt(note=link.relay.note(size), leaves=leaves, consistency=message.consistency))
        return frame

    link.tamper = tamper
    report = ward.one.sync(ward.relay, link)
    assert twice
    assert (report.sent, report.receipted) == (1, 1)
    upload = ward.one.store.upload(mine.hash)
    assert upload is not None
    assert upload.state is UploadState.RECEIPTED


# ------------------------------------------------------------------------------------------- unsound, alarms, cursor


def _spoil(link: Any, times: int = 1) -> None:
    """Damage the body of the first entries that come down."""
    left = [times]

    def tamper(frame: bytes) -> bytes:
        message = unpack_frame(frame)
        if isinstance(message, Entries) and left[0]:
            left[0] -= 1
            from dataclasses import replace

            body = message.entries[0].body
            spoilt = replace(message.entries[0], body=body[:-1] + bytes([body[-1] ^ 1]))
            return pack_frame(Entries(entries=(spoilt, *message.entries[1:])))
        return frame

    link.tamper = tamper


def test_unsound_entries_stop_the_cursor_and_raise_an_alarm_until_all_is_well(ward: Ward):
    """What does not verify is not stored, the rest is; the same is asked for again; a clean sync ends the alarm."""
    ward.one.sync(ward.relay)
    before = load_cursor(ward.two.store)
    link = ward.relay.link()
    _spoil(link)
    report = ward.two.sync(ward.relay, link)
    assert report.unsound >= 1
    assert report.alarms == [UNSOUND]
    assert Alarmed(UNSOUND) in ward.two.heard
    assert load_cursor(ward.two.store) == before
    assert ward.two.store.get_value(ALARM) == UNSOUND.encode()
    assert not ward.two.store.check()
    clean = ward.two.sync(ward.relay)
    assert (clean.unsound, clean.alarms) == (0, [])
    assert ward.two.store.get_value(ALARM) is None
    assert load_cursor(ward.two.store).size == ward.relay.store.size()
    assert ward.two.shown(ward.chart) == ward.one.shown(ward.chart)


def test_an_alarm_that_nobody_heard_is_told_by_the_next_sync(ward: Ward):
    """Where the sync that raised it failed, the alarm stands in the next report, even if all is well again."""
    ward.one.sync(ward.relay)
    link = ward.relay.link()
    _spoil(link)
    client = ward.two.client
    with pytest.raises(KeyboardInterrupt):
        client.run(link, ADDRESS, progress=_stop_at(lambda report: bool(report.unsound)))
    assert unheard_alarm(ward.two.store) == UNSOUND
    report = ward.two.sync(ward.relay)
    assert (report.unsound, report.alarms) == (0, [UNSOUND])
    assert ward.two.store.get_value(ALARM) is None
    assert ward.two.sync(ward.relay).alarms == []


def _stop_at(when: Callable[[SyncReport], bool]) -> Callable[[SyncReport], None]:
    def stop(report: SyncReport) -> None:
        if when(report):
            raise KeyboardInterrupt

    return stop


def test_a_relay_that_forgot_is_told_everything_again(ward: Ward):
    """A restored relay raises an alarm and gets back what it lost, in an order that it can take; then all is clean."""
    backup = ward.relay.snapshot()
    ward.settle()
    for number in range(4):
        ward.write(ward.one, "urgent" if number % 2 else "critical")
        ward.write(ward.two)
    ward.settle()
    everything = ward.relay.names()
    ward.relay.store = backup
    report = ward.one.sync(ward.relay)
    assert report.alarms == [RELAY_LOG_DENIED, RELAY_LOG_DIFFERS]
    assert report.refusals == 0
    assert report.sent == report.receipted
    assert ward.one.pending() == 0
    assert ward.relay.names() == everything
    assert ward.one.store.get_value(ALARM) == RELAY_LOG_DIFFERS.encode()
    clean = ward.one.sync(ward.relay)
    assert (clean.alarms, clean.sent) == ([], 0)
    assert ward.one.store.get_value(ALARM) is None
    ward.two.sync(ward.relay)
    assert ward.two.sync(ward.relay).alarms == []
    assert ward.one.shown(ward.chart) == ward.two.shown(ward.chart)


def test_a_relay_that_lost_everything_gets_charts_before_what_is_in_them(ward: Ward, clinic: Clinic):
    """Whatever order the relay asks in, what comes back is in the order in which it was first taken."""
    ward.settle()
    for _ in range(3):
        ward.one.charts.create([fact("identity", name="Another")], workflow=WorkflowType.ENCOUNTER)
    ward.one.sync(ward.relay)
    everything = ward.relay.names()
    ward.relay.store = clinic.start_relay().store
    report = ward.one.sync(ward.relay)
    assert (report.refusals, report.unsound) == (0, 0)
    clinic.admin.sync(ward.relay)
    ward.settle()
    assert ward.relay.names() == everything


def test_what_a_relay_lost_is_pending_before_it_is_sent(ward: Ward):
    """A connection that ends in the middle leaves no entry that counts as receipted and is nowhere but here."""
    backup = ward.relay.snapshot()
    ward.settle()
    ward.write(ward.one)
    ward.settle()
    ward.relay.store = backup
    for frames in range(2, 30):
        link = ward.relay.link()
        link.cut_after = frames
        with suppress(RemoteError):
            ward.one.sync(ward.relay, link)
            break
        cursor = load_cursor(ward.one.store)
        here = {a.entry.hash for a in ward.one.store.arrivals(after=0, limit=1000)}
        waits = {a.entry.hash for a in ward.one.store.pending(1000)}
        if not cursor.size or cursor.size <= ward.relay.store.size():
            assert here - ward.relay.names() <= waits
    ward.settle()
    assert ward.one.shown(ward.chart) == ward.two.shown(ward.chart)


def test_both_branches_of_a_fork_are_given_back(ward: Ward, clinic: Clinic, tmp_path: Any):
    """A frontier names one branch; the relay that forgot gets the other too."""
    ward.settle()
    ward.one.store.checkpoint()
    copy = tmp_path / "twin.db"
    copy.write_bytes(ward.one.path.read_bytes())
    twin = Device(clinic, copy, ward.one.entropy)
    twin.load()
    clinic.devices.append(twin)
    for number in range(3):
        ward.write(ward.one, "urgent" if number % 2 else "critical")
    ward.write(twin)
    settle(ward.relay, ward.one, twin, ward.two)
    stream = content_stream(ward.chart, ward.encounter, Compartment.CLINICAL)
    assert ward.two.store.forked(stream)
    everything = ward.relay.names()
    ward.relay.store = clinic.start_relay().store
    clinic.admin.sync(ward.relay)
    report = ward.two.sync(ward.relay)
    assert report.refusals == 0
    assert ward.relay.names() == everything


def test_entries_whose_checkpoint_never_came_are_given_to_a_relay_that_lost_them(ward: Ward):
    """What was fed, but cut off before its checkpoint, counts as the relay's only once the relay has shown it again."""
    ward.settle()
    backup = ward.relay.snapshot()
    written = ward.write(ward.one)
    ward.one.sync(ward.relay)
    link = ward.relay.link()

    def cut_at_page(frame: bytes) -> bytes:
        if isinstance(unpack_frame(frame), Page):
            raise RemoteError("relay_unreachable", expected="a page", got="a cut", do="sync again")
        return frame

    link.tamper = cut_at_page
    with pytest.raises(RemoteError):
        ward.two.sync(ward.relay, link)
    assert ward.two.store.entry(written.hash) is not None
    assert ward.two.store.get_value(FED) is not None
    ward.relay.store = backup
    report = ward.two.sync(ward.relay)
    assert (report.sent, report.receipted) == (1, 1)
    assert written.hash in ward.relay.names()
    assert ward.two.store.get_value(FED) is None


def test_entries_that_come_again_are_not_sent_back(ward: Ward):
    """After a cut the relay feeds the same again; that confirms it, and nothing is uploaded in vain."""
    ward.settle()
    ward.write(ward.one)
    ward.one.sync(ward.relay)
    for frames in range(3, 12):
        link = ward.relay.link()
        link.cut_after = frames
        with suppress(RemoteError):
            ward.two.sync(ward.relay, link)
            break
    report = ward.two.sync(ward.relay)
    assert report.sent == 0
    assert ward.two.pending() == 0
    assert ward.two.store.get_value(FED) is None


def test_the_newest_receipt_is_remembered_until_the_feed_passes_it(ward: Ward):
    """A relay that restores a state from before a receipt is found out even if the cursor is older."""
    ward.settle()
    backup = ward.relay.snapshot()
    mine = ward.write(ward.one)
    link = ward.relay.link()

    def cut_after_receipt(frame: bytes) -> bytes:
        if isinstance(unpack_frame(frame), Receipt):
            link.cut_after = 0
        return frame

    link.tamper = cut_after_receipt
    with suppress(RemoteError):
        ward.one.sync(ward.relay, link)
    assert load_newest(ward.one.store).size > load_cursor(ward.one.store).size
    ward.relay.store = backup
    report = ward.one.sync(ward.relay)
    assert report.alarms == [RELAY_LOG_DENIED, RELAY_LOG_DIFFERS]
    assert mine.hash in ward.relay.names()


# ---------------------------------------------------------------------------------------------- storing what comes


def test_a_full_disk_in_the_middle_leaves_nothing_half(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """Where a batch cannot be stored the sync ends, the cursor stays, and the next one brings everything."""
    ward.one.sync(ward.relay)
    for failing in range(1, 12):
        writing, count = ward.two.store.writing, [0]

        @contextmanager
        def full() -> Iterator[DeviceWriter]:
            count[0] += 1  # noqa: B023 called within this round
            with writing() as writer:  # noqa: B023 the same
                yield writer
                if count[0] == failing:  # noqa: B023 the same
                    raise StoreError("disk_full", expected="room", got="none", do="free some")

        monkeypatch.setattr(ward.two.store, "writing", full)
        try:
            ward.two.sync(ward.relay)
        except StoreError:
            assert not ward.two.store.check()
            assert load_cursor(ward.two.store).size in {0, ward.relay.store.size()}
        monkeypatch.undo()
        ward.two.restart()
    ward.two.sync(ward.relay)
    assert ward.two.shown(ward.chart) == ward.one.shown(ward.chart)


def test_a_chart_is_known_as_soon_as_its_entries_are_stored(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """A crash between storing and learning would hide a chart for ever: both are one transaction."""
    ward.one.sync(ward.relay)
    put_value = DeviceWriter.put_value

    def fail(self: DeviceWriter, name: str, value: bytes | None) -> None:
        if name.startswith("chart/"):
            raise StoreError("disk_full", expected="room", got="none", do="free some")
        put_value(self, name, value)

    monkeypatch.setattr(DeviceWriter, "put_value", fail)
    with pytest.raises(StoreError):
        ward.two.sync(ward.relay)
    monkeypatch.undo()
    stored = {arrived.entry.hash for arrived in ward.two.store.arrivals(after=0, limit=1000)}
    control = {entry.hash for entry in ward.one.keyring.control_entries(ward.chart)}
    assert not stored & control
    ward.two.restart().sync(ward.relay)
    assert ward.two.keyring.charts() == [ward.chart]


def test_a_new_device_is_known_through_the_organisations_stream(clinic: Clinic):
    """A certificate on the control stream is believed by its issuer's signature, and kept across a restart."""
    relay = clinic.start_relay()
    nurse = clinic.device(Role.NURSE)
    new = clinic.device(Role.PHYSICIAN, known=False)
    clinic.admin.sync(relay)
    assert nurse.identity.trust.certificate(new.name) is None
    nurse.sync(relay)
    assert nurse.restart().identity.trust.certificate(new.name) is not None


def test_a_void_control_record_is_stored_and_not_acted_upon(clinic: Clinic):
    """A certificate that nobody signed, and bytes that are no record, stay for the audit and change nothing."""
    from sync_protocol.control import Certify, pack_control

    relay = clinic.start_relay()
    nurse = clinic.device(Role.NURSE)
    batch = clinic.admin.recorder.begin()
    forged = bytearray(nurse.identity.chain[-1].wire)
    forged[100] ^= 1
    batch.organisation_control(Certify(certificate=bytes(forged)))
    batch._drafts.add(clinic.root.value.control, b"\xff")
    batch._drafts.add(clinic.root.value.control, pack_control(Certify(certificate=b"\x00")))
    written = clinic.admin.recorder.write(batch)
    assert carry(clinic.admin, nurse).unsound == 0
    assert all(nurse.store.entry(entry.hash) is not None for entry in written)
    assert relay.store.size() == 0


def test_streams_are_marked_while_entries_wait_and_no_longer(ward: Ward):
    """The mark of held entries is there as long as some wait, and gone when what they waited for has come."""
    from edge_runtime.streams import HELD

    ward.settle()
    three = ward.clinic.device(Role.PHYSICIAN)
    ward.one.charts.share(ward.chart, three.id)
    first = ward.write(ward.one)
    carry(ward.one, three)
    second = ward.write(three)
    third = ward.write(three)
    stored = [arrived.entry for arrived in three.store.arrivals(after=0, limit=1 << 10)]
    carry(three, ward.two, [entry for entry in stored if entry.header.epoch is None])  # nothing lacks its key's record
    mark = HELD + content_stream(ward.chart, ward.encounter, Compartment.CLINICAL).hex()
    carry(three, ward.two, [second])
    assert ward.two.store.get_value(mark) is not None
    carry(three, ward.two, [third])
    assert ward.two.store.get_value(mark) is not None
    mine = ward.write(ward.two)
    assert second.hash not in mine.header.parents
    carry(three, ward.two, [first])
    assert ward.two.store.get_value(mark) is None
    mine = ward.write(ward.two)
    assert third.hash in mine.header.parents


def test_a_gap_is_held_and_no_fault_of_the_relay(ward: Ward):
    """An entry whose predecessor did not come waits for it, and stands in its chain once that is here."""
    ward.settle()
    first = ward.write(ward.one)
    later = ward.write(ward.one)
    taken = carry(ward.one, ward.two, [later])
    assert (taken.stored, taken.unsound, taken.held) == (0, 0, 1)
    taken = carry(ward.one, ward.two, [first])
    assert (taken.stored, taken.released) == (2, 1)
    assert ward.two.store.entry(later.hash) is not None


def test_what_the_relay_left_out_is_asked_for_and_holds_nothing_up(ward: Ward):
    """A page with a gap moves the cursor all the same; the next sync asks for what is missing, and all stands."""
    ward.settle()
    first, later = ward.write(ward.one), ward.write(ward.one)
    ward.one.sync(ward.relay)
    link = ward.relay.link()

    def leave_out(frame: bytes) -> bytes:
        message = unpack_frame(frame)
        if not isinstance(message, Entries):
            return frame
        return pack_frame(Entries(entries=tuple(one for one in message.entries if one.hash != first.hash)))

    link.tamper = leave_out
    report = ward.two.sync(ward.relay, link)
    assert (report.unsound, report.alarms, report.held, report.deferred) == (0, [], 1, 0)
    assert report.checkpoint == ward.relay.store.size()
    assert [one.entry.hash for one in ward.two.store.held()] == [later.hash]
    ward.two.sync(ward.relay)
    assert ward.two.store.held() == []
    assert ward.two.store.entry(later.hash) is not None
    assert ward.two.store.check() == []


def test_charts_whose_members_changed_wait_to_be_mended_until_they_are(ward: Ward):
    """A sync that ends before it looked after the keys leaves that to the next one."""
    ward.one.sync(ward.relay)
    link = ward.relay.link()
    seen = []

    def stop(frame: bytes) -> bytes:
        seen.append(unpack_frame(frame))
        if isinstance(seen[-1], Page):
            link.cut_after = 0
        return frame

    link.tamper = stop
    with suppress(RemoteError):
        ward.two.sync(ward.relay, link)
    assert charts_to_mend(ward.two.store) <= {ward.chart}
    ward.two.sync(ward.relay)
    assert charts_to_mend(ward.two.store) == frozenset()


# ---------------------------------------------------------------------------------------------------- two at once


def test_what_is_recorded_during_a_sync_goes_up_with_it_or_stays_pending(ward: Ward):
    """Another thread that writes whenever the sync waits disturbs neither; nothing is lost, forked or damaged."""
    ward.settle()
    link = ward.relay.link()
    left = [12]

    def record() -> None:
        if left[0]:
            left[0] -= 1
            ward.write(ward.one, "urgent" if left[0] % 2 else "critical")
            ward.one.charts.edit_text(ward.chart, ward.encounter, "plan", f"Step {left[0]}.")

    link.between = record
    ward.one.sync(ward.relay, link)
    ward.settle()
    assert ward.one.pending() == 0
    assert ward.one.shown(ward.chart) == ward.two.shown(ward.chart)
    assert ward.two.text(ward.chart, ward.encounter) == "Step 0."
    assert not ward.one.store.check()


# --------------------------------------------------------------------------------------------------- live


def test_a_live_sync_pushes_what_is_recorded_and_takes_what_comes(ward: Ward):
    """As long as it is connected, idle moments push; what others write arrives without being asked for."""
    ward.settle()
    link = ward.relay.link()
    rounds = [0]

    def stopped() -> bool:
        rounds[0] += 1
        if rounds[0] == 20:
            ward.write(ward.one)
        if rounds[0] == 40:
            ward.write(ward.two, "critical")
            ward.two.sync(ward.relay)
        return rounds[0] > 80

    report = ward.one.client.live(link, ADDRESS, stopped=stopped, tick_s=0.1)
    assert (report.sent, report.receipted, report.received) == (1, 1, 1)
    assert ward.one.pending() == 0
    assert "critical" in str(ward.one.shown(ward.chart))


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_a_live_sync_notices_that_answers_are_overdue(ward: Ward, frames: int):
    """A relay that goes silent in the handshake, or owes a receipt, ends the connection; idle silence does not."""
    ward.settle()
    ticks = [0]

    def stopped() -> bool:
        ticks[0] += 1
        if ticks[0] == frames + 2:
            ward.relay.silent = True
        if ticks[0] == 40:
            ward.write(ward.one)
        return ticks[0] > 200

    with pytest.raises(RemoteError) as error:
        ward.one.client.live(ward.relay.link(), ADDRESS, stopped=stopped, tick_s=0.1)
    assert error.value.code == "relay_silent"
    if frames == 3:
        assert ticks[0] > 40


def test_a_live_sync_over_requests_is_a_mistake(ward: Ward):
    """Over plain requests a relay cannot speak unasked: a host syncs now and then instead."""
    link = HttpLink(RelayRequests(ward.relay, ADDRESS))
    with pytest.raises(MisuseError):
        ward.one.client.live(link, ADDRESS, stopped=lambda: False, tick_s=0.1)


# -------------------------------------------------------------------------------------------------------- requests


def test_sync_over_requests_ends_with_both_sides_up_to_date(ward: Ward):
    """The same exchange over HTTP: handshake, token, pages on request, and an end."""
    requests = RelayRequests(ward.relay, ADDRESS)
    report = ward.one.sync(ward.relay, HttpLink(requests))
    assert report.receipted == report.sent > 0
    assert report.checkpoint == ward.relay.store.size()
    assert [path for path, _ in requests.posts][:2] == ["/v1/sync/hello", "/v1/sync/auth"]
    assert len(requests.posts) < 12
    ward.relay.page = 2
    taken = ward.two.sync(ward.relay, HttpLink(RelayRequests(ward.relay, ADDRESS)))
    assert taken.received > 4
    assert ward.two.shown(ward.chart) == ward.one.shown(ward.chart)


def test_a_request_names_the_last_answer_that_was_read(ward: Ward):
    """So the relay knows whether an answer was lost on the way."""
    requests = RelayRequests(ward.relay, ADDRESS)
    ward.one.sync(ward.relay, HttpLink(requests))
    named = [headers.get("Fieldward-Response") for headers in requests.headers]
    assert named[:3] == [None, None, None]
    assert named[3:] == [str(number) for number in range(3, len(named))]


def test_asking_in_vain_ends(ward: Ward):
    """A relay that answers requests with nothing counts as silent after a few, not never."""
    requests = RelayRequests(ward.relay, ADDRESS)
    link = HttpLink(requests)
    with pytest.raises(RemoteError) as error:
        ward.one.client.run(link, ADDRESS, progress=lambda _: setattr(requests, "empty", bool(link.token)))
    assert error.value.code == "relay_silent"
    assert len(requests.posts) < 12


def test_a_relay_that_never_moves_on_ends_the_polling(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """Answers that bring nothing new, over and over, end the sync too."""
    requests = RelayRequests(ward.relay, ADDRESS)
    monkeypatch.setattr(run_module.Run, "done", property(lambda _: False))
    with pytest.raises(RemoteError) as error:
        ward.one.sync(ward.relay, HttpLink(requests))
    assert error.value.code == "relay_silent"
    assert len(requests.posts) < 20


def test_a_token_stands_for_the_handshake_and_nothing_is_synced(ward: Ward):
    """An administrator's request needs a token alone: neither entries nor a cursor are sent for it."""
    requests = RelayRequests(ward.relay, ADDRESS)
    link = HttpLink(requests)
    token = ward.one.client.token(link, ADDRESS)
    link.close()
    assert len(token) == 32
    assert [path for path, _ in requests.posts] == ["/v1/sync/hello", "/v1/sync/auth"]
    assert ward.one.store.get_value(RELAY) == ward.relay.record.wire


def test_no_token_is_an_error(ward: Ward, clinic: Clinic):
    """A relay that is silent, or another, gives none."""
    requests = RelayRequests(ward.relay, ADDRESS)
    ward.relay.record = clinic.relay_record(issued_ms=3)
    with pytest.raises(RemoteError) as refused:
        ward.one.client.token(HttpLink(requests), "https://elsewhere.example:443")
    assert refused.value.code == "untrusted"

    class Mute(RelayRequests):
        def _answer(self, seat: str, body: bytes | None) -> bytes:
            del seat, body
            return b""

    with pytest.raises(RemoteError) as silent:
        ward.one.client.token(HttpLink(Mute(ward.relay, ADDRESS)), ADDRESS)
    assert silent.value.code == "relay_silent"


# ----------------------------------------------------------------------------------------------------------- outbox


def test_batches_go_in_order_of_arrival_within_their_bounds(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """One batch is under way at a time, of so many entries and bytes; the next follows when all were answered."""
    monkeypatch.setattr("edge_runtime.sync.outbox.BATCH_ENTRIES", 3)
    box = Outbox(ward.one.store, ward.one.identity)
    waiting = [arrived.entry.hash for arrived in ward.one.store.pending(100)]
    sent: list[EntryHash] = []
    while (batch := box.next_batch()) is not None:
        assert 0 < len(batch.entries) <= 3
        assert not box.settled
        assert box.next_batch() is None
        names = [wire.hash for wire in batch.entries]
        assert box.answered(names[:1]) == 1
        assert box.waits == (len(names) > 1)
        assert box.answered([*names, EntryHash(bytes(32))]) == len(names) - 1
        with ward.one.store.writing() as writer:
            writer.mark_receipted(dict.fromkeys(names, 0))
        sent += names
    assert sent == waiting
    assert box.settled
    ward.write(ward.one)
    ward.write(ward.one)
    monkeypatch.setattr("edge_runtime.sync.outbox.BATCH_BYTES", 1)
    assert len(Outbox(ward.one.store, ward.one.identity).next_batch().entries) == 1


def test_a_chain_that_is_wanted_again_and_again_is_looked_through_once(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """A hostile relay may name every chain a thousand times; what stands below what it named first is new."""
    ward.write(ward.one)
    ward.settle()
    last = ward.write(ward.one).header
    walked: list[int] = []

    def walk(store: DeviceStore, stream: StreamId, session: SessionId, *, first: int) -> Iterator[Arrived]:
        walked.append(first)
        return walk_chain(store, stream, session, first=first)

    monkeypatch.setattr("edge_runtime.sync.outbox.walk_chain", walk)
    box = Outbox(ward.one.store, ward.one.identity)
    for first in (1, 1, 2, 0, 0, 1):
        box.lost([(last.stream, last.session, first)])
    assert walked == [1, 0]
    assert ward.one.store.waiting() >= last.seq + 1


def test_proofs_are_sent_once_and_as_the_relay_lacks_them(ward: Ward):
    """Certificates and session go with a session's first seal only; seals go without gaps."""
    ward.settle()
    for _ in range(3):
        ward.write(ward.one)
    box = Outbox(ward.one.store, ward.one.identity)
    session = ward.one.identity.session.value.session
    last = ward.one.store.last_seal(session)
    assert last is not None
    box.relay_lacks({session: last.value.number - 2})
    batch = box.next_batch()
    assert batch is not None
    assert (batch.proofs.certificates, batch.proofs.sessions, len(batch.proofs.seals)) == ((), (), 3)
    fresh = Outbox(ward.one.store, ward.one.identity).next_batch()
    assert fresh is not None
    assert (len(fresh.proofs.certificates), len(fresh.proofs.sessions)) == (2, 1)
    assert len(fresh.proofs.seals) == last.value.number + 1


def test_the_seals_of_another_branch_go_up_below_what_the_relay_lacks(ward: Ward, clinic: Clinic, tmp_path: Any):
    """After a fork the relay has a seal of that number, of the other branch: both branches reach it all the same."""
    ward.settle()
    ward.one.store.checkpoint()
    copy = tmp_path / "twin.db"
    copy.write_bytes(ward.one.path.read_bytes())
    twin = Device(clinic, copy, ward.one.entropy)
    twin.load()
    clinic.devices.append(twin)
    for _ in range(4):
        ward.write(ward.one)
    ward.write(twin)
    assert ward.one.sync(ward.relay).refusals == 0
    report = twin.sync(ward.relay)
    assert (report.refusals, report.receipted) == (0, 1)


def test_what_was_never_here_is_passed_over(ward: Ward):
    """Marking as pending counts what was not so before, and knows no strangers."""
    ward.settle()
    names = [arrived.entry.hash for arrived in ward.one.store.arrivals(after=0, limit=3)]
    with ward.one.store.writing() as writer:
        assert writer.mark_pending([*names, EntryHash(bytes(32))]) == 3
        assert writer.mark_pending(names) == 0
    assert [arrived.entry.hash for arrived in ward.one.store.pending(10)] == names
    assert not ward.one.store.check()
    with ward.one.store.writing() as writer:
        assert writer.mark_refused(names[0], "quota", "later")
        assert writer.mark_pending(names) == 1
        assert writer.mark_receipted(dict.fromkeys(names, 7)) == 3
    assert ward.one.pending() == 0
    assert not ward.one.store.check()


def test_other_names_for_the_world() -> None:
    """The kinds used above are the protocol's."""
    assert issubclass(BrokenChainError, ExplainedError)
    assert Arrived.__name__ == "Arrived"
    assert issubclass(RefusedError, ExplainedError)
    assert ChartId.SIZE == DocumentId.SIZE == 16
    assert RelayShell.__name__ == "RelayShell"
