"""Who is in a chart, by which way: made it, was added, belongs to a team, broke the glass, was let in by recovery.

Owns telling the ways apart, for people who look. Who is a member follows from the records: `sync_protocol.membership`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync_protocol.ids import CertificateHash, TeamId
from sync_protocol.membership import Membership
from sync_protocol.organisation import Organisation
from sync_protocol.roles import Compartment, Role


class Way(StrEnum):
    """How somebody came to be in a chart."""

    CREATOR = "creator"
    OFFICER = "officer"
    ADDED = "added"
    TEAM = "team"
    GLASS = "glass"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of a chart.

    Attributes:
        name: the principal.
        reads: what it may read in the chart.
        roles: those that bind it, in order.
        ways: each by which it is in the chart, in the order of Way.
        teams: those of the chart's teams to which it belongs, in order of id.
    """

    name: CertificateHash
    reads: frozenset[Compartment]
    roles: tuple[Role, ...]
    ways: tuple[Way, ...]
    teams: tuple[TeamId, ...]


def people_of(membership: Membership, organisation: Organisation) -> tuple[Person, ...]:
    """Everybody in a chart: whoever is in it alone first, then by team, in order of principals."""
    view = organisation.now
    teams = {team: known.members for team in membership.teams if (known := view.team(team)) is not None}
    broken = {one.author for one in membership.broken}
    found: list[Person] = []
    for name, reads in membership.members.items():
        roles, own = tuple(sorted(view.roles(name))), tuple(sorted(t for t, some in teams.items() if name in some))
        direct = name in membership.direct
        ways = {
            Way.CREATOR: direct and name == membership.creator,
            Way.OFFICER: direct and name != membership.creator and roles == (Role.COMPLIANCE_OFFICER,),
            Way.ADDED: direct and name != membership.creator and roles != (Role.COMPLIANCE_OFFICER,),
            Way.TEAM: bool(own),
            Way.GLASS: name in broken,
            Way.RECOVERY: name in view.recovered,
        }
        by = tuple(way for way, holds in ways.items() if holds)
        found.append(Person(name=name, reads=reads, roles=roles, ways=by, teams=own))
    order = list(Way)
    return tuple(sorted(found, key=lambda one: (order.index(one.ways[0]), one.teams, one.name)))
