"""Audit records: what was done that left no content entry, as it stands sealed in an audit stream.

Owns the catalogue of kinds, the record and the rule for its risk. Who acted, when, on which device and in which role is
said by the entry's header and session, so it is not said again here; nor are values that were read, only the names of
fields. A content or control entry is its own audit record: the kinds marked DERIVED name it in a timeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from sync_protocol.entries import Place
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, SessionId, StreamId, UserId
from sync_protocol.limits import (
    AUDIT_CHARTS_MAX,
    AUDIT_FIELDS_MAX,
    AUDIT_HEADS_MAX,
    AUDIT_KIND_MAX,
    AUDIT_SEEN_MAX,
    AUDIT_TEXT_BYTES_MAX,
    AUDIT_WORDS_MAX,
    NOTE_BYTES_MAX,
    SEQ_MAX,
)
from sync_protocol.records import (
    choice,
    identifier,
    key,
    many,
    octets,
    optional,
    ordered,
    pack,
    pair,
    string,
    uint,
    unpack,
)
from sync_protocol.roles import Compartment

BULK: Final = 50
"""Charts or resources from which on one act counts as one on many: its risk is a step higher."""


class Risk(IntEnum):
    """How closely a compliance officer should look. Source: the four levels of the source requirements."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Stands(StrEnum):
    """Where an act is recorded."""

    CHART = "chart"
    """In the chart's audit stream."""
    LEDGER = "ledger"
    """In the ledger of the device on which it happened."""
    DERIVED = "derived"
    """Nowhere apart: the content or control entry is the record."""


class Purpose(StrEnum):
    """For what the act was done. Source: HL7 v3 PurposeOfUse, as far as it is needed here."""

    TREATMENT = "treatment"
    EMERGENCY = "emergency"
    TELEMEDICINE = "telemedicine"
    OPERATIONS = "operations"
    PAYMENT = "payment"
    PATIENT_REQUEST = "patient_request"
    LEGAL = "legal"
    COMPLIANCE = "compliance"
    RESEARCH = "research"
    AI_TRAINING = "ai_training"


