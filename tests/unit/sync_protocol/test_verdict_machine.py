"""Histories of grants, removals, revocations, rotations, roles, consents, emergencies and writes by eight devices.

Whatever each of them received, in whatever order: at the end all agree on membership, epochs, views and verdicts, no
honest work is void, and nobody holds a key that it should not. A failure prints the steps that lead to it.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from sync_protocol.chart_records import (
    AddTeam,
    Adopt,
    ConfirmPurge,
    ProposePurge,
    PurgeReason,
    Purpose,
    RemoveMember,
    RemoveTeam,
    SetConsent,
    SetHold,
)
from sync_protocol.control import AddMember, MintEpoch, SetRole, content_stream
from sync_protocol.emergency_records import BreakGlass, CloseBreakGlass
from sync_protocol.ids import EntryHash, Hash, SessionId, TeamId
from sync_protocol.roles import CONTENT, Compartment, Role
from sync_protocol.team_records import AddToTeam, MintTeamEpoch, RemoveFromTeam
from tests.support.org_crypto import RECOVERY, RealWraps
from tests.support.org_keys import Holdings, mint, rewrap, rewrap_team, team_mint
from tests.support.org_machine import KINDS, ROLES, Ward
from tests.support.org_world import DOCUMENT, Actor

pytestmark = pytest.mark.campaign

ACTORS = st.integers(0, len(ROLES) + 1)
STAFF = st.integers(2, len(ROLES) + 1)
ANY = st.integers(0, 999)
COMPARTMENTS = st.sampled_from([tuple(Compartment), (Compartment.SAFETY,), (Compartment.SAFETY, Compartment.CLINICAL)])
CONTENTS = st.sampled_from([Compartment.SAFETY, Compartment.CLINICAL, Compartment.SENSITIVE])
SPAN_MS = 2 * 365 * 24 * 3600 * 1000


class VerdictMachine(RuleBasedStateMachine):
    """Devices at work; each acts on what it has."""

    def __init__(self) -> None:
        super().__init__()
        self.ward = Ward()

    def actor(self, number: int) -> Actor:
        """One of the eight."""
        return self.ward.actors[number]

    def team(self, actor: Actor, number: int) -> TeamId | None:
        """One of the teams of which a device has heard."""
        teams = self.ward.teams(actor)
        return teams[number % len(teams)] if teams else None

    @initialize(numbers=st.sets(STAFF, min_size=2, max_size=4), team=st.booleans())
    def begin(self, numbers: set[int], *, team: bool) -> None:
        """Most charts have some members, and a team."""
        creator = self.ward.creator
        for number in sorted(numbers):
            record = AddMember(certificate=self.actor(number).name, compartments=tuple(Compartment))
            creator.write(record, self.ward.chart)
        if team:
            name = creator.create_team(Compartment.SAFETY, Compartment.CLINICAL)
            creator.write(AddTeam(team=name, compartments=(Compartment.SAFETY, Compartment.CLINICAL)), self.ward.chart)
        for actor in self.ward.actors:
            actor.see_all()

    # ------------------------------------------------------------------------------------------------- delivery

    @rule(to=ACTORS, of=ACTORS)
    def sync(self, to: int, of: int) -> None:
        """One device tells another all that it has."""
        self.actor(to).see(*self.actor(of).seen.values())

    @rule(to=ACTORS, number=ANY)
    def receive(self, to: int, number: int) -> None:
        """One entry arrives, with what it follows."""
        entries = list(self.ward.world.entries.values())
        self.actor(to).see(entries[number % len(entries)])

    @rule(number=ACTORS)
    def restart(self, number: int) -> None:
        """A new session."""
        self.actor(number).restart()

    @rule()
    def meet(self) -> None:
        """Everybody tells everybody everything."""
        for actor in self.ward.actors:
            actor.see_all()

    # --------------------------------------- what takes several steps, and would hardly come about by chance

    @rule(whom=STAFF, by=STAFF, compartment=CONTENTS, now_on=st.booleans(), leaves=st.booleans())
    def visit(self, whom: int, by: int, compartment: Compartment, *, now_on: bool, leaves: bool) -> None:
        """Somebody comes, is given keys by another member, and may leave again; the work goes on."""
        self.ward.write(self.ward.creator, compartment, "observation")
        record = AddMember(
            certificate=self.actor(whom).name, compartments=tuple(Compartment), from_now_on=True if now_on else None
        )
        self.ward.creator.write(record, self.ward.chart)
        self.meet()
        self.ward.wrap_history(self.actor(by))
        if leaves:
            self.meet()
            self.ward.creator.write(RemoveMember(certificate=self.actor(whom).name), self.ward.chart)
        self.meet()
        self.ward.write(self.actor(by), compartment, "observation")

    @rule(whom=STAFF, by=STAFF, compartment=CONTENTS)
    def emergency(self, whom: int, by: int, compartment: Compartment) -> None:
        """Somebody breaks the glass, another closes it; the work goes on."""
        self.ward.write(self.ward.creator, compartment, "observation")
        self.meet()
        self.ward.break_glass(self.actor(whom))
        self.meet()
        self._answer(self.actor(by), -1, BreakGlass, lambda name: CloseBreakGlass(record=name))
        self.meet()
        self.ward.write(self.ward.creator, compartment, "observation")

    @rule(whom=STAFF, by=STAFF, compartment=CONTENTS, team=st.booleans(), number=ANY)
    def sly(self, whom: int, by: int, compartment: Compartment, *, team: bool, number: int) -> None:
        """Somebody mints a key of which it is no recipient, and is removed."""
        self.leave_oneself_out(by=whom, compartment=compartment, late=True, team=team, number=number)
        self.meet()
        self.ward.creator.write(RemoveMember(certificate=self.actor(whom).name), self.ward.chart)
        found = self.team(self.actor(0), number)
        if found is not None:
            self.actor(0).write(RemoveFromTeam(team=found, certificate=self.actor(whom).name))
        self.meet()
        self.ward.write(self.actor(by), compartment, "observation")

    @rule(whom=STAFF, by=STAFF, friend=STAFF, compartment=CONTENTS, grants=st.booleans())
    def theft(self, whom: int, by: int, friend: int, compartment: Compartment, *, grants: bool) -> None:
        """A thief grants and mints, or says this and that; others work on, hear of the revocation, and work on."""
        world, thief = self.ward.world, self.actor(whom)
        cuts = world.cuts(thief)
        if grants:
            self.steal(by=whom, whom=friend, compartment=compartment, fork=False, late=False)
        else:
            self.meet()
            self.ward.write(self.actor(by), compartment, "observation")
            self.meet()
            thief.write(SetConsent(purpose=Purpose.RESEARCH, permitted=True), self.ward.chart)
        self.meet()
        self.ward.write(self.actor(by), compartment, "observation")
        self.actor(0).write(world.revocation(self.actor(0), thief, cuts))
        self.meet()
        self.ward.write(self.actor(by), compartment, "observation")

    # -------------------------------------------------------------------------------------------- honest work

    @rule(number=STAFF, compartment=CONTENTS, kind=st.sampled_from(KINDS))
    def write(self, number: int, compartment: Compartment, kind: str) -> None:
        """A fact, by whoever may."""
        self.ward.write(self.actor(number), compartment, kind)

    @rule(number=STAFF)
    def wrap_history(self, number: int) -> None:
        """Keys for those who lack them."""
        self.ward.wrap_history(self.actor(number))

    @rule(number=STAFF)
    def break_glass(self, number: int) -> None:
        """In an emergency."""
        self.ward.break_glass(self.actor(number))

    # ------------------------------------------------- records by anybody: the core says which of them count

    @rule(by=STAFF, whom=STAFF, compartments=COMPARTMENTS, now_on=st.booleans())
    def add_member(self, by: int, whom: int, compartments: tuple[Compartment, ...], *, now_on: bool) -> None:
        """A member joins."""
        record = AddMember(
            certificate=self.actor(whom).name, compartments=compartments, from_now_on=True if now_on else None
        )
        self.actor(by).write(record, self.ward.chart)

    @rule(by=STAFF, whom=STAFF)
    def remove_member(self, by: int, whom: int) -> None:
        """A member leaves."""
        self.actor(by).write(RemoveMember(certificate=self.actor(whom).name), self.ward.chart)

    @rule(by=STAFF, nonce=st.integers(0, 1))
    def create_team(self, by: int, nonce: int) -> None:
        """A team, or the same again."""
        self.actor(by).create_team(Compartment.SAFETY, Compartment.CLINICAL, nonce=bytes([nonce]) * 16)

    @rule(by=ACTORS, whom=STAFF, number=ANY, change=st.sampled_from(["add", "now on", "remove"]))
    def change_team(self, by: int, whom: int, number: int, change: str) -> None:
        """Somebody joins a team or leaves it."""
        actor, name = self.actor(by), self.actor(whom).name
        team = self.team(actor, number)
        if team is None:
            return
        if change == "remove":
            actor.write(RemoveFromTeam(team=team, certificate=name))
        else:
            actor.write(AddToTeam(team=team, certificate=name, from_now_on=True if change == "now on" else None))

    @rule(by=STAFF, number=ANY, change=st.sampled_from(["add", "now on", "remove"]), compartments=COMPARTMENTS)
    def share_with_team(self, by: int, number: int, change: str, compartments: tuple[Compartment, ...]) -> None:
        """A team joins the chart or leaves it."""
        actor = self.actor(by)
        team = self.team(actor, number)
        if team is None:
            return
        if change == "remove":
            actor.write(RemoveTeam(team=team), self.ward.chart)
        else:
            now_on = True if change == "now on" else None
            actor.write(AddTeam(team=team, compartments=compartments, from_now_on=now_on), self.ward.chart)

    @rule(by=ACTORS, whom=ACTORS, role=st.sampled_from(list(Role)))
    def set_role(self, by: int, whom: int, role: Role) -> None:
        """Another role, by whoever dares."""
        self.actor(by).write(SetRole(certificate=self.actor(whom).name, role=role))

    @rule(by=STAFF, purpose=st.sampled_from([Purpose.TREATMENT, Purpose.RESEARCH]), permitted=st.booleans())
    def consent(self, by: int, purpose: Purpose, *, permitted: bool) -> None:
        """What the patient says."""
        self.actor(by).write(SetConsent(purpose=purpose, permitted=permitted), self.ward.chart)

    @rule(by=STAFF, number=ANY)
    def close_glass(self, by: int, number: int) -> None:
        """Somebody reviewed an emergency."""
        self._answer(self.actor(by), number, BreakGlass, lambda name: CloseBreakGlass(record=name))

    @rule(by=STAFF, number=ANY, act=st.sampled_from(["hold", "release", "propose", "confirm"]))
    def retain(self, by: int, number: int, act: str) -> None:
        """Holds and purges."""
        actor = self.actor(by)
        if act == "confirm":
            self._answer(actor, number, ProposePurge, lambda name: ConfirmPurge(proposal=name))
        elif act == "propose":
            record = ProposePurge(reason=PurgeReason.COURT_ORDER, not_before_ms=number)
            actor.write(record, self.ward.chart)
        else:
            actor.write(SetHold(held=act == "hold"), self.ward.chart)

    def _answer(self, actor: Actor, number: int, kind: type, record: Any) -> None:
        seals = self.ward.reading(actor).seals
        found = [
            name
            for name, entry in actor.seen.items()
            if entry.header.epoch is None and isinstance(self.ward.world.control(entry, seals).record, kind)
        ]
        if found:
            actor.write(record(found[number % len(found)]), self.ward.chart)

    @rule(by=STAFF, number=ANY)
    def adopt(self, by: int, number: int) -> None:
        """A reviewer vouches for something."""
        streams = {content_stream(self.ward.chart, DOCUMENT, compartment) for compartment in CONTENT}
        entries = [name for name, one in self.actor(by).seen.items() if one.header.stream in streams]
        if entries:
            self.actor(by).write(Adopt(entries=(entries[number % len(entries)],)), self.ward.chart)

    # --------------------------------------------------------------------------------------- thieves and liars

    @rule(by=ACTORS, whom=ACTORS, root=st.booleans(), places=st.lists(st.integers(-1, 9), min_size=4, max_size=4))
    def revoke(self, by: int, whom: int, *, root: bool, places: list[int]) -> None:
        """A device is revoked, with cuts at whatever places of those of its sessions that the issuer lists."""
        issuer, subject, world = self.actor(by), self.actor(whom), self.ward.world
        if by > 1 and not root:
            return
        sessions = [one for one in world.sessions.values() if one.device.name == subject.name]
        at: dict[SessionId, int] = {
            session.id: min(place, len(session.seals) - 1) for session, place in zip(sessions, places, strict=False)
        }
        issuer.write(world.revocation(None if root else issuer, subject, world.cuts(subject, at=at)))

    @rule(by=STAFF, whom=STAFF, compartment=CONTENTS, fork=st.booleans(), late=st.booleans())
    def steal(self, by: int, whom: int, compartment: Compartment, *, fork: bool, late: bool) -> None:
        """Whoever has a stolen device adds a friend, mints a key and writes, on its chain or beside it."""
        thief = self.actor(by).twin() if fork else self.actor(by)
        names: set[Hash] = {self.actor(whom).name}
        thief.write(AddMember(certificate=self.actor(whom).name, compartments=tuple(Compartment)), self.ward.chart)
        clock = self.ward.world.people.clock
        now_ms, clock.now_ms = clock.now_ms, clock.now_ms + (SPAN_MS if late else 0)
        epoch = thief.write(mint(thief, compartment, names, glass=True), self.ward.chart)
        clock.now_ms = now_ms
        thief.write_content(self.ward.chart, compartment, epoch=epoch.hash)

    @rule(by=STAFF, compartment=CONTENTS, late=st.booleans(), team=st.booleans(), number=ANY)
    def leave_oneself_out(self, by: int, compartment: Compartment, *, late: bool, team: bool, number: int) -> None:
        """A member mints a key for all others, which it knows as well, by whatever clock."""
        actor, clock = self.actor(by), self.ward.world.people.clock
        reading = self.ward.reading(actor)
        membership = reading.chart(self.ward.chart).now
        assert membership is not None
        name = self.team(actor, number)
        found = None if name is None or not team else reading.organisation.now.team(name)
        now_ms, clock.now_ms = clock.now_ms, clock.now_ms + (SPAN_MS if late else 0)
        others: set[Hash] = {self.ward.recovery} - {actor.name}
        if found is not None:
            actor.write(team_mint(actor, found.id, (others | found.members) - {actor.name}))
        else:
            names = (others | membership.readers(compartment)) - {actor.name}
            actor.write(mint(actor, compartment, names, glass=True), self.ward.chart)
        clock.now_ms = now_ms

    @rule(by=STAFF, whom=STAFF, number=ANY)
    def leak(self, by: int, whom: int, number: int) -> None:
        """A member hands a key to whomever it likes."""
        actor = self.actor(by)
        reading = self.ward.reading(actor)
        membership = reading.chart(self.ward.chart).now
        assert membership is not None
        epochs = sorted(membership.epochs)
        of_teams = sorted(name for team in reading.organisation.now.teams.values() for name in team.epochs)
        found = [*epochs, *of_teams]
        if not found:
            return
        name: EntryHash = found[number % len(found)]
        if not self.ward.holds(actor, name, reading):
            return
        if name in membership.epochs:
            entry = actor.write(rewrap(name, self.actor(whom).name), self.ward.chart)
        else:
            entry = actor.write(rewrap_team(name, self.actor(whom).name))
        self.ward.leaks.add(entry.hash)

    @rule(by=STAFF, compartment=CONTENTS)
    def forget_heads(self, by: int, compartment: Compartment) -> None:
        """Somebody pretends to know nothing any more."""
        self.actor(by).write_content(self.ward.chart, compartment, chart_heads=(), organisation_heads=())

    def teardown(self) -> None:
        """What is promised."""
        self.ward.check(len(self.ward.world.entries))


class SealedMachine(VerdictMachine):
    """The same with real wraps: what the model says of who can open is what the keys do."""

    def __init__(self) -> None:
        super().__init__()
        ward = self.ward
        self.wraps = ward.world.finish = RealWraps(ward.world, ward.chart, ward.recovery)

    def teardown(self) -> None:
        """Every key that anybody ever held is tried on every wrap that there is."""
        super().teardown()
        world = self.ward.world
        seals = world.seals_of(world.entries.values())
        records = [world.control(entry, seals) for entry in world.entries.values() if entry.header.epoch is None]
        holdings = Holdings(records, (), minters=False)
        epochs = [one.hash for one in records if isinstance(one.record, MintEpoch | MintTeamEpoch)]
        keys = {actor.name: actor.device.wrap_key for actor in self.ward.actors} | {self.ward.recovery: RECOVERY}
        for name, key in keys.items():
            assert self.wraps.opened_by(key) == {epoch for epoch in epochs if name in holdings.holders(epoch)}


HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def test_histories():
    """Two hundred of them."""
    run_state_machine_as_test(
        VerdictMachine,
        settings=settings(max_examples=200, stateful_step_count=20, deadline=None, suppress_health_check=HEALTH),
    )


def test_histories_with_real_keys():
    """A few."""
    run_state_machine_as_test(
        SealedMachine,
        settings=settings(max_examples=60, stateful_step_count=20, deadline=None, suppress_health_check=HEALTH),
    )


@pytest.mark.soak
def test_many_histories():
    """Two thousand, longer."""
    run_state_machine_as_test(
        VerdictMachine,
        settings=settings(max_examples=2000, stateful_step_count=50, deadline=None, suppress_health_check=HEALTH),
    )
