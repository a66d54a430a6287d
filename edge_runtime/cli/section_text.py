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
from edge_runtime.cli.typed_text import typed_text
from edge_runtime.clinical.layout import Section
from edge_runtime.clinical.marks import why_apart
from sync_protocol.verdicts import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_runtime.documents import OpenDocument
    from edge_runtime.text.section import SectionText
    from edge_runtime.text.sides import Contested
    from edge_runtime.text.view import View

_BAR: Final = "┃ "
_EMPTY: Final = "(nothing)"
CONTESTED_MAX: Final = 20
"""Lines of one section that were changed by several at once, as a terminal shows them."""


def sections_json(found: OpenDocument, *, authors: bool = False) -> dict[str, Any]:
    """Every section of a document, by name; with its authors by character where they are asked for."""
    return {name: _section_json(found, text, authors=authors) for name, text in sorted(found.texts.items())}


def section_rows(found: OpenDocument, *, only: str | None = None, authors: bool = False) -> Iterator[Text]:
    """Every section of a document in the order of the layout, then those that this version does not know."""
    for name in [*Section, *sorted(found.texts.keys() - frozenset(Section))]:
        text = found.texts.get(name)
        if text is not None and only in {None, name}:
            yield from _rows(found, text, authors=authors)


def _section_json(found: OpenDocument, text: SectionText, *, authors: bool) -> dict[str, Any]:
    told = {
        "text": text.text,
        "complete": text.complete,
        "forked": any(Reason.FORKED in view.reasons for view in text.views),
        "authors": [author_json(author) for author in found.authors_of(text.sessions)],
        "disputed": text.disputed,
        "views": [_view_json(found, view) for view in text.views],
        "more_views": text.more,
        "merged_lines": [*text.torn],
        "contested_lines": [_contested_json(found, one) for one in text.contested],
    }
    if authors:
        told["authorship"] = [
            {"start": one.start, "end": one.end, "author": author_json(found.authors[one.session])}
            for one in text.authorship()
        ]
    return told


def _contested_json(found: OpenDocument, contested: Contested) -> dict[str, Any]:
    readings = [
        {"head": str(one.head), "author": author_json(found.authors[one.session]), "text": one.text}
        for one in contested.readings
    ]
    return {"line": contested.line, "before": contested.before, "readings": readings}


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


def _rows(found: OpenDocument, text: SectionText, *, authors: bool) -> Iterator[Text]:
    numbers = {author: number for number, author in enumerate(found.authors_of(text.sessions), start=1)}
    names = ", ".join(f"[{number}] {who(one)}" if authors else who(one) for one, number in numbers.items())
    disputed = ("  DISPUTED", "bold yellow") if text.disputed else ""
    yield Text.assemble((safe(text.section.capitalize()), "bold cyan"), disputed, (f"   {names}", "dim"))
    shown = Text(safe(text.text))  # the text first: only once it was read is it known to be all
    yield (
        typed_text(text, {session: numbers[found.authors[session]] for session in text.sessions})
        if authors and text.complete
        else shown.append("" if text.complete else "  (incomplete here)")
    )
    if not text.complete:
        yield Text("The rest cannot be shown on this device now. Nothing is lost; it is tried again later.", "yellow")
    for line in text.torn:
        yield Text.assemble(("Nobody wrote this line as it stands: ", "bold yellow"), safe(line))
    for contested in text.contested[:CONTESTED_MAX]:
        yield from _contested_rows(found, contested)
    if len(text.contested) > CONTESTED_MAX:
        yield Text(f"{len(text.contested) - CONTESTED_MAX} more lines were changed at once: see --json", "yellow")
    for view in text.views:
        yield from _view_rows(found, view)
    if text.more:
        yield Text(f"{text.more} more texts are kept apart, and shown once these are settled.", "yellow")
    if text.disputed:
        yield Text("Edit the section to say what it reads: the new text replaces all that is shown here.", "yellow")


def _contested_rows(found: OpenDocument, contested: Contested) -> Iterator[Text]:
    """A line that several changed at once: as it was, as each of them left it, and what the merge made of it."""
    yield Text.assemble(("Changed by several at once, before: ", "bold yellow"), safe(contested.before) or _EMPTY)
    for reading in contested.readings:
        author = who(found.authors[reading.session])
        yield Text.assemble((f"  {author} made it: ", "yellow"), safe(reading.text) or _EMPTY)
    yield Text.assemble(("  together they read: ", "yellow"), safe(contested.line) or _EMPTY)


def _view_rows(found: OpenDocument, view: View) -> Iterator[Text]:
    reasons = "; ".join(map(why_apart, view.reasons))
    yield Text.assemble(
        (_BAR, "yellow"),
        ("Kept apart  ", "bold yellow"),
        (f"{who(found.authors[view.session])}, {when(view.wall_ms)}: {reasons}", "yellow"),
    )
    for line in view.text.split("\n"):
        yield Text.assemble((_BAR, "yellow"), safe(line))
