"""Receipts are true."""

from __future__ import annotations

from edge_runtime.store.uploads import UploadState
from tests.simulation.world import World

NAME = "receipts_true"


def check(world: World) -> None:
    """What a device shows as being at the relay, after healing, is there."""
    held = world.relay.entries()
    for device in world.honest():
        for name in device.entries():
            upload = device.store.upload(name)
            if upload is not None and upload.state is UploadState.RECEIPTED and name not in held:
                world.oracle.fail(NAME, f"{device.name} shows {name.short} as at the relay, which does not have it")
