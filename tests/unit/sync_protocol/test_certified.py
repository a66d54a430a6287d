"""Who there is, by the records alone: the same on every device, whatever other certificates it has met."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync_protocol.certificates import Certificate, issue
from sync_protocol.certified import Certified
from sync_protocol.control import AddMember, Certify
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.organisation import Organisation
from sync_protocol.records import pack
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Envelope, Verified
from sync_protocol.signing import Ed25519Signature, HybridSigningKey, MlDsaSignature
from tests.support.org_keys import mint
from tests.support.org_world import Actor, OrgWorld
from tests.support.people import YEAR_MS

SAFETY = Compartment.SAFETY


def certified(world: OrgWorld) -> Certified:
    """What is on record by everything that was written."""
    return world.reading().organisation.certified


def renewal(world: OrgWorld, whom: Actor, key: HybridSigningKey, issuer: Hash) -> Verified[Certificate]:
    """A certificate for a year more, which every device here has met."""
    claim = whom.device.certificate.value
    later = replace(claim, not_after_ms=claim.not_after_ms + YEAR_MS, issuer=issuer, renews=whom.name)
    found = issue(later, key)
    world.people.certificates.append(found)
    world.trust = world.people.trust()
    return found


def admin_key(actor: Actor) -> HybridSigningKey:
    """An administrator's."""
    assert isinstance(actor.device.key, HybridSigningKey)
    return actor.device.key


def test_a_certificate_counts_once_its_issuer_put_it_on_record():
    """Another's word does not do, nor does a record whose signatures do not hold."""
    world = OrgWorld.make(1)
    hidden, other = world.actor(Role.NURSE, on_record=False), world.actor(Role.ADMIN)
    other.see_all()
    wire = hidden.device.certificate.wire
    payload = pack(hidden.device.certificate.value)
    forged = Envelope(payload=payload, ed25519=Ed25519Signature(bytes(64)), ml_dsa=MlDsaSignature(bytes(3309)))
    other.write(Certify(certificate=wire))
    world.admin.write(Certify(certificate=pack(forged)))
    world.admin.write(Certify(certificate=b"x"))
    assert not certified(world).knows(hidden.name)
    assert certified(world).knows(other.name)
    assert not certified(world).knows(CertificateHash(b"?" * 32))
    world.admin.write(Certify(certificate=wire))
    assert certified(world).knows(hidden.name)


def test_other_good_signatures_do_as_well():
    """Signatures are not part of a certificate's name."""
    world = OrgWorld.make(1)
    hidden = world.actor(Role.NURSE, on_record=False)
    again = issue(hidden.device.certificate.value, admin_key(world.admin))
    assert again.wire != hidden.device.certificate.wire
    world.admin.write(Certify(certificate=again.wire))
    assert certified(world).knows(hidden.name)


def test_who_wrote_a_record_and_whom_the_root_certified_are_known():
    """Nobody has a record without its author's certificate; the root says what it says to all."""
    world = OrgWorld.make(1)
    author = world.actor(Role.PHYSICIAN, on_record=False)
    assert certified(OrgWorld.make(1)).knows(world.admin.name)
    assert not certified(world).knows(author.name)
    author.create_team(SAFETY)
    assert certified(world).knows(author.name)


def test_who_is_not_on_record_belongs_to_no_chart_unless_it_wrote_there():
    """So an epoch is valid for all or for none: one device alone may have met the certificate."""
    world = OrgWorld.make(1)
    nurse, hidden = world.actor(Role.NURSE), world.actor(Role.NURSE, on_record=False)
    chart = nurse.create_chart()
    nurse.write(AddMember(certificate=hidden.name, compartments=(SAFETY,)), chart)
    nurse.write(mint(nurse, SAFETY, [nurse.name]), chart)
    now = world.reading().chart(chart).now
    assert now is not None
    assert now.members.keys() == {nurse.name}
    assert all(epoch.valid for epoch in now.epochs.values())
    own = hidden.create_chart()
    mine = world.reading().chart(own).now
    assert mine is not None
    assert SAFETY in mine.members[hidden.name]


def test_a_renewal_counts_from_where_it_is_on_record():
    """What was judged by an earlier view stays as it was."""
    world = OrgWorld.make(1)
    nurse = world.actor(Role.NURSE)
    ends_ms = nurse.device.certificate.value.not_after_ms
    before = world.admin.heads(world.control_stream)
    longer = renewal(world, nurse, admin_key(world.admin), Hash(world.admin.name))
    assert world.reading().organisation.now.expires_ms(nurse.name) == ends_ms
    world.admin.write(Certify(certificate=longer.wire))
    organisation = world.reading().organisation
    assert organisation.now.expires_ms(nurse.name) == ends_ms + YEAR_MS
    assert organisation.at(before).expires_ms(nurse.name) == ends_ms
    renewed = CertificateHash(longer.hash)
    assert organisation.certified.principal(renewed) == nurse.name
    assert organisation.certified.principal(CertificateHash(b"?" * 32)) == CertificateHash(b"?" * 32)
    assert not organisation.certified.knows(renewed)


def test_a_renewal_by_the_root_may_be_put_on_record_by_anybody():
    """The root's device need not write: its signature says enough."""
    world = OrgWorld.make(1)
    nurse = world.actor(Role.NURSE)
    longer = renewal(world, nurse, world.people.root_key, Hash(world.people.root.hash))
    world.actor(Role.ADMIN).write(Certify(certificate=longer.wire))
    ends_ms = nurse.device.certificate.value.not_after_ms
    assert world.reading().organisation.now.expires_ms(nurse.name) == ends_ms + YEAR_MS


def test_what_was_verified_once_is_not_verified_again(monkeypatch: Any):
    """A device makes the organisation anew whenever a record of it comes."""
    world = OrgWorld.make(1)
    nurse = world.actor(Role.NURSE)
    world.admin.write(world.revocation(world.admin, nurse, {}))
    reading = world.reading()
    first, order = reading.organisation, reading.organisation.pasts.order

    def fails(*_: Any) -> None:
        raise AssertionError("opened again")

    monkeypatch.setattr("sync_protocol.certified.Signed", fails)
    monkeypatch.setattr("sync_protocol.organisation.open_revocation", fails)
    again = Organisation(world.trust, order, reading.seals, earlier=first)
    assert again.certified.places == first.certified.places
    assert again.now.revoked == first.now.revoked == {nurse.name}
