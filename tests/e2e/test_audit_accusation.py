"""What a device keeps of a relay that rolled back convicts it on any machine that has only the program."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_meeting import Ward

pytestmark = pytest.mark.xdist_group("audit_accusation")


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """A tablet and a phone that share a chart, both in step with the relay."""
    made = Ward(tmp_path)
    try:
        made.enrol("tablet", "physician")
        made.enrol("phone", "nurse")
        made.sync("tablet")
        yield made
    finally:
        made.stop_relay()


def edit(ward: Ward, name: str, chart: str, text: str) -> None:
    """One fact more."""
    fact = f'{{"kind": "allergy", "text": "{text}"}}'
    ward.json("chart", "edit", chart, "--document", "chart", "--fact", fact, "--home", name)


def accusations(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings that convict the relay."""
    return [one for one in answer["findings"] if one["kind"] == "relay_denied"]


def test_a_rollback_is_proved_by_verify_and_by_evidence_elsewhere(ward: Ward):
    """The relay's data is replaced by an older copy and grows on; nothing is lost, and the proof travels in a file."""
    chart = ward.json("chart", "create", "--name", "Ana Lima", "--home", "tablet")["chart"]
    ward.json("chart", "share", chart, "--device", ward.devices["phone"], "--home", "tablet")
    ward.sync("tablet")
    ward.sync("phone")
    ward.stop_relay()
    shutil.copytree(ward.folder / "relay", ward.folder / "older")
    ward.start_relay()
    edit(ward, "tablet", chart, "Penicillin")
    ward.sync("tablet")
    assert ward.json("audit", "verify", "--home", "tablet")["ok"] is True
    ward.stop_relay()
    shutil.rmtree(ward.folder / "relay")
    shutil.move(ward.folder / "older", ward.folder / "relay")
    ward.start_relay()
    for text in ("Latex", "Iodine", "Peanut"):
        edit(ward, "phone", chart, text)
    ward.sync("phone")
    answer = ward.json("sync", "once", "--home", "tablet", code=1)
    assert "relay_log_denied" in answer["alarms"]
    found = ward.json("audit", "verify", "--home", "tablet", code=3)
    assert found["ok"] is False
    (accused,) = accusations(found)
    assert accused["severity"] == "damage"
    ward.json("audit", "export", "--bundle", "proof.fwe", "--home", "tablet")
    elsewhere = ward.json("audit", "verify", "--bundle", "proof.fwe", "--organisation", "clinic.org", code=3)
    assert accusations(elsewhere) == [accused]
    ward.sync("phone")
    shown = json.dumps(ward.json("chart", "show", chart, "--home", "phone"))
    assert all(text in shown for text in ("Penicillin", "Latex", "Iodine", "Peanut"))
