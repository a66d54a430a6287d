"""Teams and the keys of what is shared with them: who gets which, when they turn, and who never opens anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_runtime.audit.device_source import Holder
from edge_runtime.break_glass.announcing import announce as announce_glass
from edge_runtime.break_glass.desk import DeskFacts
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RefusedError
from edge_runtime.identity import root_keys
from edge_runtime.recovery.create import announce, make_recovery
from sync_protocol.chart_records import AskKeys
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason
from sync_protocol.epochs import Epoch, team_epoch
from sync_protocol.ids import ChartId, DocumentId, EntryHash, Hash, TeamId
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.membership import Membership
from sync_protocol.roles import Compartment, Role
from sync_protocol.signing import SigningKey
from sync_protocol.team_records import AddToTeam, MintTeamEpoch, RewrapTeam
from sync_protocol.teams import Team, TeamEpoch
from tests.support.wraps import few_wraps
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact, settle
from tests.unit.edge_runtime.test_verdicts import _revoke

SAFETY, CLINICAL, AUDIT = Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT
CARE = frozenset({SAFETY, CLINICAL, AUDIT})
URGENT = fact("priority", to="urgent")


def team_of(founder: Device, *others: Device) -> TeamId:
    """A team of care that `founder` makes, with others in it, known to them."""
    batch = founder.recorder.begin()
    team = batch.create_team(CARE)
    for other in others:
        batch.add_to_team(team, other.name)
    founder.recorder.write(batch)
    hand(founder, *others)
    return team


def add(device: Device, team: TeamId, other: Device, *, from_now_on: bool = False) -> None:
    """Let a device into a team."""
    batch = device.recorder.begin()
    batch.add_to_team(team, other.name, from_now_on=from_now_on)
    device.recorder.write(batch)


def remove(device: Device, team: TeamId, other: Device) -> None:
    """Take a device out of a team."""
    batch = device.recorder.begin()
    batch.remove_from_team(team, other.name)
    device.recorder.write(batch)


def refused_to_add(device: Device, team: TeamId, other: Device) -> str:
    """The reason for which a device may not let another into a team."""
    with pytest.raises(RefusedError) as refused:
        add(device, team, other)
    return refused.value.code


def chart_of(device: Device, *teams: TeamId) -> tuple[ChartId, DocumentId]:
    """A chart with something in it, shared with teams."""
    chart, (document, _) = device.charts.create([fact("identity", name="Ana")], workflow=WorkflowType.ENCOUNTER)
    write(device, chart, document)
    for team in teams:
        share(device, chart, team)
    return chart, document


def share(device: Device, chart: ChartId, team: TeamId, *, from_now_on: bool = False) -> None:
    """Share a chart with a team."""
    batch = device.recorder.begin()
    batch.add_team(chart, team, batch.readable(chart), from_now_on=from_now_on)
    device.recorder.write(batch)


def write(device: Device, chart: ChartId, document: DocumentId) -> EntryHash:
    """Write in a chart, and the epoch that it was written under."""
    entry = device.charts.add_facts(chart, document, [URGENT])[-1]
    assert entry.header.epoch is not None
    return entry.header.epoch


def hand(source: Device, *targets: Device) -> None:
    """Bring everything that a device has to others."""
    for target in targets:
        carry(source, target)


def seen(device: Device, chart: ChartId) -> Membership:
    """The chart as a device knows it."""
    found = device.keyring.membership(chart)
    assert found is not None
    return found


def team_at(device: Device, team: TeamId) -> Team:
    """A team as a device knows it."""
    found = device.keyring.organisation().now.team(team)
    assert found is not None
    return found


def opens(device: Device, chart: ChartId, name: EntryHash | None = None) -> list[bool]:
    """Whether a device that has just begun can open a chart's epochs of content, or one of them."""
    epochs = [one for one in seen(device, chart).epochs.values() if one.record.compartment is not AUDIT]
    chosen = [one for one in epochs if name is None or one.id == name]
    keyring = device.restart().keyring
    return [keyring.open_epoch(chart, one) is not None for one in chosen]


