"""Care teams: their members run them, a removal wins, and their keys are for their members alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync_protocol.control import SetRole
from sync_protocol.ids import EntryHash, Hash, SealHash, TeamId
from sync_protocol.roles import Compartment, Role
from sync_protocol.team_records import AddToTeam, CreateTeam, RemoveFromTeam, RewrapTeam, team_id
from sync_protocol.teams import Team
from tests.support.org_emergency import announce_recovery
from tests.support.org_keys import rewrap_team, team_mint
from tests.support.org_world import Actor, OrgWorld
from tests.support.people import YEAR_MS

SAFETY, CLINICAL, SENSITIVE, AUDIT = Compartment


class Crew:
    """Two physicians, a nurse and a laboratory technician; the first physician has made a team."""

    def __init__(self, *compartments: Compartment) -> None:
        self.world = OrgWorld.make(1)
        self.first, self.second, self.nurse, self.technician = (
            self.world.actor(role) for role in (Role.PHYSICIAN, Role.PHYSICIAN, Role.NURSE, Role.LAB_TECHNICIAN)
        )
        self.everybody = (self.world.admin, self.first, self.second, self.nurse, self.technician)
        self.tell()
        self.name: TeamId = self.first.create_team(*(compartments or (SAFETY, CLINICAL)))
        self.tell()

    def tell(self) -> None:
        """Everybody learns everything."""
        for actor in self.everybody:
            actor.see_all()

    def add(self, by: Actor, whom: Actor, **changes: Any) -> EntryHash:
        """Somebody adds somebody."""
        return by.write(AddToTeam(team=self.name, certificate=whom.name, **changes)).hash

    def remove(self, by: Actor, whom: Actor) -> EntryHash:
        """Somebody removes somebody."""
        return by.write(RemoveFromTeam(team=self.name, certificate=whom.name)).hash

    def mint(self, by: Actor, *recipients: Hash) -> EntryHash:
        """Somebody mints an epoch."""
        return by.write(team_mint(by, self.name, recipients)).hash

    @property
    def team(self) -> Team:
        """The team by everything that was written."""
        found = self.world.reading().organisation.now.team(self.name)
        assert found is not None
        return found

    def valid(self, *names: EntryHash) -> list[bool]:
        """Which epochs are valid."""
        reading = self.world.reading()
        team = reading.organisation.now.team(self.name)
        assert team is not None
        return [reading.organisation.teams.is_valid(team.epochs[name]) for name in names]


def test_who_makes_a_team_is_its_first_member():
    """Its id follows from the maker and a nonce; nobody else makes it."""
    crew = Crew()
    assert crew.name == team_id(crew.first.name, b"t" * 16)
    assert crew.team.members == crew.team.belonging == crew.team.ever == {crew.first.name}
    assert crew.team.creator == crew.first.name
    assert crew.team.compartments == {SAFETY, CLINICAL}
    crew.nurse.create_team(SENSITIVE)
    view = crew.world.reading().organisation.now
    assert len(view.teams) == 2
    assert view.team(TeamId(bytes(16))) is None


def test_members_add_and_remove_and_strangers_do_not():
    """By the record's own past: who was no member then has said nothing, whatever it became."""
    crew = Crew()
    early = crew.add(crew.nurse, crew.technician)
    crew.add(crew.first, crew.nurse)
    assert crew.team.members == {crew.first.name, crew.nurse.name}
    assert crew.team.refused == {early: "not_a_member"}
    crew.nurse.see_all()
    crew.add(crew.nurse, crew.technician)
    crew.remove(crew.nurse, crew.first)
    assert crew.team.members == {crew.nurse.name, crew.technician.name}
    assert crew.team.ever >= crew.team.members
    assert crew.world.reading().organisation.now.refused == {early: "not_a_member"}


def test_a_removal_wins_over_an_addition_that_did_not_see_it():
    """One that saw it restores."""
    crew = Crew()
    crew.add(crew.first, crew.second)
    crew.add(crew.first, crew.nurse)
    crew.tell()
    crew.add(crew.second, crew.nurse)
    crew.remove(crew.first, crew.nurse)
    assert crew.nurse.name not in crew.team.members
    crew.tell()
    crew.add(crew.second, crew.nurse)
    assert crew.nurse.name in crew.team.members


