"""Edits of text sections: from the text that a person wants to an entry that every receiver will take.

Owns what an author checks before signing. A receiver judges an update by the past that its entry declares, so an edit
that was made in sight of more, or of less, than its entry follows would be refused everywhere and look like a loss.
Where the entry would follow other text than what is shown, the edit is the start of a new Doc instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edge_runtime.clinical.layout import Section
from edge_runtime.documents import OpenDocument
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Content, FactId, TextUpdate
from edge_runtime.recorder.batch import Batch
from edge_runtime.sections import TEXT, DocKey, start_fact
from edge_runtime.text.errors import UpdateRefusedError
from edge_runtime.text.start import Start
from sync_protocol.chart_history import ChartHistory
from sync_protocol.ids import EntryHash, SessionId


def edit_of(
    found: OpenDocument,
    section: str,
    session: SessionId,
    text: str,
    *,
    heads: Iterable[EntryHash],
    fresh: bool = False,
) -> Content | None:
    """Make the content that turns a section into `text`; None if it reads so already.

    Args:
        found: the document as its author sees it.
        section: which.
        session: the author's.
        text: the whole text.
        heads: the entries of the stream that the content will follow.
        fresh: whether the text must be started anew for somebody who may not read its past: see `closes_out`.

    Raises:
        InputError: more of a change than one entry can hold.
        DraftUnavailableError: the section cannot be edited now.
        RefusedError: not all of the section can be read here.
    """
    shown = found.text(section)
    key = DocKey(section, None if shown.start is None else FactId(shown.start.entry, shown.start.index))
    if not found.sections.is_whole(key):
        raise _not_whole()
    follows = found.sections.parents(heads, key)
    try:
        made = shown.edit(session, text, follows=follows, fresh=fresh)
    except UpdateRefusedError as refusal:
        raise InputError(
            "text_change",
            expected=f"a change that one entry can hold: {refusal.expected}",
            got=refusal.got,
            do="make the change in several smaller steps",
        ) from None
    if made is None:
        return None
    if isinstance(made, Start):
        return Content(facts=(start_fact(made),), text=None)
    return Content(facts=None, text=TextUpdate(section=section, update=made, start=key.start))


def add_edits(batch: Batch, history: ChartHistory, found: OpenDocument, texts: Mapping[Section, str]) -> bool:
    """Add edits of some sections of a document to a change that holds nothing of its texts yet.

    Args:
        batch: the change, begun before the document was opened.
        history: of the chart.
        found: the document as its author sees it.
        texts: the whole text of each section.

    Returns:
        False where every section reads so already.

    Raises:
        InputError, DraftUnavailableError, RefusedError: as `edit_of`; or this device may not read, and so not write,
            texts.
    """
    batch.check_reader(history.chart, TEXT)
    # Sections are apart: what the edit of one adds to the stream, that of the next need not have seen.
    heads = batch.heads(history.chart, found.document, TEXT)
    contents = []
    for section, text in texts.items():
        fresh = closes_out(history, found.text(section).epochs)
        contents.append(edit_of(found, section, batch.desk.session, text, heads=heads, fresh=fresh))
    changes = [content for content in contents if content is not None]
    for content in changes:
        batch.content(history.chart, found.document, TEXT, content)
    return bool(changes)


def closes_out(history: ChartHistory, epochs: Iterable[EntryHash]) -> bool:
    """Whether some present reader of texts was added from now on, after one of these epochs.

    A text is readable only whole, so what such a reader is to see is started anew, under an epoch that it can open. Who
    only broke the glass is no such reader: what was written before is opened to it by the desk.

    Args:
        history: of the chart, which was created.
        epochs: those under which the Doc of a section lies.
    """
    membership = history.now
    assert membership is not None, "asked of a chart that was created"
    known = [membership.epochs[name] for name in sorted(epochs) if name in membership.epochs]
    readers = [name for name in membership.readers(TEXT) if not history.only_by_glass(name)]
    return any(not history.saw_its_grant(name, epoch) for epoch in known for name in readers)


def _not_whole() -> RefusedError:
    """An entry without a key here may hold text, and nobody replaces what they cannot see."""
    return RefusedError(
        "text_not_whole",
        expected="a section all of which this device can read",
        got="entries without a key here",
        do="ask a member to share the chart with this device again",
    )
