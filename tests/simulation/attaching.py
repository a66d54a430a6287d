"""Attachments in a simulation: files that are attached, read, pushed out to make room, and backed up by the relay.

Owns what the oracle knows of them: who attached what, and that it was acknowledged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from server.relay.backups import back_up
from server.relay.settings import RelaySettings
from sync_protocol.ids import BlobId, ChartId, DocumentId
from tests.simulation.acts import in_chart, sync
from tests.simulation.device import SimDevice
from tests.simulation.world import Act, World

BACKUP: Final = "relay-backup"
_BYTES_MAX: Final = 2500
_ROOM: Final = 1 << 20
_WANTED: Final = 0.3
"""The chance that somebody who sees an attachment that is elsewhere asks for it."""


@dataclass(slots=True)
class Attached:
    """One file that somebody attached.

    Attributes:
        by: the device whose acknowledgement counts; None once that device was restored or stolen.
        sha256: of the file.
    """

    by: str | None
    chart: ChartId
    sha256: bytes


def _attach(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    data = world.rng.randbytes(world.rng.randint(1, _BYTES_MAX))
    file = world.folder / f"photo-{world.rng.randrange(10**9)}.jpg"
    file.write_bytes(data)
    try:
        _, attachment = device.runtime.attachments.attach(chart, document, file)
    finally:
        file.unlink()
    world.attached[attachment.blob] = Attached(device.name, chart, hashlib.sha256(data).digest())
    world.fault_free("attached")


def read(world: World, device: SimDevice, chart: ChartId, blob: BlobId | None = None) -> bool:
    """Open attachments of a chart as far as they are here, and compare them; whether that of `blob` was among them."""
    attachments = device.runtime.attachments
    found = False
    for one in attachments.listed(device.runtime.charts.open(chart)):
        name = one.attachment.blob
        known = world.attached.get(name)
        if known is None or (blob is not None and name != blob):
            continue
        if not one.here:
            if world.rng.random() < _WANTED:
                attachments.stock.ask(name)
            continue
        data = b"".join(attachments.pieces(one))
        if hashlib.sha256(data).digest() != known.sha256:
            world.oracle.fail("attachments", f"{device.name} reads another file than was attached")
        found = found or name == blob
    return found


def _read(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    del document
    read(world, device, chart)


def _tight(world: World, device: SimDevice) -> None:
    """Somebody wants a file that is elsewhere, and the device is full: by the next sync what may go, goes."""

    def work() -> None:
        stock = device.runtime.attachments.stock
        elsewhere = sorted(blob for blob, note in stock.book.all().items() if not note.whole)
        if elsewhere:
            stock.ask(world.rng.choice(elsewhere))
        stock.decide(replace(stock.policy, room_bytes=stock.held_bytes()))

    if device.runtime.keyring.charts() and world.guard(device, "tight", work) == "done":
        before = _here(device)
        sync(world, device)
        if device.up:
            if before - _here(device):
                world.fault_free("pruned")
            stock = device.runtime.attachments.stock
            world.guard(device, "room", lambda: stock.decide(replace(stock.policy, room_bytes=_ROOM)))


def _here(device: SimDevice) -> set[BlobId]:
    return {blob for blob, note in device.runtime.attachments.stock.book.all().items() if note.whole}


def _back_up(world: World, device: SimDevice) -> None:
    """The relay's operator makes a backup, and lets devices know."""
    del device
    relay = world.relay
    if not relay.up:
        return
    services = relay.services
    engine: Any = relay.engine

    def into(folder: Path) -> str:
        def work() -> None:
            settings = RelaySettings(home=relay.folder)
            back_up(settings, engine, services.identity.key, folder, with_keys=False, now_ms=relay.clock())
            services.backups.look()

        return world.operator("backup", work)

    folders = _backups(world.folder)
    outcome = into(folders[-1] if folders else world.folder / f"{BACKUP}-01")
    if outcome == "backup_ahead":  # the relay began anew, or again: what it had lies there, and is kept
        outcome = into(world.folder / f"{BACKUP}-{len(folders) + 1:02}")
    if outcome == "done":
        world.fault_free("relay_backup")


def in_backup(folder: Path) -> list[Path]:
    """The databases of backups: those that the operator keeps, and one that was being made when the relay ended."""
    return sorted(path for backup in _backups(folder) for path in backup.glob("relay-*.sqlite3"))


def _backups(folder: Path) -> list[Path]:
    """The folders of backups, in the order in which they were begun."""
    return sorted(folder.glob(f"{BACKUP}-*"))


ATTACHING: Final[tuple[Act, ...]] = (
    Act("attach", 3, in_chart("attach", _attach)),
    Act("read attachment", 1, in_chart("read attachment", _read)),
    Act("tight", 2, _tight),
    Act("relay backup", 0.6, _back_up),
)
