"""A hundred worlds of five hundred steps: whatever goes wrong in them, every rule holds in the end."""

from __future__ import annotations

import pytest

from tests.simulation.commands import simulate, told

STEPS = 500
PARTS = 4
SEEDS_A_PART = 25


@pytest.mark.parametrize("part", range(PARTS))
def test_no_rule_is_broken(part: int):
    """Convergence, nothing lost, true receipts, and the other rules of `checkers`, on seeds of this part's own."""
    first = 1 + part * SEEDS_A_PART
    code, found = simulate(
        "run", "--seeds", str(SEEDS_A_PART), "--first", str(first), "--steps", str(STEPS), "--jobs", "1"
    )
    assert code == 0, told(found)
    assert found["failures"] == []
    assert (found["seeds"], found["steps"]) == (SEEDS_A_PART, STEPS)
    assert sum(found["faults"].values()) > SEEDS_A_PART * 20, "worlds in which nothing goes wrong show nothing"
