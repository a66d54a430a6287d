"""`fieldward audit`: who did what, and whether the record of it holds. Each command is imported when it is named."""

from __future__ import annotations

import importlib
from typing import Final

import click

_COMMANDS: Final = {
    "timeline": "Who did what, merged across devices in causal order.",
    "verify": "Check a device, a relay's data or an evidence file; exit code 3 where something does not hold.",
    "findings": "What a verification found, for people.",
    "export": "Write FHIR AuditEvents, or evidence that verifies offline.",
    "prove": "Show that one entry is in the relay's log.",
    "watch": "Watch the relay's log and raise an alarm if it changes its past.",
}


class AuditGroup(click.Group):
    """Knows its commands by name and help text without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which they are used."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command: the one named as its module."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(importlib.import_module(f"edge_runtime.cli.audit.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command), f"{cmd_name} is a command"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without loading any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=AuditGroup)
def audit() -> None:
    """Who did what, and whether the record of it holds."""
