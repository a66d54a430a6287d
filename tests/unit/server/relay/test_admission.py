"""What stands in the log: entries of members, control records where they belong, content under stored epochs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.relay.directory import Directory
from sync_protocol.control import (
    LEDGER_DOCUMENT,
    LEDGER_NONCE,
    AddMember,
    AnnounceRelay,
    Control,
    CreateChart,
    Invite,
    MintEpoch,
    Rewrap,
    audit_stream,
    ledger_id,
)
from sync_protocol.encoding import encode
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import DocumentId, EntryHash, Hash, InvitationId
from sync_protocol.roles import Compartment, Role
from tests.support.charts import ChartWriter, mint
from tests.support.people import DeviceSession, Organisation
from tests.support.relay_room import Bench, open_bench


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """Shared: no test changes it."""
    return Organisation.make(11)


@pytest.fixture
def bench(tmp_path: Path, organisation: Organisation) -> Iterator[Bench]:
    """An empty relay."""
    with open_bench(tmp_path, organisation) as opened:
        yield opened


def codes(bench: Bench, session: DeviceSession, entries: tuple[VerifiedEntry, ...]) -> list[str]:
    """The codes of what was refused."""
    return [refusal.error.code for refusal in bench.commit(session, entries=entries).refused]


def an_invite(organisation: Organisation) -> Invite:
    """An administrator's record."""
    entropy = organisation.entropy
    return Invite(
        invitation=InvitationId(entropy(16)), role=Role.NURSE, expires_ms=organisation.clock(), proof=Hash(entropy(32))
    )


def test_a_chart_comes_in_with_its_content_in_one_batch(bench: Bench, organisation: Organisation):
    """Each entry is judged by what stands before it in the same batch."""
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    chart.write(count=3)
    assert codes(bench, session, tuple(chart.written)) == []
    assert bench.window.tip.size == len(chart.written)


def test_the_organisation_s_stream_is_the_administrators(bench: Bench, organisation: Organisation):
    """Nobody else's record counts there, so nobody else's is stored."""
    stream = organisation.root.value.control
    nurse, admin = organisation.device(Role.NURSE).session(), organisation.admin.session()
    invite = an_invite(organisation)
    assert codes(bench, nurse, nurse.write_control(stream, [invite])[1]) == ["not_administrator"]
    assert codes(bench, admin, admin.write_control(stream, [invite])[1]) == []
    assert bench.directory.invitation(invite.invitation) == invite


@pytest.mark.parametrize("kind", ["chart", "organisation"])
def test_a_record_in_the_wrong_stream_is_refused(bench: Bench, organisation: Organisation, kind: str):
    """A chart's record says nothing about the organisation, nor the other way round."""
    admin = organisation.admin.session()
    chart = ChartWriter.begin(admin)
    assert codes(bench, admin, tuple(chart.written)) == []
    stream = chart.control_stream if kind == "organisation" else organisation.root.value.control
    record: Control = AnnounceRelay(record=organisation.relay.wire)
    if kind == "chart":
        record = mint(admin, Compartment.SAFETY, [organisation.admin])
    assert codes(bench, admin, admin.write_control(stream, [record])[1]) == ["malformed"]


def test_an_undecodable_control_body_is_refused(bench: Bench, organisation: Organisation):
    """What nobody can read as control is not passed on as control."""
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    codes(bench, session, tuple(chart.written))
    assert codes(bench, session, session.write(chart.control_stream, [b"\xff"])[1]) == ["malformed"]


def test_a_record_of_a_newer_version_is_kept(bench: Bench, organisation: Organisation):
    """An unknown tag may mean something to devices that are newer than this relay."""
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    codes(bench, session, tuple(chart.written))
    assert codes(bench, session, session.write(chart.control_stream, [encode([60_000, {1: b""}])])[1]) == []


def test_an_unknown_stream_is_refused(bench: Bench, organisation: Organisation):
    """Content of a chart that is not here, and records of a chart that nobody created."""
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    content = chart.write()
    later = tuple(chart.written[1:])
    assert codes(bench, session, content) == ["unknown_stream"]
    assert set(codes(bench, session, later)) == {"unknown_stream"}


