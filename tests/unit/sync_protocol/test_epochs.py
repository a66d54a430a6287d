"""Epochs of charts: valid for the readers of their own past, written under while the readers are today's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sync_protocol.chart_records import AddTeam, RemoveMember, RemoveTeam
from sync_protocol.control import LEDGER_NONCE, AddMember, SetRole
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason, CloseBreakGlass
from sync_protocol.epochs import opening_team_epoch, team_epoch
from sync_protocol.ids import ChartId, EntryHash, Hash
from sync_protocol.membership import Membership
from sync_protocol.roles import Compartment, Role
from sync_protocol.team_records import AddToTeam, RemoveFromTeam
from tests.support.org_emergency import announce_glass, announce_recovery
from tests.support.org_keys import GLASS, mint, rewrap, rewrap_team, team_mint
from tests.support.org_world import Actor, OrgWorld
from tests.support.people import YEAR_MS

SAFETY, CLINICAL, SENSITIVE, AUDIT = Compartment
BROKEN = BreakGlass(reason=BreakGlassReason.LIFE_THREAT, kit=False, nonce=b"g" * 16)


class Ring:
    """A nurse's chart that a physician belongs to, a second physician and a third who are a team."""

    def __init__(self) -> None:
        self.world = OrgWorld.make(1)
        self.nurse, self.doctor, self.second, self.third = (
            self.world.actor(role) for role in (Role.NURSE, Role.PHYSICIAN, Role.PHYSICIAN, Role.PHYSICIAN)
        )
        self.everybody = [self.world.admin, self.nurse, self.doctor, self.second, self.third]
        self.tell()
        self.chart: ChartId = self.nurse.create_chart()
        self.tell()
        self.say(self.nurse, AddMember(certificate=self.doctor.name, compartments=tuple(Compartment)))
        self.both: tuple[Hash, ...] = (self.nurse.name, self.doctor.name)

    def tell(self) -> None:
        """Everybody learns everything."""
        for actor in self.everybody:
            actor.see_all()

    def say(self, by: Actor, record: Any, *, of_chart: bool = True) -> EntryHash:
        """Somebody writes, and everybody learns of it."""
        name = by.write(record, self.chart if of_chart else None).hash
        self.tell()
        return name

    def mint(
        self, by: Actor, recipients: Iterable[Hash], compartment: Compartment = SAFETY, *, glass: bool = False
    ) -> EntryHash:
        """Somebody mints an epoch of the chart."""
        return self.say(by, mint(by, compartment, recipients, glass=glass))

    @property
    def now(self) -> Membership:
        """The chart by everything that was written."""
        found = self.world.reading().chart(self.chart).now
        assert found is not None
        return found

    def valid(self, *names: EntryHash) -> list[bool]:
        """Which epochs are valid."""
        return [self.now.epochs[name].valid for name in names]

    def candidates(self, compartment: Compartment = SAFETY) -> list[EntryHash]:
        """Under which epochs one writes now."""
        history = self.world.reading().chart(self.chart)
        now_ms = self.world.people.clock.now_ms
        return [epoch.id for epoch in history.writing_candidates(compartment, now_ms=now_ms)]


def test_recipients_are_the_readers_of_the_epoch_s_own_past():
    """No fewer, no more, and nobody that is not known."""
    ring = Ring()
    right = ring.mint(ring.nurse, ring.both)
    few = ring.mint(ring.nurse, [ring.nurse.name])
    many = ring.mint(ring.nurse, [*ring.both, ring.second.name])
    strange = ring.mint(ring.nurse, [*ring.both, Hash(b"?" * 32)])
    physicians = ring.mint(ring.doctor, [ring.doctor.name], SENSITIVE)
    assert ring.valid(right, few, many, strange, physicians) == [True, False, False, False, True]
    assert ring.candidates() == [right]
    assert ring.candidates(SENSITIVE) == [physicians]


def test_who_is_given_a_better_role_later_is_no_reader_then():
    """The past decides, and today's readers what one writes under."""
    ring = Ring()
    before = ring.mint(ring.doctor, [ring.doctor.name], SENSITIVE)
    ring.say(ring.world.admin, SetRole(certificate=ring.nurse.name, role=Role.PHYSICIAN), of_chart=False)
    after = ring.mint(ring.doctor, ring.both, SENSITIVE)
    assert ring.valid(before, after) == [True, True]
    assert ring.candidates(SENSITIVE) == [after]


