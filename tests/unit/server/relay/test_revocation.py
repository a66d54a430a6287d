"""Whom the relay serves no longer: at once, by every door, for as long as the revocation counts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.relay.comparison import find
from server.relay.feed import LogFeed
from server.relay.stretches import PageLimits
from sync_protocol.certificates import Certificate, issue
from sync_protocol.chart_records import RemoveMember
from sync_protocol.control import AddMember, Certify, Control
from sync_protocol.encoding import decode
from sync_protocol.entries import Seal
from sync_protocol.ids import CertificateHash, DeviceId, SealHash, SessionId
from sync_protocol.revocation import Cut, Revocation, RevocationReason, Revoke, issue_revocation
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Signed
from sync_protocol.signing import HybridSigningKey
from tests.support.charts import ChartWriter
from tests.support.people import YEAR_MS, Device, DeviceSession, Organisation
from tests.support.relay_room import Bench, open_bench
from tests.support.relay_server import RelayThread, SocketLine, keep
from tests.support.shells import SyncingDevice

LARGE = PageLimits(entries=512, size_bytes=1 << 20)
SECOND = 1.0


@pytest.fixture
def organisation() -> Organisation:
    """For each test its own: revocations stay."""
    return Organisation.make(37)


@pytest.fixture
def room(tmp_path: Path, organisation: Organisation) -> Iterator[RelayThread]:
    """A claimed relay."""
    with RelayThread(tmp_path / "home", organisation) as opened:
        opened.claim()
        yield opened


@pytest.fixture
def bench(tmp_path: Path, organisation: Organisation) -> Iterator[Bench]:
    """An empty relay without sockets."""
    with open_bench(tmp_path, organisation) as opened:
        yield opened


def cut_at(*sessions: DeviceSession) -> dict[SessionId, Cut]:
    """Cuts at the last seals of sessions."""
    last = {session.id: session.seals[-1] for session in sessions}
    return {name: (seal.value.number, SealHash(seal.hash)) for name, seal in sorted(last.items())}


def revoke(
    organisation: Organisation, subject: Device, cuts: dict[SessionId, Cut], *, by: Device | None = None, **names: bytes
) -> Revoke:
    """A revocation by an administrator, or by the root."""
    device: dict[str, Any] = names or {"device": subject.certificate.value.device}
    key = organisation.root_key if by is None else by.key
    assert isinstance(key, HybridSigningKey)
    revocation = Revocation(
        organisation=organisation.root.value.organisation,
        issuer=organisation.root.hash if by is None else by.certificate.hash,
        cuts=cuts,
        reason=RevocationReason.STOLEN,
        issued_ms=organisation.clock(),
        **device,
    )
    return Revoke(record=issue_revocation(revocation, key).wire)


def say(room: RelayThread, home: SyncingDevice, record: Revoke | Certify) -> None:
    """An administrator writes a record, and sends it."""
    stream = room.organisation.root.value.control
    keep(home, home.session, home.session.write_control(stream, [record])[1])
    with room.dial(home) as line:
        line.run()


def why(line: SocketLine) -> str | None:
    """Why the relay ended a connection."""
    closed = line.connection.closed
    return None if closed is None or closed.error is None else closed.error.code


def ended(line: SocketLine, timeout_s: float = 10) -> str | None:
    """Wait until the relay ends a connection; why it did."""
    while line.connection.closed is None:
        line.receive(timeout_s)
    return why(line)


def test_a_live_connection_ends_within_a_second_and_none_begins(room: RelayThread, organisation: Organisation):
    """The device hears why, its token is worth nothing, and it gets nothing of what is written from then on."""
    tablet, doctor, admin = (
        SyncingDevice(organisation.device(Role.NURSE)),
        SyncingDevice(organisation.device(Role.PHYSICIAN)),
        SyncingDevice(organisation.admin),
    )
    chart = ChartWriter.begin(doctor.session, members=[tablet.device])
    keep(doctor, doctor.session, chart.written)
    with room.dial(doctor) as line:
        line.run()
    by_requests = room.dial_http(tablet)
    by_requests.handshake()
    by_requests.run()
    with room.dial(tablet) as line:
        line.run()
        say(room, admin, revoke(organisation, tablet.device, {}, by=organisation.admin))
        assert ended(line, SECOND) == "revoked"
    size = tablet.store.size()
    keep(doctor, doctor.session, chart.write())
    with room.dial(doctor) as line:
        line.run()
    status, _, body = room.request("POST", "/v1/sync", b"", {"Authorization": f"Bearer {by_requests.token}"})
    assert (status, json.loads(body)["error"]["code"]) == (403, "revoked")
    with room.dial(tablet) as line:
        assert ended(line) == "revoked"
    assert tablet.store.size() == size


def test_a_device_that_reads_nothing_is_let_go_too(room: RelayThread, organisation: Organisation):
    """Its connection is not kept until it listens."""
    tablet, admin = SyncingDevice(organisation.device(Role.NURSE)), SyncingDevice(organisation.admin)
    gone = threading.Event()
    leave = room.services.fanout.leave

    def watched(name, listener) -> None:
        leave(name, listener)
        if name == tablet.device.name:
            gone.set()

    room.services.fanout.leave = watched
    with room.dial(tablet) as line:
        line.run()
        say(room, admin, revoke(organisation, tablet.device, {}, by=organisation.admin))
        assert gone.wait(SECOND)


def test_a_user_is_revoked_on_every_device_later_ones_included(room: RelayThread, organisation: Organisation):
    """Renewals and new certificates of that user are not served, others on the same device are."""
    admin = SyncingDevice(organisation.admin)
    nurse = organisation.device(Role.NURSE)
    user, device = nurse.certificate.value.user, nurse.certificate.value.device
    colleague = organisation.device(Role.NURSE, device=device)
    say(room, admin, revoke(organisation, nurse, {}, by=organisation.admin, user=user))
    later = organisation.device(Role.NURSE, user=user)
    for home in (SyncingDevice(nurse), SyncingDevice(later)):
        with room.dial(home) as line:
            assert ended(line) == "revoked"
    with room.dial(SyncingDevice(colleague)) as line:
        line.run()


def test_a_revocation_by_no_senior_ends_nothing(room: RelayThread, organisation: Organisation):
    """A stolen administrator's tablet revokes its equals, its seniors and everyone else: only juniors are let go."""
    chief = organisation.admin
    other = second_admin(organisation, chief)
    thief = SyncingDevice(other)
    nurse = SyncingDevice(organisation.device(Role.NURSE))
    junior = SyncingDevice(organisation.device(Role.NURSE))
    junior.device.certificate = reissued(junior.device, other)
    organisation.certificates.append(junior.device.certificate)
    junior.session = junior.device.session()
    say(room, SyncingDevice(chief), Certify(certificate=other.certificate.wire))
    with room.dial(nurse) as line, room.dial(junior) as below:
        line.run()
        below.run()
        for subject in (chief, nurse.device, other):
            say(room, thief, revoke(organisation, subject, {}, by=other))
        keep(nurse, nurse.session, ChartWriter.begin(nurse.session).written)
        line.push()
        assert why(line) is None
        say(room, thief, revoke(organisation, junior.device, {}, by=other))
        assert ended(below, SECOND) == "revoked"
    say(room, SyncingDevice(chief), revoke(organisation, other, {}, by=chief))
    with room.dial(junior) as line:
        assert ended(line) == "revoked", "what the thief certified counts for nothing either, as it is not on record"


