"""The end of every world: faults are over, everybody comes back, and all sync and meet until nothing moves.

Owns what healing is: the relay that is meant runs, lost machines stay lost, thieves are revoked, clocks are right.
After it the checkers ask whether all is as it must be.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from sync_protocol.limits import RECHECK_MS
from tests.simulation.acts import meet, sync
from tests.simulation.network import Weather
from tests.simulation.power import rise, rise_relay
from tests.simulation.template import ADMIN
from tests.simulation.theft import revoke_thief
from tests.simulation.world import World

ROUNDS_MAX: Final = 14


def heal(world: World) -> None:
    """Let everything come to rest."""
    world.healing = True
    world.say("healing")
    _mend_relay(world)
    if world.oracle.faults["withheld_range"] or world.oracle.faults["frame_lost"]:
        # What an honest relay has to give, and what it lacks though a frame that said so was lost while those after it
        # came, is found out by comparing with it within a day.
        world.time.passes(RECHECK_MS)
    for device in world.honest():
        device.disk.full = False
        device.disk.disarm()
        device.cut_until_ms = 0
        device.clock.offset_ms = 0
        if not device.up:
            rise(world, device)
    for number in range(ROUNDS_MAX):
        before, outcomes = _held(world), {}
        for device in world.honest():
            world.time.passes(60_000)
            outcomes[device.name] = sync(world, device)
        revoke_thief(world, world.devices[ADMIN])
        if number % 2 == 0:
            _meet_all(world)
        well = set(outcomes.values()) == {"done"}
        if number > 0 and well and _held(world) == before:
            for device in world.honest():  # of what was recorded since, such as the meetings
                sync(world, device)
            return
    if not well:
        world.oracle.fail("convergence", f"somebody cannot sync after healing: {outcomes}")
    world.oracle.fail("convergence", f"entries still move after {ROUNDS_MAX} rounds of healing")


def _mend_relay(world: World) -> None:
    """One relay, which runs, has room, and withholds nothing."""
    relay = world.relay
    if world.other is not None:
        world.other.stop()
        world.other, world.sides = None, set()
    relay.withheld.clear()
    relay.disk.full = False
    relay.disk.disarm()
    relay.clock.offset_ms = 0
    if relay.up:
        relay.stop()
    rise_relay(world, relay)


def _meet_all(world: World) -> None:
    """Each meets the next. What a relay withheld it has to bring itself."""
    for first, second in pairwise(world.honest()):
        world.time.passes(60_000)
        meet(world, first, second, Weather())


def _held(world: World) -> list[int]:
    """How much came to each."""
    return [device.moved for device in world.honest()]
