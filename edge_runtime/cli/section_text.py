"""Text sections on a terminal and as JSON: the base, and under it whatever may not be merged into it.

Owns how a tired person sees that a text is disputed: the word stands beside the name of the section, and each view is
shown whole, with its author, its time and its reason, set off from the base by a bar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from edge_runtime.cli.authors import author_json, who
from edge_runtime.cli.output import when
from edge_runtime.cli.safe_text import safe
from edge_runtime.clinical.layout import Section
from edge_runtime.clinical.marks import why_apart
from sync_protocol.verdicts import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_runtime.documents import OpenDocument
    from edge_runtime.text.section import SectionText
    from edge_runtime.text.view import View

_BAR: Final = "┃ "


def sections_json(found: OpenDocument) -> dict[str, Any]:
    """Every section of a document, by name."""
    return {name: _section_json(found, text) for name, text in sorted(found.texts.items())}


def section_rows(found: OpenDocument) -> Iterator[Text]:
    """Every section of a document in the order of the layout, then those that this version does not know."""
    for name in [*Section, *sorted(found.texts.keys() - frozenset(Section))]:
        text = found.texts.get(name)
        if text is not None:
            yield from _rows(found, text)


def _section_json(found: OpenDocument, text: SectionText) -> dict[str, Any]:
    return {
        "text": text.text,
        "complete": text.complete,
        "forked": any(Reason.FORKED in view.reasons for view in text.views),
        "authors": [author_json(author) for author in found.authors_of(text.sessions)],
        "disputed": text.disputed,
        "views": [_view_json(found, view) for view in text.views],
        "more_views": text.more,
        "merged_lines": [*text.torn],
    }


def _view_json(found: OpenDocument, view: View) -> dict[str, Any]:
    return {
        "head": str(view.head),
        "text": view.text,
        "author": author_json(found.authors[view.session]),
        "authors": [author_json(author) for author in found.authors_of(view.sessions)],
        "lamport": view.lamport,
        "wall_ms": view.wall_ms,
        "reasons": [reason.value for reason in view.reasons],
    }


def _rows(found: OpenDocument, text: SectionText) -> Iterator[Text]:
    authors = ", ".join(who(author) for author in found.authors_of(text.sessions))
    disputed = ("  DISPUTED", "bold yellow") if text.disputed else ""
    yield Text.assemble((safe(text.section.capitalize()), "bold cyan"), disputed, (f"   {authors}", "dim"))
    shown = safe(text.text)  # the text first: only once it was read is it known to be all
    yield Text(shown + ("" if text.complete else "  (incomplete here)"))
    if not text.complete:
        yield Text("The rest cannot be shown on this device now. Nothing is lost; it is tried again later.", "yellow")
    for line in text.torn:
        yield Text.assemble(("Nobody wrote this line as it stands: ", "bold yellow"), safe(line))
    for view in text.views:
        yield from _view_rows(found, view)
    if text.more:
        yield Text(f"{text.more} more texts are kept apart, and shown once these are settled.", "yellow")
    if text.disputed:
        yield Text("Edit the section to say what it reads: the new text replaces all that is shown here.", "yellow")


def _view_rows(found: OpenDocument, view: View) -> Iterator[Text]:
    reasons = "; ".join(map(why_apart, view.reasons))
    yield Text.assemble(
        (_BAR, "yellow"),
        ("Kept apart  ", "bold yellow"),
        (f"{who(found.authors[view.session])}, {when(view.wall_ms)}: {reasons}", "yellow"),
    )
    for line in view.text.split("\n"):
        yield Text.assemble((_BAR, "yellow"), safe(line))
