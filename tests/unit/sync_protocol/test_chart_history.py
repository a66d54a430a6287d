"""Which of a chart's records count: removals, teams, roles, consents, emergencies, retention, thefts."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from sync_protocol.chart_history import ChartHistory
from sync_protocol.chart_records import (
    AddTeam,
    Adopt,
    AskKeys,
    ConfirmPurge,
    Preload,
    ProposePurge,
    PurgeReason,
    Purpose,
    RemoveMember,
    RemoveTeam,
    SetConsent,
    SetHold,
)
from sync_protocol.control import LEDGER_NONCE, AddMember, CreateChart, CreateDocument, SetRole, control_stream
from sync_protocol.control_entry import ControlEntry
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason, CloseBreakGlass
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, Hash
from sync_protocol.limits import MEMBER_CHANGES_MAX
from sync_protocol.membership import Membership
from sync_protocol.roles import READABLE, Compartment, Role
from sync_protocol.team_records import AddToTeam
from tests.support.org_emergency import announce_recovery, recovered, run
from tests.support.org_keys import mint, rewrap
from tests.support.org_world import DOCUMENT, Actor, OrgWorld

SAFETY, CLINICAL, SENSITIVE, AUDIT = Compartment
GLASS = BreakGlass(reason=BreakGlassReason.LIFE_THREAT, kit=False, nonce=b"g" * 16)
NOBODY = EntryHash(b"?" * 32)


class Case:
    """A nurse's chart; a physician, an officer, a stranger and an administrator who have heard of it."""

    def __init__(self) -> None:
        self.world = OrgWorld.make(1)
        self.nurse, self.doctor, self.stranger, self.officer = (
            self.world.actor(role) for role in (Role.NURSE, Role.PHYSICIAN, Role.PHYSICIAN, Role.COMPLIANCE_OFFICER)
        )
        self.admin = self.world.admin
        self.everybody = [self.nurse, self.doctor, self.stranger, self.officer, self.admin]
        self.tell()
        self.chart: ChartId = self.nurse.create_chart()
        self.tell()

    def tell(self) -> None:
        """Everybody learns everything."""
        for actor in self.everybody:
            actor.see_all()

    def say(self, by: Actor, record: Any) -> EntryHash:
        """Somebody writes a record of the chart, and everybody learns of it."""
        name = by.write(record, self.chart).hash
        self.tell()
        return name

    def add(self, by: Actor, whom: Actor, *compartments: Compartment, **changes: Any) -> EntryHash:
        """Somebody adds somebody."""
        return self.say(by, add(whom, *compartments, **changes))

    def revoke(self, whom: Actor, cuts: Any) -> None:
        """The administrator revokes somebody."""
        self.admin.write(self.world.revocation(self.admin, whom, cuts))
        self.tell()

    @property
    def now(self) -> Membership:
        """The chart by everything that was written."""
        found = self.world.reading().chart(self.chart).now
        assert found is not None
        return found


def add(whom: Actor, *compartments: Compartment, **changes: Any) -> AddMember:
    """An addition; of everything by default."""
    return AddMember(certificate=whom.name, compartments=compartments or tuple(Compartment), **changes)


def remove(whom: Actor) -> RemoveMember:
    """A removal."""
    return RemoveMember(certificate=whom.name)


def test_a_removal_wins_over_an_addition_that_did_not_see_it():
    """One that saw it restores."""
    case = Case()
    case.add(case.nurse, case.doctor)
    case.add(case.nurse, case.stranger)
    case.nurse.write(remove(case.stranger), case.chart)
    case.doctor.write(add(case.stranger), case.chart)
    case.tell()
    assert case.now.members.keys() == {case.nurse.name, case.doctor.name}
    case.add(case.doctor, case.stranger)
    assert case.stranger.name in case.now.members


