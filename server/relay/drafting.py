"""What each control record of a transaction adds to the directory.

Records that a revocation excludes are applied too: they name streams and epochs, and make writers of whom they add, so
that what hangs on them is taken. But they open no feed, and they close none.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.relay.additions import Additions
from server.relay.parties import Place
from server.relay.recoveries import Grant
from server.relay.rolls import Name
from server.relay.stored import Stored
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
    control_stream,
)
from sync_protocol.emergency_records import (
    AnnounceRecovery,
    BreakGlass,
    CloseBreakGlass,
    GrantRecovered,
    RecoveryRecord,
    RunRecovery,
)
from sync_protocol.ids import CertificateHash
from sync_protocol.revocation import Revoke
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Signed, Verified
from sync_protocol.team_records import TEAM_KINDS, AddToTeam, CreateTeam, MintTeamEpoch, RemoveFromTeam, team_id


class Draft(Additions):
    """What one transaction adds."""

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
            case AnnounceRecovery() | RunRecovery() | GrantRecovered():
                self._recover(record, stored)
            case _ if isinstance(record, TEAM_KINDS):
                self._apply_team(record, stored)
            case _ if stored.stream != self.organisation:
                self._apply_chart(record, stored)
            case _:
                pass

    def _recover(self, record: AnnounceRecovery | RunRecovery | GrantRecovered, stored: Stored) -> None:
        if isinstance(record, AnnounceRecovery):
            self.recoveries = self.recoveries.announced(Verified.from_store(RecoveryRecord, record.record))
        elif isinstance(record, GrantRecovered):
            name = self.principal(record.certificate)
            grant = Grant(recovery=record.recovery, name=name, entry=stored.name)
            self.recoveries = self.recoveries.granted(grant, stored.index, stored.saw)
        elif not record.drill:
            self.recoveries = self.recoveries.ran(record.recovery, stored.name, stored.index, stored.saw)

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
            chart.preload(stored.author, self.principal(record.certificate), stored.index)
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

    def _belongs(self, team: Team, author: CertificateHash) -> bool:
        return author in team.since and team.compartments <= self.office(author).reads

    def _counts(self, team: Team, stored: Stored) -> bool:
        """Whether the author belongs to the team, or did not know that it does no longer."""
        author = stored.author
        if author in team.since:
            return self._belongs(team, author)
        return not any(stored.saw(stored.name, removal) for removal in team.roll.left.get(author, ()))
