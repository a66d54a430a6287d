"""Codes of the AuditEvents: which pattern each kind of act follows, and the words that others use for it.

Owns the table. Sources: FHIR R4 AuditEvent and its value sets; IHE ITI Basic Audit Log Patterns (BALP) 1.1.4, profiles
PatientRead, PatientCreate, PatientUpdate, Query, PatientQuery and PrivacyDisclosure at the source; DICOM PS3.16 annex D
(DCM); HL7 v3 ActReason and ParticipationType.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sync_protocol.audit import Purpose, Result

Json = dict[str, object]

PROFILES: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
ENTITY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
SOURCE_TYPE: Final = "http://terminology.hl7.org/CodeSystem/security-source-type"
ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_EVENT_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_INTERACTION: Final = "http://hl7.org/fhir/restful-interaction"
_LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"

SYSTEM: Final = "urn:fieldward:"
"""Before the names of what is ours: kinds, risks, and ids of users, devices, charts, documents and entries."""


class Pattern(StrEnum):
    """The BALP profile that an act follows where it succeeded and is about one patient."""

    READ = "PatientRead"
    CREATE = "PatientCreate"
    UPDATE = "PatientUpdate"
    QUERY = "Query"
    DISCLOSURE = "PrivacyDisclosure.Source"
    NONE = ""


PATIENT_QUERY: Final = "PatientQuery"
"""What Pattern.QUERY becomes for each patient that is known to have been among the results."""


def coding(system: str, code: str, display: str = "") -> Json:
    """A Coding."""
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(system: str, code: str, display: str = "") -> Json:
    """A CodeableConcept of one coding."""
    return {"coding": [coding(system, code, display)]}


REST: Final = coding(_EVENT_TYPE, "rest", "RESTful Operation")
SOURCE_ROLE: Final = concept(DCM, "110153", "Source Role ID")
DESTINATION_ROLE: Final = concept(DCM, "110152", "Destination Role ID")
RECIPIENT: Final = concept(PARTICIPATION, "IRCP", "information recipient")
AUTHOR: Final = concept(PARTICIPATION, "AUT", "author (originator)")
RESPONSIBLE: Final = concept(PARTICIPATION, "RESP", "responsible party")
_ACTIVITY: Final = coding(DCM, "110100", "Application Activity")
_LOG_USED: Final = coding(DCM, "110101", "Audit Log Used")
_EXPORT: Final = coding(DCM, "110106", "Export")
_IMPORT: Final = coding(DCM, "110107", "Import")
_ALERT: Final = coding(DCM, "110113", "Security Alert")
_AUTHENTICATION: Final = coding(DCM, "110114", "User Authentication")


@dataclass(frozen=True, slots=True)
class Codes:
    """How one kind is written.

    Attributes:
        subtypes: the public codes; the kind's own name follows them.
        action: where it is not the catalogue's.
    """

    pattern: Pattern
    type: Json
    subtypes: tuple[Json, ...] = ()
    action: str | None = None


def _rest(pattern: Pattern, interaction: str, action: str | None = None) -> Codes:
    return Codes(pattern, REST, (coding(_INTERACTION, interaction, interaction),), action)


def _plain(type_: Json, *subtypes: Json) -> Codes:
    return Codes(Pattern.NONE, type_, subtypes)


_READ: Final = _rest(Pattern.READ, "read")
_UPDATE: Final = _rest(Pattern.UPDATE, "update")
_CREATE: Final = _rest(Pattern.CREATE, "create")
_QUERY: Final = _rest(Pattern.QUERY, "search", "E")
_RIGHTS: Final = _plain(_ALERT, coding(DCM, "110137", "User Security Attributes Changed"))

CODES: Final[Mapping[str, Codes]] = {
    "data_accessed": _READ,
    "exported": Codes(
        Pattern.DISCLOSURE, _EXPORT, (coding(_LIFECYCLE, "disclose", "Disclose Record Lifecycle Event"),)
    ),
    "printed": _READ,
    "draft_generated": _plain(_ACTIVITY),
    "draft_discarded": _plain(_ACTIVITY),
    "redacted": _plain(_ACTIVITY, coding(_LIFECYCLE, "deidentify", "De-Identify (Anononymize) Record Lifecycle Event")),
    "access_refused": _READ,
    "break_glass": Codes(
        Pattern.READ, REST, (*_READ.subtypes, coding(DCM, "110127", "Emergency Override Started")), None
    ),
    "consent_checked": _plain(_ACTIVITY),
    "ai_training_data_collected": _plain(_EXPORT),
    "copied_for_sharing": _plain(_EXPORT, coding(_LIFECYCLE, "transmit", "Transmit Record Lifecycle Event")),
    "content_destroyed": _plain(_ACTIVITY, coding(_LIFECYCLE, "destroy", "Destroy/Delete Record Lifecycle Event")),
    "charts_listed": _QUERY,
    "charts_searched": _QUERY,
    "unlocked": _plain(_AUTHENTICATION, coding(DCM, "110122", "Login")),
    "locked": _plain(_AUTHENTICATION, coding(DCM, "110123", "Logout")),
    "unlock_failed": _plain(_AUTHENTICATION, coding(DCM, "110122", "Login")),
    "met_peer": _plain(_ACTIVITY, coding(DCM, "110126", "Node Authentication")),
    "met_relay": _plain(_ACTIVITY, coding(DCM, "110126", "Node Authentication")),
    "imported": _plain(_IMPORT),
    "model_changed": _plain(_ALERT, coding(DCM, "110131", "Software Configuration")),
    "audit_read": _plain(_LOG_USED),
    "audit_exported": _plain(_EXPORT),
    "relay_accused": _plain(_ALERT),
    "restored": _plain(_ALERT, coding(_LIFECYCLE, "restore", "Restore Record Lifecycle Event")),
    "recovery_used": _plain(_ALERT, coding(DCM, "110132", "Use of Restricted Function")),
    "backed_up": _plain(_EXPORT),
    "bundle_exported": _plain(_EXPORT, coding(_LIFECYCLE, "transmit", "Transmit Record Lifecycle Event")),
    "bundle_imported": _plain(_IMPORT, coding(_LIFECYCLE, "receive", "Receive/Retain Record Lifecycle Event")),
    "workflow_started": _CREATE,
    "workflow_step_completed": _UPDATE,
    "workflow_completed": _UPDATE,
    "content_written": _UPDATE,
    "chart_created": _CREATE,
    "document_created": _CREATE,
    "member_added": _RIGHTS,
    "keys_changed": _plain(_ALERT, coding(DCM, "110135", "Object Security Attributes Changed")),
    "device_invited": _RIGHTS,
    "device_certified": _RIGHTS,
    "relay_announced": _plain(_ALERT, coding(DCM, "110128", "Network Configuration")),
    "device_revoked": _RIGHTS,
    "role_changed": _plain(_ALERT, coding(DCM, "110136", "Security Roles Changed")),
    "team_changed": _RIGHTS,
    "member_removed": _RIGHTS,
    "entries_adopted": _UPDATE,
    "consent_changed": _UPDATE,
    "hold_changed": _plain(_ACTIVITY),
    "purge_proposed": _plain(_ACTIVITY),
    "purge_confirmed": _plain(_ACTIVITY, coding(_LIFECYCLE, "destroy", "Destroy/Delete Record Lifecycle Event")),
    "desk_announced": _plain(_ALERT, coding(DCM, "110134", "Security Configuration")),
    "glass_broken": _plain(_ALERT, coding(DCM, "110127", "Emergency Override Started")),
    "glass_reviewed": _plain(_ALERT, coding(DCM, "110138", "Emergency Override Stopped")),
    "kit_preloaded": _plain(_EXPORT),
    "recovery_announced": _plain(_ALERT, coding(DCM, "110134", "Security Configuration")),
    "recovery_drilled": _plain(_ACTIVITY),
    "recovery_begun": _plain(_ALERT, coding(DCM, "110132", "Use of Restricted Function")),
    "recovery_granted": _RIGHTS,
    "unknown": _plain(_ACTIVITY),
}
"""Every kind of the catalogue."""
FAILED: Final = frozenset({"access_refused", "unlock_failed"})
"""Kinds that are failures whatever their result says: no pattern is for them."""
OUTCOMES: Final[Mapping[Result, str]] = {Result.DONE: "0", Result.REFUSED: "4", Result.FAILED: "8"}
"""Source: FHIR R4 audit-event-outcome: success, minor failure, serious failure."""
REASONS: Final[Mapping[Purpose, tuple[str, str]]] = {
    Purpose.TREATMENT: ("TREAT", "treatment"),
    Purpose.EMERGENCY: ("ETREAT", "Emergency Treatment"),
    Purpose.TELEMEDICINE: ("TREAT", "treatment"),
    Purpose.OPERATIONS: ("HOPERAT", "healthcare operations"),
    Purpose.PAYMENT: ("HPAYMT", "healthcare payment"),
    Purpose.PATIENT_REQUEST: ("PATRQT", "patient requested"),
    Purpose.LEGAL: ("HLEGAL", "legal"),
    Purpose.COMPLIANCE: ("HCOMPL", "health compliance"),
    Purpose.RESEARCH: ("HRESCH", "healthcare research"),
    Purpose.AI_TRAINING: ("HOPERAT", "healthcare operations"),
}
"""The nearest code of ActReason as published with R4; our own word stands beside it as text."""
BREAK_GLASS: Final = coding(ACT_REASON, "BTG", "break the glass")
