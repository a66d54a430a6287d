"""What the commands of `fieldward server` share: options, and how they say why they cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from server.relay.errors import StartError, body_of
from server.relay.settings import UNSEEN_AFTER_DAYS
from sync_protocol.errors import ExplainedError

if TYPE_CHECKING:
    from typing import Never

_REFUSED: Final = 1

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
json_option: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a line to read.")


@contextmanager
def explained(*, as_json: bool) -> Iterator[None]:
    """Say why a command cannot do what it was asked, and end with exit code 1."""
    try:
        yield
    except ExplainedError as error:
        _refuse(error, as_json=as_json)
    except OSError as error:
        _refuse(_unreadable(error), as_json=as_json)


def _unreadable(error: OSError) -> ExplainedError:
    return StartError(
        "file",
        expected="files and folders that can be read and written",
        got=f"{(error.strerror or str(error)).lower()}: {error.filename}",
        do="correct the path, or its owner and mode",
    )


def _refuse(error: ExplainedError, *, as_json: bool) -> Never:
    if as_json:
        click.echo(json.dumps(body_of(error)))
    else:
        click.echo(f"fieldward server: expected {error.expected}; got {error.got}; {error.do}", err=True)
    raise SystemExit(_REFUSED)
