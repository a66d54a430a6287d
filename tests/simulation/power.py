"""Machines of a world go off and come back; whoever comes back must hold what it had acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.device import SimDevice
    from tests.simulation.relay import SimRelay
    from tests.simulation.world import World


def fell(world: World, device: SimDevice) -> None:
    """A device's machine is off for a while."""
    device.fall()
    device.busy = False
    device.off_until_ms = world.time.now_ms + world.rng.randint(1_000, 900_000)


def rise(world: World, device: SimDevice) -> None:
    """A device starts, and must hold what it acknowledged."""
    device.start()
    held = device.entries()
    lost = world.oracle.acknowledged[device.name] - held
    if lost:
        world.oracle.fail("nothing_lost", f"{device.name} lost {len(lost)} entries that it had acknowledged")
    world.oracle.acknowledged[device.name] = set(held)
    device.noted = 0
    world.note(device)
    world.say(f"{device.name} starts with {len(held)}")


def rise_relay(world: World, relay: SimRelay) -> None:
    """The relay starts, and must hold what it acknowledged."""
    relay.start()
    held = relay.entries()
    lost = relay.acknowledged - held
    if lost:
        world.oracle.fail("nothing_lost", f"the relay lost {len(lost)} entries that it had acknowledged")
    relay.acknowledged = set(held)
    world.say(f"relay starts with {len(held)}")


def wake(world: World) -> None:
    """Start what was off for long enough."""
    now_ms = world.time.now_ms
    for device in world.devices.values():
        if device.disk.full and device.full_until_ms <= now_ms:
            device.disk.full = False
        if not device.up and not device.lost and device.off_until_ms <= now_ms:
            rise(world, device)
    for relay in (world.relay, world.other):
        if relay is not None and relay.disk.full and relay.full_until_ms <= now_ms:
            relay.disk.full = False
        if relay is not None and not relay.up and relay.off_until_ms <= now_ms:
            rise_relay(world, relay)
