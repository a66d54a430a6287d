"""What a device says of its own state is so."""

from __future__ import annotations

from edge_runtime.store.uploads import UploadState
from sync_protocol.ids import EntryHash
from tests.simulation.checkers.lost_keys import CODE, sealed_for_nobody
from tests.simulation.device import SimDevice
from tests.simulation.world import World

NAME = "honest_state"
_REFUSED = f"{UploadState.REFUSED.name} {CODE}"


def check(world: World) -> None:
    """Counts by state are those of the entries, and after healing nothing that an honest hand wrote waits.

    What stays refused is what a thief wrote, or hangs on that, and what is sealed for nobody, with that reason. And the
    device's own check of its store finds nothing.
    """
    for device in world.honest():
        store = device.store
        waiting: list[EntryHash] = []
        counts, states = store.upload_counts(), dict.fromkeys(UploadState, 0)
        for name in device.entries():
            upload = store.upload(name)
            assert upload is not None, "it is there"
            states[upload.state] += 1
            waits = upload.state is not UploadState.RECEIPTED
            if waits and name not in world.oracle.hostile:
                waiting.append(name)
        lost = sealed_for_nobody(world, waiting)
        wrong = [said for name in waiting if (said := _said(device, name)) != _REFUSED or name not in lost]
        if wrong:
            world.oracle.fail(NAME, f"{device.name} still says {wrong[0]} of an entry, and so of {len(wrong)}")
        for state, count in states.items():
            if counts.get(state, 0) != count:
                got = counts.get(state, 0)
                world.oracle.fail(NAME, f"{device.name} counts {got} entries as {state.name}, and has {count}")
        problems = store.check(device.runtime.keyring.may_lack_bodies())
        if problems:
            world.oracle.fail(NAME, f"{device.name}'s store: {problems[0]}")


def _said(device: SimDevice, name: EntryHash) -> str:
    upload = device.store.upload(name)
    assert upload is not None, "it is there"
    return f"{upload.state.name} {upload.code}"
