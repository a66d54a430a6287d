"""Purges: the content of a chart and its keys go, on what was signed; everything that proves what there was stays."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

import server.relay.purging
import server.relay.upkeep
from server.relay.commands import server as command
from server.relay.errors import StorageError
from server.relay.evidence import open_evidence
from server.relay.feed import LogFeed
from server.relay.purging import Purger
from server.relay.store import SqlStore
from server.relay.stretches import PageLimits
from sync_protocol.chart_records import ConfirmPurge, ProposePurge, PurgeReason, SetHold
from sync_protocol.control import Control, MintEpoch, Rewrap, unpack_control
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash
from sync_protocol.limits import PURGE_WAIT_MS
from sync_protocol.roles import Compartment, Role
from sync_protocol.verification import verify
from tests.support.charts import ChartWriter
from tests.support.people import Device, DeviceSession, Organisation
from tests.support.relay_room import Bench, Reopen, open_bench
from tests.support.relay_server import RelayThread, keep
from tests.support.shells import SyncingDevice

LARGE = PageLimits(entries=512, size_bytes=1 << 20)
PLANTED = b"a planted phrase that nobody may find again " * 4
DATE_MS = 2_000_000_000_000
"""Long after what these tests write has come, and its wait is over."""


@dataclass
class Case:
    """A chart with content of every compartment, and the people about it."""

    bench: Bench
    doctor: Device
    officer: Device
    chart: ChartWriter
    first: DeviceSession
    sessions: list[DeviceSession]

    @classmethod
    def make(cls, bench: Bench) -> Case:
        """The chart is stored, and both have opened another session."""
        organisation = bench.organisation
        doctor, officer = organisation.device(Role.PHYSICIAN), organisation.device(Role.COMPLIANCE_OFFICER)
        for device in (doctor, officer):
            bench.trust.restore(device.certificate)
        first = doctor.session()
        chart = ChartWriter.begin(first, members=[officer])
        chart.control(Rewrap(epoch=chart.epochs[Compartment.SAFETY], wraps=((officer.name, bytes(1168)),)))
        chart.control(Rewrap(epoch=chart.epochs[Compartment.AUDIT], wraps=((officer.name, bytes(1168)),)))
        for compartment in Compartment:
            chart.written += first.write(
                chart.stream(compartment), [PLANTED + bytes([compartment])], epoch=chart.epochs[compartment]
            )[1]
        assert bench.commit(first, entries=chart.written).refused == []
        later, inspecting = doctor.session(), officer.session()
        case = cls(bench, doctor, officer, chart, first, [later, inspecting])
        for session in case.sessions:
            session.see(entry for entry in chart.written if entry.header.epoch is None)
        return case

    def say(self, session: DeviceSession, record: Control) -> EntryHash:
        """Write a record of the chart, which is taken, and which everybody sees."""
        entries = session.write_control(self.chart.control_stream, [record])[1]
        assert self.bench.commit(session, entries=entries).refused == []
        for other in self.sessions:
            if other is not session:
                other.see(entries)
        return entries[0].hash

    def confirm(self, not_before_ms: int = DATE_MS) -> None:
        """Propose and confirm the purge."""
        later, inspecting = self.sessions
        proposal = self.say(later, ProposePurge(reason=PurgeReason.RETENTION_ENDED, not_before_ms=not_before_ms))
        self.say(inspecting, ConfirmPurge(proposal=proposal))

    def run(self, now_ms: int = DATE_MS) -> int:
        """What the relay does now and then."""
        return purger(self.bench, now_ms).run()


def purger(bench: Bench, now_ms: int = DATE_MS) -> Purger:
    """At some time, with the bench's window."""
    made = Purger(bench.store, bench.directory, now_ms=lambda: now_ms)
    made.destroyed = lambda indices: (bench.window.forget(indices), bench.fanout.forget())  # type: ignore[assignment,func-returns-value]
    return made


def bodies(store: SqlStore) -> dict[EntryHash, VerifiedEntry]:
    """Every entry as it is stored."""
    return {item.entry.hash: item.entry for item in store.arrivals(after=0, limit=10_000)}


