"""`fieldward fhir`: what other systems hand over and take. Each command is imported when it is named."""

from __future__ import annotations

import importlib
from typing import Final

import click

SUBCOMMANDS: Final = {
    "validate": ("edge_runtime.cli.fhir_validate:validate", "Check files of FHIR R4; needs no device."),
    "import": ("edge_runtime.cli.fhir_import:import_files", "Make charts from FHIR R4."),
    "export": ("edge_runtime.cli.fhir_export:export_fhir", "Write charts as FHIR R4: a Bundle, or NDJSON."),
}
"""By name: where the command is, and what it is for."""


class FhirGroup(click.Group):
    """Knows its commands by name and help text without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which they are used."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        del ctx
        if cmd_name not in SUBCOMMANDS:
            return None
        module, _, attribute = SUBCOMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), f"{cmd_name} is a command"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without loading any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in SUBCOMMANDS.items()])


@click.command(cls=FhirGroup)
def fhir() -> None:
    """FHIR R4 (4.0.1): check files, take them in, hand charts over.

    \b
    Examples:
      fieldward fhir validate transfer.json
      fieldward fhir import --home tablet transfer.json
    """
