"""The control records of charts within one change: what is created, who is added and who leaves.

Owns what is refused before it is written, because no reader would let it count.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_runtime.errors import RefusedError
from edge_runtime.recorder.chart_keys import ChartKeys
from edge_runtime.recorder.drafts import Desk
from edge_runtime.recorder.team_control import not_on_record
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
            RefusedError: no such chart here, or this device is no member of it, or only by a broken glass.
        """
        self._as_chart_member(chart, by_glass=isinstance(record, CreateDocument))
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
            RefusedError: no such chart here, this device may not let anyone in, a compartment has no room for a reader,
                or one that reads the history already is to be added without it.
        """
        membership, history = self._as_chart_member(chart), self.history(chart)
        if not self._organisation.certified.knows(name):
            raise not_on_record()
        known = membership.direct.get(name)
        epochs = [one for one in membership.epochs.values() if one.record.compartment in compartments]
        reads_all = all(history.saw_its_grant(name, one) for one in epochs)
        if known is None or not compartments <= known or not (from_now_on or reads_all):
            if known is None:
                compartments = self._with_room(chart, compartments)
            granted = tuple(sorted(compartments))
            self._control(chart, AddMember(certificate=name, compartments=granted, from_now_on=from_now_on or None))
        elif from_now_on and reads_all:
            raise _already("a device that reads what was written so far")
        self._check_rooms(chart, compartments)
        self.mend(chart, again=name)

    def add_team(
        self, chart: ChartId, team: TeamId, compartments: frozenset[Compartment], *, from_now_on: bool = False
    ) -> None:
        """Add a team to a chart, with the history of the compartments that it may read unless it is left out.

        Where the audit stream has no room for one more reader, the team goes without it, as a device does.

        Raises:
            RefusedError: no such chart or team here, this device may not let anyone in, a compartment has no room, or
                a team that reads the history already is to be added without it.
        """
        membership, history = self._as_chart_member(chart), self.history(chart)
        compartments &= self._team(team).compartments
        known = membership.teams.get(team)
        epochs = [one for one in membership.epochs.values() if one.record.compartment in compartments]
        reads_all = all(history.team_saw_its_grant(team, one) for one in epochs)
        if known is None or not compartments <= known or not (from_now_on or reads_all):
            if known is None:
                compartments = self._with_room(chart, compartments)
            granted = tuple(sorted(compartments))
            self._control(chart, AddTeam(team=team, compartments=granted, from_now_on=from_now_on or None))
        elif from_now_on and reads_all:
            raise _already("a team that reads what was written so far")
        self._check_rooms(chart, compartments)
        self.mend(chart)

    def remove_member(self, chart: ChartId, name: CertificateHash) -> None:
        """Take a principal out of a chart; its key rotates at the next write.

        Raises:
            RefusedError: no such chart here, this device may not, or it is the chart's creator or an officer.
        """
        membership = self._as_chart_member(chart)
        if name != self._desk.identity.principal:
            if name == membership.creator:
                raise _stays("creator", "the one who created it", "ask the creator to leave")
            if name in self._officers:
                raise _stays("officer", "a compliance officer, who belongs to every chart", "leave it as it is")
            self.check_hands_on(chart)
        self.say(chart, RemoveMember(certificate=name))

    def remove_team(self, chart: ChartId, team: TeamId) -> None:
        """Take a team out of a chart; its key rotates at the next write.

        Raises:
            RefusedError: no such chart here, or this device may not.
        """
        self.check_hands_on(chart)
        self.say(chart, RemoveTeam(team=team))

    def check_hands_on(self, chart: ChartId) -> None:
        """Refuse what only a member may say who reads the chart's content, by another's word or as its creator.

        Raises:
            RefusedError: no such chart here, or this device is no such member.
        """
        self._as_chart_member(chart)
        reads = self.readable(chart)
        if not reads.intersection(CONTENT):
            raise RefusedError(
                "not_a_reader",
                expected="a member who reads what is written in the chart",
                got=f"one who reads {', '.join(one.name.lower() for one in sorted(reads)) or 'nothing'}",
                do="ask a member who does",
            )

    def _with_room(self, chart: ChartId, compartments: frozenset[Compartment]) -> frozenset[Compartment]:
        """What a further reader is given: without the audit stream, where that is full and there is anything else."""
        full = self._recipients_count(chart, Compartment.AUDIT) >= WRAPS_MAX and compartments.intersection(CONTENT)
        return compartments - {Compartment.AUDIT} if full else compartments

    def _check_rooms(self, chart: ChartId, compartments: frozenset[Compartment]) -> None:
        for compartment in compartments.intersection(CONTENT):
            self.check_room(chart, compartment)

    def _as_chart_member(self, chart: ChartId, *, by_glass: bool = False) -> Membership:
        """The membership, where this device's control records count.

        Args:
            chart: which.
            by_glass: a broken glass is enough.
        """
        membership = self.membership(chart)
        own = self._desk.identity.principal
        if own not in membership.members:
            raise RefusedError(
                "not_a_member",
                expected="a member of the chart",
                got="a device that is none",
                do="ask a member to share the chart with this device",
            )
        if not by_glass and self.history(chart).only_by_glass(own):
            raise RefusedError(
                "by_broken_glass",
                expected="a member by another's word",
                got="one who broke the glass, and may read and write and let nobody in or out",
                do="ask a member to share the chart with this device, or to do this",
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


def _already(got: str) -> RefusedError:
    return RefusedError(
        "already_a_member",
        expected="one who is no member yet, or who reads from now on",
        got=got,
        do="take it out first with 'fieldward chart unshare'; what it read stays read",
    )


def _stays(who: str, got: str, do: str) -> RefusedError:
    return RefusedError(
        f"{who}_stays", expected="another member than that", got=got, do=f"{do}, or have an administrator revoke it"
    )
