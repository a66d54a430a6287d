"""The timeline on a terminal: columns that line up at 80 characters, and risk in words before colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge_runtime.cli.audit.refusal_text import why_refused
from edge_runtime.cli.output import when
from edge_runtime.cli.safe_text import safe
from sync_protocol.audit import Result, Risk

if TYPE_CHECKING:
    from edge_runtime.audit.event import Event
    from edge_runtime.audit.selection import Sight

_RISK: Final = {
    Risk.LOW: ("low", "dim"),
    Risk.MEDIUM: ("medium", "yellow"),
    Risk.HIGH: ("HIGH", "bold red"),
    Risk.CRITICAL: ("CRITICAL", "bold white on red"),
}
_ROOMY: Final = 110
"""Columns from which on a person and a device fit on one line."""
_FIELDS_SHOWN: Final = 6
_ROLE_WIDTH: Final = 20
_SAYS_SO: Final = frozenset({"access_refused", "unlock_failed"})
"""Kinds whose titles are their results."""


def print_table(table: Table, empty: str, rows: int) -> None:
    """Print a table, or words where it has no rows."""
    console = Console(highlight=False)
    console.print(table if rows else empty)


def event_table(events: Sequence[Event]) -> Table:
    """The events, a row each."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("When (UTC)", no_wrap=True)
    table.add_column("Who, on device", no_wrap=True)
    table.add_column("What", ratio=1, overflow="fold")
    table.add_column("Chart", no_wrap=True)
    table.add_column("Risk", no_wrap=True)
    roomy = Console().width >= _ROOMY
    for event in events:
        what = event.what
        who = _person(event.who.role.value, f"{event.who.user.short}@{event.who.device.short}", roomy=roomy)
        charts = what.charts if event.chart is None else (event.chart,)
        chart = charts[0].short if len(charts) == 1 else ("ledger" if event.ledger else "")
        table.add_row(_time(event), who, _what(event), chart, Text(*_RISK[what.risk]))
    return table


def sight_table(sights: Sequence[Sight]) -> Table:
    """Who saw a chart, a row for each person and device."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("Who, on device", no_wrap=True)
    table.add_column("Times", justify="right", no_wrap=True)
    table.add_column("First (UTC)", no_wrap=True)
    table.add_column("Last (UTC)", no_wrap=True)
    table.add_column("How", ratio=1, overflow="fold")
    roomy = Console().width >= _ROOMY
    for sight in sights:
        how = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in sorted(sight.kinds.items()))
        who = _person(sight.role.value, f"{sight.user.short}@{sight.device.short}", roomy=roomy)
        table.add_row(who, str(sight.count), _stamp(sight.first_ms), _stamp(sight.last_ms), how)
    return table


def _person(role: str, name: str, *, roomy: bool) -> Text:
    words = role.replace("_", " ")
    return Text(f"{words:<{_ROLE_WIDTH}}{name}" if roomy else f"{words}\n{name}")


def _time(event: Event) -> Text:
    stamp = Text(_stamp(event.wall_ms))
    if event.clock_doubted:
        stamp.append("\nclock in doubt", "yellow")
    return stamp


def _what(event: Event) -> Text:
    what = event.what
    words = Text(event.title)
    if what.result is not Result.DONE and what.kind.name not in _SAYS_SO:
        words.append(f" ({what.result.value})", "bold yellow")
    if event.refused is not None:
        words.append(f" (does not count: {why_refused(event.refused)})", "bold yellow")
    more = safe(_more(event))
    if not event.witnessed:
        words.append("\nnot yet witnessed", "yellow")
    if more:
        words.append("\n" + more if event.witnessed else "; " + more, "dim")
    return words


def _more(event: Event) -> str:
    what = event.what
    shown = ", ".join(what.fields[:_FIELDS_SHOWN])
    if len(what.fields) > _FIELDS_SHOWN:
        shown += f" and {len(what.fields) - _FIELDS_SHOWN} more"
    if not what.readable:
        shown = "" if what.kind.name == "unknown" else "not readable here"
    elif what.kind.name in {"keys_changed", "member_added"}:
        shown = ", ".join(one.name.lower() for one in what.compartments)
    parts = [
        shown,
        f"count {what.count}" if what.count is not None else "",
        f"device {event.peer.short}" if event.peer is not None else "",
        f"for {what.purpose.value.replace('_', ' ')}" if what.purpose is not None else "",
        f"on behalf of {what.behalf.short}" if what.behalf is not None else "",
        *(f"{name}: {word}" for name, word in what.detail),
    ]
    return "; ".join(part for part in parts if part)


def _stamp(wall_ms: int) -> str:
    return when(wall_ms).removesuffix(" UTC")
