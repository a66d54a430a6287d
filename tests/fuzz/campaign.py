"""A run of the fuzzer: children one after the other, and what they found.

Owns the bookkeeping. A child that ends before its inputs do left word of the one it was at: that one is a finding, and
the next child begins behind it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.fuzz.child import ROOT, STATUS_BYTES, Finding, read_status
from tests.fuzz.table import shares

BATCH: Final = 8_000
"""Inputs of one child: it begins anew now and then, so that what it leaks is bounded."""
BATCH_S: Final = 600
"""Wall-clock time of one child; inputs are bounded by processor time, this is for what sleeps."""
DEATHS_MAX: Final = 10
"""Inputs that end a child, after which a target is given up."""
_SIGNALS: Final = {
    -signal.SIGPROF: "hang",
    -signal.SIGSEGV: "crash",
    -signal.SIGKILL: "memory",
    -signal.SIGABRT: "abort",
}


@dataclass(slots=True)
class Campaign:
    """What a run has done so far."""

    seed: int
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    slowest_s: float = 0.0
    stopped: bool = False

    @property
    def inputs(self) -> int:
        """How many inputs went through."""
        return sum(tally.total() for tally in self.outcomes.values())

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "seed": self.seed,
            "inputs": self.inputs,
            "stopped": self.stopped,
            "slowest_s": round(self.slowest_s, 4),
            "targets": {name: dict(sorted(tally.items())) for name, tally in self.outcomes.items()},
            "findings": [
                {"target": one.target, "seed": one.seed, "number": one.number, "kind": one.kind, "what": one.what}
                | {"input": one.input, "replay": one.replay}
                for one in self.findings
            ],
        }


def run(
    inputs: int, seed: int, only: str | None, *, within_s: float | None = None, told: Callable[[str], None]
) -> Campaign:
    """Put inputs through the targets.

    Args:
        inputs: how many in all.
        seed: where they come from.
        only: one target's name; None for all, by weight.
        within_s: stop after so many seconds, in the middle if need be.
        told: hears how far it is.
    """
    campaign, until = Campaign(seed), None if within_s is None else time.monotonic() + within_s
    left = shares(inputs, only)
    at = dict.fromkeys(left, 0)
    with tempfile.TemporaryDirectory(prefix="fieldward-fuzz-") as folder:
        while any(left.values()):
            for name in [name for name, count in left.items() if count]:
                if until is not None and time.monotonic() > until:
                    campaign.stopped = True
                    return campaign
                count = min(BATCH, left[name])
                done = _batch(campaign, name, at[name], count, Path(folder) / "at")
                at[name] += done
                deaths = sum(one.target == name and one.kind in _SIGNALS.values() for one in campaign.findings)
                left[name] = 0 if deaths >= DEATHS_MAX else left[name] - done
                told(f"{name}: {at[name]} inputs, {sum(one.target == name for one in campaign.findings)} findings")
    return campaign


def _batch(campaign: Campaign, name: str, first: int, count: int, status: Path) -> int:
    """Run one child; return how many inputs it came through, the one that ended it included."""
    status.write_bytes(bytes(STATUS_BYTES))
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "child",
        name,
        str(campaign.seed),
        str(first),
        str(count),
        str(status),
    ]
    tally = campaign.outcomes.setdefault(name, Counter())
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=BATCH_S, check=False)
        code, output, errors = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        code, output, errors = -signal.SIGPROF, "", "no end"
    if code == 0:
        result = json.loads(output)
        tally.update(result["outcomes"])
        campaign.findings += [Finding(**one) for one in result["findings"]]
        campaign.slowest_s = max(campaign.slowest_s, result["slowest_s"])
        return count
    number, data = read_status(status)
    if not data and code > 0:
        raise RuntimeError(f"target {name} cannot be made: {errors.strip()[-2000:]}")
    kind = _SIGNALS.get(code, "ended")
    what = f"status {code}: {errors.strip()[-200:]}"
    campaign.findings.append(
        Finding(target=name, seed=campaign.seed, number=number, kind=kind, what=what, input=data.hex())
    )
    tally[kind] += 1
    tally["before_an_end"] += number - first
    return number - first + 1
