"""One document of a chart on a page: where it stands, what was measured and done, and its texts with all that is apart.

Owns a place for every list of a document's state; what has no place of its own stands at the end, key by key. Nothing
that counts is left out but by a limit, which the top of the page names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edge_runtime.clinical.attachments import attachment_of
from edge_runtime.clinical.drafts import DRAFTING
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.marks import SAFETY_LIST, mark
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.triage import COLOURS
from edge_runtime.clinical.vitals import display
from edge_runtime.printing.page import Row, Span, Table, Tone, Words, plain
from edge_runtime.printing.statements import behind, by, draw_fact, label_of, unverified
from edge_runtime.printing.text_pages import draw_texts
from edge_runtime.printing.workflow_pages import draw_laboratory, draw_links, draw_steps

if TYPE_CHECKING:
    from edge_runtime.clinical.placing import Placing
    from edge_runtime.clinical.state import DocumentState, Statement
    from edge_runtime.clinical.triage import TriageState
    from edge_runtime.clinical.vitals import Observation
    from edge_runtime.opened import OpenChart
    from edge_runtime.printing.drafting import Draft


def document_name(opened: OpenChart, state: DocumentState) -> str:
    """What a document is, with the beginning of its id."""
    is_chart = state.document == opened.membership.chart_document
    kind = "chart document" if is_chart else str(state.workflow_type or "document")
    return f"{label_of(kind)} {state.document.short}"


def draw_document(draft: Draft, opened: OpenChart, state: DocumentState) -> None:
    """Add one document to a page."""
    name = document_name(opened, state)
    draft.heading(1, Span(name), *([Span(": "), Span(state.title)] if state.title else []))
    drawn = len(draft.blocks)
    if state.newer_layout:
        draft.notice("A NEWER VERSION WROTE HERE", plain("There may be more than this version understands."))
    draft.rows(list(_standing(state)))
    draw_steps(draft, state.steps, name)
    _observations(draft, state, name)
    draw_laboratory(draft, state, name)
    draft.rows([_procedure(item) for item in state.procedures])
    draft.rows(
        unverified(item for item in draft.newest(state.unverified, name) if item.fact.fact.kind not in SAFETY_LIST)
    )
    draw_texts(draft, opened.found(state.document), name)
    draw_links(draft, state, name)
    draft.rows([row for item in state.attachments for row in _file(item)])
    others = [fact for fact in state.others if fact.fact.kind != Kind.SOURCE]
    for fact in draft.newest(others, f"{name}, other statements"):
        draw_fact(draft, fact, name)
    unreadable = [item for item in state.unreadable if item.fact.fact.kind not in DRAFTING]
    for item in draft.newest(unreadable, f"{name}, statements that this version cannot use"):
        draw_fact(draft, item.fact, name, problem=str(item.problem))
    kept = len(state.others) - len(others)
    if kept:
        draft.rows([Row("Imported", plain(f"{kept:,} parts of imported resources are kept as they came."))])
    if len(draft.blocks) == drawn:
        draft.rows([Row("Content", plain("nothing yet"))])


def _standing(state: DocumentState) -> Iterator[Row]:
    if state.status.heads:
        disputed = (Span("  DISPUTED", Tone.WARNING),) if state.status.disputed else ()
        words = Span(label_of(state.status.value), Tone.STRONG)
        yield Row("Status", (words, *disputed), behind(state.status.heads))
    if state.priority.value is not None:
        words = Span(label_of(state.priority.value), Tone.STRONG)
        yield Row("Priority", (words,), behind(state.priority.heads))
    if state.triage.value is not None:
        yield triage_row(state.triage)
    yield from _placed("Assigned to", state.assignment, ("to",))
    yield from _placed("Place", state.place, ("location", "department"))


def triage_row(triage: TriageState) -> Row:
    """How soon somebody is treated, with the colour of the tag."""
    assert triage.value is not None, "somebody triaged"
    disputed = (Span("  DISPUTED", Tone.WARNING),) if triage.disputed else ()
    words = Span(f"{label_of(triage.value)} ({COLOURS[triage.value]})", Tone.STRONG)
    return Row("Triage", (words, *disputed), behind(triage.heads))


def _placed(label: str, placing: Placing, keys: tuple[str, ...]) -> Iterator[Row]:
    if placing.current is not None:
        fact = placing.current.fact
        yield Row(label, plain(", ".join(text for key in keys if (text := said(fact, key)))), behind(placing.heads))


def _observations(draft: Draft, state: DocumentState, name: str) -> None:
    """Every observation in order, the corrected ones struck: a correction is read beside what it corrects."""
    if not state.observations:
        return
    newest = draft.newest(state.observations, f"{name}, findings")
    draft.blocks.append(
        Table(("Finding", "When, as stated", "Who wrote it, and when"), tuple(map(_observation, newest)))
    )


def _observation(item: Observation) -> tuple[Words, ...]:
    corrected = bool(item.corrected_by)
    found = [Span(display(item.fact), Tone.STRUCK if corrected else Tone.PLAIN)]
    if corrected:
        found.append(Span("  corrected below"))
    doubts = [words for words in (mark(item.fact.verdict, held=item.fact.held), item.question) if words]
    found += [Span(f"  ({words})", Tone.WARNING) for words in doubts]
    return tuple(found), plain(said(item.fact.fact, "effective") or ""), plain(by(item.fact))


def _procedure(item: Statement) -> Row:
    fact = item.fact.fact
    words = [Span(said(fact, "text") or said(fact, "code") or "(unnamed)", _tone(item))]
    words += [Span(f"  {stated}", Tone.DIM) for key in ("code", "performed") if (stated := said(fact, key))]
    return Row("Procedure", (*words, *_replaced(item)), behind([item.fact]))


def _file(item: Statement) -> Iterator[Row]:
    attachment = attachment_of(item.fact.fact)
    assert attachment is not None, "what cannot be read as one is with the unreadable"
    words = [Span(attachment.name, _tone(item)), *([Span(f"  ({attachment.title})")] if attachment.title else [])]
    what = f"  {attachment.media_type}, {attachment.file_bytes:,} bytes, attachment {attachment.blob.short}"
    digest = (Span(f"SHA-256 of the file: {attachment.sha256.hex()}"),)
    yield Row("File", (*words, Span(what, Tone.DIM), *_replaced(item)), (*behind([item.fact]), digest))


def _tone(item: Statement) -> Tone:
    return Tone.STRUCK if item.superseded_by else Tone.PLAIN


def _replaced(item: Statement) -> Words:
    return (Span("  REPLACED", Tone.WARNING),) if item.superseded_by else ()
