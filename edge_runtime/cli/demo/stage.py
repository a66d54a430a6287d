"""The stage of the demo: devices, relay and desk, the wires between them, and what a chapter does with them.

Owns what lasts from chapter to chapter. Refuses to judge: a chapter asserts, and `verdict` says whether all held.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from edge_runtime.cli.demo.cast import make_devices
from edge_runtime.cli.demo.facts import Facts
from edge_runtime.cli.demo.processes import Service, free_port, together
from edge_runtime.cli.demo.wire import Wire
from edge_runtime.runtime import entropy

_LOINC: Final = "http://loinc.org"


class Stage:
    """One run's stage, in one folder.

    Attributes:
        devices: by the names that the story calls them.
        ids: of the devices that are enrolled.
        traffic: where every byte to and from the relay is recorded.
        desk_traffic: the same of the break-glass desk.
        chart: the story's patient.
        encounter: the document that everybody changes.
        token: of the facility, for emergencies; closed by `token_passphrase`.
    """

    def __init__(self, folder: Path, *, database_url: str | None, tell: Callable[[str], None]) -> None:
        """Prepare the stage.

        Args:
            folder: for homes, files and recordings.
            database_url: the relay's database, or None for its own.
            tell: is told what happens.
        """
        self.folder = folder
        self.facts = Facts()
        self.devices = make_devices(folder)
        self.ids: dict[str, str] = {}
        self.chart = ""
        self.encounter = ""
        self.organisation = folder / "organisation.org"
        self.token = folder / "token.txt"
        self.token_passphrase = f"token-{entropy(12).hex()}"
        self.database_url = database_url
        self.traffic, self.wire = self._wire("traffic")
        self.desk_traffic, self.desk_wire = self._wire("traffic-desk")
        self.relay = self._relay()
        self.desk = self._desk()
        self._tell = tell

    @contextmanager
    def chapter(self, name: str, words: str) -> Iterator[None]:
        """Tell what comes, and note how long it took."""
        self._tell(words)
        began = time.monotonic()
        yield
        self.facts.seconds[name] = round(time.monotonic() - began, 2)

    def close(self) -> None:
        """Stop every process, and cut every wire. Again is nothing."""
        for service in (self.relay, self.desk):
            service.stop()
        for wire in (self.wire, self.desk_wire):
            wire.cut()

    def enrol(self, name: str, role: str) -> None:
        """Enrol a device as a person does: invitation, request, the code read out, approval, first sync."""
        administrator, device = self.devices["administrator"], self.devices[name]
        invitation = self.folder / f"{name}.invitation"
        administrator.run("device", "invite", "--relay", self.wire.url, "--role", role, "--out", str(invitation))
        request = device.run("device", "enrol", "--invitation", str(invitation))
        administrator.run("device", "approve", request["device"], "--code", request["code"])
        device.run("sync", "once")
        self.ids[name] = request["device"]

    def sync(self, *names: str) -> dict[str, dict[str, Any]]:
        """Let devices sync, all at the same time; what each said."""
        acts = [partial(self.devices[name].run, "sync", "once") for name in names]
        return dict(zip(names, together(*acts), strict=True))

    def show(self, *names: str) -> list[dict[str, Any]]:
        """The story's chart as each of these devices shows it."""
        return together(*(partial(self.devices[name].run, "chart", "show", self.chart) for name in names))

    def fact(self, name: str, document: str, **fact: str) -> list[str]:
        """Let a device state a fact.

        Returns:
            The entries that it wrote.
        """
        given = ("--document", document, "--fact", json.dumps(fact))
        entries: list[str] = self.devices[name].run("chart", "edit", self.chart, *given)["entries"]
        return entries

    def vital(self, name: str, code: str, text: str, value: str, unit: str) -> list[str]:
        """Let a device state what was measured; the entries that it wrote."""
        measured = {"code": code, "system": _LOINC, "text": text, "value": value, "unit": unit}
        return self.fact(name, self.encounter, kind="observation", **measured)

    def text(self, name: str, section: str, text: str) -> None:
        """Let a device make a section read so."""
        file = self.folder / f"{name}.txt"
        file.write_text(text, encoding="utf-8")
        given = ("--document", self.encounter, "--section", section, "--text-file", str(file))
        self.devices[name].run("chart", "edit", self.chart, *given)
        file.unlink()

    @property
    def tapes(self) -> Sequence[Path]:
        """Where what an eavesdropper would have was recorded."""
        return self.traffic, self.desk_traffic

    def _wire(self, name: str) -> tuple[Path, Wire]:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder, Wire(free_port(), folder)

    def _relay(self) -> Service:
        home, port = self.folder / "relay", free_port()
        self.wire.target = port
        arguments = [
            "server", "run", "--home", str(home), "--organisation", str(self.organisation),
            "--port", str(port), "--public-url", self.wire.url,
        ]  # fmt: skip
        if self.database_url is not None:
            arguments += ["--database-url", self.database_url]
        return Service(home, arguments)

    def _desk(self) -> Service:
        home, port = self.folder / "desk", free_port()
        self.desk_wire.target = port
        run = ["server", "break-glass-desk", "run", "--home", str(home), "--port", str(port), "--relay", self.wire.url]
        return Service(home, run)
