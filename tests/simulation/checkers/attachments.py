"""Attachments: what was attached can be read, and what was pushed out to make room is not gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from edge_runtime.errors import RefusedError
from server.relay.settings import DATABASE_FILE
from sync_protocol.ids import BlobId
from tests.simulation.attaching import Attached, in_backup, read
from tests.simulation.device import SimDevice
from tests.simulation.world import World

NAME = "attachments"


def check(world: World) -> None:
    """An attachment that was acknowledged is whole on a device, at the relay, or in the relay's newest backup.

    What a device has whole is what was attached. What the relay has, a reader who asks for it gets.
    """
    relay = _whole(world.relay.folder / DATABASE_FILE)
    backup = frozenset[bytes]().union(*map(_whole, in_backup(world.folder)))
    for blob, attached in sorted(world.attached.items()):
        holders = [device for device in world.honest() if _has(device, blob)]
        for device in holders:
            if attached.chart in device.runtime.keyring.charts() and _reads(device, attached):
                read(world, device, attached.chart, blob)
        if not holders and bytes(blob) not in relay | backup and attached.by is not None:
            world.oracle.fail(NAME, f"what {attached.by} attached is nowhere any more: {blob.short}")


def _has(device: SimDevice, blob: BlobId) -> bool:
    return device.runtime.attachments.stock.stands(blob)[1]


def _reads(device: SimDevice, attached: Attached) -> bool:
    try:
        opened = device.runtime.charts.open(attached.chart)
    except RefusedError:
        return False
    return bool(opened.reads) and opened.destroyed is None and opened.lacks is None


def _whole(database: Path) -> frozenset[bytes]:
    """The blobs of which a relay's database says that they are whole."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT id FROM blob WHERE number IS NOT NULL").fetchall()
    return frozenset(bytes(row[0]) for row in rows)