def second_admin(organisation: Organisation, chief: Device) -> Device:
    """An administrator whom the first one enrolled."""
    assert isinstance(chief.key, HybridSigningKey)
    return Device(organisation, Role.ADMIN, issuer=chief.certificate.hash, issuer_key=chief.key)


def reissued(device: Device, issuer: Device):
    """The same device, certified by somebody else."""
    assert isinstance(issuer.key, HybridSigningKey)
    fields = {name: getattr(device.certificate.value, name) for name in Certificate.__slots__}
    return issue(Certificate(**(fields | {"issuer": issuer.certificate.hash})), issuer.key)


def test_a_renewal_keeps_what_its_device_could_read(bench: Bench, organisation: Organisation):
    """Membership is the principal's, not the certificate's; and a revocation reaches it as well."""
    doctor, nurse = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    session = doctor.session()
    chart = ChartWriter.begin(session, members=[nurse])
    bench.commit(session, entries=chart.written)
    first = nurse.certificate
    assert isinstance(organisation.admin.key, HybridSigningKey)
    fields = {name: getattr(first.value, name) for name in Certificate.__slots__}
    later = {"not_after_ms": first.value.not_after_ms + YEAR_MS, "renews": first.hash}
    renewal = issue(Certificate(**(fields | later)), organisation.admin.key)
    for certificate in (first, renewal):
        bench.trust.restore(certificate)
    assert chart.stream(Compartment.SAFETY) in bench.directory.readable(CertificateHash(renewal.hash))
    admin = organisation.admin.session()
    record = revoke(organisation, nurse, {}, by=organisation.admin)
    _, entries = admin.write_control(organisation.root.value.control, [record])
    bench.commit(admin, entries=entries)
    assert bench.revocations.covers(CertificateHash(renewal.hash))


