"""Where a device stands: whether the states that it names are states of this log, and which seals are lacking here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_protocol.ids import SessionId
from sync_protocol.merkle import EMPTY_ROOT
from sync_protocol.steps import Locate

if TYPE_CHECKING:
    from server.relay.growth import LogGrowth
    from server.relay.store import SqlStore


def located(step: Locate, store: SqlStore, growth: LogGrowth) -> tuple[bool, list[tuple[SessionId, int]]]:
    """Look up what a device named.

    Args:
        step: what it named.
        store: has the checkpoints and the seals.
        growth: knows the log at sizes at which it was not signed.

    Returns:
        Whether all states are states of the log, and of each session the number of the first seal that is lacking.
    """
    valid = True
    for size, root in step.states:
        found = store.checkpoint_at(size) if size else None
        signed = root == (EMPTY_ROOT if not size else None if found is None else found[0].root)
        # A log that was restored and grew again as it was has the state, though it signed at other sizes.
        valid = valid and (signed or (found is None and growth.holds(size, root)))
    seals: list[tuple[SessionId, int]] = []
    for name in dict.fromkeys(step.sessions):
        last = store.last_seal(name)
        seals.append((name, 0 if last is None else last.value.number + 1))
    return valid, seals
