"""How the commands of servers speak: their JSON, and why they cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from server.serving.errors import body_of
from sync_protocol.errors import ExplainedError

if TYPE_CHECKING:
    from typing import Never

_REFUSED: Final = 1
json_option: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines to read.")


@contextmanager
def explaining(program: str, error: type[ExplainedError], *, as_json: bool) -> Iterator[None]:
    """Say why a command cannot do what it was asked, and end with exit code 1.

    Args:
        program: what was called, as words of the command line.
        error: the kind of error for files that cannot be read or written.
        as_json: for machines.
    """
    try:
        yield
    except ExplainedError as refusal:
        _refuse(program, refusal, as_json=as_json)
    except OSError as problem:
        unreadable = error(
            "file",
            expected="files and folders that can be read and written",
            got=f"{(problem.strerror or str(problem)).lower()}: {problem.filename}",
            do="correct the path, or its owner and mode",
        )
        _refuse(program, unreadable, as_json=as_json)


def _refuse(program: str, error: ExplainedError, *, as_json: bool) -> Never:
    if as_json:
        click.echo(json.dumps(body_of(error)))
    else:
        click.echo(f"{program}: expected {error.expected}; got {error.got}; {error.do}", err=True)
    raise SystemExit(_REFUSED)
