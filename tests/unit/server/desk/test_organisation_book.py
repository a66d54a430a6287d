"""The desk knows of the organisation what anybody handed it, if it verifies, and forgets none of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.desk.organisation_book import ORGANISATION_RECORDS, OrganisationBook
from sync_protocol.certificates import Trust
from sync_protocol.control import AnnounceRelay, Certify
from sync_protocol.errors import MalformedError
from sync_protocol.glass_news import GlassNews
from sync_protocol.labels import Label
from sync_protocol.records import pack
from sync_protocol.revocation import Revocation, RevocationReason, Revoke, issue_revocation
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import HybridSigningKey
from tests.support.people import START_MS, Organisation


class Office:
    """An administrator at work in the organisation's control stream."""

    def __init__(self, world):
        self.world = world
        self.session = world.admin.session()
        self.sent = 0

    def news(self, *records):
        """What these records are to the desk, with all proofs."""
        _, entries = self.session.write_control(self.world.root.value.control, records)
        proofs = self.session.proofs
        return pack(
            GlassNews(
                certificates=proofs.certificates,
                sessions=proofs.sessions,
                seals=proofs.seals,
                entries=tuple(entry.wire for entry in entries),
            )
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


def test_a_revocation_counts_once_it_was_handed_over(world, book):
    """By anybody: it needs nobody's word but its issuer's."""
    nurse = world.device(Role.NURSE)
    office = Office(world)
    book.take(office.news(Certify(certificate=nurse.certificate.wire)))
    assert book.known.people().revoked == frozenset()
    assert isinstance(world.admin.key, HybridSigningKey)
    revocation = issue_revocation(
        Revocation(
            organisation=world.root.value.organisation,
            issuer=world.admin.name,
            cuts={},
            reason=RevocationReason.STOLEN,
            issued_ms=START_MS,
            device=nurse.certificate.value.device,
        ),
        world.admin.key,
    )
    assert book.take(office.news(Revoke(record=revocation.wire))) == 1
    assert nurse.name in book.known.people().revoked


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
