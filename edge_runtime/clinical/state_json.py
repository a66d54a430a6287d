"""Derived state as JSON for `--json`: stable keys, ids as hexadecimal, every fact whole.

Owns the shape that scripts may rely on. Refuses floats, as the layout does. Keys are added, never renamed.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge_runtime.clinical.allergies import Allergy, AllergyList
from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.document import DocumentState, Statement
from edge_runtime.clinical.fact_json import Json, fact_to_json
from edge_runtime.clinical.marks import mark
from edge_runtime.clinical.medications import Medication
from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.schemas import SCHEMAS, unknown_keys
from edge_runtime.clinical.standing import Unverified
from edge_runtime.clinical.vitals import Observation
from edge_runtime.facts import Author, FactId, PlacedFact


def document_to_json(state: DocumentState) -> dict[str, Json]:
    """The state of one document."""
    return {
        "document": str(state.document),
        "workflow_type": state.workflow_type,
        "title": state.title,
        "headers": [_statement(item) for item in state.headers],
        "identity": [_statement(item) for item in state.identity],
        "status": {
            "value": state.status.value,
            "disputed": state.status.disputed,
            "heads": _facts(state.status.heads),
            "history": _facts(state.status.history),
        },
        "priority": {
            "value": state.priority.value,
            "heads": _facts(state.priority.heads),
            "history": _facts(state.priority.history),
        },
        **_lists(state.allergies, state.medications),
        "allergies_incomplete": state.allergies_incomplete,
        "medications_incomplete": state.medications_incomplete,
        "problems": [_statement(item) for item in state.problems],
        "procedures": [_statement(item) for item in state.procedures],
        "observations": [_observation(item) for item in state.observations],
        "attachments": [_statement(item) for item in state.attachments],
        "reviews": [review_to_json(review) for review in state.reviews],
        "decisions": _facts(state.decisions),
        "unreadable": [{**fact_entry(item.fact), "problem": str(item.problem)} for item in state.unreadable],
        "others": _facts(state.others),
        "unverified": [_unverified(item) for item in state.unverified],
        "withheld": _facts(state.withheld),
    }


def chart_to_json(state: ChartState) -> dict[str, Json]:
    """The state of a chart, its documents included."""
    return {
        "chart_document": str(state.chart_document),
        "identity": [_statement(item) for item in state.identity],
        **_lists(state.allergies, state.medications),
        "allergies_incomplete": state.allergies_incomplete,
        "medications_incomplete": state.medications_incomplete,
        "problems": [_statement(item) for item in state.problems],
        "unverified": [_unverified(item) for item in state.unverified],
        "reviews": [review_to_json(review) for review in state.reviews],
        "documents": [document_to_json(document) for document in state.documents],
    }


def review_to_json(review: Review) -> dict[str, Json]:
    """One review."""
    values: list[Json] = [
        {
            "fact": str(value.fact),
            "document": str(value.document),
            "author": _author(value.author),
            "lamport": value.lamport,
            "wall_ms": value.wall_ms,
            "base": _ids(value.base),
            "display": value.display,
        }
        for value in review.values
    ]
    return {
        "id": str(review.id),
        "kind": review.kind,
        "subject": review.subject,
        "document": str(review.document),
        "reason": review.reason,
        "open": review.open,
        "values": values,
        "decisions": _ids(review.decisions),
    }


def fact_entry(placed: PlacedFact) -> dict[str, Json]:
    """A fact with its author, place and verdict.

    `understood` is false for a kind that this version cannot read; `mark` is what a reader must be told, if anything.
    """
    return {
        "id": str(placed.id),
        "document": str(placed.document),
        "author": _author(placed.author),
        "lamport": placed.lamport,
        "wall_ms": placed.wall_ms,
        "standing": placed.verdict.standing,
        "why": placed.verdict.reason,
        "mark": mark(placed.verdict, held=placed.held),
        "fact": fact_to_json(placed.fact),
        "understood": placed.fact.kind in SCHEMAS,
        "keys_not_understood": [*unknown_keys(placed.fact)],
    }


def _lists(allergies: AllergyList, medications: Iterable[Medication]) -> dict[str, Json]:
    return {
        "allergies": [_allergy(item) for item in allergies.items],
        "no_known_allergies": _facts(allergies.none_known),
        "no_known_allergies_history": _facts(allergies.none_known_history),
        "medications": [_medication(item) for item in medications],
    }


def _allergy(item: Allergy) -> Json:
    return {
        "subject": item.subject,
        "text": " / ".join(item.names),
        "formerly": [*item.formerly],
        "status": "active" if item.live else "refuted",
        "severity": item.severity,
        "live": _facts(item.live),
        "refutations": _facts(item.refutations),
        "history": _facts(item.history),
    }


def _medication(item: Medication) -> Json:
    lines: list[Json] = [
        {
            "stopped": line.regimen.stopped,
            **{name: line.regimen.stated.get(name) for name in ("dose", "unit", "route", "frequency")},
            "kept": [*sorted(line.regimen.kept)],
            "unclear": [*sorted(line.regimen.unclear)],
            "facts": _facts(line.facts),
        }
        for line in item.lines
    ]
    return {
        "subject": item.subject,
        "text": " / ".join(item.names),
        "status": item.status,
        "lines": lines,
        "history": _facts(item.history),
    }


def _observation(item: Observation) -> Json:
    return {**fact_entry(item.fact), "corrected_by": _ids(item.corrected_by), "question": item.question}


def _unverified(item: Unverified) -> Json:
    return {**fact_entry(item.fact), "superseded_by": _ids(item.superseded_by)}


def _statement(item: Statement) -> Json:
    return {**fact_entry(item.fact), "superseded_by": _ids(item.superseded_by)}


def _facts(facts: Iterable[PlacedFact]) -> list[Json]:
    return [fact_entry(fact) for fact in facts]


def _ids(ids: Iterable[FactId]) -> list[Json]:
    return [str(id_) for id_ in ids]


def _author(author: Author) -> Json:
    return {
        "user": str(author.user),
        "device": str(author.device),
        "session": str(author.session),
        "role": author.role,
    }