def test_entries_of_a_revoked_author_are_taken_and_kept(bench: Bench, organisation: Organisation):
    """Whoever carries them; members judge them."""
    doctor, thief = organisation.device(Role.PHYSICIAN), organisation.device(Role.PHYSICIAN)
    session, other, helped = doctor.session(), thief.session(), organisation.device(Role.NURSE)
    chart = ChartWriter.begin(session, members=[thief])
    bench.commit(session, entries=chart.written)
    admin = organisation.admin.session()
    record = revoke(organisation, thief, {}, by=organisation.admin)
    bench.commit(admin, entries=admin.write_control(organisation.root.value.control, [record])[1])
    bench.trust.restore(helped.certificate)
    chart.session = other
    late = [chart.add(helped), *chart.write()]
    assert bench.commit(other, entries=late).refused == []
    assert thief.name in bench.directory.revoked, "though its certificate came only now"
    assert chart.control_stream not in bench.directory.readable(helped.name)


def test_what_a_revocation_excludes_opens_and_closes_no_feed(tmp_path: Path, organisation: Organisation):
    """A thief's removal is undone, its addition too; who was starved meanwhile gets the chart from its beginning.

    So it is after a restart as well.
    """
    doctor, thief, nurse, friend = (
        organisation.device(r) for r in (Role.PHYSICIAN, Role.PHYSICIAN, Role.NURSE, Role.NURSE)
    )
    with open_bench(tmp_path, organisation) as bench:
        for device in (doctor, thief, nurse, friend):
            bench.trust.restore(device.certificate)
        session, stolen = doctor.session(), thief.session()
        chart = ChartWriter.begin(session, members=[thief, nurse])
        bench.commit(session, entries=chart.written)
        stolen.see(chart.written)
        honest = chart.write(session=stolen)
        bench.commit(stolen, entries=honest)
        cuts = cut_at(stolen)
        harm: list[Control] = [
            RemoveMember(certificate=nurse.name),
            AddMember(certificate=friend.name, compartments=(Compartment.SAFETY,)),
        ]
        bench.commit(stolen, entries=stolen.write_control(chart.control_stream, harm)[1])
        stream = chart.stream(Compartment.SAFETY)
        assert stream not in bench.directory.readable(nurse.name)
        assert stream in bench.directory.readable(friend.name)
        admin = organisation.admin.session()
        record = revoke(organisation, thief, cuts, by=organisation.admin)
        bench.commit(admin, entries=admin.write_control(organisation.root.value.control, [record])[1])
        assert bench.directory.readable(nurse.name)[stream] == bench.window.tip.size - 1
        assert stream not in bench.directory.readable(friend.name)
        before = {one.name: dict(bench.directory.readable(one.name)) for one in (nurse, friend)}
    with open_bench(tmp_path, organisation) as again:
        for device in (doctor, thief, nurse, friend):
            again.trust.restore(device.certificate)
        assert {name: dict(again.directory.readable(name)) for name in before} == before
        assert thief.name in again.directory.revoked