def test_a_minter_is_always_a_recipient():
    """It knows the key: by a clock beyond its certificate's end it would leave itself out, and read on when removed."""
    ring = Ring()
    now_ms = ring.world.people.clock.now_ms
    ring.world.people.clock.now_ms += 2 * YEAR_MS
    sly = ring.mint(ring.doctor, [ring.nurse.name])
    own = ring.mint(ring.doctor, [ring.doctor.name])
    ring.world.people.clock.now_ms = now_ms
    ring.say(ring.nurse, RemoveMember(certificate=ring.doctor.name))
    assert ring.valid(sly, own) == [False, True]
    assert ring.candidates() == []


def test_whose_certificate_has_ended_may_be_left_out():
    """And need not be."""
    ring = Ring()
    brief = ring.world.actor(Role.NURSE, life_ms=1)
    ring.everybody.append(brief)
    ring.tell()
    ring.say(ring.nurse, AddMember(certificate=brief.name, compartments=(SAFETY,)))
    without = ring.mint(ring.nurse, ring.both)
    whole = ring.mint(ring.nurse, [*ring.both, brief.name])
    assert ring.valid(without, whole) == [True, True]
    assert sorted(ring.candidates()) == sorted([without, whole])


def test_recovery_and_glass_are_there_exactly_where_the_organisation_has_them():
    """For content, and the glass for no sensitive notes; of the audit stream neither, nor of a ledger."""
    ring = Ring()
    plain = ring.mint(ring.nurse, ring.both)
    early = ring.mint(ring.nurse, ring.both, glass=True)
    recovery = announce_recovery(ring.world, ring.world.admin)
    announce_glass(ring.world, ring.world.admin)
    ring.tell()
    whole = ring.mint(ring.nurse, [*ring.both, recovery], glass=True)
    blind = ring.mint(ring.nurse, [*ring.both, recovery])
    lost = ring.mint(ring.nurse, ring.both, glass=True)
    notes = ring.mint(ring.doctor, [ring.doctor.name, recovery], SENSITIVE)
    seen = ring.mint(ring.doctor, [ring.doctor.name, recovery], SENSITIVE, glass=True)
    audit = ring.mint(ring.nurse, ring.both, AUDIT)
    audited = ring.mint(ring.nurse, [*ring.both, recovery], AUDIT)
    assert ring.valid(plain, early, whole, blind, lost) == [True, False, True, False, False]
    assert ring.valid(notes, seen, audit, audited) == [True, False, True, False]
    assert ring.candidates() == [whole]
    assert ring.now.epochs[whole].glass == ((ring.nurse.name, GLASS),)
    ledger = ring.nurse.create_chart(LEDGER_NONCE)
    name = ring.nurse.write(mint(ring.nurse, AUDIT, [ring.nurse.name]), ledger).hash
    found = ring.world.reading().chart(ledger).now
    assert found is not None
    assert found.epochs[name].valid
    announce_recovery(ring.world, ring.world.admin, issued_ms=8)
    assert ring.candidates() == []


class TeamRing(Ring):
    """The same with a team of the other two that belongs to the chart, and an epoch of it."""

    def __init__(self) -> None:
        super().__init__()
        self.team = self.second.create_team(SAFETY, CLINICAL)
        self.change(self.second, AddToTeam(team=self.team, certificate=self.third.name))
        self.pair: tuple[Hash, ...] = (self.second.name, self.third.name)
        self.seed = self.change(self.second, team_mint(self.second, self.team, self.pair))
        self.say(self.nurse, AddTeam(team=self.team, compartments=(SAFETY,)))

    def change(self, by: Actor, record: Any) -> EntryHash:
        """Somebody changes the team."""
        return self.say(by, record, of_chart=False)


