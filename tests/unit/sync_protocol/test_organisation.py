"""The organisation as its records add up: roles, what the root announced, grants after a recovery."""

from __future__ import annotations

import pytest

from sync_protocol.control import SetRole
from sync_protocol.emergency_records import AnnounceBreakGlass, AnnounceRecovery, GrantRecovered
from sync_protocol.ids import CertificateHash, EntryHash, Hash
from sync_protocol.records import pack
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Envelope
from sync_protocol.signing import Ed25519Signature, MlDsaSignature, SigningKey
from tests.support.org_emergency import announce_glass, announce_recovery, recovered, run
from tests.support.org_keys import team_mint
from tests.support.org_world import Actor, OrgWorld

STRANGER = CertificateHash(b"?" * 32)


@pytest.fixture
def world() -> OrgWorld:
    """An organisation with its first administrator."""
    return OrgWorld.make(1)


def set_role(by: Actor, whom: Actor, role: Role) -> EntryHash:
    """Somebody gives somebody another role."""
    return by.write(SetRole(certificate=whom.name, role=role)).hash


def test_a_role_is_the_certificate_s(world: OrgWorld):
    """A stranger has none, and reads and writes nothing."""
    nurse = world.actor(Role.NURSE)
    view = world.reading().organisation.now
    assert view.roles(nurse.name) == {Role.NURSE}
    assert view.reads(nurse.name) == {Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT}
    assert view.writes(nurse.name, "allergy")
    assert not view.writes(nurse.name, "diagnosis")
    assert view.roles(STRANGER) == frozenset()
    assert view.reads(STRANGER) == frozenset()
    assert not view.writes(STRANGER, "allergy")
    assert not view.is_administrator(STRANGER)
    assert view.expires_ms(STRANGER) == 0
    assert view.expires_ms(nurse.name) == nurse.device.certificate.value.not_after_ms


def test_an_administrator_sets_roles_and_the_latest_counts(world: OrgWorld):
    """By causality: who looks from before sees the old one."""
    nurse = world.actor(Role.NURSE)
    before = world.admin.heads(world.control_stream)
    set_role(world.admin, nurse, Role.PHYSICIAN)
    between = world.admin.heads(world.control_stream)
    set_role(world.admin, nurse, Role.LAB_TECHNICIAN)
    organisation = world.reading().organisation
    assert organisation.now.roles(nurse.name) == {Role.LAB_TECHNICIAN}
    assert organisation.now.refused == {}
    assert organisation.at(between).roles(nurse.name) == {Role.PHYSICIAN}
    assert organisation.at(before).roles(nurse.name) == {Role.NURSE}
    assert organisation.at([EntryHash(b"?" * 32)]).roles(nurse.name) == {Role.NURSE}
    assert organisation.follows(between, before)
    assert not organisation.follows(before, between)


def test_two_roles_set_side_by_side_both_bind(world: OrgWorld):
    """What either forbids is forbidden, until one who saw both says otherwise."""
    second = world.actor(Role.ADMIN)
    nurse = world.actor(Role.NURSE)
    second.see_all()
    set_role(world.admin, nurse, Role.PHYSICIAN)
    set_role(second, nurse, Role.CLINICAL_ADMIN)
    view = world.reading().organisation.now
    assert view.roles(nurse.name) == {Role.PHYSICIAN, Role.CLINICAL_ADMIN}
    assert view.reads(nurse.name) == {Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT}
    assert view.writes(nurse.name, "identity")
    assert not view.writes(nurse.name, "allergy")
    second.see_all()
    set_role(second, nurse, Role.NURSE)
    assert world.reading().organisation.now.roles(nurse.name) == {Role.NURSE}


def test_nobody_raises_itself(world: OrgWorld):
    """Only administrators set roles, and neither to nor from their own."""
    nurse = world.actor(Role.NURSE)
    second = world.actor(Role.ADMIN)
    refused = [
        set_role(nurse, nurse, Role.PHYSICIAN),
        set_role(world.admin, nurse, Role.ADMIN),
        set_role(world.admin, second, Role.PHYSICIAN),
        set_role(second, second, Role.NURSE),
    ]
    view = world.reading().organisation.now
    assert view.roles(nurse.name) == {Role.NURSE}
    assert view.roles(second.name) == {Role.ADMIN}
    assert view.refused == dict.fromkeys(refused, "not_an_administrator")