def test_the_creator_is_removed_by_itself_alone():
    """And grants as the creator no more, even when it is added again."""
    case = Case()
    case.add(case.nurse, case.doctor)
    refused = case.say(case.doctor, remove(case.nurse))
    assert case.now.refused == {refused: "creator_removed_by_another"}
    case.say(case.nurse, remove(case.nurse))
    assert case.now.members.keys() == {case.doctor.name}
    case.add(case.doctor, case.nurse, SAFETY)
    case.add(case.nurse, case.stranger)
    assert case.now.members[case.nurse.name] == case.now.members[case.stranger.name] == {SAFETY}


def test_who_reads_no_content_removes_nobody_but_itself():
    """An officer reads who did what; it decides nothing about treatment."""
    case = Case()
    case.add(case.nurse, case.officer)
    case.add(case.nurse, case.doctor)
    records = [
        remove(case.doctor),
        SetConsent(purpose=Purpose.RESEARCH, permitted=True),
        Preload(certificate=case.doctor.name),
        ProposePurge(reason=PurgeReason.COURT_ORDER, not_before_ms=1),
        Adopt(entries=(NOBODY,)),
    ]
    refused = [case.say(case.officer, record) for record in records]
    assert case.now.refused == dict.fromkeys(refused, "reads_no_content")
    case.say(case.officer, remove(case.officer))
    assert case.officer.name not in case.now.members


def test_another_chart_s_creation_counts_for_nothing():
    """In whosever stream it stands."""
    case = Case()
    refused = case.say(case.nurse, CreateChart(nonce=b"o" * 16, document=DOCUMENT))
    assert case.now.refused == {refused: "another_chart"}


class TeamCase(Case):
    """The same with a team of the physician and the stranger."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.team = self.doctor.create_team(SAFETY, CLINICAL)
        self.doctor.write(AddToTeam(team=self.team, certificate=self.stranger.name, **changes))
        self.tell()


def test_a_team_s_members_are_members():
    """They read what the team was given, it may be given, and their roles allow."""
    case = TeamCase()
    case.say(case.nurse, AddTeam(team=case.team, compartments=tuple(Compartment)))
    assert case.now.teams == {case.team: {SAFETY, CLINICAL}}
    assert case.now.members[case.doctor.name] == case.now.members[case.stranger.name] == {SAFETY, CLINICAL}
    assert case.now.direct.keys() == {case.nurse.name}
    case.add(case.nurse, case.doctor, SENSITIVE)
    assert case.now.members[case.doctor.name] == {SAFETY, CLINICAL, SENSITIVE}
    case.say(case.doctor, RemoveTeam(team=case.team))
    assert case.now.teams == {}
    assert case.now.members.keys() == {case.nurse.name, case.doctor.name}


def test_a_team_that_is_not_known_reads_nothing_yet():
    """It may come."""
    case = TeamCase()
    case.say(case.nurse, AddTeam(team=case.team, compartments=(SAFETY,)))
    entries = [one for one in case.world.entries.values() if one.header.session != case.doctor.session.id]
    found = case.world.reading(entries).chart(case.chart)
    assert found.now is not None
    assert found.now.teams == {case.team: frozenset()}
    assert not found.has_known(case.doctor.name)


def test_who_had_to_do_with_a_chart_is_known_there():
    """By its own word or another's, by a team, by recovery; a stranger is not."""
    case = TeamCase()
    case.say(case.nurse, AddTeam(team=case.team, compartments=(SAFETY,)))
    case.add(case.nurse, case.officer)
    history = case.world.reading().chart(case.chart)
    assert all(history.has_known(one.name) for one in case.everybody[:4])
    assert not history.has_known(case.admin.name)
    other = case.world.actor(Role.NURSE)
    other.see_all()
    other.write(GLASS, case.chart)
    third = case.world.actor(Role.NURSE)
    recovery = announce_recovery(case.world, case.nurse)
    case.nurse.write(run(recovery))
    case.nurse.write(recovered(recovery, third.name))
    history = case.world.reading().chart(case.chart)
    assert history.has_known(other.name)
    assert history.has_known(third.name)


