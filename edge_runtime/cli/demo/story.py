"""The story: enrol, import, dictate, cut, write against each other, crash the relay, agree; theft, emergency, audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from edge_runtime.cli.demo.cast import OFFICER
from edge_runtime.cli.demo.dictation import dictate
from edge_runtime.cli.demo.glass import break_glass
from edge_runtime.cli.demo.opening import fill, found
from edge_runtime.cli.demo.outage import check, converge, crash, write_apart
from edge_runtime.cli.demo.processes import together
from edge_runtime.cli.demo.stage import Stage
from edge_runtime.cli.demo.stolen import steal
from edge_runtime.cli.demo.trail import Tampering, follow, tamper_with_evidence, tamper_with_relay


def play(stage: Stage, data: Sequence[Path]) -> None:
    """Play every chapter.

    Args:
        stage: a new one.
        data: the user's own FHIR; empty for the official examples.

    Raises:
        DemoError: a step did not go as it must.
    """
    evidence = stage.folder / "evidence.fwe"
    try:
        with stage.chapter("enrol", "Founding an organisation; enrolling a tablet, a phone and a field kit"):
            found(stage)
        with stage.chapter("import", "Importing charts on the tablet, sharing one with phone and kit"):
            others = fill(stage, data)
        with stage.chapter(
            "dictate", "The physician dictates; a model on the tablet drafts; she takes over what holds"
        ):
            dictate(stage)
        with stage.chapter("offline", "The network is cut; all three change the same encounter"):
            write_apart(stage, others)
        with stage.chapter("crash", "The network is back; the relay is killed in mid-sync"):
            receipted = crash(stage)
        with stage.chapter("converge", "The relay is started again; everybody reconnects"):
            converge(stage)
        with stage.chapter("check", "Comparing the charts, verifying every chain and seal"):
            check(stage, receipted)
        with stage.chapter(
            "stolen", "The tablet is stolen, unlocked; the thief writes and meets the phone; it is revoked"
        ):
            steal(stage)
        with stage.chapter("glass", "A stranger breaks the glass of the chart; the nurse reviews it"):
            break_glass(stage)
        with stage.chapter("audit", "The compliance officer merges the trail of all devices and verifies it"):
            _answer_for_it(stage, evidence)
        stage.close()
        with stage.chapter("tamper", "Somebody edits copies of the evidence and of the relay's data"):
            stage.facts.trail.tamperings.extend(_tamperings(stage, evidence))
    finally:
        stage.close()


def _answer_for_it(stage: Stage, evidence: Path) -> None:
    """Follow the trail of everybody who read or wrote, whether or not they are still let in."""
    stage.sync(OFFICER)
    stage.facts.trail = follow(stage.devices[OFFICER], stage.chart, evidence)
    stage.facts.glass.witness(stage.facts.trail.events)


def _tamperings(stage: Stage, evidence: Path) -> list[Tampering]:
    tampering: list[Callable[[], Tampering]] = [partial(tamper_with_evidence, evidence)]
    if stage.database_url is None:
        tampering.append(partial(tamper_with_relay, stage.relay.home))
    return together(*tampering)
