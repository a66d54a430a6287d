"""What a patient permits and denies, as Consents: one for each purpose of which something was said.

Owns that form. A purpose that was permitted by one and denied by another, without knowledge of each other, is denied
here as it is in the chart. Nothing is made up of what nobody said. No Consent that comes in grants or revokes anything:
that takes an act of a member, on the chart's own record. Pure.

Source: FHIR R4 section 6.2 Consent (ppc-1); v3 ActReason, v3 ActCode; value set consent-scope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.elements import coded, coding
from edge_runtime.fhir.exporting.identity import SYSTEM, logical, urn, uuid_of
from edge_runtime.fhir.exporting.scene import Content, Made, Scene
from edge_runtime.fhir.reading.strict_json import Json
from sync_protocol.chart_records import Purpose

_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

_SCOPES: Final[Mapping[Purpose, tuple[str, str]]] = MappingProxyType(
    {
        Purpose.TREATMENT: ("treatment", "Treatment"),
        Purpose.TELEMEDICINE: ("treatment", "Treatment"),
        Purpose.RESEARCH: ("research", "Research"),
        Purpose.AI_TRAINING: ("research", "Research"),
    }
)
_REASONS: Final[Mapping[Purpose, tuple[str, str]]] = MappingProxyType(
    {Purpose.TREATMENT: ("TREAT", "treatment"), Purpose.RESEARCH: ("HRESCH", "healthcare research")}
)
"""Purposes that HL7 has a word for; the others are named by ours alone."""


def consents(scene: Scene) -> Iterator[Made]:
    """What was last said of each purpose."""
    for purpose, permitted in sorted(scene.membership.consents.items()):
        name = uuid_of("Consent", str(scene.chart), purpose.value)
        scope, policy = _SCOPES[purpose], ("OPTIN", "opt-in") if permitted else ("OPTOUT", "op-out")
        content: Content = {
            "resourceType": "Consent",
            "id": name,
            "status": "active",
            "scope": coded(_SCOPE, *scope),
            "category": [coded("http://loinc.org", "59284-0", "Patient Consent")],
            "patient": references.patient(scene),
            "organization": [logical("organisation", scene.organisation, "Organization")],
            "policyRule": coded(_ACT_CODE, *policy),
            "provision": {"type": "permit" if permitted else "deny", "purpose": _purposes(purpose)},
        }
        yield Made(content=content, address=urn(name), facts=())


def _purposes(purpose: Purpose) -> list[Json]:
    ours = coding(SYSTEM + "purpose", purpose.value)
    known = _REASONS.get(purpose)
    return [coding(_ACT_REASON, *known), ours] if known else [ours]
