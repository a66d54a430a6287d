"""Who may read and write which stream, as far as the relay must know it: derived from stored control entries alone.

It holds ids, roles and log indices, no names. A change is drafted inside the writer's transaction and adopted after its
commit, so readers never see what is not durable. What counts here is what counts in `sync_protocol.membership`, but
entry by entry in the order of the log, where everybody who adds is a member already: admission refused all others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from server.relay.charts import Chart, Place
from sync_protocol.certificates import Certificate, Trust
from sync_protocol.control import (
    AddMember,
    Certify,
    Control,
    CreateChart,
    CreateDocument,
    Invite,
    MintEpoch,
    UnknownControl,
    chart_id,
    content_stream,
)
from sync_protocol.ids import CertificateHash, ChartId, DeviceId, DocumentId, EntryHash, InvitationId, StreamId
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Signed


class Directory:
    """The adopted state. One thread drafts and adopts; any thread reads."""

    def __init__(self, trust: Trust) -> None:
        """Start with an organisation that has no chart.

        Args:
            trust: the organisation's certificates, which give roles; shared with the intake.
        """
        self.organisation: Final = trust.root.value.control
        self._trust = trust
        self._lock = threading.Lock()
        self._charts: dict[ChartId, Chart] = {}
        self._streams: dict[StreamId, Place] = {}
        self._invitations: dict[InvitationId, Invite] = {}
        self._certified: dict[DeviceId, CertificateHash] = {}
        self._charts_of: dict[CertificateHash, set[ChartId]] = {}
        self._readable: dict[CertificateHash, Mapping[StreamId, int]] = {}

    def role(self, name: CertificateHash) -> Role | None:
        """The role of a known certificate."""
        certificate = self._trust.certificate(name)
        return None if certificate is None else certificate.value.role

    def place(self, stream: StreamId) -> Place | None:
        """Where a chart's stream belongs; None for the organisation's and for what is unknown."""
        return self._streams.get(stream)

    def chart(self, name: ChartId) -> Chart | None:
        """A chart, not to be changed."""
        return self._charts.get(name)

    def invitation(self, name: InvitationId) -> Invite | None:
        """The invite record of that id."""
        return self._invitations.get(name)

    def certified(self, device: DeviceId) -> CertificateHash | None:
        """The newest certificate that a Certify record gave the device."""
        return self._certified.get(device)

    def readable(self, name: CertificateHash) -> Mapping[StreamId, int]:
        """The streams that a device may read, with the log index since when; the same object until it changes."""
        role = self.role(name)
        assert role is not None, "only an authenticated device reads"
        with self._lock:
            found = self._readable.get(name)
            if found is None:
                streams = {self.organisation: -1}
                for chart in self._charts_of.get(name, ()):
                    streams.update(self._charts[chart].readable(name, role))
                found = self._readable[name] = streams
            return found

    def writable(self, name: CertificateHash, stream: StreamId) -> bool:
        """Whether entries of this stream would be taken from the device as their author, or the stream is unknown."""
        if stream == self.organisation:
            return self.role(name) is Role.ADMIN
        place = self._streams.get(stream)
        return place is None or name in self._charts[place.chart].members

    def readers(self, streams: Iterable[StreamId]) -> frozenset[CertificateHash] | None:
        """Everybody whom entries in these streams concern; None for the whole organisation."""
        found: set[CertificateHash] = set()
        for stream in streams:
            if stream == self.organisation:
                return None
            place = self._streams.get(stream)
            if place is not None:
                found |= self._charts[place.chart].members.keys()
        return frozenset(found)

    def draft(self) -> Draft:
        """A change to be made within one transaction."""
        return Draft(self)

    def adopt(self, draft: Draft) -> None:
        """Take over what was committed; charts come before the streams that lead to them."""
        with self._lock:
            self._charts.update(draft.charts)
            self._streams.update(draft.streams)
            self._invitations.update(draft.invitations)
            self._certified.update(draft.certified)
            for name in draft.reshaped:
                for member in draft.charts[name].members:
                    self._charts_of.setdefault(member, set()).add(name)
                    self._readable.pop(member, None)


class Draft:
    """What one transaction adds: looks like the directory with the additions in it."""

    def __init__(self, base: Directory) -> None:
        """Begin with nothing added."""
        self._base = base
        self.organisation: Final = base.organisation
        self.charts: dict[ChartId, Chart] = {}
        self.streams: dict[StreamId, Place] = {}
        self.invitations: dict[InvitationId, Invite] = {}
        self.certified: dict[DeviceId, CertificateHash] = {}
        self.reshaped: set[ChartId] = set()

    def role(self, name: CertificateHash) -> Role | None:
        """The role of a known certificate."""
        return self._base.role(name)

    def place(self, stream: StreamId) -> Place | None:
        """Where a chart's stream belongs."""
        return self.streams.get(stream) or self._base.place(stream)

    def chart(self, name: ChartId) -> Chart | None:
        """A chart, not to be changed."""
        return self.charts.get(name) or self._base.chart(name)

    def apply(
        self,
        stream: StreamId,
        record: Control | UnknownControl,
        *,
        author: CertificateHash,
        name: EntryHash,
        index: int,
    ) -> None:
        """Add what an admitted and stored control entry says.

        Args:
            stream: the entry's stream.
            record: its body.
            author: who wrote it.
            name: its hash.
            index: its log index.
        """
        match record:
            case Invite():
                if self._base.invitation(record.invitation) is None:
                    self.invitations.setdefault(record.invitation, record)
            case Certify():
                certificate = Signed(Certificate, record.certificate)
                self.certified[certificate.claimed().device] = CertificateHash(certificate.hash)
            case CreateChart():
                chart = self._changed(chart_id(author, record.nonce), author, reshaped=True)
                self.streams[stream] = Place(chart.id)
                chart.found(index)
                self._document(chart, record.document, index)
            case AddMember():
                self._changed(self._chart_of(stream), author, reshaped=True).add(author, record, index, self.role)
            case CreateDocument():
                chart = self._changed(self._chart_of(stream), author, reshaped=True)
                self._document(chart, record.document, index)
            case MintEpoch():
                self._changed(self._chart_of(stream), author, reshaped=False).epochs[name] = record.compartment
            case _:
                pass

    def _chart_of(self, stream: StreamId) -> ChartId:
        place = self.place(stream)
        assert place is not None, "admission knows the stream"
        return place.chart

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
