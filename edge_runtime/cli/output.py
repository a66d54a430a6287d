"""What the command line prints, and how options that every command has are read."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from edge_runtime import wording
from edge_runtime.cli.safe_text import safe
from edge_runtime.errors import InputError, VaultError
from edge_runtime.settings import FILE_MODE, Home, replace_file
from sync_protocol.errors import ExplainedError

EXIT_DONE: Final = 0
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
EXIT_DAMAGE: Final = 3
DAMAGE: Final = frozenset(
    {"store_damaged", "vault_damaged", "storage_damaged", "archive_missing", "archive_unreadable", "archive_damaged"}
    | {"attachment_damaged", "backup_damaged", "cold_missing", "cold_unreadable", "cold_damaged", "model_damaged"}
)
"""Codes of errors that say that what was written is not what is there."""
_PASSPHRASE_BYTES_MAX: Final = 4096

when: Final = wording.when


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether errors are to be printed as JSON, read before the arguments are parsed."""
    return "--json" in arguments


def exit_code(error: ExplainedError) -> int:
    """The exit code that an error means."""
    if error.code in DAMAGE:
        return EXIT_DAMAGE
    return EXIT_USAGE if error.code == "usage" else EXIT_REFUSED


def print_error(error: ExplainedError, *, as_json: bool) -> None:
    """Print an error: as JSON to standard output, otherwise as three readable lines to standard error."""
    if as_json:
        parts = {"code": error.code, "expected": error.expected, "got": error.got, "do": error.do}
        print_json({"error": parts})
        return
    click.echo(click.style(f"Not done ({error.code})", fg="red", bold=True), err=True)
    for name, words in (("Expected", error.expected), ("Got", error.got), ("Do", error.do)):
        click.echo(f"  {name + ':':<10}{safe(words)}", err=True)  # a relay's or a stranger's words may be among them


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON value on one line."""
    say(json.dumps(value, ensure_ascii=False))


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON value, for machines.")(command)


def home_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--home`, `--passphrase-file` and `--json`."""
    for option in (
        json_option,
        click.option(
            "--passphrase-file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Read the passphrase from the first line of this file. Otherwise FIELDWARD_PASSPHRASE, or a prompt.",
        ),
        click.option(
            "--home",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="FIELDWARD_HOME",
            default=lambda: Path.home() / ".fieldward",
            show_default="~/.fieldward",
            help="Where this device keeps itself.",
        ),
    ):
        command = option(command)
    return command


def with_device(*, make: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command its device: `--home` opened for the length of the command.

    Args:
        make: create the home where there is none.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def opened(*arguments: Any, home: Path, passphrase_file: Path | None, **options: Any) -> Any:  # noqa: ANN401 click's
            from edge_runtime.runtime import has_vault, open_home

            passphrase = read_passphrase(passphrase_file, confirm=make and not has_vault(Home(home)))
            with open_home(home, passphrase, make=make) as runtime:
                if not options.get("as_json"):
                    runtime.events.subscribe(_tell_restored)
                    runtime.events.subscribe(_tell_alert)
                return command(runtime, *arguments, **options)

        return home_options(opened)

    return decorate


def _tell_restored(event: object) -> None:
    """Say at once that the device goes on in another session: its owner may be using two copies of it."""
    from edge_runtime.events import Alarmed
    from edge_runtime.restored import RESTORED

    if isinstance(event, Alarmed) and event.code == RESTORED:
        click.echo(
            "NOTE: this device's store was put back or copied. It goes on in a new session. What it had sent comes "
            "back by sync; what it alone had, and this store does not have, is gone. 'fieldward doctor' says why.",
            err=True,
        )


def _tell_alert(event: object) -> None:
    """Say at once that a chart holds something that somebody must look at; what it is, the chart says."""
    from edge_runtime.clinical.scores.alerts import words_of
    from edge_runtime.events import CriticalAlert

    if isinstance(event, CriticalAlert):
        words = f"ALERT: {words_of(event.code)}, in chart {event.chart.short}. Look at it now."
        click.echo(click.style(words, fg="red", bold=True), err=True)


def read_passphrase(file: Path | None, *, confirm: bool) -> str:
    """The passphrase from its file, the environment, or a prompt.

    Raises:
        InputError: the file cannot be read, or is no passphrase.
        VaultError: nobody is there to ask.
    """
    if file is not None:
        try:
            with file.open("rb") as opened:
                return opened.read(_PASSPHRASE_BYTES_MAX).partition(b"\n")[0].removesuffix(b"\r").decode()
        except (OSError, ValueError) as error:
            raise InputError(
                "passphrase_file",
                expected="a readable file whose first line is the passphrase",
                got=why_unreadable(error),
                do="check --passphrase-file",
            ) from None
    given = os.environ.get("FIELDWARD_PASSPHRASE")
    if given:
        return given
    if not sys.stdin.isatty():
        raise VaultError(
            "no_passphrase",
            expected="a passphrase",
            got="none, and nobody to ask",
            do="give --passphrase-file, or set FIELDWARD_PASSPHRASE",
        )
    return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))


def why_unreadable(error: OSError | ValueError) -> str:
    """Why a file of text cannot be read: in the system's words, and never with what is in it."""
    if isinstance(error, UnicodeDecodeError):
        return "bytes that are no UTF-8"
    reason = error.strerror if isinstance(error, OSError) else None
    return (reason or "no file's name").lower()


def check_out(path: Path) -> None:
    """Check that a file can be written, before anything is done that cannot be undone.

    Raises:
        InputError: it cannot.
    """
    try:
        if path.is_dir():
            raise _unwritable("a folder")
        if path.exists() and not path.is_file():
            raise _unwritable("a device")  # it would be replaced by a file
        probe = path.with_name(path.name + ".part")  # as `replace_file` will
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        raise _unwritable(
            error.strerror if isinstance(error, OSError) and error.strerror else "no file's name"
        ) from None


def write_out(path: Path, data: bytes) -> None:
    """Write a file that was checked by `check_out`, whole or not at all.

    Raises:
        InputError: the file system does not take it now.
    """
    with out_errors():
        replace_file(path, data)


def open_private(path: Path) -> BinaryIO:
    """A new file that nobody else can read, wherever it is moved later."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb")


@contextmanager
def out_errors() -> Iterator[None]:
    """Explain what the file system says while a file is written.

    Raises:
        InputError: the file system does not take it now.
    """
    try:
        yield
    except OSError as error:
        raise _unwritable(error.strerror or "an error of the file system") from None


def _unwritable(got: str) -> InputError:
    return InputError("out_file", expected="a file to write in a folder that is there", got=got, do="name another file")


@contextmanager
def working(words: str, *, as_json: bool) -> Iterator[Callable[[str], None]]:
    """Show that something takes a while, where a person looks; gives a way to change the words."""
    if as_json or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status(words) as status:
        yield status.update


def say(words: str) -> None:
    """Print one line. Bytes of a path that are no text, which Python carries as lone surrogates, are escaped."""
    click.echo(words.encode("utf-8", "backslashreplace").decode())