def test_an_administrator_removes_and_never_adds():
    """Nobody gives what it does not have."""
    crew = Crew()
    crew.add(crew.first, crew.nurse)
    crew.tell()
    refused = crew.add(crew.world.admin, crew.technician)
    crew.remove(crew.world.admin, crew.nurse)
    assert crew.team.members == {crew.first.name}
    assert crew.team.refused == {refused: "not_a_member"}


def test_whose_role_reads_less_than_the_team_is_not_added():
    """Its key would open what the role may not read."""
    crew = Crew(SAFETY, SENSITIVE)
    refused = crew.add(crew.first, crew.nurse)
    crew.add(crew.first, crew.second)
    assert crew.team.members == {crew.first.name, crew.second.name}
    assert crew.team.refused == {refused: "role_reads_less"}


def test_a_member_whose_role_changes_leaves_and_comes_back_with_it():
    """Without a word by the team."""
    crew = Crew(SAFETY, SENSITIVE)
    crew.add(crew.first, crew.second)
    crew.tell()
    crew.world.admin.write(SetRole(certificate=crew.second.name, role=Role.NURSE))
    assert crew.team.members == {crew.first.name}
    crew.tell()
    refused = crew.add(crew.second, crew.first)
    assert crew.team.refused == {refused: "not_a_member"}
    crew.world.admin.write(SetRole(certificate=crew.second.name, role=Role.PHYSICIAN))
    assert crew.team.members == {crew.first.name, crew.second.name}


def test_a_certificate_that_is_not_known_yet_is_no_member_yet():
    """It becomes one when it comes."""
    crew = Crew()
    trust = crew.world.trust
    late = crew.world.actor(Role.NURSE)
    crew.add(crew.first, late)
    team = crew.world.reading(trust=trust).organisation.now.team(crew.name)
    assert team is not None
    assert team.members == {crew.first.name}
    assert crew.team.members == {crew.first.name, late.name}


def test_a_revoked_member_belongs_and_is_no_member():
    """What it said within the cut stays said."""
    crew = Crew()
    crew.add(crew.first, crew.second)
    crew.tell()
    crew.add(crew.second, crew.nurse)
    crew.world.admin.see_all()
    crew.world.admin.write(crew.world.revocation(crew.world.admin, crew.second, crew.world.cuts(crew.second)))
    outside = crew.add(crew.second, crew.technician)
    assert crew.team.belonging == {crew.first.name, crew.second.name, crew.nurse.name}
    assert crew.team.members == {crew.first.name, crew.nurse.name}
    assert crew.team.refused == {outside: "outside_cut"}


def test_a_team_whose_creation_is_outside_the_cut_is_none():
    """A thief makes none."""
    crew = Crew()
    crew.world.admin.write(crew.world.revocation(crew.world.admin, crew.first, {}))
    view = crew.world.reading().organisation.now
    assert view.team(crew.name) is None
    assert view.teams == {}


def test_who_makes_a_team_again_neither_dissolves_it_nor_widens_it():
    """What was done meanwhile stays, and so do the compartments; of two made side by side the lowest hash counts."""
    crew = Crew(SAFETY)
    crew.add(crew.first, crew.nurse)
    kept = crew.team.members
    crew.first.write(CreateTeam(nonce=b"t" * 16, compartments=(SAFETY, SENSITIVE)))
    assert crew.team.members == kept
    assert crew.team.compartments == {SAFETY}
    fork = Crew(SAFETY)
    seen = {name: one for name, one in fork.first.seen.items() if one.header.session != fork.first.session.id}
    fork.first.restart()
    fork.first.seen = seen
    fork.first.write(CreateTeam(nonce=b"t" * 16, compartments=(SAFETY, SENSITIVE)))
    births = [one for one in fork.world.entries.values() if fork.world.author(one) == fork.first.name]
    lowest = min(births, key=lambda one: one.hash)
    assert len(births) == 2
    assert SENSITIVE in fork.team.compartments or lowest is births[0]
    assert fork.team.members == {fork.first.name}


def test_joined_says_who_may_have_the_history():
    """Whoever was added from now on may have what followed; whoever was added again with it, all."""
    crew = Crew()
    crew.add(crew.first, crew.nurse, from_now_on=True)
    assert crew.team.joined[crew.first.name][1]
    assert not crew.team.joined[crew.nurse.name][1]
    assert crew.team.joined[crew.nurse.name][0].bit_count() == 1
    crew.add(crew.first, crew.nurse)
    assert crew.team.joined[crew.nurse.name][1]


