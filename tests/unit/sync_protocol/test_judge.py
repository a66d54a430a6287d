"""Verdicts on content: void, quarantined, adopted, flagged, accepted, the first that applies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from sync_protocol.chart_records import AddTeam, Adopt, Purpose, RemoveMember, SetConsent
from sync_protocol.control import AddMember, CreateDocument, SetRole, content_stream
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason
from sync_protocol.entries import Draft, VerifiedEntry, seal_batch
from sync_protocol.ids import ChartId, DocumentId, EntryHash, SealHash
from sync_protocol.judge import Judge
from sync_protocol.limits import CONTROL_HEADS_MAX
from sync_protocol.roles import TEXT, Compartment, Role
from sync_protocol.team_records import AddToTeam
from sync_protocol.verdicts import ACCEPTED, Reason, Standing, Verdict
from tests.support.org_world import DOCUMENT, Actor, OrgWorld, parents_first

SAFETY, CLINICAL, SENSITIVE, AUDIT = Compartment
CONCURRENT = Verdict(Standing.FLAGGED, Reason.CONCURRENT)
REVOKED = Verdict(Standing.QUARANTINED, Reason.REVOKED)
ADOPTED = Verdict(Standing.ACCEPTED, Reason.ADOPTED)


class Bed:
    """A nurse's chart to which a physician, a second nurse and an officer belong."""

    def __init__(self) -> None:
        self.world = OrgWorld.make(1)
        self.nurse, self.doctor, self.second, self.officer, self.stranger = (
            self.world.actor(role)
            for role in (Role.NURSE, Role.PHYSICIAN, Role.NURSE, Role.COMPLIANCE_OFFICER, Role.PHYSICIAN)
        )
        self.everybody = [self.world.admin, self.nurse, self.doctor, self.second, self.officer, self.stranger]
        self.tell()
        self.chart: ChartId = self.nurse.create_chart()
        self.tell()
        for actor in (self.doctor, self.second, self.officer):
            self.say(self.nurse, AddMember(certificate=actor.name, compartments=tuple(Compartment)))

    def tell(self) -> None:
        """Everybody learns everything."""
        for actor in self.everybody:
            actor.see_all()

    def say(self, by: Actor, record: Any) -> EntryHash:
        """Somebody writes a record of the chart, and everybody learns of it."""
        name = by.write(record, self.chart).hash
        self.tell()
        return name

    def revoke(self, whom: Actor, cuts: Any) -> None:
        """The administrator revokes somebody."""
        self.world.admin.see_all()
        self.world.admin.write(self.world.revocation(self.world.admin, whom, cuts))

    def verdict(self, entry: VerifiedEntry, kind: str = "allergy", compartment: Compartment = CLINICAL) -> Verdict:
        """The verdict by everything that was written."""
        return self.world.reading().judge(self.chart, compartment).verdict(entry.hash, kind)


def test_a_member_s_entry_is_accepted():
    """And counts."""
    bed = Bed()
    found = bed.verdict(bed.nurse.write_content(bed.chart))
    assert found == ACCEPTED
    assert found.counts
    assert CONCURRENT.counts
    assert not REVOKED.counts


def test_who_is_no_member_that_reads_the_compartment_writes_void():
    """By what it says that it had seen; also where there is no chart."""
    bed = Bed()
    void = Verdict(Standing.VOID, Reason.NOT_A_MEMBER)
    assert bed.verdict(bed.stranger.write_content(bed.chart)) == void
    assert bed.verdict(bed.nurse.write_content(bed.chart, SENSITIVE), compartment=SENSITIVE) == void
    assert bed.verdict(bed.nurse.write_content(bed.chart, chart_heads=())) == void
    nowhere = ChartId(b"?" * 16)
    lost = bed.nurse.write_content(nowhere)
    assert bed.world.reading().judge(nowhere).verdict(lost.hash, TEXT) == void


def test_what_a_role_does_not_write_is_void_alone():
    """Another fact of the same entry counts; a kind of a newer layout counts for whoever writes anything."""
    bed = Bed()
    entry = bed.nurse.write_content(bed.chart)
    assert bed.verdict(entry, "diagnosis") == Verdict(Standing.VOID, Reason.ROLE)
    assert bed.verdict(entry, "allergy") == bed.verdict(entry, TEXT) == bed.verdict(entry, "newer") == ACCEPTED


