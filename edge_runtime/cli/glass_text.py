"""The banner of a chart whose glass is broken: first on the screen until somebody has reviewed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from edge_runtime.cli.output import when

if TYPE_CHECKING:
    from edge_runtime.opened import OpenChart


def glass_json(opened: OpenChart) -> list[dict[str, Any]]:
    """The open emergency accesses to a chart, for machines."""
    return [
        {
            "entry": str(one.record),
            "certificate": str(one.author),
            "reason": one.act.reason.value,
            "kit": one.act.kit,
            "wall_ms": one.wall_ms,
        }
        for one in opened.membership.broken
    ]


def glass_banner(opened: OpenChart) -> Panel | None:
    """The same for a person; None where the glass is whole."""
    rows = [
        Text.assemble(
            (f"{when(one.wall_ms)}  ", "bold"),
            (one.act.reason.value.replace("_", " "), "bold red"),
            f"  by {one.author.short}{' on a kit' if one.act.kit else ''}  entry {one.record.short}",
        )
        for one in opened.membership.broken
    ]
    if not rows:
        return None
    rows.append(Text(f"Review: fieldward break-glass close {opened.chart.short} ENTRY", "dim"))
    return Panel(Group(*rows), title="THE GLASS IS BROKEN", title_align="left", border_style="bold red")