def test_a_team_s_epoch_stands_for_those_who_can_open_it():
    """Or its members are wrapped to one by one; both are as good."""
    ring = TeamRing()
    by_team = ring.mint(ring.nurse, [*ring.both, ring.seed])
    by_name = ring.mint(ring.nurse, [*ring.both, *ring.pair])
    twice = ring.mint(ring.nurse, [*ring.both, *ring.pair, ring.seed])
    assert ring.valid(by_team, by_name, twice) == [True, True, True]


def test_a_team_s_epoch_that_is_not_valid_makes_none_valid():
    """Nor one that the minter had not heard of."""
    ring = TeamRing()
    bad = ring.change(ring.second, team_mint(ring.second, ring.team, [ring.second.name]))
    unseen = ring.third.write(team_mint(ring.third, ring.team, ring.pair)).hash
    names = [
        ring.nurse.write(mint(ring.nurse, SAFETY, [*ring.both, *ring.pair, one]), ring.chart).hash
        for one in (bad, unseen)
    ]
    assert ring.valid(*names) == [False, False]


def test_who_left_a_team_is_wrapped_to_no_more():
    """An epoch for the team's old key is written under no more, though nothing in the chart changed."""
    ring = TeamRing()
    old = ring.mint(ring.nurse, [*ring.both, ring.seed])
    ring.change(ring.second, RemoveFromTeam(team=ring.team, certificate=ring.third.name))
    assert ring.valid(old) == [True]
    assert ring.candidates() == []
    still = ring.mint(ring.nurse, [*ring.both, ring.seed])
    fresh = ring.mint(ring.nurse, [*ring.both, ring.second.name])
    assert ring.valid(still, fresh) == [False, True]


def test_who_was_given_a_key_later_and_left_again_brings_no_epoch_back():
    """Readers are those of the epoch's own record again; and somebody else holds its key."""
    ring = Ring()
    epoch = ring.mint(ring.nurse, ring.both)
    ring.say(ring.nurse, AddMember(certificate=ring.second.name, compartments=(SAFETY,)))
    assert ring.candidates() == []
    ring.say(ring.nurse, rewrap(epoch, ring.second.name))
    ring.say(ring.nurse, RemoveMember(certificate=ring.second.name))
    assert ring.now.readers(SAFETY) == set(ring.both)
    assert ring.candidates() == []


def test_the_same_of_a_team_s_key():
    """Whoever the seed was wrapped to can open what is wrapped to the team."""
    ring = TeamRing()
    old = ring.mint(ring.nurse, [*ring.both, ring.seed])
    ring.change(ring.second, AddToTeam(team=ring.team, certificate=ring.doctor.name))
    ring.change(ring.second, rewrap_team(ring.seed, ring.doctor.name))
    ring.change(ring.second, RemoveFromTeam(team=ring.team, certificate=ring.doctor.name))
    ring.say(ring.nurse, RemoveMember(certificate=ring.doctor.name))
    new = ring.mint(ring.nurse, [ring.nurse.name, ring.seed])
    assert ring.valid(old, new) == [True, False]
    assert ring.candidates() == []


def test_who_broke_the_glass_and_left_again_brings_no_epoch_back():
    """The desk let its key out; what is minted after the emergency is for those who read then."""
    ring = Ring()
    announce_glass(ring.world, ring.world.admin)
    ring.tell()
    old, audit = ring.mint(ring.nurse, ring.both, glass=True), ring.mint(ring.nurse, ring.both, AUDIT)
    refused = ring.say(ring.world.admin, BROKEN)
    assert ring.now.refused == {refused: "role_reads_no_chart"}
    assert ring.candidates() == [old]
    glass = ring.say(ring.second, BROKEN)
    during = ring.mint(ring.nurse, [*ring.both, ring.second.name], glass=True)
    assert ring.candidates() == [during]
    ring.say(ring.nurse, CloseBreakGlass(record=glass))
    assert ring.candidates() == []
    fresh = ring.mint(ring.nurse, ring.both, glass=True)
    assert ring.candidates() == [fresh]
    assert ring.candidates(AUDIT) == [audit]


