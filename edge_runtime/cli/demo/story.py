"""The story: enrol, import, cut, write against each other, crash the relay, reconnect, agree, and answer for it."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge_runtime.cli.demo.cast import OFFICER, PHRASES, ROLES, make_devices, official_examples
from edge_runtime.cli.demo.facts import Facts
from edge_runtime.cli.demo.processes import DemoError, Device, Relay, free_port
from edge_runtime.cli.demo.trail import follow, tamper_with_evidence, tamper_with_relay
from edge_runtime.cli.demo.wire import Wire
from edge_runtime.runtime import open_home
from edge_runtime.store.uploads import UploadState
from sync_protocol.ids import EntryHash

_ROUNDS: Final = 4
_PLAN: Final = "Observe overnight. Repeat blood gases at six. Family informed."


class Story:
    """One run, in one folder."""

    def __init__(
        self, folder: Path, *, data: Sequence[Path], database_url: str | None, tell: Callable[[str], None]
    ) -> None:
        """Prepare the stage.

        Args:
            folder: for homes, files and recordings.
            data: the user's own FHIR; empty for the official examples.
            database_url: the relay's database, or None for its own.
            tell: is told what happens.
        """
        self.folder = folder
        self.facts = Facts()
        self.devices = make_devices(folder)
        self.traffic = folder / "traffic"
        self.traffic.mkdir(parents=True, exist_ok=True)
        self.wire = Wire(free_port(), self.traffic)
        self.organisation = folder / "organisation.org"
        self.relay = Relay(folder / "relay", self.organisation, public_url=self.wire.url, database_url=database_url)
        self.wire.target = self.relay.port
        self.chart = ""
        self.encounter = ""
        self._ids: dict[str, str] = {}
        self._own_database = database_url is None
        self._data = list(data)
        self._others = folder
        self._evidence = folder
        self._receipted: set[EntryHash] = set()
        self._tell = tell

    def play(self) -> None:
        """Play every chapter.

        Raises:
            DemoError: a step did not go as it must.
        """
        try:
            with self._chapter("enrol", "Founding an organisation; enrolling a tablet, a phone and a field kit"):
                self._enrol()
            with self._chapter("import", "Importing charts on the tablet, sharing one with phone and kit"):
                self._import()
            with self._chapter("offline", "The network is cut; all three change the same encounter"):
                self.wire.cut()
                self._write_apart()
            with self._chapter("crash", "The network is back; the relay is killed in mid-sync"):
                self._crash()
            with self._chapter("converge", "The relay is started again; everybody reconnects"):
                self._converge()
            with self._chapter("check", "Comparing the charts, verifying every chain and seal"):
                self._check()
            with self._chapter("audit", "The compliance officer merges the trail of all devices and verifies it"):
                self._follow()
            self.relay.stop()
            with self._chapter("tamper", "Somebody edits copies of the evidence and of the relay's data"):
                self._tamper()
        finally:
            self.relay.stop()
            self.wire.cut()

    @contextmanager
    def _chapter(self, name: str, words: str) -> Iterator[None]:
        self._tell(words)
        began = time.monotonic()
        yield
        self.facts.seconds[name] = round(time.monotonic() - began, 2)

    def _enrol(self) -> None:
        administrator = self.devices["administrator"]
        administrator.run("org", "init", "--out", str(self.organisation))
        self.wire.mend()
        self.relay.start()
        for name, role in {OFFICER: "compliance_officer", **ROLES}.items():
            invitation = self.folder / f"{name}.invitation"
            administrator.run("device", "invite", "--relay", self.wire.url, "--role", role, "--out", str(invitation))
            request = self.devices[name].run("device", "enrol", "--invitation", str(invitation))
            administrator.run("device", "approve", request["device"], "--code", request["code"])
            self.devices[name].run("sync", "once")
            self._ids[name] = request["device"]
        for name in ("tablet", OFFICER):
            self.devices[name].run("sync", "once")

    def _import(self) -> None:
        tablet = self.devices["tablet"]
        one, others = official_examples(self.folder)
        tablet.run("chart", "import", *map(str, self._data or [one]))
        self._others = others
        self._choose()
        tablet.run("sync", "once")
        self._fact("tablet", self.encounter, kind="status", to="active")
        self._fact("tablet", "chart", kind="allergy", text="Penicillin", severity="moderate")
        self._fact("tablet", "chart", kind="medication", text="Metoprolol", dose="50", unit="mg", action="start")
        self._text("tablet", "plan", _PLAN)
        for name in ("phone", "kit"):
            tablet.run("chart", "share", self.chart, "--device", self._ids[name])
        tablet.run("sync", "once")
        for name in ("phone", "kit"):
            self.devices[name].run("sync", "once")

    def _choose(self) -> None:
        """Take the chart with most to it that has an encounter; make an encounter where no patient has one."""
        tablet = self.devices["tablet"]
        charts = tablet.run("chart", "list")["charts"]
        for row in sorted(charts, key=lambda row: (-row["documents"], row["chart"])):
            shown = tablet.run("chart", "show", row["chart"])
            encounters = [d["document"] for d in shown["documents"] if d["workflow_type"] == "encounter"]
            if encounters:
                self.chart, self.encounter = row["chart"], min(encounters)
                return
        made = tablet.run("chart", "create", "--name", "Patient of the demo")
        self.chart, self.encounter = made["chart"], made["documents"][1]["document"]

    def _write_apart(self) -> None:
        first, second, third, fourth = PHRASES
        self._text("tablet", "plan", _PLAN.replace("Observe overnight.", f"Observe overnight; {first}."))
        self._text("phone", "plan", _PLAN.replace("Family informed.", f"Family informed; {second}."))
        self._text("kit", "plan", f"{_PLAN} {fourth[0].upper()}{fourth[1:]}.")
        self._text("phone", "subjective", third)
        self._vital("phone", "8867-4", "Heart rate", "118", "/min")
        self._vital("kit", "8480-6", "Systolic blood pressure", "92", "mm[Hg]")
        self._vital("tablet", "2708-6", "Oxygen saturation", "91", "%")
        self._fact("tablet", "chart", kind="allergy", text="Penicillin", severity="severe")
        self._fact("phone", "chart", kind="allergy", text="Penicillin", verification="refuted")
        self._fact("tablet", "chart", kind="medication", text="Metoprolol", dose="100", unit="mg", action="change")
        self._fact("kit", "chart", kind="medication", text="Metoprolol", action="stop", reason="systolic below 100")
        self._fact("tablet", self.encounter, kind="status", to="completed")
        self._fact("kit", self.encounter, kind="status", to="cancelled", reason="evacuated")
        self.devices["tablet"].run("chart", "import", str(self._others))
        refused = self.devices["tablet"].run("sync", "once", "--attempts", "1", refusals=("relay_unreachable",))
        if "error" not in refused:
            raise DemoError(
                "demo_network", expected="a network that is cut", got="a sync that went through", do="report this"
            )

    def _crash(self) -> None:
        tablet = self.devices["tablet"]
        killed = threading.Event()

        def kill() -> None:
            if not killed.is_set():
                killed.set()
                self.relay.kill()

        self.wire.on_receipt = kill
        self.wire.mend()
        tablet.run("sync", "once", "--attempts", "1", refusals=("relay_unreachable", "relay_silent"))
        self.wire.on_receipt = None
        if not killed.is_set():
            raise DemoError("demo_kill", expected="a kill in mid-sync", got="a sync without receipts", do="report this")
        self._receipted = self._entries(tablet, UploadState.RECEIPTED)
        self.facts.acknowledged = len(self._receipted)
        self.facts.unsent_at_kill = len(self._entries(tablet, UploadState.PENDING))

    def _entries(self, device: Device, state: UploadState) -> set[EntryHash]:
        with open_home(device.home, device.passphrase) as runtime:
            arrived = runtime.store.arrivals(after=0, limit=1_000_000)
            names = [one.entry.hash for one in arrived]
            return {name for name in names if (found := runtime.store.upload(name)) and found.state is state}

    def _converge(self) -> None:
        self.relay.start()
        names = [*ROLES, OFFICER]
        for _ in range(_ROUNDS):
            moved = 0
            for name in names:
                answer = self.devices[name].run("sync", "once")
                moved += answer["sent"] + answer["received"]
            if not moved:
                return
        raise DemoError(
            "demo_converge", expected="devices that agree", got="one more change each round", do="report this"
        )

    def _check(self) -> None:
        for name in ROLES:
            device = self.devices[name]
            self.facts.states[name] = device.run("chart", "show", self.chart)
            answer = device.run("doctor")
            self.facts.entries += answer["checks"]["entries"]
            self.facts.verified &= answer["ok"]
        self.facts.lost = len(self._receipted - self._handed_out())

    def _follow(self) -> None:
        """Bring the reads of the last chapter to the officer, who has never opened a chart."""
        for name in (*ROLES, OFFICER):
            self.devices[name].run("sync", "once")
        self._evidence = self.folder / "evidence.fwe"
        self.facts.trail = follow(self.devices[OFFICER], self.chart, self._evidence)

    def _tamper(self) -> None:
        self.facts.trail.tamperings.append(tamper_with_evidence(self._evidence))
        if self._own_database:
            self.facts.trail.tamperings.append(tamper_with_relay(self.relay.home))

    def _handed_out(self) -> set[EntryHash]:
        """Everything that the relay hands out to a device that has the tablet's keys and not one entry."""
        tablet = self.devices["tablet"]
        bare = Device("bare", self.folder / "bare", tablet.passphrase)
        with open_home(tablet.home, tablet.passphrase) as old, open_home(bare.home, bare.passphrase, make=True) as new:
            values = old.store.values("identity/") | old.store.values("relay/")
            with new.store.writing() as writer:
                for certificate in old.store.certificates():
                    writer.put_certificate(certificate)
                for name, value in values.items():
                    writer.put_value(name, value)
        bare.run("sync", "once")
        names = self._entries(bare, UploadState.RECEIPTED)
        shutil.rmtree(bare.home)
        return names

    def _fact(self, name: str, document: str, **fact: str) -> None:
        self.devices[name].run("chart", "edit", self.chart, "--document", document, "--fact", json.dumps(fact))

    def _vital(self, name: str, code: str, text: str, value: str, unit: str) -> None:
        loinc = "http://loinc.org"
        self._fact(name, self.encounter, kind="observation", code=code, system=loinc, text=text, value=value, unit=unit)

    def _text(self, name: str, section: str, text: str) -> None:
        file = self.folder / "text.txt"
        file.write_text(text, encoding="utf-8")
        self.devices[name].run(
            "chart", "edit", self.chart, "--document", self.encounter, "--section", section, "--text-file", str(file)
        )
        file.unlink()