def test_a_role_that_reads_less_takes_away_and_gives_back():
    """From there on by causality."""
    case = Case()
    case.add(case.nurse, case.doctor)
    before = case.doctor.heads(case.world.control_stream)
    case.admin.write(SetRole(certificate=case.doctor.name, role=Role.NURSE))
    case.tell()
    assert case.now.members[case.doctor.name] == READABLE[Role.NURSE]
    history = case.world.reading().chart(case.chart)
    assert SENSITIVE in history.reads(case.doctor.name, case.now.heads, before)
    assert SENSITIVE not in history.reads_now(case.doctor.name)


def test_denial_wins_where_consent_was_contradicted_side_by_side():
    """Whoever saw both may say what holds now."""
    case = Case()
    case.add(case.nurse, case.doctor)
    assert case.now.consents == {}
    case.nurse.write(SetConsent(purpose=Purpose.RESEARCH, permitted=False), case.chart)
    case.doctor.write(SetConsent(purpose=Purpose.RESEARCH, permitted=True), case.chart)
    case.tell()
    assert case.now.consents == {Purpose.RESEARCH: False}
    case.say(case.nurse, SetConsent(purpose=Purpose.RESEARCH, permitted=True))
    case.say(case.nurse, SetConsent(purpose=Purpose.TELEMEDICINE, permitted=False))
    assert case.now.consents == {Purpose.RESEARCH: True, Purpose.TELEMEDICINE: False}


def test_treatment_may_be_refused_and_an_emergency_overrides_that():
    """By what somebody had seen, and by everything known."""
    case = Case()
    before = case.now.heads
    case.say(case.nurse, SetConsent(purpose=Purpose.TREATMENT, permitted=False))
    refused = case.now.heads
    case.say(case.doctor, GLASS)
    history = case.world.reading().chart(case.chart)
    assert history.may_treat(case.nurse.name, before, [])
    assert not history.may_treat(case.nurse.name, refused, [])
    assert not history.may_treat(case.doctor.name, refused, [])
    assert history.may_treat(case.doctor.name, case.now.heads, case.doctor.heads(case.world.control_stream))
    assert history.may_treat_now(case.doctor.name)
    assert not history.may_treat_now(case.nurse.name)


def test_who_breaks_the_glass_reads_as_its_role_and_no_sensitive_notes():
    """Until a member of another user has reviewed it."""
    case = Case()
    glass = case.say(case.doctor, GLASS)
    assert case.now.members[case.doctor.name] == {SAFETY, CLINICAL, AUDIT}
    assert [(one.record, one.author, one.act) for one in case.now.broken] == [(glass, case.doctor.name, GLASS)]
    history = case.world.reading().chart(case.chart)
    assert history.only_by_glass(case.doctor.name)
    assert not history.only_by_glass(case.nurse.name)
    assert not history.only_by_glass(case.stranger.name)
    case.say(case.nurse, CloseBreakGlass(record=glass))
    assert case.now.broken == ()
    assert case.doctor.name not in case.now.members


def test_no_glass_is_broken_by_a_role_that_reads_no_chart():
    """Neither content nor by a demoted one."""
    case = Case()
    refused = [case.say(actor, GLASS) for actor in (case.officer, case.admin)]
    case.admin.write(SetRole(certificate=case.doctor.name, role=Role.DATA_SCIENTIST))
    case.tell()
    refused.append(case.say(case.doctor, GLASS))
    assert case.now.refused == dict.fromkeys(refused, "role_reads_no_chart")