class Result(StrEnum):
    """How the act ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AuditKind:
    """One row of the catalogue.

    Attributes:
        code: on the wire; appended, never reused. 0 for kinds that are derived and never travel.
        name: for machines.
        title: for people.
        action: C, R, U, D or E. Source: FHIR R4 AuditEvent.action.
        risk: before `risk_of` looks at the circumstances.
    """

    code: int
    name: str
    title: str
    action: str
    risk: Risk
    stands: Stands


_C, _L, _D = Stands.CHART, Stands.LEDGER, Stands.DERIVED
CATALOGUE: Final = (
    # Acts on one chart.
    AuditKind(1, "data_accessed", "Read", "R", Risk.LOW, _C),
    AuditKind(2, "exported", "Exported", "R", Risk.HIGH, _C),
    AuditKind(3, "printed", "Printed", "R", Risk.MEDIUM, _C),
    AuditKind(4, "draft_generated", "Drafted by a model", "E", Risk.MEDIUM, _C),
    AuditKind(5, "draft_discarded", "Draft discarded", "E", Risk.LOW, _C),
    AuditKind(6, "redacted", "Redacted for sharing", "E", Risk.MEDIUM, _C),
    AuditKind(7, "access_refused", "Access refused", "R", Risk.MEDIUM, _C),
    AuditKind(8, "break_glass", "Broke the glass", "R", Risk.CRITICAL, _C),
    AuditKind(9, "consent_checked", "Consent checked", "E", Risk.LOW, _C),
    AuditKind(10, "ai_training_data_collected", "Training data collected", "R", Risk.HIGH, _C),
    AuditKind(11, "copied_for_sharing", "Handed to a peer", "R", Risk.MEDIUM, _C),
    AuditKind(12, "content_destroyed", "Destroyed the content here", "D", Risk.HIGH, _C),
    # Acts on the device or on many charts.
    AuditKind(32, "charts_listed", "Listed charts", "R", Risk.LOW, _L),
    AuditKind(33, "charts_searched", "Searched charts", "R", Risk.LOW, _L),
    AuditKind(34, "unlocked", "Unlocked the device", "E", Risk.LOW, _L),
    AuditKind(35, "locked", "Locked the device", "E", Risk.LOW, _L),
    AuditKind(36, "unlock_failed", "Failed to unlock", "E", Risk.MEDIUM, _L),
    AuditKind(37, "met_peer", "Met a device", "E", Risk.LOW, _L),
    AuditKind(38, "met_relay", "Synced with the relay", "E", Risk.LOW, _L),
    AuditKind(39, "imported", "Imported records", "C", Risk.MEDIUM, _L),
    AuditKind(40, "model_changed", "Changed a model", "U", Risk.MEDIUM, _L),
    AuditKind(41, "audit_read", "Read the audit trail", "R", Risk.LOW, _L),
    AuditKind(42, "audit_exported", "Exported the audit trail", "R", Risk.HIGH, _L),
    AuditKind(43, "relay_accused", "Caught the relay", "E", Risk.CRITICAL, _L),
    AuditKind(44, "restored", "Restored from a backup", "E", Risk.HIGH, _L),
    AuditKind(45, "recovery_used", "Used the recovery key", "E", Risk.CRITICAL, _L),
    AuditKind(46, "backed_up", "Backed up the device", "R", Risk.HIGH, _L),
    AuditKind(47, "bundle_exported", "Wrote a bundle for others to carry", "R", Risk.MEDIUM, _L),
    AuditKind(48, "bundle_imported", "Took in a bundle", "C", Risk.LOW, _L),
    # Entries that are their own record.
    AuditKind(0, "workflow_started", "Started a workflow", "C", Risk.LOW, _D),
    AuditKind(0, "workflow_step_completed", "Completed a step", "U", Risk.LOW, _D),
    AuditKind(0, "workflow_completed", "Completed a workflow", "U", Risk.LOW, _D),
    AuditKind(0, "content_written", "Wrote", "U", Risk.LOW, _D),
    AuditKind(0, "chart_created", "Created a chart", "C", Risk.LOW, _D),
    AuditKind(0, "document_created", "Added a document", "C", Risk.LOW, _D),
    AuditKind(0, "member_added", "Added a member", "U", Risk.MEDIUM, _D),
    AuditKind(0, "keys_changed", "Changed keys", "U", Risk.LOW, _D),
    AuditKind(0, "device_invited", "Invited a device", "C", Risk.MEDIUM, _D),
    AuditKind(0, "device_certified", "Enrolled a device", "C", Risk.MEDIUM, _D),
    AuditKind(0, "relay_announced", "Announced the relay", "U", Risk.MEDIUM, _D),
    AuditKind(0, "device_revoked", "Revoked a device or user", "U", Risk.HIGH, _D),
    AuditKind(0, "role_changed", "Changed a role", "U", Risk.MEDIUM, _D),
    AuditKind(0, "team_changed", "Changed a team", "U", Risk.MEDIUM, _D),
    AuditKind(0, "member_removed", "Removed a member", "U", Risk.MEDIUM, _D),
    AuditKind(0, "entries_adopted", "Vouched for entries", "U", Risk.MEDIUM, _D),
    AuditKind(0, "consent_changed", "Recorded the patient's consent", "U", Risk.MEDIUM, _D),
    AuditKind(0, "hold_changed", "Changed a legal hold", "U", Risk.HIGH, _D),
    AuditKind(0, "purge_proposed", "Proposed to destroy a chart", "D", Risk.HIGH, _D),
    AuditKind(0, "purge_confirmed", "Confirmed that a chart is destroyed", "D", Risk.CRITICAL, _D),
    AuditKind(0, "desk_announced", "Announced the break-glass desk", "U", Risk.HIGH, _D),
    AuditKind(0, "glass_broken", "Opened a chart in an emergency", "E", Risk.CRITICAL, _D),
    AuditKind(0, "glass_reviewed", "Reviewed an emergency access", "U", Risk.HIGH, _D),
    AuditKind(0, "kit_preloaded", "Let a kit carry a chart", "U", Risk.HIGH, _D),
    AuditKind(0, "recovery_announced", "Announced the recovery key", "U", Risk.HIGH, _D),
    AuditKind(0, "recovery_drilled", "Held a recovery drill", "E", Risk.MEDIUM, _D),
    AuditKind(0, "recovery_begun", "Put the recovery key together", "E", Risk.CRITICAL, _D),
    AuditKind(0, "recovery_granted", "Let somebody in by the recovery key", "U", Risk.CRITICAL, _D),
    AuditKind(0, "unknown", "Something of a newer version", "E", Risk.MEDIUM, _D),
)
"""Every kind that a timeline knows."""
KINDS: Final[Mapping[str, AuditKind]] = MappingProxyType({kind.name: kind for kind in CATALOGUE})
_BY_CODE: Final = {kind.code: kind for kind in CATALOGUE if kind.code}

Head = tuple[StreamId, tuple[SessionId, Place]]
"""How far one chain reaches: stream, session, sequence number and entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One act, as it is sealed.

    Attributes:
        code: the kind's; one that this version does not know is kept and shown as unknown.
        purpose: for what.
        result: how it ended.
        fields: names of what was read, such as `identity`, `allergy` or `text.plan`; never a value.
        compartments: those that were read.
        charts: the charts concerned, where the entry stands in a ledger.
        documents: the documents concerned.
        seen: the newest entries in what was read: which state was shown, and what this act therefore follows.
        heads: of a meeting, how far the other side's chains reached here afterwards.
        peer: the device that was met or served.
        note: the newest checkpoint that was known, as signed.
        count: charts, resources or attempts, where one record stands for many.
        detail: further words for people by name, such as `format`, `model`, `reason`, `data_type`, `anonymisation`.
        checks: names of the checks that ran and passed, such as `membership` or `consent`; never one that did not run.
        behalf: the user on whose behalf, if not the session's own.
    """

    code: int = key(1, uint(AUDIT_KIND_MAX))
    purpose: Purpose = key(2, choice(Purpose))
    result: Result = key(3, choice(Result))
    fields: tuple[str, ...] = key(4, many(string(AUDIT_TEXT_BYTES_MAX), AUDIT_FIELDS_MAX))
    compartments: tuple[Compartment, ...] = key(5, ordered(choice(Compartment), len(Compartment)))
    charts: tuple[ChartId, ...] = key(6, ordered(identifier(ChartId), AUDIT_CHARTS_MAX))
    documents: tuple[DocumentId, ...] = key(7, ordered(identifier(DocumentId), AUDIT_CHARTS_MAX))
    seen: tuple[EntryHash, ...] = key(8, ordered(identifier(EntryHash), AUDIT_SEEN_MAX))
    heads: tuple[Head, ...] = key(
        9,
        ordered(
            pair(identifier(StreamId), pair(identifier(SessionId), pair(uint(SEQ_MAX), identifier(EntryHash)))),
            AUDIT_HEADS_MAX,
        ),
    )
    peer: CertificateHash | None = key(10, optional(identifier(CertificateHash)))
    note: bytes | None = key(11, optional(octets(1, NOTE_BYTES_MAX)))
    count: int | None = key(12, optional(uint(SEQ_MAX)))
    detail: tuple[tuple[str, str], ...] = key(
        13, many(pair(string(AUDIT_TEXT_BYTES_MAX), string(AUDIT_TEXT_BYTES_MAX)), AUDIT_WORDS_MAX)
    )
    checks: tuple[str, ...] = key(14, many(string(AUDIT_TEXT_BYTES_MAX), AUDIT_WORDS_MAX))
    behalf: UserId | None = key(15, optional(identifier(UserId)))

    @property
    def kind(self) -> AuditKind:
        """The catalogue's row; that of `unknown` for a code of a newer version."""
        return _BY_CODE.get(self.code, KINDS["unknown"])


