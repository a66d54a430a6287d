"""Clocks: what authors say of the time, against the order that chains and seals prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sync_protocol.entries import VerifiedEntry
from sync_protocol.finding_list import Policy
from sync_protocol.ids import StreamId
from sync_protocol.roles import Role
from sync_protocol.verification import Report, verify
from tests.support.audit_source import MemorySource
from tests.support.people import DeviceSession, Organisation
from tests.unit.sync_protocol.evidence_samples import kinds, piece_of

MINUTE_MS = 60_000


class Ward:
    """An organisation whose devices' clocks can be set."""

    def __init__(self) -> None:
        self.organisation = Organisation.make(9)
        self.sessions: list[DeviceSession] = []
        self.entries: list[VerifiedEntry] = []
        self.one, self.other = self.organisation.stream(), self.organisation.stream()

    def session(self, role: Role = Role.NURSE) -> DeviceSession:
        """A new session of a new device."""
        self.sessions.append(self.organisation.device(role).session())
        return self.sessions[-1]

    def write(self, session: DeviceSession, *streams: StreamId, minutes: float = 0) -> tuple[VerifiedEntry, ...]:
        """Write under one seal, the clock so many minutes on."""
        self.organisation.clock.now_ms += int(minutes * MINUTE_MS)
        _, entries = session.write_all([(stream, b"body") for stream in streams])
        self.entries += entries
        return entries

    def check(self, entries: Sequence[VerifiedEntry] | None = None, **options: Any) -> Report:
        """Verify, in the order of writing or in another."""
        return verify(self.source(entries), **options)

    def source(self, entries: Sequence[VerifiedEntry] | None = None) -> MemorySource:
        """The evidence."""
        organisation = self.organisation
        return MemorySource(
            book={},
            root_wire=organisation.root.wire,
            relay_wires=(),
            certificate_wires=tuple(certificate.wire for certificate in organisation.certificates),
            session_wires=tuple({session.id: session.record.wire for session in self.sessions}.values()),
            seal_wires=tuple(
                dict.fromkeys(
                    seal.wire
                    for session in sorted(self.sessions, key=lambda one: one.id)
                    for seal in sorted(
                        (s for twin in self.sessions if twin.id == session.id for s in twin.seals),
                        key=lambda seal: (seal.value.number, seal.hash),
                    )
                )
            ),
            piece_list=tuple(piece_of(entry) for entry in (self.entries if entries is None else entries)),
        )


def test_a_session_whose_clock_runs_back_is_found():
    """By more than two minutes, in one chain or across streams; with both times."""
    ward = Ward()
    nurse = ward.session()
    ward.write(nurse, ward.one, minutes=60)
    (entry,) = ward.write(nurse, ward.other, minutes=-10)
    (finding,) = ward.check().findings
    assert finding.kind == "time_travel"
    assert (finding.session, finding.seq, finding.evidence["entry"]) == (nurse.id, 0, entry.hash.hex())
    before, dated = finding.evidence["before_ms"], finding.evidence["wall_ms"]
    assert isinstance(before, int)
    assert isinstance(dated, int)
    assert before - dated > 9 * MINUTE_MS


def test_a_clock_may_be_set_back_a_little():
    """As clocks are that the network sets."""
    ward = Ward()
    nurse = ward.session()
    ward.write(nurse, ward.one, minutes=60)
    ward.write(nurse, ward.one, minutes=-1.9)
    assert ward.check().findings == ()


def test_an_entry_before_its_sessions_start_is_found():
    """The same clock started the session."""
    ward = Ward()
    nurse = ward.session()
    ward.write(nurse, ward.one, minutes=-60)
    assert kinds(ward.check()) == {"time_travel": 1}


def test_a_clock_that_ran_back_is_found_chain_by_chain_too():
    """Where evidence does not come in the order in which it was written, its seals tell that order."""
    ward = Ward()
    nurse = ward.session()
    first = ward.write(nurse, ward.one, minutes=60)
    second = ward.write(nurse, ward.other, ward.one, ward.other, minutes=30)
    third = ward.write(nurse, ward.other, minutes=-20)
    fourth = ward.write(nurse, ward.one, ward.other, minutes=50)
    entries = [*first, second[1], fourth[0], second[0], second[2], *third, fourth[1]]
    for order in (ward.entries, entries):
        (finding,) = ward.check(order).findings
        assert (finding.kind, finding.evidence["entry"]) == ("time_travel", third[0].hash.hex())
    source = ward.source(entries)
    garbled = replace(source, piece_list=(*source.piece_list, replace(source.piece_list[0], header=b"\x01")))
    assert kinds(verify(garbled)) == {"forged": 1, "time_travel": 1}


def test_within_one_seal_the_order_is_that_of_the_seal():
    """Two streams under one seal, read one after the other."""
    ward = Ward()
    nurse = ward.session()
    clock = ward.organisation.clock
    chains = nurse._draft

    def late(stream: StreamId, *rest: Any) -> Any:
        clock.now_ms += -30 * MINUTE_MS if stream == ward.other else 60 * MINUTE_MS
        return chains(stream, *rest)

    nurse._draft = late  # type: ignore[assignment]
    one, other, again = ward.write(nurse, ward.one, ward.other, ward.one)
    (finding,) = ward.check([one, again, other]).findings
    assert (finding.kind, finding.evidence["entry"]) == ("time_travel", other.hash.hex())


