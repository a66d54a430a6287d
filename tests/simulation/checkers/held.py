"""Nothing waits for ever."""

from __future__ import annotations

from edge_runtime.streams import HELD, causal_order, stream_entries
from tests.simulation.world import World

NAME = "held"


def check(world: World) -> None:
    """No entry is held once everything that it follows is there: after healing only what follows a thief's inventions.

    A device that says nothing of a stream holds nothing back in it, and one that says it holds something does.
    """
    for device in world.honest():
        store = device.store
        marked = set(store.values(HELD))
        for stream in sorted(store.streams()):
            _, waiting = causal_order(arrived.entry for arrived in stream_entries(store, stream))
            for entry in waiting:
                if entry.hash not in world.oracle.hostile and not _follows_hostile(world, entry.hash):
                    world.oracle.fail(NAME, f"{device.name} still holds {entry.hash.short} back")
            if bool(waiting) != (HELD + stream.hex() in marked):
                world.oracle.fail(NAME, f"{device.name} says otherwise than is so of what it holds back")


def _follows_hostile(world: World, name: object) -> bool:
    """Whether something in an entry's past is a thief's."""
    entries, ahead, seen = world.oracle.entries, [name], set()
    while ahead:
        entry = entries.get(ahead.pop())  # type: ignore[call-overload]
        for parent in () if entry is None else entry.header.parents:
            if parent in world.oracle.hostile:
                return True
            if parent not in seen:
                seen.add(parent)
                ahead.append(parent)
    return False
