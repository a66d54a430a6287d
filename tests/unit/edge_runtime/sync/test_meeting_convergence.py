"""Devices that only ever meet each other, in any order and cut off anywhere, end with the same chart."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RefusedError
from sync_protocol.control import LEDGER_DOCUMENT, audit_stream, control_stream, ledger_id
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.clinic import Clinic, Device, fact
from tests.unit.edge_runtime.sync.meeting_pair import meet, run, sides
from tests.unit.edge_runtime.sync.test_meeting import names, to_ledger, well

pytestmark = pytest.mark.campaign

SECRET = fact("observation", code="8867-4", system="http://loinc.org", text="Pulse", value="80", unit="/min")
_WHO = st.integers(0, 3)
_STEPS = st.one_of(
    st.tuples(st.just("fact"), _WHO, st.sampled_from(["active", "completed"])),
    st.tuples(st.just("text"), _WHO, st.sampled_from(["Rest.", "Rest well.", "Käse 🍀 nachts."])),
    st.tuples(st.just("secret"), _WHO, st.none()),
    st.tuples(st.just("share"), _WHO, _WHO),
    st.tuples(st.just("ledger"), _WHO, st.none()),
    st.tuples(st.just("meet"), _WHO, _WHO),
    st.tuples(st.just("cut"), _WHO, st.tuples(_WHO, st.integers(1, 12))),
    st.tuples(st.just("restart"), _WHO, st.none()),
)


class _Ward:
    """Four devices and one chart, and no relay."""

    def __init__(self, folder: Path) -> None:
        self.clinic = Clinic(folder)
        roles = (Role.PHYSICIAN, Role.NURSE, Role.EMERGENCY_RESPONDER, Role.PHYSICIAN)
        self.devices = [self.clinic.device(role) for role in roles]
        self.chart, (_, self.encounter) = self.devices[0].charts.create(
            [fact("identity", name="Ana Lima")], workflow=WorkflowType.ENCOUNTER
        )

    def do(self, what: str, who: int, how: Any) -> None:
        """Take one step; what a device does not have yet it refuses."""
        device = self.devices[who]
        match what:
            case "fact":
                device.charts.add_facts(self.chart, self.encounter, [fact("status", to=how)])
            case "text":
                device.charts.edit_text(self.chart, self.encounter, "plan", how)
            case "secret":
                device.charts.add_facts(self.chart, self.encounter, [SECRET], compartment=Compartment.SENSITIVE)
            case "share":
                device.charts.share(self.chart, self.devices[how].id)
            case "ledger":
                to_ledger(device)
            case "meet" if who != how:
                well(*meet(device, self.devices[how]))
            case "cut" if who != how[0]:
                both = sides(device, self.devices[how[0]])
                both[how[1] % 2].met.link.cut_after = how[1]
                run(*both)
            case "restart":
                device.restart()

    def settle(self) -> None:
        """Let everybody meet until nothing moves."""
        for _ in range(6):
            moved = 0
            for one, device in enumerate(self.devices):
                for other in self.devices[one + 1 :]:
                    both = meet(device, other)
                    well(*both)
                    moved += sum(met.told.received for met in both)
            if not moved:
                return
        raise AssertionError("the devices do not come to rest")


def _chart_entries(ward: _Ward, device: Device) -> set[Any]:
    """What a device holds, without the ledgers: those do not spread."""
    return names(device) - {
        arrived.entry.hash
        for one in ward.devices
        for stream in (control_stream(ledger_id(one.name)), audit_stream(ledger_id(one.name), LEDGER_DOCUMENT))
        for arrived in device.store.arrivals(after=0, limit=1 << 20, streams=(stream,))
    }


@settings(max_examples=20)
@given(st.lists(_STEPS, max_size=25))
def test_members_end_with_the_same_chart_without_a_relay(steps: list[tuple[str, int, Any]]):
    """All members hold every entry of the chart, show the same, and nothing that anybody wrote is lost."""
    with tempfile.TemporaryDirectory() as folder:
        ward = _Ward(Path(folder))
        try:
            for what, who, how in steps:
                with suppress(RefusedError):
                    ward.do(what, who, how)
            for who in (1, 2, 3):
                ward.devices[0].charts.share(ward.chart, ward.devices[who].id)
            ward.settle()
            shown = [device.shown(ward.chart) for device in ward.devices]
            assert shown[0] == shown[3]
            assert [one["documents"][1]["status"] for one in shown] == [shown[0]["documents"][1]["status"]] * 4
            held = [_chart_entries(ward, device) for device in ward.devices]
            assert len({frozenset(one) for one in held}) == 1
            assert not any(device.store.check() for device in ward.devices)
            on_record = names(ward.clinic.admin)  # came with the devices, as from a relay
            assert all(device.pending() == len(names(device) - on_record) for device in ward.devices)
        finally:
            ward.clinic.close()