def recipients(device: Device, chart: ChartId, name: EntryHash) -> set[Hash]:
    """To whom an epoch was wrapped when it was minted."""
    return {Hash(who) for who, _ in seen(device, chart).epochs[name].record.wraps}


def epoch_ids(device: Device, team: TeamId) -> set[EntryHash]:
    """The epochs of a team."""
    return set(team_at(device, team).epochs)


# ---------------------------------------------------------------------------------------------------- who belongs


def test_who_makes_a_team_is_in_it_and_holds_its_key(clinic: Clinic):
    """One record that creates it, one that mints; nothing more."""
    nurse = clinic.device(Role.NURSE)
    team = team_of(nurse)
    found = team_at(nurse, team)
    assert found.members == {nurse.name}
    assert found.compartments == CARE
    (epoch,) = found.epochs.values()
    assert nurse.restart().keyring.open_team(epoch) is not None


@pytest.mark.parametrize("role", [Role.ADMIN, Role.COMPLIANCE_OFFICER, Role.DATA_SCIENTIST])
def test_a_role_that_reads_less_makes_no_team(clinic: Clinic, role: Role):
    """Nor does a nurse make one that is given what only physicians read."""
    batch = clinic.device(role).recorder.begin()
    with pytest.raises(RefusedError) as refused:
        batch.create_team(CARE)
    assert refused.value.code == "role_reads_less"
    with pytest.raises(RefusedError):
        clinic.device(Role.NURSE).recorder.begin().create_team(frozenset(Compartment))


def test_a_member_lets_others_in_whose_roles_read_enough(clinic: Clinic):
    """No stranger lets anybody in; nobody is let in whose role reads less; an unknown team is none."""
    nurse, physician, stranger = clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    team = team_of(nurse, physician)
    assert team_at(physician, team).members == {nurse.name, physician.name}
    hand(nurse, stranger)
    assert refused_to_add(stranger, team, stranger) == "not_in_team"
    assert refused_to_add(nurse, team, clinic.device(Role.COMPLIANCE_OFFICER)) == "role_reads_less"
    assert refused_to_add(nurse, TeamId(bytes(16)), physician) == "no_such_team"


def test_a_device_that_is_not_known_is_not_let_in(clinic: Clinic):
    """What the records do not bring does not count; nor is it let into a chart."""
    nurse, unknown = clinic.device(Role.NURSE), clinic.device(Role.NURSE, known=False)
    with pytest.raises(RefusedError) as refused:
        add(nurse, team_of(nurse), unknown)
    assert refused.value.code == "not_on_record"
    batch = nurse.recorder.begin()
    chart, _ = chart_of(nurse)
    with pytest.raises(RefusedError) as refused:
        batch.add_member(chart, unknown.name, CARE)
    assert refused.value.code == "not_on_record"