def test_who_saw_that_treatment_was_refused_writes_void():
    """Unless it broke the glass; who had not seen it is flagged."""
    bed = Bed()
    before = bed.doctor.write_content(bed.chart)
    bed.say(bed.nurse, SetConsent(purpose=Purpose.TREATMENT, permitted=False))
    after = bed.doctor.write_content(bed.chart)
    assert bed.verdict(before) == CONCURRENT
    assert bed.verdict(after) == Verdict(Standing.VOID, Reason.CONSENT)
    bed.say(bed.doctor, BreakGlass(reason=BreakGlassReason.LIFE_THREAT, kit=False, nonce=b"g" * 16))
    assert bed.verdict(bed.doctor.write_content(bed.chart)) == ACCEPTED
    bed.say(bed.nurse, SetConsent(purpose=Purpose.TREATMENT, permitted=True))
    assert bed.verdict(before) == ACCEPTED


def test_a_removal_or_a_role_that_was_not_seen_flags():
    """One that was seen makes void: causality decides, so that nobody's offline work is lost."""
    bed = Bed()
    content = bed.second.write_content(bed.chart)
    bed.nurse.write(RemoveMember(certificate=bed.second.name), bed.chart)
    assert bed.verdict(content) == CONCURRENT
    bed.tell()
    assert bed.verdict(bed.second.write_content(bed.chart)) == Verdict(Standing.VOID, Reason.NOT_A_MEMBER)
    content = bed.doctor.write_content(bed.chart)
    bed.world.admin.write(SetRole(certificate=bed.doctor.name, role=Role.NURSE))
    assert bed.verdict(content, "diagnosis") == CONCURRENT
    assert bed.verdict(content, "allergy") == ACCEPTED
    bed.tell()
    assert bed.verdict(bed.doctor.write_content(bed.chart), "diagnosis") == Verdict(Standing.VOID, Reason.ROLE)


def test_what_is_outside_a_cut_is_quarantined_and_what_is_within_stays():
    """Also for whoever met the tablet before the revocation; the tablet need not have seen it."""
    bed = Bed()
    within = bed.second.write_content(bed.chart)
    cuts = bed.world.cuts(bed.second)
    outside = bed.second.write_content(bed.chart)
    assert bed.verdict(outside) == ACCEPTED
    bed.revoke(bed.second, cuts)
    assert bed.verdict(within) == ACCEPTED
    assert bed.verdict(outside) == REVOKED


def test_who_was_certified_by_a_thief_is_quarantined():
    """With its reason."""
    bed = Bed()
    second = bed.world.actor(Role.ADMIN)
    cuts = bed.world.cuts(second)
    fake = bed.world.actor(Role.PHYSICIAN, by=second)
    bed.everybody += [second, fake]
    bed.tell()
    bed.say(bed.nurse, AddMember(certificate=fake.name, compartments=tuple(Compartment)))
    content = fake.write_content(bed.chart)
    bed.revoke(second, cuts)
    assert bed.verdict(content) == Verdict(Standing.QUARANTINED, Reason.ISSUER_REVOKED)


class Theft(Bed):
    """The same, where the second nurse's tablet was stolen and an entry of it is quarantined."""

    def __init__(self) -> None:
        super().__init__()
        cuts = self.world.cuts(self.second)
        self.stolen = self.second.write_content(self.chart)
        self.tell()
        self.revoke(self.second, cuts)

    def adopt(self, by: Actor) -> None:
        """Somebody vouches for it."""
        by.write(Adopt(entries=(self.stolen.hash,)), self.chart)


def test_whoever_may_write_this_kind_adopts():
    """And for the kinds that it may not write, nothing is changed by it."""
    bed = Theft()
    assert bed.verdict(bed.stolen) == REVOKED
    bed.adopt(bed.nurse)
    assert bed.verdict(bed.stolen) == ADOPTED
    judge = bed.world.reading().judge(bed.chart)
    assert judge.vouched(bed.stolen.hash, "allergy")
    assert not judge.vouched(bed.stolen.hash, "diagnosis")
    assert bed.verdict(bed.stolen, "diagnosis") == Verdict(Standing.VOID, Reason.ROLE)


