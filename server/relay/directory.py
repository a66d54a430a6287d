"""Who may read and write which stream, as far as the relay must know it: derived from stored control entries alone.

It holds ids, roles and log indices, no names. A change is drafted inside the writer's transaction and adopted after its
commit, so readers never see what is not durable. What counts here is what counts in `sync_protocol.chart_history`, but
entry by entry in the order of the log. Everybody is known by principal, so that a renewal changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from server.relay import reading
from server.relay.drafting import Draft
from server.relay.parties import Party
from server.relay.stays import Ended, Stay
from server.relay.tables import Tables
from sync_protocol.control import control_stream
from sync_protocol.ids import CertificateHash

if TYPE_CHECKING:
    from server.relay.charts import Chart
    from server.relay.rolls import Name
    from sync_protocol.certificates import Trust
    from sync_protocol.entries import Header
    from sync_protocol.ids import ChartId, SessionId, StreamId


class Directory(Tables):
    """The adopted state. One thread drafts and adopts; any thread reads."""

    def __init__(self, trust: Trust) -> None:
        """Start with an organisation that has no chart.

        Args:
            trust: the organisation's certificates, which give roles; shared with the intake.
        """
        super().__init__(trust)
        self._lock = threading.Lock()
        self.judging: list[int] = []
        """The log indices of the records on which it depends who is revoked."""
        self.to_purge: set[ChartId] = set()
        """Charts of which somebody confirmed that they are to be destroyed."""
        self.revoked_at = -1
        """The log index of the last record of a revocation; -1 before the first."""
        self._holed = False
        """Whether any chain lost a body: asked of every entry that is fed."""
        self._readable: dict[CertificateHash, Mapping[StreamId, int]] = {}
        self._ended: dict[CertificateHash, Ended] = {}

    def readable(self, name: CertificateHash) -> Mapping[StreamId, int]:
        """The streams that a device may read, with the log index since when; the same object until it changes."""
        principal = self.principal(name)
        with self._lock:
            found = self._readable.get(principal)
            if found is None:
                streams = {self.organisation: -1}
                party = self._party(principal)
                for chart in self._reached(party):
                    streams.update(reading.readable(self._charts[chart], party, self._party))
                found = self._readable[principal] = streams
            return found

    def ended(self, name: CertificateHash) -> Ended:
        """The control streams that a device may read no more; to be asked after `readable`."""
        principal = self.principal(name)
        with self._lock:
            found = self._ended.get(principal)
            if found is None:
                party = self._party(principal)
                stays: dict[StreamId, tuple[Stay, ...]] = {}
                for chart in map(self._charts.__getitem__, self._reached(party)):
                    gone = reading.stays(chart, party)
                    if gone and not reading.readable(chart, party, self._party):
                        stays[control_stream(chart.id)] = gone
                found = self._ended[principal] = Ended(stays)
            return found

    def readers(self, streams: Iterable[StreamId], first: int) -> frozenset[CertificateHash] | None:
        """Every principal whom entries in these streams concern; None for the whole organisation.

        Args:
            streams: where.
            first: the log index of the first of them: whoever left since then is to hear of that.
        """
        found: set[CertificateHash] = set(self.recoveries.recovered)
        for stream in streams:
            if stream == self.organisation:
                return None
            place = self._streams.get(stream)
            if place is not None:
                chart = self._charts[place.chart]
                found |= self._named(chart)
                found |= self._people(name for name, stays in chart.stays.items() if stays[-1][1] >= first)
        return frozenset(found)

    def draft(self) -> Draft:
        """A change to be made within one transaction."""
        return Draft(self)

    def adopt(self, draft: Draft) -> None:
        """Take over what was committed; charts come before the streams that lead to them."""
        with self._lock:
            touched = self._touched(draft)
            self._teams.update(draft.teams)
            self._team_epochs.update(draft.team_epochs)
            for name, team in draft.teams.items():
                for member in team.ever:
                    self._teams_of.setdefault(member, set()).add(name)
            self._offices.update(draft.offices)
            self.recoveries = draft.recoveries
            self._take_charts(draft.charts)
            self._streams.update(draft.streams)
            self._invitations.update(draft.invitations)
            self._certified.update(draft.certified)
            self.judging.extend(draft.judging)
            self.revoked_at = max(self.revoked_at, draft.revoked_at)
            self.to_purge |= draft.to_purge
            for chart in map(draft.charts.__getitem__, draft.reshaped):
                self._note(chart)
            self._forget(touched | self._touched(draft))

    def purging(self, name: ChartId) -> None:
        """Feed nothing of a chart's content from now on, and keep no body of what still comes of it."""
        with self._lock:
            chart = self._charts[name].copy()
            chart.purged = True
            self._charts[name] = chart
            self._forget(self._named(chart))

    def cut_off(self, name: ChartId, chains: Mapping[SessionId, int]) -> None:
        """Feed chains of a purged chart's control records no further than to where they lost a body."""
        with self._lock:
            chart = self._charts[name].copy()
            chart.cut_off.update(chains)
            self._charts[name] = chart
            self._holed = True

    def withholds(self, header: Header) -> bool:
        """Whether an entry follows one that lost its body, so that nobody new could verify its chain."""
        if not self._holed:
            return False
        place = self._streams.get(header.stream)
        chart = None if place is None or place.document is not None else self._charts[place.chart]
        return chart is not None and header.seq >= chart.cut_off.get(header.session, header.seq + 1)

    def replace(self, other: Directory) -> None:
        """Take over everything of one that was worked out anew."""
        with self._lock:
            before = self._charts
            for name in _TAKEN_OVER:
                setattr(self, name, getattr(other, name))
            for chart in before.values():
                if chart.purged and chart.id in self._charts:
                    self._charts[chart.id].purged = True
                    self._charts[chart.id].cut_off.update(chart.cut_off)
            self._holed = self._holed or other._holed
            self._readable, self._ended = {}, {}

    def renew(self, other: Directory) -> None:
        """Take over the charts of one that was worked out anew, from some of them; all else in it is as it is here."""
        with self._lock:
            for chart in other._charts.values():
                self._note(chart)
            self._take_charts(other._charts)
            self._readable, self._ended = {}, {}

    def _note(self, chart: Chart) -> None:
        self._kits.update(chart.preloaded)
        for named in chart.writers | chart.preloaded.keys():
            self._charts_of.setdefault(named, set()).add(chart.id)

    def _forget(self, principals: Iterable[CertificateHash]) -> None:
        """Work out anew, when it is asked for, what somebody is fed."""
        for principal in principals:
            self._readable.pop(principal, None)
            self._ended.pop(principal, None)

    def _take_charts(self, charts: Mapping[ChartId, Chart]) -> None:
        """Take changed charts over; a purge that was noted since they were copied stays noted."""
        for name, chart in charts.items():
            known = self._charts.get(name)
            if known is not None and known.purged:
                chart.purged = True
                chart.cut_off = {**known.cut_off, **chart.cut_off}
                self._holed = True
            self._charts[name] = chart

    def _touched(self, draft: Draft) -> set[CertificateHash]:
        """Whose streams a change may change."""
        touched = {*draft.offices, *self.recoveries.recovered, *draft.recoveries.recovered}
        if draft.offices or draft.teams or draft.recoveries is not self.recoveries:
            touched |= self._kits  # who stands behind them may have changed
        for name, changed in draft.teams.items():
            known = self._teams.get(name)
            touched |= changed.since.keys() | (set() if known is None else known.since.keys())
        for shaped in draft.reshaped:
            for chart in (self._charts.get(shaped), draft.charts[shaped]):
                touched |= set() if chart is None else self._named(chart)
        return touched

    def _named(self, chart: Chart) -> set[CertificateHash]:
        """Everybody who is fed a chart, but for those who are fed all."""
        found = {breaker for breaker, _ in chart.broken.values()} | chart.preloaded.keys()
        return found | self._people(chart.seats)

    def _people(self, names: Iterable[Name]) -> set[CertificateHash]:
        """The principals among some names, and the members of the teams."""
        found: set[CertificateHash] = set()
        for name in names:
            if isinstance(name, CertificateHash):
                found.add(name)
            elif name in self._teams:
                found |= self._teams[name].since.keys()
        return found

    def _party(self, principal: CertificateHash) -> Party:
        teams = tuple(self._teams[name] for name in self._teams_of.get(principal, ()))
        return Party(
            name=principal,
            office=self.office(principal),
            teams=tuple(team for team in teams if principal in team.since),
            once=teams,
            recovered=self.recoveries.recovered.get(principal),
        )

    def _reached(self, party: Party) -> Collection[ChartId]:
        """The charts of which somebody ever was a member, or all of them."""
        if party.recovered is not None:
            return self._charts
        found = set(self._charts_of.get(party.name, ()))
        for team in party.once:
            found |= self._charts_of.get(team.id, set())
        return found


_TAKEN_OVER: Final = (
    *(
        "_charts",
        "_streams",
        "_invitations",
        "_certified",
        "_teams",
        "_team_epochs",
        "_teams_of",
        "_charts_of",
        "_kits",
    ),
    *("_offices", "recoveries", "judging", "to_purge"),
)
