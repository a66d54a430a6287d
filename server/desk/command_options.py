"""What the desk's commands have in common: where the desk is, how to speak, and how a refusal is told."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import click

from server.desk.errors import StartError
from server.serving.telling import explaining

home_option: Final = click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of keys and journal."
)


def explained(*, as_json: bool) -> AbstractContextManager[None]:
    """Say why a command cannot do what it was asked, and end with exit code 1."""
    return explaining("fieldward server break-glass-desk", StartError, as_json=as_json)