def test_a_thief_s_emergency_counts_though_it_is_outside_the_cut():
    """The keys were out."""
    ring = Ring()
    announce_glass(ring.world, ring.world.admin)
    ring.tell()
    old = ring.mint(ring.nurse, ring.both, glass=True)
    cuts = ring.world.cuts(ring.second)
    ring.say(ring.second, BROKEN)
    ring.say(ring.world.admin, ring.world.revocation(ring.world.admin, ring.second, cuts), of_chart=False)
    assert ring.now.readers(SAFETY) == set(ring.both)
    assert ring.valid(old) == [True]
    assert ring.candidates() == []


def test_what_a_thief_minted_still_opens_and_is_written_under_no_more():
    """Whoever had not heard of the theft sealed under it, and a reviewer must open what the thief's owner wrote."""
    ring = Ring()
    before = ring.mint(ring.doctor, ring.both)
    cuts = ring.world.cuts(ring.doctor)
    stolen = ring.mint(ring.doctor, ring.both)
    ring.say(ring.doctor, rewrap(stolen, ring.third.name))
    stray = ring.mint(ring.third, ring.both)
    ring.say(ring.world.admin, ring.world.revocation(ring.world.admin, ring.doctor, cuts), of_chart=False)
    found = ring.now
    assert (found.epochs[before].counts, found.epochs[stolen].counts) == (True, False)
    assert not found.epochs[stolen].valid
    assert found.epochs[stolen].wraps.keys() == {*ring.both, ring.third.name}
    assert stray not in found.epochs
    assert found.epoch_tips(SAFETY) == (before,)


def test_a_commitment_is_used_once():
    """A second epoch with it opens for nobody; a copy by one who had not seen it is let be."""
    ring = Ring()
    record = mint(ring.nurse, SAFETY, ring.both)
    original, copied = ring.nurse.write(record, ring.chart).hash, ring.doctor.write(record, ring.chart).hash
    again = ring.nurse.write(record, ring.chart).hash
    assert ring.now.refused == {again: "commitment_reused"}
    assert ring.valid(original, copied, again) == [True, True, False]


def test_an_epoch_minted_before_there_was_a_chart_is_none():
    """Its past has no readers."""
    ring = Ring()
    early = ring.world.actor(Role.NURSE)
    name = early.write(mint(early, SAFETY, [early.name]), ring.chart).hash
    assert name not in ring.now.epochs


def test_needed_are_those_whose_certificates_have_not_ended():
    """By the clock of whoever asks."""
    ring = Ring()
    history = ring.world.reading().chart(ring.chart)
    assert history.wanted(SAFETY, now_ms=0).principals == set(ring.both)
    assert history.wanted(SAFETY, now_ms=0).needed == set(ring.both)
    assert history.wanted(SAFETY, now_ms=2**47).needed == frozenset()


def test_who_has_both_branches_of_a_fork_mints_a_valid_epoch():
    """Parents name one of them, the heads of the chart both: what is in either is in its past."""
    ring = Ring()
    twin = ring.doctor.twin()
    ring.doctor.write(AddMember(certificate=ring.second.name, compartments=(SAFETY,)), ring.chart)
    twin.write(AddMember(certificate=ring.third.name, compartments=(SAFETY,)), ring.chart)
    ring.tell()
    epoch = ring.mint(ring.nurse, [*ring.both, ring.second.name, ring.third.name])
    assert len(ring.now.epochs[epoch].heads) < len(ring.world.entries[epoch].header.chart_heads) + 1
    assert ring.valid(epoch) == [True]
    assert ring.candidates() == [epoch]
    assert ring.now.heads == (epoch,)


