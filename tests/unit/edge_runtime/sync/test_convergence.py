"""Devices that write, share and sync in any order end with the same chart, and nothing is lost on the way."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import RefusedError, RemoteError
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic, Device, fact, settle

pytestmark = pytest.mark.campaign

_WHO = st.integers(0, 2)
_FACTS = st.sampled_from(
    [
        ("status", {"to": "active"}),
        ("status", {"to": "completed"}),
        ("allergy", {"text": "Penicillin", "severity": "severe"}),
        ("allergy", {"text": "Penicillin", "verification": "refuted"}),
        ("medication", {"text": "Metoprolol", "dose": "50", "unit": "mg", "action": "start"}),
        (
            "observation",
            {"code": "8867-4", "system": "http://loinc.org", "text": "Pulse", "value": "80", "unit": "/min"},
        ),
    ]
)
_WORDS = st.sampled_from(["", "Rest.", "Rest well.", "Drink 500 ml.", "Rest. Walk. Sleep.", "Käse 🍀 nachts."])
_STEPS = st.one_of(
    st.tuples(st.just("fact"), _WHO, _FACTS),
    st.tuples(st.just("text"), _WHO, st.tuples(st.sampled_from(["plan", "history"]), _WORDS)),
    st.tuples(st.just("share"), _WHO, _WHO),
    st.tuples(st.just("document"), _WHO, st.none()),
    st.tuples(st.just("sync"), _WHO, st.none()),
    st.tuples(st.just("cut"), _WHO, st.integers(1, 12)),
    st.tuples(st.just("restart"), _WHO, st.none()),
)


class _Ward:
    """Three devices, one chart, one relay."""

    def __init__(self, folder: Path) -> None:
        self.clinic = Clinic(folder)
        roles = (Role.PHYSICIAN, Role.NURSE, Role.EMERGENCY_RESPONDER)
        self.devices = [self.clinic.device(role) for role in roles]
        self.relay = self.clinic.start_relay(page=3)
        self.clinic.admin.sync(self.relay)
        self.chart, (self.document, self.encounter) = self.devices[0].charts.create(
            [fact("identity", name="Ana Lima")], workflow=WorkflowType.ENCOUNTER
        )
        self.texts: list[str] = []

    def do(self, what: str, device: Device, how: Any) -> None:
        """Take one step; what a device does not have yet it refuses."""
        match what:
            case "fact":
                device.charts.add_facts(self.chart, self.encounter, [fact(how[0], **how[1])])
            case "text":
                section, words = how
                device.charts.edit_text(self.chart, self.encounter, section, words)
                assert device.text(self.chart, self.encounter, section) == words, "an author sees what was written"
            case "share":
                device.charts.share(self.chart, self.devices[how].id)
            case "document":
                batch = device.recorder.begin()
                device.charts.add_document(batch, self.chart, WorkflowType.CARE_PLAN)
                device.recorder.write(batch)
            case "sync":
                device.sync(self.relay)
            case "cut":
                link = self.relay.link()
                link.cut_after = how
                with suppress(RemoteError):
                    device.sync(self.relay, link)
            case "restart":
                device.restart()


@settings(max_examples=25)
@given(st.lists(_STEPS, max_size=30))
def test_members_end_with_the_same_chart_whatever_happened(steps: list[tuple[str, int, Any]]):
    """After everybody synced, all members show the same, all of it readable; nothing waits and nothing was refused."""
    with tempfile.TemporaryDirectory() as folder:
        ward = _Ward(Path(folder))
        try:
            for what, who, how in steps:
                with suppress(RefusedError):
                    ward.do(what, ward.devices[who], how)
            for who in (1, 2):
                ward.devices[0].charts.share(ward.chart, ward.devices[who].id)
            settle(ward.relay, *ward.devices)
            shown = [device.shown(ward.chart) for device in ward.devices]
            assert shown[0] == shown[1] == shown[2]
            assert not any(document["unread"] for document in shown[0]["documents"])
            assert [device.pending() for device in ward.devices] == [0, 0, 0]
            assert not any(device.store.refused() for device in ward.devices)
            everything = {a.entry.hash for d in ward.devices for a in d.store.arrivals(after=0, limit=1 << 20)}
            assert everything <= ward.relay.names()
            assert not any(device.store.check() for device in ward.devices)
        finally:
            ward.clinic.close()