def audit_record(
    name: str,
    *,
    purpose: Purpose,
    result: Result = Result.DONE,
    fields: tuple[str, ...] = (),
    compartments: tuple[Compartment, ...] = (),
    charts: tuple[ChartId, ...] = (),
    documents: tuple[DocumentId, ...] = (),
    seen: tuple[EntryHash, ...] = (),
    heads: tuple[Head, ...] = (),
    peer: CertificateHash | None = None,
    note: bytes | None = None,
    count: int | None = None,
    detail: Mapping[str, str] | None = None,
    checks: tuple[str, ...] = (),
    behalf: UserId | None = None,
) -> AuditRecord:
    """Make a record of the kind `name`; the arguments are the record's attributes.

    Of those that are sets, the order does not matter, and what is named twice counts once.
    """
    kind = KINDS[name]
    assert kind.stands is not Stands.DERIVED, "a derived kind has no record"
    return AuditRecord(
        code=kind.code,
        purpose=purpose,
        result=result,
        fields=fields,
        compartments=tuple(sorted(set(compartments))),
        charts=tuple(sorted(set(charts))),
        documents=tuple(sorted(set(documents))),
        seen=tuple(sorted(set(seen))),
        heads=tuple(sorted(set(heads))),
        peer=peer,
        note=note,
        count=count,
        detail=tuple((detail or {}).items()),
        checks=checks,
        behalf=behalf,
    )


def pack_audit(record: AuditRecord) -> bytes:
    """Encode a record as the plaintext of an audit entry.

    Raises:
        LimitError: a field over its limit.
        MisuseError: a value that its field cannot carry.
    """
    return pack(record)


def unpack_audit(plain: bytes) -> AuditRecord:
    """Decode an audit entry's plaintext.

    Raises:
        MalformedError: not an audit record.
        LimitError: over a limit.
    """
    return unpack(AuditRecord, plain)


_UNUSUAL: Final = frozenset({Purpose.LEGAL, Purpose.RESEARCH, Purpose.AI_TRAINING, Purpose.PATIENT_REQUEST})


def risk_of(record: AuditRecord) -> Risk:
    """The risk of an act: the kind's, and a step more for each circumstance that makes it worse.

    A step each: what is kept apart was touched; it was refused or failed; many charts at once (BULK); a purpose other
    than care, running the organisation, or this very control. In an emergency it is HIGH at least: somebody must look.
    """
    steps = (
        Compartment.SENSITIVE in record.compartments,
        record.result is not Result.DONE,
        max(record.count or 0, len(record.charts)) >= BULK,
        record.purpose in _UNUSUAL,
    )
    level = Risk(min(record.kind.risk + sum(steps), Risk.CRITICAL))
    return max(level, Risk.HIGH) if record.purpose is Purpose.EMERGENCY else level
