"""Nothing that is sealed stands in the clear outside devices."""

from __future__ import annotations

from pathlib import Path

from tests.simulation.words import MARK
from tests.simulation.world import World

NAME = "secrecy"


def check(world: World) -> None:
    """No phrase that anybody wrote, and no key of a chart or device, stands in the relay's files or in traffic."""
    secrets = [MARK.encode(), *_keys(world)]
    for place, data in _places(world.relay.folder, bytes(world.oracle.traffic)):
        for secret in secrets:
            if secret in data:
                what = "a phrase" if secret == MARK.encode() else "a key"
                world.oracle.fail(NAME, f"{what} stands in the clear in {place}")
                return


def _places(folder: Path, traffic: bytes) -> list[tuple[str, bytes]]:
    files = [(path.name, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [("traffic", traffic), *((name, data) for name, data in files if not name.endswith(".key"))]


def _keys(world: World) -> list[bytes]:
    """The secret keys of devices, and every epoch key that some device can open."""
    found: set[bytes] = set()
    for device in world.honest():
        runtime = device.runtime
        found.update((runtime.identity.keys.signer.reveal(), runtime.identity.keys.wrap.reveal()))
        for chart in runtime.keyring.charts():
            membership = runtime.keyring.membership(chart)
            for epoch in () if membership is None else membership.epochs.values():
                key = runtime.keyring.open_epoch(chart, epoch)
                if key is not None:
                    found.add(bytes(key.reveal()))
    return sorted(found)
