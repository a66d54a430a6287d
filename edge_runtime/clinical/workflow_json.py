"""Triage, steps, laboratory work, links and the register as JSON: what a document says of its own course.

Owns the shape of these parts in `--json`. Keys are added, never renamed.
"""

from __future__ import annotations

from edge_runtime.clinical.casualties import Casualty
from edge_runtime.clinical.diagnoses import Diagnosis
from edge_runtime.clinical.entry_json import entries
from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.links import Link
from edge_runtime.clinical.placing import Placing
from edge_runtime.clinical.specimens import Specimen
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.steps import Step
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.triage import COLOURS, TriageState
from edge_runtime.clinical.validations import Release


def workflow_to_json(state: DocumentState) -> dict[str, Json]:
    """What a document says of its own course."""
    return {
        "triage": triage_to_json(state.triage),
        "assignment": {"to": _said(state.assignment, "to"), **_placing(state.assignment)},
        "place": {
            "location": _said(state.place, "location"),
            "department": _said(state.place, "department"),
            **_placing(state.place),
        },
        "diagnoses": [diagnosis_to_json(item) for item in state.diagnoses],
        "steps": {
            "percentage": state.steps.percentage,
            "items": [_step(item) for item in state.steps.items],
            "stray": entries(state.steps.stray),
        },
        "specimens": [_specimen(item) for item in state.specimens],
        "validations": [_release(item) for item in state.validations],
        "links": [link_to_json(item) for item in state.links],
        "register": {
            "casualties": [_casualty(item) for item in state.register.items],
            "unnumbered": [*state.register.unnumbered],
        },
    }


def triage_to_json(triage: TriageState) -> dict[str, Json]:
    """How soon somebody is treated."""
    return {
        "value": triage.value,
        "colour": COLOURS[triage.value] if triage.value else None,
        "disputed": triage.disputed,
        "heads": entries(triage.heads),
        "history": entries(triage.history),
    }


def diagnosis_to_json(item: Diagnosis) -> dict[str, Json]:
    """One diagnosis."""
    return {
        "subject": item.subject,
        "text": " / ".join(item.names),
        "status": "disputed" if item.disputed else "stated" if item.live else "refuted",
        "certainty": item.certainty,
        "live": entries(item.live),
        "refutations": entries(item.refutations),
        "history": entries(item.history),
    }


def link_to_json(item: Link) -> dict[str, Json]:
    """What is said of another chart or document."""
    return {
        "chart": item.chart,
        "document": item.document,
        "stands": item.stands,
        "joined": item.joined,
        "disputed": item.disputed,
        "heads": entries(item.heads),
        "history": entries(item.history),
    }


def _said(placing: Placing, key: str) -> str | None:
    return None if placing.current is None else said(placing.current.fact, key)


def _placing(placing: Placing) -> dict[str, Json]:
    return {"heads": entries(placing.heads), "history": entries(placing.history)}


def _step(step: Step) -> dict[str, Json]:
    return {
        "id": str(step.id),
        "name": step.name,
        "names": [*step.names],
        "type": step.type,
        "key": step.key,
        "fraction": step.fraction,
        "required": step.required,
        "status": step.status,
        "disputed": step.disputed,
        "renamed": step.renamed,
        "quality": step.quality,
        "estimated_minutes": step.estimated_minutes,
        "actual_minutes": step.actual_minutes,
        "notes": [*step.notes],
        "heads": entries(step.heads),
        "history": entries(step.history),
        "events": entries(step.events),
        "past": entries(step.past),
    }


def _specimen(item: Specimen) -> dict[str, Json]:
    return {
        "specimen": item.label,
        "status": item.status,
        "disputed": item.disputed,
        "heads": entries(item.heads),
        "history": entries(item.history),
    }


def _release(item: Release) -> dict[str, Json]:
    return {
        "observation": str(item.observation),
        "value": item.value,
        "disputed": item.disputed,
        "heads": entries(item.heads),
        "history": entries(item.history),
    }


def _casualty(item: Casualty) -> dict[str, Json]:
    return {
        "number": item.number,
        "charts": [*item.charts],
        "disputed": item.disputed,
        "heads": entries(item.heads),
        "history": entries(item.history),
    }
