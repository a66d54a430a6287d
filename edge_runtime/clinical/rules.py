"""Every rule of a document in one table: which kinds it reads, and which part of the state it makes.

Owns the table. Each rule is a pure function of a scope and of the readable facts of its kinds, in order, to what is
shown and to the reviews that a person must decide; no rule reads what another made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge_runtime.clinical.allergies import derive_allergies
from edge_runtime.clinical.casualties import derive_casualties
from edge_runtime.clinical.diagnoses import derive_diagnoses
from edge_runtime.clinical.drafts import derive_drafts
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.links import derive_links
from edge_runtime.clinical.medications import derive_medications
from edge_runtime.clinical.placing import derive_placing
from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.specimens import derive_specimens
from edge_runtime.clinical.state import Statement
from edge_runtime.clinical.status import derive_priority, derive_status
from edge_runtime.clinical.steps import derive_steps
from edge_runtime.clinical.succession import Scope, successors
from edge_runtime.clinical.triage import derive_triage
from edge_runtime.clinical.validations import derive_validations
from edge_runtime.clinical.vitals import derive_observations
from edge_runtime.facts import PlacedFact


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        part: the field of the document's state that it makes.
        kinds: the kinds that it reads.
        derive: takes the scope and the readable facts of its kinds in order; gives the field's value and its reviews.
    """

    part: str
    kinds: tuple[Kind, ...]
    derive: Callable[[Scope, Sequence[PlacedFact]], tuple[Any, tuple[Review, ...]]]


def derive_statements(_scope: Scope, facts: Sequence[PlacedFact]) -> tuple[tuple[Statement, ...], tuple[Review, ...]]:
    """Every fact, in order, with what replaces it: the rule of kinds that have no further one."""
    replaced = successors(facts)
    return tuple(Statement(fact, replaced.get(fact.id, ())) for fact in facts), ()


def _as_they_are(_scope: Scope, facts: Sequence[PlacedFact]) -> tuple[tuple[PlacedFact, ...], tuple[Review, ...]]:
    return tuple(facts), ()


RULES: Final = (
    Rule("headers", (Kind.DOCUMENT,), derive_statements),
    Rule("identity", (Kind.IDENTITY,), derive_statements),
    Rule("status", (Kind.STATUS,), derive_status),
    Rule("priority", (Kind.PRIORITY,), derive_priority),
    Rule("triage", (Kind.TRIAGE,), derive_triage),
    Rule("assignment", (Kind.ASSIGNMENT,), derive_placing),
    Rule("place", (Kind.PLACE,), derive_placing),
    Rule("allergies", (Kind.ALLERGY,), derive_allergies),
    Rule("medications", (Kind.MEDICATION,), derive_medications),
    Rule("problems", (Kind.DIAGNOSIS,), derive_statements),
    Rule("diagnoses", (Kind.DIAGNOSIS,), derive_diagnoses),
    Rule("procedures", (Kind.PROCEDURE,), derive_statements),
    Rule("observations", (Kind.OBSERVATION,), derive_observations),
    Rule("steps", (Kind.STEP, Kind.STEP_EVENT), derive_steps),
    Rule("specimens", (Kind.SPECIMEN,), derive_specimens),
    Rule("validations", (Kind.VALIDATION,), derive_validations),
    Rule("links", (Kind.LINK,), derive_links),
    Rule("register", (Kind.CASUALTY,), derive_casualties),
    Rule("attachments", (Kind.ATTACHMENT,), derive_statements),
    Rule("signatures", (Kind.ATTESTATION, Kind.ADDENDUM), derive_statements),
    Rule("decisions", (Kind.REVIEW_DECISION,), _as_they_are),
    Rule("drafts", (Kind.DRAFT, Kind.DRAFT_DECISION), derive_drafts),
)
RULED: Final = frozenset(kind for rule in RULES for kind in rule.kinds)
"""Kinds that have a place of their own in the state."""
