"""Whatever arrives, nothing is raised but a peer's fault, nothing hangs, and memory stays bounded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.campaign

HERE = Path(__file__).parents[3]


def fuzz(seed: int, count: int, *, timeout_s: float) -> None:
    """Run the fuzzer in a process of its own, so that a crash or a hang is a failed test and nothing worse."""
    command = [sys.executable, "-m", "tests.unit.sync_protocol.fuzz_frames", str(seed), str(count)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, f"replay with: {' '.join(command)}\n{done.stderr[-4000:]}"
    report = json.loads(done.stdout)
    assert report["frames"] == count
    assert report["taken"] > count // 100, "the frames hardly reach what they are thrown at"
    assert report["kilobytes"] < 256 * 1024
    assert report["slowest_s"] < 5


def test_twenty_thousand_mutated_frames():
    """Through the reader, the decoder, both machines and the intake."""
    fuzz(1, 20_000, timeout_s=300)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 42))
def test_many_more_mutated_frames(seed: int):
    """With other seeds."""
    fuzz(seed, 50_000, timeout_s=1200)
