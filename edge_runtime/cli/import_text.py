"""What an import did, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.importing import ImportReport

_REFUSALS_SHOWN: Final = 20


def print_import(report: ImportReport) -> None:
    """Print counts and refusals."""
    console = Console(highlight=False)
    plan = report.plan
    console.print(
        f"{len(plan.charts)} charts, of which {report.charts_new} are new; {report.entries_new} entries recorded."
    )
    if not report.entries_new:
        console.print("Everything was here already; nothing changed.")
    table = Table("Resource", "Mapped", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, count in sorted(plan.mapped.items()):
        table.add_row(name, str(count))
    console.print(table)
    console.print(f"{plan.kept} resources are kept as they came, without a place of their own yet.")
    refused = [*plan.refused, *report.refused]
    if refused:
        console.print(f"[red]{len(refused)} refused; everything else was imported:[/red]")
    for one in refused[:_REFUSALS_SHOWN]:
        words = f"{one.record}  {one.path or '(whole record)'}  {one.reason}"
        console.print(f"  {safe(words)}", markup=False)
    if len(refused) > _REFUSALS_SHOWN:
        console.print(f"  ... and {len(refused) - _REFUSALS_SHOWN} more; see --json.")
