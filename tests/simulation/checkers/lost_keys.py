"""Entries that are sealed under a key whose record is lost, by the oracle's books: nobody will ever open one."""

from __future__ import annotations

from collections.abc import Collection

from sync_protocol.ids import EntryHash
from tests.simulation.world import World

CODE = "unknown_epoch"
"""What a relay says of them."""


def sealed_for_nobody(world: World, names: Collection[EntryHash]) -> frozenset[EntryHash]:
    """Those entries whose epoch's record an honest device wrote that was restored since, and that is nowhere any more.

    Nowhere is: not with its author, whom the older copy set back to before it, nor with any other honest device, not
    even waiting for something there, nor with the relay. Each of these still holds all that it acknowledged since it
    was last put back itself: that is another rule. A thief's record counts as little as one that no device ever stored.
    """
    if not names:
        return frozenset()
    there = world.relay.entries().union(*(device.entries() for device in world.honest()))
    there = there.union(*({one.entry.hash for one in device.store.held()} for device in world.honest()))
    return frozenset(name for name in names if _is_lost(world, world.oracle.entries[name].header.epoch, there))


def _is_lost(world: World, epoch: EntryHash | None, there: frozenset[EntryHash]) -> bool:
    if epoch is None or epoch in there or epoch in world.oracle.hostile:
        return False
    record = world.oracle.entries.get(epoch)
    return record is not None and world.author(record.header.session) in world.restored