def test_nobody_creates_a_chart_in_a_stream_that_is_not_its_own(bench: Bench, organisation: Organisation):
    """The stream is derived from author and nonce, so a stream cannot be occupied."""
    victim, attacker = (organisation.device(Role.PHYSICIAN).session() for _ in range(2))
    chart = ChartWriter.begin(victim)
    creating = CreateChart(nonce=organisation.entropy(16), document=DocumentId(organisation.entropy(16)))
    taken = attacker.write_control(chart.control_stream, [creating])[1]
    assert codes(bench, attacker, taken) == ["unknown_stream"]
    assert codes(bench, victim, tuple(chart.written)) == []


def test_a_non_member_writes_nothing(bench: Bench, organisation: Organisation):
    """Neither content nor members, epochs or wraps; as soon as it is a member it may."""
    owner, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.PHYSICIAN)
    session, stranger = owner.session(), other.session()
    chart = ChartWriter.begin(session)
    codes(bench, session, tuple(chart.written))
    epoch = chart.epochs[Compartment.CLINICAL]
    records: list[Control] = [
        AddMember(certificate=other.name, compartments=tuple(Compartment)),
        mint(stranger, Compartment.CLINICAL, [other]),
        Rewrap(epoch=epoch, wraps=((other.name, organisation.entropy(1168)),)),
    ]
    attempts = stranger.branch()
    assert codes(bench, attempts, attempts.write_control(chart.control_stream, records)[1]) == ["not_member"] * 3
    attempts = stranger.branch()
    assert codes(bench, attempts, chart.write(session=attempts)) == ["not_member"]
    assert codes(bench, session, (chart.add(other),)) == []
    assert codes(bench, stranger, chart.write(session=stranger)) == []


def test_a_compliance_officer_who_is_a_member_is_fed_every_stream(bench: Bench, organisation: Organisation):
    """From when it became a member; the headers of content are the record of who wrote, and its key opens none of it.

    Membership is what counts: an officer who is no member is fed nothing.
    """
    author, officer, other = (
        organisation.device(role) for role in (Role.NURSE, Role.COMPLIANCE_OFFICER, Role.COMPLIANCE_OFFICER)
    )
    session = author.session()
    chart = ChartWriter.begin(session)
    bench.commit(session, entries=chart.written)
    for device in (officer, other):
        bench.trust.restore(device.certificate)
    before = bench.window.tip.size
    bench.commit(session, entries=[chart.add(officer, [Compartment.AUDIT])])
    further = chart.add_document()
    bench.commit(session, entries=chart.written[-1:])
    streams = bench.directory.readable(officer.name)
    assert {streams[chart.stream(compartment)] for compartment in Compartment} == {before}
    assert {streams[chart.stream(compartment, further)] for compartment in Compartment} == {before + 1}
    assert set(bench.directory.readable(other.name)) == {bench.directory.organisation}


def test_an_administrators_device_keeps_a_ledger(bench: Bench, organisation: Organisation):
    """It reads its own audit stream there whatever its role, and nobody gets more of a ledger than that stream."""
    admin, physician = organisation.admin, organisation.device(Role.PHYSICIAN)
    bench.trust.restore(physician.certificate)
    session = admin.session()
    ledger = ChartWriter(session, ledger_id(admin.name), LEDGER_DOCUMENT)
    ledger.control(CreateChart(nonce=LEDGER_NONCE, document=LEDGER_DOCUMENT))
    ledger.add(physician)
    ledger.mint(Compartment.AUDIT, [admin, physician])
    ledger.write(Compartment.AUDIT)
    assert codes(bench, session, tuple(ledger.written)) == []
    for device in (admin, physician):
        streams = set(bench.directory.readable(device.name)) - {bench.directory.organisation}
        assert streams == {ledger.control_stream, audit_stream(ledger.id, LEDGER_DOCUMENT)}


def test_content_waits_for_its_epoch(bench: Bench, organisation: Organisation):
    """None is acknowledged before the record of its epoch is stored, or under another compartment's epoch, or none."""
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    codes(bench, session, tuple(chart.written))
    stream = chart.stream(Compartment.CLINICAL)
    for epoch in (EntryHash(organisation.entropy(32)), chart.epochs[Compartment.SAFETY]):
        attempt = session.branch()
        assert codes(bench, attempt, attempt.write(stream, [b"body"], epoch=epoch)[1]) == ["unknown_epoch"]
    attempt = session.branch()
    assert codes(bench, attempt, attempt.write(stream, [b"body"])[1]) == ["malformed"]
    attempt = session.branch()
    late = attempt.write(chart.control_stream, [encode([1, {}])], epoch=chart.epochs[Compartment.CLINICAL])[1]
    assert codes(bench, attempt, late) == ["malformed"]


