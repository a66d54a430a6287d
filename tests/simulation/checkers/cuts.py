"""A revocation's cut holds."""

from __future__ import annotations

from sync_protocol.ids import EntryHash
from sync_protocol.verdicts import Standing
from tests.simulation.world import World

NAME = "cuts"


def check(world: World) -> None:
    """What a thief wrote outside the cut of its revocation counts nowhere but where an honest member adopted it.

    On every device whose charts hold such an entry its facts are quarantined or void, or were adopted.
    """
    outside = {name for name in world.oracle.hostile if not _within(world, name)}
    if not outside:
        return
    for device in world.honest():
        for chart in sorted(device.runtime.keyring.charts()):
            for document in device.runtime.charts.open(chart).documents.values():
                for fact in document.facts:
                    adopted = fact.verdict.reason is not None and fact.verdict.reason.value == "adopted"
                    counts = fact.verdict.standing in {Standing.ACCEPTED, Standing.FLAGGED}
                    if fact.id.entry in outside and counts and not adopted:
                        world.oracle.fail(NAME, f"{device.name} believes {fact.id.entry.short}, written after the cut")


def _within(world: World, name: EntryHash) -> bool:
    header = world.oracle.entries[name].header
    cut = world.oracle.cut.get(header.session)
    return cut is not None and header.seal <= cut[0]
