"""Revocations among themselves: whom they cut, whom they may not, and what a stolen administrator cannot do."""

from __future__ import annotations

import random

from sync_protocol.control import Certify, SetRole
from sync_protocol.control_entry import written
from sync_protocol.ids import EntryHash
from sync_protocol.revocation import Revoke
from sync_protocol.roles import Role
from sync_protocol.verdicts import Reason
from tests.support.org_world import Actor, OrgWorld, Reading


class Town:
    """A root, two administrators under it, two under the first, a nurse of each of those."""

    def __init__(self) -> None:
        self.world = OrgWorld.make(1)
        self.first, self.equal = (self.world.actor(Role.ADMIN, by=self.world.admin) for _ in range(2))
        self.deep = self.world.actor(Role.ADMIN, by=self.first)
        self.deeper = self.world.actor(Role.ADMIN, by=self.deep)
        self.nurse = self.world.actor(Role.NURSE, by=self.deep)
        self.doctor = self.world.actor(Role.PHYSICIAN, by=self.first)

    def revoke(self, issuer: Actor | None, subject: Actor, *, by: Actor | None = None, cut: bool = True) -> EntryHash:
        """Revoke somebody after all that it wrote, or from the beginning; the record is its issuer's by default."""
        cuts = self.world.cuts(subject) if cut else {}
        author = by or issuer or self.doctor
        author.see_all()
        return author.write(self.world.revocation(issuer, subject, cuts)).hash

    def excluded(self, reading: Reading, actor: Actor, entry: int = -1) -> Reason | None:
        """What becomes of one of an actor's entries."""
        mine = [one for one in reading.entries if self.world.author(one) == actor.name]
        return reading.organisation.now.excludes(written(mine[entry], actor.name, reading.seals))


def test_nobody_is_revoked_where_nothing_was_said():
    """And nothing is refused."""
    view = Town().world.reading().organisation.now
    assert view.revoked == frozenset()
    assert view.refused == {}


def test_what_is_sealed_within_the_cut_stays_and_what_comes_after_does_not():
    """The cut is a seal's number."""
    town = Town()
    town.nurse.create_chart()
    name = town.revoke(town.first, town.nurse)
    town.nurse.create_chart(b"2" * 16)
    reading = town.world.reading()
    assert reading.organisation.now.revoked == {town.nurse.name}
    assert town.excluded(reading, town.nurse, 0) is None
    assert town.excluded(reading, town.nurse, 1) is Reason.REVOKED
    assert name not in reading.organisation.now.refused


def test_a_session_that_is_not_listed_has_nothing_within():
    """Whoever revokes had not heard of it."""
    town = Town()
    town.nurse.create_chart()
    town.revoke(town.first, town.nurse, cut=False)
    assert town.excluded(town.world.reading(), town.nurse) is Reason.REVOKED


def test_another_branch_below_the_cut_is_outside():
    """A thief who has the key adds below the number, but not seals that lead to the cut."""
    town = Town()
    town.nurse.create_chart()
    thief = town.nurse.twin()
    town.nurse.create_chart(b"2" * 16)
    town.nurse.create_chart(b"3" * 16)
    town.revoke(town.first, town.nurse)
    thief.create_chart(b"4" * 16)
    reading = town.world.reading()
    assert [town.excluded(reading, town.nurse, n) for n in range(4)] == [None, None, None, Reason.REVOKED]


def test_below_the_cut_nothing_is_held_against_one_whose_seals_are_not_known():
    """It may stand on the right branch; when the seals come that show where the cut leads, it is judged by them."""
    town = Town()
    town.nurse.create_chart()
    town.nurse.create_chart(b"2" * 16)
    town.revoke(town.first, town.nurse)
    entries = [
        one
        for one in town.world.entries.values()
        if one.header.seal == 0 or one.header.session != town.nurse.session.id
    ]
    reading = town.world.reading(entries)
    assert reading.organisation.now.revoked
    assert town.excluded(reading, town.nurse) is None
    assert reading.organisation.unfinished
    assert not town.world.reading().organisation.unfinished


