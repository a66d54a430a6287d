"""What each mapped resource states: the table of mappings, and the checks that stand before and after all of them.

Owns two refusals that concern every type: a resource with a modifier that this version does not know is kept as it
came, for it may mean the opposite; and a fact that would not be valid is never handed on. Pure.

Source: FHIR R4 sections 2.27.1 modifierExtension, 2.26.3.2 implicitRules, 6.1.2 security labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.errors import InputError
from edge_runtime.fhir.importing.chart_facts import allergy, condition, encounter, patient, procedure
from edge_runtime.fhir.importing.laboratory_facts import diagnostic_report, specimen
from edge_runtime.fhir.importing.medication_facts import Lookup, medication_request, medication_statement
from edge_runtime.fhir.importing.note_facts import composition
from edge_runtime.fhir.importing.observation_facts import observation
from edge_runtime.fhir.importing.order_facts import care_plan, service_request
from edge_runtime.fhir.importing.stated import Stated
from edge_runtime.fhir.importing.step_facts import task
from edge_runtime.fhir.reading.elements import Node
from edge_runtime.fhir.reading.strict_json import FhirError, Json, UnmappableError


class _Around(NamedTuple):
    """What a mapping knows besides the resource.

    Attributes:
        lookup: finds a Medication.
        told: whether a title may say what the resource is for.
        sampled: whether a Specimen names it as its request.
    """

    lookup: Lookup
    told: bool
    sampled: bool


_Mapper = Callable[[Node, _Around], Stated]

_MAPPERS: Final[Mapping[str, _Mapper]] = MappingProxyType(
    {
        "Patient": lambda node, _: patient(node),
        "Encounter": lambda node, around: encounter(node, told=around.told),
        "AllergyIntolerance": lambda node, _: allergy(node),
        "Condition": lambda node, _: condition(node),
        "MedicationRequest": lambda node, around: medication_request(node, around.lookup),
        "MedicationStatement": lambda node, around: medication_statement(node, around.lookup),
        "Observation": lambda node, _: observation(node),
        "Procedure": lambda node, _: procedure(node),
        "CarePlan": lambda node, around: care_plan(node, told=around.told),
        "ServiceRequest": lambda node, around: service_request(node, told=around.told, sampled=around.sampled),
        "Specimen": lambda node, _: specimen(node),
        "DiagnosticReport": lambda node, around: diagnostic_report(node, told=around.told),
        "Composition": lambda node, around: composition(node, told=around.told),
        "Task": lambda node, _: task(node),
    }
)
MAPPED_TYPES: Final = frozenset(_MAPPERS)
"""Types that become facts; a resource of any other type is kept as it came."""

_CONFIDENTIALITY: Final = frozenset(
    {"http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "http://hl7.org/fhir/v3/Confidentiality"}
)
"""The second is what STU3 called it; systems that have moved to R4 still write it."""
_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LABELLED: Final = frozenset({"DocumentReference", "DocumentManifest"})
"""Types with an element `securityLabel` for what they lead to."""
_RESTRICTED: Final = frozenset({"R", "V"})


def state(kind: str, resource: Mapping[str, Json], lookup: Lookup, *, sampled: bool = False) -> Stated:
    """Say what a resource of a mapped type states.

    Args:
        kind: its type.
        resource: its content.
        lookup: finds a Medication that it refers to.
        sampled: whether a Specimen names it as its request.

    Raises:
        UnmappableError: a fact cannot say what it means; it is to be kept as it came.
        FhirError: an element is wrong.
    """
    node = Node(kind, resource)
    if resource.get("implicitRules") or _has_modifier(resource):
        raise UnmappableError(kind, expected="no rule or extension that changes the meaning", got="one, not known here")
    stated = _MAPPERS[kind](node, _Around(lookup, not is_sensitive(node), sampled))
    for fact in (*stated.facts, *(one for part in stated.parts for one in part.stated.facts)):
        try:
            validate_fact(fact)
        except InputError as error:
            raise FhirError(kind, expected=error.expected, got=error.got) from None
    return stated


def is_sensitive(node: Node) -> bool:
    """Tell whether a resource is kept apart: by confidentiality R or V, or any privacy code of ActCode.

    Labels stand in `meta.security`, of a DocumentReference in `securityLabel`, of a Composition in `confidentiality`.
    """
    meta = node.node("meta")
    labels = [*(meta.nodes("security") if meta else ())]
    if node.path == "Composition" and node.text("confidentiality") in _RESTRICTED:
        return True
    if node.path in LABELLED:
        labels += [label for concept in node.nodes("securityLabel") for label in concept.nodes("coding")]
    return any(
        label.text("system") == _ACT_CODE
        or (label.text("system") in _CONFIDENTIALITY and label.text("code") in _RESTRICTED)
        for label in labels
    )


def _has_modifier(resource: Mapping[str, Json]) -> bool:
    """Look everywhere but in contained resources, which state nothing of themselves."""
    level: list[Json] = [value for name, value in resource.items() if name not in {"contained", "modifierExtension"}]
    found = bool(resource.get("modifierExtension"))
    while level and not found:
        found = any(isinstance(node, dict) and bool(node.get("modifierExtension")) for node in level)
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return found
