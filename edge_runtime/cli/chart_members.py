"""`fieldward chart members`: who is in a chart, by which way, and what the patient permits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.output import print_json, say, when, with_device
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import CertificateHash
    from sync_protocol.membership import Membership


@click.command()
@click.argument("chart_id", metavar="CHART")
@with_device()
def members(runtime: Runtime, chart_id: str, *, as_json: bool) -> None:
    """Show who is in a chart, by which way, and what the patient permits.

    Others will see: nothing.

    \b
    Example:
      fieldward chart members 3f2a90bc --home tablet
    """
    found = runtime.charts.find(chart_id)
    membership = runtime.keyring.membership(found)
    assert membership is not None, "a listed chart has a beginning"
    if as_json:
        print_json(_facts(runtime, membership))
        return
    say(f"Chart {found}")
    for name, reads in sorted(membership.members.items()):
        one = _member(runtime, name)
        mark = "  (you)" if name == runtime.identity.principal else ""
        say(f"  {one['device'][:8]}  {', '.join(one['roles']):<20} reads {', '.join(_words(reads))}{mark}")
    for team, reads in sorted(membership.teams.items()):
        say(f"  team {team.short} {safe(runtime.teams.name(team))}  reads {', '.join(_words(reads))}")
    for purpose, permitted in membership.consents.items():
        say(f"  consent to {purpose.value.replace('_', ' ')}: {'permitted' if permitted else 'DENIED'}")
    for broken in membership.broken:
        device = _member(runtime, broken.author)["device"][:8]
        say(f"  GLASS BROKEN by {device} ({broken.act.reason.value}), {when(broken.wall_ms)}")
    if membership.held:
        say("  legal hold: nothing of it is destroyed")


def _facts(runtime: Runtime, membership: Membership) -> dict[str, Any]:
    return {
        "chart": str(membership.chart),
        "members": [
            _member(runtime, name) | {"reads": _words(reads)} for name, reads in sorted(membership.members.items())
        ],
        "teams": [
            {"team": str(team), "name": runtime.teams.name(team), "reads": _words(reads)}
            for team, reads in sorted(membership.teams.items())
        ],
        "consents": {purpose.value: permitted for purpose, permitted in membership.consents.items()},
        "broken": [
            _member(runtime, one.author)
            | {"entry": str(one.record), "reason": one.act.reason.value, "at_ms": one.wall_ms}
            for one in membership.broken
        ],
        "held": membership.held,
    }


def _member(runtime: Runtime, name: CertificateHash) -> dict[str, Any]:
    certificate = runtime.identity.trust.certificate(name)
    assert certificate is not None, "members have known certificates"
    roles = runtime.keyring.organisation().now.roles(name)
    return {
        "principal": str(name),
        "device": str(certificate.value.device),
        "user": str(certificate.value.user),
        "roles": sorted(role.value for role in roles),
    }


def _words(reads: frozenset[Any]) -> list[str]:
    return [one.name.lower() for one in sorted(reads)]