def test_an_epoch_is_for_the_members_of_its_own_past():
    """No fewer and no more, by a member."""
    crew = Crew()
    alone = crew.mint(crew.first, crew.first.name)
    foreign = crew.mint(crew.nurse, crew.first.name)
    crew.add(crew.first, crew.nurse)
    both = crew.mint(crew.first, crew.first.name, crew.nurse.name)
    few = crew.mint(crew.first, crew.first.name)
    many = crew.mint(crew.first, crew.first.name, crew.nurse.name, crew.second.name)
    assert crew.valid(alone, both, few, many) == [True, True, False, False]
    assert crew.team.refused == {foreign: "not_a_member"}
    assert foreign not in crew.team.epochs
    assert crew.team.epochs[both].principals == {crew.first.name, crew.nurse.name}
    assert crew.team.epochs[both].minter == crew.first.name


def test_the_minter_is_always_among_the_recipients():
    """It knows the seed: by a clock beyond its own certificate's end it would leave itself out, and stay unseen."""
    crew = Crew()
    crew.add(crew.first, crew.nurse)
    crew.tell()
    crew.world.people.clock.now_ms += 2 * YEAR_MS
    sly = crew.mint(crew.nurse, crew.first.name)
    nobody = crew.mint(crew.nurse, crew.nurse.name)
    assert crew.valid(sly, nobody) == [False, True]  # all others' certificates have ended: they may be left out


def test_who_knows_of_its_own_revocation_mints_no_valid_epoch():
    """Though it does so within the cut, which may lie ahead of it."""
    crew = Crew()
    crew.add(crew.first, crew.second)
    crew.tell()
    ahead = {crew.second.session.id: (99, SealHash(b"s" * 32))}
    crew.world.admin.write(crew.world.revocation(crew.world.admin, crew.second, ahead))
    crew.tell()
    epoch = crew.mint(crew.second, crew.first.name, crew.second.name)
    assert crew.team.epochs[epoch].counts
    assert crew.valid(epoch, epoch) == [False, False]


def test_whose_certificate_has_ended_may_be_left_out():
    """And need not be."""
    crew = Crew()
    brief = crew.world.actor(Role.NURSE, life_ms=1)
    crew.first.see_all()
    crew.add(crew.first, brief)
    without = crew.mint(crew.first, crew.first.name)
    whole = crew.mint(crew.first, crew.first.name, brief.name)
    assert crew.valid(without, whole) == [True, True]


def test_recovery_is_a_recipient_exactly_where_there_is_one():
    """By the minter's own past."""
    crew = Crew()
    before = crew.mint(crew.first, crew.first.name)
    recovery = announce_recovery(crew.world, crew.world.admin)
    blind = crew.mint(crew.first, crew.first.name)
    crew.tell()
    lacking = crew.mint(crew.first, crew.first.name)
    whole = crew.mint(crew.first, crew.first.name, recovery)
    assert crew.valid(before, blind, lacking, whole) == [True, True, False, True]
    assert crew.team.epochs[whole].recoveries == {recovery}
    assert crew.team.epochs[whole].principals == {crew.first.name}


def test_a_commitment_is_used_once():
    """A second epoch with it commits to nothing that anybody can open; a copy by one who had not seen it is let be."""
    crew = Crew()
    crew.add(crew.first, crew.second)
    crew.tell()
    record = team_mint(crew.first, crew.name, [crew.first.name, crew.second.name])
    original = crew.first.write(record).hash
    copied = crew.second.write(record).hash
    again = crew.first.write(record).hash
    assert crew.team.refused == {again: "commitment_reused"}
    assert crew.team.epochs[original].counts
    assert crew.team.epochs[copied].counts
    assert not crew.team.epochs[again].counts


def test_rewraps_join_an_epoch_and_who_wrapped_is_known():
    """Whoever was given the seed later can open too; a stranger's wraps are left out, as are those of no epoch."""
    crew = Crew()
    epoch = crew.mint(crew.first, crew.first.name)
    crew.add(crew.first, crew.nurse)
    crew.first.write(rewrap_team(epoch, crew.nurse.name))
    crew.technician.write(rewrap_team(epoch, crew.technician.name))
    crew.first.write(RewrapTeam(epoch=EntryHash(b"?" * 32), wraps=()))
    found = crew.team.epochs[epoch]
    assert found.principals == {crew.first.name, crew.nurse.name}
    assert [by for by, _ in found.wraps[crew.nurse.name]] == [crew.first.name]
    assert crew.valid(epoch) == [True]  # judged by its own recipients


