"""What the desk's commands have in common: where the desk is, how to speak, and how a refusal is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from server.desk.errors import StartError, body_of
from sync_protocol.errors import ExplainedError

if TYPE_CHECKING:
    from typing import Never

_REFUSED: Final = 1
home_option: Final = click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of keys and journal."
)
json_option: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines to read.")


@contextmanager
def explained(*, as_json: bool) -> Iterator[None]:
    """Say why a command cannot do what it was asked, and end with exit code 1."""
    try:
        yield
    except ExplainedError as error:
        _refuse(error, as_json=as_json)
    except OSError as error:
        explained = StartError(
            "file",
            expected="files and folders that can be read and written",
            got=f"{(error.strerror or str(error)).lower()}: {error.filename}",
            do="correct the path, or its owner and mode",
        )
        _refuse(explained, as_json=as_json)


def _refuse(error: ExplainedError, *, as_json: bool) -> Never:
    if as_json:
        click.echo(json.dumps(body_of(error)))
    else:
        click.echo(
            f"fieldward server break-glass-desk: expected {error.expected}; got {error.got}; {error.do}", err=True
        )
    raise SystemExit(_REFUSED)