def test_a_removed_entry_hides_no_clock():
    """Seals under which nothing was met have no times."""
    ward = Ward()
    nurse = ward.session()
    for minutes in (60, 1, 1):
        ward.write(nurse, ward.one, minutes=minutes)
    other = ward.write(nurse, ward.other, minutes=-30)
    report = ward.check([ward.entries[2], ward.entries[0], *other])
    assert kinds(report)["time_travel"] == 1


def test_a_forked_session_has_no_order_across_streams():
    """Its branches lived at different times; each chain is judged by itself."""
    ward = Ward()
    nurse = ward.session()
    ward.write(nurse, ward.one, minutes=60)
    twin = nurse.branch()
    ward.sessions.append(twin)
    late = ward.write(nurse, ward.one, minutes=60)
    early = ward.write(twin, ward.other, minutes=-30)
    report = ward.check([*late, *ward.entries[:1], *early])
    assert "time_travel" not in kinds(report)


def test_two_clocks_that_differ_are_one_notice():
    """For the pair of sessions, with the largest difference."""
    ward = Ward()
    nurse, doctor = ward.session(), ward.session()
    for minutes in (60, 30, 30):
        doctor.see(ward.write(nurse, ward.one, minutes=minutes))
        minutes_back = -10 if minutes == 30 else -20
        entries = ward.write(doctor, ward.one, minutes=minutes_back)
        nurse.see(entries)
    (finding,) = ward.check().findings
    assert finding.kind == "skew"
    difference = finding.evidence["difference_ms"]
    assert isinstance(difference, int)
    assert difference > 19 * MINUTE_MS
    assert (finding.session, finding.evidence["follows_session"]) == (doctor.id, nurse.id.hex())
    assert ward.check().ok


def test_notices_of_clocks_are_bounded(monkeypatch: Any):
    """Pairs of sessions may be many."""
    monkeypatch.setattr("sync_protocol.clock_checks.PAIRS_MAX", 0)
    ward = Ward()
    nurse, doctor = ward.session(), ward.session()
    doctor.see(ward.write(nurse, ward.one, minutes=60))
    ward.write(doctor, ward.one, minutes=-20)
    assert ward.check().findings == ()


def test_doubtful_seals_are_bounded(monkeypatch: Any):
    """Only so many are read again."""
    monkeypatch.setattr("sync_protocol.session_clocks.DOUBTFUL_MAX", 0)
    ward = Ward()
    nurse = ward.session()
    ward.write(nurse, ward.one, minutes=60)
    ward.write(nurse, ward.other, minutes=-30)
    ward.write(nurse, ward.one, minutes=60)
    entries = [ward.entries[0], ward.entries[2], ward.entries[1]]
    assert ward.check(entries).findings == ()


def test_reported_clocks_are_remembered_within_bounds():
    """Beyond them an entry may be named twice, and is still counted."""
    ward = Ward()
    nurse = ward.session()
    ward.write(nurse, ward.one, minutes=60)
    ward.write(nurse, ward.one, minutes=-10)
    assert kinds(ward.check(policy=Policy(findings_max=0))) == {"time_travel": 1}


def test_silent_devices_are_told_of():
    """Those that may still write, by their newest entry, or by their certificate where they never wrote."""
    ward = Ward()
    nurse = ward.session()
    ward.write(nurse, ward.one)
    now = ward.organisation.clock.now_ms
    day = 24 * 60 * MINUTE_MS
    assert ward.check(now_ms=now + 13 * day).findings == ()
    report = ward.check(now_ms=now + 15 * day)
    assert report.ok
    assert kinds(report) == {"unseen_device": 2}
    seen = {finding.device: finding.evidence.get("last_seen_ms") for finding in report.findings}
    assert seen[nurse.device.certificate.value.device] == ward.entries[0].header.wall_ms
    assert seen[ward.organisation.admin.certificate.value.device] is None
    assert ward.check(now_ms=now + 400 * day).findings == ()


def test_a_clock_that_is_walked_back_is_found_where_it_crosses_the_line():
    """Step by step it comes as far; once, until it is up again. Read chain by chain, in each chain, too."""
    for streams in (("one", "one"), ("one", "other")):
        ward = Ward()
        nurse = ward.session()
        ward.write(nurse, ward.one, minutes=60)
        for step in range(6):
            ward.write(nurse, getattr(ward, streams[step % 2]), minutes=-1.5)
        for order in (ward.entries, sorted(ward.entries, key=lambda entry: (entry.header.stream, entry.header.seq))):
            report = ward.check(order)
            assert kinds(report)["time_travel"] >= 1
        (finding,) = ward.check().findings
        assert finding.evidence["entry"] == ward.entries[2].hash.hex()


def test_a_chain_is_judged_by_itself_where_its_session_forked():
    """Along its own predecessors."""
    ward = Ward()
    nurse = ward.session()
    ward.write(nurse, ward.one, minutes=60)
    twin = nurse.branch()
    ward.sessions.append(twin)
    ward.write(nurse, ward.one)
    ward.write(twin, ward.one, minutes=-30)
    assert kinds(ward.check())["time_travel"] == 1
