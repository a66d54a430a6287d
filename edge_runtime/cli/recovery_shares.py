"""Shares of the recovery key, read from files or typed: never shown, and never on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from edge_runtime.recovery.words import S
    from sync_protocol.emergency_records import RecoveryRecord


def read_shares(sheets: tuple[Path, ...], kind: type[S], record: RecoveryRecord) -> list[S]:
    """Shares from files, or from who types them; nothing that was typed is shown.

    Raises:
        InputError: a file cannot be read, words are wrong, or nobody is there to type.
    """
    from edge_runtime.recovery.sheets import SHEET_BYTES_MAX, read_sheet

    if sheets:
        found: list[S] = []
        for path in sheets:
            try:
                with path.open("rb") as file:
                    text = file.read(SHEET_BYTES_MAX).decode("utf-8", errors="replace")
            except OSError as error:
                raise InputError(
                    "sheet",
                    expected=f"a readable sheet at {path}",
                    got=error.strerror or "an error",
                    do="check the path",
                ) from None
            found.append(read_sheet(text, kind))
        return found
    if not sys.stdin.isatty():
        raise InputError(
            "no_shares", expected="shares", got="none, and nobody to ask", do="name the files of the holders' sheets"
        )
    return [_ask(at, kind) for at in range(1, record.threshold + 1)]


def _ask(at: int, kind: type[S]) -> S:
    """One holder's words, asked for again until they are whole."""
    from edge_runtime.recovery.words import read_share

    while True:
        words = click.prompt(f"Holder {at}, the {kind.name} words of your sheet", hide_input=True, err=True)
        try:
            return read_share(str(words), kind)
        except InputError as error:
            click.echo(f"  expected {error.expected}; got {error.got}. Again, please.", err=True)
