"""Edits of text sections: from the text that a person wants to an update that every receiver will take.

Owns what an author checks before signing. A receiver judges an update by the past that its entry declares, so an edit
that was made in sight of more, or of less, than its entry follows would be refused everywhere and look like a loss.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge_runtime.documents import OpenDocument
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.text.errors import UpdateRefusedError
from sync_protocol.ids import EntryHash, SessionId


def update_of(found: OpenDocument, section: str, session: SessionId, text: str) -> bytes | None:
    """Make the update that turns a section into `text`; None if it reads so already.

    Raises:
        InputError: more of a change than one entry can hold.
        DraftUnavailableError: the section cannot be edited now.
    """
    try:
        return found.draft(section).edit(session, text)
    except UpdateRefusedError as refusal:
        raise InputError(
            "text_change",
            expected=f"a change that one entry can hold: {refusal.expected}",
            got=refusal.got,
            do="make the change in several smaller steps",
        ) from None


def check_follows(found: OpenDocument, section: str, heads: Iterable[EntryHash]) -> None:
    """Check that an entry which follows `heads` follows exactly what the section shows.

    It does not where an entry of the stream has no key here, since it may hold text, and where the other branch of a
    forked session wrote in the section, since an entry names one head a session.

    Raises:
        RefusedError: it does not.
    """
    if not found.sections.whole:
        raise _not_whole("entries without a key here", "ask a member to share the chart with this device again")
    if found.sections.parents(heads, section) != frozenset(found.draft(section).heads):
        raise _not_whole("two histories of one device", "state what you have to say as a fact, or in another section")


def _not_whole(got: str, do: str) -> RefusedError:
    return RefusedError(
        "text_not_whole", expected="a section all of which this device can read and follow", got=got, do=do
    )
