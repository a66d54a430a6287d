"""The desk knows of the organisation what anybody handed it, if it verifies, and forgets none of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.desk import organisation_book, waiting
from server.desk.organisation_book import ORGANISATION_RECORDS, OrganisationBook, Spent
from sync_protocol.certificates import Trust
from sync_protocol.chart_records import RemoveMember
from sync_protocol.control import AnnounceRelay, Certify, SetRole
from sync_protocol.entries import WireEntry
from sync_protocol.errors import MalformedError
from sync_protocol.glass_news import GlassNews
from sync_protocol.labels import Label
from sync_protocol.records import pack
from sync_protocol.revocation import Revocation, RevocationReason, Revoke, issue_revocation
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import HybridSigningKey
from sync_protocol.team_records import CreateTeam
from tests.support.people import START_MS, Organisation


class Office:
    """An administrator, or another, at work in the organisation's control stream."""

    def __init__(self, world, device=None):
        self.world = world
        self.session = (device or world.admin).session()
        self.sent = 0

    def news(self, *records):
        """What these records are to the desk, with all proofs."""
        return pack(self.part(*records))

    def part(self, *records):
        """The same, to be changed."""
        _, entries = self.session.write_control(self.world.root.value.control, records)
        proofs = self.session.proofs
        return GlassNews(
            certificates=proofs.certificates,
            sessions=proofs.sessions,
            seals=proofs.seals,
            entries=tuple(entry.wire for entry in entries),
        )


def opened(tmp_path, world):
    """The book as it lies in its file."""
    trust = Trust(world.root)
    trust.restore(world.admin.certificate)
    return OrganisationBook(tmp_path / ORGANISATION_RECORDS, trust)


@pytest.fixture
def world():
    """An organisation."""
    return Organisation.make(5)


@pytest.fixture
def book(tmp_path, world):
    """A new book."""
    made = opened(tmp_path, world)
    yield made
    made.close()


def test_records_are_kept_across_a_restart(tmp_path, world, book):
    """Certificates, the relay, how far the stream is known: the same after it."""
    nurse = world.device(Role.NURSE)
    office = Office(world)
    data = office.news(Certify(certificate=nurse.certificate.wire), AnnounceRelay(record=world.relay.wire))
    assert book.take(data) == 2
    assert book.take(data) == 0
    for one in (book, opened(tmp_path, world)):
        assert one.known.trust.certificate(nurse.name) is not None
        assert one.known.relay.hash == world.relay.hash
        assert one.frontier().sessions == {office.session.id: 2}
        assert len(one.known.entries) == 2
        assert Compartment.SAFETY in one.known.people().reads(nurse.name)
    assert len((tmp_path / ORGANISATION_RECORDS).read_bytes()) < 2 * len(data)
    assert book.root.hash == world.root.hash


