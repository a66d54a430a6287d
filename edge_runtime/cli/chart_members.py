"""`fieldward chart members`: who is in a chart, by which way, and what the patient permits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.chart_purge import destruction_json, destruction_lines
from edge_runtime.cli.output import print_json, say, when, with_device
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.access.people import Person
    from edge_runtime.runtime import Runtime
    from sync_protocol.certificates import Certificate
    from sync_protocol.ids import CertificateHash, ChartId, TeamId
    from sync_protocol.membership import Membership
    from sync_protocol.roles import Compartment


_WAYS: Final = {
    "creator": "made it",
    "officer": "as every chart's officer",
    "added": "added",
    "glass": "BROKE THE GLASS",
    "recovery": "let in by recovery",
}


@click.command()
@click.argument("chart_id", metavar="CHART")
@with_device()
def members(runtime: Runtime, chart_id: str, *, as_json: bool) -> None:
    """Show with whom a chart is shared: everybody who is in it, by which way, and what the patient permits.

    Whoever is in it by a team has the team's name beside. Others will see: nothing.

    \b
    Example:
      fieldward chart members 3f2a90bc --home tablet
    """
    found = runtime.charts.find(chart_id)
    membership, everybody = membership_of(runtime, found), people(runtime, found)
    if as_json:
        print_json(_facts(runtime, membership, everybody))
        return
    say(f"Chart {found}: {len(everybody)} {'person' if len(everybody) == 1 else 'people'}")
    ways = {one.name: way_words(runtime, one) for one in everybody}
    width = max(len(words) for words in ["IN IT", *ways.values()])
    say(f"  {'DEVICE':<10}{'ROLE':<20}{'IN IT':<{width}}  READS")
    for one in everybody:
        say(f"  {device_words(runtime, one):<30}{ways[one.name]:<{width}}  {', '.join(_words(one.reads)) or 'nothing'}")
    for team, reads in sorted(membership.teams.items()):
        count = sum(team in one.teams for one in everybody)
        say(f"  {team_words(runtime, team)}: {count} members, reads {', '.join(_words(reads)) or 'nothing'}")
    for purpose, permitted in membership.consents.items():
        say(f"  consent to {purpose.value.replace('_', ' ')}: {'permitted' if permitted else 'DENIED'}")
    for broken in membership.broken:
        device = _certificate(runtime, broken.author).device.short
        say(f"  GLASS BROKEN by {device} ({broken.act.reason.value}), {when(broken.wall_ms)}")
    if membership.held:
        say("  legal hold: nothing of it is destroyed")
    for line in destruction_lines(runtime.access.retention(found), found):
        say(f"  {line}")


def people(runtime: Runtime, chart: ChartId) -> tuple[Person, ...]:
    """Everybody in a chart, each with the ways by which it is."""
    from edge_runtime.access.people import people_of

    return people_of(membership_of(runtime, chart), runtime.keyring.organisation())


def membership_of(runtime: Runtime, chart: ChartId) -> Membership:
    """Who is in a chart that is listed here."""
    found = runtime.keyring.membership(chart)
    assert found is not None, "a listed chart has a beginning"
    return found


def device_words(runtime: Runtime, one: Person) -> str:
    """A member's device and role, in columns."""
    roles = " and ".join(role.value.replace("_", " ") for role in one.roles)
    return f"{_certificate(runtime, one.name).device.short:<10}{roles}"


def way_words(runtime: Runtime, one: Person) -> str:
    """How a member is in a chart, for people."""
    ways = [_WAYS[way.value] for way in one.ways if way.value in _WAYS]
    words = ", ".join([*ways, *(team_words(runtime, team) for team in one.teams)])
    return f"{words} (you)" if one.name == runtime.identity.principal else words


def team_words(runtime: Runtime, team: TeamId) -> str:
    """A team by its name on this device, or the beginning of its id."""
    name = safe(runtime.teams.name(team))
    return f"team {name}" if name else f"team {team.short}"


def member_json(runtime: Runtime, one: Person) -> dict[str, Any]:
    """A member, for machines."""
    return _identity(runtime, one.name) | {
        "roles": [role.value for role in one.roles],
        "ways": [way.value for way in one.ways],
        "teams": [str(team) for team in one.teams],
        "reads": _words(one.reads),
    }


def _facts(runtime: Runtime, membership: Membership, everybody: tuple[Person, ...]) -> dict[str, Any]:
    return {
        "chart": str(membership.chart),
        "members": [member_json(runtime, one) for one in everybody],
        "teams": [
            {
                "team": str(team),
                "name": runtime.teams.name(team),
                "members": sum(team in one.teams for one in everybody),
                "reads": _words(reads),
            }
            for team, reads in sorted(membership.teams.items())
        ],
        "consents": {purpose.value: permitted for purpose, permitted in membership.consents.items()},
        "broken": [
            _identity(runtime, one.author)
            | {"entry": str(one.record), "reason": one.act.reason.value, "at_ms": one.wall_ms}
            for one in membership.broken
        ],
        "held": membership.held,
        "destruction": destruction_json(runtime.access.retention(membership.chart)),
    }


def _identity(runtime: Runtime, name: CertificateHash) -> dict[str, Any]:
    value = _certificate(runtime, name)
    return {"principal": str(name), "device": str(value.device), "user": str(value.user)}


def _certificate(runtime: Runtime, name: CertificateHash) -> Certificate:
    found = runtime.identity.trust.certificate(name)
    assert found is not None, "members have known certificates"
    return found.value


def _words(reads: frozenset[Compartment]) -> list[str]:
    return [one.name.lower() for one in sorted(reads)]
