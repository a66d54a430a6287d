"""The control records of charts within one change: what is created, who is added and who leaves.

Owns what is refused before it is written, because no reader would let it count.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_runtime.errors import RefusedError
from edge_runtime.recorder.chart_keys import ChartKeys
from edge_runtime.recorder.drafts import Desk
from sync_protocol.chart_records import AddTeam, RemoveMember, RemoveTeam
from sync_protocol.control import (
    AddMember,
    Control,
    CreateChart,
    CreateDocument,
    chart_id,
)
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, TeamId
from sync_protocol.limits import WRAPS_MAX
from sync_protocol.membership import Membership
from sync_protocol.roles import CONTENT, Compartment


class ChartControl(ChartKeys):
    """What one change says in charts."""

    def __init__(self, desk: Desk) -> None:
        """Begin a change. Made by `Recorder.begin`."""
        super().__init__(desk)
        self._created: list[ChartId] = []

    @property
    def created(self) -> Sequence[ChartId]:
        """Charts that this change creates, this device's ledger among them."""
        return self._created

    @property
    def changed(self) -> frozenset[ChartId]:
        """Charts to whose control records or content this change adds."""
        return frozenset(self._changed)

    def create_document(self, chart: ChartId, document: DocumentId) -> None:
        """Create a further document of a chart.

        Raises:
            RefusedError: no such chart here, or this device is no member of it.
        """
        self.say(chart, CreateDocument(document=document))

    def say(self, chart: ChartId, record: Control) -> EntryHash:
        """Add a control record of a member to a chart.

        Raises:
            RefusedError: no such chart here, or this device is no member of it.
        """
        self._as_chart_member(chart)
        self._enlist(chart)
        return self._control(chart, record)

    def break_in(self, chart: ChartId, record: Control) -> EntryHash:
        """Add the one control record that a chart takes from who is no member; the chart need not be here."""
        return self._control(chart, record)

    def add_member(
        self,
        chart: ChartId,
        name: CertificateHash,
        compartments: frozenset[Compartment],
        *,
        from_now_on: bool = False,
    ) -> None:
        """Add a principal to a chart, with the history of the compartments that it may read unless it is left out.

        One that is a member already gets its keys again, wrapped by this device: the wraps that it has may be bad.
        Where the audit stream has no room for one more reader, the device goes without it: care comes first, and what
        the device reads is recorded in its ledger.

        Raises:
            RefusedError: no such chart here, this device is no member of it, or a compartment has no room for a reader.
        """
        known = self._as_chart_member(chart).direct.get(name)
        if known is None or not compartments <= known:
            readers = self._recipients_count(chart, Compartment.AUDIT)
            if readers >= WRAPS_MAX and name not in self.membership(chart).direct and compartments & set(CONTENT):
                compartments -= {Compartment.AUDIT}
            granted = tuple(sorted(compartments))
            self._control(chart, AddMember(certificate=name, compartments=granted, from_now_on=from_now_on or None))
        for compartment in compartments.intersection(CONTENT):
            self.check_room(chart, compartment)
        self.mend(chart, again=name)

    def add_team(
        self, chart: ChartId, team: TeamId, compartments: frozenset[Compartment], *, from_now_on: bool = False
    ) -> None:
        """Add a team to a chart, with the history of the compartments that it may read unless it is left out.

        Raises:
            RefusedError: no such chart or team here, or this device is no member of the chart.
        """
        self._as_chart_member(chart)
        granted = tuple(sorted(compartments & self._team(team).compartments))
        self._control(chart, AddTeam(team=team, compartments=granted, from_now_on=from_now_on or None))
        self.mend(chart)

    def remove_member(self, chart: ChartId, name: CertificateHash) -> None:
        """Take a principal out of a chart; its key rotates at the next write.

        Raises:
            RefusedError: no such chart here, this device may not, or it is the chart's creator.
        """
        membership = self._as_chart_member(chart)
        own = self._desk.identity.principal
        if name == membership.creator and name != own:
            raise RefusedError(
                "creator_stays",
                expected="a member other than the one who created the chart",
                got="its creator",
                do="ask the creator to leave, or have an administrator revoke the device",
            )
        self.say(chart, RemoveMember(certificate=name))

    def remove_team(self, chart: ChartId, team: TeamId) -> None:
        """Take a team out of a chart; its key rotates at the next write.

        Raises:
            RefusedError: no such chart here, or this device is no member of it.
        """
        self.say(chart, RemoveTeam(team=team))

    def _as_chart_member(self, chart: ChartId) -> Membership:
        """The membership, where this device's control records count."""
        membership = self.membership(chart)
        if self._desk.identity.principal not in membership.members:
            raise RefusedError(
                "not_a_member",
                expected="a member of the chart",
                got="a device that is none",
                do="ask a member to share the chart with this device",
            )
        return membership

    def _create(self, nonce: bytes, document: DocumentId) -> ChartId:
        """Create a chart, or the ledger, with the compliance officers in it."""
        chart = chart_id(self._desk.identity.principal, nonce)
        self._controls[chart] = []
        self._histories.pop(chart, None)
        self._control(chart, CreateChart(nonce=nonce, document=document))
        self._created.append(chart)
        self._enlist(chart)
        return chart
