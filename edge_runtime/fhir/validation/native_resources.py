"""The rules of resources that every record meets, as plain functions: those of all resources, and of the clinical ones.

Owns dom-2 to dom-6 and the rules of Patient, Condition, AllergyIntolerance, Observation, Composition, CarePlan,
Consent, ServiceRequest, Task, AuditEvent, MedicationDispense, CareTeam, CodeSystem and Questionnaire, each under the
expression that it embodies, or under the corrected one where R4's does not say what its words say (see `rules`).
Refuses elements of a wrong form by TypeError.

Source: FHIR R4, the constraints of each resource; sections 2.26.0.1 contained resources, 2.4.0.2 narrative.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from edge_runtime.fhir.validation import moments
from edge_runtime.fhir.validation.native_parts import (
    Element,
    Rule,
    any_there,
    coded,
    items,
    needs,
    not_both,
    one_of,
    text,
    there,
)
from edge_runtime.fhir.validation.scope import Scope

_TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
_ALLERGY: Final = _TERMS + "allergyintolerance-verification"
_CONDITION: Final = _TERMS + "condition-ver-status"
_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9_]{0,254}")


def _nothing_nested(resource: Element, _: Scope) -> bool:
    """dom-2."""
    return not any(there(each, "contained") for each in items(resource, "contained"))


def _referred_to(resource: Element, scope: Scope) -> bool:
    """dom-3: what is contained is pointed at from the resource, or points at it."""
    contained = [each for each in items(resource, "contained") if "id" in each]
    if not contained:
        return True
    targets = scope.targets(resource)
    return all(f"#{each['id']}" in targets or "#" in scope.targets(each) for each in contained)


def _without_version(resource: Element, _: Scope) -> bool:
    """dom-4."""
    return not any(
        there(meta, "versionId") or there(meta, "lastUpdated")
        for each in items(resource, "contained")
        for meta in items(each, "meta")
    )


def _without_label(resource: Element, _: Scope) -> bool:
    """dom-5."""
    return not any(there(meta, "security") for each in items(resource, "contained") for meta in items(each, "meta"))


def _narrated(resource: Element, scope: Scope) -> bool:
    """dom-6; a contained resource has none, since its container's tells of it."""
    return scope.contained or any(there(narrative, "div") for narrative in items(resource, "text"))


def _clinical_status_of_problem(condition: Element, _: Scope) -> bool:
    """con-3, with the category that its words name."""
    return (
        there(condition, "clinicalStatus")
        or coded(condition, "verificationStatus", _CONDITION, "entered-in-error")
        or not coded(condition, "category", _TERMS + "condition-category", "problem-list-item")
    )


def _abated(condition: Element, _: Scope) -> bool:
    """con-4."""
    over = ("resolved", "remission", "inactive")
    return not any_there(condition, "abatement") or coded(
        condition, "clinicalStatus", _TERMS + "condition-clinical", *over
    )


def _no_status_in_error(system: str) -> Rule:
    """con-5 and ait-2."""
    return lambda resource, _: (
        not coded(resource, "verificationStatus", system, "entered-in-error") or not there(resource, "clinicalStatus")
    )


def _allergy_status(allergy: Element, _: Scope) -> bool:
    """ait-1."""
    return there(allergy, "clinicalStatus") or coded(allergy, "verificationStatus", _ALLERGY, "entered-in-error")


def _reason_or_value(observation: Element, _: Scope) -> bool:
    """obs-6."""
    return not there(observation, "dataAbsentReason") or not any_there(observation, "value")


def _component_differs(observation: Element, scope: Scope) -> bool:
    """obs-7."""
    if not any_there(observation, "value"):
        return True
    own = set(_codings(scope.resource))
    return not any(own.intersection(_codings(component)) for component in items(observation, "component"))


def _codings(coded_element: Element) -> Iterator[str]:
    """The codings of an element's code, each as one text, so that many are compared as fast as few."""
    for code in items(coded_element, "code"):
        for coding in items(code, "coding"):
            yield json.dumps(coding, sort_keys=True, default=str)


def _in_order(earlier: str, later: str) -> Rule:
    """mdd-1 and inv-1 of Task; where precision leaves it open, they may be."""

    def keeps(resource: Element, _: Scope) -> bool:
        first, last = text(resource, earlier), text(resource, later)
        return first is None or last is None or moments.not_after(first, last)

    return keeps


def _patient_of_consent(code: str) -> Rule:
    """ppc-2 to ppc-5, with the code system of the scopes."""
    return lambda consent, _: there(consent, "patient") or not coded(consent, "scope", _TERMS + "consentscope", code)