def test_an_emergency_hands_nothing_on():
    """Else whoever broke the glass once could stay for ever; it works under keys, and that is all."""
    case = Case()
    glass = case.say(case.doctor, GLASS)
    records = [
        add(case.doctor),
        add(case.stranger),
        remove(case.doctor),
        SetConsent(purpose=Purpose.TREATMENT, permitted=True),
        ProposePurge(reason=PurgeReason.PATIENT_REQUEST, not_before_ms=1),
        Adopt(entries=(NOBODY,)),
        CloseBreakGlass(record=glass),
    ]
    refused = [case.say(case.doctor, record) for record in records]
    case.say(case.doctor, AskKeys(epochs=(NOBODY,)))
    case.say(case.doctor, CreateDocument(document=DocumentId(b"2" * 16)))
    epoch = case.say(case.doctor, mint(case.doctor, SAFETY, [case.doctor.name, case.nurse.name]))
    assert case.now.refused == dict.fromkeys(refused, "by_broken_glass")
    assert case.now.epochs[epoch].valid
    assert case.now.asked == {NOBODY: {case.doctor.name: case.now.asked[NOBODY][case.doctor.name]}}


def test_a_member_who_breaks_the_glass_grants_what_it_reads_without():
    """The emergency adds to what it reads, and not to what it gives."""
    case = Case()
    case.add(case.nurse, case.doctor, SAFETY)
    case.say(case.doctor, GLASS)
    case.add(case.doctor, case.stranger)
    assert case.now.members[case.doctor.name] == {SAFETY, CLINICAL, AUDIT}
    assert case.now.members[case.stranger.name] == {SAFETY}


def test_an_emergency_is_closed_by_another_user():
    """By a member who reads content or an officer, after the fact, and by nothing that is no emergency."""
    case = Case()
    user = case.doctor.device.certificate.value.user
    tablet = case.world.actor(Role.PHYSICIAN, user=user)
    auditor = case.world.actor(Role.LAB_TECHNICIAN)
    case.everybody += [tablet, auditor]
    case.tell()
    for actor in (case.doctor, case.officer, tablet):
        case.add(case.nurse, actor)
    case.add(case.nurse, auditor, AUDIT)
    birth = case.now.heads[0]
    glass = case.say(case.doctor, GLASS)
    refused = {
        case.say(case.doctor, CloseBreakGlass(record=glass)): "same_user",
        case.say(tablet, CloseBreakGlass(record=glass)): "same_user",
        case.say(auditor, CloseBreakGlass(record=glass)): "reads_no_content",
        case.say(case.nurse, CloseBreakGlass(record=NOBODY)): "answers_nothing",
        case.say(case.nurse, CloseBreakGlass(record=birth)): "answers_nothing",
    }
    assert case.now.refused == refused
    before = case.now
    case.say(case.officer, CloseBreakGlass(record=glass))
    assert [one.record for one in before.broken] == [glass]
    assert case.now.broken == ()


def test_what_answers_a_record_has_seen_it():
    """A close written beside the emergency closes nothing."""
    case = Case()
    case.add(case.nurse, case.officer)
    glass = case.doctor.write(GLASS, case.chart).hash
    blind = case.officer.write(CloseBreakGlass(record=glass), case.chart).hash
    assert case.now.refused == {blind: "answers_nothing"}


def test_holds_are_officers_and_one_that_is_on_wins():
    """Until an officer who saw it ends it."""
    case = Case()
    case.add(case.nurse, case.officer)
    second = case.world.actor(Role.COMPLIANCE_OFFICER)
    case.everybody.append(second)
    case.tell()
    case.add(case.nurse, second)
    refused = case.say(case.nurse, SetHold(held=True))
    assert (case.now.held, case.now.refused) == (False, {refused: "not_an_officer"})
    case.officer.write(SetHold(held=True), case.chart)
    second.write(SetHold(held=False), case.chart)
    case.tell()
    assert case.now.held
    case.say(second, SetHold(held=False))
    assert not case.now.held


