"""`fieldward team`: care teams, whose members share what is shared with the team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.output import print_json, say, with_device
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.access.teams import TeamCard
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import TeamId

_SHOWN_MAX: Final = 8


@click.group()
def team() -> None:
    """Make care teams, and let people in and out."""


@team.command()
@click.option("--name", default="", help="What to call it. The name stays on this device.")
@click.option("--sensitive", is_flag=True, help="It may be given what law or patient keeps apart: physicians only.")
@with_device()
def create(runtime: Runtime, name: str, *, sensitive: bool, as_json: bool) -> None:
    """Make a team. This device's user is its first member.

    Others will see: that a team exists, and who belongs to it; its name never leaves this device.

    \b
    Example:
      fieldward team create --name "Ward 3" --home tablet
    """
    made = runtime.teams.create(name, sensitive=sensitive)
    if as_json:
        print_json({"team": str(made), "name": name})
        return
    say(f"Team {made} is made{f', called {safe(name)} on this device' if name else ''}. You are its first member.")
    say(f"Next: fieldward team add {made.short} DEVICE; 'fieldward device list' shows the devices")


@team.command()
@click.argument("team_id", metavar="TEAM")
@click.argument("device_id", metavar="DEVICE")
@click.option("--from-now-on", is_flag=True, help="Without what was written before.")
@with_device()
def add(runtime: Runtime, team_id: str, device_id: str, *, from_now_on: bool, as_json: bool) -> None:
    """Add the user of a device to a team. Members do this.

    Others will see: that it belongs to the team. It reads whatever is shared with the team, as its role allows.

    \b
    Example:
      fieldward team add "Ward 3" 77ab01de --home tablet
    """
    found = runtime.teams.find(team_id)
    name = runtime.teams.add(found, device_id, from_now_on=from_now_on)
    if as_json:
        print_json({"team": str(found), "principal": str(name), "from_now_on": from_now_on})
        return
    past = "from now on" if from_now_on else "with what was written so far"
    say(f"Device {device_id[:8]} belongs to {_called(runtime, found)} now, {past}. It has the keys once both sync.")


@team.command()
@click.argument("team_id", metavar="TEAM")
@click.argument("device_id", metavar="DEVICE")
@with_device()
def remove(runtime: Runtime, team_id: str, device_id: str, *, as_json: bool) -> None:
    """Take the user of a device out of a team. Members and administrators do this.

    What it read stays read. What is written from now on is under new keys, which it does not get.
    Others will see: that it belongs to the team no more.

    \b
    Example:
      fieldward team remove "Ward 3" 77ab01de --home tablet
    """
    found = runtime.teams.find(team_id)
    name = runtime.teams.remove(found, device_id)
    if as_json:
        print_json({"team": str(found), "principal": str(name)})
        return
    say(f"Device {device_id[:8]} belongs to {_called(runtime, found)} no more. What it read stays read.")
    say("Charts that are shared with the team are written under new keys from their next change on.")


@team.command("name")
@click.argument("team_id", metavar="TEAM")
@click.argument("name", default="")
@with_device()
def call(runtime: Runtime, team_id: str, name: str, *, as_json: bool) -> None:
    """Give a team a name on this device; without NAME it has none again.

    Others will see: nothing.

    \b
    Example:
      fieldward team name 3f2a90bc "Ward 3" --home tablet
    """
    found = runtime.teams.find(team_id)
    runtime.teams.call(found, name)
    if as_json:
        print_json({"team": str(found), "name": name})
        return
    say(f"Team {found.short} is called {safe(name)!r} here." if name else f"Team {found.short} has no name here.")


@team.command("list")
@with_device()
def list_(runtime: Runtime, *, as_json: bool) -> None:
    """List the teams of the organisation, your own first, with how many charts on this device are shared with each.

    Others will see: nothing.

    \b
    Example:
      fieldward team list --home tablet
    """
    cards = runtime.teams.cards()
    if as_json:
        print_json({"teams": [_facts(card) for card in cards]})
        return
    if not cards:
        say("No teams yet. Make one: fieldward team create --name NAME")
        return
    say(f"{'TEAM':<10}{'NAME':<24}{'MEMBERS':>8}{'CHARTS':>8}  READS")
    for card in cards:
        mark = "" if card.belongs else "  (not yours)"
        name = safe(card.name) or "-"
        say(f"{card.team.short:<10}{name:<24}{len(card.members):>8}{len(card.charts):>8}  {_reads(card)}{mark}")


@team.command()
@click.argument("team_id", metavar="TEAM")
@with_device()
def show(runtime: Runtime, team_id: str, *, as_json: bool) -> None:
    """Show who belongs to a team.

    Others will see: nothing.

    \b
    Example:
      fieldward team show "Ward 3" --home tablet
    """
    found = runtime.teams.find(team_id)
    card = next(card for card in runtime.teams.cards() if card.team == found)
    view, trust = runtime.keyring.organisation().now, runtime.identity.trust
    members: list[dict[str, Any]] = []
    for name in sorted(card.members):
        certificate = trust.certificate(name)
        assert certificate is not None, "members have known certificates"
        members.append(
            {
                "principal": str(name),
                "device": str(certificate.value.device),
                "user": str(certificate.value.user),
                "roles": sorted(role.value for role in view.roles(name)),
                "this_device": name == runtime.identity.principal,
            }
        )
    if as_json:
        print_json(_facts(card) | {"members": members})
        return
    say(f"Team {card.team}  {safe(card.name)}".rstrip())
    charts = "1 chart here is" if len(card.charts) == 1 else f"{len(card.charts)} charts here are"
    say(
        f"  may be given {_reads(card)}; {charts} shared with it{', ' * bool(card.charts)}"
        f"{', '.join(one.short for one in card.charts[:_SHOWN_MAX])}{' ...' if len(card.charts) > _SHOWN_MAX else ''}"
    )
    say(f"  {'DEVICE':<10}{'USER':<10}ROLE")
    for one in members:
        mark = "  (you)" if one["this_device"] else ""
        roles = " and ".join(role.replace("_", " ") for role in one["roles"])
        say(f"  {one['device'][:8]:<10}{one['user'][:8]:<10}{roles}{mark}")
    if not card.belongs:
        say("  you are no member")


def _called(runtime: Runtime, found: TeamId) -> str:
    name = safe(runtime.teams.name(found))
    return f"team {name} ({found.short})" if name else f"team {found.short}"


def _facts(card: TeamCard) -> dict[str, Any]:
    return {
        "team": str(card.team),
        "name": card.name,
        "belongs": card.belongs,
        "compartments": [one.name.lower() for one in sorted(card.compartments)],
        "members": [str(name) for name in sorted(card.members)],
        "charts": [str(chart) for chart in card.charts],
    }


def _reads(card: TeamCard) -> str:
    from edge_runtime.access.teams import reads_in_words

    return reads_in_words(card.compartments)
