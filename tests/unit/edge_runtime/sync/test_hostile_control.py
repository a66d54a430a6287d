"""Hostile control records at a device's door: it takes what may stand, and goes on working whatever they say."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.audit.selection import Selection
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RefusedError
from edge_runtime.identity import new_session
from sync_protocol.control import Control, control_stream, pack_control
from sync_protocol.ids import ChartId, DocumentId, EntryHash
from sync_protocol.limits import CONTROL_HEADS_MAX, HASH_BYTES, ID_BYTES
from sync_protocol.roles import Compartment, Role
from sync_protocol.team_records import CreateTeam, team_id
from tests.support.hostile_records import NONCES, UNKNOWN, Pool, records
from tests.unit.edge_runtime.audit.acts import timeline
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact

pytestmark = pytest.mark.campaign

RECORDS_MAX: Final = 10
LOW: Final = 8
"""The first byte of a hash below which it comes before most others: one in 32 does."""
CARE: Final = frozenset({Compartment.SAFETY, Compartment.CLINICAL})


def say(device: Device, record: Control, chart: ChartId | None) -> EntryHash:
    """Sign and store a record that no honest device would write, in the organisation's stream or a chart's."""
    batch = device.recorder.begin()
    stream = device.identity.root.value.control if chart is None else control_stream(chart)
    known = None if chart is None else device.keyring.membership(chart)
    name = batch._drafts.add(stream, pack_control(record), chart_heads=() if known is None else known.heads)
    device.recorder.write(batch)
    return name


def work(device: Device, chart: ChartId, document: DocumentId) -> None:
    """What a device does in a day; that it is refused for what the records really took from it is no failure."""
    device.recorder.mend([chart])
    list(timeline(device).events(Selection()))
    device.shown(chart)
    with suppress(RefusedError):
        device.charts.add_facts(chart, document, [fact("allergy", text="Latex")])
    device.recorder.mend([chart])
    assert device.recorder.mend([chart]) == 0, "what is mended is mended"


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), role=st.sampled_from((Role.PHYSICIAN, Role.NURSE, Role.ADMIN, Role.COMPLIANCE_OFFICER)))
def test_a_device_that_took_hostile_records_in_works_on(data: st.DataObject, role: Role):
    """By a member, a removed member, an administrator, an officer: nothing of it stops reading, writing, syncing."""
    with tempfile.TemporaryDirectory() as folder:
        clinic = Clinic(Path(folder))
        try:
            _tried(clinic, data, role)
        finally:
            clinic.close()


def flood(hostile: Device) -> None:
    """As many heads of the organisation's stream as an author names, each of a session of its own, with low hashes."""
    stream, identity = hostile.identity.root.value.control, hostile.identity
    for _ in range(CONTROL_HEADS_MAX):
        identity.session = new_session(
            identity.keys, identity.chain[-1], now_ms=hostile.clinic.clock(), entropy=hostile.entropy
        )
        name = EntryHash(b"\xff" * HASH_BYTES)
        while name[0] >= LOW:
            batch = hostile.recorder.begin()
            batch._drafts.organisation_heads = ()
            batch._drafts.place(stream).frontier.clear()
            record = CreateTeam(nonce=hostile.entropy(ID_BYTES), compartments=(Compartment.SAFETY,))
            name = batch._drafts.add(stream, pack_control(record))
        hostile.recorder.write(batch)


def test_a_flood_of_heads_takes_nobody_out_of_its_team(clinic: Clinic):
    """Who names as many heads as it may still names those by which it belongs: what it writes counts."""
    doctor, nurse, hostile = (clinic.device(role) for role in (Role.PHYSICIAN, Role.NURSE, Role.NURSE))
    chart, documents = doctor.charts.create((), workflow=WorkflowType.ENCOUNTER)
    batch = doctor.recorder.begin()
    team = batch.create_team(CARE)
    batch.add_to_team(team, nurse.name)
    batch.add_team(chart, team, CARE)
    doctor.recorder.write(batch)
    flood(hostile)
    carry(doctor, nurse)
    carry(hostile, nurse)
    nurse.recorder.mend([chart])
    said = nurse.charts.add_facts(chart, documents[1], [fact("allergy", text="Latex")])[-1].header
    assert nurse.recorder.mend([chart]) == 0
    assert len(said.organisation_heads) == CONTROL_HEADS_MAX
    carry(nurse, doctor)
    seen = said.chart_heads, said.organisation_heads
    assert Compartment.SAFETY in doctor.keyring.history(chart).reads(nurse.identity.principal, *seen)


def _tried(clinic: Clinic, data: st.DataObject, role: Role) -> None:
    doctor, nurse, hostile = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE), clinic.device(role)
    chart, documents = doctor.charts.create((), workflow=WorkflowType.ENCOUNTER)
    batch = doctor.recorder.begin()
    team = batch.create_team(CARE)
    batch.add_to_team(team, nurse.name)
    batch.add_team(chart, team, CARE)
    if role in {Role.PHYSICIAN, Role.NURSE}:
        batch.add_member(chart, hostile.name, CARE)
        batch.add_to_team(team, hostile.name)
    doctor.recorder.write(batch)
    document = documents[1]
    doctor.charts.add_facts(chart, document, [fact("allergy", text="Penicillin")])
    carry(doctor, nurse)
    carry(doctor, hostile)
    entries = [arrived.entry.hash for arrived in doctor.store.arrivals(after=0, limit=100)]
    teams = [team, *(team_id(one.name, NONCES[0]) for one in (doctor, hostile))]
    for _ in range(data.draw(st.integers(1, RECORDS_MAX))):
        pool = Pool(
            principals=(*(one.name for one in (doctor, nurse, hostile, clinic.admin)), UNKNOWN),
            teams=teams,
            entries=entries,
            documents=documents,
        )
        entries.append(say(hostile, data.draw(records(pool)), data.draw(st.sampled_from((chart, chart, None)))))
    for device in (doctor, nurse):
        carry(hostile, device)
        work(device, chart, document)
    carry(doctor, nurse)
    carry(nurse, doctor)
    for device in (doctor, nurse):
        work(device.restart(), chart, document)
