"""`fieldward chart purge`, and what is said elsewhere of a chart that is to be destroyed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.output import print_json, say, when, with_device
from edge_runtime.destroyed import destroyed
from edge_runtime.errors import InputError
from sync_protocol.chart_records import PurgeReason
from sync_protocol.limits import PURGE_WAIT_MS

if TYPE_CHECKING:
    from edge_runtime.access.retention import Retention
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import ChartId

WAIT_DAYS: Final = PURGE_WAIT_MS // (24 * 60 * 60 * 1000)
"""Days in which a confirmed purge can be stopped."""


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.option(
    "--propose", "reason", type=click.Choice([one.value for one in PurgeReason]), help="Why. Members do this."
)
@click.option("--not-before", help="YYYY-MM-DD, the end of the retention period. Needed with --propose.")
@click.option(
    "--confirm", is_flag=True, help="Agree to what was proposed. Another user, a compliance officer, does this."
)
@with_device()
def purge(
    runtime: Runtime, chart_id: str, reason: str | None, not_before: str | None, *, confirm: bool, as_json: bool
) -> None:
    """Destroy a chart: its keys and content, on every device and on the relay. It takes two people, and no legal hold.

    Without options: say how things stand, and destroy it here where that is due: seven days after this device heard of
    the confirmation, and not before the date. 'chart hold --on' stops it until then. What remains is who wrote when,
    which still verifies.
    Others will see: that it was proposed, why as a word, and that it was confirmed.

    \b
    Examples:
      fieldward chart purge 3f2a90bc --propose retention_ended --not-before 2036-01-01 --home tablet
      fieldward chart purge 3f2a90bc --confirm --home officer
    """
    found = runtime.charts.find(chart_id)
    _fitting(reason, not_before, confirm=confirm)
    if reason is not None:
        runtime.access.propose_purge(found, PurgeReason(reason), not_before_ms=_date_ms(not_before))
    elif confirm:
        runtime.access.confirm_purge(found)
    left = sum(one.left for one in runtime.purging.run() if one.chart == found)
    note = destroyed(runtime.store, found)
    state = runtime.access.retention(found)
    facts = {
        "chart": str(found),
        "held": state.held,
        "proposals": [{"entry": str(name), "not_before_ms": date} for name, date in state.proposals],
        "confirmed": None
        if state.confirmed is None
        else {"entry": str(state.confirmed[0]), "not_before_ms": state.confirmed[1]},
        "from_ms": state.from_ms,
        "due": state.due,
        "destroyed": None if note is None else {"record": str(note.record), "since_ms": note.since_ms, "left": left},
    }
    if as_json:
        print_json(facts)
        return
    if note is not None:
        say(f"Chart {found.short} was destroyed here on {when(note.since_ms)}, as record {note.record.short} says.")
        if left:
            say(f"  {left} entries wait for the relay: they go once it has them. Sync.")
        return
    say(f"Chart {found.short}: {'under a legal hold' if state.held else 'no legal hold'}.")
    for _, date in state.proposals:
        say(f"  proposed, from {when(date)} on; a compliance officer confirms it with --confirm")
    for line in destruction_lines(state, found):
        say(f"  {line}")
    if not state.proposals and state.confirmed is None:
        say("  nothing is proposed: it stays")


def destruction_lines(state: Retention, chart: ChartId) -> list[str]:
    """That a chart is to be destroyed, when, and how to stop it; nothing where that is not confirmed."""
    if state.from_ms is None:
        return []
    if state.held:
        return [f"confirmed to be destroyed; the legal hold stops that, and begins a wait of {WAIT_DAYS} days anew"]
    return [
        f"will be destroyed from {when(state.from_ms)} unless held",
        f"to stop it, a compliance officer runs 'fieldward chart hold {chart.short} --on'",
    ]


def destruction_json(state: Retention) -> dict[str, Any] | None:
    """The same for machines."""
    return None if state.from_ms is None else {"from_ms": state.from_ms, "held": state.held}


def _fitting(reason: str | None, not_before: str | None, *, confirm: bool) -> None:
    if reason is not None and confirm:
        raise _usage("one of --propose and --confirm", "both")
    if reason is None and not_before is not None:
        raise _usage("--propose with --not-before", "--not-before alone")


def _date_ms(text: str | None) -> int:
    try:
        return int(datetime.strptime(text or "", "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise _usage("--not-before YYYY-MM-DD", "none" if text is None else "another form") from None


def _usage(expected: str, got: str) -> InputError:
    return InputError("usage", expected=expected, got=got, do="see --help")
