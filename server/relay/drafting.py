"""What one transaction adds to the directory: it looks like the directory with the additions in it.

Records that a revocation excludes are applied too: they name streams and epochs, and make writers of whom they add, so
that what hangs on them is taken. But they open no feed, and they close none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from server.relay.charts import Chart
from server.relay.offices import Office
from server.relay.parties import Party, Place
from server.relay.rolls import Name
from server.relay.stored import Stored, destroys
from server.relay.teams import Team
from sync_protocol.certificates import Certificate
from sync_protocol.chart_records import AddTeam, ConfirmPurge, Preload, RemoveMember, RemoveTeam
from sync_protocol.control import (
    AddMember,
    Certify,
    Control,
    CreateChart,
    CreateDocument,
    Invite,
    MintEpoch,
    SetRole,
    UnknownControl,
    chart_id,
    content_stream,
    control_stream,
)
from sync_protocol.emergency_records import (
    AnnounceRecovery,
    BreakGlass,
    CloseBreakGlass,
    GrantRecovered,
    RecoveryRecord,
)
from sync_protocol.ids import CertificateHash, ChartId, DeviceId, DocumentId, EntryHash, InvitationId, StreamId, TeamId
from sync_protocol.revocation import Revoke
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Signed, Verified
from sync_protocol.team_records import TEAM_KINDS, AddToTeam, CreateTeam, MintTeamEpoch, RemoveFromTeam, team_id

if TYPE_CHECKING:
    from server.relay.directory import Directory
    from sync_protocol.entries import Header


class Draft:
    """What one transaction adds."""

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

    def apply(self, stored: Stored) -> None:
        """Add what an admitted and stored control entry says."""
        record = stored.record
        match record:
            case Invite():
                if self._base.invitation(record.invitation) is None:
                    self.invitations.setdefault(record.invitation, record)
            case Certify() | Revoke():
                self.judging.append(stored.index)
                if isinstance(record, Revoke):
                    self.revoked_at = stored.index
                else:
                    certificate = Signed(Certificate, record.certificate)
                    self.certified[certificate.claimed().device] = CertificateHash(certificate.hash)
            case SetRole():
                self._set_role(record, stored)
            case AnnounceRecovery():
                self.recoveries = self.recoveries.announced(Verified.from_store(RecoveryRecord, record.record))
            case GrantRecovered():
                name = self.principal(record.certificate)
                self.recoveries = self.recoveries.granted(record.recovery, name, stored.index)
            case _ if isinstance(record, TEAM_KINDS):
                self._apply_team(record, stored)
            case _ if stored.stream != self.organisation:
                self._apply_chart(record, stored)
            case _:
                pass

    def _set_role(self, record: SetRole, stored: Stored) -> None:
        name = self.principal(record.certificate)
        if Role.ADMIN in {record.role, self.office(name).certified}:
            return
        if stored.undone is not None:
            self.offices[name] = self.office(name).restored(stored.undone)
        elif self.is_administrator(stored.author):
            self.offices[name] = self.office(name).changed(record.role, stored.name, stored.index, stored.saw)

    def _apply_team(self, record: Control | UnknownControl, stored: Stored) -> None:
        match record:
            case CreateTeam():
                name = team_id(stored.author, record.nonce)
                known = self.team(name)
                team = Team(name, frozenset(record.compartments)) if known is None else known.copy()
                self.teams[name] = team
                self._join(team, stored.author)
                if stored.undone is None:
                    team.add(stored.author, stored.name, stored.index, stored.saw)
            case AddToTeam():
                team, member = self._changed_team(record.team), self.principal(record.certificate)
                self._join(team, member)
                if stored.undone is None and self._counts(team, stored):
                    team.add(member, stored.name, stored.index, stored.saw)
            case RemoveFromTeam():
                team, member = self._changed_team(record.team), self.principal(record.certificate)
                if stored.undone is not None:
                    team.restore(member, stored.undone)
                elif self.is_administrator(stored.author) or self._belongs(team, stored.author):
                    team.remove(member, stored.name, stored.index, stored.saw)
            case MintTeamEpoch():
                self.team_epochs[stored.name] = record.team
            case _:
                pass

    def _apply_chart(self, record: Control | UnknownControl, stored: Stored) -> None:
        match record:
            case CreateChart() if control_stream(chart_id(stored.author, record.nonce)) == stored.stream:
                chart = self._changed(chart_id(stored.author, record.nonce), stored.author, reshaped=True)
                self.streams[stored.stream] = Place(chart.id)
                chart.writers.add(stored.author)
                if stored.undone is None:
                    chart.found(stored.by)
                self._document(chart, record.document, stored.index)
            case CreateDocument():
                self._document(self._chart_of(stored, reshaped=True), record.document, stored.index)
            case MintEpoch():
                self._chart_of(stored, reshaped=False).epochs[stored.name] = record.compartment
            case AddMember():
                self._add(self.principal(record.certificate), record.compartments, stored)
            case AddTeam():
                self._add(record.team, record.compartments, stored)
            case RemoveMember() | RemoveTeam():
                leaves = record.team if isinstance(record, RemoveTeam) else self.principal(record.certificate)
                self._remove(leaves, stored)
            case ConfirmPurge():
                self.to_purge.add(self._chart_of(stored, reshaped=False).id)
            case BreakGlass() | CloseBreakGlass() | Preload():
                self._emergency(record, stored)
            case _:
                pass

    def _emergency(self, record: BreakGlass | CloseBreakGlass | Preload, stored: Stored) -> None:
        chart = self._chart_of(stored, reshaped=True)
        if isinstance(record, BreakGlass):
            chart.writers.add(stored.author)
        if stored.undone is not None:
            return
        if isinstance(record, BreakGlass):
            chart.break_glass(stored.author, stored.name, stored.index)
        elif isinstance(record, Preload):
            chart.preload(self.principal(record.certificate), stored.index)
        elif record.record in chart.broken and self._are_two(chart.broken[record.record][0], stored.author):
            chart.close_glass(self._party(stored.author), record.record, stored.index)

    def _are_two(self, one: CertificateHash, other: CertificateHash) -> bool:
        """Whether two principals are of two users."""
        found = [self._base.trust.certificate(name) for name in (one, other)]
        return len({certificate.value.user for certificate in found if certificate is not None}) > 1

    def _add(self, name: Name, compartments: Iterable[Compartment], stored: Stored) -> None:
        chart = self._chart_of(stored, reshaped=True)
        if stored.undone is None:
            chart.add(self._party(stored.author), name, compartments, stored.by)
        else:
            chart.writers.add(name)

    def _remove(self, name: Name, stored: Stored) -> None:
        chart = self._chart_of(stored, reshaped=True)
        if stored.undone is None:
            chart.remove(self._party(stored.author), name, stored.by)
        else:
            chart.restore(name, stored.undone)

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

    def _belongs(self, team: Team, author: CertificateHash) -> bool:
        return author in team.since and team.compartments <= self.office(author).reads

    def _counts(self, team: Team, stored: Stored) -> bool:
        """Whether the author belongs to the team, or did not know that it does no longer."""
        author = stored.author
        if author in team.since:
            return self._belongs(team, author)
        return not any(stored.saw(stored.name, removal) for removal in team.roll.left.get(author, ()))

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