def test_a_gap_refuses_what_follows_and_a_record_behind_it_takes_no_effect(bench: Bench, organisation: Organisation):
    """A member whose adding was not stored is none."""
    owner, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.PHYSICIAN)
    session, guest = owner.session(), other.session()
    chart = ChartWriter.begin(session)
    missing = chart.add_document()
    del missing
    adding = chart.add(other)
    assert codes(bench, session, (*chart.written[:-2], adding)) == ["gap"]
    assert codes(bench, guest, chart.write(session=guest)) == ["not_member"]
    assert codes(bench, session, tuple(chart.written[-3:-1])) == []


def test_duplicates_and_forks_have_their_places(bench: Bench, organisation: Organisation):
    """An entry again is where it was first; a fork is stored as well."""
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    bench.commit(session, entries=chart.written)
    twin = session.branch()
    one, two = chart.write(), chart.write(session=twin)
    first = bench.commit(session, entries=one)
    again = bench.commit(session, entries=one)
    assert again.places == first.places
    assert again.arrived == []
    forked = bench.commit(twin, entries=two)
    assert [item.index for item in forked.arrived] == [first.places[0][1] + 1]


def test_a_transaction_that_fails_leaves_no_trace(bench: Bench, organisation: Organisation, monkeypatch):
    """Neither in the store nor in the directory; the next one goes on as if nothing had been."""
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(bench.committer, "_sign", fail)
        with pytest.raises(Exception, match="no bug"):
            bench.commit(session, entries=chart.written)
    assert bench.store.size() == 0
    assert bench.directory.chart(chart.id) is None
    assert bench.committer.trouble is not None
    assert bench.commit(session, entries=chart.written).refused == []
    assert bench.committer.trouble is None


def test_one_batch_s_bug_is_not_its_neighbours(bench: Bench, organisation: Organisation, monkeypatch):
    """Batches that share a transaction do not share a fate that only one of them earned."""
    good, bad = (organisation.device(Role.PHYSICIAN).session() for _ in range(2))
    charts = [ChartWriter.begin(good), ChartWriter.begin(bad)]
    judge = Directory.draft

    def trap(self: Directory):
        draft = judge(self)
        place = draft.place

        def careful(stream):
            if stream == charts[1].control_stream:
                raise RuntimeError("a bug")
            return place(stream)

        draft.place = careful
        return draft

    monkeypatch.setattr(Directory, "draft", trap)
    results: list = []
    batches = [bench.batch(chart.session, entries=chart.written) for chart in charts]
    bench.committer._settle([(batch, results.append) for batch in batches])
    assert results[0][1].refused == []
    assert results[1].code == "internal"
    assert bench.store.size() == len(charts[0].written)


def test_a_member_passes_on_what_it_may_read_itself(bench: Bench, organisation: Organisation):
    """When it does; what it gets only later it can pass on by another record, and from then on."""
    owner, nurse, other = (organisation.device(r) for r in (Role.PHYSICIAN, Role.NURSE, Role.PHYSICIAN))
    session, guest = owner.session(), nurse.session()
    chart = ChartWriter.begin(session)
    chart.add(nurse, [Compartment.SAFETY])
    bench.commit(session, entries=chart.written)
    chart.session = guest
    bench.commit(guest, entries=[chart.add(other)])
    bench.trust.restore(other.certificate)

    def reads() -> set[Compartment]:
        streams = bench.directory.readable(other.name)
        return {c for c in Compartment if chart.stream(c) in streams}

    assert reads() == {Compartment.SAFETY}
    chart.session = session
    bench.commit(session, entries=[chart.add(nurse)])
    assert reads() == {Compartment.SAFETY}
    chart.session = guest
    bench.commit(guest, entries=[chart.add(other)])
    assert reads() == {Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT}
    assert bench.directory.readable(other.name)[chart.stream(Compartment.CLINICAL)] == bench.window.tip.size - 1


def test_minting_is_known_by_its_entry(bench: Bench, organisation: Organisation):
    """An epoch's id is the hash of the entry that minted it."""
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    bench.commit(session, entries=chart.written)
    known = bench.directory.chart(chart.id)
    assert known is not None
    assert known.epochs == {name: compartment for compartment, name in chart.epochs.items()}
    assert isinstance(mint(session, Compartment.SAFETY, []), MintEpoch)
