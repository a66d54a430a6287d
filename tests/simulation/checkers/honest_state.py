"""What a device says of its own state is so."""

from __future__ import annotations

from edge_runtime.store.uploads import UploadState
from tests.simulation.world import World

NAME = "honest_state"


def check(world: World) -> None:
    """Counts by state are those of the entries, and after healing nothing that an honest hand wrote waits.

    What stays refused is what a thief wrote, or hangs on that. And the device's own check of its store finds nothing.
    """
    for device in world.honest():
        store = device.store
        waiting: list[str] = []
        counts, states = store.upload_counts(), dict.fromkeys(UploadState, 0)
        for name in device.entries():
            upload = store.upload(name)
            assert upload is not None, "it is there"
            states[upload.state] += 1
            waits = upload.state is not UploadState.RECEIPTED
            if waits and name not in world.oracle.hostile:
                waiting.append(f"{upload.state.name} {upload.code} of {name.short}")
        if waiting:
            world.oracle.fail(NAME, f"{device.name} still says {waiting[0]}, and so of {len(waiting)}")
        for state, count in states.items():
            if counts.get(state, 0) != count:
                got = counts.get(state, 0)
                world.oracle.fail(NAME, f"{device.name} counts {got} entries as {state.name}, and has {count}")
        problems = store.check(device.runtime.keyring.may_lack_bodies())
        if problems:
            world.oracle.fail(NAME, f"{device.name}'s store: {problems[0]}")
