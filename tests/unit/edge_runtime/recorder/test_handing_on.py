"""Keys that a cut leaves with those who read no more: they give them to whom the cut made readers again."""

from __future__ import annotations

from edge_runtime.audit.refusals import refusals
from sync_protocol.control import Rewrap, unpack_control
from sync_protocol.ids import ChartId, DocumentId, EntryHash
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic, Device, settle
from tests.unit.edge_runtime.recorder.test_teams import chart_of, hand, opens, seen, share, team_of, write
from tests.unit.edge_runtime.test_verdicts import _revoke


def stolen(clinic: Clinic, *, member: bool, known: bool = True) -> tuple[list[Device], ChartId, DocumentId, EntryHash]:
    """A nurse's chart out of which she takes somebody, after all that the administrator has heard of her.

    Args:
        clinic: where.
        member: whether the colleague who goes on writing was a member before; otherwise it comes by a team, which she
            lets in after that, too.
        known: whether the administrator has heard of that team.

    Returns:
        The nurse, the colleague and the one who was taken out; the chart and its document; and the epoch under which
        the colleague wrote then.
    """
    nurse, doctor, other = (clinic.device(Role.NURSE) for _ in range(3))
    teams = [team_of(nurse, doctor)] if known else []
    chart, document = chart_of(nurse)
    for reader in [other, doctor] if member else [other]:
        nurse.charts.share(chart, reader.id)
    hand(nurse, doctor, other, clinic.admin)
    if not member:
        share(nurse, chart, *(teams or [team_of(nurse, doctor)]))
    batch = nurse.recorder.begin()
    batch.remove_member(chart, other.name)
    nurse.recorder.write(batch)
    hand(nurse, doctor)
    epoch = write(doctor, chart, document)
    hand(doctor, other)
    return [nurse, doctor, other], chart, document, epoch


def rewraps(device: Device) -> set[EntryHash]:
    """The records by which keys were wrapped again, as far as a device has them."""
    found = (arrived.entry for arrived in device.store.arrivals(after=0, limit=1 << 20))
    return {one.hash for one in found if one.header.epoch is None and isinstance(unpack_control(one.body), Rewrap)}


def test_a_holder_whom_a_cut_left_out_gives_its_keys_to_those_who_read(clinic: Clinic):
    """Its entries stand for review, and nobody else has their key. Once; it is no offence."""
    (nurse, doctor, other), chart, _, epoch = stolen(clinic, member=False)
    before = rewraps(doctor)
    _revoke(clinic, nurse)
    hand(clinic.admin, doctor, other)
    assert (doctor.name in seen(doctor, chart).members, other.name in seen(other, chart).members) == (False, True)
    assert opens(other, chart, epoch) == [False]
    assert doctor.recorder.mend([chart]) > 0
    assert doctor.recorder.mend([chart]) == 0
    hand(doctor, other)
    assert opens(other, chart, epoch) == [True]
    given = rewraps(doctor) - before
    assert given
    assert refusals(other.keyring).keys() & given == set()


def test_what_was_wrapped_to_a_team_of_which_a_cut_left_nothing_opens_still(clinic: Clinic):
    """Its members have the seed, and what they wrote under it would be lost to all: they hand on the chart's keys."""
    (nurse, doctor, other), chart, _, epoch = stolen(clinic, member=False, known=False)
    _revoke(clinic, nurse)
    hand(clinic.admin, doctor, other)
    assert doctor.keyring.organisation().now.teams == {}
    assert opens(doctor, chart, epoch) == [True]
    doctor.recorder.mend([chart])
    hand(doctor, other)
    assert opens(other, chart, epoch) == [True]


def test_a_holder_whom_a_cut_left_out_gives_nothing_to_others_that_read_no_more(clinic: Clinic):
    """Nor to the revoked one, nor to whom it knows to have been taken out by somebody who counts."""
    (nurse, doctor, other), chart, _, epoch = stolen(clinic, member=False)
    _revoke(clinic, nurse)
    hand(clinic.admin, doctor, other)
    batch = other.recorder.begin()
    batch.remove_member(chart, other.name)
    other.recorder.write(batch)
    hand(other, doctor)
    before = {name for name, _ in seen(doctor, chart).epochs[epoch].wraps.items()}
    doctor.recorder.mend([chart])
    assert seen(doctor, chart).epochs[epoch].wraps.keys() == before
    nurse.recorder.mend([chart])
    hand(clinic.admin, nurse)
    assert nurse.recorder.mend([chart]) == 0


def test_who_left_gives_what_only_it_has_to_whom_it_knows_to_read(clinic: Clinic):
    """It wrote without knowing of a new member, and heard of its own removal at the same time."""
    nurse, doctor, other = (clinic.device(Role.NURSE) for _ in range(3))
    chart, document = chart_of(nurse)
    nurse.charts.share(chart, doctor.id)
    hand(nurse, doctor)
    epoch = write(doctor, chart, document)
    nurse.charts.share(chart, other.id)
    batch = nurse.recorder.begin()
    batch.remove_member(chart, doctor.name)
    nurse.recorder.write(batch)
    hand(nurse, doctor, other)
    doctor.recorder.mend([chart])
    assert chart not in {one for one in doctor.keyring.charts() if doctor.name in seen(doctor, one).members}
    hand(doctor, other)
    assert opens(other, chart, epoch) == [True]


def test_a_revocation_has_the_keys_looked_after(clinic: Clinic):
    """Whom a thief took out reads again by a cut: what was written meanwhile comes by syncing, from whoever has it."""
    for member in (True, False):
        (nurse, doctor, other), chart, _, epoch = stolen(clinic, member=member)
        relay = clinic.start_relay()
        settle(relay, nurse, doctor, other)
        _revoke(clinic, nurse)
        clinic.admin.sync(relay)
        settle(relay, doctor, other)
        assert (doctor.name in seen(other, chart).members) is member
        assert opens(other, chart, epoch) == [True]