def test_a_revocation_touches_the_charts_with_records_that_it_excludes(bench: Bench, organisation: Organisation):
    """And no other; a later one that cuts earlier excludes more, though its subject was revoked before."""
    doctor, thief, nurse = (organisation.device(role) for role in (Role.PHYSICIAN, Role.PHYSICIAN, Role.NURSE))
    for device in (doctor, thief, nurse):
        bench.trust.restore(device.certificate)
    session, stolen, admin = doctor.session(), thief.session(), organisation.admin.session()
    charts = [ChartWriter.begin(session, members=[thief, nurse]) for _ in range(2)]
    for chart in charts:
        bench.commit(session, entries=chart.written)
        stolen.see(chart.written)
    bench.commit(stolen, entries=charts[0].write(session=stolen))
    early = cut_at(stolen)
    removal = RemoveMember(certificate=nurse.name)
    bench.commit(stolen, entries=stolen.write_control(charts[0].control_stream, [removal])[1])
    other = bench.directory.chart(charts[1].id)
    for cuts, fed in ((cut_at(stolen), False), (early, True)):
        record = revoke(organisation, thief, cuts, by=organisation.admin)
        bench.commit(admin, entries=admin.write_control(organisation.root.value.control, [record])[1])
        assert (charts[0].control_stream in bench.directory.readable(nurse.name)) is fed
        assert bench.directory.chart(charts[1].id) is other
    assert bench.revocations.stale == frozenset()


@pytest.mark.parametrize("limit", [2048, 5])
def test_a_revocation_travels_with_the_seals_that_lead_to_its_cuts(
    bench: Bench, organisation: Organisation, monkeypatch, limit: int
):
    """Gapless, once, in pages of their own where there are many: members tell a backdated branch by them."""
    monkeypatch.setattr("server.relay.pages.PAGE_SEALS_MAX", limit)
    thief, reader = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    sessions = [thief.session(), thief.session()]
    for session in sessions:
        chart = ChartWriter.begin(session)
        bench.commit(session, entries=chart.written)
    unknown = thief.session()
    ChartWriter.begin(unknown)
    first = sessions[0]
    cuts = cut_at(*sessions, unknown) | {first.id: (3, SealHash(first.seals[3].hash))}
    admin = organisation.admin.session()
    record = revoke(organisation, thief, cuts, by=organisation.admin)
    bench.commit(admin, entries=admin.write_control(organisation.root.value.control, [record])[1])
    bench.trust.restore(reader.certificate)
    feed = LogFeed(reader.name, directory=bench.directory, trust=bench.trust, cursor=0)
    seals: list[Seal] = []
    known: list[bytes] = []
    more = True
    while more:
        page = feed.page(bench.archive, bench.window.tip, LARGE)
        assert len(page.proofs.seals) <= limit
        seals += [Signed(Seal, wire).claimed() for wire in page.proofs.seals]
        known += page.proofs.sessions
        more = page.more
    wanted = {first.id: list(range(4)), sessions[1].id: list(range(len(sessions[1].seals))), admin.id: [0]}
    assert {name: [s.number for s in seals if s.session == name] for name in {s.session for s in seals}} == wanted
    assert len(known) == 3


def test_who_heard_of_a_revocation_elsewhere_gets_the_seals_that_lead_to_its_cuts(
    bench: Bench, organisation: Organisation
):
    """A device that was met hands over the record and not those seals: it may never have had them."""
    thief, reader = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    session, admin = thief.session(), organisation.admin.session()
    bench.commit(session, entries=ChartWriter.begin(session).written)
    stream = organisation.root.value.control
    record = revoke(organisation, thief, cut_at(session), by=organisation.admin)
    (entry,) = admin.write_control(stream, [record])[1]
    bench.commit(admin, entries=[entry])
    bench.trust.restore(reader.certificate)
    feed = LogFeed(reader.name, directory=bench.directory, trust=bench.trust, cursor=0)
    held = {stream: {admin.id: (entry.header.seq, entry.hash)}}
    feed.holds(find(held, bench.store))
    page = feed.page(bench.archive, bench.window.tip, LARGE)
    seals = [Signed(Seal, wire).claimed() for wire in page.proofs.seals]
    assert [seal.number for seal in seals if seal.session == session.id] == list(range(len(session.seals)))


