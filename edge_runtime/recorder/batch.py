"""A change under construction: content and control records in order, under the right epochs.

Owns the choice and minting of epochs, and who may be added. Refuses nothing that clinical rules decide: callers
validate before they record. Nothing is written here; `Recorder.write` writes it whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.facts import Content, pack_content
from edge_runtime.identity import ValueWriter
from edge_runtime.keyring import frontier_digest
from edge_runtime.recorder.drafts import Desk, Drafts
from sync_protocol.control import (
    AddMember,
    Control,
    CreateChart,
    CreateDocument,
    MintEpoch,
    Rewrap,
    chart_id,
    content_stream,
    control_stream,
    pack_control,
)
from sync_protocol.entries import Draft
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash
from sync_protocol.limits import HASH_BYTES, ID_BYTES, WRAPS_MAX
from sync_protocol.membership import ControlEntry, Membership
from sync_protocol.roles import READABLE, Compartment
from sync_protocol.sealing import ContentKey, commit

_NOTHING: Final = pack_content(Content(facts=(), text=None))
"""Says only what its author has seen: where more heads changed than one entry may name."""


class Batch:
    """Entries of one change, built in order; written by `Recorder.write` or dropped."""

    def __init__(self, desk: Desk) -> None:
        """Begin a change. Made by `Recorder.begin`."""
        self._desk = desk
        self._drafts = Drafts(desk)
        self._controls: dict[ChartId, list[ControlEntry]] = {}
        self._memberships: dict[ChartId, Membership | None] = {}
        self._created: list[ChartId] = []

    @property
    def drafts(self) -> Sequence[Draft]:
        """The entries so far."""
        return self._drafts.entries

    @property
    def desk(self) -> Desk:
        """What the change is written with."""
        return self._desk

    @property
    def created(self) -> Sequence[ChartId]:
        """Charts that this change creates."""
        return self._created

    def organisation_control(self, record: Control) -> EntryHash:
        """Add a record to the organisation's control stream."""
        name = self._drafts.add(self._desk.identity.root.value.control, pack_control(record))
        self._drafts.organisation_heads = (name,)
        return name

    def create_chart(self, document: DocumentId) -> ChartId:
        """Create a chart with its chart document; this device is its first member.

        Raises:
            RefusedError: this device's role reads no chart.
        """
        identity = self._desk.identity
        if not READABLE[identity.certificate.role]:
            raise RefusedError(
                "role_reads_no_chart",
                expected="a role that reads charts",
                got=f"role {identity.certificate.role.value}",
                do="enrol a clinical device: 'fieldward device invite --role physician'",
            )
        nonce = self._desk.entropy(ID_BYTES)
        chart = chart_id(identity.name, nonce)
        self._controls[chart] = []
        self._memberships[chart] = None
        self._control(chart, CreateChart(nonce=nonce, document=document))
        self._created.append(chart)
        return chart

    def create_document(self, chart: ChartId, document: DocumentId) -> None:
        """Create a further document of a chart.

        Raises:
            RefusedError: no such chart here, or this device is no member of it.
        """
        self._as_member(chart)
        self._control(chart, CreateDocument(document=document))

    def add_member(self, chart: ChartId, name: CertificateHash, compartments: frozenset[Compartment]) -> None:
        """Add a device to a chart, with the history of the compartments that it may read.

        One that is a member already gets its keys again, wrapped by this device: the wraps that it has may be bad.

        Raises:
            RefusedError: no such chart here, this device is no member of it, or a compartment has no room for a reader.
        """
        known = self._as_member(chart).members.get(name)
        if known is None or not compartments <= known:
            self._control(chart, AddMember(certificate=name, compartments=tuple(sorted(compartments))))
        for compartment in compartments:
            _check_room(self.membership(chart), compartment)
        self.mend(chart, again=name)

    def mend(self, chart: ChartId, *, again: CertificateHash | None = None) -> None:
        """Wrap the keys that this device holds for readers who lack them: history, and what was written meanwhile.

        Args:
            chart: which.
            again: a reader for whom to wrap what others have wrapped already.
        """
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

    def content(self, chart: ChartId, document: DocumentId, compartment: Compartment, content: Content) -> EntryHash:
        """Add facts or a text update to a document, sealed under the compartment's epoch.

        Raises:
            RefusedError: this device may not read, and so not write, the compartment; or it has too many readers.
            LimitError: more than one entry may hold.
        """
        if compartment not in self.readable(chart):
            raise RefusedError(
                "not_a_reader",
                expected=f"a member who reads the {compartment.name.lower()} compartment",
                got=f"role {self._desk.identity.certificate.role.value}",
                do="ask a member to share the chart with this device",
            )
        plain = pack_content(content)
        epoch = self._epoch(chart, compartment)
        heads, stream = self.membership(chart).heads, content_stream(chart, document, compartment)
        while self._drafts.place(stream).behind:
            self._drafts.add(stream, _NOTHING, chart_heads=heads, epoch=epoch)
        return self._drafts.add(stream, plain, chart_heads=heads, epoch=epoch)

    def heads(self, chart: ChartId, document: DocumentId, compartment: Compartment) -> frozenset[EntryHash]:
        """The entries that the next content there will follow, directly or through those that say nothing."""
        return self._drafts.place(content_stream(chart, document, compartment)).heads()

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

    def save(self, writer: ValueWriter) -> None:
        """Keep what the newest own entry of each touched stream had seen."""
        self._drafts.save(writer)

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

    def _epoch(self, chart: ChartId, compartment: Compartment) -> tuple[EntryHash, ContentKey]:
        keyring = self._desk.keyring
        membership = self.membership(chart)
        found = keyring.writing_key(chart, membership, compartment)
        if found is not None:
            return found
        _check_room(membership, compartment)
        entropy, identity = self._desk.entropy, self._desk.identity
        secret, nonce = ContentKey(entropy(HASH_BYTES)), entropy(HASH_BYTES)
        parents = membership.epoch_tips(compartment)[:WRAPS_MAX]
        heads = self._drafts.place(control_stream(chart)).parents()
        commitment = commit(secret, minter=identity.name, frontier=frontier_digest(heads), nonce=nonce)
        wraps = keyring.wrap_for(
            chart,
            compartment=compartment,
            commitment=commitment,
            parents=parents,
            key=secret,
            recipients=membership.readers(compartment),
        )
        record = MintEpoch(compartment=compartment, parents=parents, commitment=commitment, nonce=nonce, wraps=wraps)
        name = self._control(chart, record)
        keyring.keep(name, secret)
        return name, secret

    def _control(self, chart: ChartId, record: Control) -> EntryHash:
        current = self._memberships.get(chart)
        stream = control_stream(chart)
        parents = self._drafts.place(stream).parents()
        name = self._drafts.add(stream, pack_control(record), chart_heads=() if current is None else current.heads)
        if chart not in self._controls:
            self._controls[chart] = self._desk.keyring.control_entries(chart)
        entry = ControlEntry(hash=name, parents=parents, author=self._desk.identity.name, record=record)
        self._controls[chart].append(entry)
        self._memberships[chart] = self._desk.keyring.add_up(chart, self._controls[chart])
        return name


def _check_room(membership: Membership, compartment: Compartment) -> None:
    """An epoch's key is wrapped to all readers in one record, so there are only so many."""
    readers = len(membership.readers(compartment))
    if readers > WRAPS_MAX:
        raise RefusedError(
            "too_many_members",
            expected=f"at most {WRAPS_MAX} devices that read the {compartment.name.lower()} compartment of a chart",
            got=f"{readers}",
            do="share the chart with fewer devices",
        )