def test_who_may_not_write_it_adopts_nothing():
    """Neither a stranger, an officer, its own author, nor the same user on another device."""
    bed = Theft()
    user = bed.second.device.certificate.value.user
    tablet = bed.world.actor(Role.NURSE, user=user)
    clerk = bed.world.actor(Role.CLINICAL_ADMIN)
    bed.everybody += [tablet, clerk]
    bed.tell()
    bed.say(bed.nurse, AddMember(certificate=tablet.name, compartments=tuple(Compartment)))
    bed.say(bed.nurse, AddMember(certificate=clerk.name, compartments=tuple(Compartment)))
    for actor in (bed.stranger, bed.officer, bed.second, tablet, clerk):
        bed.adopt(actor)
        bed.tell()
    assert bed.verdict(bed.stolen, "allergy") == REVOKED
    assert bed.verdict(bed.stolen, "identity") == ADOPTED  # the clerk may write that
    bed.adopt(bed.doctor)
    assert bed.verdict(bed.stolen, "allergy") == ADOPTED


def test_who_reads_another_compartment_adopts_nothing_in_this_one():
    """Nor does an adoption outside a cut count."""
    bed = Bed()
    bed.say(bed.nurse, AddMember(certificate=bed.stranger.name, compartments=(SAFETY,)))
    cuts = bed.world.cuts(bed.second)
    stolen = bed.second.write_content(bed.chart)
    bed.tell()
    of_doctor = bed.world.cuts(bed.doctor)
    for actor in (bed.stranger, bed.doctor):
        actor.write(Adopt(entries=(stolen.hash,)), bed.chart)
    bed.revoke(bed.second, cuts)
    assert bed.verdict(stolen) == ADOPTED
    bed.revoke(bed.doctor, of_doctor)
    assert bed.verdict(stolen) == REVOKED


def test_an_adoption_brings_back_what_was_no_flagged_entry():
    """What somebody vouched for is accepted, whatever changed meanwhile."""
    bed = Theft()
    bed.nurse.write(RemoveMember(certificate=bed.second.name), bed.chart)
    bed.adopt(bed.doctor)
    assert bed.verdict(bed.stolen) == ADOPTED


def tampered(actor: Actor, entry: VerifiedEntry, **changes: Any) -> VerifiedEntry:
    """An entry that a device signs after one of its own, with a header that no honest device makes."""
    session = actor.session
    header = replace(
        entry.header, seq=entry.header.seq + 1, prev=entry.hash, seal=len(session.seals), deps={}, **changes
    )
    seal, entries = seal_batch(
        [Draft(header=header, body=entry.body)],
        session=session.record.value,
        number=header.seal,
        previous=SealHash(session.seals[-1].hash),
        signer=actor.device.signer,
    )
    session.seals.append(seal)
    actor.world.keep(session, seal, entries)
    return entries[0]


@pytest.mark.parametrize("jump", [-1, 1])
def test_a_wrong_lamport_time_is_quarantined(jump: int):
    """It must be one more than the largest that it follows."""
    bed = Bed()
    entry = bed.nurse.write_content(bed.chart)
    right = tampered(bed.nurse, entry, lamport=entry.header.lamport + 1)
    wrong = tampered(bed.nurse, right, lamport=right.header.lamport + 1 + jump)
    assert bed.verdict(right) == ACCEPTED
    assert bed.verdict(wrong) == Verdict(Standing.QUARANTINED, Reason.LAMPORT)


