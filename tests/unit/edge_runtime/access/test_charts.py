"""Who is let into a chart, for what, until when: sharing with teams, consents, holds, purge; and who is in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edge_runtime.access.charts import Access
from edge_runtime.access.people import Way, people_of
from edge_runtime.access.retention import note_heard
from edge_runtime.errors import RefusedError
from edge_runtime.recorder.naming import one_named
from sync_protocol.chart_records import PurgeReason, Purpose
from sync_protocol.control import SetRole
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason
from sync_protocol.ids import ChartId, DocumentId, TeamId
from sync_protocol.limits import PURGE_WAIT_MS
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.clinic import Clinic, Device
from tests.unit.edge_runtime.recorder.test_teams import broken, chart_of, hand, opens, seen, team_of, write

DATE_MS = 2_000_000_000_000
ENDED = PurgeReason.RETENTION_ENDED


def access(device: Device) -> Access:
    """The acts of a device on charts."""
    return Access(device.identity, device.keyring, device.recorder, device.clinic.clock, device.store)


def refused(act: Callable[[], object]) -> str:
    """The reason for which something is refused."""
    with pytest.raises(RefusedError) as found:
        act()
    return found.value.code


@pytest.fixture(name="ward")
def fixture_ward(clinic: Clinic) -> tuple[Device, Device, Device, ChartId, DocumentId]:
    """A nurse with a chart, a nurse who is a member, a compliance officer; each knows all."""
    nurse, other, officer = (clinic.device(role) for role in (Role.NURSE, Role.NURSE, Role.COMPLIANCE_OFFICER))
    chart, document = chart_of(nurse)
    nurse.charts.share(chart, other.id)
    hand(nurse, other, officer)
    return nurse, other, officer, chart, document


Ward = tuple[Device, Device, Device, ChartId, DocumentId]


# ---------------------------------------------------------------------------------------------------------- sharing


def test_a_team_comes_in_and_goes(clinic: Clinic, ward: Ward):
    """Its members read what is there, and nothing that is written once it is out."""
    nurse, other, officer, chart, document = ward
    third, fourth = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    team = team_of(third, fourth)
    hand(third, nurse, officer)
    access(nurse).share_with_team(chart, team)
    hand(nurse, third, fourth, officer)
    assert all(opens(third, chart) + opens(fourth, chart))
    assert refused(lambda: access(officer).share_with_team(chart, team)) == "not_a_reader"
    access(nurse).unshare_team(chart, team)
    assert refused(lambda: access(nurse).unshare_team(chart, team)) == "not_shared"
    name = write(nurse, chart, document)
    hand(nurse, third)
    assert opens(third, chart, name) == [False]
    assert refused(lambda: access(third).share_with_team(chart, team)) == "not_a_member"
    assert refused(lambda: access(nurse).share_with_team(chart, TeamId(bytes(16)))) == "no_such_team"
    assert refused(lambda: access(other).share_with_team(ChartId(bytes(16)), team)) == "no_such_chart"


def test_a_member_is_taken_out_by_its_own_name(clinic: Clinic, ward: Ward):
    """One that is in it by a team alone is not: the team, or its membership of that, is what to end."""
    nurse, other, _, chart, _ = ward
    third = clinic.device(Role.NURSE)
    team = team_of(nurse, third, other)
    access(nurse).share_with_team(chart, team)
    assert refused(lambda: access(nurse).unshare(chart, third.id)) == "not_added_itself"
    assert refused(lambda: access(nurse).unshare(chart, "ffffffff")) == "no_such_device"
    assert access(nurse).unshare(chart, other.id) == other.name
    assert other.name not in seen(nurse, chart).direct
    assert other.name in seen(nurse, chart).members
    assert refused(lambda: access(nurse).unshare(ChartId(bytes(16)), other.id)) == "no_such_chart"


def test_everybody_in_a_chart_is_told_by_which_way(clinic: Clinic):
    """Maker, officers, those who were added, teams, a broken glass, several at once; whoever is in it alone first."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    officer, responder = clinic.device(Role.COMPLIANCE_OFFICER), clinic.device(Role.EMERGENCY_RESPONDER)
    chart, document = chart_of(nurse)
    nurse.charts.share(chart, other.id)
    mates = [clinic.device(Role.NURSE) for _ in range(2)]
    team = team_of(nurse, *mates)
    access(nurse).share_with_team(chart, team)
    hand(nurse, responder)
    batch = responder.recorder.begin()
    batch.break_in(chart, BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=bytes(16)))
    responder.recorder.write(batch)
    hand(responder, nurse)
    found = people_of(seen(nurse, chart), nurse.keyring.organisation())
    assert [(one.name, one.ways) for one in found] == [
        (nurse.name, (Way.CREATOR, Way.TEAM)),
        (officer.name, (Way.OFFICER,)),
        (other.name, (Way.ADDED,)),
        *((name, (Way.TEAM,)) for name in sorted(mate.name for mate in mates)),
        (responder.name, (Way.GLASS,)),
    ]
    assert [one.teams for one in found] == [(team,), (), (), (team,), (team,), ()]
    assert found[0].reads == seen(nurse, chart).members[nurse.name]
    assert found[1].reads == {Compartment.AUDIT}
    assert found[2].roles == (Role.PHYSICIAN,)
    assert one_named(str(document), seen(nurse, chart).documents, "document", "") == document


