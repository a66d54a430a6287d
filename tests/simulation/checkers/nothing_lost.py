"""Nothing acknowledged is ever lost."""

from __future__ import annotations

from sync_protocol.ids import EntryHash
from tests.simulation.checkers.lost_keys import sealed_for_nobody
from tests.simulation.world import World

NAME = "nothing_lost"


def surviving(world: World) -> dict[str, frozenset[EntryHash]]:
    """What each place holds that is still there: honest devices and the relay."""
    found = {device.name: device.entries() for device in world.honest()}
    found["relay"] = world.relay.entries()
    return found


def check(world: World) -> None:
    """Each place holds what it acknowledged, and what any of them holds the relay holds, too, after healing.

    A place's acknowledgements end with it: a device that was stolen, restored from an older copy, or a relay that was
    restored, wiped or exchanged answers for what it acknowledged since. What a revoked thief wrote outside its cut the
    relay may refuse; whoever met the thief keeps it. And the relay takes nothing that is sealed for nobody.
    """
    places = surviving(world)
    for name, held in places.items():
        acknowledged = world.relay.acknowledged if name == "relay" else world.oracle.acknowledged[name]
        lost = acknowledged - held
        if lost:
            world.oracle.fail(NAME, f"{name} holds {len(lost)} entries no more that it had acknowledged")
    everything = frozenset().union(*places.values()) - world.oracle.hostile
    lacking = everything - places["relay"]
    lacking -= sealed_for_nobody(world, lacking)
    if lacking:
        world.oracle.fail(NAME, f"the relay lacks {len(lacking)} entries that somebody holds: {_told(world, lacking)}")


def _told(world: World, names: set[EntryHash] | frozenset[EntryHash]) -> str:
    """Some of them, for people."""
    lines = []
    for name in sorted(names)[:4]:
        header = world.oracle.entries[name].header
        holders = [device.name for device in world.honest() if device.store.entry(name) is not None]
        states = []
        for device in world.honest():
            upload = device.store.upload(name)
            if upload is not None:
                states.append(f"{device.name}:{upload.state.name}:{upload.code}")
        kind = "control" if header.epoch is None else "content"
        ledger = " ledger" if header.stream in world.ledgers else ""
        lines.append(f"{name.short} {kind}{ledger} seq {header.seq} at {holders} {states}")
    return "; ".join(lines)