def test_a_purge_takes_a_member_and_an_officer_of_another_user():
    """Of several that were confirmed the earliest counts."""
    case = Case()
    user = case.officer.device.certificate.value.user
    same = case.world.actor(Role.NURSE, user=user)
    case.everybody.append(same)
    case.tell()
    for actor in (case.officer, case.doctor, same):
        case.add(case.nurse, actor)
    late, early, own, open_ = (
        case.say(by, ProposePurge(reason=PurgeReason.RETENTION_ENDED, not_before_ms=ms))
        for by, ms in ((case.nurse, 9), (case.doctor, 5), (same, 1), (case.doctor, 2))
    )
    before = case.now
    refused = {
        case.say(case.doctor, ConfirmPurge(proposal=early)): "not_an_officer",
        case.say(case.officer, ConfirmPurge(proposal=own)): "same_user",
        case.say(case.officer, ConfirmPurge(proposal=NOBODY)): "answers_nothing",
    }
    case.say(case.officer, ConfirmPurge(proposal=late))
    between = case.now
    case.say(case.officer, ConfirmPurge(proposal=early))
    assert [found.purge for found in (before, between, case.now)] == [None, (late, 9), (early, 5)]
    assert case.now.refused == refused
    assert open_ not in case.now.refused


def test_adoptions_and_preloads_are_unions():
    """Each with who said it."""
    case = Case()
    case.add(case.nurse, case.doctor)
    one, two = (EntryHash(bytes([n]) * 32) for n in (1, 2))
    case.say(case.nurse, Adopt(entries=(one, two)))
    case.say(case.doctor, Adopt(entries=(two,)))
    case.say(case.doctor, Preload(certificate=case.stranger.name))
    found = case.now.adopters
    assert {name: {entry.author for entry in some} for name, some in found.items()} == {
        one: {case.nurse.name},
        two: {case.nurse.name, case.doctor.name},
    }
    assert case.now.preloaded == {case.stranger.name}


def test_a_kit_carries_a_chart_while_who_let_it_belongs_there():
    """Whoever is removed does not stay by a second device; a member's word brings it back."""
    case = Case()
    case.add(case.nurse, case.doctor)
    case.say(case.doctor, Preload(certificate=case.stranger.name))
    case.say(case.nurse, RemoveMember(certificate=case.doctor.name))
    assert case.now.preloaded == frozenset()
    case.say(case.nurse, Preload(certificate=case.stranger.name))
    assert case.now.preloaded == {case.stranger.name}


def test_keys_that_were_asked_for_name_the_latest_record():
    """Of each who asked."""
    case = Case()
    case.add(case.nurse, case.doctor)
    case.say(case.doctor, AskKeys(epochs=(NOBODY,)))
    again = case.say(case.doctor, AskKeys(epochs=(NOBODY,)))
    assert case.now.asked == {NOBODY: {case.doctor.name: again}}


def test_the_recovery_key_lets_people_into_every_chart_but_ledgers():
    """As their roles read; and what they wrote before they were revoked stays theirs."""
    case = Case()
    recovery = announce_recovery(case.world, case.admin)
    case.admin.write(run(recovery))
    case.admin.write(recovered(recovery, case.doctor.name))
    case.tell()
    assert case.now.members[case.doctor.name] == frozenset(Compartment)
    case.add(case.doctor, case.stranger)
    assert case.stranger.name in case.now.members
    ledger = case.nurse.create_chart(LEDGER_NONCE)
    found = case.world.reading().chart(ledger).now
    assert found is not None
    assert found.members.keys() == {case.nurse.name}
    case.revoke(case.doctor, case.world.cuts(case.doctor))
    history = case.world.reading().chart(case.chart)
    assert case.doctor.name not in case.now.members
    assert history.reads_now(case.doctor.name) == frozenset(Compartment)


def test_a_revoked_member_is_none_and_what_it_said_within_the_cut_stays():
    """What it said later does not count, nor what followed from that."""
    case = Case()
    case.add(case.nurse, case.doctor)
    case.add(case.doctor, case.officer)
    cuts = case.world.cuts(case.doctor)
    thief = case.add(case.doctor, case.stranger)
    friend = case.say(case.stranger, AskKeys(epochs=(NOBODY,)))
    assert case.stranger.name in case.now.members
    case.revoke(case.doctor, cuts)
    assert case.now.members.keys() == {case.nurse.name, case.officer.name}
    assert case.now.refused == {thief: "outside_cut", friend: "not_a_member"}
    history = case.world.reading().chart(case.chart)
    assert history.reads_now(case.doctor.name) == frozenset(Compartment)


