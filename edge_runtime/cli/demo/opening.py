"""The demo's first chapters: founding, enrolling everybody, importing charts and sharing one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from edge_runtime.cli.demo.cast import OFFICER, ROLES, official_examples
from edge_runtime.cli.demo.processes import together
from edge_runtime.cli.demo.stage import Stage

PLAN: Final = "Observe overnight. Repeat blood gases at six. Family informed."


def found(stage: Stage) -> None:
    """Found an organisation, start its relay, and enrol a tablet, a phone, a kit and the compliance officer."""
    stage.devices["administrator"].run("org", "init", "--out", str(stage.organisation))
    stage.wire.mend()
    stage.relay.start()
    roles = {OFFICER: "compliance_officer", **ROLES}
    together(*(partial(stage.enrol, name, role) for name, role in roles.items()))
    stage.sync("tablet", OFFICER)  # those who were approved before others were


def fill(stage: Stage, data: Sequence[Path]) -> Path:
    """Import charts on the tablet, write into one of them, and share it.

    Args:
        stage: with everybody enrolled.
        data: the user's own FHIR; empty for the official examples.

    Returns:
        More of the official examples, to be imported later.
    """
    tablet = stage.devices["tablet"]
    one, others = official_examples(stage.folder)
    tablet.run("chart", "import", *map(str, data or [one]))
    _choose(stage)
    stage.sync("tablet")
    stage.fact("tablet", stage.encounter, kind="status", to="active")
    stage.fact("tablet", "chart", kind="allergy", text="Penicillin", severity="moderate")
    stage.fact("tablet", "chart", kind="medication", text="Metoprolol", dose="50", unit="mg", action="start")
    stage.text("tablet", "plan", PLAN)
    for name in ("phone", "kit"):
        tablet.run("chart", "share", stage.chart, "--device", stage.ids[name])
    stage.sync("tablet")
    stage.sync("phone", "kit")
    return others


def _choose(stage: Stage) -> None:
    """Take the chart with most to it that has an encounter; make an encounter where no patient has one."""
    tablet = stage.devices["tablet"]
    charts = tablet.run("chart", "list")["charts"]
    for row in sorted(charts, key=lambda row: (-row["documents"], row["chart"])):
        shown = tablet.run("chart", "show", row["chart"])
        encounters = [d["document"] for d in shown["documents"] if d["workflow_type"] == "encounter"]
        if encounters:
            stage.chart, stage.encounter = row["chart"], min(encounters)
            return
    made = tablet.run("chart", "create", "--name", "Patient of the demo")
    stage.chart, stage.encounter = made["chart"], made["documents"][1]["document"]
