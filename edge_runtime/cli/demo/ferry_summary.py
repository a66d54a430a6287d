"""The last screen of the story `incident`: the kit's board, and the claims with what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge_runtime.cli.demo.ferry import KIT
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from pathlib import Path

    from edge_runtime.cli.demo.ferry import Ferry
    from edge_runtime.cli.demo.ferry_verdict import Verdict

_ROWS_SHOWN: Final = 16
_STYLES: Final = {
    "red": ("R RED", "bold white on red"),
    "yellow": ("Y YELLOW", "bold black on yellow"),
    "green": ("G GREEN", "bold black on green"),
    "grey": ("E GREY", "bold black on white"),
    "black": ("B BLACK", "bold white on black"),
    None: ("? NONE", "bold"),
}


def print_summary(verdict: Verdict, stage: Ferry, keep: Path | None) -> None:
    """Print it."""
    console = Console(highlight=False)
    console.print(_board(stage))
    console.print(_claims(verdict))
    if keep is not None:
        console.print(f"The devices are in {keep}; its README.md says how to look around.", markup=False)


def _board(stage: Ferry) -> Panel:
    """The most urgent, and whoever else there is something to say about."""
    table = Table(box=None, pad_edge=False, show_header=False)
    rows = list(stage.seen.last.get(KIT, {}).values())
    for row in rows[:_ROWS_SHOWN]:
        words, style = _STYLES[row["colour"]]
        table.add_row(Text(safe(" / ".join(row["numbers"])), "bold"), Text(f" {words:<9}", style), _remarks(row))
    if len(rows) > _ROWS_SHOWN:
        table.add_row("...", "", Text(f"and {len(rows) - _ROWS_SHOWN} more", "dim"))
    title = f"The kit's board: {stage.seen.patients} patients under {len(rows)} numbers"
    return Panel(table, title=title, title_align="left", border_style="cyan")


def _remarks(row: dict[str, Any]) -> Text:
    found = Text()
    if row["disputed"]:
        found.append("LOOK AGAIN: dead and alive were said  ", "bold red")
    if row["names"]:
        found.append(safe(" or ".join(row["names"])) + "  ")
    if row["linked_numbers"]:
        found.append("= " + safe(", ".join(row["linked_numbers"])) + "  ", "cyan")
    rules = [fact["fact"].get("rule") or fact["fact"].get("system") or "" for fact in row["triage"]["heads"]]
    found.append(safe(" beside ".join(dict.fromkeys(filter(None, rules)))), "dim")
    return found


def _claims(verdict: Verdict) -> Panel:
    table = Table(box=None, pad_edge=False, show_header=False)
    for claim in verdict.claims:
        table.add_row(Text("✓" if claim.held else "✗", "bold green" if claim.held else "bold red"), safe(claim.words))
    whole = "Every claim held" if verdict.ok else "NOT every claim held"
    title = f"{whole}, in {verdict.seconds['total']:.0f} seconds"
    return Panel(table, title=title, title_align="left", border_style="green" if verdict.ok else "red")