def test_of_several_cuts_each_binds():
    """What any of them leaves out is out."""
    town = Town()
    town.nurse.create_chart()
    town.revoke(town.first, town.nurse)
    town.nurse.create_chart(b"2" * 16)
    town.revoke(town.deep, town.nurse)
    reading = town.world.reading()
    assert [town.excluded(reading, town.nurse, n) for n in range(2)] == [None, Reason.REVOKED]


def test_the_senior_revokes_the_junior_and_not_the_other_way_round():
    """Nor an equal, nor itself: these need the root."""
    for issuer, subject in (("deep", "first"), ("first", "equal"), ("first", "first"), ("deep", "doctor")):
        town = Town()
        actors = getattr(town, issuer), getattr(town, subject)
        name = town.revoke(*actors)
        view = town.world.reading().organisation.now
        assert view.revoked == frozenset(), (issuer, subject)
        assert view.refused == {name: "not_senior"}
        town.revoke(None, actors[1])
        assert town.world.reading().organisation.now.revoked == {actors[1].name}


def test_seniority_is_depth_and_not_descent():
    """An administrator revokes whoever is enrolled deeper, by whomever."""
    town = Town()
    town.revoke(town.equal, town.deep)
    assert town.world.reading().organisation.now.revoked >= {town.deep.name}


def test_a_revocation_by_the_root_counts_whoever_put_it_on_record():
    """Its signature is enough."""
    town = Town()
    town.revoke(None, town.first, by=town.nurse)
    assert town.first.name in town.world.reading().organisation.now.revoked


def test_an_administrator_s_revocation_is_its_own_record():
    """A copy that another put on record cuts nobody: a cut of the issuer is compared with the issuer's own chain."""
    town = Town()
    name = town.revoke(town.first, town.nurse, by=town.doctor)
    view = town.world.reading().organisation.now
    assert view.revoked == frozenset()
    assert view.refused == {name: "not_its_issuer"}


def test_what_is_no_revocation_is_passed_over():
    """Bytes, and one that another organisation's root signed."""
    town = Town()
    other = OrgWorld.make(2)
    town.first.write(Revoke(record=b"x"))
    town.first.write(other.revocation(None, town.nurse, {}))
    assert town.world.reading().organisation.now.revoked == frozenset()


def test_a_revocation_of_nobody_that_is_known_waits():
    """It is not refused: the certificate may come later."""
    town = Town()
    late = town.world.actor(Role.NURSE, by=town.deep)
    name = town.revoke(town.first, late)
    earlier = Town().world.trust
    reading = town.world.reading(trust=earlier)
    assert reading.organisation.now.revoked == frozenset()
    assert name not in reading.organisation.now.refused
    assert town.world.reading().organisation.now.revoked == {late.name}


def test_a_revoked_administrator_s_later_revocations_are_void_and_their_victims_back():
    """Its earlier ones stay."""
    town = Town()
    kept = town.revoke(town.first, town.nurse)
    cuts = town.world.cuts(town.first)
    theft = town.revoke(town.first, town.deep)
    assert town.world.reading().organisation.now.revoked == {town.nurse.name, town.deep.name}
    town.world.admin.see_all()
    town.world.admin.write(town.world.revocation(town.world.admin, town.first, cuts))
    view = town.world.reading().organisation.now
    assert view.revoked == {town.first.name, town.nurse.name}
    assert view.refused == {theft: "outside_cut"}
    assert kept not in view.refused


def test_a_stolen_administrator_s_tablet_that_revokes_everyone_is_undone_by_one_record():
    """Whoever is senior revokes it from the last honest seal on, and everybody is back."""
    town = Town()
    cuts = town.world.cuts(town.first)
    victims = [town.deep, town.deeper, town.nurse, town.doctor, town.equal, town.world.admin]
    for victim in victims:
        town.revoke(town.first, victim, cut=False)
    view = town.world.reading().organisation.now
    assert view.revoked == {victim.name for victim in victims[:4]}  # equals and seniors never were
    town.world.admin.write(town.world.revocation(town.world.admin, town.first, cuts))
    view = town.world.reading().organisation.now
    assert view.revoked == {town.first.name}
    assert len(view.refused) == len(victims)


