"""Findings: what honest devices may cause is a notice, all else is damage; the form for machines is stable."""

from __future__ import annotations

from sync_protocol.findings import Finding, FindingKind, Severity
from sync_protocol.ids import DeviceId, SessionId
from sync_protocol.limits import ID_BYTES

DEVICE, SESSION = DeviceId(bytes([1]) * ID_BYTES), SessionId(bytes([2]) * ID_BYTES)


def test_what_honest_devices_cause_is_no_damage():
    """Clocks, silence, what is on its way, what was destroyed as agreed, what was said by who had not heard."""
    notices = {kind.value for kind in FindingKind if Finding(kind=kind).severity is Severity.NOTICE}
    assert notices == {"skew", "unseen_device", "awaited", "destroyed", "control_refused"}


def test_the_form_for_machines():
    """Kind, severity, place and evidence; a place that is no device's is null."""
    evidence = {"reason": "not_a_member", "record": "member_added"}
    placed = Finding(kind=FindingKind.CONTROL_REFUSED, device=DEVICE, session=SESSION, seq=3, evidence=evidence)
    assert placed.to_json() == {
        "kind": "control_refused",
        "severity": "notice",
        "device": str(DEVICE),
        "session": str(SESSION),
        "seq": 3,
        "evidence": evidence,
    }
    nowhere = Finding(kind=FindingKind.GAP).to_json()
    assert (nowhere["severity"], nowhere["device"], nowhere["session"], nowhere["seq"]) == ("damage", None, None, None)
