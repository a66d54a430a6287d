"""`fieldward incident`: a mass-casualty incident. Nothing here needs a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge_runtime.cli.incident_changes import CHANGES
from edge_runtime.cli.incident_triage import TRIAGING
from edge_runtime.cli.output import print_json, say, with_device, working

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime


@click.group()
def incident() -> None:
    """Casualties by number: registered, triaged, identified, linked, handed over. Phones need no network for it.

    INCIDENT is its title or its chart's id, or the beginning of that; NUMBER what stands on the tag, as 17-K4, or its
    digits where only one casualty has them.
    """


for _command in (*TRIAGING, *CHANGES):
    incident.add_command(_command)


@incident.command()
@click.argument("title")
@click.option("--team", "team_id", help="Who works in it: a team's name or id. A new team of yours unless you say.")
@with_device()
def new(runtime: Runtime, title: str, *, team_id: str | None, as_json: bool) -> None:
    """Open an incident, while the phones that will work in it can still sync or meet.

    Others will see: that a chart exists, and that it is shared with a team; nothing that is in it.

    \b
    Example:
      fieldward incident new "Ferry, pier 4" --team "Night crew" --home kit
    """
    made_team = team_id is None
    team = (
        runtime.teams.create(title[:_TEAM_CHARS], sensitive=False) if team_id is None else runtime.teams.find(team_id)
    )
    made = runtime.incidents.begin(title, team)
    if as_json:
        print_json({"incident": str(made), "team": str(team), "team_is_new": made_team})
        return
    say(f"Incident {made} is open.")
    if made_team:
        say(f"Team {team.short} is made for it. You are its first member.")
        say(f"Next: fieldward team add {team.short} DEVICE, for every phone; then let them sync or meet")
    else:
        say("Next: let everybody of the team sync or meet, so that their phones have it")
    say(f"Then: fieldward incident add {made.short} --to red")


_TEAM_CHARS = 64


@incident.command("list")
@with_device()
def list_incidents(runtime: Runtime, *, as_json: bool) -> None:
    """List the incidents on this device.

    Others will see: that you listed them.

    \b
    Example:
      fieldward incident list --home phone
    """
    from edge_runtime.cli.incident_text import incident_line

    with working("Opening charts", as_json=as_json):
        found = [(one, runtime.incidents.board(one.chart)) for one in runtime.incidents.known()]
    if found:
        runtime.auditor.listed(opened.chart for opened, _ in found)
    if as_json:
        rows = [
            {
                "incident": str(opened.chart),
                "title": board.title,
                "patients": board.patients,
                "numbers": len(board.rows),
            }
            for opened, board in found
        ]
        print_json({"incidents": rows})
        return
    for opened, board in found:
        say(incident_line(opened.chart, board))
    if not found:
        say("No incident is here yet. Open one: fieldward incident new TITLE; or sync, or meet whoever did.")


@incident.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("number", metavar="[NUMBER]", required=False)
@click.option(
    "--overdue", type=click.IntRange(1, 1440), default=30, show_default=True,
    help="Minutes after which a casualty should be looked at again.",
)  # fmt: skip
@with_device()
def show(runtime: Runtime, incident_id: str, number: str | None, *, overdue: int, as_json: bool) -> None:
    """Show everybody, the most urgent first; or all that was said of one casualty.

    Others will see: that you read it.

    \b
    Examples:
      fieldward incident show "Ferry, pier 4" --home kit
      fieldward incident show "Ferry, pier 4" 17-K4 --home kit
    """
    from edge_runtime.audit.showing import open_to_show
    from edge_runtime.cli.incident_json import board_json, row_json
    from edge_runtime.cli.incident_text import print_board, print_casualty
    from edge_runtime.incidents.row import Presence
    from sync_protocol.ids import ChartId

    incidents, now_ms = runtime.incidents, runtime.surroundings.clock()
    with working("Opening charts", as_json=as_json):
        chart = incidents.find(incident_id)
        board = incidents.board(chart)
    if number is not None:
        row = incidents.chosen(board, number)
        if row.presence is not Presence.NOT_HERE:
            open_to_show(runtime.charts, runtime.auditor, ChartId.parse(row.chart))
        if as_json:
            print_json(row_json(row, board, now_ms=now_ms))
        else:
            print_casualty(row, board, now_ms=now_ms)
        return
    here = [ChartId.parse(row.chart) for row in board.rows if row.presence is Presence.HERE]
    runtime.auditor.listed([chart, *here])
    if as_json:
        print_json(board_json(chart, board, now_ms=now_ms, overdue_min=overdue))
        return
    print_board(chart, board, now_ms=now_ms, overdue_min=overdue)
