"""A note that was signed on one device and amended on another leaves the organisation, and is checked without it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.e2e.test_device_admin import Fieldward, FoundedRelay, enrol, fixture_fieldward, fixture_relay

__all__ = ["fixture_fieldward", "fixture_relay"]


def alone(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The program in a folder of its own, with no home: its exit code, and what it prints for machines."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("FIELDWARD")} | {
        "HOME": str(folder)
    }
    command: Sequence[str] = (sys.executable, "-m", "edge_runtime.cli", *arguments, "--json")
    ended = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False)
    return ended.returncode, json.loads(ended.stdout)


def test_a_note_is_signed_amended_elsewhere_and_verified_alone(
    fieldward: Fieldward, relay: FoundedRelay, tmp_path: Path
):
    """The first signer is offline while a colleague amends; both texts and signatures hold; one changed byte does not.

    What the first signer wrote meanwhile, without knowing of the amendment, asks a person.
    """
    enrol(fieldward, relay, "tablet", "--role", "physician")
    phone = enrol(fieldward, relay, "phone", "--role", "physician")
    fieldward("sync", "once", "--home", "tablet")
    chart = fieldward("chart", "create", "--home", "tablet", "--name", "Ana Lima")["chart"]
    fieldward("chart", "share", chart, "--device", phone, "--home", "tablet")
    at = (chart, "--document", "encounter")
    Path("plan.txt").write_text("Paracetamol 500 mg\n", encoding="utf-8")
    fieldward("chart", "edit", *at, "--section", "plan", "--text-file", "plan.txt", "--home", "tablet")
    shown = fieldward("workflow", "sign", *at, "--show", "--home", "tablet")
    signed = fieldward("workflow", "sign", *at, "--read", shown["sha256"], "--home", "tablet")["signature"]
    fieldward("sync", "once", "--home", "tablet")
    fieldward("sync", "once", "--home", "phone")

    Path("plan.txt").write_text("Paracetamol 250 mg\n", encoding="utf-8")
    fieldward("chart", "edit", *at, "--section", "plan", "--text-file", "plan.txt", "--home", "phone")
    fieldward("workflow", "sign", *at, "--amend", signed, "--reason", "weight was wrong", "--yes", "--home", "phone")
    heart = {"kind": "observation", "code": "8867-4", "text": "Heart rate", "value": "72", "unit": "/min"}
    fieldward("chart", "edit", *at, "--fact", json.dumps(heart), "--home", "tablet")  # it has not heard of that
    fieldward("sync", "once", "--home", "phone")
    fieldward("sync", "once", "--home", "tablet")

    reviews = fieldward("chart", "show", chart, "--home", "tablet")["reviews"]
    assert [review["kind"] for review in reviews if review["open"]] == ["attested"]
    fieldward("note", "export", *at, "--out", "visit.fwn", "--home", "tablet")

    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("visit.fwn", "clinic.org"):
        shutil.copy(name, empty)
    pinned = ("visit.fwn", "--organisation", "clinic.org")
    code, found = alone(empty, "note", "verify", *pinned)
    assert (code, found["ok"]) == (0, True)
    code, whole = alone(empty, "note", "show", *pinned)
    texts = {one["act"]: one["text"] for one in whole["signatures"]}
    assert code == 0
    assert "Paracetamol 500 mg" in texts["author"]
    assert "Paracetamol 250 mg" in texts["amendment"]
    receipted = {one["act"] for one in whole["signatures"] if one["log_index"] is not None}
    assert receipted == {"author"}  # a device keeps receipts of what it wrote itself

    data = bytearray((empty / "visit.fwn").read_bytes())
    data[data.index(b"500 mg")] ^= 1
    (empty / "visit.fwn").write_bytes(data)
    code, found = alone(empty, "note", "verify", *pinned)
    assert code == 3
    assert "changed" in json.dumps(found)
    assert sorted(path.name for path in empty.iterdir()) == ["clinic.org", "visit.fwn"]
