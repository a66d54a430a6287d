"""Control records that do not count are found, marked and explained; they are no damage."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import sync_protocol
from edge_runtime.audit.device_source import DeviceSource, Holder
from edge_runtime.audit.fhir import audit_events
from edge_runtime.audit.refusals import refusals
from edge_runtime.audit.selection import Selection
from edge_runtime.cli.audit.finding_text import print_findings
from edge_runtime.cli.audit.refusal_text import REFUSALS, why_refused
from edge_runtime.keyring import Keyring
from sync_protocol.chart_records import RemoveMember
from sync_protocol.control import Control, SetRole, control_stream, pack_control
from sync_protocol.findings import Finding, FindingKind
from sync_protocol.ids import ChartId, EntryHash
from sync_protocol.limits import ID_BYTES
from sync_protocol.roles import Role
from sync_protocol.verification import Report, verify
from tests.unit.edge_runtime.audit.acts import Ward, timeline
from tests.unit.edge_runtime.clinic import Device

if TYPE_CHECKING:
    import pytest

CORE = Path(sync_protocol.__file__).parent
REFUSING = ("chart_counting", "team_counting", "teams", "organisation", "revoked")
"""The modules that refuse control records: every string in them that is words joined by a line is such a word."""


def say(ward: Ward, device: Device, record: Control, *, in_chart: bool) -> EntryHash:
    """Sign and store a record that no honest device would write."""
    batch = device.recorder.begin()
    known = device.keyring.membership(ward.chart)
    heads = known.heads if in_chart and known is not None else ()
    stream = control_stream(ward.chart) if in_chart else device.identity.root.value.control
    name = batch._drafts.add(stream, pack_control(record), chart_heads=heads)
    device.recorder.write(batch)
    return name


def report(device: Device) -> Report:
    """What a verification of a device says."""
    source = DeviceSource(Holder(device.store, device.identity, device.keyring))
    return verify(source, found=source.notices())


def found(device: Device) -> list[Finding]:
    """The findings on records that do not count."""
    return [one for one in report(device).findings if one.kind is FindingKind.CONTROL_REFUSED]


def test_an_honest_history_has_none(ward: Ward):
    """Where everybody says what it may, nothing is refused and nothing is marked."""
    for device in (ward.clinic.admin, ward.physician, ward.nurse, ward.officer):
        assert refusals(device.keyring) == {}
        assert found(device) == []
        assert all(event.refused is None for event in timeline(device).events(Selection()))


def test_a_role_set_by_who_may_not(ward: Ward, capsys: pytest.CaptureFixture[str]):
    """A nurse that raises itself changes nothing; everybody finds it, with its place, and nothing else."""
    before = ward.nurse.keyring.organisation().now.roles(ward.nurse.identity.principal)
    record = SetRole(certificate=ward.nurse.identity.principal, role=Role.PHYSICIAN)
    name = say(ward, ward.nurse, record, in_chart=False)
    ward.deliver()
    for device in (ward.clinic.admin, ward.physician, ward.nurse, ward.officer):
        (one,) = found(device)
        entry = device.store.entry(name)
        assert entry is not None
        header = entry.entry.header
        assert (str(one.device), one.session, one.seq) == (ward.nurse.id, header.session, header.seq)
        assert one.evidence == {"reason": "not_an_administrator", "record": "role_changed", "entry": str(name)}
        assert report(device).ok
        assert device.keyring.organisation().now.roles(ward.nurse.identity.principal) == before
    print_findings(report(ward.officer), brief=False)
    text = capsys.readouterr().out
    assert "Records that do not count (control_refused): 1" in text
    assert f"does not count: {REFUSALS['not_an_administrator']}" in text


def test_a_removal_by_who_reads_no_content(ward: Ward):
    """In a chart: the finding names it, the timeline marks that record alone, the AuditEvent is a refusal."""
    record = RemoveMember(certificate=ward.physician.identity.principal)
    name = say(ward, ward.nurse, record, in_chart=True)
    ward.deliver()
    for device in (ward.physician, ward.officer):
        (one,) = found(device)
        assert one.evidence["reason"] == "creator_removed_by_another"
        assert (one.evidence["record"], one.evidence["chart"]) == ("member_removed", str(ward.chart))
        marked = [event for event in timeline(device).events(Selection()) if event.refused is not None]
        assert [(event.entry, event.to_json()["refused"]) for event in marked] == [(name, "creator_removed_by_another")]
        (resource,) = audit_events(marked[0])
        assert (resource["outcome"], resource["outcomeDesc"]) == ("4", "refused")
        assert "profile" not in str(resource["meta"])


def test_what_came_meanwhile_is_left_out(ward: Ward):
    """A record that arrives after a verification began belongs to the next one."""
    device = ward.nurse
    source = DeviceSource(Holder(device.store, device.identity, device.keyring))
    record = SetRole(certificate=device.identity.principal, role=Role.PHYSICIAN)
    say(ward, device, record, in_chart=False)
    assert FindingKind.CONTROL_REFUSED not in {one.kind for one in source.notices()}
    assert len(found(device)) == 1


def test_a_refused_record_is_a_notice():
    """Whoever had not heard of a removal damaged nothing."""
    assert Finding(kind=FindingKind.CONTROL_REFUSED).to_json()["severity"] == "notice"


def test_every_word_has_a_sentence():
    """No word of the core without a sentence for people, and no sentence without its word."""
    words = {
        node.value
        for module in REFUSING
        for node in ast.walk(ast.parse((CORE / f"{module}.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"[a-z]+(_[a-z]+)+", node.value)
    }
    assert words == set(REFUSALS)
    assert why_refused("of_a_later_version") not in REFUSALS.values()


def test_a_chart_whose_first_record_has_not_come_is_left_out(ward: Ward):
    """Of a chart that is known by its members' records alone nothing is judged yet."""
    nowhere = ChartId(bytes([7]) * ID_BYTES)
    batch = ward.nurse.recorder.begin()
    record = RemoveMember(certificate=ward.physician.identity.principal)
    batch._drafts.add(control_stream(nowhere), pack_control(record))
    ward.nurse.recorder.write(batch)
    store = ward.nurse.store
    keyring = Keyring(store, ward.nurse.identity)
    keyring._charts = dict.fromkeys((ward.chart, nowhere))
    assert keyring.membership(nowhere) is None
    assert refusals(keyring) == {}
