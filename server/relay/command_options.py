"""What the commands of `fieldward server` share: options, and how they say why they cannot."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import click

from server.relay.errors import StartError
from server.relay.settings import UNSEEN_AFTER_DAYS
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


def explained(*, as_json: bool) -> AbstractContextManager[None]:
    """Say why a command cannot do what it was asked, and end with exit code 1."""
    return explaining("fieldward server", StartError, as_json=as_json)