def test_who_was_given_a_key_hands_it_on_though_it_reads_no_more():
    """A cut left it out, or somebody took it out: what it wrote stands, and who reads must open that.

    So does whomever it gave the key; and nobody else, nor is an epoch made of it that is none.
    """
    ring = Ring()
    cuts = ring.world.cuts(ring.nurse)
    ring.say(ring.nurse, AddMember(certificate=ring.second.name, compartments=tuple(Compartment)))
    taken_out = ring.say(ring.nurse, RemoveMember(certificate=ring.doctor.name))
    meanwhile = ring.mint(ring.second, [ring.nurse.name, ring.second.name])
    ring.say(ring.world.admin, ring.world.revocation(ring.world.admin, ring.nurse, cuts), of_chart=False)
    fresh = ring.mint(ring.doctor, [ring.doctor.name])
    stray = ring.mint(ring.third, [ring.third.name])
    assert ring.now.readers(SAFETY) == {ring.doctor.name}
    no_epochs = (taken_out, EntryHash(b"?" * 32), stray)
    refused = [ring.say(ring.second, rewrap(name, ring.doctor.name)) for name in (fresh, *no_epochs)]
    refused.append(ring.say(ring.third, rewrap(meanwhile, ring.third.name)))
    handed = [ring.say(ring.second, rewrap(meanwhile, ring.doctor.name, ring.third.name))]
    handed.append(ring.say(ring.third, rewrap(meanwhile, ring.doctor.name)))
    found = ring.now
    assert {name: [by for by, _ in some] for name, some in found.epochs[meanwhile].wraps.items()} == {
        ring.nurse.name: [ring.second.name],
        ring.second.name: [ring.second.name],
        ring.doctor.name: [ring.second.name, ring.third.name],
        ring.third.name: [ring.second.name],
    }
    assert found.epochs[fresh].wraps.keys() == {ring.doctor.name}
    assert stray not in found.epochs
    assert found.refused.keys() >= set(refused)
    assert not found.refused.keys() & set(handed)
    assert found.heads == (fresh,)
    assert ring.candidates() == [fresh]
    holders = ring.world.reading().chart(ring.chart).holders
    assert [holders.has(ring.third.name, name) for name in (meanwhile, fresh, *no_epochs)] == [True, *[False] * 4]


def test_a_key_that_was_wrapped_to_a_team_is_handed_on_by_whoever_had_its_seed_then():
    """By what the author of the wrap had seen of the team, which a cut or a removal may have left without it."""
    ring = TeamRing()
    epoch = ring.mint(ring.nurse, [*ring.both, ring.seed])
    ring.change(ring.second, RemoveFromTeam(team=ring.team, certificate=ring.third.name))
    ring.say(ring.nurse, RemoveTeam(team=ring.team))
    for one in (ring.second, ring.third):
        handed = ring.say(one, rewrap(epoch, ring.world.admin.name))
        assert handed not in ring.now.refused
    assert [by for by, _ in ring.now.epochs[epoch].wraps[ring.world.admin.name]] == [ring.second.name, ring.third.name]
    assert ring.candidates() == []


def test_what_a_revoked_holder_wraps_outside_its_cut_is_named_as_refused():
    """It opens, as what a thief mints does, since a key that is right is no less right for it; and it is on show."""
    ring = Ring()
    epoch = ring.mint(ring.nurse, ring.both)
    ring.say(ring.nurse, RemoveMember(certificate=ring.doctor.name))
    cuts = ring.world.cuts(ring.doctor)
    late = ring.say(ring.doctor, rewrap(epoch, ring.third.name))
    ring.say(ring.world.admin, ring.world.revocation(ring.world.admin, ring.doctor, cuts), of_chart=False)
    assert ring.now.refused == {late: "outside_cut"}
    assert ring.third.name in ring.now.epochs[epoch].wraps


def test_a_team_s_epoch_opens_where_a_cut_left_no_team():
    """What was wrapped to it meanwhile opens with its seed; of a name that is no team's epoch there is nothing."""
    ring = Ring()
    cuts = ring.world.cuts(ring.second)
    team = ring.second.create_team(SAFETY, CLINICAL)
    ring.tell()
    seed = ring.say(ring.second, team_mint(ring.second, team, [ring.second.name]), of_chart=False)
    ring.say(ring.second, rewrap_team(seed, ring.third.name), of_chart=False)
    organisation = ring.world.reading().organisation
    present = opening_team_epoch(organisation, seed)
    assert present is not None
    assert present is team_epoch(organisation, organisation.now, seed)
    ring.say(ring.world.admin, ring.world.revocation(ring.world.admin, ring.second, cuts), of_chart=False)
    organisation = ring.world.reading().organisation
    assert team_epoch(organisation, organisation.now, seed) is None
    found = opening_team_epoch(organisation, seed)
    assert found is not None
    assert (found.team, found.wraps) == (team, present.wraps)
    assert found.wraps.keys() == {ring.second.name, ring.third.name}
    assert opening_team_epoch(organisation, ring.second.name) is None