def fed(bench: Bench, device: Device, *, live: bool = False) -> list[VerifiedEntry]:
    """What a newcomer is fed."""
    feed = LogFeed(device.name, directory=bench.directory, trust=bench.trust, cursor=0)
    page = feed.page(bench.window if live else bench.archive, bench.window.tip, LARGE)
    assert not page.more
    assert page.note == bench.window.tip.note
    return [item.entry for item in page.entries]


def destroyed(case: Case) -> set[EntryHash]:
    """What a purge takes."""
    found: set[EntryHash] = set()
    for entry in case.chart.written:
        if entry.header.epoch is not None:
            if entry.header.stream != case.chart.stream(Compartment.AUDIT):
                found.add(entry.hash)
            continue
        record = unpack_control(entry.body)
        if isinstance(record, MintEpoch) and record.compartment is not Compartment.AUDIT:
            found.add(entry.hash)
        if isinstance(record, Rewrap) and record.epoch != case.chart.epochs[Compartment.AUDIT]:
            found.add(entry.hash)
    return found


def test_a_confirmed_purge_takes_content_and_keys(reopen: Reopen, tmp_path: Path):
    """From the database and from memory; headers, log, other records and the audit trail stay, after a restart too."""
    with reopen() as bench:
        case = Case.make(bench)
        tip = bench.window.tip
        case.confirm()
        before = bodies(bench.store)
        assert case.run() == 1
        after = bodies(bench.store)
        gone = {name for name, entry in after.items() if entry.is_stripped}
        assert gone == destroyed(case)
        assert [entry.wire.header for entry in after.values()] == [entry.wire.header for entry in before.values()]
        window = bench.window.entries(
            after=tip.size, until=bench.window.tip.size, streams=set(bench.store.streams()), limit=100
        )
        assert {item.entry.hash for item in window if item.entry.is_stripped} <= gone
        assert bench.store.inclusion_paths([0], tip.size)
        assert case.run() == 0
    with reopen() as again:
        again.trust.restore(case.doctor.certificate)
        again.trust.restore(case.officer.certificate)
        for device in (case.doctor, case.officer):
            entries = {entry.hash for entry in fed(again, device)}
            assert not entries & gone
            assert case.chart.written[0].hash in entries
            assert {
                entry.hash
                for entry in case.chart.written
                if entry.header.stream == case.chart.stream(Compartment.AUDIT)
            } <= entries
    file = tmp_path / "relay.sqlite3"
    if file.exists():
        everything = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
        assert everything.count(PLANTED) == everything.count(PLANTED + bytes([Compartment.AUDIT])) > 0


def test_what_proves_a_purge_is_fed_and_what_hangs_on_lost_bodies_is_not(reopen: Reopen):
    """A device that was away learns why; no chain with a hole is sent, which it would have to refuse."""
    with reopen() as bench:
        case = Case.make(bench)
        case.confirm()
        case.run()
        chains: dict[tuple, list[int]] = {}
        records = []
        for entry in fed(bench, case.officer):
            chains.setdefault((entry.header.session, entry.header.stream), []).append(entry.header.seq)
            if entry.header.epoch is None:
                records.append(type(unpack_control(entry.body)))
        assert all(numbers == list(range(len(numbers))) for numbers in chains.values())
        assert {ProposePurge, ConfirmPurge} <= set(records)


def test_a_chain_that_leads_to_the_purge_keeps_its_bodies(reopen: Reopen):
    """Who proposes in the session that minted the keys: content goes, what verifies the proposal stays."""
    with reopen() as bench:
        case = Case.make(bench)
        case.sessions[0] = case.first
        case.confirm()
        assert case.run() == 1
        gone = {name for name, entry in bodies(bench.store).items() if entry.is_stripped}
        assert gone == {e.hash for e in case.chart.written if e.hash in destroyed(case) and e.header.epoch is not None}


