"""What a lost device costs in bytes, held to the protocol's budget."""

from __future__ import annotations

from pathlib import Path

from benchmarks.device_loss import run
from benchmarks.measuring import Options


def test_a_lost_phone_stays_within_the_budget(tmp_path: Path):
    """Two teams of 25: under 100 kB at once, however many charts it read, and under 8 kB a chart at its next write."""
    facts = run(Options(rounds=1, quick=True, scratch=tmp_path, build=tmp_path)).facts
    assert int(facts["charts"]) > 1
    assert 0 < int(facts["bytes at once"]) < 100_000
    assert 0 < int(facts["bytes a chart at its next write, at most"]) < 8_000