def test_a_chart_outlives_the_tablet_on_which_it_was_made():
    """Though nothing of that tablet is within a cut: the glass can be broken, and the chart be handed over."""
    case = Case()
    case.add(case.nurse, case.doctor)
    case.revoke(case.nurse, {})
    assert case.now.members == {}
    case.say(case.doctor, GLASS)
    assert case.now.members.keys() == {case.doctor.name}
    recovery = announce_recovery(case.world, case.admin)
    case.admin.write(run(recovery))
    case.admin.write(recovered(recovery, case.stranger.name))
    case.tell()
    assert case.now.members.keys() == {case.doctor.name, case.stranger.name}
    assert case.now.documents == (DOCUMENT,)


def test_who_no_longer_names_a_thief_s_record_has_forgotten_nothing():
    """It does not count; whoever learns of the cut names what came before it."""
    case = Case()
    case.add(case.nurse, case.doctor)
    before = case.now.heads
    cuts = case.world.cuts(case.doctor)
    stolen = case.add(case.doctor, case.stranger)
    history = case.world.reading().chart(case.chart)
    assert case.now.heads == (stolen,)
    assert not history.follows(before, [stolen])
    case.revoke(case.doctor, cuts)
    assert case.now.heads == before
    assert case.world.reading().chart(case.chart).follows(before, [stolen])


def test_from_now_on_means_without_what_was_before():
    """For whom, by whose word, and where a whole grant makes up for it."""
    case = TeamCase()
    old = case.say(case.nurse, mint(case.nurse, SAFETY, [case.nurse.name]))
    case.add(case.nurse, case.doctor, from_now_on=True)
    new = case.say(case.nurse, mint(case.nurse, SAFETY, [case.nurse.name, case.doctor.name]))
    case.say(case.nurse, AddTeam(team=case.team, compartments=(SAFETY,), from_now_on=True))
    last = case.say(case.nurse, mint(case.nurse, SAFETY, [case.nurse.name]))
    history, epochs = case.world.reading().chart(case.chart), case.now.epochs
    assert [history.saw_its_grant(case.doctor.name, epochs[name]) for name in (old, new)] == [False, True]
    assert [history.team_saw_its_grant(case.team, epochs[name]) for name in (new, last)] == [False, True]
    assert [history.saw_its_grant(case.stranger.name, epochs[name]) for name in (new, last)] == [False, True]
    assert history.saw_its_grant(case.nurse.name, epochs[old])
    case.say(case.officer, GLASS)
    case.add(case.nurse, case.doctor)
    history = case.world.reading().chart(case.chart)
    assert history.saw_its_grant(case.doctor.name, epochs[old])
    assert not history.saw_its_grant(case.officer.name, epochs[old])


def test_who_joined_a_team_from_now_on_gets_no_chart_s_history_by_it():
    """Though the team has it: what was minted by one who had seen it join is for it too."""
    case = TeamCase(from_now_on=True)
    late = case.world.actor(Role.PHYSICIAN)
    case.everybody.append(late)
    case.tell()
    case.say(case.nurse, AddTeam(team=case.team, compartments=(SAFETY,)))
    old = case.say(case.nurse, mint(case.nurse, SAFETY, [case.nurse.name]))
    case.doctor.write(AddToTeam(team=case.team, certificate=late.name, from_now_on=True))
    case.tell()
    new = case.say(case.nurse, mint(case.nurse, SAFETY, [case.nurse.name]))
    history, epochs = case.world.reading().chart(case.chart), case.now.epochs
    assert [history.saw_its_grant(late.name, epochs[name]) for name in (old, new)] == [False, True]
    assert history.saw_its_grant(case.doctor.name, epochs[old])


