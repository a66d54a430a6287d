"""`fieldward audit timeline`: who did what, merged across the devices, in the order that the chains prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.audit.selecting import record_look, selection_of, selection_options
from edge_runtime.cli.output import print_json, with_device, working

if TYPE_CHECKING:
    from edge_runtime.audit.timeline import Timeline
    from edge_runtime.runtime import Runtime


@click.command()
@selection_options
@click.option("--limit", type=click.IntRange(min=1), help="The last so many only.")
@click.option("--who-saw", is_flag=True, help="Who saw the chart: a line for each person and device.")
@with_device()
def timeline(runtime: Runtime, *, limit: int | None, who_saw: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401 click's
    """Show who did what, oldest first, as far as this device may know.

    What followed comes after; clocks decide only between what nothing orders. That you looked is recorded.

    \b
    Examples:
      fieldward audit timeline --limit 20
      fieldward audit timeline --chart 3f2a90bc --who-saw
      fieldward audit timeline --risk high --since 2026-01-31
      fieldward audit timeline --kind exported --kind printed --json
    """
    from edge_runtime.audit.selection import who_saw as sights
    from edge_runtime.cli.audit.timeline_text import event_table, print_table, sight_table

    selection = selection_of(runtime, options)
    if who_saw and selection.chart is None:
        raise click.UsageError("--who-saw needs --chart")
    if who_saw and limit is not None:
        raise click.UsageError("--who-saw counts them all: leave --limit out")
    merged = merged_timeline(runtime, as_json=as_json)
    events = list(merged.events(selection, limit=limit))
    record_look(runtime, "audit_read", selection, len(events))
    doubts = [
        {"earlier": str(one.earlier), "later": str(one.later), "why": one.link.name.lower()} for one in merged.dropped
    ]
    if selection.chart is not None and who_saw:
        seen = sights(events, selection.chart)
        if as_json:
            print_json({"chart": str(selection.chart), "who_saw": [sight.to_json() for sight in seen]})
        else:
            print_table(sight_table(seen), "Nobody saw this chart, as far as this device knows.", len(seen))
        return
    if as_json:
        print_json({"events": [event.to_json() for event in events], "disbelieved": doubts})
        return
    print_table(event_table(events), "Nothing, as far as this device knows.", len(events))
    if doubts:
        click.echo(f"Disbelieved: {len(doubts)} claims about the order, because others prove the opposite.")


def merged_timeline(runtime: Runtime, *, as_json: bool) -> Timeline:
    """Read everything on this device and merge it, showing how far it has come."""
    from edge_runtime.audit.timeline import Timeline

    with working("Reading", as_json=as_json) as words:
        return Timeline(
            runtime.store,
            runtime.identity,
            runtime.keyring,
            progress=lambda done, of: words(f"Reading: {done} of {of} entries"),
        )
