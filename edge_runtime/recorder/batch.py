"""A change under construction: content, audit and control records in order, under the right epochs.

Owns the choice and minting of epochs. Refuses nothing that clinical rules decide: callers validate before they record.
Nothing is written here; `Recorder.write` writes it whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.facts import Content, pack_content
from edge_runtime.identity import ValueWriter
from edge_runtime.keyring import frontier_digest
from edge_runtime.recorder.chart_control import ChartControl, check_room
from edge_runtime.recorder.drafts import Desk
from sync_protocol.audit import AuditRecord, pack_audit
from sync_protocol.control import (
    LEDGER_DOCUMENT,
    LEDGER_NONCE,
    Control,
    MintEpoch,
    audit_stream,
    content_stream,
    control_stream,
    ledger_id,
    pack_control,
)
from sync_protocol.entries import Draft
from sync_protocol.ids import ChartId, DocumentId, EntryHash
from sync_protocol.limits import HASH_BYTES, ID_BYTES, WRAPS_MAX
from sync_protocol.roles import CONTENT, READABLE, Compartment
from sync_protocol.sealing import ContentKey, commit

_NOTHING: Final = pack_content(Content(facts=(), text=None))
"""Says only what its author has seen: where more heads changed than one entry may name."""


class Batch(ChartControl):
    """Entries of one change, built in order; written by `Recorder.write` or dropped."""

    @property
    def drafts(self) -> Sequence[Draft]:
        """The entries so far."""
        return self._drafts.entries

    @property
    def desk(self) -> Desk:
        """What the change is written with."""
        return self._desk

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
        if not READABLE[identity.certificate.role].intersection(CONTENT):
            raise RefusedError(
                "role_reads_no_chart",
                expected="a role that reads charts",
                got=f"role {identity.certificate.role.value}",
                do="enrol a clinical device: 'fieldward device invite --role physician'",
            )
        return self._create(self._desk.entropy(ID_BYTES), document)

    def content(self, chart: ChartId, document: DocumentId, compartment: Compartment, content: Content) -> EntryHash:
        """Add facts or a text update to a document, sealed under the compartment's epoch.

        Raises:
            RefusedError: this device may not read, and so not write, the compartment; or it has too many readers.
            LimitError: more than one entry may hold.
        """
        plain = pack_content(content)
        epoch = self._writing(chart, compartment)
        self._changed.add(chart)
        heads, stream = self.membership(chart).heads, content_stream(chart, document, compartment)
        while self._drafts.place(stream).behind:
            self._drafts.add(stream, _NOTHING, chart_heads=heads, epoch=epoch)
        return self._drafts.add(stream, plain, chart_heads=heads, epoch=epoch)

    def audit(self, chart: ChartId, record: AuditRecord) -> EntryHash:
        """Add a record of an act to the chart's audit stream, sealed to those who may read it.

        Raises:
            RefusedError: no such chart here, this device may not write there, or the stream has too many readers.
            LimitError: a field of the record over its limit.
        """
        plain = pack_audit(record)
        epoch = self._writing(chart, Compartment.AUDIT)
        membership = self.membership(chart)
        # Where more heads changed than one entry may name, the next one names the others: nothing builds on them here.
        stream = audit_stream(chart, membership.chart_document)
        return self._drafts.add(stream, plain, chart_heads=membership.heads, epoch=epoch)

    def ledger(self, record: AuditRecord) -> EntryHash:
        """Add a record of an act to this device's ledger, which the first one creates.

        Raises:
            LimitError: a field of the record over its limit.
        """
        chart = ledger_id(self._desk.identity.name)
        if chart not in self._memberships:
            self._memberships[chart] = self._desk.keyring.membership(chart)
        if self._memberships[chart] is None:
            self._create(LEDGER_NONCE, LEDGER_DOCUMENT)
        return self.audit(chart, record)

    def heads(self, chart: ChartId, document: DocumentId, compartment: Compartment) -> frozenset[EntryHash]:
        """The entries that the next content there will follow, directly or through those that say nothing."""
        return self._drafts.place(content_stream(chart, document, compartment)).heads()

    def save(self, writer: ValueWriter) -> None:
        """Keep what the newest own entry of each touched stream had seen."""
        self._drafts.save(writer)

    def _writing(self, chart: ChartId, compartment: Compartment) -> tuple[EntryHash, ContentKey]:
        """The epoch to write under, once everybody who must be is a member.

        Raises:
            RefusedError: this device may not read, and so not write, the compartment; or it has too many readers.
        """
        if compartment not in self.readable(chart):
            raise RefusedError(
                "not_a_reader",
                expected=f"a member who reads the {compartment.name.lower()} compartment",
                got=f"role {self._desk.identity.certificate.role.value}",
                do="ask a member to share the chart with this device",
            )
        if self._enlist(chart):
            self._rewrap(chart)
        return self._epoch(chart, compartment)

    def _epoch(self, chart: ChartId, compartment: Compartment) -> tuple[EntryHash, ContentKey]:
        keyring = self._desk.keyring
        membership = self.membership(chart)
        found = keyring.writing_key(chart, membership, compartment)
        if found is not None:
            return found
        check_room(membership, compartment)
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
