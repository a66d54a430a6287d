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
        here = plan.kept or plan.mapped or report.own
        console.print("Everything was here already; nothing changed." if here else "Nothing was imported.")
    if report.own:
        console.print(f"{report.own} resources were exported by charts that are here: they hold nothing new.")
    table = Table("Resource", "Mapped", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, count in sorted(plan.mapped.items()):
        table.add_row(name, str(count))
    if plan.mapped:
        console.print(table)
    if plan.kept:
        console.print(f"{plan.kept} resources are kept as they came: they state nothing here, and grant nothing.")
        console.print("  " + ", ".join(f"{name} {count}" for name, count in sorted(plan.kept_types.items())))
    refused = [*plan.refused, *report.refused]
    if refused:
        taken = plan.kept or plan.mapped or report.own
        rest = "the rest is here" if taken else "nothing else was in what was given"
        console.print(f"[red]{len(refused)} refused; {rest}:[/red]")
    for one in refused[:_REFUSALS_SHOWN]:
        words = f"{one.record}  {one.path or '(all of it)'}  {one.reason}"
        console.print(f"  {safe(words)}", markup=False)
    if len(refused) > _REFUSALS_SHOWN:
        console.print(f"  ... and {len(refused) - _REFUSALS_SHOWN} more; see --json.")
