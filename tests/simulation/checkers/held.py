"""Nothing waits for ever."""

from __future__ import annotations

from edge_runtime.streams import HELD, causal_order, stream_entries
from edge_runtime.sync.deferred import deferred
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, EntryHash
from tests.simulation.device import SimDevice
from tests.simulation.world import World

NAME = "held"


def check(world: World) -> None:
    """No entry is held once everything that it follows is there: after healing only what follows a thief's inventions.

    And what a device may read no longer: of that the relay feeds it nothing more, so what lacks there lacks for good.
    A device that says nothing of a stream holds nothing back in it, and one that says it holds something does.
    """
    for device in world.honest():
        store = device.store
        for one in store.held():
            known = store.entry(one.waits) is not None
            if known or not _may_wait(world, device, one.entry):
                world.oracle.fail(NAME, f"{device.name} still has {one.entry.hash.short} waiting ({one.kind.name})")
        if deferred(store) and not world.oracle.hostile:
            world.oracle.fail(NAME, f"{device.name} has deferred entries, and nobody flooded it")
        marked = set(store.values(HELD))
        for stream in sorted(store.streams()):
            _, waiting = causal_order(arrived.entry for arrived in stream_entries(store, stream))
            for entry in waiting:
                if not _may_wait(world, device, entry):
                    world.oracle.fail(NAME, f"{device.name} still holds {entry.hash.short} back")
            if bool(waiting) != (HELD + stream.hex() in marked):
                world.oracle.fail(NAME, f"{device.name} says otherwise than is so of what it holds back")


def _may_wait(world: World, device: SimDevice, entry: VerifiedEntry) -> bool:
    """Whether what an entry waits for may never come."""
    if entry.hash in world.oracle.hostile or _follows_hostile(world, entry):
        return True
    readable = world.relay.services.directory.readable(CertificateHash(device.runtime.identity.name))
    return entry.header.stream not in readable


def _follows_hostile(world: World, entry: VerifiedEntry) -> bool:
    """Whether something in an entry's past is a thief's."""
    entries, seen = world.oracle.entries, set[EntryHash]()
    ahead = list(entry.header.parents)
    while ahead:
        name = ahead.pop()
        if name in world.oracle.hostile:
            return True
        if name not in seen and name in entries:
            seen.add(name)
            ahead.extend(entries[name].header.parents)
    return False
