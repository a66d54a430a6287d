"""Named entries and uptakes for tests of a draft.

Owns two sessions, ME and YOU, in one Doc, and what an author does: edit, sign, apply.
"""

from __future__ import annotations

from edge_runtime.text.draft import Effect, TextDraft, Uptake, client_id
from edge_runtime.text.errors import Reason
from edge_runtime.text.history import TextEntry
from sync_protocol.ids import SessionId
from tests.unit.edge_runtime.text.encoder import edit, typed
from tests.unit.edge_runtime.text.histories import DOC, entry_hash, session

APPLIED, HELD, FORKED = (Uptake(Effect(word)) for word in ("applied", "held", "forked"))
ME, YOU = session(0), session(1)
MINE, YOURS = client_id(ME, DOC), client_id(YOU, DOC)


def refused(reason: Reason) -> Uptake:
    """A refusal."""
    return Uptake(Effect.REFUSED, reason)


def entry(name: object, author: SessionId, data: bytes, *parents: TextEntry) -> TextEntry:
    """An entry after others."""
    return TextEntry(
        entry=entry_hash(name), session=author, parents=tuple(parent.entry for parent in parents), update=data
    )


def write(draft: TextDraft, author: SessionId, text: str) -> TextEntry:
    """Edit, sign, apply: what an author does."""
    data = draft.edit(author, text)
    assert data is not None
    written = TextEntry(entry=entry_hash(author, data, draft.heads), session=author, parents=draft.heads, update=data)
    assert draft.apply(written) == APPLIED
    return written


AB = entry("a", ME, edit(MINE, 0, typed("ab")))
"""Mine: "ab"."""
ABC = entry("b", ME, edit(MINE, 2, typed("c", (MINE, 1))), AB)
"""Mine, after it: "abc"."""
MARKED = entry("y", YOU, edit(YOURS, 0, typed("!", (MINE, 2))), ABC)
"""Yours, after both: "abc!"."""
UNREADABLE = entry("bad", YOU, b"\xff", MARKED)
"""Yours, after all: refused."""