def test_older_control_heads_than_before_are_quarantined():
    """Of the organisation or of the chart: else whoever was removed would write as if it did not know."""
    for which in ("organisation_heads", "chart_heads"):
        bed = Bed()
        bed.world.admin.write(SetRole(certificate=bed.stranger.name, role=Role.NURSE))
        old: dict[str, Any] = {
            "organisation_heads": bed.nurse.heads(bed.world.control_stream),
            "chart_heads": heads(bed),
        }
        bed.tell()
        bed.say(bed.nurse, CreateDocument(document=DocumentId(b"2" * 16)))
        first = bed.nurse.write_content(bed.chart)
        back = bed.nurse.write_content(bed.chart, **{which: old[which]})
        again = bed.nurse.write_content(bed.chart)
        assert bed.verdict(first) == bed.verdict(again) == ACCEPTED
        assert bed.verdict(back) == Verdict(Standing.QUARANTINED, Reason.HEADS)


def heads(bed: Bed) -> tuple[EntryHash, ...]:
    """The chart's newest records."""
    found = bed.world.reading().chart(bed.chart).now
    assert found is not None
    return found.heads


def test_who_names_as_many_heads_as_there_may_be_need_not_name_all():
    """A crowd of records side by side must not put the honest in quarantine."""
    bed = Bed()
    names = some_heads(bed, CONTROL_HEADS_MAX + 3)
    bed.nurse.write_content(bed.chart, chart_heads=names[3:])
    whole = bed.nurse.write_content(bed.chart, chart_heads=names[:CONTROL_HEADS_MAX])
    few = bed.nurse.write_content(bed.chart, chart_heads=names[:9])
    assert bed.verdict(whole) == ACCEPTED
    assert bed.verdict(few) == Verdict(Standing.QUARANTINED, Reason.HEADS)


def some_heads(bed: Bed, count: int) -> list[EntryHash]:
    """Records of as many sessions side by side, that are members' and count."""
    found = []
    past = list(bed.doctor.seen.values())
    for number in range(count):
        bed.doctor.restart()
        bed.doctor.seen = {one.hash: one for one in past}
        record = CreateDocument(document=DocumentId(bytes([number]) * 16))
        found.append(bed.doctor.write(record, bed.chart).hash)
    return sorted(found)


def test_a_chain_s_first_entry_and_one_after_a_stranger_to_the_judge_have_nothing_to_regress_from():
    """The judge sees one stream; a predecessor that was not placed was not judged."""
    bed = Bed()
    first = bed.nurse.write_content(bed.chart, SAFETY)
    second = bed.nurse.write_content(bed.chart, SAFETY)
    entries: Iterable[VerifiedEntry] = [one for one in bed.world.entries.values() if one.hash != first.hash]
    assert bed.verdict(second, compartment=SAFETY) == ACCEPTED
    with pytest.raises(KeyError):
        bed.world.reading(entries).judge(bed.chart, SAFETY).verdict(second.hash, TEXT)


# -------------------------------------------------------------------------------------------- before what it follows


def early(bed: Bed, missing: Iterable[EntryHash], held: Iterable[VerifiedEntry]) -> Judge:
    """The judge of a device to which some entries have not come, and others came before them."""
    lost, ahead = set(missing), list(held)
    reading = bed.world.reading()
    stream = content_stream(bed.chart, DOCUMENT, CLINICAL)
    rest = [one for one in reading.entries if one.header.stream == stream and one.hash not in lost]
    placed = parents_first(one for one in rest if one not in ahead)
    return Judge(reading.chart(bed.chart), CLINICAL, placed, authors=bed.world.author, seals=reading.seals, held=ahead)


def test_what_came_before_what_it_follows_is_judged_as_far_as_that_goes():
    """Membership, role and cuts as always; one that follows it is judged by it."""
    bed = Bed()
    cuts = bed.world.cuts(bed.second)
    first = bed.doctor.write_content(bed.chart)
    bed.tell()
    second = bed.nurse.write_content(bed.chart)
    third = bed.nurse.write_content(bed.chart)
    judge = early(bed, {first.hash}, [second, third])
    assert judge.verdict(second.hash, "allergy") == judge.verdict(third.hash, "allergy") == ACCEPTED
    assert judge.verdict(second.hash, "diagnosis") == Verdict(Standing.VOID, Reason.ROLE)
    bed.tell()
    late = bed.second.write_content(bed.chart)
    bed.tell()
    bed.revoke(bed.second, cuts)
    assert early(bed, {first.hash}, [second, third, late]).verdict(late.hash, "allergy") == REVOKED


