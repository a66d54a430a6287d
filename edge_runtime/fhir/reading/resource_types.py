"""The resource types of FHIR R4, and the signs of another version.

Owns the answer to "is this a resource of FHIR R4 (4.0.1)?". Refuses what another version wrote: the same element means
another thing there, and a negation that is overlooked (`notTaken`, `wasNotPerformed`) harms. Pure.

Source: FHIR R4 code system resource-types; the difference pages of DSTU2, STU3 and R5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from edge_runtime.fhir.reading.strict_json import FhirError, Json

R4_TYPES: Final = frozenset(
    """
    Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic
    Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry
    ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication
    CommunicationRequest CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage
    CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric
    DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis
    Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable
    ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse
    HealthcareService ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation
    ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure MeasureReport Media Medication
    MedicationAdministration MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement
    MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication
    MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged
    MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader
    MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition
    OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation
    Person PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse
    RelatedPerson RequestGroup ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject
    RiskAssessment RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition
    StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein
    SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task
    TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
    """.split()  # noqa: SIM905 146 quoted names read worse
)


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
    _Sign("Condition", "clinicalStatus", str, "STU3"),
    _Sign("Condition", "context", dict, "STU3"),
    _Sign("Condition", "patient", dict, "DSTU2"),
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
    _Sign("Patient", "animal", dict, "STU3"),
    _Sign("Procedure", "context", dict, "STU3"),
    _Sign("Procedure", "notDone", object, "STU3"),
    _Sign("Procedure", "notPerformed", object, "DSTU2"),
    _Sign("Procedure", "occurrenceDateTime", str, "R5"),
    _Sign("Procedure", "occurrencePeriod", dict, "R5"),
)


def type_of(resource: Mapping[str, Json]) -> str:
    """Name the type of an R4 resource.

    Raises:
        FhirError: no resource, of no type that R4 knows, or written for another version of FHIR.
    """
    name = resource.get("resourceType")
    if name is None:
        raise FhirError("resourceType", expected="a FHIR resource", got="JSON without a resourceType")
    if not isinstance(name, str) or name not in R4_TYPES:
        raise FhirError("resourceType", expected="a resource type of FHIR R4", got="another, or another version's")
    for sign in _SIGNS:
        if sign.resource == name and isinstance(resource.get(sign.element), sign.form) and sign.element in resource:
            raise FhirError(f"{name}.{sign.element}", expected="FHIR R4", got=f"an element of FHIR {sign.version}")
    return name
