"""Derived state as JSON for `--json`: stable keys, ids as hexadecimal, every fact whole.

Owns the shape that scripts may rely on. Refuses floats, as the layout does. Keys are added, never renamed.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge_runtime.clinical.allergies import Allergy, AllergyList
from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.draft_reading import read_draft
from edge_runtime.clinical.drafts import Draft
from edge_runtime.clinical.drug_allergies import check_chart, cross_check_to_json
from edge_runtime.clinical.entry_json import author_to_json, entries, fact_entry, names
from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.medications import Medication
from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.standing import Unverified
from edge_runtime.clinical.state import DocumentState, Statement
from edge_runtime.clinical.vitals import Observation
from edge_runtime.clinical.workflow_json import diagnosis_to_json, link_to_json, triage_to_json, workflow_to_json


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
            "heads": entries(state.status.heads),
            "history": entries(state.status.history),
        },
        "priority": {
            "value": state.priority.value,
            "heads": entries(state.priority.heads),
            "history": entries(state.priority.history),
        },
        **_lists(state.allergies, state.medications),
        "allergies_incomplete": state.allergies_incomplete,
        "medications_incomplete": state.medications_incomplete,
        "problems": [_statement(item) for item in state.problems],
        "procedures": [_statement(item) for item in state.procedures],
        "observations": [_observation(item) for item in state.observations],
        "signatures": [_statement(item) for item in state.signatures],
        "attachments": [_statement(item) for item in state.attachments],
        "reviews": [review_to_json(review) for review in state.reviews],
        "decisions": entries(state.decisions),
        "drafts": [draft_to_json(item) for item in state.drafts.items],
        "draft_decisions_stray": entries(state.drafts.stray),
        "unreadable": [{**fact_entry(item.fact), "problem": str(item.problem)} for item in state.unreadable],
        "others": entries(state.others),
        "unverified": [_unverified(item) for item in state.unverified],
        "withheld": entries(state.withheld),
        **workflow_to_json(state),
        "newer_layout": state.newer_layout,
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
        "triage": triage_to_json(state.triage),
        "diagnoses": [diagnosis_to_json(item) for item in state.diagnoses],
        "links": [link_to_json(item) for item in state.links],
        "newer_layout": state.newer_layout,
        "cross_check": cross_check_to_json(check_chart(state)),
    }


def review_to_json(review: Review) -> dict[str, Json]:
    """One review."""
    values: list[Json] = [
        {
            "fact": str(value.fact),
            "document": str(value.document),
            "author": author_to_json(value.author),
            "lamport": value.lamport,
            "wall_ms": value.wall_ms,
            "base": names(value.base),
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
        "decisions": names(review.decisions),
    }


def draft_to_json(item: Draft) -> dict[str, Json]:
    """One draft, without a word of what it proposes: what was rejected must not be taken for what the chart says."""
    found = read_draft(item.fact.fact)
    return {
        **{name: value for name, value in fact_entry(item.fact).items() if name != "fact"},
        "status": item.status,
        "skill": found.skill,
        "template": found.template,
        "model": found.model,
        "demonstration": found.demonstration,
        "parts": len(found.parts),
        "unsupported": sum(not part.supported for part in found.parts),
        "decisions": entries((*item.decisions, *item.past)),
        "superseded_by": names(item.superseded_by),
    }


def _lists(allergies: AllergyList, medications: Iterable[Medication]) -> dict[str, Json]:
    return {
        "allergies": [_allergy(item) for item in allergies.items],
        "no_known_allergies": entries(allergies.none_known),
        "no_known_allergies_history": entries(allergies.none_known_history),
        "medications": [_medication(item) for item in medications],
    }


def _allergy(item: Allergy) -> Json:
    return {
        "subject": item.subject,
        "text": " / ".join(item.names),
        "formerly": [*item.formerly],
        "status": "active" if item.live else "refuted",
        "severity": item.severity,
        "live": entries(item.live),
        "refutations": entries(item.refutations),
        "history": entries(item.history),
    }


def _medication(item: Medication) -> Json:
    lines: list[Json] = [
        {
            "stopped": line.regimen.stopped,
            **{name: line.regimen.stated.get(name) for name in ("dose", "unit", "route", "frequency")},
            "kept": [*sorted(line.regimen.kept)],
            "unclear": [*sorted(line.regimen.unclear)],
            "facts": entries(line.facts),
        }
        for line in item.lines
    ]
    return {
        "subject": item.subject,
        "text": " / ".join(item.names),
        "status": item.status,
        "lines": lines,
        "history": entries(item.history),
    }


def _observation(item: Observation) -> Json:
    return {**fact_entry(item.fact), "corrected_by": names(item.corrected_by), "question": item.question}


def _unverified(item: Unverified) -> Json:
    return {**fact_entry(item.fact), "superseded_by": names(item.superseded_by)}


def _statement(item: Statement) -> Json:
    return {**fact_entry(item.fact), "superseded_by": names(item.superseded_by)}
