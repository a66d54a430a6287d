"""The text sections of a document on a page: what is read, and whole beside it whatever may not be merged into it.

Owns how a tired person sees on paper that a text is disputed: the word stands beside the name of the section, and each
text that is kept apart is set off by a bar, with its author, its time and its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.clinical.layout import Section
from edge_runtime.clinical.marks import why_apart
from edge_runtime.printing.page import Row, Span, Tone, plain
from edge_runtime.printing.statements import ROW_CHARS_MAX, label_of
from edge_runtime.wording import when, who

if TYPE_CHECKING:
    from edge_runtime.documents import OpenDocument
    from edge_runtime.printing.drafting import Draft
    from edge_runtime.text.section import SectionText
    from edge_runtime.text.sides import Contested
    from edge_runtime.text.view import View


def draw_texts(draft: Draft, found: OpenDocument, name: str) -> None:
    """Every section in the order of the layout, then those that this version does not know."""
    for section in [*Section, *sorted(found.texts.keys() - frozenset(Section))]:
        text = found.texts.get(section)
        if text is not None:
            _section(draft, found, text, f"{name}, {section}")


def _section(draft: Draft, found: OpenDocument, text: SectionText, place: str) -> None:
    whole = text.text  # first: only once it was read is it known to be all
    authors = ", ".join(who(author) for author in found.authors_of(text.sessions))
    disputed = (Span("  DISPUTED", Tone.WARNING),) if text.disputed else ()
    draft.heading(2, Span(label_of(text.section)), *disputed, Span(f"   {authors}", Tone.DIM))
    if not text.complete:
        draft.notice("INCOMPLETE", plain("The rest cannot be shown on this device now. Nothing is lost."))
    draft.text(whole, place)
    if text.torn:
        draft.notice("NOBODY WROTE THESE LINES AS THEY STAND")
    for line in draft.newest(text.torn, f"{place}, lines that nobody wrote"):
        _line(draft, "Line", line, place)
    for contested in draft.newest(text.contested, f"{place}, lines changed at once"):
        _contested(draft, found, contested, place)
    for view in text.views:
        _view(draft, found, view, place)
    if text.more:
        draft.notice(f"{text.more} more texts are kept apart, and shown once these are settled")


def _contested(draft: Draft, found: OpenDocument, contested: Contested, place: str) -> None:
    """A line that several changed at once: as it was, as each of them left it, and what the merge made of it."""
    draft.notice("SEVERAL CHANGED THIS LINE AT ONCE")
    _line(draft, "Before", contested.before, place)
    for reading in contested.readings:
        _line(draft, f"By {who(found.authors[reading.session])}", reading.text, place)
    _line(draft, "Together they read", contested.line, place)


def _line(draft: Draft, label: str, text: str, place: str) -> None:
    """A line of a text in a row; a long one below its label, where it can be left off in plain view."""
    long = len(text) > ROW_CHARS_MAX
    draft.rows([Row(label, plain("(see below)" if long else text or "(empty)"))])
    if long:
        draft.text(text, f"{place}, a line of it", apart=True)


def _view(draft: Draft, found: OpenDocument, view: View, place: str) -> None:
    author = f"{who(found.authors[view.session])}, {when(view.wall_ms)}"
    reasons = "; ".join(map(why_apart, view.reasons))
    draft.rows([Row("Kept apart", (Span(f"{author}: {reasons}", Tone.WARNING),))])
    draft.text(view.text, f"{place}, kept apart", apart=True)
