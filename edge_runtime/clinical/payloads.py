"""The payload of each kind of fact that this version writes: which keys it has, and what each may hold.

Owns that table and its limits. How a fact is judged by it, `schemas` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.checks import (
    Check,
    Record,
    day,
    decimal,
    listed,
    moment,
    octets,
    one_of,
    shape,
    text,
    truth,
    version,
    whole,
)
from edge_runtime.clinical.draft_payloads import decision_form, draft_form
from edge_runtime.clinical.layout import (
    STATUS_ALIASES,
    TRIAGE_ALIASES,
    Action,
    Category,
    Certainty,
    Kind,
    Priority,
    Relation,
    Section,
    Severity,
    Sex,
    SpecimenStatus,
    Status,
    StepStatus,
    Triage,
    TriageSystem,
    Validation,
    Verification,
    WorkflowType,
)
from sync_protocol.attestation import Act
from sync_protocol.blob_sealing import FILE_BYTES_MAX
from sync_protocol.limits import ATTESTED_BYTES_MAX

NAME_CHARS_MAX: Final = 255
REASON_CHARS_MAX: Final = 1000
CODE_CHARS_MAX: Final = 64
COMPONENTS_MAX: Final = 16
IDENTIFIERS_MAX: Final = 32
LOCATION_CHARS_MAX: Final = 200
DEPARTMENT_CHARS_MAX: Final = 100
TYPE_CHARS_MAX: Final = 100
FRACTION_CHARS_MAX: Final = 64
MINUTES_MAX: Final = 1440
QUALITY_MAX: Final = 100
CASUALTY_CHARS_MAX: Final = 32
REQUIRES_MAX: Final = 64
"""Things that a document may ask for before it is complete."""
INPUTS_MAX: Final = 32
"""Findings that one triage may rest on."""
SIGNED_BYTES_MAX: Final = 8 * 1024
"""Of a signed record inside a fact."""
HEADS_MAX: Final = 256
"""Statements that one review may hold, and one decision may name."""

_name: Final = text(NAME_CHARS_MAX)
_reason: Final = text(REASON_CHARS_MAX)
_code: Final = text(CODE_CHARS_MAX)
_fact_id: Final = shape(r"[0-9a-f]{64}:(0|[1-9][0-9]{0,2})", "a fact id as <64 hexadecimal digits>:<index>")
_review_id: Final = shape(r"[0-9a-f]{64}", "a review id of 64 hexadecimal digits")
_digest: Final = shape(r"[0-9a-f]{64}", "64 hexadecimal digits")
_media_type: Final = shape(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}", "a media type such as image/png")
_size: Final = whole(FILE_BYTES_MAX)
_rxnorm: Final = shape(r"[1-9][0-9]{0,7}", "an RxNorm code of 1 to 8 digits")
_coded: Final[Mapping[str, Check]] = MappingProxyType({"code": _code, "system": _name})
_minutes: Final = whole(MINUTES_MAX, 1)
_fraction: Final = shape(r"[0-9A-Za-z]{1,64}", "1 to 64 digits and letters that say a place in an order")
_id: Final = shape(r"[0-9a-f]{32}", "a whole id of 32 hexadecimal digits")
_word: Final = shape(r"[a-z][a-z0-9_:.-]{0,63}", "a word of 1 to 64 small letters, digits and _ : . -")
_input: Final = Record({"name": _word, "value": _name})
_requirement: Final = Record({"item": _word}, {"text": _name})
_attested: Final = text(ATTESTED_BYTES_MAX)
_component: Final = Record({"code": _code}, {"system": _name, "text": _name, "value": decimal, "unit": _code})

SCHEMAS: Final[Mapping[str, Record]] = MappingProxyType(
    {
        Kind.IDENTITY: Record(
            {"name": _name},
            {
                "birth_date": day,
                "sex": one_of(Sex),
                "identifiers": listed(Record({"value": _name}, {"system": _name, "type": _name}), IDENTIFIERS_MAX),
                "contacts": listed(Record({"value": _name}, {"type": _name, "name": _name}), IDENTIFIERS_MAX),
                "according_to": _name,
            },
        ),
        Kind.DOCUMENT: Record(
            {"schema": version, "workflow_type": one_of(WorkflowType)},
            {
                "title": _name,
                "template": _name,
                "requires": listed(_requirement, REQUIRES_MAX),
                "estimated_minutes": _minutes,
            },
        ),
        Kind.STATUS: Record({"to": one_of(Status, STATUS_ALIASES)}, {"reason": _reason}),
        Kind.PRIORITY: Record({"to": one_of(Priority)}, {"reason": _reason}),
        Kind.ALLERGY: Record(
            {"text": _name},
            {
                **_coded,
                "severity": one_of(Severity),
                "verification": one_of(Verification),
                "category": one_of(Category),
                "reaction": _reason,
                "reason": _reason,
            },
        ),
        Kind.MEDICATION: Record(
            {"text": _name, "action": one_of(Action)},
            {
                **_coded,
                "rxnorm": _rxnorm,
                "dose": _code,
                "unit": _code,
                "route": _name,
                "frequency": _name,
                "reason": _reason,
            },
        ),
        Kind.DIAGNOSIS: Record(
            {"text": _name}, {**_coded, "certainty": one_of(Certainty), "onset": moment, "reason": _reason}
        ),
        Kind.PROCEDURE: Record({"text": _name}, {**_coded, "performed": moment, "reason": _reason}),
        Kind.OBSERVATION: Record(
            {"code": _code, "text": _name},
            {
                "system": _name,
                "value": decimal,
                "unit": _code,
                "finding": _reason,
                "components": listed(_component, COMPONENTS_MAX, items_min=1),
                "effective": moment,
                "device": _name,
                "corrects": _fact_id,
                "confirmed": truth,
                "reason": _reason,
            },
        ),
        Kind.REVIEW_DECISION: Record(
            {
                "conflict": _review_id,
                "heads": listed(_fact_id, HEADS_MAX, items_min=1),
                "decision": _name,
                "reason": _reason,
            }
        ),
        Kind.ASSIGNMENT: Record({"to": _name}, {"user": _id, "reason": _reason}),
        Kind.PLACE: Record(
            {}, {"location": text(LOCATION_CHARS_MAX), "department": text(DEPARTMENT_CHARS_MAX), "reason": _reason}
        ),
        Kind.TRIAGE: Record(
            {"to": one_of(Triage, TRIAGE_ALIASES)},
            {
                "system": one_of(TriageSystem),
                "rule": _name,
                "inputs": listed(_input, INPUTS_MAX),
                "effective": moment,
                "reason": _reason,
            },
        ),
        Kind.STEP: Record(
            {"fraction": _fraction, "name": _name},
            {"type": text(TYPE_CHARS_MAX), "estimated_minutes": _minutes, "key": _word, "required": truth},
        ),
        Kind.STEP_EVENT: Record(
            {"step": _fact_id, "to": one_of(StepStatus)},
            {"quality": whole(QUALITY_MAX), "actual_minutes": _minutes, "note": _reason, "reason": _reason},
        ),
        Kind.ATTESTATION: Record(
            {
                "act": one_of(Act),
                "scope": listed(one_of(Section), len(Section)),
                "signed": octets(SIGNED_BYTES_MAX),
            },
            {"text": _attested, "of": _fact_id, "reason": _reason},
        ),
        Kind.ADDENDUM: Record(
            {"text": _attested, "of": _fact_id, "signed": octets(SIGNED_BYTES_MAX)}, {"reason": _reason}
        ),
        Kind.LINK: Record({"relation": one_of(Relation)}, {"chart": _id, "document": _id, "reason": _reason}),
        Kind.CASUALTY: Record({"number": text(CASUALTY_CHARS_MAX), "chart": _id}, {"note": _reason}),
        Kind.SPECIMEN: Record(
            {"specimen": text(CODE_CHARS_MAX), "to": one_of(SpecimenStatus)},
            {"type": _name, "effective": moment, "reason": _reason},
        ),
        Kind.VALIDATION: Record({"observation": _fact_id, "to": one_of(Validation)}, {"reason": _reason}),
        Kind.ATTACHMENT: Record(
            {
                "blob": _digest,
                "key": _digest,
                "name": _name,
                "media_type": _media_type,
                "bytes": _size,
                "sha256": _digest,
            },
            {"title": _name},
        ),
        Kind.DRAFT: draft_form(_name, _reason),
        Kind.DRAFT_DECISION: decision_form(_reason),
        Kind.SOURCE: Record({}, opaque=True),
    }
)
"""Kinds that this version writes. `finding` is a result that is no number; `confirmed` says that an author was asked
about an implausible value and stands by it; `reason` beside an allergy or observation says why it was corrected. An
empty `scope` means the whole document; `signed` is the signed record, `of` what it signs beside or amends."""
