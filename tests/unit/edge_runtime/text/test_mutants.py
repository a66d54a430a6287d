"""Nothing that comes out of mutated updates ends or hangs the process, or makes engine and model disagree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.text.errors import Reason

pytestmark = pytest.mark.campaign

ROOT = Path(__file__).parents[4]
SEED = 20261122
TIMEOUT_S = 120


def run(first: int, count: int) -> dict[str, int]:
    """Judge mutants in a process of their own; its message names the command that replays a failure."""
    command = [sys.executable, "-m", "tests.unit.edge_runtime.text.mutants", str(SEED), str(first), str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, f"{' '.join(command[1:])}: status {done.returncode}\n{done.stderr[-2000:]}"
    tally: dict[str, int] = json.loads(done.stdout)
    return tally


def test_ten_thousand_mutants() -> None:
    """Each is refused for a reason, or applied with one text in engine and model; none crashes, panics or hangs."""
    tally = run(0, 10_000)
    assert sum(tally.values()) == 10_000
    assert set(tally) <= {"applied", *Reason}
    assert tally["applied"] > 500
    common = {Reason.MALFORMED, Reason.CONTENT, Reason.CLIENT, Reason.CLOCK, Reason.REFERENCE, Reason.NEIGHBOURS}
    assert common <= set(tally)


@pytest.mark.soak
def test_more_mutants() -> None:
    """The same for others; run by hand."""
    for part in range(1, 6):
        run(part * 10_000, 10_000)
