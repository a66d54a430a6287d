"""Who typed each character of a text, told by the items of its order.

Owns the way from code units, in which the engine counts, to characters, in which everybody else does. Refuses to guess
who meant a text: it says who typed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_runtime.text.draft import TextDraft
from edge_runtime.text.order import Deleted
from sync_protocol.ids import SessionId


@dataclass(frozen=True, slots=True)
class Typed:
    """Characters of one author that stand together: Unicode code points `start` to `end`, the end excluded."""

    start: int
    end: int
    session: SessionId


def authorship(draft: TextDraft, past: int) -> tuple[Typed, ...]:
    """Who typed the text of a causal past, from its first character to its last, without gaps.

    Args:
        draft: what was applied.
        past: set of entries of it that holds the past of each of them.
    """
    return tuple(_joined(_pieces(draft, past)))


def _pieces(draft: TextDraft, past: int) -> Iterator[tuple[SessionId, int]]:
    """Session and number of characters of each piece that is shown, in order."""
    seen = [(index, admitted) for index, admitted in draft.admitted if past >> index & 1]
    sessions = {admitted.client: draft.history[index].session for index, admitted in seen}
    ends = draft.history.state_vector(past)
    gone = Deleted(one for _, admitted in seen for one in admitted.deletes)
    for piece in draft.order.pieces():
        if piece.clock < ends.get(piece.client, 0) and not gone.holds(piece.client, piece.clock):
            yield sessions[piece.client], len(piece.text)


def _joined(pieces: Iterator[tuple[SessionId, int]]) -> Iterator[Typed]:
    at, known = 0, None
    for session, characters in pieces:
        if known is not None and known.session == session:
            known = Typed(known.start, at + characters, session)
        else:
            if known is not None:
                yield known
            known = Typed(at, at + characters, session)
        at += characters
    if known is not None:
        yield known
