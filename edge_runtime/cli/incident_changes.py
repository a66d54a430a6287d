"""`fieldward incident` identify, link, unlink, number, handover: what becomes known of a casualty later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.output import print_json, say, with_device
from edge_runtime.cli.safe_text import safe
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    from edge_runtime.incidents.row import Row
    from edge_runtime.runtime import Runtime
    from sync_protocol.encoding import Value
    from sync_protocol.ids import ChartId


@click.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("number", metavar="NUMBER")
@click.option("--name", required=True, help="The person's name.")
@click.option("--by", required=True, help="Who says so: a paper, a relative, the person.")
@click.option("--birth-date", help="YYYY-MM-DD, or what is known of it.")
@click.option(
    "--sex", type=click.Choice(["female", "male", "other", "unknown"]), help="As FHIR's administrative gender."
)
@with_device()
def identify(
    runtime: Runtime,
    incident_id: str,
    number: str,
    *,
    name: str,
    by: str,
    birth_date: str | None,
    sex: str | None,
    as_json: bool,
) -> None:
    """Say who a casualty is, and who says so. Names that two people gave without knowing of each other both stand.

    Others will see: members, the name; the relay, that something was written.

    \b
    Example:
      fieldward incident identify "Ferry, pier 4" 17-K4 --name "Ana Lima" --by "her brother, at the pier" --home kit
    """
    from edge_runtime.audit.showing import noting_refusals

    chart, row = _casualty(runtime, incident_id, number)
    stated = {"name": name, "birth_date": birth_date, "sex": sex, "according_to": by}
    payload: dict[str, Value] = {key: value for key, value in stated.items() if value}
    with noting_refusals(runtime.auditor, chart):
        runtime.incidents.identify(row, payload)
    if as_json:
        print_json({"incident": str(chart), "chart": row.chart, "numbers": [*row.numbers], "before": [*row.names]})
        return
    say(f"{safe(row.label)} is {safe(name)}, by {safe(by)}.")
    if row.names:
        say(f"  before: {safe(' or '.join(row.names))}; that stays in the chart's history")


def _pair(runtime: Runtime, incident_id: str, number: str, other: str) -> tuple[ChartId, Row, Row | ChartId]:
    """An incident, one of its casualties, and another or any other chart."""
    chart = runtime.incidents.find(incident_id)
    board = runtime.incidents.board(chart)
    first = runtime.incidents.chosen(board, number)
    try:
        return chart, first, runtime.incidents.chosen(board, other)
    except RefusedError as error:
        if error.code != "no_such_casualty":
            raise
        try:
            return chart, first, runtime.charts.find(other)
        except RefusedError:
            raise error from None


@click.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("number", metavar="NUMBER")
@click.argument("other", metavar="OTHER")
@click.option("--reason", help="Why, in a few words.")
@with_device()
def link(runtime: Runtime, incident_id: str, number: str, other: str, *, reason: str | None, as_json: bool) -> None:
    """Say that two numbers are the same patient. Both stay; both show the more urgent category; 'unlink' undoes it.

    OTHER may be the chart of a known patient, too. Others will see: members, the link; the relay, that something was
    written.

    \b
    Example:
      fieldward incident link "Ferry, pier 4" 17-K4 23-7P --reason "same tattoo" --home kit
    """
    _relate(runtime, incident_id, number, other, reason, same=True, as_json=as_json)


@click.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("number", metavar="NUMBER")
@click.argument("other", metavar="OTHER")
@click.option("--reason", help="Why, in a few words.")
@with_device()
def unlink(runtime: Runtime, incident_id: str, number: str, other: str, *, reason: str | None, as_json: bool) -> None:
    """Take back that two numbers are the same patient: each shows its own category again.

    Others will see: members, that it was taken back; the relay, that something was written.

    \b
    Example:
      fieldward incident unlink "Ferry, pier 4" 17-K4 23-7P --reason "two brothers" --home kit
    """
    _relate(runtime, incident_id, number, other, reason, same=False, as_json=as_json)


def _relate(
    runtime: Runtime, incident_id: str, number: str, other: str, reason: str | None, *, same: bool, as_json: bool
) -> None:
    from edge_runtime.audit.showing import noting_refusals
    from edge_runtime.cli.incident_text import now_line

    chart, first, second = _pair(runtime, incident_id, number, other)
    named = [first.chart, second.chart if not isinstance(second, bytes) else str(second)]
    with noting_refusals(runtime.auditor, chart):
        runtime.incidents.link(chart, first, second, reason, same=same)
    if as_json:
        print_json({"incident": str(chart), "charts": named, "same_patient": same})
        return
    after = runtime.incidents.board(chart)
    words = second.short if isinstance(second, bytes) else second.label
    say(f"{safe(first.label)} and {safe(words)} are {'the same patient' if same else 'two patients'}.")
    for one in named:
        before = next((row for row in (first, second) if not isinstance(row, bytes) and row.chart == one), None)
        now = after.of(one)
        if before is not None and now is not None:
            say("  " + now_line(before, now, after))


@click.command("number")
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("number", metavar="NUMBER")
@click.argument("new", metavar="NEW")
@with_device()
def renumber(runtime: Runtime, incident_id: str, number: str, new: str, *, as_json: bool) -> None:
    """Give a casualty another number, as where two phones used one tag twice.

    NUMBER may be the beginning of the chart's id, where two have one number. Others will see: members, the number; the
    relay, that something was written.

    \b
    Example:
      fieldward incident number "Ferry, pier 4" 3f2a90bc A-0043 --home kit
    """
    from edge_runtime.audit.showing import noting_refusals

    chart, row = _casualty(runtime, incident_id, number)
    with noting_refusals(runtime.auditor, chart):
        runtime.incidents.renumber(chart, row, new)
    if as_json:
        print_json({"incident": str(chart), "chart": row.chart, "before": [*row.numbers], "number": new})
        return
    say(f"{safe(row.label)} has number {safe(new)} now. Write it on the tag.")


@click.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("number", metavar="NUMBER")
@click.option("--team", "team_id", help="The team that takes over: its name here, or its id.")
@click.option("--device", "device_id", help="The device that takes over: its id, or its user's.")
@click.option("--place", help="Where the casualty goes.")
@with_device()
def handover(
    runtime: Runtime,
    incident_id: str,
    number: str,
    *,
    team_id: str | None,
    device_id: str | None,
    place: str | None,
    as_json: bool,
) -> None:
    """Hand a casualty over: let a team or a device into its chart, with all that was written. You stay in it.

    A linked number has a chart of its own: hand that over, too. Others will see: who is let in.

    \b
    Example:
      fieldward incident handover "Ferry, pier 4" 17-K4 --team "Trauma room" --place "City hospital" --home kit
    """
    from edge_runtime.audit.showing import noting_refusals

    if (team_id is None) == (device_id is None):
        raise click.UsageError("Say who takes over: --team or --device.")
    chart, row = _casualty(runtime, incident_id, number)
    team = None if team_id is None else runtime.teams.find(team_id)
    with noting_refusals(runtime.auditor, chart):
        runtime.incidents.hand_over(chart, row, team=team, device=device_id, place=place)
    if as_json:
        told = None if team is None else str(team)
        print_json({"incident": str(chart), "chart": row.chart, "team": told, "device": device_id, "place": place})
        return
    say(f"{safe(row.label)} is handed over. Who takes over has the chart after the next sync or meeting.")
    board = runtime.incidents.board(chart)
    for other in row.linked:
        found = board.of(other)
        say(f"  NOT handed over: {safe(other[:8] if found is None else found.label)}, the same patient's other chart")


def _casualty(runtime: Runtime, incident_id: str, number: str) -> tuple[ChartId, Row]:
    chart = runtime.incidents.find(incident_id)
    return chart, runtime.incidents.casualty(chart, number)


CHANGES: Final = (identify, link, unlink, renumber, handover)
