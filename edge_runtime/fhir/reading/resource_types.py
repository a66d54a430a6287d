"""The resource types of FHIR R4.

Owns the answer to "is this a resource of FHIR R4 (4.0.1)?". Refuses what another version wrote, and says which. Pure.

Source: FHIR R4 code system resource-types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge_runtime.fhir.reading.releases import RELEASE_OF, foreign_sign
from edge_runtime.fhir.reading.strict_json import FhirError, Issue, Json

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


def type_of(resource: Mapping[str, Json]) -> str:
    """Name the type of an R4 resource.

    Raises:
        FhirError: no resource, of no type that R4 knows, or written for another version of FHIR.
    """
    name = resource.get("resourceType")
    if name is None:
        got = "JSON without a resourceType"
        raise FhirError("resourceType", expected="a FHIR resource", got=got, issue=Issue.STRUCTURE)
    if not isinstance(name, str) or name not in R4_TYPES:
        release = RELEASE_OF.get(name) if isinstance(name, str) else None
        got = f"{name}, a type of {release}" if release else "a type that no version of FHIR has under this name"
        raise FhirError("resourceType", expected="a resource type of FHIR R4", got=got, issue=Issue.NOT_SUPPORTED)
    sign = foreign_sign(name, resource)
    if sign is not None:
        got = f"what FHIR {sign.version} writes there"
        raise FhirError(f"{name}.{sign.element}", expected="FHIR R4", got=got, issue=Issue.NOT_SUPPORTED)
    return name
