"""A change under construction: content, audit and control records in order, under the right epochs.

Owns the choice and minting of epochs. Refuses nothing that clinical rules decide: callers validate before they record.
Nothing is written here; `Recorder.write` writes it whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge_runtime.destroyed import destroyed, gone
from edge_runtime.errors import RefusedError
from edge_runtime.facts import Content, pack_content
from edge_runtime.identity import ValueWriter
from edge_runtime.keyring import frontier_digest
from edge_runtime.recorder.chart_control import ChartControl
from edge_runtime.recorder.drafts import Desk
from sync_protocol.audit import AuditRecord, pack_audit
from sync_protocol.break_glass import wrap_in_glass
from sync_protocol.control import (
    LEDGER_DOCUMENT,
    LEDGER_NONCE,
    MintEpoch,
    audit_stream,
    content_stream,
    control_stream,
    ledger_id,
)
from sync_protocol.entries import Draft
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, Hash
from sync_protocol.limits import HASH_BYTES, ID_BYTES, WRAPS_MAX
from sync_protocol.roles import CONTENT, Compartment
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

    def create_chart(self, document: DocumentId) -> ChartId:
        """Create a chart with its chart document; this device is its first member.

        Raises:
            RefusedError: this device's role reads no chart.
        """
        identity = self._desk.identity
        if not self.organisation.now.reads(identity.principal).intersection(CONTENT):
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
            RefusedError: this device may not read, and so not write, the compartment; or it has too many readers; or
                the chart's content was destroyed.
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
        chart = ledger_id(self._desk.identity.principal)
        if self.history(chart).now is None:
            self._create(LEDGER_NONCE, LEDGER_DOCUMENT)
        return self.audit(chart, record)

    def check_reader(self, chart: ChartId, compartment: Compartment) -> None:
        """Refuse what only a reader of a compartment may do.

        Raises:
            RefusedError: no such chart here, its content was destroyed, or this device may not read, and so not write,
                the compartment.
        """
        note = None if compartment is Compartment.AUDIT else destroyed(self._desk.values, chart)
        if note is not None:
            raise gone(chart, note)
        if compartment not in self.readable(chart):
            raise RefusedError(
                "not_a_reader",
                expected=f"a member who reads the {compartment.name.lower()} compartment",
                got=f"role {self._desk.identity.certificate.role.value}",
                do="ask a member to share the chart with this device",
            )

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
        self.check_reader(chart, compartment)
        if self._enlist(chart):
            self._rewrap(chart)
        return self._epoch(chart, compartment)

    def _epoch(self, chart: ChartId, compartment: Compartment) -> tuple[EntryHash, ContentKey]:
        """The epoch to write under, minted where there is none."""
        found = self._desk.keyring.writing_key(self.history(chart), compartment, now_ms=self._desk.began_ms)
        return self._mint_epoch(chart, compartment) if found is None else found

    def _mint_epoch(self, chart: ChartId, compartment: Compartment) -> tuple[EntryHash, ContentKey]:
        recipients = self._recipients(chart, compartment)  # first: a team's new epoch comes before the chart's
        wanted = self.history(chart).wanted(compartment, now_ms=self._desk.began_ms)
        entropy, identity, keyring = self._desk.entropy, self._desk.identity, self._desk.keyring
        secret, nonce = ContentKey(entropy(HASH_BYTES)), entropy(HASH_BYTES)
        parents = self.membership(chart).epoch_tips(compartment)[:WRAPS_MAX]
        heads = self._drafts.place(control_stream(chart)).parents()
        commitment = commit(secret, minter=identity.principal, frontier=frontier_digest(heads), nonce=nonce)
        glass = self.organisation.now.break_glass if wanted.in_glass else None
        record = MintEpoch(
            compartment=compartment,
            parents=parents,
            commitment=commitment,
            nonce=nonce,
            wraps=keyring.wrap_epoch(
                chart,
                compartment=compartment,
                commitment=commitment,
                parents=parents,
                key=secret,
                recipients=[(name, self._public(name)) for name in recipients],
            ),
            break_glass=None
            if glass is None
            else wrap_in_glass(
                secret,
                glass=glass.value,
                chart=chart,
                compartment=compartment,
                commitment=commitment,
                parents=parents,
                minter=identity.principal,
            ),
        )
        name = self._control(chart, record)
        keyring.keep(name, secret)
        return name, secret

    def _recipients(self, chart: ChartId, compartment: Compartment) -> list[Hash]:
        """To whom to wrap a new epoch: teams by their own epochs where they have one, everybody else one by one.

        Raises:
            RefusedError: more than one record has wraps.
        """
        wanted = self.history(chart).wanted(compartment, now_ms=self._desk.began_ms)
        found: set[Hash] = set() if wanted.recovery is None else {wanted.recovery}
        covered: set[CertificateHash] = set()
        for team, reads in sorted(self.membership(chart).teams.items()):
            target = self.team_epoch(team) if compartment in reads else None
            if target is not None and target.principals <= wanted.principals:
                found.add(Hash(target.id))
                covered |= target.principals
        found |= wanted.needed - covered
        if self._desk.identity.principal not in covered:
            found.add(self._desk.identity.principal)
        if len(found) > WRAPS_MAX:
            raise RefusedError(
                "too_many_members",
                expected=f"at most {WRAPS_MAX} devices and teams that read the {compartment.name.lower()} compartment",
                got=f"{len(found)}",
                do="make a team of some of them, and share the chart with the team",
            )
        return sorted(found)
