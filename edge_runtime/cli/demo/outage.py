"""The demo's bad night: the network is cut, three devices write against each other, the relay is killed in mid-sync."""

from __future__ import annotations

import shutil
import threading
from functools import partial
from pathlib import Path
from typing import Final

from edge_runtime.cli.demo.cast import OFFLINE, ROLES
from edge_runtime.cli.demo.opening import PLAN
from edge_runtime.cli.demo.processes import DemoError, Device, together
from edge_runtime.cli.demo.stage import Stage
from edge_runtime.runtime import open_home
from edge_runtime.store.uploads import UploadState
from sync_protocol.ids import EntryHash

_ROUNDS: Final = 6


def write_apart(stage: Stage, others: Path) -> None:
    """Let all three devices change the same encounter without a network, each in its own hand.

    Raises:
        DemoError: the network is not cut.
    """
    stage.wire.cut()
    together(*(partial(hand, stage, others) for hand in (_physician, _nurse, _responder)))
    refused = stage.devices["tablet"].run("sync", "once", "--attempts", "1", refusals=("relay_unreachable",))
    if "error" not in refused:
        raise DemoError(
            "demo_network", expected="a network that is cut", got="a sync that went through", do="report this"
        )


def crash(stage: Stage) -> set[EntryHash]:
    """Mend the network, and kill the relay when its first receipt goes by.

    Returns:
        Every entry that the tablet has a receipt for.

    Raises:
        DemoError: no receipt went by.
    """
    tablet, killed = stage.devices["tablet"], threading.Event()

    def kill() -> None:
        if not killed.is_set():
            killed.set()
            stage.relay.kill()

    stage.wire.on_receipt = kill
    stage.wire.mend()
    tablet.run("sync", "once", "--attempts", "1", refusals=("relay_unreachable", "relay_silent"))
    stage.wire.on_receipt = None
    if not killed.is_set():
        raise DemoError("demo_kill", expected="a kill in mid-sync", got="a sync without receipts", do="report this")
    receipted = _entries(tablet, UploadState.RECEIPTED)
    stage.facts.acknowledged = len(receipted)
    stage.facts.unsent_at_kill = len(_entries(tablet, UploadState.PENDING))
    return receipted


def converge(stage: Stage) -> None:
    """Start the relay again, and let everybody sync until nothing moves.

    Raises:
        DemoError: something always does.
    """
    stage.relay.start()
    for _ in range(_ROUNDS):
        said = stage.sync(*ROLES)
        if not any(answer["sent"] + answer["received"] for answer in said.values()):
            return
    raise DemoError("demo_converge", expected="devices that agree", got="one more change each round", do="report this")


def check(stage: Stage, receipted: set[EntryHash]) -> None:
    """Compare what everybody shows, verify every chain and seal, and look for receipted entries that are lost."""
    facts = stage.facts
    facts.states = dict(zip(ROLES, stage.show(*ROLES), strict=True))
    for answer in together(*(partial(stage.devices[name].run, "doctor") for name in ROLES)):
        facts.entries += answer["checks"]["entries"]
        facts.verified &= answer["ok"]
    facts.lost = len(receipted - _handed_out(stage))


def _physician(stage: Stage, others: Path) -> None:
    stage.text("tablet", "plan", PLAN.replace("Observe overnight.", f"Observe overnight; {OFFLINE[0]}."))
    stage.vital("tablet", "2708-6", "Oxygen saturation", "91", "%")
    stage.fact("tablet", "chart", kind="allergy", text="Penicillin", severity="severe")
    stage.fact("tablet", "chart", kind="medication", text="Metoprolol", dose="100", unit="mg", action="change")
    stage.fact("tablet", stage.encounter, kind="status", to="completed")
    stage.devices["tablet"].run("chart", "import", str(others))


def _nurse(stage: Stage, _: Path) -> None:
    stage.text("phone", "plan", PLAN.replace("Family informed.", f"Family informed; {OFFLINE[1]}."))
    stage.text("phone", "subjective", OFFLINE[2])
    stage.vital("phone", "8867-4", "Heart rate", "118", "/min")
    stage.fact("phone", "chart", kind="allergy", text="Penicillin", verification="refuted")


def _responder(stage: Stage, _: Path) -> None:
    stage.text("kit", "plan", f"{PLAN} {OFFLINE[3][0].upper()}{OFFLINE[3][1:]}.")
    stage.vital("kit", "8480-6", "Systolic blood pressure", "92", "mm[Hg]")
    stage.fact("kit", "chart", kind="medication", text="Metoprolol", action="stop", reason="systolic below 100")
    stage.fact("kit", stage.encounter, kind="status", to="cancelled", reason="evacuated")


def _entries(device: Device, state: UploadState) -> set[EntryHash]:
    with open_home(device.home, device.passphrase) as runtime:
        arrived = runtime.store.arrivals(after=0, limit=1_000_000)
        names = [one.entry.hash for one in arrived]
        return {name for name in names if (found := runtime.store.upload(name)) and found.state is state}


def _handed_out(stage: Stage) -> set[EntryHash]:
    """Everything that the relay hands out to a device that has the tablet's keys and not one entry."""
    tablet = stage.devices["tablet"]
    bare = Device("bare", stage.folder / "bare", tablet.passphrase)
    with open_home(tablet.home, tablet.passphrase) as old, open_home(bare.home, bare.passphrase, make=True) as new:
        values = old.store.values("identity/") | old.store.values("relay/")
        with new.store.writing() as writer:
            for certificate in old.store.certificates():
                writer.put_certificate(certificate)
            for name, value in values.items():
                writer.put_value(name, value)
    bare.run("sync", "once")
    names = _entries(bare, UploadState.RECEIPTED)
    shutil.rmtree(bare.home)
    return names