def _on_behalf(participant: Element, scope: Scope) -> bool:
    """ctm-1, for a member that can be looked up here: a contained one."""
    if not there(participant, "onBehalfOf"):
        return True
    found = [scope.found(each.get("reference")) for each in items(participant, "member")]
    return all(each is None or each.get("resourceType") == "Practitioner" for each in found)


def _named(resource: Element, _: Scope) -> bool:
    """The `-0` rules: a name for machines, matched as a whole."""
    name = text(resource, "name")
    return name is None or _NAME.fullmatch(name) is not None


def _nested(element: Element, list_name: str, name: str) -> Iterator[object]:
    """The values of a member in a list's items and in the same list below them."""
    for item in items(element, list_name):
        if name in item:
            yield item[name]
        yield from _nested(item, list_name, name)


def _distinct_below(list_name: str, name: str) -> Rule:
    """csd-1 and que-2."""

    def keeps(resource: Element, _: Scope) -> bool:
        values = list(_nested(resource, list_name, name))
        return len(values) == len(set(values))

    return keeps


RESOURCE_RULES: Final[Mapping[str, Rule]] = {
    "contained.contained.empty()": _nothing_nested,
    "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical)"
    " | %resource.descendants().as(uri) | %resource.descendants().as(url)))"
    " or descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists()"
    " or descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()": _referred_to,
    "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()": _without_version,
    "contained.meta.security.empty()": _without_label,
    "text.`div`.exists()": _narrated,
    "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')": _named,
    "name.exists() or telecom.exists() or address.exists() or organization.exists()": one_of(
        "name", "telecom", "address", "organization"
    ),
    f"verificationStatus.coding.where(system = '{_ALLERGY}' and code = 'entered-in-error').exists()"
    " or clinicalStatus.exists()": _allergy_status,
    f"verificationStatus.coding.where(system = '{_ALLERGY}' and code = 'entered-in-error').empty()"
    " or clinicalStatus.empty()": _no_status_in_error(_ALLERGY),
    "summary.exists() or assessment.exists()": one_of("summary", "assessment"),
    "code.exists() or detail.exists()": one_of("code", "detail"),
    f"clinicalStatus.exists() or verificationStatus.coding.where(system='{_CONDITION}'"
    f" and code = 'entered-in-error').exists() or category.coding.where(system='{_TERMS}condition-category'"
    " and code = 'problem-list-item').empty()": _clinical_status_of_problem,
    f"abatement.empty() or clinicalStatus.coding.where(system='{_TERMS}condition-clinical'"
    " and (code='resolved' or code='remission' or code='inactive')).exists()": _abated,
    f"verificationStatus.coding.where(system='{_CONDITION}' and code='entered-in-error').empty()"
    " or clinicalStatus.empty()": _no_status_in_error(_CONDITION),
    "low.exists() or high.exists() or text.exists()": one_of("low", "high", "text"),
    "dataAbsentReason.empty() or value.empty()": _reason_or_value,
    "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()": (
        _component_differs
    ),
    "text.exists() or entry.exists() or section.exists()": one_of("text", "entry", "section"),
    "emptyReason.empty() or entry.empty()": not_both("emptyReason", "entry"),
    "detail.empty() or reference.empty()": not_both("detail", "reference"),
    "policy.exists() or policyRule.exists()": one_of("policy", "policyRule"),
    **{
        f"patient.exists() or scope.coding.where(system='{_TERMS}consentscope' and code='{code}').exists().not()": (
            _patient_of_consent(code)
        )
        for code in ("patient-privacy", "research", "adr", "treatment")
    },
    "orderDetail.empty() or code.exists()": needs("orderDetail", "code"),
    "lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn": _in_order(
        "authoredOn", "lastModified"
    ),
    "whenHandedOver.empty() or whenPrepared.empty() or whenHandedOver >= whenPrepared": _in_order(
        "whenPrepared", "whenHandedOver"
    ),
    "name.empty() or query.empty()": not_both("name", "query"),
    "onBehalfOf.exists() implies (member.resolve().iif(empty(), true, ofType(Practitioner).exists()))": _on_behalf,
    "(identifier.count() + name.count()) > 0": one_of("identifier", "name"),
    "concept.code.combine($this.descendants().concept.code).isDistinct()": _distinct_below("concept", "code"),
    "descendants().linkId.isDistinct()": _distinct_below("item", "linkId"),
}
"""By the expression of R4, or the corrected one, that the function embodies."""