def test_a_full_team_takes_nobody_more(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """One record wraps its seed to all members and to recovery; who belongs to it already may be added again."""
    nurses = [clinic.device(Role.NURSE) for _ in range(3)]
    few_wraps(monkeypatch, 3)
    team = team_of(nurses[0], nurses[1])
    assert refused_to_add(nurses[0], team, nurses[2]) == "team_full"
    add(nurses[0], team, nurses[1])


def test_a_member_takes_out_another_and_the_key_turns_at_once(clinic: Clinic):
    """The one who left is no recipient of the next epoch; taking oneself out leaves that to the others."""
    nurse, other, third = (clinic.device(Role.NURSE) for _ in range(3))
    team = team_of(nurse, other, third)
    before = epoch_ids(nurse, team)
    remove(nurse, team, other)
    (new,) = (one for name, one in team_at(nurse, team).epochs.items() if name not in before)
    assert new.principals == {nurse.name, third.name}
    hand(nurse, other, third)
    assert other.restart().keyring.open_team(new) is None
    assert third.restart().keyring.open_team(new) is not None
    remove(third, team, third)
    assert team_at(third, team).members == {nurse.name}
    assert epoch_ids(third, team) == before | {new.id}


def test_an_administrator_takes_out_and_never_lets_in(clinic: Clinic):
    """It holds no key, so the next member who writes turns it. Others who do not belong do neither."""
    nurse, other, stranger = (clinic.device(Role.NURSE) for _ in range(3))
    team = team_of(nurse, other)
    chart, document = chart_of(nurse, team)
    hand(nurse, other, stranger, clinic.admin)
    with pytest.raises(RefusedError) as refused:
        remove(stranger, team, other)
    assert refused.value.code == "not_in_team"
    assert refused_to_add(clinic.admin, team, stranger) == "not_in_team"
    before = epoch_ids(clinic.admin, team)
    remove(clinic.admin, team, other)
    assert epoch_ids(clinic.admin, team) == before
    hand(clinic.admin, nurse)
    name = write(nurse, chart, document)
    assert len(epoch_ids(nurse, team)) == len(before) + 1
    hand(nurse, other)
    assert opens(other, chart, name) == [False]


# ------------------------------------------------------------------------------------------- who gets which keys


def test_whoever_joins_later_reads_the_history(clinic: Clinic):
    """By the team's earlier seed, wrapped once: no epoch is minted, and no chart is written to."""
    nurse, other, later = (clinic.device(Role.NURSE) for _ in range(3))
    team = team_of(nurse, other)
    chart, document = chart_of(nurse, team)
    write(nurse, chart, document)
    epochs, records = epoch_ids(nurse, team), len(nurse.keyring.control_entries(chart))
    add(nurse, team, later)
    assert epoch_ids(nurse, team) == epochs
    assert len(nurse.keyring.control_entries(chart)) == records
    hand(nurse, later, other)
    assert all(opens(later, chart))
    assert write(other, chart, document) in seen(other, chart).epochs
    hand(other, later)
    assert all(opens(later, chart))


def test_whoever_joins_from_now_on_gets_no_earlier_seed_and_no_earlier_key(clinic: Clinic):
    """Not by the team, not by a chart that is shared with its history afterwards, and not by asking."""
    nurse, other, fresh = (clinic.device(Role.NURSE) for _ in range(3))
    team = team_of(nurse, other)
    shared, document = chart_of(nurse, team)
    write(nurse, shared, document)
    private, _ = chart_of(nurse)
    old = epoch_ids(nurse, team)
    add(nurse, team, fresh, from_now_on=True)
    assert len(epoch_ids(nurse, team) - old) == 1
    share(nurse, private, team)
    hand(nurse, other, fresh)
    assert not any(opens(fresh, shared) + opens(fresh, private))
    assert all(opens(other, shared) + opens(other, private))
    for device in (other, nurse):
        device.recorder.mend([shared, private])
    batch = fresh.recorder.begin()
    for chart in (shared, private):
        batch.say(chart, AskKeys(epochs=tuple(sorted(seen(fresh, chart).epochs))))
    fresh.recorder.write(batch)
    hand(fresh, nurse, other)
    for device in (nurse, other):
        device.recorder.mend([shared, private])
        hand(device, fresh)
    keyring = fresh.restart().keyring
    assert [keyring.open_team(epoch) for name, epoch in team_at(fresh, team).epochs.items() if name in old] == [None]
    assert not any(opens(fresh, shared) + opens(fresh, private))
    name = write(nurse, shared, document)
    hand(nurse, fresh)
    assert opens(fresh, shared, name) == [True]


def test_a_member_of_a_chart_from_now_on_gets_no_earlier_key(clinic: Clinic):
    """A later grant with the history gives it; one that has it is not added without."""
    nurse, other, fresh = (clinic.device(Role.NURSE) for _ in range(3))
    chart, document = chart_of(nurse)
    nurse.charts.share(chart, other.id)
    nurse.charts.share(chart, fresh.id, from_now_on=True)
    nurse.charts.share(chart, fresh.id, from_now_on=True)  # it is so already
    hand(nurse, other, fresh)
    other.recorder.mend([chart])
    hand(other, fresh)
    assert not any(opens(fresh, chart))
    name = write(nurse, chart, document)
    hand(nurse, fresh)
    assert opens(fresh, chart, name) == [True]
    nurse.charts.share(chart, fresh.id)
    hand(nurse, fresh)
    assert all(opens(fresh, chart))
    with pytest.raises(RefusedError) as refused:
        nurse.charts.share(chart, fresh.id, from_now_on=True)
    assert refused.value.code == "already_a_member"


def test_a_team_from_now_on_reads_what_comes(clinic: Clinic):
    """And what was before, once it is shared with the history; one that has it is not taken back so."""
    nurse, other, writer = clinic.device(Role.NURSE), clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    team = team_of(nurse, other)
    hand(nurse, writer)
    chart, document = chart_of(writer)
    share(writer, chart, team, from_now_on=True)
    share(writer, chart, team, from_now_on=True)
    hand(writer, nurse, other)
    assert not any(opens(nurse, chart))
    name = write(writer, chart, document)
    hand(writer, nurse)
    assert opens(nurse, chart, name) == [True]
    share(writer, chart, team)
    hand(writer, nurse)
    assert all(opens(nurse, chart))
    with pytest.raises(RefusedError) as refused:
        share(writer, chart, team, from_now_on=True)
    assert refused.value.code == "already_a_member"


def test_a_member_itself_gets_the_history_that_its_team_did_not_give_it(clinic: Clinic):
    """In the team from now on, in the chart with its history: it reads all of the chart."""
    nurse, other, fresh = (clinic.device(Role.NURSE) for _ in range(3))
    team = team_of(nurse, other)
    chart, _ = chart_of(nurse, team)
    add(nurse, team, fresh, from_now_on=True)
    nurse.charts.share(chart, fresh.id)
    hand(nurse, fresh, other)
    assert all(opens(fresh, chart))


def test_a_writer_outside_a_team_wraps_to_its_fresh_epoch_or_to_its_members_one_by_one(clinic: Clinic):
    """It may not mint for the team; nobody is kept from writing by that."""
    nurse, other, writer = clinic.device(Role.NURSE), clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    team = team_of(nurse, other)
    hand(nurse, writer, clinic.admin)
    chart, document = chart_of(writer, team)
    name = write(writer, chart, document)
    (present,) = epoch_ids(writer, team)
    assert recipients(writer, chart, name) == {Hash(present), Hash(writer.name)}
    third = clinic.device(Role.NURSE)
    add_without_keys(nurse, team, third)
    hand(nurse, writer)
    name = write(writer, chart, document)
    assert recipients(writer, chart, name) == {writer.name, nurse.name, other.name, third.name}
    hand(writer, nurse, other, third)
    hand(nurse, third)
    for device in (nurse, other, third):
        assert opens(device, chart, name) == [True]


def add_without_keys(device: Device, team: TeamId, other: Device) -> None:
    """Let a device in as one does who loses power right then: without the keys."""
    batch = device.recorder.begin()
    batch.organisation_control(AddToTeam(team=team, certificate=other.name))
    device.recorder.write(batch)


def test_what_was_wrapped_one_by_one_goes_to_the_team_at_the_next_mending(clinic: Clinic):
    """A member mints the team's epoch at need, and who joins later reads that too."""
    nurse, other, writer = clinic.device(Role.NURSE), clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    team = team_of(nurse)
    hand(nurse, writer)
    add_without_keys(nurse, team, other)
    hand(nurse, writer, other)
    chart, document = chart_of(writer, team)
    name = write(writer, chart, document)
    hand(writer, nurse)
    assert nurse.recorder.mend([chart]) > 0
    assert nurse.recorder.mend([chart]) == 0
    later = clinic.device(Role.NURSE)
    add(nurse, team, later)
    hand(nurse, later, other)
    for device in (later, other):
        assert opens(device, chart, name) == [True]


def test_somebody_who_was_let_in_meanwhile_gets_the_keys_by_syncing(clinic: Clinic):
    """One member lets somebody in while another, who does not know, turns the team's key and writes."""
    nurse, other, later, gone = (clinic.device(Role.NURSE) for _ in range(4))
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    team = team_of(nurse, other, gone)
    chart, document = chart_of(nurse, team)
    settle(relay, nurse, other, gone, later)
    add(nurse, team, later)
    remove(other, team, gone)
    name = write(other, chart, document)
    settle(relay, nurse, other, later)
    assert opens(later, chart, name) == [True]


def test_the_only_holder_of_a_teams_seed_is_asked_for_it_by_nobody_in_vain(clinic: Clinic):
    """Where nobody in the team holds the seed any more, a holder of the chart's key wraps to members themselves."""
    nurse, later, writer = clinic.device(Role.NURSE), clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    team = team_of(nurse)
    hand(nurse, writer)
    chart, document = chart_of(writer, team)
    write(writer, chart, document)
    add_without_keys(nurse, team, later)
    hand(nurse, writer, later, clinic.admin)
    hand(writer, later)
    assert not any(opens(later, chart)), "the only holder has wrapped nothing to it"
    _revoke(clinic, nurse)
    hand(clinic.admin, writer, later)
    writer.recorder.mend([chart])
    hand(writer, later)
    assert all(opens(later, chart))


# ------------------------------------------------------------------------------------------------ bad wraps


def test_a_member_whose_wrap_of_the_seed_is_bad_mints_another_and_asks_for_the_charts_keys(clinic: Clinic):
    """A hostile member may wrap garbage; whoever holds the chart's keys wraps them to the asking device itself."""
    nurse, other, third = (clinic.device(Role.NURSE) for _ in range(3))
    team = team_of(nurse, other)
    chart, document = chart_of(nurse, team)
    old = epoch_ids(nurse, team)
    add_without_keys(nurse, team, third)
    (epoch,) = team_at(nurse, team).epochs.values()
    batch = nurse.recorder.begin()
    batch.organisation_control(RewrapTeam(epoch=epoch.id, wraps=((third.name, bytes(1168)),)))
    nurse.recorder.write(batch)
    hand(nurse, third, other)
    assert not any(opens(third, chart))
    third.recorder.mend([chart])
    third.recorder.mend([chart])
    (asked,) = [one for one in third.keyring.control_entries(chart) if isinstance(one.record, AskKeys)]
    assert asked.author == third.name
    write(third, chart, document)
    assert len(epoch_ids(third, team) - old) == 1
    hand(third, other)
    assert other.recorder.mend([chart]) > 0
    hand(other, third)
    assert all(opens(third, chart))


def test_adding_a_member_again_wraps_the_seeds_again_and_says_nothing_new(clinic: Clinic):
    """Once by each holder: what the first wrapped may be bad. From now on to all is a record."""
    nurse, other, fresh = (clinic.device(Role.NURSE) for _ in range(3))
    team = team_of(nurse, other)

    def count(kind: type) -> int:
        return sum(isinstance(one.record, kind) for one in nurse.keyring.organisation_entries())

    before = count(AddToTeam), count(RewrapTeam)
    add(nurse, team, other)
    assert (count(AddToTeam), count(RewrapTeam)) == before, "this device has wrapped it itself"
    add(other, team, nurse)
    hand(other, nurse)
    assert (count(AddToTeam), count(RewrapTeam)) == (before[0], before[1] + 1)
    add(nurse, team, fresh, from_now_on=True)
    assert team_at(nurse, team).joined[fresh.name][1] is False
    add(nurse, team, fresh)
    assert team_at(nurse, team).joined[fresh.name][1] is True


def test_a_team_key_that_did_not_open_is_tried_again_when_its_wraps_are_others(clinic: Clinic):
    """As many wraps as before need not be the same: one may count no more, and a good one have come."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    (epoch,) = team_at(other, team_of(nurse, other)).epochs.values()
    bad = replace(epoch, wraps={other.name: ((nurse.name, bytes(1168)),)})
    keyring = other.restart().keyring
    assert keyring.open_team(bad) is keyring.open_team(bad) is None
    assert keyring.open_team(epoch) is not None
    assert keyring.open_team(replace(epoch, wraps={})) is not None, "once open it stays so"


# ---------------------------------------------------------------------------------- loss, recovery, emergencies


def test_a_lost_device_opens_nothing_that_is_written_after_its_revocation(clinic: Clinic):
    """The team's key and the chart's turn at the next write; what it had it keeps."""
    nurse, other, lost = (clinic.device(Role.NURSE) for _ in range(3))
    team = team_of(nurse, other, lost)
    chart, document = chart_of(nurse, team)
    old = write(nurse, chart, document)
    seeds = epoch_ids(nurse, team)
    hand(nurse, lost, other, clinic.admin)
    _revoke(clinic, lost)
    hand(clinic.admin, nurse, other)
    assert epoch_ids(nurse, team) == seeds
    new = write(other, chart, document)
    assert new != old
    (seed,) = epoch_ids(other, team) - seeds
    assert recipients(other, chart, new) == {Hash(seed)}
    hand(other, lost, nurse)
    assert opens(lost, chart, old) == [True]
    assert opens(lost, chart, new) == [False]
    assert lost.keyring.open_team(team_at(lost, team).epochs[seed]) is None
    assert opens(nurse, chart, new) == [True]


def test_recovery_gets_new_keys_and_by_mending_older_ones(clinic: Clinic):
    """Those of teams and those of content; the audit stream's never."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    team = team_of(nurse, other)
    chart, document = chart_of(nurse, team)
    recovery = announce_recovery(clinic)
    hand(clinic.admin, nurse)
    nurse.recorder.mend([chart])
    assert all(recovery in one.wraps for one in team_at(nurse, team).epochs.values())
    epochs = seen(nurse, chart).epochs.values()
    assert all((recovery in one.wraps) is (one.record.compartment is not AUDIT) for one in epochs)
    assert recovery in recipients(nurse, chart, write(nurse, chart, document))
    assert nurse.recorder.mend([chart]) == 0


def announce_recovery(clinic: Clinic) -> Hash:
    """Give the organisation a recovery key; the hash of its record."""
    admin = clinic.admin
    keys = root_keys(admin.store, admin.identity)
    created = make_recovery(clinic.root, keys, threshold=3, shares=5, now_ms=clinic.clock(), entropy=admin.entropy)
    announce(admin.recorder, admin.store, created, remove_root=False)
    return Hash(created.record.hash)


def test_the_glass_gets_new_keys_and_by_mending_older_ones(clinic: Clinic):
    """Those of safety and clinical content; a team's seed is in nobody's emergency."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    team = team_of(nurse, other)
    chart, document = chart_of(nurse, team)
    announce_desk(clinic)
    hand(clinic.admin, nurse)
    nurse.recorder.mend([chart])
    assert all(bool(one.glass) is (one.record.compartment is not AUDIT) for one in seen(nurse, chart).epochs.values())
    name = write(nurse, chart, document)
    assert seen(nurse, chart).epochs[name].record.break_glass is not None
    assert nurse.recorder.mend([chart]) == 0


def announce_desk(clinic: Clinic) -> None:
    """Give the organisation a desk and a token."""
    admin, desk = clinic.admin, WrapPrivateKey(b"d" * 32)
    holder = Holder(admin.store, admin.identity, admin.keyring)
    shown = DeskFacts(
        organisation=clinic.root.value.organisation, desk=desk.public, signer=SigningKey(b"s" * 32).public
    )
    token = WrapPrivateKey(b"t" * 32).public
    announce_glass(
        holder, admin.recorder, shown, token=token, addresses=("http://desk:80",), fingerprint=None, now_ms=1
    )


def broken(clinic: Clinic, *, officers: bool = False) -> tuple[Device, Device, ChartId, DocumentId]:
    """A nurse with a chart, and a responder who broke its glass."""
    nurse, responder = clinic.device(Role.NURSE), clinic.device(Role.EMERGENCY_RESPONDER)
    chart, document = chart_of(nurse)
    hand(nurse, responder)
    batch = responder.recorder.begin()
    batch.break_in(chart, BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=bytes(16)))
    responder.recorder.write(batch)
    if officers:
        clinic.device(Role.COMPLIANCE_OFFICER)
    return nurse, responder, chart, document


def test_who_broke_the_glass_hands_nothing_on(clinic: Clinic):
    """It lets nobody in or out and says nothing for the patient; no reader would let that count."""
    nurse, responder, chart, _ = broken(clinic)
    team = team_of(responder)
    acts = [
        lambda batch: batch.add_member(chart, clinic.admin.name, CARE),
        lambda batch: batch.add_team(chart, team, CARE),
        lambda batch: batch.remove_member(chart, responder.name),
        lambda batch: batch.remove_member(chart, nurse.name),
        lambda batch: batch.remove_team(chart, team),
        lambda batch: batch.check_hands_on(chart),
    ]
    for act in acts:
        with pytest.raises(RefusedError) as refused:
            act(responder.recorder.begin())
        assert refused.value.code in {"by_broken_glass", "creator_stays"}


def test_who_broke_the_glass_writes_and_enlists_nobody(clinic: Clinic):
    """A document, facts and keys count; a compliance officer is let in by the next member who writes."""
    nurse, responder, chart, document = broken(clinic, officers=True)
    batch = responder.recorder.begin()
    batch.create_document(chart, DocumentId(bytes(16)))
    responder.recorder.write(batch)
    write(responder, chart, document)
    assert seen(responder, chart).refused == {}
    assert not responder.keyring.officers() & set(seen(responder, chart).members)
    hand(responder, nurse)
    write(nurse, chart, document)
    assert nurse.keyring.officers() <= set(seen(nurse, chart).members)


# -------------------------------------------------------------------------------------------- charts and teams


def test_a_team_that_left_a_chart_opens_nothing_new(clinic: Clinic):
    """What it read stays read."""
    nurse, other, writer = clinic.device(Role.NURSE), clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    team = team_of(nurse, other)
    hand(nurse, writer)
    chart, document = chart_of(writer, team)
    old = write(writer, chart, document)
    batch = writer.recorder.begin()
    batch.remove_team(chart, team)
    writer.recorder.write(batch)
    new = write(writer, chart, document)
    hand(writer, nurse)
    assert (opens(nurse, chart, old), opens(nurse, chart, new)) == ([True], [False])


def test_a_chart_with_too_many_readers_takes_no_team_more(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Refused before anything is written; where only the audit stream is full, the team goes without that."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    officers = [clinic.device(Role.COMPLIANCE_OFFICER) for _ in range(2)]
    team, second = team_of(nurse, other), team_of(nurse)
    few_wraps(monkeypatch, 3)
    chart, _ = chart_of(nurse)
    share(nurse, chart, team)
    assert seen(nurse, chart).teams[team] == {SAFETY, CLINICAL}
    few_wraps(monkeypatch, 2)
    with pytest.raises(RefusedError) as refused:
        share(nurse, chart, second)
    assert refused.value.code == "too_many_members"
    assert second not in seen(nurse, chart).teams
    assert {one.name for one in officers} <= set(seen(nurse, chart).members)


def test_who_is_taken_out_by_whom(clinic: Clinic):
    """The creator by itself, an officer by nobody, others by who reads content; everybody takes out itself."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    officer = clinic.device(Role.COMPLIANCE_OFFICER)
    chart, _ = chart_of(nurse)
    nurse.charts.share(chart, other.id)
    hand(nurse, other, officer)

    def taken_out(device: Device, whom: Device) -> str:
        batch = device.recorder.begin()
        try:
            batch.remove_member(chart, whom.name)
        except RefusedError as error:
            return error.code
        device.recorder.write(batch)
        return "done"

    assert taken_out(other, nurse) == "creator_stays"
    assert taken_out(nurse, officer) == "officer_stays"
    assert taken_out(officer, other) == "not_a_reader"
    assert taken_out(other, other) == "done"
    assert taken_out(other, nurse) == "not_a_member"
    assert taken_out(nurse, nurse) == "done"


def test_a_team_whose_creation_has_not_come_gives_nobody_anything(clinic: Clinic):
    """The chart says that it is shared with it; who belongs, and what it may be given, is not known yet."""
    nurse, writer = clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    team = team_of(nurse)
    hand(nurse, writer)
    chart, document = chart_of(writer, team)
    other = clinic.device(Role.PHYSICIAN)
    writer.charts.share(chart, other.id)
    control = writer.identity.root.value.control
    arrived = [one.entry for one in writer.store.arrivals(after=0, limit=1 << 20)]
    carry(writer, other, [one for one in arrived if one.header.stream != control])
    assert seen(other, chart).teams[team] == frozenset()
    other.recorder.mend([chart])
    assert recipients(other, chart, write(other, chart, document)) == {writer.name, other.name}


def test_a_team_of_which_this_device_is_no_member_is_not_minted_for(clinic: Clinic):
    """None where it has no epoch for today's members; its members mint, and what they mint names what it follows."""
    nurse, other, writer = clinic.device(Role.NURSE), clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    team = team_of(nurse)
    add_without_keys(nurse, team, other)
    hand(nurse, writer)
    assert writer.recorder.begin().team_epoch(team) is None
    batch = nurse.recorder.begin()
    made: TeamEpoch | None = batch.team_epoch(team)
    assert made is not None
    assert isinstance(made.record, MintTeamEpoch)
    assert made.record.parents == tuple(epoch_ids(nurse, team))
    found: Epoch | TeamEpoch | None = team_epoch(batch.organisation, batch.organisation.now, Hash(made.id))
    assert found == made


def test_a_key_of_which_nobody_may_have_all_is_wrapped_one_by_one(clinic: Clinic):
    """Where somebody in each of a team's epochs may not have a chart's old key, those get it who may."""
    gone, other, fresh, later = (clinic.device(Role.NURSE) for _ in range(4))
    team = team_of(gone, other)
    chart, _ = chart_of(other)
    add(gone, team, fresh, from_now_on=True)
    remove(gone, team, gone)
    hand(gone, other, fresh)
    add_without_keys(other, team, later)
    share(other, chart, team)
    hand(other, fresh, later)
    assert all(opens(later, chart))
    assert not any(opens(fresh, chart))


def test_a_seed_that_is_not_that_of_the_public_key_is_none(clinic: Clinic):
    """Whoever minted it could read what others cannot."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    (epoch,) = team_at(other, team_of(nurse, other)).epochs.values()
    another = replace(epoch, record=replace(epoch.record, public=bytes(WrapPrivateKey(b"x" * 32).public)))
    assert other.restart().keyring.open_team(another) is None


def test_a_team_that_is_made_after_the_recovery_key_has_it_among_its_recipients(clinic: Clinic):
    """From the first seed on."""
    nurse = clinic.device(Role.NURSE)
    recovery = announce_recovery(clinic)
    hand(clinic.admin, nurse)
    (epoch,) = team_at(nurse, team_of(nurse)).epochs.values()
    assert epoch.recoveries == {recovery}
