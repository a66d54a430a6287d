"""The layout of clinical documents: kinds of fact, their compartments, text sections, and the words that facts may use.

Owns every closed list of the layout and its limits. Refuses meaning: the rules are beside this file, one module a kind.
An enumeration whose docstring speaks of an order is declared in that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sync_protocol.roles import Compartment

LAYOUT_VERSION: Final = 1
"""What a `document` fact states as `schema`."""

ALLERGIES_MAX: Final = 50
"""Allergies that an author may list in one document; a merge may bring more, and all of them are shown."""
MEDICATIONS_MAX: Final = 100
"""Medications, in the same sense."""


class Kind(StrEnum):
    """What a fact states."""

    IDENTITY = "identity"
    DOCUMENT = "document"
    STATUS = "status"
    PRIORITY = "priority"
    ASSIGNMENT = "assignment"
    PLACE = "place"
    TRIAGE = "triage"
    ALLERGY = "allergy"
    MEDICATION = "medication"
    DIAGNOSIS = "diagnosis"
    PROCEDURE = "procedure"
    OBSERVATION = "observation"
    STEP = "step"
    STEP_EVENT = "step_event"
    ATTESTATION = "attestation"
    ADDENDUM = "addendum"
    REVIEW_DECISION = "review_decision"
    DRAFT = "draft"
    DRAFT_DECISION = "draft_decision"
    ATTACHMENT = "attachment"
    TEXT_START = "text_start"
    LINK = "link"
    CASUALTY = "casualty"
    SPECIMEN = "specimen"
    VALIDATION = "validation"
    SOURCE = "source"


_SAFETY: Final = frozenset(
    {Kind.IDENTITY, Kind.ALLERGY, Kind.MEDICATION, Kind.DIAGNOSIS, Kind.TRIAGE, Kind.DOCUMENT, Kind.STATUS}
    | {Kind.CASUALTY}
)
_FOLLOWS: Final = frozenset({Kind.SOURCE, Kind.DRAFT, Kind.DRAFT_DECISION, Kind.ATTACHMENT, Kind.REVIEW_DECISION})


def home(kind: str) -> Compartment | None:
    """The compartment where an ordinary fact of `kind` stands; None for one that follows what it concerns."""
    if kind in _SAFETY:
        return Compartment.SAFETY
    return None if kind in _FOLLOWS else Compartment.CLINICAL


def may_stand_in(kind: str, compartment: Compartment) -> bool:
    """Tell whether an author may write `kind` into `compartment`; what law or patient keeps apart holds any kind."""
    return compartment is Compartment.SENSITIVE or home(kind) in {None, compartment}


class Section(StrEnum):
    """A text of a document, merged by character."""

    COMPLAINT = "complaint"
    HISTORY = "history"
    SUBJECTIVE = "subjective"
    OBJECTIVE = "objective"
    ASSESSMENT = "assessment"
    PLAN = "plan"


SECTION_CHARS: Final[Mapping[Section, tuple[int, int]]] = MappingProxyType(
    {
        Section.COMPLAINT: (1, 1000),
        Section.HISTORY: (0, 5000),
        Section.SUBJECTIVE: (0, 20_000),
        Section.OBJECTIVE: (0, 20_000),
        Section.ASSESSMENT: (0, 20_000),
        Section.PLAN: (0, 20_000),
    }
)
"""Fewest and most characters that an author may leave in a section; a merge may exceed it, and all of it is shown."""


class WorkflowType(StrEnum):
    """What a document is for; `chart` is the one document of a chart that holds what outlasts an encounter."""

    CHART = "chart"
    ENCOUNTER = "encounter"
    CARE_PLAN = "care_plan"
    CONSULTATION = "consultation"
    PROCEDURE = "procedure"
    LAB_ORDER = "lab_order"
    DISCHARGE = "discharge"
    TELEMEDICINE = "telemedicine"
    FIELD_TRIAGE = "field_triage"
    INCIDENT = "incident"
    """The register of a mass-casualty incident; its casualties have charts of their own."""


class Status(StrEnum):
    """Where a document stands, from the least final to the most."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    ERROR = "error"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


STATUS_ALIASES: Final[Mapping[str, Status]] = MappingProxyType({"suspended": Status.PAUSED})
"""Words of older systems, and how they read."""


class Priority(StrEnum):
    """How urgent, from the least to the most."""

    ROUTINE = "routine"
    URGENT = "urgent"
    EMERGENCY = "emergency"
    CRITICAL = "critical"


class Triage(StrEnum):
    """How soon a casualty is treated, from the least urgent to the most; the dead are beside that order."""

    DECEASED = "deceased"
    EXPECTANT = "expectant"
    MINOR = "minor"
    DELAYED = "delayed"
    IMMEDIATE = "immediate"


TRIAGE_ALIASES: Final[Mapping[str, Triage]] = MappingProxyType(
    {
        "black": Triage.DECEASED,
        "grey": Triage.EXPECTANT,
        "green": Triage.MINOR,
        "minimal": Triage.MINOR,
        "yellow": Triage.DELAYED,
        "red": Triage.IMMEDIATE,
    }
)
"""The colours of triage tags, and SALT's word for the walking, and how they read."""


class TriageSystem(StrEnum):
    """By which flow chart somebody was triaged; `clinical` is a person's own judgement."""

    START = "start"
    JUMPSTART = "jumpstart"
    SALT = "salt"
    CLINICAL = "clinical"


class StepStatus(StrEnum):
    """Where a step stands, from the least final to the most."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    FAILED = "failed"
    SKIPPED = "skipped"
    COMPLETED = "completed"


class SpecimenStatus(StrEnum):
    """Where a specimen is, in the order of its way."""

    ORDERED = "ordered"
    COLLECTED = "collected"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    REJECTED = "rejected"


class Validation(StrEnum):
    """What a second person says of a laboratory result."""

    VALIDATED = "validated"
    REJECTED = "rejected"


class Relation(StrEnum):
    """How a chart or document is related to another."""

    SAME_PATIENT = "same_patient"
    NOT_SAME_PATIENT = "not_same_patient"
    """Undoes an earlier `same_patient`, by superseding it."""
    FOLLOWS = "follows"
    PART_OF = "part_of"


class Severity(StrEnum):
    """How bad a reaction was, from the least to the most. Source: FHIR R4 reaction-event-severity."""

    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class Verification(StrEnum):
    """How sure an allergy is. Source: FHIR R4 allergyintolerance-verification."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    ENTERED_IN_ERROR = "entered-in-error"


class Category(StrEnum):
    """What an allergy is to. Source: FHIR R4 allergy-intolerance-category."""

    FOOD = "food"
    MEDICATION = "medication"
    ENVIRONMENT = "environment"
    BIOLOGIC = "biologic"


class Certainty(StrEnum):
    """How sure a diagnosis is. Source: FHIR R4 condition-ver-status."""

    UNCONFIRMED = "unconfirmed"
    PROVISIONAL = "provisional"
    DIFFERENTIAL = "differential"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    ENTERED_IN_ERROR = "entered-in-error"


class Action(StrEnum):
    """What a medication fact does to the medication."""

    START = "start"
    CHANGE = "change"
    CONTINUE = "continue"
    STOP = "stop"


class Sex(StrEnum):
    """Administrative sex. Source: FHIR R4 administrative-gender."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


SYSTEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "http://snomed.info/sct": "snomed",
        "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
        "http://loinc.org": "loinc",
        "http://hl7.org/fhir/sid/icd-10-cm": "icd-10-cm",
    }
)
"""Code systems by their FHIR address, and the short name that reads as the same."""
