"""The text sections of a document on a page: what is read, and whole beside it whatever may not be merged into it.

Owns how a tired person sees on paper that a text is disputed: the word stands beside the name of the section, and each
text that is kept apart is set off by a bar, with its author, its time and its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.clinical.layout import Section
from edge_runtime.clinical.marks import why_apart
from edge_runtime.printing.page import Row, Span, Tone, plain
from edge_runtime.printing.statements import label_of
from edge_runtime.wording import when, who

if TYPE_CHECKING:
    from edge_runtime.documents import OpenDocument
    from edge_runtime.printing.drafting import Draft
    from edge_runtime.text.section import SectionText
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
        draft.notice("NOBODY WROTE THESE LINES AS THEY STAND", *map(plain, text.torn))
    for view in text.views:
        _view(draft, found, view, place)
    if text.more:
        draft.notice(f"{text.more} more texts are kept apart, and shown once these are settled")


def _view(draft: Draft, found: OpenDocument, view: View, place: str) -> None:
    author = f"{who(found.authors[view.session])}, {when(view.wall_ms)}"
    reasons = "; ".join(map(why_apart, view.reasons))
    draft.rows([Row("Kept apart", (Span(f"{author}: {reasons}", Tone.WARNING),))])
    draft.text(view.text, f"{place}, kept apart", apart=True)
