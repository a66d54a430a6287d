"""No number is used twice."""

from __future__ import annotations

from collections import defaultdict

from sync_protocol.ids import EntryHash
from tests.simulation.oracle import Spot
from tests.simulation.world import World

NAME = "sequences"


def check(world: World) -> None:
    """No honest device writes two entries under one number, but one that was restored and could not notice.

    And no branch is given up.

    Both branches of every fork that an honest place holds are at the relay. That every reader has both is convergence.
    """
    spots: dict[Spot, set[EntryHash]] = defaultdict(set)
    for name, entry in world.oracle.entries.items():
        header = entry.header
        spots[header.stream, header.session, header.seq].add(name)
    relay = world.relay.entries()
    everything = relay.union(*(device.entries() for device in world.honest()))
    for spot, every in spots.items():
        branches = every & everything
        if len(branches) < 2:
            continue
        if not (every & world.oracle.hostile) and world.author(spot[1]) not in world.unnoticed:
            world.oracle.fail(NAME, f"{world.author(spot[1])} used number {spot[2]} twice")
        if not branches <= relay | world.oracle.hostile:
            world.oracle.fail(NAME, "the relay holds one branch of a fork and not the other")