def test_recovery_gives_the_history_and_a_broken_glass_what_follows_it():
    """What was written before is the desk's to open: else whoever knows of a chart would read all of it by its word."""
    case = Case()
    old = case.say(case.nurse, mint(case.nurse, SAFETY, [case.nurse.name]))
    case.say(case.doctor, GLASS)
    new = case.say(case.nurse, mint(case.nurse, SAFETY, [case.nurse.name, case.doctor.name]))
    recovery: Hash = announce_recovery(case.world, case.admin)
    case.admin.write(run(recovery))
    case.admin.write(recovered(recovery, case.stranger.name))
    history, epochs = case.world.reading().chart(case.chart), case.now.epochs
    assert [history.saw_its_grant(case.doctor.name, epochs[name]) for name in (old, new)] == [False, True]
    assert history.saw_its_grant(case.stranger.name, epochs[old])


def test_who_reads_nothing_of_an_epoch_hands_it_to_nobody():
    """An officer's rewrap of clinical keys would end the epoch for everybody; so would one of no epoch, for nobody."""
    case = Case()
    case.add(case.nurse, case.officer)
    epoch = case.say(case.nurse, mint(case.nurse, SAFETY, [case.nurse.name]))
    refused = {case.say(case.officer, rewrap(epoch, case.stranger.name)), case.say(case.nurse, rewrap(NOBODY))}
    refused.add(case.say(case.nurse, rewrap(case.say(case.nurse, CreateDocument(document=DOCUMENT)))))
    assert case.now.refused == dict.fromkeys(refused, "not_a_reader")
    assert case.now.epochs[epoch].wraps.keys() == {case.nurse.name}


def test_one_member_changes_a_chart_s_members_so_often_and_no_more(monkeypatch: Any):
    """By the record's own past, whoever it is: else one member keeps everybody's device busy.

    Breaking the glass has a number of its own. What removes is not limited: nobody runs out of it by another's doing.
    """
    monkeypatch.setattr("sync_protocol.chart_counting.MEMBER_CHANGES_MAX", 3)
    case = Case()
    for _ in range(2):
        case.add(case.nurse, case.doctor)
    case.add(case.nurse, case.officer)
    refused = [case.add(case.nurse, case.stranger)]
    case.say(case.nurse, SetConsent(purpose=Purpose.RESEARCH, permitted=True))
    case.say(case.nurse, remove(case.officer))
    assert case.now.refused == dict.fromkeys(refused, "too_many")
    assert case.now.consents == {Purpose.RESEARCH: True}
    case.add(case.doctor, case.stranger)
    assert case.stranger.name in case.now.members
    assert case.officer.name not in case.now.members
    assert case.now.refused.keys() == set(refused)
    breaks = [case.say(case.nurse, GLASS) for _ in range(4)]
    assert case.now.refused.keys() == {*refused, breaks[-1]}


def test_a_long_history_costs_no_more_than_its_length():
    """Who belonged at a point is looked up: 2,000 additions of strangers took minutes when it was added up."""
    case = Case()
    organisation = case.world.reading().organisation
    order: list[ControlEntry] = []
    first = next(one for one in case.world.entries.values() if one.header.stream == control_stream(case.chart))
    birth = case.world.control(first, case.world.seals_of([first]))
    for number in range(2_000):
        record = AddMember(certificate=CertificateHash.of(b"%d" % number), compartments=(SAFETY,))
        heads = (order[-1].hash,) if order else (birth.hash,)
        order.append(replace(birth, hash=EntryHash.of(b"entry %d" % number), parents=heads, record=record))
    began = time.process_time()
    now = ChartHistory([birth, *order], case.chart, organisation).now
    assert time.process_time() - began < 2  # 0.03 s where it was written
    assert now is not None
    assert now.members.keys() == {case.nurse.name}
    assert len(now.refused) == 2_000 - MEMBER_CHANGES_MAX