def test_what_a_thief_minted_still_opens_and_is_written_under_no_more():
    """Others had not heard of the theft: what they sealed meanwhile must be read."""
    crew = Crew()
    crew.add(crew.first, crew.second)
    crew.tell()
    before = crew.mint(crew.second, crew.first.name, crew.second.name)
    cuts = crew.world.cuts(crew.second)
    stolen = crew.mint(crew.second, crew.first.name, crew.second.name)
    crew.second.write(rewrap_team(stolen, crew.nurse.name))
    stray = crew.mint(crew.nurse, crew.first.name)
    crew.world.admin.see_all()
    crew.world.admin.write(crew.world.revocation(crew.world.admin, crew.second, cuts))
    found = crew.team
    assert (found.epochs[before].counts, found.epochs[stolen].counts) == (True, False)
    assert stray not in found.epochs
    assert found.epochs[stolen].principals == {crew.first.name, crew.second.name, crew.nurse.name}
    assert crew.valid(before, stolen) == [True, False]
    assert found.tips() == (before,)


def test_tips_are_the_parents_of_the_next():
    """Those that no other names."""
    crew = Crew()
    one = crew.mint(crew.first, crew.first.name)
    two = crew.first.write(team_mint(crew.first, crew.name, [crew.first.name], [one])).hash
    assert crew.team.tips() == (two,)


def test_views_that_agree_in_what_matters_share_a_team():
    """Looking from many places costs no more than there are differences."""
    crew = Crew()
    crew.world.admin.write(b"\xff")
    reading = crew.world.reading()
    first = reading.organisation.at([crew.first.heads(crew.world.control_stream)[0]])
    assert first.team(crew.name) is reading.organisation.now.team(crew.name)


def test_a_team_that_could_be_given_nothing_is_none():
    """Whoever's role reads nothing would belong to it, even where nobody knows its certificate."""
    crew = Crew()
    empty = crew.first.write(CreateTeam(nonce=b"e" * 16, compartments=())).hash
    crew.first.write(AddToTeam(team=team_id(crew.first.name, b"e" * 16), certificate=crew.nurse.name))
    view = crew.world.reading().organisation.now
    assert view.team(team_id(crew.first.name, b"e" * 16)) is None
    assert view.refused == {empty: "no_compartments"}


def test_a_creator_who_was_removed_does_not_create_itself_a_way_back():
    """A team begins once."""
    crew = Crew()
    crew.add(crew.first, crew.nurse)
    crew.tell()
    crew.remove(crew.nurse, crew.first)
    crew.tell()
    again = crew.first.write(CreateTeam(nonce=b"t" * 16, compartments=(SAFETY, CLINICAL))).hash
    assert crew.team.members == {crew.nurse.name}
    assert crew.world.reading().organisation.now.refused == {again: "created_again"}


def test_an_epoch_whose_public_key_takes_no_wrap_is_invalid():
    """For everybody: who wrapped to it would be stopped from writing."""
    crew = Crew()
    record = team_mint(crew.first, crew.name, [crew.first.name])
    sound = crew.first.write(record).hash
    junk = crew.first.write(replace(record, public=b"\xff" * len(record.public), commitment=Hash(bytes(32)))).hash
    assert crew.valid(sound, junk) == [True, False]


def test_one_member_changes_a_team_so_often_and_no_more(monkeypatch: Any):
    """By the record's own past; what else it says counts."""
    monkeypatch.setattr("sync_protocol.team_counting.MEMBER_CHANGES_MAX", 2)
    crew = Crew()
    crew.add(crew.first, crew.nurse)
    crew.add(crew.first, crew.second)
    late = crew.add(crew.first, crew.technician)
    crew.tell()
    epoch = crew.mint(crew.first, crew.first.name, crew.second.name, crew.nurse.name)
    crew.remove(crew.nurse, crew.second)
    assert crew.team.members == {crew.first.name, crew.nurse.name}
    assert crew.team.refused == {late: "too_many"}
    assert crew.valid(epoch) == [True]