# --------------------------------------------------------------------------------------------------------- consents


def test_what_the_patient_permits_is_said_by_readers(clinic: Clinic, ward: Ward):
    """Not by a compliance officer, who reads nothing of it, nor by who broke the glass, nor by a stranger."""
    nurse, other, officer, chart, _ = ward
    access(other).consent(chart, Purpose.RESEARCH, permitted=True)
    assert seen(other, chart).consents == {Purpose.RESEARCH: True}
    access(other).consent(chart, Purpose.RESEARCH, permitted=False)
    assert seen(other, chart).consents == {Purpose.RESEARCH: False}
    assert refused(lambda: access(officer).consent(chart, Purpose.RESEARCH, permitted=True)) == "not_a_reader"
    stranger = clinic.device(Role.NURSE)
    hand(nurse, stranger)
    assert refused(lambda: access(stranger).consent(chart, Purpose.RESEARCH, permitted=True)) == "not_a_member"
    _, responder, emergency, _ = broken(clinic)
    assert refused(lambda: access(responder).consent(emergency, Purpose.RESEARCH, permitted=True)) == "by_broken_glass"


def test_a_denial_wins_over_a_permission_that_did_not_see_it(ward: Ward):
    """And a permission that saw it ends it."""
    nurse, other, _, chart, _ = ward
    access(nurse).consent(chart, Purpose.TREATMENT, permitted=False)
    access(other).consent(chart, Purpose.TREATMENT, permitted=True)
    hand(nurse, other)
    hand(other, nurse)
    for device in (nurse, other):
        assert seen(device, chart).consents[Purpose.TREATMENT] is False
        assert device.charts.open(chart).lacks is Purpose.TREATMENT
    access(other).consent(chart, Purpose.TREATMENT, permitted=True)
    hand(other, nurse)
    assert nurse.charts.open(chart).lacks is None


# -------------------------------------------------------------------------------------------------------- retention


def test_a_hold_is_the_officers(clinic: Clinic, ward: Ward):
    """It stays on while any of several is on that nobody ended who saw it; and its chart is not confirmed away."""
    nurse, _, officer, chart, _ = ward
    assert refused(lambda: access(nurse).hold(chart, held=True)) == "not_an_officer"
    access(officer).hold(chart, held=True)
    assert access(officer).retention(chart).held
    assert refused(lambda: access(officer).confirm_purge(chart)) == "legal_hold"
    second = clinic.device(Role.COMPLIANCE_OFFICER)
    hand(nurse, second)
    assert refused(lambda: access(second).hold(chart, held=True)) == "not_a_member"
    access(officer).hold(chart, held=False)
    assert not access(officer).retention(chart).held


def test_two_users_destroy_a_chart_from_its_date_on(clinic: Clinic, ward: Ward):
    """A member proposes, an officer confirms the earliest; it is due after date and wait, and while no hold is on."""
    nurse, _, officer, chart, _ = ward
    assert refused(lambda: access(officer).propose_purge(chart, ENDED, not_before_ms=1)) == "not_a_reader"
    assert refused(lambda: access(nurse).confirm_purge(chart)) == "not_an_officer"
    assert refused(lambda: access(officer).confirm_purge(chart)) == "nothing_proposed"
    late = access(nurse).propose_purge(chart, ENDED, not_before_ms=DATE_MS + 1)
    early = access(nurse).propose_purge(chart, ENDED, not_before_ms=DATE_MS)
    hand(nurse, officer)
    assert set(access(officer).retention(chart).proposals) == {(early, DATE_MS), (late, DATE_MS + 1)}
    assert access(officer).confirm_purge(chart) == (early, DATE_MS)
    found = access(officer).retention(chart)
    assert (found.confirmed, found.proposals, found.due) == ((early, DATE_MS), ((late, DATE_MS + 1),), False)
    assert found.from_ms == DATE_MS
    clinic.clock.now_ms = DATE_MS
    assert access(officer).retention(chart).from_ms == DATE_MS + PURGE_WAIT_MS + 1, "as if heard of now"
    with officer.store.writing() as writer:
        entries = officer.keyring.control_entries(chart)
        note_heard(writer, seen(officer, chart), entries, (), now_ms=DATE_MS - PURGE_WAIT_MS)
    assert access(officer).retention(chart).due
    access(officer).hold(chart, held=True)
    assert not access(officer).retention(chart).due


def test_a_user_never_confirms_what_it_proposed(clinic: Clinic, ward: Ward):
    """Nor under another role that it was given since: no reader would let that count, so nothing is written."""
    nurse, other, officer, chart, _ = ward
    access(other).propose_purge(chart, ENDED, not_before_ms=DATE_MS)
    batch = clinic.admin.recorder.begin()
    batch.organisation_control(SetRole(certificate=other.name, role=Role.COMPLIANCE_OFFICER))
    clinic.admin.recorder.write(batch)
    hand(clinic.admin, other)
    size = other.store.size()
    assert refused(lambda: access(other).confirm_purge(chart)) == "own_proposal"
    assert other.store.size() == size
    hand(clinic.admin, officer, nurse)
    hand(other, officer)
    assert access(officer).confirm_purge(chart)[1] == DATE_MS
    assert refused(lambda: access(nurse).retention(ChartId(bytes(16)))) == "no_such_chart"
