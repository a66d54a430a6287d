"""What one transaction adds to the directory's tables: it looks like the directory with the additions in it.

Owns the copies, no rule: a chart or team that is changed is copied first, so that readers of the directory see nothing
of a transaction that may yet be undone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from server.relay.charts import Chart
from server.relay.offices import Office
from server.relay.parties import Party, Place
from server.relay.stored import Stored, destroys
from server.relay.teams import Team
from sync_protocol.control import Control, Invite, UnknownControl, content_stream
from sync_protocol.ids import CertificateHash, ChartId, DeviceId, DocumentId, EntryHash, InvitationId, StreamId, TeamId
from sync_protocol.roles import Compartment

if TYPE_CHECKING:
    from server.relay.directory import Directory
    from sync_protocol.entries import Header


class Additions:
    """Tables over those of a directory, and its own copy of each chart and team that a transaction changes."""

    def __init__(self, base: Directory) -> None:
        """Begin with nothing added."""
        self._base = base
        self.organisation: Final = base.organisation
        self.charts: dict[ChartId, Chart] = {}
        self.streams: dict[StreamId, Place] = {}
        self.invitations: dict[InvitationId, Invite] = {}
        self.certified: dict[DeviceId, CertificateHash] = {}
        self.teams: dict[TeamId, Team] = {}
        self.team_epochs: dict[EntryHash, TeamId] = {}
        self._joined: dict[CertificateHash, set[TeamId]] = {}
        self.offices: dict[CertificateHash, Office] = {}
        self.recoveries = base.recoveries
        self.judging: list[int] = []
        self.revoked_at = -1
        self.reshaped: set[ChartId] = set()
        self.to_purge: set[ChartId] = set()

    def principal(self, name: bytes) -> CertificateHash:
        """The (device, user) of a certificate."""
        return self._base.principal(name)

    def office(self, principal: CertificateHash) -> Office:
        """The roles of a principal."""
        return self.offices.get(principal) or self._base.office(principal)

    def is_administrator(self, principal: CertificateHash) -> bool:
        """Whether its certificate says so."""
        return self._base.is_administrator(principal)

    def place(self, stream: StreamId) -> Place | None:
        """Where a chart's stream belongs."""
        return self.streams.get(stream) or self._base.place(stream)

    def chart(self, name: ChartId) -> Chart | None:
        """A chart, not to be changed."""
        return self.charts.get(name) or self._base.chart(name)

    def team(self, name: TeamId) -> Team | None:
        """A team, not to be changed."""
        return self.teams.get(name) or self._base.team(name)

    def team_of(self, epoch: EntryHash) -> TeamId | None:
        """The team of one of its epochs."""
        return self.team_epochs.get(epoch) or self._base.team_of(epoch)

    def teams_of(self, principal: CertificateHash) -> Collection[TeamId]:
        """The teams to which a principal ever belonged."""
        return self._joined.get(principal, set()).union(self._base.teams_of(principal))

    @property
    def changes_revocations(self) -> bool:
        """Whether it may have changed who is revoked."""
        return self.revoked_at >= 0 or (bool(self.judging) and self._base.revoked_at >= 0)

    @property
    def base(self) -> Directory:
        """What was committed before."""
        return self._base

    def keeps_body(self, stream: StreamId, record: Control | UnknownControl | None) -> bool:
        """Whether an entry's body is to be stored: of a chart that is being destroyed, what `destroys` does not say."""
        place = self.place(stream)
        chart = None if place is None else self._base.chart(place.chart)
        return chart is None or place is None or not chart.purged or not destroys(chart, place, record)

    def cut_off(self, header: Header) -> None:
        """Feed a chain no further than to this entry, whose body was not kept."""
        place = self.place(header.stream)
        assert place is not None, "admission knows the stream"
        if place.document is None:
            chains = self._known(place.chart, reshaped=False).cut_off
            chains[header.session] = min(header.seq, chains.get(header.session, header.seq))

    def _party(self, author: CertificateHash) -> Party:
        found = (self.team(name) for name in self.teams_of(author))
        teams = tuple(team for team in found if team is not None)
        return Party(
            name=author,
            office=self.office(author),
            teams=tuple(team for team in teams if author in team.since),
            once=teams,
            recovered=self.recoveries.recovered.get(author),
        )

    def _join(self, team: Team, member: CertificateHash) -> None:
        team.ever.add(member)
        self._joined.setdefault(member, set()).add(team.id)

    def _changed_team(self, name: TeamId) -> Team:
        team = self.teams.get(name)
        if team is None:
            known = self._base.team(name)
            assert known is not None, "admission knows the team"
            team = self.teams[name] = known.copy()
        return team

    def _chart_of(self, stored: Stored, *, reshaped: bool) -> Chart:
        place = self.place(stored.stream)
        assert place is not None, "admission knows the stream"
        return self._known(place.chart, reshaped=reshaped)

    def _known(self, name: ChartId, *, reshaped: bool) -> Chart:
        chart = self.chart(name)
        assert chart is not None, "a stream's chart is known"
        return self._changed(name, chart.creator, reshaped=reshaped)

    def _changed(self, name: ChartId, author: CertificateHash, *, reshaped: bool) -> Chart:
        """The draft's own copy of a chart; a new one, of this author, where there is none."""
        chart = self.charts.get(name)
        if chart is None:
            known = self._base.chart(name)
            chart = self.charts[name] = Chart(name, author) if known is None else known.copy()
        if reshaped:
            self.reshaped.add(name)
        return chart

    def _document(self, chart: Chart, document: DocumentId, index: int) -> None:
        if document in chart.documents:
            return
        chart.documents[document] = index
        for compartment in Compartment:
            place = Place(chart.id, document, compartment)
            self.streams.setdefault(content_stream(chart.id, document, compartment), place)
