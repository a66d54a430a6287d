"""`fieldward chart` share, unshare, consent, hold: who is let into a chart, for what, until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.chart_members import device_words, member_json, membership_of, people, team_words, way_words
from edge_runtime.cli.chart_purge import purge
from edge_runtime.cli.output import print_json, say, with_device
from edge_runtime.errors import InputError
from sync_protocol.chart_records import Purpose

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.option("--device", "device_id", help="The device's id or its user's, or the beginning of it.")
@click.option("--team", "team_id", help="The team's name on this device, its id, or the beginning of it.")
@click.option("--from-now-on", is_flag=True, help="Without what was written before.")
@with_device()
def share(
    runtime: Runtime, chart_id: str, device_id: str | None, team_id: str | None, *, from_now_on: bool, as_json: bool
) -> None:
    """Let a device's user, or a team, into a chart, with what was written so far.

    Others will see: that it is a member. It reads the compartments of its role, and no more.

    \b
    Examples:
      fieldward chart share 3f2a90bc --team "Ward 3" --home tablet
      fieldward chart share 3f2a90bc --device 77ab01de --home tablet
    """
    from edge_runtime.audit.showing import noting_refusals

    found = runtime.charts.find(chart_id)
    _one_of(device_id, team_id)
    past = "from now on" if from_now_on else "with what was written so far"
    with noting_refusals(runtime.auditor, found):
        if team_id is not None:
            team = runtime.teams.find(team_id)
            runtime.access.share_with_team(found, team, from_now_on=from_now_on)
            facts: dict[str, Any] = {"chart": str(found), "team": str(team)}
            reads = membership_of(runtime, found).teams[team]
            words = f"Chart {found.short} is shared with {team_words(runtime, team)} now, {past}. It reads: "
        else:
            name = runtime.charts.share(found, str(device_id), from_now_on=from_now_on)
            facts = {"chart": str(found), "certificate": str(name)}
            reads = membership_of(runtime, found).members[name]
            words = f"Chart {found.short} is shared with device {str(device_id)[:8]} now, {past}. It reads: "
    named = [one.name.lower() for one in sorted(reads)]
    if as_json:
        print_json(facts | {"compartments": named, "from_now_on": from_now_on})
        return
    say(f"{words}{', '.join(named)}.")


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.option("--device", "device_id", help="The device's id or its user's, or the beginning of it.")
@click.option("--team", "team_id", help="The team's name on this device, its id, or the beginning of it.")
@with_device()
def unshare(runtime: Runtime, chart_id: str, device_id: str | None, team_id: str | None, *, as_json: bool) -> None:
    """Take a device's user, or a team, out of a chart. Members who read it do this; its creator leaves by itself alone.

    What it read stays read. What is written from now on is under new keys, which it does not get.
    Others will see: that it is a member no more.

    \b
    Example:
      fieldward chart unshare 3f2a90bc --device 77ab01de --home tablet
    """
    from edge_runtime.audit.showing import noting_refusals

    found = runtime.charts.find(chart_id)
    _one_of(device_id, team_id)
    with noting_refusals(runtime.auditor, found):
        if team_id is not None:
            team = runtime.teams.find(team_id)
            before = {one.name for one in people(runtime, found) if team in one.teams}
            runtime.access.unshare_team(found, team)
            facts, words = {"team": str(team)}, team_words(runtime, team)
        else:
            name = runtime.access.unshare(found, str(device_id))
            before = {name}
            facts, words = {"certificate": str(name)}, f"device {str(device_id)[:8]}"
    left = [one for one in people(runtime, found) if one.name in before]
    if as_json:
        print_json({"chart": str(found)} | facts | {"still_in": [member_json(runtime, one) for one in left]})
        return
    say(f"Chart {found.short} is shared with {words} no more. The next change is written under a new key.")
    for one in left:
        say(f"  still in it: {device_words(runtime, one)}, {way_words(runtime, one)}")


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("purpose", type=click.Choice([purpose.value for purpose in Purpose]))
@click.option("--permit/--deny", "permitted", required=True, help="What the patient says.")
@with_device()
def consent(runtime: Runtime, chart_id: str, purpose: str, *, permitted: bool, as_json: bool) -> None:
    """Record what the patient permits, or permits no longer. A denial wins over a permission that did not see it.

    A denied treatment closes the chart on every device that learns of it; breaking the glass stays possible.
    Others will see: the purpose and the answer, the relay included.

    \b
    Example:
      fieldward chart consent 3f2a90bc research --deny --home tablet
    """
    from edge_runtime.audit.showing import noting_refusals

    found = runtime.charts.find(chart_id)
    with noting_refusals(runtime.auditor, found):
        runtime.access.consent(found, Purpose(purpose), permitted=permitted)
    if as_json:
        print_json({"chart": str(found), "purpose": purpose, "permitted": permitted})
        return
    say(f"The patient {'permits' if permitted else 'denies'} {purpose.replace('_', ' ')} in chart {found.short}.")
    if not permitted and purpose == Purpose.TREATMENT.value:
        say("  It is closed to everybody who learns of this, you included; --permit opens it again.")


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.option("--on/--off", "held", required=True, help="Begin or end it.")
@with_device()
def hold(runtime: Runtime, chart_id: str, *, held: bool, as_json: bool) -> None:
    """Begin or end a legal hold: while it is on, nothing of the chart is destroyed. Compliance officers do this.

    Others will see: that there is a hold.

    \b
    Example:
      fieldward chart hold 3f2a90bc --on --home officer
    """
    found = runtime.charts.find(chart_id)
    runtime.access.hold(found, held=held)
    if as_json:
        print_json({"chart": str(found), "held": held})
        return
    if held:
        say(f"Chart {found.short} is under a legal hold: nothing of it is destroyed until every hold is off.")
    else:
        say(f"Chart {found.short} is under no legal hold, as far as is known here.")


COMMANDS = (share, unshare, consent, hold, purge)
"""What the group `fieldward chart` takes in."""


def _one_of(device: str | None, team: str | None) -> None:
    if (device is None) == (team is None):
        raise _usage("one of --device and --team", "both" if device else "neither")


def _usage(expected: str, got: str) -> InputError:
    return InputError("usage", expected=expected, got=got, do="see --help")
