"""What the commands of `fieldward break-glass` are given: a token and its passphrase, a chart's id, the desk."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.output import read_passphrase, working
from edge_runtime.errors import InputError, RemoteError

if TYPE_CHECKING:
    from edge_runtime.audit.device_source import Holder
    from edge_runtime.runtime import Runtime
    from edge_runtime.transports.http import HttpClient
    from sync_protocol.ids import ChartId

TOKEN_PASSPHRASE: Final = "FIELDWARD_TOKEN_PASSPHRASE"  # noqa: S105 - the variable's name
FILE: Final = click.Path(path_type=Path, dir_okay=False)
token_passphrase_option = click.option(
    "--token-passphrase-file",
    type=FILE,
    help=f"Read the token's passphrase from its first line. Otherwise {TOKEN_PASSPHRASE}, or a prompt.",
)

WHY_BYTES_MAX: Final = 4096
why_option = click.option(
    "--why",
    help="Why, in your own words; sealed for the team and the compliance officer. Otherwise a file, or a prompt.",
)
why_file_option = click.option(
    "--why-file", type=FILE, help="Read it from this file: an option's text shows in the list of processes."
)


def reached_desk(runtime: Runtime, addresses: Sequence[str]) -> HttpClient:
    """The desk at the first of its addresses that answers."""
    from edge_runtime.break_glass.desk import reachable

    return reachable([runtime.connections.http(address) for address in addresses])


def holder_of(runtime: Runtime) -> Holder:
    """The device as the rooms below take it."""
    from edge_runtime.audit.device_source import Holder

    return Holder(runtime.store, runtime.identity, runtime.keyring)


def tell_if_announced(runtime: Runtime, *, as_json: bool) -> str | None:
    """Hand the break-glass desk what is new to it: `told` or `not_told`; None where the organisation has none."""
    from edge_runtime.break_glass.desk import tell_desk

    glass = runtime.keyring.organisation().now.break_glass
    if glass is None:
        return None
    addresses = glass.value.addresses
    try:
        with working("Telling the desk", as_json=as_json), closing(reached_desk(runtime, addresses)) as desk:
            tell_desk(holder_of(runtime), desk)
    except RemoteError:
        return "not_told"
    return "told"


def whole_id(text: str) -> ChartId:
    """A chart's id in full, however it was copied.

    Raises:
        InputError: it is none.
    """
    from sync_protocol.errors import PeerError
    from sync_protocol.ids import ChartId

    digits = "".join(character for character in text.lower() if character.isalnum())
    try:
        return ChartId.parse(digits)
    except PeerError:
        raise InputError(
            "chart_id",
            expected="a chart's id in full, 32 digits from 0 to f",
            got=f"{len(digits)} characters",
            do="copy it from the wristband, with or without spaces and dashes",
        ) from None


def token_passphrase(file: Path | None, *, confirm: bool) -> str:
    """The token's passphrase from its file, the environment, or a prompt; never the device's.

    Raises:
        InputError: nobody is there to ask.
    """
    given = os.environ.get(TOKEN_PASSPHRASE)
    if file is not None:
        return read_passphrase(file, confirm=False)
    if given:
        return given
    if not sys.stdin.isatty():
        raise InputError(
            "no_token_passphrase",
            expected="the token's passphrase",
            got="none, and nobody to ask",
            do=f"give --token-passphrase-file, or set {TOKEN_PASSPHRASE}",
        )
    return str(click.prompt("Token's passphrase", hide_input=True, confirmation_prompt=confirm, err=True))


def reason_given(why: str | None, file: Path | None) -> str:
    """Why, in somebody's own words: as given, from a file, or from a prompt, which no list of processes shows.

    Raises:
        InputError: none, both, or a file that cannot be read; or nobody is there to ask.
    """
    if file is not None and why is None:
        try:
            with file.open("rb") as opened:
                return opened.read(WHY_BYTES_MAX).decode(errors="replace").strip()
        except OSError as error:
            raise InputError(
                "why_file", expected="a readable file", got=error.strerror or "an error", do="check the path"
            ) from None
    if why is not None and file is None:
        return why
    if why is None and sys.stdin.isatty():
        return str(click.prompt("Why, in your own words", err=True))
    raise InputError(
        "no_why",
        expected="why the glass is broken, once",
        got="none, and nobody to ask" if why is None else "both --why and --why-file",
        do="give --why-file FILE, or --why TEXT, or run it at a terminal",
    )


def line_of(file: Path) -> str:
    """What stands in a file of one line.

    Raises:
        InputError: it cannot be read.
    """
    from edge_runtime.break_glass.token import TOKEN_BYTES_MAX

    try:
        with file.open("rb") as opened:
            return opened.read(TOKEN_BYTES_MAX).decode("ascii", errors="replace")
    except OSError as error:
        raise InputError(
            "token_file", expected="a readable file", got=error.strerror or "an error", do="check the path"
        ) from None
