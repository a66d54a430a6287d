"""A read on one device, through a real relay: members of the chart and officers learn of it, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge_runtime.audit.showing import open_to_show
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.facts import Fact
from edge_runtime.runtime import Runtime, open_home
from edge_runtime.store.uploads import UploadState
from sync_protocol.audit import AuditRecord, Purpose
from sync_protocol.control import content_stream, ledger_id
from sync_protocol.ids import ChartId
from sync_protocol.roles import CONTENT, Role
from tests.e2e.conftest import LIFE_MS
from tests.support.audit_records import opened
from tests.support.people import Device, Organisation
from tests.support.relay_server import RelayProcess
from tests.unit.mobile_bridge.homes import CHEAP, PASSPHRASE, make_home

STAFF = {
    "nurse": Role.NURSE,
    "colleague": Role.NURSE,
    "stranger": Role.PHYSICIAN,
    "officer": Role.COMPLIANCE_OFFICER,
    "analyst": Role.DATA_SCIENTIST,
    "admin": Role.ADMIN,
}


class Ward:
    """Homes of devices that know each other, all open."""

    def __init__(self, folder: Path, organisation: Organisation, relay: RelayProcess, stack: ExitStack) -> None:
        self.url = relay.url
        self.devices: dict[str, Device] = {
            name: organisation.device(role, life_ms=LIFE_MS, by_root=True) for name, role in STAFF.items()
        }
        for name, device in self.devices.items():
            make_home(folder / name, device, relay=relay.url)
        self.open: dict[str, Runtime] = {
            name: stack.enter_context(open_home(folder / name, PASSPHRASE, cost=CHEAP)) for name in STAFF
        }

    def sync(self, *names: str) -> None:
        """Each once, in this order; nothing stays behind."""
        for name in names:
            self.open[name].connections.sync_once(self.url)
            assert self.open[name].store.upload_counts()[UploadState.PENDING] == 0, name

    def read(self, name: str, chart: ChartId) -> list[str]:
        """The kinds of the records that a device can read in an audit stream."""
        runtime = self.open[name]
        found = opened(runtime.store, runtime.keyring, chart)
        return [record.kind.name for _, record in found if isinstance(record, AuditRecord)]


@pytest.fixture
def ward(tmp_path: Path, organisation: Organisation, relay: RelayProcess) -> Iterator[Ward]:
    """Devices of every kind."""
    with ExitStack() as stack:
        yield Ward(tmp_path, organisation, relay, stack)


def test_a_read_is_known_to_members_and_officers_and_to_nobody_else(ward: Ward) -> None:
    """After a sync; the officer holds the content's entries, too, and can open none."""
    nurse = ward.open["nurse"]
    chart, (_, encounter) = nurse.charts.create(
        [Fact(kind="allergy", payload={"text": "Latex", "severity": "mild"}, supersedes=())],
        workflow=WorkflowType.ENCOUNTER,
    )
    nurse.charts.edit_text(chart, encounter, "plan", "Rest.")
    nurse.charts.share(chart, str(ward.devices["colleague"].certificate.value.device))
    open_to_show(nurse.charts, nurse.auditor, chart, purpose=Purpose.TREATMENT)
    nurse.auditor.listed([chart])
    ward.sync("nurse", "colleague", "stranger", "officer", "analyst", "admin")
    assert {name: ward.read(name, chart) for name in STAFF} == {
        "nurse": ["data_accessed"],
        "colleague": ["data_accessed"],
        "stranger": [],
        "officer": ["data_accessed"],
        "analyst": [],
        "admin": [],
    }
    ledger = ledger_id(nurse.identity.name)
    assert {name for name in STAFF if "charts_listed" in ward.read(name, ledger)} == {"nurse", "officer"}

    officer = ward.open["officer"]
    streams = [content_stream(chart, encounter, compartment) for compartment in CONTENT]
    assert officer.store.arrivals(after=0, limit=10, streams=streams), "the headers of what was written are there"
    assert officer.charts.open(chart).sealed
    stranger = ward.open["stranger"]
    assert not stranger.store.arrivals(after=0, limit=10, streams=streams)


def test_syncing_comes_to_rest(ward: Ward) -> None:
    """That the relay was met is recorded, and no record is the reason for the next one."""
    nurse = ward.open["nurse"]
    chart, _ = nurse.charts.create((), workflow=None)
    nurse.charts.share(chart, str(ward.devices["colleague"].certificate.value.device))
    names = ("nurse", "colleague", "officer")
    for _ in range(4):
        ward.sync(*names)
    before = [ward.open[name].store.size() for name in names]
    for _ in range(2):
        ward.sync(*names)
    assert [ward.open[name].store.size() for name in names] == before
    assert "met_relay" in ward.read("nurse", ledger_id(nurse.identity.name))
