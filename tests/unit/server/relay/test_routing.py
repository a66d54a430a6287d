"""Who is fed which charts, by teams, removals, roles, emergencies and recovery; and what of it the log takes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from server.relay.charts import Chart
from server.relay.feed import LogFeed
from server.relay.offices import Office
from server.relay.parties import By, Party
from server.relay.stretches import PageLimits
from sync_protocol.chart_records import AddTeam, AskKeys, ConfirmPurge, Preload, RemoveMember, RemoveTeam, SetHold
from sync_protocol.control import LEDGER_NONCE, AddMember, Control, CreateChart, SetRole, control_stream, ledger_id
from sync_protocol.emergency_records import (
    AnnounceRecovery,
    BreakGlass,
    BreakGlassReason,
    CloseBreakGlass,
    RecoveryRecord,
    RunRecovery,
    grant_recovered,
    issue_recovery,
)
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, TeamId
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.limits import MEMBER_CHANGES_MAX, WRAP_BYTES, WRAP_KEY_BYTES
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Verified
from sync_protocol.signing import SigningKey
from sync_protocol.team_records import (
    AddToTeam,
    CreateTeam,
    MintTeamEpoch,
    RemoveFromTeam,
    RewrapTeam,
    team_id,
)
from tests.support.charts import ChartWriter
from tests.support.people import Device, DeviceSession, Organisation
from tests.support.relay_room import Bench, open_bench

CARE = (Compartment.SAFETY, Compartment.CLINICAL)
LARGE = PageLimits(entries=512, size_bytes=1 << 20)


@pytest.fixture
def organisation() -> Organisation:
    """For each test its own: revocations stay."""
    return Organisation.make(31)


@pytest.fixture
def bench(tmp_path: Path, organisation: Organisation) -> Iterator[Bench]:
    """An empty relay."""
    with open_bench(tmp_path, organisation) as opened:
        yield opened


class Ward:
    """People with one session each, who see each other's control records as soon as these are stored."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.organisation = bench.organisation
        self.sessions: dict[CertificateHash, DeviceSession] = {}
        self.seen: list[VerifiedEntry] = []

    def person(self, role: Role) -> Device:
        """A device with a session."""
        device = self.organisation.admin if role is Role.ADMIN else self.organisation.device(role)
        self.bench.trust.restore(device.certificate)
        session = self.sessions[device.name] = device.session()
        session.see(self.seen)
        return device

    def say(self, device: Device, *records: Control, chart: ChartWriter | None = None) -> list[EntryHash]:
        """Write records of the organisation, or of a chart; they are taken."""
        entries = self.write(device, *records, chart=chart)
        assert self.store(device, entries) == []
        for name, session in self.sessions.items():
            if name != device.name:
                session.see(entries)
        self.seen += entries
        return [entry.hash for entry in entries]

    def write(self, device: Device, *records: Control, chart: ChartWriter | None = None) -> tuple[VerifiedEntry, ...]:
        """Write records without sending them."""
        stream = self.organisation.root.value.control if chart is None else chart.control_stream
        return self.sessions[device.name].write_control(stream, records)[1]

    def store(self, device: Device, entries: tuple[VerifiedEntry, ...] | list[VerifiedEntry]) -> list[str]:
        """Send entries; the codes of what was refused."""
        return [one.error.code for one in self.bench.commit(self.sessions[device.name], entries=entries).refused]

    def refusal(self, device: Device, record: Control, chart: ChartWriter | None = None) -> list[str]:
        """Why a record is refused; the session goes on as if it had not been written."""
        stream = self.organisation.root.value.control if chart is None else chart.control_stream
        attempt = self.sessions[device.name].branch()
        _, entries = attempt.write_control(stream, [record])
        return [one.error.code for one in self.bench.commit(attempt, entries=entries).refused]

    def chart(self, owner: Device, *members: Device) -> ChartWriter:
        """A chart that is stored."""
        chart = ChartWriter.begin(self.sessions[owner.name], members=members)
        assert self.store(owner, chart.written) == []
        for name, session in self.sessions.items():
            if name != owner.name:
                session.see(chart.written)
        self.seen += chart.written
        return chart

    def team(self, creator: Device, *members: Device) -> TeamId:
        """A team for safety and clinical content."""
        nonce = self.organisation.entropy(16)
        name = team_id(creator.name, nonce)
        self.say(creator, CreateTeam(nonce=nonce, compartments=CARE))
        self.say(creator, *(AddToTeam(team=name, certificate=member.name) for member in members))
        return name

    def reads(self, device: Device, chart: ChartWriter) -> set[Compartment] | None:
        """The compartments of a chart that somebody is fed; None for who is no member."""
        streams = self.bench.directory.readable(device.name)
        if chart.control_stream not in streams:
            return None
        return {one for one in Compartment if chart.stream(one) in streams}