def test_the_newest_announcement_of_the_root_counts(world: OrgWorld):
    """By its own time, whoever passed it on; what the root did not sign is refused."""
    nurse = world.actor(Role.NURSE)
    new, new_glass = announce_recovery(world, nurse, issued_ms=9), announce_glass(world, nurse, issued_ms=9)
    before = nurse.heads(world.control_stream)
    announce_recovery(world, nurse, issued_ms=8)
    announce_glass(world, nurse, issued_ms=8)
    forged = announce_recovery(world, nurse, issued_ms=10, by_root=False)
    announce_glass(world, nurse, issued_ms=10, by_root=False)
    nurse.write(AnnounceBreakGlass(record=b"x"))
    organisation = world.reading().organisation
    for view in (organisation.now, organisation.at(before)):
        assert view.recovery is not None
        assert view.break_glass is not None
        assert (view.recovery.hash, view.break_glass.hash) == (new, new_glass)
    assert organisation.at([]).recovery is None
    assert organisation.at([]).break_glass is None
    assert sorted(organisation.now.refused.values()) == ["not_signed_by_root"] * 3
    assert organisation.at(before).refused == {}
    assert forged not in organisation.announced.recovery_names


def test_an_announcement_of_another_s_certificate_does_not_make_a_recovery_key_of_it(world: OrgWorld):
    """Its hash would be a principal's, and every epoch for that one would be judged wrapped to recovery."""
    nurse, liar = world.actor(Role.NURSE), world.actor(Role.NURSE)
    payload = pack(nurse.device.certificate.value)
    liar.write(
        AnnounceRecovery(
            record=pack(Envelope(payload=payload, ed25519=signature(), ml_dsa=MlDsaSignature(bytes(3309))))
        )
    )
    liar.write(AnnounceRecovery(record=b"x"))
    team = nurse.create_team(Compartment.SAFETY)
    epoch = nurse.write(team_mint(nurse, team, [nurse.name])).hash
    organisation = world.reading().organisation
    found = organisation.now.team(team)
    assert Hash.of(payload) == nurse.name
    assert found is not None
    assert found.epochs[epoch].principals == {nurse.name}
    assert organisation.teams.is_valid(found.epochs[epoch])


def test_the_recovery_key_lets_people_in_while_its_record_is_the_newest(world: OrgWorld):
    """By its signature, whoever passed it on; a grant without one, or before there is a record, is refused."""
    nurse, doctor = world.actor(Role.NURSE), world.actor(Role.PHYSICIAN)
    nurse.see_all()
    early = nurse.write(GrantRecovered(recovery=Hash(bytes(32)), certificate=nurse.name, signature=signature())).hash
    assert world.reading().organisation.now.refused == {early: "not_signed_by_recovery"}
    recovery = announce_recovery(world, nurse)
    nurse.write(run(recovery, drill=True))
    nurse.write(run(Hash(bytes(32))))
    hidden = nurse.write(recovered(recovery, nurse.name)).hash  # nobody announced that the key was put together
    nurse.write(run(recovery))
    nurse.write(recovered(recovery, doctor.name))
    forged = nurse.write(recovered(recovery, nurse.name, SigningKey(b"x" * 32))).hash
    organisation = world.reading().organisation
    assert organisation.now.recovered == {doctor.name}
    assert organisation.now.refused == dict.fromkeys([early, hidden, forged], "not_signed_by_recovery")
    assert organisation.at([]).recovered == frozenset()
    announce_recovery(world, nurse, issued_ms=8)
    assert world.reading().organisation.now.recovered == frozenset()


def signature() -> Ed25519Signature:
    """One of nothing."""
    return Ed25519Signature(bytes(64))


def test_views_of_one_past_are_one(world: OrgWorld):
    """And revocations are worked out once for all views that agree in them."""
    nurse = world.actor(Role.NURSE)
    organisation = world.reading().organisation
    heads = nurse.heads(world.control_stream)
    assert organisation.at(heads) is organisation.at(heads)
    assert organisation.revoked(organisation.now) is organisation.revoked(organisation.at(heads))


def test_the_organisation_s_heads_are_what_an_author_names(world: OrgWorld):
    """The newest records, the same tuple until there is more."""
    world.actor(Role.NURSE)
    organisation = world.reading().organisation
    assert organisation.heads == world.admin.heads(world.control_stream)
    assert organisation.heads is organisation.heads
