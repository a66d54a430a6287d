"""What goes wrong in a simulation, but for links (`network`) and thieves (`hostile`); each is counted by kind."""

from __future__ import annotations

from typing import Any, Final

from edge_runtime.facts import Content, Fact
from edge_runtime.sections import TEXT
from edge_runtime.store.uploads import UploadState
from sync_protocol.ids import CertificateHash
from tests.simulation.device import Restore, SimDevice
from tests.simulation.disk import Moment
from tests.simulation.power import fell, rise, rise_relay
from tests.simulation.relay import SimRelay, copy_relay
from tests.simulation.words import MARK
from tests.simulation.world import Act, World
from tests.unit.edge_runtime.store.schema_1 import write_schema_1

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_JUMPS_MS: Final = (-5 * _DAY_MS, -3 * _HOUR_MS, -4 * _MINUTE_MS, 4 * _MINUTE_MS, 3 * _HOUR_MS, 40 * _DAY_MS)
_LAYOUT_NEWER: Final = 7


def _crash_soon(world: World, device: SimDevice) -> None:
    """At one of its next writes, before the commit or after it, perhaps tearing what was written."""
    rng = world.rng
    device.disk.arm(rng.randint(1, 4), rng.choice(tuple(Moment)), torn=rng.random() < 0.6)


def _kill(world: World, device: SimDevice) -> None:
    """Any machine, also one in the middle of a sync."""
    del device
    up = [one for one in world.devices.values() if one.up]
    victim = world.rng.choice(up)
    if victim.busy:
        victim.disk.end("crash_in_mid_sync")  # it notices at its next word
    else:
        fell(world, victim)


def _relay_crash_soon(world: World, device: SimDevice) -> None:
    del device
    rng = world.rng
    world.relay.off_until_ms = world.time.now_ms + rng.randint(1_000, 600_000)
    world.relay.disk.arm(rng.randint(1, 3), rng.choice(tuple(Moment)), torn=rng.random() < 0.6)


def _relay_kill(world: World, device: SimDevice) -> None:
    del device
    if world.relay.up:
        world.relay.off_until_ms = world.time.now_ms + world.rng.randint(1_000, 600_000)
        world.relay.fall()


def _partition(world: World, device: SimDevice) -> None:
    world.fault("partition")
    device.cut_until_ms = world.time.now_ms + world.rng.randint(_MINUTE_MS, 3 * _HOUR_MS)


def _full(world: World, device: SimDevice) -> None:
    world.fault("disk_full")
    device.disk.full = True
    device.full_until_ms = world.time.now_ms + world.rng.randint(_MINUTE_MS, _HOUR_MS)


def _relay_full(world: World, device: SimDevice) -> None:
    del device
    world.fault("relay_disk_full")
    world.relay.disk.full = True
    world.relay.full_until_ms = world.time.now_ms + world.rng.randint(_MINUTE_MS, _HOUR_MS)


def _jump(world: World, device: SimDevice) -> None:
    world.fault("clock_jump")
    device.clock.offset_ms += world.rng.choice(_JUMPS_MS)


def _relay_jump(world: World, device: SimDevice) -> None:
    del device
    world.fault("relay_clock_jump")
    world.relay.clock.offset_ms += world.rng.choice(_JUMPS_MS)


def _backup(world: World, device: SimDevice) -> None:
    target = world.folder / f"backup-{device.name}"
    device.backup(target)
    world.copies[device.name] = target


def _restore(world: World, device: SimDevice) -> None:
    source = world.copies.get(device.name)
    if source is None:
        return
    world.fault("device_restored")
    device.stop()
    how = world.rng.choice(tuple(Restore))
    device.restore(source, how)
    world.restored.add(device.name)
    if how is Restore.EVERYTHING and device.copied == device.disk.inode:
        world.unnoticed.add(device.name)
    world.disown(device)
    rise(world, device)


def _relay_copy(world: World, device: SimDevice) -> None:
    """A backup of the relay: for the time of the copy it stands still."""
    del device
    if world.relay.up:
        world.relay.stop()
        copy_relay(world.relay.folder, world.folder / "relay-copy")
        rise_relay(world, world.relay)


