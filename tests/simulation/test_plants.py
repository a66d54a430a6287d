"""Each planted bug is noticed, by the checker that is named with it, within two hundred seeds."""

from __future__ import annotations

import pytest

from tests.simulation.commands import simulate, told
from tests.simulation.plants import PLANTS

SEEDS_MAX = 200
STEPS = "250"


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_noticed(name: str):
    """The first seeds that are tried are those of every other run; the search ends with the first failure."""
    code, found = simulate(
        "run", "--seeds", str(SEEDS_MAX), "--steps", STEPS, "--plant", name, "--until-failure", "--jobs", "1"
    )
    assert code == 3, f"{name} passed {found['seeds']} seeds unnoticed"
    assert PLANTS[name].checker in {failure["checker"] for failure in found["failures"]}, told(found)
