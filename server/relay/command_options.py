"""What the commands of `fieldward server` share: options, and how they say why they cannot."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import click

from server.relay.errors import StartError
from server.relay.settings import (
    BYTES_AN_HOUR,
    CHART_BLOBS_MIB,
    DEVICE_BLOBS_MIB,
    DISK_FREE_BYTES_MIN,
    ENTRIES_AN_HOUR,
    MIB,
    UNSEEN_AFTER_DAYS,
)
from server.serving.telling import explaining

home_option: Final = click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of key and data."
)
database_option: Final = click.option(
    "--database-url", help="PostgreSQL or SQLite URL; by default an SQLite file in the home."
)
unseen_option: Final = click.option(
    "--unseen-after-days",
    type=click.IntRange(min=1),
    default=UNSEEN_AFTER_DAYS,
    show_default=True,
    help="Days of silence after which a device is overdue.",
)
chart_blobs_option: Final = click.option(
    "--attachments-per-chart",
    "chart_blobs_mib",
    type=click.IntRange(min=1),
    default=CHART_BLOBS_MIB,
    show_default=True,
    metavar="MIB",
    help="MiB of attachments that one chart may have here; beyond it they wait on their devices.",
)
device_blobs_option: Final = click.option(
    "--attachments-per-device",
    "device_blobs_mib",
    type=click.IntRange(min=1),
    default=DEVICE_BLOBS_MIB,
    show_default=True,
    metavar="MIB",
    help="MiB of attachments that one device and user may bring.",
)


budget_options: Final = (
    click.option(
        "--device-entries-per-hour",
        "entries_an_hour",
        type=click.IntRange(min=1),
        default=ENTRIES_AN_HOUR,
        show_default=True,
        help="Entries that one user on one device may push in an hour; the rest waits there.",
    ),
    click.option(
        "--device-mib-per-hour",
        "mib_an_hour",
        type=click.IntRange(min=1),
        default=BYTES_AN_HOUR // MIB,
        show_default=True,
        metavar="MIB",
        help="MiB that one user on one device may push in an hour.",
    ),
    click.option(
        "--disk-free-min",
        "disk_free_mib_min",
        type=click.IntRange(min=0),
        default=DISK_FREE_BYTES_MIN // MIB,
        show_default=True,
        metavar="MIB",
        help="MiB that stay free on the home's disk; below that the relay takes nothing more.",
    ),
)


def explained(*, as_json: bool) -> AbstractContextManager[None]:
    """Say why a command cannot do what it was asked, and end with exit code 1."""
    return explaining("fieldward server", StartError, as_json=as_json)