def test_the_newest_relay_counts(world, book):
    """Whatever order its records come in; what no root signed is void alone."""
    newer = sign_hybrid(replace(world.relay.value, issued_ms=START_MS * 2 // 2 + 9_999), world.root_key, Label.RELAY)
    foreign = Organisation.make(6).relay
    office = Office(world)
    for record in (newer, world.relay, foreign):
        assert book.take(office.news(AnnounceRelay(record=record.wire))) == 1
    assert book.known.relay.hash == newer.hash


def revoked(world, device):
    """The administrator's word that nothing of a device counts."""
    assert isinstance(world.admin.key, HybridSigningKey)
    revocation = Revocation(
        organisation=world.root.value.organisation,
        issuer=world.admin.name,
        cuts={},
        reason=RevocationReason.STOLEN,
        issued_ms=START_MS,
        device=device.certificate.value.device,
    )
    return Revoke(record=issue_revocation(revocation, world.admin.key).wire)


def test_a_revocation_counts_once_it_was_handed_over(world, book):
    """By anybody: it needs nobody's word but its issuer's. What is known is added up once, until more is known."""
    nurse = world.device(Role.NURSE)
    office = Office(world)
    book.take(office.news(Certify(certificate=nurse.certificate.wire)))
    assert book.known.people().revoked == frozenset()
    assert book.known.people() is book.known.people()
    assert book.take(office.news(revoked(world, nurse))) == 1
    assert nurse.name in book.known.people().revoked


def team(number=0):
    """A record that every member may write."""
    return CreateTeam(nonce=number.to_bytes(16, "big"), compartments=(Compartment.SAFETY,))


def kept_bytes(tmp_path):
    """How much lies in the file."""
    return (tmp_path / ORGANISATION_RECORDS).stat().st_size


def test_proofs_without_an_entry_lie_on_no_disk(tmp_path, world, book):
    """They wait, so that an entry of the next part finds them; only so much of one device waits."""
    office = Office(world, world.device(Role.NURSE))
    whole = office.part(team())
    assert book.take(pack(replace(whole, entries=()))) == 0
    assert kept_bytes(tmp_path) == 0
    assert book.take(pack(replace(whole, certificates=(), sessions=(), seals=()))) == 1
    assert opened(tmp_path, world).frontier() == book.frontier()
    assert book.frontier().sessions == {office.session.id: 1}


@pytest.mark.parametrize("has_room_for_session", [False, True])
def test_only_so_much_of_one_device_waits(world, book, monkeypatch, has_room_for_session):
    """What an entry needs beyond that is not here; another device is not kept from anything by it."""
    nurse = Office(world, world.device(Role.NURSE))
    room = len(nurse.session.record.wire) if has_room_for_session else 0
    monkeypatch.setattr(waiting, "WAITING_BYTES_MAX", room)
    assert book.take(nurse.news(team())) == 0
    monkeypatch.undo()
    assert book.take(nurse.news(team(1))) == 0, "what comes before it is missing"
    assert book.take(Office(world, world.device(Role.NURSE)).news(team())) == 1


def test_what_no_relay_takes_is_not_kept(tmp_path, world, book):
    """A member writes of teams and of recovery; an administrator what newer versions know; nobody of charts."""
    nurse, office = world.device(Role.NURSE), Office(world)
    other = Office(world, nurse)
    for record in (Certify(certificate=nurse.certificate.wire), RemoveMember(certificate=nurse.name)):
        assert book.take(Office(world, nurse).news(record)) == 0
    assert book.take(office.news(RemoveMember(certificate=nurse.name))) == 0
    _, entries = other.session.write(world.root.value.control, [b"no record"])
    proofs = other.session.proofs
    unread = GlassNews(
        certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals, entries=(entries[0].wire,)
    )
    assert book.take(pack(unread)) == 0
    assert kept_bytes(tmp_path) == 0
    assert book.known.entries == set()
    assert book.take(Office(world, nurse).news(team())) == 1


@pytest.mark.parametrize("budget", [Spent(2, 1 << 20), Spent(9, 3_000)])
def test_one_device_fills_its_own_budget_alone(tmp_path, world, book, monkeypatch, budget):
    """Beyond it a record is known by its hash, so that who names it as seen is not refused for it."""
    monkeypatch.setattr(organisation_book, "MEMBER", budget)
    nurse, mate = (Office(world, world.device(Role.NURSE)) for _ in range(2))
    entries: tuple[WireEntry, ...] = ()
    for number in range(20):
        whole = nurse.part(team(number))
        entries += whole.entries
    taken = book.take(pack(replace(whole, entries=entries)))
    assert 0 < taken < len(entries)
    full = kept_bytes(tmp_path)
    assert book.take(pack(replace(whole, entries=entries))) == 0
    assert kept_bytes(tmp_path) == full
    assert len(book.known.entries) == len(entries)
    assert book.take(mate.news(team())) == 1


def test_what_lies_outside_a_cut_is_not_kept(tmp_path, world, book):
    """A thief's later records are known by their hashes and count for nothing."""
    nurse = world.device(Role.NURSE)
    office, thief = Office(world), Office(world, nurse)
    book.take(office.news(Certify(certificate=nurse.certificate.wire), revoked(world, nurse)))
    full = kept_bytes(tmp_path)
    assert book.take(thief.news(team())) == 0
    assert kept_bytes(tmp_path) == full
    assert len(book.known.entries) == 3
    assert thief.session.id not in book.frontier().sessions
    assert book.take(office.news(SetRole(certificate=nurse.name, role=Role.PHYSICIAN))) == 1


def test_what_does_not_verify_or_stands_elsewhere_is_left_out(world, book):
    """Entries of charts, entries without their seals, other bytes."""
    session = world.device(Role.NURSE).session()
    seal, entries = session.write(world.stream(), [b"sealed"])
    chart = GlassNews(certificates=(), sessions=(), seals=(), entries=(entries[0].wire,))
    assert book.take(pack(chart)) == 0
    proofs = session.proofs
    whole = replace(chart, certificates=proofs.certificates, sessions=proofs.sessions, seals=(seal.wire,))
    assert book.take(pack(whole)) == 0
    assert book.frontier().sessions == {}
    with pytest.raises(MalformedError):
        book.take(b"\x00")
