"""Devices meet without a relay, as programs in processes of their own: what one wrote survives in the other."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

START_S = 60.0
PROGRAM = [sys.executable, "-m", "edge_runtime.cli"]
ENVIRONMENT = os.environ | {"FIELDWARD_PASSPHRASE": "correct horse battery"}


class Ward:
    """A folder with an organisation, its devices and a relay that can be off."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.relay: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.devices: dict[str, str] = {}
        self.json("org", "init", "--home", "admin", "--out", "clinic.org")
        self.start_relay()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        """A command line."""
        return [*PROGRAM, *arguments]

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command to its end, and read what it says."""
        done = subprocess.run(
            self.command(*arguments, "--json"),
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def start(self, ready: str, *arguments: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
        """Start a command that goes on, and wait for its ready file."""
        file = self.folder / ready
        file.unlink(missing_ok=True)
        process = subprocess.Popen(
            self.command(*arguments, "--ready-file", ready),
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + START_S
        while not file.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "it does not start"
            time.sleep(0.05)
        return process, json.loads(file.read_text())

    def start_relay(self) -> None:
        """Start the relay, where it was before."""
        self.relay, told = self.start(
            "relay.ready", "server", "run", "--home", "relay", "--organisation", "clinic.org", "--port", str(self.port)
        )
        self.port = int(told["url"].rpartition(":")[2])

    def stop_relay(self) -> None:
        """Stop it."""
        if self.relay is not None:
            stop(self.relay)
            self.relay = None

    def enrol(self, name: str, role: str) -> None:
        """Enrol a device."""
        self.json("device", "invite", "--home", "admin", "--relay", self.url, "--role", role, "--out", f"{name}.inv")
        asked = self.json("device", "enrol", "--home", name, "--invitation", f"{name}.inv")
        self.json("device", "approve", asked["device"], "--code", asked["code"], "--home", "admin")
        self.sync(name)
        self.devices[name] = asked["device"]

    def sync(self, name: str) -> Any:
        """One sync with the relay."""
        answer = self.json("sync", "once", "--home", name)
        assert answer["ok"], answer
        return answer

    def meet(self, dialler: str, host: str) -> tuple[Any, Any]:
        """One meeting: what each of the two said of it."""
        listen = ("sync", "host", "--home", host, "--listen", "127.0.0.1:0", "--once", "--json")
        process, told = self.start(f"{host}.ready", *listen)
        try:
            answer = self.json("sync", "meet", told["url"], "--home", dialler)
            out, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        assert (process.returncode, errors) == (0, b""), (out, errors)
        return answer, json.loads(out)


def stop(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """End a process well."""
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """An organisation with a physician's phone, a kit, a nurse's tablet and a compliance officer."""
    made = Ward(tmp_path)
    try:
        for name, role in (
            ("officer", "compliance_officer"),
            ("phone", "physician"),
            ("kit", "emergency_responder"),
            ("tablet", "nurse"),
        ):
            made.enrol(name, role)
        for name in made.devices:
            made.sync(name)
        yield made
    finally:
        made.stop_relay()


def test_a_lost_phone_lives_on_in_the_kit_that_it_met(ward: Ward):
    """Without a relay a phone hands its work and its audit to a kit and is destroyed; the kit brings all to the relay.

    Another member reads what the phone wrote, an officer holds the phone's ledger, and the kit has the receipts.
    """
    ward.stop_relay()
    made = ward.json("chart", "create", "--home", "phone", "--name", "Ana Lima")
    chart = made["chart"]
    for name in ("kit", "tablet"):
        ward.json("chart", "share", chart, "--device", ward.devices[name], "--home", "phone")
    ward.json("chart", "show", chart, "--home", "phone")
    dialled, answered = ward.meet("phone", "kit")
    assert dialled["peer"]["device"] == ward.devices["kit"]
    assert dialled["peer"]["role"] == "emergency_responder"
    assert answered["peer"]["device"] == ward.devices["phone"]
    assert answered["ok"]
    assert answered["received"] == dialled["sent"] > 0
    assert answered["charts"] == 1
    assert ward.json("chart", "show", chart, "--home", "kit")["chart"] == chart
    shutil.rmtree(ward.folder / "phone")

    ward.start_relay()
    carried = ward.sync("kit")
    assert carried["receipted"] == carried["sent"] >= answered["received"]
    ward.sync("tablet")
    assert "Ana Lima" in json.dumps(ward.json("chart", "show", chart, "--home", "tablet"))
    assert ward.json("sync", "status", "--home", "kit")["on_this_device_only"] == 0
    assert ward.sync("officer")["alarms"] == []
    acts = ward.json("audit", "timeline", "--home", "officer", "--device", ward.devices["phone"])["events"]
    assert {"chart_created", "content_written", "member_added", "data_accessed"} <= {act["kind"] for act in acts}
    assert all(act["witnessed"] for act in acts)
    (met,) = ward.json("audit", "timeline", "--home", "officer", "--kind", "met_peer")["events"]
    assert (met["device"], met["peer"]) == (ward.devices["kit"], answered["peer"]["certificate"])
    checked = ward.json("audit", "verify", "--home", "kit")
    assert checked["ok"], checked["findings"]
