"""The stage of the propagation benchmark: a relay's process, and two enrolled devices that share a chart."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.devices import observation, practice
from benchmarks.measuring import UnavailableError
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.enrolment.relay import claim_relay
from edge_runtime.runtime import clock
from edge_runtime.settings import Home
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.records import pack

TIMEOUT_S: Final = 20.0
"""How long anybody waits for anybody."""
POLL_S: Final = 0.02
_START_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """An enrolled clinic: who writes, who reads, and where."""

    address: str
    writer: Home
    reader: Home
    chart: ChartId
    document: DocumentId


def enrol(folder: Path, stack: ExitStack) -> Stage:
    """Found a clinic with a relay, two devices and a chart that they share."""
    with practice(folder) as clinic:
        file = folder / "clinic.org"
        file.write_bytes(pack(clinic.file))
        address = stack.enter_context(_relay(folder / "relay", file))
        administrator = clinic.administrator
        claim_relay(
            administrator.store,
            administrator.identity,
            administrator.recorder,
            administrator.connections.http(address),
            fingerprint=None,
            now_ms=clock(),
        )
        writer, reader = clinic.device("writer"), clinic.device("reader")
        administrator.connections.sync_once(address)
        writer.connections.sync_once(address)
        chart, (_, document) = writer.charts.create((), workflow=WorkflowType.ENCOUNTER)
        writer.charts.share(chart, str(reader.identity.certificate.device))
        writer.charts.add_facts(chart, document, [observation(0)])
        writer.connections.sync_once(address)
        return Stage(address, writer.home, reader.home, chart, document)


@contextmanager
def _relay(home: Path, organisation: Path) -> Iterator[str]:
    """A relay as an operator starts it; its address."""
    ready, log = home.with_suffix(".ready"), home.with_suffix(".log")
    program = [sys.executable, "-m", "edge_runtime.cli", "server", "run", "--json", "--port", "0"]
    files = ["--home", str(home), "--organisation", str(organisation), "--ready-file", str(ready)]
    with log.open("wb") as words:
        process = subprocess.Popen([*program, *files], stdout=words, stderr=subprocess.STDOUT)
    try:
        _await(process, ready, log)
        yield str(json.loads(ready.read_text())["url"])
    except Exception as error:
        if process.poll() is not None:
            error.add_note(f"the relay ended with {process.returncode}: {_last_words(log)}")
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], ready: Path, log: Path) -> None:
    ends = time.monotonic() + _START_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > ends:
            raise UnavailableError(f"the relay does not start: {_last_words(log)}")
        time.sleep(POLL_S)


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing"
