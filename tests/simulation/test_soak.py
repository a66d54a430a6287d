"""Thousands of worlds, for as long as there is time; what happened in them is written down with the commit."""

from __future__ import annotations

import os

import pytest

from tests.simulation.commands import simulate, told
from tests.support.soak_results import write_down

SEEDS = 2000
MINUTES = float(os.environ.get("FIELDWARD_SOAK_MINUTES", "60"))


@pytest.mark.soak
def test_thousands_of_worlds_break_no_rule():
    """Two thousand seeds, or as many as the time allows; `docs/reliability.md` cites what is written down here."""
    _, found = simulate("run", "--seeds", str(SEEDS), "--first", "1001", "--steps", "500", "--minutes", str(MINUTES))
    write_down(
        "simulation",
        {
            "seeds": found["seeds"],
            "first": found["first"],
            "steps": found["steps"],
            "entries": found["entries"],
            "frames": found["frames"],
            "faults": found["faults"],
            "failures": [
                {name: failure[name] for name in ("seed", "checker", "replay")} for failure in found["failures"]
            ],
        },
    )
    assert not found["failures"], told(found)
