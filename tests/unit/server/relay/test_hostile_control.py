"""Hostile control records at the relay: refused or taken, they neither stop the writer nor make a restart differ."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_protocol.chart_records import AddTeam
from sync_protocol.control import AddMember, Certify, CreateChart, SetRole, chart_id, control_stream
from sync_protocol.ids import DocumentId
from sync_protocol.roles import Compartment, Role
from sync_protocol.team_records import AddToTeam, CreateTeam, team_id
from tests.support.hostile_records import NONCES, UNKNOWN, Pool, records
from tests.support.people import Device, DeviceSession, Organisation
from tests.support.relay_room import Bench, open_bench

pytestmark = pytest.mark.campaign

RECORDS_MAX: Final = 12
CARE: Final = (Compartment.SAFETY, Compartment.CLINICAL)
DOCUMENT: Final = DocumentId(b"d" * 16)
SIGNED: Final = ("AnnounceRelay", "AnnounceBreakGlass", "AnnounceRecovery", "Revoke", "Certify")
"""Kinds whose contents are verified before the writer sees them."""


def fed(bench: Bench, people: list[Device]) -> list[Any]:
    """What everybody is fed, and since when."""
    return [dict(bench.directory.readable(one.name)) for one in people]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_records_by_anybody_leave_a_relay_that_works_and_restarts(data: st.DataObject):
    """In any order, in the organisation's stream and the chart's; who reads what is the same after a restart."""
    organisation = Organisation.make(53)
    roles = (Role.PHYSICIAN, Role.NURSE, Role.COMPLIANCE_OFFICER, Role.DATA_SCIENTIST)
    people = [organisation.admin, *(organisation.device(role) for role in roles)]
    doctor, nurse = people[1], people[2]
    chart, team = chart_id(doctor.name, NONCES[0]), team_id(doctor.name, NONCES[1])
    control, of_chart = organisation.root.value.control, control_stream(chart)
    with tempfile.TemporaryDirectory() as folder:
        with open_bench(Path(folder), organisation) as bench:
            sessions = [one.session() for one in people]
            begin = [Certify(certificate=one.certificate.wire) for one in people[1:]]
            commit(bench, sessions[0], control, *begin)
            commit(bench, sessions[1], control, CreateTeam(nonce=NONCES[1], compartments=CARE))
            commit(bench, sessions[1], control, AddToTeam(team=team, certificate=nurse.name))
            commit(bench, sessions[1], of_chart, CreateChart(nonce=NONCES[0], document=DOCUMENT))
            commit(bench, sessions[1], of_chart, AddTeam(team=team, compartments=CARE))
            names = [item.entry.hash for item in bench.store.arrivals(after=0, limit=100)]
            for _ in range(data.draw(st.integers(1, RECORDS_MAX))):
                pool = Pool(
                    principals=(*(one.name for one in people), UNKNOWN),
                    teams=(team, team_id(nurse.name, NONCES[0])),
                    entries=names,
                    documents=(DOCUMENT, DocumentId(b"e" * 16)),
                )
                record = data.draw(records(pool).filter(lambda found: type(found).__name__ not in SIGNED))
                session = data.draw(st.sampled_from(sessions))
                twin = session.branch()
                _, entries = twin.write_control(data.draw(st.sampled_from((control, of_chart))), [record])
                if not bench.commit(twin, entries=entries).refused:
                    sessions[sessions.index(session)] = twin
                    names += [entry.hash for entry in entries]
            commit(bench, sessions[0], control, SetRole(certificate=nurse.name, role=Role.PHYSICIAN))
            commit(bench, sessions[1], of_chart, AddMember(certificate=people[3].name, compartments=CARE))
            before = fed(bench, people)
        with open_bench(Path(folder), organisation) as bench:
            assert fed(bench, people) == before


def commit(bench: Bench, session: DeviceSession, stream: Any, *said: Any) -> None:
    """Store honest records, which are taken whatever went before."""
    _, entries = session.write_control(stream, said)
    assert not bench.commit(session, entries=entries).refused
