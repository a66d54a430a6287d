"""What is known of single official examples: those that are wrong themselves, and those that an import only keeps.

Owns the named exceptions of the campaign, each with its reason. docs/fhir.md says the same; a test holds both together.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_OTHER_ID: Final = "the fullUrl of an entry ends in another id than its resource has (Bundle.entry.fullUrl: SHALL NOT)"

WRONG: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Bundle-10bb101f-a121-4264-a920-67be9cb82c74": _OTHER_ID,
        "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe": _OTHER_ID,
        "Bundle-lri-example": _OTHER_ID,
        "Bundle-dataelements": "some entries share a fullUrl, and no version tells them apart (bdl-7)",
        "MedicationRequest-medrx0301": "dispenseRequest.performer names a Practitioner; R4 allows only an Organization",
        "Observation-clinical-gender": "performer names an Encounter, which is none of the types that R4 allows there",
    }
)
"""Examples in scope that the specification itself calls wrong, with what they break."""

_FOR_PEOPLE: Final = "its subject is a name for people alone, which leads to nobody"

KEPT_UNMAPPED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Observation-vp-oyster": _FOR_PEOPLE,
        "Procedure-education": _FOR_PEOPLE,
        "Procedure-ob": _FOR_PEOPLE,
        "CarePlan-f201": "a proposal is no plan that is followed",
        "ServiceRequest-benchpress": "a plan is no order",
        "ServiceRequest-do-not-turn": "what must not be done is no order",
        "Observation-trachcare": "it is about the mother, in the record of her child (focus)",
    }
)
"""Examples that state what a fact cannot say: they are kept as they came."""