def test_two_stolen_tablets_in_a_row():
    """The junior's revocations fall with the junior, and the junior is back once the thief of the senior is cut."""
    town = Town()
    cuts = town.world.cuts(town.first)
    by_deep = town.revoke(town.deep, town.nurse)
    town.revoke(town.first, town.deep, cut=False)
    view = town.world.reading().organisation.now
    assert view.revoked >= {town.deep.name}
    assert view.refused[by_deep] == "outside_cut"
    town.doctor.write(town.world.revocation(None, town.first, cuts))
    view = town.world.reading().organisation.now
    assert view.revoked == {town.first.name, town.nurse.name}


def test_who_was_certified_outside_the_cut_is_nobody():
    """And whoever that one certified: a thief's tablets stand on nothing. Those certified before stay."""
    town = Town()
    cuts = town.world.cuts(town.first)
    fake = town.world.actor(Role.ADMIN, by=town.first)
    friend = town.world.actor(Role.PHYSICIAN, by=fake)
    theirs = town.revoke(fake, town.nurse)
    friend.create_chart()
    town.world.admin.write(town.world.revocation(town.world.admin, town.first, cuts))
    reading = town.world.reading()
    view = reading.organisation.now
    assert view.revoked == {town.first.name, fake.name, friend.name}
    assert view.refused == {theirs: "outside_cut"}
    assert town.excluded(reading, friend) is Reason.ISSUER_REVOKED


def test_a_certificate_that_never_was_on_record_falls_with_its_issuer():
    """Or was put there by another than its issuer: that shows no time."""
    town = Town()
    hidden = town.world.actor(Role.NURSE, by=town.first, on_record=False)
    town.nurse.write(Certify(certificate=hidden.device.certificate.wire))
    town.nurse.write(Certify(certificate=b"x"))
    hidden.create_chart()
    reading = town.world.reading()
    assert town.excluded(reading, hidden) is None
    town.revoke(town.world.admin, town.first)
    assert hidden.name in town.world.reading().organisation.now.revoked
    assert town.doctor.name not in town.world.reading().organisation.now.revoked


def test_a_certificate_that_is_on_record_twice_stays_by_the_earlier():
    """Posting it again does no harm."""
    town = Town()
    cuts = town.world.cuts(town.first)
    town.first.write(Certify(certificate=town.doctor.device.certificate.wire))
    town.world.admin.write(town.world.revocation(town.world.admin, town.first, cuts))
    assert town.world.reading().organisation.now.revoked == {town.first.name}


def test_a_user_is_revoked_on_every_device():
    """Where the issuer is senior to it; the others need the root."""
    town = Town()
    user = town.nurse.device.certificate.value.user
    above = town.world.actor(Role.NURSE, by=town.first, user=user)
    record = town.world.revocation(town.first, town.nurse, {}, device=None, user=user)
    name = town.first.write(record).hash
    view = town.world.reading().organisation.now
    assert view.revoked == {town.nurse.name, above.name}
    assert name not in view.refused
    town = Town()
    user = town.nurse.device.certificate.value.user
    above = town.world.actor(Role.NURSE, user=user)
    town.deep.write(town.world.revocation(town.deep, town.nurse, {}, device=None, user=user))
    assert town.world.reading().organisation.now.revoked == {town.nurse.name}


def test_a_thief_s_change_of_role_counts_for_nothing():
    """It stands outside the cut."""
    town = Town()
    cuts = town.world.cuts(town.first)
    town.first.write(SetRole(certificate=town.doctor.name, role=Role.NURSE))
    assert town.world.reading().organisation.now.roles(town.doctor.name) == {Role.NURSE}
    town.world.admin.write(town.world.revocation(town.world.admin, town.first, cuts))
    assert town.world.reading().organisation.now.roles(town.doctor.name) == {Role.PHYSICIAN}


def test_the_order_of_arrival_plays_no_part():
    """Nor do duplicates."""
    town = Town()
    cuts = town.world.cuts(town.first)
    town.revoke(town.deep, town.nurse)
    town.revoke(town.first, town.deep, cut=False)
    town.world.actor(Role.ADMIN, by=town.first)
    town.world.admin.write(town.world.revocation(town.world.admin, town.first, cuts))
    whole = town.world.reading().organisation.now
    for seed in range(10):
        entries = [*random.Random(seed).choices([*town.world.entries.values()], k=40), *town.world.entries.values()]
        again = town.world.reading(entries).organisation.now
        assert (again.revoked, again.refused) == (whole.revoked, whole.refused)
