"""Which streams of a chart somebody is fed, since when; and how long somebody was, who is no more.

One rule is the feed's own: a compliance officer who is a member gets every stream, because the headers of content are
the record of who wrote; no key opens its bodies to one. So does a kit that carries the chart sealed, for as long as
somebody is a member with content who said that it may: a kit is no way to stay for who was removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from server.relay.charts import Chart
from server.relay.parties import Party
from server.relay.stays import LASTING, Stay, common
from sync_protocol.control import content_stream, control_stream
from sync_protocol.epochs import IN_GLASS
from sync_protocol.ids import CertificateHash, StreamId
from sync_protocol.roles import CONTENT, Compartment

_ALL: Final = frozenset(Compartment)
_CONTENT: Final = frozenset(CONTENT)
_GLASS: Final = IN_GLASS | {Compartment.AUDIT}


@dataclass(slots=True)
class _Ways:
    """The ways in which somebody is a member, each with the log index since when: the earliest counts."""

    seat: int | None = None
    fed: dict[Compartment, int] = field(default_factory=dict)

    def open(self, seat: int, fed: Mapping[Compartment, int]) -> None:
        self.seat = seat if self.seat is None else min(self.seat, seat)
        for compartment, since in fed.items():
            self.fed[compartment] = min(since, self.fed.get(compartment, since))


PartyOf = Callable[[CertificateHash], Party]
"""A principal as it is now."""


def readable(chart: Chart, party: Party, party_of: PartyOf) -> dict[StreamId, int]:
    """The chart's streams that a principal is fed, each with the index since when; none for who is no member.

    Args:
        chart: of which.
        party: to whom.
        party_of: asked of those who let it carry the chart, where it is a kit.
    """
    ways = _ways(chart, party, party_of)
    if ways.seat is None:
        return {}
    found = {control_stream(chart.id): ways.seat}
    fed = {one: max(since, party.office.since.get(one, since)) for one, since in ways.fed.items()}
    for document, created in chart.documents.items():
        for compartment, since in fed.items():
            if not (chart.purged and compartment in _CONTENT):
                found[content_stream(chart.id, document, compartment)] = max(since, created)
    return found


def stays(chart: Chart, party: Party) -> tuple[Stay, ...]:
    """When a principal was a member and ceased to be: by itself, by an emergency, or by a team."""
    found = list(chart.stays.get(party.name, ()))
    for team in party.once:
        if team.compartments <= party.office.reads:
            theirs, ours = list(chart.stays.get(team.id, ())), list(team.stays.get(party.name, ()))
            theirs += [(chart.seats[team.id], LASTING)] if team.id in chart.seats else []
            ours += [(team.since[party.name], LASTING)] if party.name in team.since else []
            found += [stay for stay in common(theirs, ours) if stay[1] < LASTING]
    return tuple(found)


def _ways(chart: Chart, party: Party, party_of: PartyOf) -> _Ways:
    ways = _lasting(chart, party)
    for breaker, index in chart.broken.values():
        if breaker == party.name:
            ways.open(index, dict.fromkeys(_GLASS & party.office.reads, index))
    for author, said in chart.preloaded.get(party.name, {}).items():
        since = _standing(chart, party_of(author))
        if since is not None:
            index = max(said, since)  # who was away and is back begins anew: the kit lacks what came in between
            ways.open(index, dict.fromkeys(_ALL, index))
    return ways


def _standing(chart: Chart, party: Party) -> int | None:
    """Since when somebody is a member with content, otherwise than by a broken glass; None where it is none."""
    reads, fed = chart.lasting(party) or frozenset(), _lasting(chart, party).fed
    found = [max(fed[one], party.office.since.get(one, 0)) for one in _CONTENT & reads]
    return min(found, default=None)


def _lasting(chart: Chart, party: Party) -> _Ways:
    ways, name = _Ways(), party.name
    own = chart.entitled(party)
    if name in chart.seats:
        seat = chart.seats[name]
        given = {one: since for one, since in chart.since[name].items() if one in own}
        ways.open(seat, dict.fromkeys(_ALL, seat) if party.office.is_officer_now else given)
    for team in party.teams:
        if team.id in chart.seats and team.compartments <= party.office.reads:
            joined = team.since[name]
            given = {one: max(since, joined) for one, since in chart.since[team.id].items()}
            may = team.compartments & own
            ways.open(max(chart.seats[team.id], joined), {one: at for one, at in given.items() if one in may})
    if party.recovered is not None and not chart.is_ledger:
        index = max(party.recovered, chart.founded)
        ways.open(index, dict.fromkeys(party.office.reads, index))
    return ways
