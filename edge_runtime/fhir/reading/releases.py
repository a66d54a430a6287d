"""The signs of another version of FHIR: types that R4 does not have, elements, and what a resource says of itself.

Owns the answer to "which version wrote this?", as far as a resource shows it. Refuses to convert: the same element
means another thing there, and a negation that is overlooked (`notTaken`, `wasNotPerformed`) harms. Pure.

Source: the resource lists of DSTU2, STU3, R4B and R5; the difference pages; FHIR R4 sections 2.6.0.2 and 2.1.0.7
(`fhirVersion`, versioned canonical addresses).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from edge_runtime.fhir.reading.strict_json import Json

_TYPES: Final[Mapping[str, str]] = {
    "FHIR DSTU2": "Conformance DeviceUseRequest DiagnosticOrder ImagingObjectSelection MedicationOrder Order "
    "OrderResponse",
    "FHIR DSTU2 or STU3": "BodySite DataElement DeviceComponent EligibilityRequest EligibilityResponse "
    "ProcedureRequest ProcessRequest ProcessResponse ReferralRequest",
    "FHIR STU3": "ExpansionProfile ImagingManifest Sequence ServiceDefinition",
    "FHIR R4B or R5": "AdministrableProductDefinition Citation ClinicalUseDefinition EvidenceReport Ingredient "
    "ManufacturedItemDefinition MedicinalProductDefinition NutritionProduct PackagedProductDefinition "
    "RegulatedAuthorization SubscriptionStatus SubscriptionTopic SubstanceDefinition",
    "FHIR R5": "ActorDefinition ArtifactAssessment BiologicallyDerivedProductDispense ConditionDefinition "
    "DeviceAssociation DeviceDispense DeviceUsage EncounterHistory FormularyItem GenomicStudy ImagingSelection "
    "InventoryItem InventoryReport NutritionIntake Permission RequestOrchestration Requirements TestPlan Transport",
}
RELEASE_OF: Final[Mapping[str, str]] = {name: release for release, names in _TYPES.items() for name in names.split()}
"""Resource types that R4 does not have, and who has them."""


class _Sign(NamedTuple):
    """An element that R4 does not have, or has in another form."""

    resource: str
    element: str
    form: type
    version: str


_SIGNS: Final = (
    _Sign("AllergyIntolerance", "clinicalStatus", str, "STU3"),
    _Sign("AllergyIntolerance", "status", str, "DSTU2"),
    _Sign("AllergyIntolerance", "substance", dict, "DSTU2"),
    _Sign("AllergyIntolerance", "type", dict, "R5"),
    _Sign("AuditEvent", "code", dict, "R5"),
    _Sign("AuditEvent", "event", dict, "DSTU2"),
    _Sign("Composition", "class", dict, "STU3"),
    _Sign("Condition", "clinicalStatus", str, "STU3"),
    _Sign("Condition", "context", dict, "STU3"),
    _Sign("Condition", "patient", dict, "DSTU2"),
    _Sign("Consent", "consentingParty", list, "STU3"),
    _Sign("Consent", "decision", str, "R5"),
    _Sign("DiagnosticReport", "codedDiagnosis", list, "STU3"),
    _Sign("Encounter", "actualPeriod", dict, "R5"),
    _Sign("Encounter", "admission", dict, "R5"),
    _Sign("Encounter", "class", list, "R5"),
    _Sign("Encounter", "class", str, "DSTU2"),
    _Sign("Encounter", "patient", dict, "DSTU2"),
    _Sign("MedicationRequest", "context", dict, "STU3"),
    _Sign("MedicationRequest", "medication", dict, "R5"),
    _Sign("MedicationStatement", "medication", dict, "R5"),
    _Sign("MedicationStatement", "notTaken", object, "STU3"),
    _Sign("MedicationStatement", "taken", object, "STU3"),
    _Sign("MedicationStatement", "wasNotTaken", object, "DSTU2"),
    _Sign("Observation", "comments", str, "DSTU2"),
    _Sign("Observation", "context", dict, "STU3"),
    _Sign("Observation", "related", list, "STU3"),
    _Sign("Observation", "triggeredBy", list, "R5"),
    _Sign("Patient", "animal", dict, "STU3"),
    _Sign("Patient", "careProvider", list, "DSTU2"),
    _Sign("Procedure", "context", dict, "STU3"),
    _Sign("Procedure", "notDone", object, "STU3"),
    _Sign("Procedure", "notPerformed", object, "DSTU2"),
    _Sign("Procedure", "occurrenceDateTime", str, "R5"),
    _Sign("Procedure", "occurrencePeriod", dict, "R5"),
)
_NUMBERS: Final[Mapping[str, str]] = {
    "0.": "DSTU1", "1.": "DSTU2", "3.0": "STU3", "4.1": "R4B", "4.3": "R4B", "5.": "R5", "6.": "R6"
}  # fmt: skip
_FOLDERS: Final[Mapping[str, str]] = {"DSTU2": "DSTU2", "STU3": "STU3", "R4B": "R4B", "R5": "R5", "R6": "R6"}
_CANONICAL: Final = re.compile(
    r"https?://hl7\.org/fhir/(?:(?P<folder>[0-9A-Z][0-9A-Za-z.]*)/)?StructureDefinition/[^|]*(?:\|(?P<number>[0-9.]+))?.*"
)


class Sign(NamedTuple):
    """Where a resource shows that another version wrote it.

    Attributes:
        element: the element, from the type down.
        version: which version, as people call it.
    """

    element: str
    version: str


def foreign_sign(name: str, resource: Mapping[str, Json]) -> Sign | None:
    """Find a sign of another version in a resource of a type that R4 has.

    Args:
        name: its type.
        resource: its content.
    """
    for sign in _SIGNS:
        if sign.resource == name and sign.element in resource and isinstance(resource[sign.element], sign.form):
            return Sign(sign.element, sign.version)
    for stated in _texts(resource.get("fhirVersion")):
        if version := _by_number(stated):
            return Sign("fhirVersion", version)
    meta = resource.get("meta")
    for address in _texts(meta.get("profile")) if isinstance(meta, dict) else ():
        if (found := _CANONICAL.fullmatch(address)) and (version := _by_address(found)):
            return Sign("meta.profile", version)
    return None


def _texts(value: Json) -> Iterator[str]:
    listed = value if isinstance(value, list) else [value]
    yield from (one for one in listed if isinstance(one, str))


def _by_number(number: str) -> str:
    return next((version for start, version in _NUMBERS.items() if number.startswith(start)), "")


def _by_address(found: re.Match[str]) -> str:
    folder = found["folder"] or ""
    return _FOLDERS.get(folder, "") or _by_number(folder) or _by_number(found["number"] or "")
