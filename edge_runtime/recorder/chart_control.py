"""The control records of charts within one change: who is added, what is created, which keys are wrapped again.

Owns who may be added, and that compliance officers are members of every chart before anything more is written in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_runtime.errors import RefusedError
from edge_runtime.recorder.drafts import Desk, Drafts
from sync_protocol.control import (
    AddMember,
    Control,
    CreateChart,
    CreateDocument,
    Rewrap,
    chart_id,
    control_stream,
    ledger_id,
    pack_control,
)
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash
from sync_protocol.limits import WRAPS_MAX
from sync_protocol.membership import ControlEntry, Membership
from sync_protocol.roles import CONTENT, Compartment


class ChartControl:
    """What one change does to charts, seen as if it were written already."""

    def __init__(self, desk: Desk) -> None:
        """Begin a change. Made by `Recorder.begin`."""
        self._desk = desk
        self._drafts = Drafts(desk)
        self._controls: dict[ChartId, list[ControlEntry]] = {}
        self._memberships: dict[ChartId, Membership | None] = {}
        self._created: list[ChartId] = []
        self._changed: set[ChartId] = set()
        self._officers = desk.keyring.officers()

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
        self._as_member(chart)
        self._enlist(chart)
        self._control(chart, CreateDocument(document=document))

    def add_member(self, chart: ChartId, name: CertificateHash, compartments: frozenset[Compartment]) -> None:
        """Add a device to a chart, with the history of the compartments that it may read.

        One that is a member already gets its keys again, wrapped by this device: the wraps that it has may be bad.
        Where the audit stream has no room for one more reader, the device goes without it: care comes first, and what
        the device reads is recorded in its ledger.

        Raises:
            RefusedError: no such chart here, this device is no member of it, or a compartment has no room for a reader.
        """
        known = self._as_member(chart).members.get(name)
        if known is None or not compartments <= known:
            readers = self.membership(chart).readers(Compartment.AUDIT)
            if len(readers) >= WRAPS_MAX and name not in readers and compartments.intersection(CONTENT):
                compartments -= {Compartment.AUDIT}
            self._control(chart, AddMember(certificate=name, compartments=tuple(sorted(compartments))))
        for compartment in compartments.intersection(CONTENT):
            check_room(self.membership(chart), compartment)
        self.mend(chart, again=name)

    def mend(self, chart: ChartId, *, again: CertificateHash | None = None) -> None:
        """Wrap the keys that this device holds for readers who lack them: history, and what was written meanwhile.

        Compliance officers who are no members yet become members first.

        Args:
            chart: which.
            again: a reader for whom to wrap what others have wrapped already.
        """
        self._enlist(chart)
        self._rewrap(chart, again=again)

    def _rewrap(self, chart: ChartId, *, again: CertificateHash | None = None) -> None:
        membership = self.membership(chart)
        for epoch, key, names in list(self._desk.keyring.unwrapped(chart, membership, again=again)):
            for start in range(0, len(names), WRAPS_MAX):
                wraps = self._desk.keyring.wrap_for(
                    chart,
                    compartment=epoch.record.compartment,
                    commitment=epoch.record.commitment,
                    parents=epoch.record.parents,
                    key=key,
                    recipients=names[start : start + WRAPS_MAX],
                )
                self._control(chart, Rewrap(epoch=epoch.id, wraps=wraps))

    def readable(self, chart: ChartId) -> frozenset[Compartment]:
        """The compartments of a chart that this device may read, and so write."""
        return self.membership(chart).members.get(self._desk.identity.name, frozenset())

    def membership(self, chart: ChartId) -> Membership:
        """The chart's membership, this change included.

        Raises:
            RefusedError: no such chart on this device.
        """
        if chart not in self._memberships:
            self._memberships[chart] = self._desk.keyring.membership(chart)
        found = self._memberships[chart]
        if found is None:
            raise RefusedError(
                "no_such_chart",
                expected="a chart that is on this device",
                got=f"chart {chart.short}",
                do="list the charts with 'fieldward chart list', or sync first",
            )
        return found

    def _as_member(self, chart: ChartId) -> Membership:
        """The membership, where this device's control records count."""
        membership = self.membership(chart)
        if self._desk.identity.name not in membership.members:
            raise RefusedError(
                "not_a_member",
                expected="a member of the chart",
                got="a device that is none",
                do="ask a member to share the chart with this device",
            )
        return membership

    def _create(self, nonce: bytes, document: DocumentId) -> ChartId:
        """Create a chart, or the ledger, with the compliance officers in it."""
        chart = chart_id(self._desk.identity.name, nonce)
        self._controls[chart] = []
        self._memberships[chart] = None
        self._control(chart, CreateChart(nonce=nonce, document=document))
        self._created.append(chart)
        self._enlist(chart)
        return chart

    def _enlist(self, chart: ChartId) -> bool:
        """Make members of the compliance officers who are none yet; whether there were any.

        In a chart there is always room: an audit stream with more readers than an epoch has wraps takes no more
        entries, and acts go to ledgers. Those take as many officers as an epoch has wraps, because there is nowhere
        else to go. Whoever may not read the stream cannot let anyone else.
        """
        if Compartment.AUDIT not in self.readable(chart):
            return False
        readers = self.membership(chart).readers(Compartment.AUDIT)
        missing = sorted(self._officers - readers)
        if chart == ledger_id(self._desk.identity.name):
            missing = missing[: max(0, WRAPS_MAX - len(readers))]
        for name in missing:
            self._control(chart, AddMember(certificate=name, compartments=(Compartment.AUDIT,)))
        return bool(missing)

    def _control(self, chart: ChartId, record: Control) -> EntryHash:
        current = self._memberships.get(chart)
        self._changed.add(chart)
        stream = control_stream(chart)
        parents = self._drafts.place(stream).parents()
        name = self._drafts.add(stream, pack_control(record), chart_heads=() if current is None else current.heads)
        if chart not in self._controls:
            self._controls[chart] = self._desk.keyring.control_entries(chart)
        entry = ControlEntry(hash=name, parents=parents, author=self._desk.identity.name, record=record)
        self._controls[chart].append(entry)
        self._memberships[chart] = self._desk.keyring.add_up(chart, self._controls[chart])
        return name


def check_room(membership: Membership, compartment: Compartment) -> None:
    """An epoch's key is wrapped to all readers in one record, so there are only so many."""
    readers = len(membership.readers(compartment))
    if readers > WRAPS_MAX:
        raise RefusedError(
            "too_many_members",
            expected=f"at most {WRAPS_MAX} devices that read the {compartment.name.lower()} compartment of a chart",
            got=f"{readers}",
            do="share the chart with fewer devices",
        )