@pytest.fixture
def ward(bench: Bench) -> Ward:
    """People."""
    return Ward(bench)


def an_epoch(organisation: Organisation, team: TeamId) -> MintTeamEpoch:
    """A team's key, wrapped to nobody."""
    entropy = organisation.entropy
    return MintTeamEpoch(
        team=team,
        parents=(),
        commitment=Hash(entropy(32)),
        nonce=entropy(32),
        public=entropy(WRAP_KEY_BYTES),
        wraps=((Hash(entropy(32)), entropy(WRAP_BYTES)),),
    )


def recovery(organisation: Organisation, signer: SigningKey, **changes: object) -> Verified[RecoveryRecord]:
    """The root's word for a recovery key."""
    fields: dict = {
        "organisation": organisation.root.value.organisation,
        "wrap": WrapPrivateKey(bytes(32)).public,
        "signer": signer.public,
        "threshold": 3,
        "shares": 5,
        "drill": WrapPrivateKey(bytes([1]) * 32).public,
        "canary": ChartId(bytes(16)),
        "canary_wrap": bytes(WRAP_BYTES),
        "canary_body": b"canary",
        "issued_ms": organisation.clock(),
    }
    return issue_recovery(RecoveryRecord(**(fields | changes)), organisation.root_key)


def test_a_team_s_members_are_fed_its_charts_as_they_come_and_go(ward: Ward):
    """At once, all charts of the team; to each what chart, team and role allow, and nothing to who left."""
    doctor, nurse, late = (ward.person(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.NURSE))
    team = ward.team(doctor, nurse)
    charts = [ward.chart(doctor) for _ in range(3)]
    for chart in charts:
        ward.say(doctor, AddTeam(team=team, compartments=(Compartment.SAFETY, Compartment.AUDIT)), chart=chart)
    assert [ward.reads(nurse, chart) for chart in charts] == [{Compartment.SAFETY}] * 3
    assert ward.reads(late, charts[0]) is None
    ward.say(nurse, AddToTeam(team=team, certificate=late.name))
    assert [ward.reads(late, chart) for chart in charts] == [{Compartment.SAFETY}] * 3
    ward.say(doctor, RemoveFromTeam(team=team, certificate=nurse.name))
    assert [ward.reads(nurse, chart) for chart in charts] == [None] * 3
    ward.say(doctor, RemoveTeam(team=team), chart=charts[0])
    assert [ward.reads(late, chart) for chart in charts] == [None, {Compartment.SAFETY}, {Compartment.SAFETY}]