def _relay_back(world: World, device: SimDevice) -> None:
    del device
    copy = world.folder / "relay-copy"
    if copy.exists():
        world.fault("relay_rollback")
        _replace(world, world.relay, copy)


def _relay_wiped(world: World, device: SimDevice) -> None:
    del device
    world.fault("relay_wiped")
    _replace(world, world.relay, world.folder / "empty")


def _replace(world: World, relay: SimRelay, source: Any) -> None:
    if relay.up:
        relay.stop()
    copy_relay(source, relay.folder)
    relay.disk.forget()
    relay.acknowledged = set()
    rise_relay(world, relay)


def _split(world: World, device: SimDevice) -> None:
    """Two copies of the relay, each of which half of the devices takes for the one; then only the first goes on."""
    del device
    if world.other is not None:
        world.other.stop()
        world.other, world.sides = None, set()
    elif world.relay.up:
        world.fault("split_view")
        world.relay.stop()
        other = world.split()
        copy_relay(world.relay.folder, other.folder)
        rise_relay(world, world.relay)
        rise_relay(world, other)
        names = sorted(world.devices)
        world.sides = set(world.rng.sample(names, len(names) // 2))


def _withhold(world: World, device: SimDevice) -> None:
    """The relay leaves half of the streams out of what it feeds to somebody, however often it is started."""
    relay = world.relay
    if not relay.up:
        return
    reader = CertificateHash(device.runtime.identity.name)
    streams = sorted(relay.services.directory.readable(reader))
    if not streams:
        return
    world.fault("withheld_range")
    at = world.rng.randrange(len(streams))  # most streams are empty: one alone would be nothing
    relay.withheld[reader] = frozenset((streams[at:] + streams[:at])[: -(-len(streams) // 2)])


def _newer(world: World, device: SimDevice) -> None:
    """A colleague's program is newer: it writes kinds and keys that this one does not know."""
    charts = sorted(device.runtime.keyring.charts())
    if not charts:
        return
    chart = world.rng.choice(charts)
    membership = device.runtime.keyring.membership(chart)
    if membership is None:
        return
    document = world.rng.choice(sorted(membership.documents))
    facts = (
        Fact(kind="frailty", payload={"schema": _LAYOUT_NEWER, "text": MARK, "scale": "9"}, supersedes=()),
        Fact(kind="observation", payload={"text": f"{MARK} hum", "value": "1", "hue": "violet"}, supersedes=()),
    )

    def work() -> None:
        recorder = device.runtime.recorder
        batch = recorder.begin()
        batch.content(chart, document, TEXT, Content(facts=facts, text=None))
        recorder.write(batch)

    if world.guard(device, "newer layout", work) == "done":
        world.fault("newer_layout")


def _upgrade(world: World, device: SimDevice) -> None:
    """The program is replaced by a newer one, which finds a store as the first schema laid it down."""
    store = device.store
    if store.held() or store.upload_counts().get(UploadState.AT_PEER, 0):
        return  # what the first schema had no place for
    world.fault("schema_upgrade")
    device.stop()
    path = device.disk.path
    older = path.with_name("store.older")
    write_schema_1(path, older, device.key)
    older.replace(path)
    rise(world, device)


FAULTS: Final[tuple[Act, ...]] = (
    Act("crash soon", 2.2, _crash_soon),
    Act("kill", 0.9, _kill),
    Act("relay crash soon", 1.2, _relay_crash_soon),
    Act("relay kill", 0.4, _relay_kill),
    Act("partition", 1.2, _partition),
    Act("full", 0.8, _full),
    Act("relay full", 0.3, _relay_full),
    Act("jump", 0.9, _jump),
    Act("relay jump", 0.2, _relay_jump),
    Act("backup", 2, _backup),
    Act("restore", 0.9, _restore),
    Act("relay copy", 0.6, _relay_copy),
    Act("relay back", 0.3, _relay_back),
    Act("relay wiped", 0.1, _relay_wiped),
    Act("split", 0.25, _split),
    Act("withhold", 0.3, _withhold),
    Act("newer", 0.6, _newer),
    Act("upgrade", 0.4, _upgrade),
)