def test_an_administrator_learns_how_far_each_session_had_come(room: RelayThread, organisation: Organisation):
    """By device or user, and before a moment; nobody else does."""
    nurse, admin = SyncingDevice(organisation.device(Role.NURSE)), SyncingDevice(organisation.admin)
    chart = ChartWriter.begin(nurse.session)
    keep(nurse, nurse.session, chart.written)
    with room.dial(nurse) as line:
        line.run()
    moment = organisation.clock()
    early = nurse.session.seals[-1]
    keep(nurse, nurse.session, chart.write())
    with room.dial(nurse) as line:
        line.run()

    def ask(home: SyncingDevice, name: object, query: str = "") -> tuple[int, bytes]:
        line = room.dial_http(home)
        line.handshake()
        address = f"/v1/principals/{name}/sessions{query}"
        status, _, body = room.request("GET", address, None, {"Authorization": f"Bearer {line.token}"})
        return status, body

    certificate = nurse.device.certificate
    for name in (certificate.value.device, certificate.value.user):
        status, body = ask(admin, name)
        told = _map(body)
        assert status == 200
        assert set(told["certificates"]) == {one.wire for one in nurse.device.chain}
        assert told["sessions"] == [nurse.session.record.wire]
        ((session, seal, received_ms),) = told["seals"]
        assert (session, seal) == (nurse.session.id, nurse.session.seals[-1].wire)
        assert received_ms > moment
    _, body = ask(admin, certificate.value.device, f"?before_ms={moment}")
    assert [seal[1] for seal in _map(body)["seals"]] == [early.wire]
    _, body = ask(admin, certificate.value.device, "?before_ms=5")
    assert _map(body)["seals"] == []
    assert _map(body)["sessions"] == [nurse.session.record.wire]
    assert ask(admin, DeviceId(bytes(16)))[0] == 404
    assert ask(admin, "nonsense")[0] == 400
    assert ask(admin, certificate.value.user, "?before_ms=-1")[0] == 400
    assert ask(nurse, certificate.value.user)[0] == 403
    assert room.request("GET", f"/v1/principals/{certificate.value.user}/sessions")[0] == 401


def test_a_root_s_revocation_may_be_carried_by_anybody(room: RelayThread, organisation: Organisation):
    """So that the chief administrator can be revoked too; one by an administrator is taken from administrators only.

    Who is on record within the cut keeps being served.
    """
    stream = organisation.root.value.control
    admin, nurse = SyncingDevice(organisation.admin), SyncingDevice(organisation.device(Role.NURSE))
    say(room, admin, Certify(certificate=nurse.device.certificate.wire))
    attempt = nurse.session.write_control(stream, [revoke(organisation, nurse.device, {}, by=organisation.admin)])[1]
    keep(nurse, nurse.session, attempt)
    with room.dial(nurse) as line:
        line.run()
    assert nurse.rejected[attempt[0].hash].code == "not_administrator"
    other = SyncingDevice(nurse.device)
    say(room, other, revoke(organisation, organisation.admin, cut_at(admin.session)))
    with room.dial(admin) as line:
        assert ended(line) == "revoked"
    with room.dial(other) as line:
        line.run()
    with room.dial(SyncingDevice(organisation.device(Role.NURSE))) as line:
        assert ended(line) == "revoked", "who was enrolled by a revoked administrator and is not on record"


def test_a_forged_revocation_is_refused(room: RelayThread, organisation: Organisation):
    """Its signatures are verified before it is stored."""
    admin, nurse = SyncingDevice(organisation.admin), organisation.device(Role.NURSE)
    other = second_admin(organisation, organisation.admin)
    good = Signed(Revocation, revoke(organisation, nurse, {}, by=other).record).claimed()
    assert isinstance(organisation.admin.key, HybridSigningKey)
    forged = Revoke(record=issue_revocation(good, organisation.admin.key).wire)
    say(room, admin, Certify(certificate=other.certificate.wire))
    entries = admin.session.write_control(organisation.root.value.control, [forged])[1]
    keep(admin, admin.session, entries)
    with room.dial(admin) as line:
        line.run()
    assert admin.rejected[entries[0].hash].code == "forged"
    assert room.services.directory.revoked_at == -1


def _map(body: bytes) -> Any:
    return decode(body)