@pytest.mark.parametrize("why", ["early", "held", "own", "unconfirmed", "revived"])
def test_nothing_is_destroyed_before_everything_holds(reopen: Reopen, why: str):
    """Not before its date, nor under a legal hold, nor by one person's word; a hold that ended delays it only."""
    with reopen() as bench:
        case = Case.make(bench)
        if why == "own":
            inspecting = case.sessions[1]
            proposal = case.say(inspecting, ProposePurge(reason=PurgeReason.COURT_ORDER, not_before_ms=DATE_MS))
            case.say(inspecting, ConfirmPurge(proposal=proposal))
        elif why == "unconfirmed":
            case.say(case.sessions[0], ProposePurge(reason=PurgeReason.COURT_ORDER, not_before_ms=DATE_MS))
        else:
            case.confirm()
        if why in {"held", "revived"}:
            case.say(case.sessions[1], SetHold(held=True))
        assert case.run(DATE_MS - 1 if why == "early" else DATE_MS) == 0
        assert not any(entry.is_stripped for entry in bodies(bench.store).values())
        if why == "revived":
            case.say(case.sessions[1], SetHold(held=False))
            assert case.run() == 1


def test_a_purge_waits_from_when_its_confirmation_came(reopen: Reopen):
    """Seven days by the relay's clock, and anew from when a hold was lifted: so long somebody can stop it."""
    with reopen() as bench:
        case, clock = Case.make(bench), bench.organisation.clock
        case.confirm(not_before_ms=0)
        came_ms = clock.now_ms
        assert case.run(came_ms + PURGE_WAIT_MS - 1000) == 0
        clock.now_ms += PURGE_WAIT_MS
        case.say(case.sessions[1], SetHold(held=True))
        case.say(case.sessions[1], SetHold(held=False))
        assert case.run(came_ms + PURGE_WAIT_MS + 1000) == 0
        assert not any(entry.is_stripped for entry in bodies(bench.store).values())
        assert case.run(clock.now_ms + PURGE_WAIT_MS) == 1


def test_a_confirmation_whose_reason_came_late_waits_from_then_on(reopen: Reopen):
    """What its author had seen came after it: until then it did not count, and nobody was warned."""
    with reopen() as bench:
        case, clock = Case.make(bench), bench.organisation.clock
        later, inspecting = case.sessions
        stream = case.chart.control_stream
        proposal = later.write_control(stream, [ProposePurge(reason=PurgeReason.COURT_ORDER, not_before_ms=0)])[1]
        inspecting.see(proposal)
        confirmation = inspecting.write_control(stream, [ConfirmPurge(proposal=proposal[0].hash)])[1]
        assert bench.commit(inspecting, entries=confirmation).refused == []
        clock.now_ms += PURGE_WAIT_MS
        assert bench.commit(later, entries=proposal).refused == []
        assert case.run(clock.now_ms + 1000) == 0
        assert case.run(clock.now_ms + PURGE_WAIT_MS) == 1


def test_an_interrupted_purge_goes_on(reopen: Reopen, monkeypatch):
    """A transaction that fails, a relay that stops: the next run or start finishes it, and nothing comes back."""
    monkeypatch.setattr(server.relay.purging, "BATCH_ENTRIES", 2)
    with reopen() as bench:
        case = Case.make(bench)
        case.confirm()
        made, destroy, calls = purger(bench), bench.store.destroy_bodies, []

        def failing(indices) -> None:
            calls.append(indices)
            if len(calls) == 2:
                raise StorageError("storage_full", expected="room", got="none", do="free some")
            destroy(indices)

        monkeypatch.setattr(bench.store, "destroy_bodies", failing)
        made.try_run()
        gone = {name for name, entry in bodies(bench.store).items() if entry.is_stripped}
        assert len(gone) == 2
        assert bench.store.purges(unfinished=True) == {case.chart.id}
        assert not {e.hash for e in fed(bench, case.doctor, live=False)} & gone
    with reopen() as again:
        for device in (case.doctor, case.officer):
            again.trust.restore(device.certificate)
        stopped = purger(again)
        stopped.stop()
        assert stopped.run() == 0
        assert purger(again).run() == 1
        assert {name for name, entry in bodies(again.store).items() if entry.is_stripped} == destroyed(case)
        assert again.store.purges(unfinished=True) == frozenset()


