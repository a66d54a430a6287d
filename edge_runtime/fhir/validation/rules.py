"""How each invariant of R4 is judged: natively, by FHIRPath as it stands, by a corrected expression, or not here.

Owns that decision, and the reason wherever the decision is not "by the expression as it stands". Refuses to pass a rule
silently: what is not judged here is named in `ELSEWHERE`, and what cannot be judged at an element raises.

Source: FHIR R4 (4.0.1), the invariants of all types; reasons as given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from edge_runtime.fhir.validation.bundle_rules import BUNDLE_RULES
from edge_runtime.fhir.validation.definitions import Invariant
from edge_runtime.fhir.validation.fhirpath_engine import compiled
from edge_runtime.fhir.validation.native_definitions import DEFINITION_RULES
from edge_runtime.fhir.validation.native_parts import Element, Rule
from edge_runtime.fhir.validation.native_resources import RESOURCE_RULES
from edge_runtime.fhir.validation.native_structures import STRUCTURE_RULES
from edge_runtime.fhir.validation.native_types import TYPE_RULES
from edge_runtime.fhir.validation.scope import Scope

_SCOPES: Final = "http://terminology.hl7.org/CodeSystem/consentscope"


class Correction(NamedTuple):
    """An expression that takes the place of R4's, and why."""

    expression: str
    reason: str


def _consent(code: str) -> tuple[str, Correction]:
    rest = f"code='{code}').exists().not()"
    return (
        f"patient.exists() or scope.coding.where(system='something' and {rest}",
        Correction(
            f"patient.exists() or scope.coding.where(system='{_SCOPES}' and {rest}",
            "R4 left a placeholder where the code system of the scopes belongs, so its expression holds always",
        ),
    )


CORRECTED: Final[Mapping[str, Correction]] = {
    "Appointment.cancelationReason.exists() implies (Appointment.status='no-show' or Appointment.status='cancelled')": (
        Correction(
            "Appointment.cancelationReason.exists() implies"
            " (Appointment.status='noshow' or Appointment.status='cancelled')",
            "the value set of Appointment.status has noshow, not no-show",
        )
    ),
    "clinicalStatus.exists() or verificationStatus.coding.where("
    "system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists()"
    " or category.select($this='problem-list-item').empty()": Correction(
        "clinicalStatus.exists() or verificationStatus.coding.where("
        "system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists()"
        " or category.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-category'"
        " and code = 'problem-list-item').empty()",
        "select() gives one item for every category, so R4's expression is broken by any category at all; its words"
        " name the category problem-list-item",
    ),
    "operator = 'exists' implies (answer is Boolean)": Correction(
        "operator = 'exists' implies (answer is boolean)",
        "Boolean is FHIRPath's own type; an answer is FHIR's boolean, and the official example Questionnaire/bb would"
        " be wrong otherwise",
    ),
    **dict(_consent(code) for code in ("patient-privacy", "research", "adr", "treatment")),
}
"""By R4's expression."""

ELSEWHERE: Final[Mapping[str, str]] = {
    "txt-1": "htmlChecks() is no function of FHIRPath: the check of narratives judges what a div may hold",
    "txt-2": "htmlChecks() is no function of FHIRPath: the check of narratives judges whether a div is empty",
}
"""Rules that no expression judges, by key, each with the reason and the check that does it."""

EMPTY_HOLDS: Final[Mapping[str, str]] = {
    "vs-1": "its words speak of a dateTime; as a Period, effective[x] comes to nothing",
    "ras-2": "without a probability there is nothing that may be over 100",
}
"""Rules, by key, that are kept where their expression comes to nothing (empty). Every other rule is broken there, as by
HL7's own validator: `que-13`, two initial values without `repeats`, comes to empty. Native rules decide for themselves.
"""

NATIVE: Final[Mapping[str, Rule]] = {
    **TYPE_RULES,
    **DEFINITION_RULES,
    **RESOURCE_RULES,
    **STRUCTURE_RULES,
    **BUNDLE_RULES,
}
"""By expression, R4's or the corrected one."""


def rule_of(invariant: Invariant, type_name: str) -> Rule | None:
    """What judges an invariant at elements of a type; None where another check does.

    Args:
        invariant: of R4.
        type_name: the data type, resource type or backbone path of the elements.
    """
    if invariant.key in ELSEWHERE:
        return None
    corrected = CORRECTED.get(invariant.expression)
    expression = corrected.expression if corrected else invariant.expression
    return NATIVE.get(expression) or by_fhirpath(expression, type_name, empty_holds=invariant.key in EMPTY_HOLDS)


def by_fhirpath(expression: str, type_name: str, *, empty_holds: bool) -> Rule:
    """A rule that FHIRPath judges, compiled when it is first asked.

    Args:
        expression: what must come to true.
        type_name: the type of the elements.
        empty_holds: whether the rule is kept where the expression comes to nothing.
    """

    def keeps(element: Element, scope: Scope) -> bool:
        truth = compiled(expression, type_name)(element, scope)
        return empty_holds if truth is None else truth

    return keeps
