"""Charts as a relay sees them: the control records that make one, and content under its epochs, all really signed.

Wraps are random bytes of the right length, because nothing here opens them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sync_protocol.control import (
    AddMember,
    Control,
    CreateChart,
    CreateDocument,
    MintEpoch,
    chart_id,
    content_stream,
    control_stream,
)
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId, EntryHash, Hash, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import WRAP_BYTES
from sync_protocol.roles import Compartment
from tests.support.people import Device, DeviceSession


def mint(session: DeviceSession, compartment: Compartment, recipients: Iterable[Device]) -> MintEpoch:
    """A record that mints an epoch, wrapped to nothing real."""
    entropy = session.device.organisation.entropy
    return MintEpoch(
        compartment=compartment,
        parents=(),
        commitment=Hash(entropy(32)),
        nonce=entropy(32),
        wraps=tuple((device.name, entropy(WRAP_BYTES)) for device in recipients),
    )


@dataclass(slots=True)
class ChartWriter:
    """A chart in the making, written by one session.

    Attributes:
        written: everything that was written so far, in order.
    """

    session: DeviceSession
    id: ChartId
    document: DocumentId
    epochs: dict[Compartment, EntryHash] = field(default_factory=dict)
    written: list[VerifiedEntry] = field(default_factory=list)

    @classmethod
    def begin(cls, session: DeviceSession, *, members: Iterable[Device] = ()) -> ChartWriter:
        """Create a chart with an epoch a compartment, and members who read all that their role allows."""
        entropy = session.device.organisation.entropy
        nonce, document = entropy(16), DocumentId(entropy(16))
        chart = cls(session, chart_id(session.device.name, nonce), document)
        everybody = (session.device, *members)
        chart.control(CreateChart(nonce=nonce, document=document))
        for member in members:
            chart.add(member)
        for compartment in Compartment:
            chart.mint(compartment, everybody)
        return chart

    @property
    def control_stream(self) -> StreamId:
        """The chart's control stream."""
        return control_stream(self.id)

    def stream(self, compartment: Compartment, document: DocumentId | None = None) -> StreamId:
        """A compartment's stream of the chart document, or of another."""
        return content_stream(self.id, document or self.document, compartment)

    def control(self, *records: Control) -> tuple[VerifiedEntry, ...]:
        """Write control records."""
        _, entries = self.session.write_control(self.control_stream, records)
        self.written.extend(entries)
        return entries

    def add(self, member: Device, compartments: Iterable[Compartment] = tuple(Compartment)) -> VerifiedEntry:
        """Add a member."""
        return self.control(AddMember(certificate=member.name, compartments=tuple(compartments)))[0]

    def add_document(self) -> DocumentId:
        """Create a further document."""
        document = DocumentId(self.session.device.organisation.entropy(16))
        self.control(CreateDocument(document=document))
        return document

    def mint(self, compartment: Compartment, recipients: Iterable[Device]) -> EntryHash:
        """Mint an epoch; what is written from here on stands under it."""
        entry = self.control(mint(self.session, compartment, recipients))[0]
        self.epochs[compartment] = entry.hash
        return entry.hash

    def write(
        self,
        compartment: Compartment = Compartment.CLINICAL,
        count: int = 1,
        *,
        session: DeviceSession | None = None,
        document: DocumentId | None = None,
        size: int = 200,
    ) -> tuple[VerifiedEntry, ...]:
        """Write content, under one seal."""
        writer = session or self.session
        bodies = writer.device.organisation.bodies(count, size)
        _, entries = writer.write(self.stream(compartment, document), bodies, epoch=self.epochs[compartment])
        self.written.extend(entries)
        return entries


def proofs_of(*sessions: DeviceSession) -> Proofs:
    """Everything that somebody without any record needs to verify what these sessions wrote."""
    total = Proofs()
    for session in sessions:
        total += session.proofs
    return total