def test_membership_by_team_and_directly_is_a_union(ward: Ward):
    """Who loses one way keeps the other."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    team, chart = ward.team(doctor, nurse), ward.chart(doctor)
    ward.say(doctor, AddTeam(team=team, compartments=(Compartment.SAFETY,)), chart=chart)
    ward.say(doctor, AddMember(certificate=nurse.name, compartments=(Compartment.CLINICAL,)), chart=chart)
    assert ward.reads(nurse, chart) == set(CARE)
    ward.say(doctor, RemoveFromTeam(team=team, certificate=nurse.name))
    assert ward.reads(nurse, chart) == {Compartment.CLINICAL}


def test_a_removal_stops_the_feed_and_an_addition_that_saw_it_begins_it_anew(ward: Ward):
    """What was readable before comes again from the beginning; what was written offline is taken all the same."""
    doctor, nurse = ward.person(Role.PHYSICIAN), ward.person(Role.NURSE)
    chart = ward.chart(doctor, nurse)
    offline = chart.write(session=ward.sessions[nurse.name])
    blind = ward.write(doctor, AddMember(certificate=nurse.name, compartments=CARE), chart=chart)
    other = ward.person(Role.PHYSICIAN)
    ward.store(doctor, blind)
    ward.say(doctor, AddMember(certificate=other.name, compartments=CARE), chart=chart)
    ward.say(other, RemoveMember(certificate=nurse.name), chart=chart)
    assert ward.reads(nurse, chart) is None
    assert ward.store(nurse, offline) == []
    ward.say(doctor, AddMember(certificate=nurse.name, compartments=CARE), chart=chart)
    since = ward.bench.directory.readable(nurse.name)[chart.stream(Compartment.SAFETY)]
    assert since == ward.bench.window.tip.size - 1
    feed = LogFeed(nurse.name, directory=ward.bench.directory, trust=ward.bench.trust, cursor=since)
    page = feed.page(ward.bench.archive, ward.bench.window.tip, LARGE)
    assert [item.entry.hash for item in page.entries if item.entry.header.epoch] == [offline[0].hash]


def test_a_concurrent_addition_does_not_bring_back_who_was_removed(ward: Ward):
    """Whichever of the two comes first."""
    doctor, other, nurse = (ward.person(r) for r in (Role.PHYSICIAN, Role.PHYSICIAN, Role.NURSE))
    chart = ward.chart(doctor, other, nurse)
    adding = ward.write(doctor, AddMember(certificate=nurse.name, compartments=CARE), chart=chart)
    removing = ward.write(other, RemoveMember(certificate=nurse.name), chart=chart)
    ward.store(other, removing)
    ward.store(doctor, adding)
    assert ward.reads(nurse, chart) is None


def test_the_creator_is_removed_by_itself_alone(ward: Ward):
    """Nobody takes a chart from who made it."""
    doctor, other = ward.person(Role.PHYSICIAN), ward.person(Role.PHYSICIAN)
    chart = ward.chart(doctor, other)
    ward.say(other, RemoveMember(certificate=doctor.name), chart=chart)
    assert ward.reads(doctor, chart) == set(Compartment)
    ward.say(doctor, RemoveMember(certificate=doctor.name), chart=chart)
    assert ward.reads(doctor, chart) is None


def test_teams_are_written_by_their_members(ward: Ward):
    """Anybody clinical makes one; an administrator removes and never adds; who left may have written before."""
    doctor, nurse, stranger, admin = (
        ward.person(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.NURSE, Role.ADMIN)
    )
    team = ward.team(doctor, nurse)
    (epoch,) = ward.say(nurse, an_epoch(ward.organisation, team))
    rewrap = RewrapTeam(epoch=epoch, wraps=((stranger.name, bytes(WRAP_BYTES)),))
    ward.say(doctor, rewrap)
    adding = AddToTeam(team=team, certificate=stranger.name)
    removing = RemoveFromTeam(team=team, certificate=nurse.name)
    for record in (adding, removing, rewrap, an_epoch(ward.organisation, team)):
        assert ward.refusal(stranger, record) == ["not_member"]
    assert ward.refusal(admin, adding) == ["not_member"]
    assert ward.refusal(admin, CreateTeam(nonce=bytes(16), compartments=CARE)) == ["not_clinical"]
    unknown = TeamId(bytes(16))
    assert ward.refusal(nurse, AddToTeam(team=unknown, certificate=nurse.name)) == ["unknown_team"]
    assert ward.refusal(nurse, RewrapTeam(epoch=EntryHash(bytes(32)), wraps=())) == ["unknown_team"]
    ward.say(admin, removing)
    assert ward.refusal(nurse, adding) == [], "as one that was written before the removal came there"


def test_roles_bind_the_feed(ward: Ward):
    """A narrower role ends streams, a wider one begins them from the beginning; of two concurrent ones both bind."""
    doctor, nurse, admin = (ward.person(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.ADMIN))
    chart = ward.chart(doctor, nurse)
    assert ward.reads(nurse, chart) == set(Compartment) - {Compartment.SENSITIVE}
    assert ward.refusal(doctor, SetRole(certificate=nurse.name, role=Role.PHYSICIAN)) == ["not_administrator"]
    ward.say(admin, SetRole(certificate=nurse.name, role=Role.PHYSICIAN))
    assert ward.reads(nurse, chart) == set(Compartment)
    since = ward.bench.directory.readable(nurse.name)
    assert since[chart.stream(Compartment.SENSITIVE)] == ward.bench.window.tip.size - 1
    assert since[chart.stream(Compartment.SAFETY)] == 1
    ward.say(admin, SetRole(certificate=nurse.name, role=Role.DATA_SCIENTIST))
    assert ward.reads(nurse, chart) == set()
    ward.say(admin, SetRole(certificate=nurse.name, role=Role.ADMIN))
    assert ward.reads(nurse, chart) == set()
    one, two = ward.sessions[admin.name].branch(), ward.organisation.admin.session()
    two.see(ward.seen[-1:])
    stream = ward.organisation.root.value.control
    for session, role in ((one, Role.PHYSICIAN), (two, Role.COMPLIANCE_OFFICER)):
        _, entries = session.write_control(stream, [SetRole(certificate=doctor.name, role=role)])
        assert ward.bench.commit(session, entries=entries).refused == []
    assert ward.bench.directory.office(doctor.name).reads == {Compartment.AUDIT}


def test_breaking_the_glass_opens_a_chart_until_it_is_closed(ward: Ward):
    """To somebody clinical; closed by a member of another user; the author may write from then on."""
    doctor, helper, scientist = (
        ward.person(role) for role in (Role.PHYSICIAN, Role.EMERGENCY_RESPONDER, Role.DATA_SCIENTIST)
    )
    chart = ward.chart(doctor)
    breaking = BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=bytes(16))
    assert ward.refusal(scientist, breaking, chart) == ["not_clinical"]
    assert ward.refusal(helper, AskKeys(epochs=()), chart) == ["not_member"]
    (broken,) = ward.say(helper, breaking, chart=chart)
    assert ward.reads(helper, chart) == {*CARE, Compartment.AUDIT}
    ward.say(helper, CloseBreakGlass(record=broken), chart=chart)
    assert ward.reads(helper, chart) == {*CARE, Compartment.AUDIT}
    ward.say(doctor, CloseBreakGlass(record=broken), chart=chart)
    assert ward.reads(helper, chart) is None
    assert ward.store(helper, chart.write(session=ward.sessions[helper.name])) == []


def test_a_kit_is_fed_what_it_carries(ward: Ward):
    """All streams, sealed, whatever its role; it cannot write there before it breaks the glass."""
    doctor, kit = ward.person(Role.PHYSICIAN), ward.person(Role.EMERGENCY_RESPONDER)
    chart = ward.chart(doctor)
    ward.say(doctor, Preload(certificate=kit.name), chart=chart)
    assert ward.reads(kit, chart) == set(Compartment)
    assert ward.refusal(kit, AskKeys(epochs=()), chart) == ["not_member"]


def test_who_was_removed_lets_no_kit_carry_the_chart(ward: Ward):
    """The record is taken, as all that a former member wrote; nobody is fed by it."""
    doctor, nurse, kit = (ward.person(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.EMERGENCY_RESPONDER))
    chart = ward.chart(doctor)
    ward.say(doctor, AddMember(certificate=nurse.name, compartments=CARE), chart=chart)
    ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
    ward.say(nurse, Preload(certificate=kit.name), chart=chart)
    assert ward.reads(kit, chart) is None


def test_a_kit_is_fed_while_somebody_who_said_so_is_a_member(ward: Ward, bench: Bench):
    """Who leaves takes its word with it, by itself or with its team; who is back gives it again, from there on."""
    people = (Role.PHYSICIAN, Role.NURSE, Role.NURSE, Role.EMERGENCY_RESPONDER)
    doctor, nurse, mate, kit = (ward.person(role) for role in people)
    chart, nonce = ward.chart(doctor), b"k" * 16
    ward.say(doctor, CreateTeam(nonce=nonce, compartments=CARE))
    team = team_id(doctor.name, nonce)
    ward.say(doctor, AddToTeam(team=team, certificate=mate.name))
    ward.say(doctor, AddTeam(team=team, compartments=CARE), chart=chart)
    joins = AddMember(certificate=nurse.name, compartments=CARE)
    ward.say(doctor, joins, chart=chart)
    ward.say(nurse, Preload(certificate=kit.name), chart=chart)
    ward.say(mate, Preload(certificate=kit.name), chart=chart)
    first = bench.directory.readable(kit.name)[chart.control_stream]
    ward.say(doctor, RemoveMember(certificate=nurse.name), chart=chart)
    assert ward.reads(kit, chart) == set(Compartment), "the other one's word stands"
    ward.say(doctor, RemoveFromTeam(team=team, certificate=mate.name))
    assert ward.reads(kit, chart) is None
    ward.say(doctor, joins, chart=chart)
    assert ward.reads(kit, chart) == set(Compartment)
    assert bench.directory.readable(kit.name)[chart.control_stream] > first, "it lacks what came in between"
    admin = ward.person(Role.ADMIN)
    ward.say(admin, SetRole(certificate=nurse.name, role=Role.COMPLIANCE_OFFICER))
    assert ward.reads(kit, chart) is None, "an officer reads no content"


def test_holds_and_confirmations_are_the_officers(ward: Ward):
    """A member who is none is refused."""
    doctor = ward.person(Role.PHYSICIAN)
    chart = ward.chart(doctor)
    for record in (SetHold(held=True), ConfirmPurge(proposal=EntryHash(bytes(32)))):
        assert ward.refusal(doctor, record, chart) == ["not_officer"]


def test_who_was_let_in_by_recovery_is_fed_every_chart_until_the_next_record(ward: Ward):
    """As its role reads, charts that come later too, but no ledger; a grant is signed by the recovery key."""
    doctor, nurse, admin = (ward.person(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.ADMIN))
    signer = SigningKey(bytes(32))
    record = recovery(ward.organisation, signer)
    grant = grant_recovered(record.hash, nurse.name, signer)
    assert ward.refusal(nurse, grant) == ["unknown_recovery"]
    ward.say(admin, AnnounceRecovery(record=record.wire))
    ward.say(doctor, RunRecovery(recovery=record.hash, drill=True, nonce=bytes(16)))
    assert ward.refusal(nurse, grant_recovered(record.hash, nurse.name, SigningKey(bytes([7]) * 32))) == ["forged"]
    before = ward.chart(doctor)
    ward.say(nurse, grant)
    assert ward.reads(nurse, before) is None, "of a drill nobody is let in"
    blind = ward.organisation.admin.session()
    run = RunRecovery(recovery=record.hash, drill=False, nonce=bytes(16))
    ward.say(doctor, run)
    grant_blind = blind.write_control(ward.organisation.root.value.control, [grant])[1]
    assert ward.bench.commit(blind, entries=grant_blind).refused == []
    assert ward.reads(nurse, before) is None, "nor by who had not seen that the shares were brought together"
    ward.say(nurse, grant)
    after = ward.chart(doctor)
    ledger = control_stream(ledger_id(doctor.name))
    creating = CreateChart(nonce=LEDGER_NONCE, document=before.document)
    assert ward.store(doctor, ward.sessions[doctor.name].write_control(ledger, [creating])[1]) == []
    assert [ward.reads(nurse, chart) for chart in (before, after)] == [{*CARE, Compartment.AUDIT}] * 2
    assert ledger not in ward.bench.directory.readable(nurse.name)
    newer = recovery(ward.organisation, signer)
    ward.say(admin, AnnounceRecovery(record=newer.wire))
    assert [ward.reads(nurse, chart) for chart in (before, after)] == [None] * 2
    assert ward.store(nurse, before.write(session=ward.sessions[nurse.name])) == []


def test_a_chart_is_not_moved_into_another_s_stream(ward: Ward):
    """A member's record that creates another chart in this chart's stream is refused."""
    doctor = ward.person(Role.PHYSICIAN)
    chart = ward.chart(doctor)
    assert ward.refusal(doctor, CreateChart(nonce=bytes(16), document=chart.document), chart) == ["malformed"]
    place = ward.bench.directory.place(chart.control_stream)
    assert place is not None
    assert place.chart == chart.id


def test_a_restart_knows_teams_roles_and_emergencies(tmp_path: Path, organisation: Organisation):
    """What is worked out from the store is what was known live."""
    with open_bench(tmp_path, organisation) as bench:
        ward = Ward(bench)
        doctor, nurse, late, admin = (
            ward.person(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.EMERGENCY_RESPONDER, Role.ADMIN)
        )
        team, chart = ward.team(doctor, nurse), ward.chart(doctor)
        ward.say(doctor, AddTeam(team=team, compartments=CARE), chart=chart)
        ward.say(nurse, AskKeys(epochs=()), chart=chart)
        ward.say(admin, SetRole(certificate=nurse.name, role=Role.PHYSICIAN))
        ward.say(late, BreakGlass(reason=BreakGlassReason.OTHER, kit=True, nonce=bytes(16)), chart=chart)
        other = ward.chart(doctor, nurse)
        ward.say(doctor, RemoveMember(certificate=nurse.name), chart=other)
        ward.say(doctor, AddMember(certificate=nurse.name, compartments=CARE), chart=other)
        before = {one.name: dict(bench.directory.readable(one.name)) for one in (doctor, nurse, late, admin)}
    with open_bench(tmp_path, organisation) as again:
        for name in before:
            certificate = organisation.trust().certificate(name)
            assert certificate is not None
            again.trust.restore(certificate)
        assert {name: dict(again.directory.readable(name)) for name in before} == before


def test_closing_and_removing_never_run_out():
    """Who reviews a flood of broken glass can go on: the relay is never stricter than the members."""
    creator, breaker = CertificateHash(b"c" * 32), CertificateHash(b"b" * 32)
    chart = Chart(ChartId(bytes(16)), creator)
    party = Party(name=creator, office=Office(Role.PHYSICIAN))
    names = (EntryHash(number.to_bytes(32, "big")) for number in count())
    for index in range(0, 4 * (MEMBER_CHANGES_MAX + 1), 4):
        if index == 0:
            chart.found(By(next(names), index, saw))
        act = next(names)
        chart.break_glass(breaker, act, index + 1)
        chart.close_glass(party, act, index + 2)
        assert not chart.broken
    chart.add(party, breaker, CARE, By(next(names), index + 3, saw))
    assert breaker in chart.seats
    chart.remove(party, breaker, By(next(names), index + 4, saw))
    assert breaker not in chart.seats


def saw(later: EntryHash, earlier: EntryHash) -> bool:
    """Names ascend, and every entry saw those before it."""
    return later > earlier