def test_what_comes_late_is_taken_without_its_body(reopen: Reopen):
    """Content and keys of a device that did not know: in the log, receipted, and not kept; other records are."""
    with reopen() as bench:
        case = Case.make(bench)
        case.confirm()
        case.run()
        late = case.doctor.session()
        content = late.write(case.chart.stream(Compartment.CLINICAL), [PLANTED], epoch=EntryHash(bytes(32)))[1]
        audit = late.write(case.chart.stream(Compartment.AUDIT), [PLANTED], epoch=EntryHash(bytes(32)))[1]
        case.chart.session = late
        case.chart.mint(Compartment.CLINICAL, [case.doctor])
        document = case.chart.add_document()
        records = case.chart.written[-2:]
        further = late.write(case.chart.stream(Compartment.SAFETY, document), [PLANTED], epoch=EntryHash(bytes(32)))[1]
        written = bench.commit(late, entries=[*content, *audit, *records, *further])
        assert written.refused == []
        assert len(written.places) == 5
        kept = bodies(bench.store)
        names = [*content, *audit, *records, *further]
        assert [kept[entry.hash].is_stripped for entry in names] == [True, False, True, False, True]
        assert not any(entry.is_stripped for entry in fed(bench, case.doctor))
        assert records[1].hash not in {entry.hash for entry in fed(bench, case.doctor)}, "it follows a hole"


def test_the_purged_data_verifies_and_nothing_else_may_be_missing(tmp_path: Path, organisation: Organisation):
    """The signed records say why the bodies are not there; a body that is missing elsewhere is found."""
    with open_bench(tmp_path, organisation) as bench:
        bench.store.put_value("relay_record", organisation.relay.wire)
        case = Case.make(bench)
        other = Case.make(bench)
        case.confirm()
        case.run()
        audit = next(
            item.index
            for item in bench.store.arrivals(after=0, limit=100)
            if item.entry.header.stream == other.chart.stream(Compartment.SAFETY)
        )
    with open_evidence(tmp_path, database_url=None, root=None) as source:
        report = verify(source)
    assert report.ok, report.findings
    with sqlite3.connect(tmp_path / "relay.sqlite3") as connection:
        connection.execute("UPDATE entry SET body = X'' WHERE log_index = ?", (audit,))
        connection.execute("INSERT INTO purge (chart, began_ms) VALUES (?, 1)", (other.chart.id,))
    with open_evidence(tmp_path, database_url=None, root=None) as source:
        assert not verify(source).ok


def test_a_running_relay_purges_and_counts(tmp_path: Path, organisation: Organisation, monkeypatch):
    """Once the wait is over, without anybody asking; `fieldward server status` says how many charts."""
    done = threading.Event()
    monkeypatch.setattr(server.relay.upkeep, "_PURGE_LOOK_S", 0.02)
    end = SqlStore.end_purge

    def ending(self: SqlStore, *arguments) -> None:
        end(self, *arguments)
        done.set()

    monkeypatch.setattr(SqlStore, "end_purge", ending)
    doctor, officer = (SyncingDevice(organisation.device(r)) for r in (Role.PHYSICIAN, Role.COMPLIANCE_OFFICER))
    home = tmp_path / "home"
    with RelayThread(home, organisation) as room:
        room.claim()
        chart = ChartWriter.begin(doctor.session, members=[officer.device])
        content = chart.write()
        proposing = ProposePurge(reason=PurgeReason.CREATED_IN_ERROR, not_before_ms=0)
        (proposal,) = chart.control(proposing)
        keep(doctor, doctor.session, chart.written)
        with room.dial(doctor) as line:
            line.run()
        officer.session.see(entry for entry in chart.written if entry.header.epoch is None)
        confirming = officer.session.write_control(chart.control_stream, [ConfirmPurge(proposal=proposal.hash)])[1]
        keep(officer, officer.session, confirming)
        with room.dial(officer) as line:
            line.run()
        assert not room.services.store.purges()
        organisation.clock.now_ms += PURGE_WAIT_MS
        assert done.wait(10)
        found = room.services.store.entry(content[0].hash)
        assert found is not None
        assert found.entry.is_stripped
    told = CliRunner().invoke(command, ["status", "--home", str(home), "--json"])
    assert json.loads(told.output)["purged_charts"] == 1