@pytest.mark.parametrize(("jump", "found"), [(-1, Verdict(Standing.QUARANTINED, Reason.LAMPORT)), (1, ACCEPTED)])
def test_a_lamport_time_that_what_is_here_contradicts_is_quarantined(jump: int, found: Verdict):
    """One that is too late may follow what has not come; one that is too early is false whatever comes."""
    bed = Bed()
    first = bed.doctor.write_content(bed.chart)
    bed.tell()
    second = bed.nurse.write_content(bed.chart)
    wrong = tampered(bed.nurse, second, lamport=second.header.lamport + 1 + jump)
    assert early(bed, {first.hash}, [second, wrong]).verdict(wrong.hash, "allergy") == found
    assert bed.verdict(wrong) == Verdict(Standing.QUARANTINED, Reason.LAMPORT)


def test_older_heads_show_though_something_has_not_come():
    """The chain of its own author is here: it never comes with a gap."""
    bed = Bed()
    old = heads(bed)
    bed.say(bed.nurse, CreateDocument(document=DocumentId(b"2" * 16)))
    first = bed.doctor.write_content(bed.chart)
    bed.tell()
    second = bed.nurse.write_content(bed.chart)
    back = bed.nurse.write_content(bed.chart, chart_heads=old)
    assert early(bed, {first.hash}, [second, back]).verdict(back.hash, "allergy") == Verdict(
        Standing.QUARANTINED, Reason.HEADS
    )


def test_who_was_let_in_outside_a_cut_is_quarantined_and_adopted():
    """However old the heads that it names: a thief's accomplice would write as a member for ever. It may be honest."""
    bed = Bed()
    cuts = bed.world.cuts(bed.doctor)
    bed.say(bed.doctor, AddMember(certificate=bed.stranger.name, compartments=tuple(Compartment)))
    entry = bed.stranger.write_content(bed.chart)
    own = bed.second.write_content(bed.chart)
    bed.revoke(bed.doctor, cuts)
    assert bed.verdict(entry) == Verdict(Standing.QUARANTINED, Reason.GRANT_REVOKED)
    assert bed.verdict(own) == ACCEPTED
    bed.say(bed.nurse, Adopt(entries=(entry.hash,)))
    assert bed.verdict(entry) == ADOPTED


def test_who_came_in_by_a_team_outside_a_cut_is_quarantined_too():
    """What it says in the chart's records does not count either."""
    bed = Bed()
    team = bed.doctor.create_team(SAFETY, CLINICAL)
    bed.tell()
    bed.say(bed.nurse, AddTeam(team=team, compartments=(SAFETY, CLINICAL)))
    cuts = bed.world.cuts(bed.doctor)
    bed.doctor.write(AddToTeam(team=team, certificate=bed.stranger.name))
    bed.tell()
    said = bed.say(bed.stranger, AddMember(certificate=bed.world.admin.name, compartments=(SAFETY,)))
    entry = bed.stranger.write_content(bed.chart)
    assert bed.verdict(entry) == ACCEPTED
    bed.revoke(bed.doctor, cuts)
    assert bed.verdict(entry) == Verdict(Standing.QUARANTINED, Reason.GRANT_REVOKED)
    now = bed.world.reading().chart(bed.chart).now
    assert now is not None
    assert now.refused == {said: "not_a_member"}


def test_who_writes_by_a_role_given_outside_a_cut_is_quarantined():
    """That kind alone: what its role writes without it counts."""
    bed = Bed()
    junior = bed.world.actor(Role.ADMIN)
    bed.tell()
    junior.see_all()
    cuts = bed.world.cuts(junior)
    junior.write(SetRole(certificate=bed.nurse.name, role=Role.PHYSICIAN))
    bed.tell()
    entry = bed.nurse.write_content(bed.chart)
    assert bed.verdict(entry, "diagnosis") == ACCEPTED
    bed.revoke(junior, cuts)
    assert bed.verdict(entry, "diagnosis") == Verdict(Standing.QUARANTINED, Reason.GRANT_REVOKED)
    assert bed.verdict(entry, "allergy") == ACCEPTED
