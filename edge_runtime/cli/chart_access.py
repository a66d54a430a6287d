"""`fieldward chart` share, unshare, consent, hold, purge: who is let into a chart, for what, until when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.chart_members import device_words, member_json, membership_of, people, team_words, way_words
from edge_runtime.cli.output import print_json, say, when, with_device
from edge_runtime.destroyed import destroyed
from edge_runtime.errors import InputError
from sync_protocol.chart_records import PurgeReason, Purpose

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

    Without options: say how things stand, and destroy it here where that is due. What remains afterwards is who wrote
    when, which still verifies.
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
    if state.confirmed is not None:
        say(f"  confirmed: it is destroyed {'now' if state.due else 'from ' + when(state.confirmed[1]) + ' on'}")
    if not state.proposals and state.confirmed is None:
        say("  nothing is proposed: it stays")


COMMANDS = (share, unshare, consent, hold, purge)
"""What the group `fieldward chart` takes in."""


def _one_of(device: str | None, team: str | None) -> None:
    if (device is None) == (team is None):
        raise _usage("one of --device and --team", "both" if device else "neither")


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
