"""`fieldward server break-glass-desk journal`: shows what the desk did, and holds it against the relay's log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from server.desk.command_options import explained, home_option
from server.serving.telling import json_option

if TYPE_CHECKING:
    from server.desk.journal import JournalLine
    from server.desk.journal_check import Damage

_DAMAGED: Final = 3
_SAID: Final = {
    "not_in_log": "the entry that opened this chart is not in the relay's log: the relay signed for what it hides",
    "log_differs": "the checkpoint that the desk was shown is no state of the relay's log: the log was rewritten",
    "log_shrank": "the checkpoint that the desk was shown is of a larger log than the relay has now",
    "other_relay": "the checkpoint is of a relay that was replaced since: this log cannot bear it out",
}


@click.command()
@home_option
@click.option("--check", is_flag=True, help="Hold every answer against the relay's log as everybody sees it.")
@click.option("--relay", metavar="URL", help="With --check: the organisation's relay.")
@json_option
def journal(home: Path, relay: str | None, *, check: bool, as_json: bool) -> None:
    """Show what the desk answered and refused, and check that nothing in its journal was changed.

    With --check every entry that opened a chart must be in the relay's log; where one is not, this ends with exit code
    3. The relay will see: which entries are asked about.

    \b
    Examples:
      fieldward server break-glass-desk journal --home DESK
      fieldward server break-glass-desk journal --home DESK --check --relay https://relay.example
    """
    if check != (relay is not None):
        raise click.UsageError("--check and --relay go together")
    with explained(as_json=as_json):
        from server.desk.journal import JOURNAL, read_journal

        lines = list(read_journal(home / JOURNAL))
        damage = [] if relay is None else _checked(home, lines, relay)
    if as_json:
        told: dict[str, Any] = {"lines": [_row(line) for line in lines]}
        if check:
            told["damage"] = [{"code": one.code, **_row(one.line)} for one in damage]
        click.echo(json.dumps(told))
    else:
        _show(lines, damage, check=check)
    if damage:
        raise SystemExit(_DAMAGED)


def _checked(home: Path, lines: list[JournalLine], relay: str) -> list[Damage]:
    from server.desk.app import kept_trust
    from server.desk.journal_check import check_journal
    from server.desk.relay_reader import RelayReader

    return check_journal(lines, RelayReader(relay), kept_trust(home).root)


def _row(line: JournalLine) -> dict[str, Any]:
    return {
        "at_ms": line.at_ms,
        "outcome": line.outcome,
        "request": line.request.hex(),
        "chart": None if line.chart is None else line.chart.hex(),
        "certificate": None if line.certificate is None else line.certificate.hex(),
        "entry": None if line.entry is None else line.entry.hex(),
        "epochs": len(line.commitments or ()),
        "checkpoint": None if line.note is None else line.note.decode(errors="replace"),
    }


def _show(lines: list[JournalLine], damage: list[Damage], *, check: bool) -> None:
    for line in lines:
        click.echo(_words(line))
    if not lines:
        click.echo("Nobody asked yet.")
    if check and not damage:
        click.echo("Every entry that opened a chart is in the relay's log.")
    for one in damage:
        click.echo(f"DAMAGE: {_words(one.line)}\n  {_SAID[one.code]}")


def _words(line: JournalLine) -> str:
    at = datetime.fromtimestamp(line.at_ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    what = "" if line.chart is None else f"  chart {line.chart.hex()}"
    by = "" if line.certificate is None else f"  by {line.certificate.short}"
    return f"{at}  {line.outcome:<20}{what}{by}"
