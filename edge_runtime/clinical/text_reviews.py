"""Reviews of disputed texts: one a Doc, beside the reviews that facts raise.

Owns their words and how they join the state of a chart. What is disputed, `text.section` decides. A decision closes the
review and changes no text: whoever edits the section says what it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.reviews import Review, ReviewKind, ReviewValue, review_id, settle
from edge_runtime.clinical.state import DocumentState
from edge_runtime.facts import Author, FactId
from edge_runtime.text.lineage import Written
from edge_runtime.text.section import SectionText
from sync_protocol.ids import DocumentId, EntryHash, SessionId

_OF_TEXTS: Final = frozenset({ReviewKind.TEXT, ReviewKind.ATTESTED})
"""Reviews that rest on what was written, and not on facts alone."""
LINES_MAX: Final = 3
"""Lines that a review quotes of one author; the others are shown with the section."""
LINE_CHARS_MAX: Final = 120


def text_reviews(document: DocumentId, text: SectionText, authors: Mapping[SessionId, Author]) -> Iterator[Review]:
    """The reviews that a section calls for, one for each of its Docs that is concerned.

    Args:
        document: where it stands.
        text: the section.
        authors: whose each session is.
    """
    starts = {start.entry: start.index for start in text.starts}
    merged = f" Lines that nobody wrote as they stand: {len(text.torn)}." if text.torn else ""
    if text.contested:
        merged += f" Lines that several changed at once: {len(text.contested)}."
    for doc, heads in text.reviews.items():
        yield Review(
            id=review_id(document, ReviewKind.TEXT, doc.hex()),
            kind=ReviewKind.TEXT,
            subject=doc.hex(),
            document=document,
            values=tuple(_value(document, text, one, starts, authors) for one in heads),
            reason=f"The section {text.section} is disputed: what may not be merged is shown whole under it.{merged}",
        )


def with_text_reviews(state: ChartState, reviews: Mapping[DocumentId, tuple[Review, ...]]) -> ChartState:
    """A chart's state with the reviews of its texts, by document."""
    if not any(reviews.values()):
        return state
    documents = tuple(_with(document, reviews.get(document.document, ())) for document in state.documents)
    known = {document.document for document in documents}
    added = [review for document in documents for review in document.reviews if review.kind in _OF_TEXTS]
    added += (review for name, texts in reviews.items() if name not in known for review in texts)
    every = tuple(sorted((*state.reviews, *added), key=lambda review: review.id))
    return replace(state, documents=documents, reviews=every)


def _with(document: DocumentState, reviews: tuple[Review, ...]) -> DocumentState:
    settled = settle(reviews, document.decisions)
    return replace(document, reviews=tuple(sorted((*document.reviews, *settled), key=lambda review: review.id)))


def _value(
    document: DocumentId,
    text: SectionText,
    head: Written,
    starts: Mapping[EntryHash, int],
    authors: Mapping[SessionId, Author],
) -> ReviewValue:
    name = head.text.entry
    where = "in the text that is read" if name in text.heads else "kept apart"
    return ReviewValue(
        fact=FactId(name, starts.get(name, 0)),
        document=document,
        author=authors[head.text.session],
        lamport=head.lamport,
        wall_ms=head.wall_ms,
        base=tuple(FactId(parent, starts.get(parent, 0)) for parent in head.text.parents),
        display=f"{text.section}: {where}{_wrote(text, name)}",
    )


def _wrote(text: SectionText, name: EntryHash) -> str:
    """What the author of an entry made of the lines that several changed at once, the first of them."""
    lines = [reading.text for line in text.contested for reading in line.readings if reading.head == name]
    more = f" and {len(lines) - LINES_MAX} lines more" if len(lines) > LINES_MAX else ""
    said = "; ".join(f'"{line[:LINE_CHARS_MAX]}"' for line in lines[:LINES_MAX])
    return f": {said}{more}" if said else ""
