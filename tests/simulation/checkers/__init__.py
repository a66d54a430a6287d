"""The rules that a simulated world is held to, one a module; each function's docstring states its rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.simulation.checkers import (
    arrival,
    attachments,
    audit,
    convergence,
    cuts,
    held,
    honest_state,
    nothing_lost,
    receipts,
    secrecy,
    sequences,
)
from tests.simulation.world import World

CHECKERS: Final[dict[str, Callable[[World], None]]] = {
    "nothing_lost": nothing_lost.check,
    "convergence": convergence.check,
    "receipts_true": receipts.check,
    "sequences": sequences.check,
    "held": held.check,
    "honest_state": honest_state.check,
    "cuts": cuts.check,
    "attachments": attachments.check,
    "secrecy": secrecy.check,
    "arrival": arrival.check,
    "audit": audit.check,
}
"""Those that look at a world after its healing. Others look while it runs: see `docs/reliability.md`."""


def check_all(world: World) -> None:
    """Look at a world after its healing by every rule."""
    for check in CHECKERS.values():
        check(world)
