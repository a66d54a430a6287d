"""What the relay knows of charts, streams, teams and people: tables, and one question each.

Owns no rule and changes nothing by itself: `directory` adopts what was committed, `revocations` judges who is revoked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from server.relay.offices import Office
from server.relay.recoveries import Recoveries
from sync_protocol.roles import Role

if TYPE_CHECKING:
    from collections.abc import Collection

    from server.relay.charts import Chart
    from server.relay.directory import Directory
    from server.relay.drafting import Draft
    from server.relay.parties import Place
    from server.relay.rolls import Name
    from server.relay.teams import Team
    from sync_protocol.certificates import Trust
    from sync_protocol.control import Invite
    from sync_protocol.control_entry import Written
    from sync_protocol.ids import (
        CertificateHash,
        ChartId,
        DeviceId,
        EntryHash,
        InvitationId,
        StreamId,
        TeamId,
    )
    from sync_protocol.organisation import View


class Tables:
    """The tables of one organisation."""

    def __init__(self, trust: Trust) -> None:
        """Begin with empty ones.

        Args:
            trust: the organisation's certificates, which give roles; shared with the intake.
        """
        self.organisation: Final = trust.root.value.control
        self.trust: Final = trust
        self._charts: dict[ChartId, Chart] = {}
        self._streams: dict[StreamId, Place] = {}
        self._invitations: dict[InvitationId, Invite] = {}
        self._certified: dict[DeviceId, CertificateHash] = {}
        self._teams: dict[TeamId, Team] = {}
        self._team_epochs: dict[EntryHash, TeamId] = {}
        self._teams_of: dict[CertificateHash, set[TeamId]] = {}
        self._charts_of: dict[Name, set[ChartId]] = {}
        self._kits: set[CertificateHash] = set()
        self._offices: dict[CertificateHash, Office] = {}
        self.recoveries = Recoveries()
        self._view: View | None = None

    def principal(self, name: bytes) -> CertificateHash:
        """The (device, user) of a certificate."""
        return self.trust.principal(name)

    def office(self, principal: CertificateHash) -> Office:
        """The roles of a principal; one that is not known yet reads nothing."""
        found = self._offices.get(principal)
        if found is not None:
            return found
        certificate = self.trust.certificate(principal)
        return Office(Role.DATA_SCIENTIST if certificate is None else certificate.value.role)

    def is_administrator(self, principal: CertificateHash) -> bool:
        """Whether its certificate says so, which no record changes."""
        certificate = self.trust.certificate(principal)
        return certificate is not None and certificate.value.role is Role.ADMIN

    def place(self, stream: StreamId) -> Place | None:
        """Where a chart's stream belongs; None for the organisation's and for what is unknown."""
        return self._streams.get(stream)

    def chart(self, name: ChartId) -> Chart | None:
        """A chart, not to be changed."""
        return self._charts.get(name)

    def team(self, name: TeamId) -> Team | None:
        """A team, not to be changed."""
        return self._teams.get(name)

    def team_of(self, epoch: EntryHash) -> TeamId | None:
        """The team of one of its epochs."""
        return self._team_epochs.get(epoch)

    def teams_of(self, principal: CertificateHash) -> Collection[TeamId]:
        """The teams to which a principal ever belonged."""
        return self._teams_of.get(principal, ())

    def charts_of(self, name: Name) -> Collection[ChartId]:
        """The charts to which a principal or a team ever belonged, as such."""
        return self._charts_of.get(name, ())

    def invitation(self, name: InvitationId) -> Invite | None:
        """The invite record of that id."""
        return self._invitations.get(name)

    def certified(self, device: DeviceId) -> CertificateHash | None:
        """The newest certificate that a Certify record gave the device."""
        return self._certified.get(device)

    def is_control(self, stream: StreamId) -> bool:
        """Whether a stream carries control records."""
        place = self._streams.get(stream)
        return stream == self.organisation or (place is not None and place.document is None)

    def excludes(self, written: Written) -> bool:
        """Whether what somebody wrote there is outside the cut of a revocation, as far as that was judged."""
        return self._view is not None and self._view.excludes(written) is not None

    @property
    def revoked(self) -> frozenset[CertificateHash]:
        """Principals that are trusted no longer, as far as that was judged."""
        return frozenset() if self._view is None else self._view.revoked

    @property
    def view(self) -> View | None:
        """The last judgement of who is revoked; None before the first."""
        return self._view

    def judged(self, view: View) -> None:
        """Take over a judgement of who is revoked."""
        self._view = view


def may_write(chart: Chart, principal: CertificateHash, known: Directory | Draft) -> bool:
    """Whether a principal ever was a member, so that what it wrote then is taken now."""
    return (
        principal in chart.writers
        or any(team in chart.writers for team in known.teams_of(principal))
        or principal in known.recoveries.ever
    )
