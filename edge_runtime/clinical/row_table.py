"""Which facts each rule of `rules` looks at again when one more comes: the table for states that are kept up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from edge_runtime.clinical import diagnoses, links, medications, specimens, steps, succession, validations
from edge_runtime.clinical.allergies import derive_allergies
from edge_runtime.clinical.allergy_row import AllergyRow
from edge_runtime.clinical.rows import FactRow, Row, ThreadRow, Tokens, WholeRow, flat
from edge_runtime.clinical.rules import Rule, derive_statements
from edge_runtime.clinical.succession import Scope
from edge_runtime.clinical.vitals import derive_observations

_BY_THREAD: Final[Mapping[str, tuple[Tokens, Callable[[Iterable[Any]], Any]]]] = MappingProxyType(
    {
        "medications": (medications.tokens, flat),
        "diagnoses": (diagnoses.tokens, flat),
        "specimens": (lambda fact: (specimens.subject_of(fact.fact),), flat),
        "validations": (lambda fact: (validations.observation_of(fact.fact),), flat),
        "links": (lambda fact: (links.subject_of(fact.fact),), flat),
        "steps": (steps.tokens, steps.joined),
    }
)
"""By part: what ties its facts together, and how what was made of each thread becomes one value."""


def row_of(rule: Rule, scope: Scope) -> Row:
    """An empty part of a state, made by a rule."""
    if rule.derive in {derive_statements, derive_observations}:
        return FactRow(scope, rule.derive, succession.links)
    if rule.derive is derive_allergies:
        return AllergyRow(scope)
    if rule.part in _BY_THREAD:
        return ThreadRow(scope, rule.derive, *_BY_THREAD[rule.part])
    return WholeRow(scope, rule.derive)
