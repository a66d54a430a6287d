"""Charts and documents as hosts see them: the runtime's own JSON for state, and around it what the table names.

Owns the shape, and the version of a document by which a change says what its author had seen. Refuses nothing that was
stated: what is nested deeper than a frame carries, which only foreign versions write, travels as its JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.state_json import chart_to_json, document_to_json
from edge_runtime.clinical.subjects import said
from edge_runtime.documents import OpenDocument
from edge_runtime.facts import Author
from edge_runtime.opened import OpenChart
from edge_runtime.text.section import SectionText
from edge_runtime.text.view import View
from mobile_bridge.limits import RESULT_DEPTH_MAX
from mobile_bridge.sources import Body
from sync_protocol.encoding import Value, encode
from sync_protocol.ids import DocumentId, Hash

_VERSION: Final = b"fieldward/1/bridge-document-version\0"


def chart_row(opened: OpenChart) -> Body:
    """One chart of the list."""
    state = opened.state
    return {
        "chart": str(opened.chart),
        "sealed": opened.sealed,
        "name": patient_name(opened),
        "documents": len(opened.documents),
        "allergies": len(state.allergies.items),
        "medications": len(state.medications),
        "reviews_open": sum(review.open for review in state.reviews),
        "unread": sum(len(document.unread) for document in opened.documents.values()),
    }


def chart_view(opened: OpenChart) -> Body:
    """One chart, without what its documents hold."""
    members: list[Value] = [
        {"certificate": str(name), "compartments": [one.name.lower() for one in sorted(reads)]}
        for name, reads in sorted(opened.membership.members.items())
    ]
    state = chart_to_json(opened.state)
    del state["documents"]  # rows stand for them; `document.read` gives each whole
    return {
        "chart": str(opened.chart),
        "name": patient_name(opened),
        "members": members,
        "documents": [_document_row(opened, state) for state in opened.states()],
        "state": carried(state),
    }


def document_view(opened: OpenChart, document: DocumentId) -> Body:
    """One document."""
    found = opened.documents[document]
    sections: list[Value] = [_section(found, text) for _, text in sorted(found.texts.items())]
    return {
        "chart": str(opened.chart),
        "document": str(document),
        "version": version_of(found),
        "sections": sections,
        "unread": [{"entry": str(entry), "why": why.value} for entry, why in sorted(found.unread.items())],
        "state": carried(document_to_json(opened.document(document))),
    }


def patient_name(opened: OpenChart) -> str | None:
    """The name that stands; several are joined, because none may be hidden."""
    standing = [item.fact.fact for item in opened.state.identity if not item.superseded_by]
    names = dict.fromkeys(name for fact in standing if (name := said(fact, "name")))
    return " / ".join(names) or None


def version_of(found: OpenDocument) -> str:
    """Names what is shown of a document: other facts, other verdicts on them, or other texts have another version."""
    facts: list[Value] = [*sorted(f"{fact.id} {fact.verdict.standing} {fact.held}" for fact in found.facts)]
    texts: list[Value] = [[name, [*sorted(text.newest)]] for name, text in sorted(found.texts.items())]
    return str(Hash.of(_VERSION + encode([facts, texts])))


def carried(values: Mapping[str, Json], *, levels: int = RESULT_DEPTH_MAX) -> Value:
    """JSON as a frame carries it."""
    return {name: _carried(value, levels - 1) for name, value in values.items()}


def _carried(value: Json, levels: int) -> Value:
    if isinstance(value, list | dict) and levels <= 0:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, list):
        return [_carried(item, levels - 1) for item in value]
    if isinstance(value, dict):
        return carried(value, levels=levels)
    return value


def _document_row(opened: OpenChart, state: DocumentState) -> Value:
    found = opened.documents[state.document]
    row: dict[int | str, Value] = {
        "document": str(state.document),
        "version": version_of(found),
        "reviews_open": sum(review.open for review in state.reviews),
        "unread": len(found.unread),
    }
    said_of_it = {
        "workflow_type": state.workflow_type,
        "title": state.title,
        "status": state.status.value if state.status.heads else None,
    }
    return row | {name: str(value) for name, value in said_of_it.items() if value is not None}


def _section(found: OpenDocument, text: SectionText) -> Value:
    return {
        "section": text.section,
        "text": text.text,
        "complete": text.complete and not text.disputed,
        "authors": [_author(author) for author in found.authors_of(text.sessions)],
        "disputed": text.disputed,
        "views": [_view(found, view) for view in text.views],
        "more_views": text.more,
        "merged_lines": [*text.torn],
    }


def _view(found: OpenDocument, view: View) -> Value:
    return {
        "head": str(view.head),
        "text": view.text,
        "author": _author(found.authors[view.session]),
        "authors": [_author(author) for author in found.authors_of(view.sessions)],
        "wall_ms": view.wall_ms,
        "reasons": [reason.value for reason in view.reasons],
    }


def _author(author: Author) -> Value:
    return {
        "user": str(author.user),
        "device": str(author.device),
        "session": str(author.session),
        "role": author.role,
    }
