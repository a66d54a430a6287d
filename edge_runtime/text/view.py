"""A view: what one author had before them, shown whole beside the base of a section.

Owns the words for why something is a view. A view is put together from its own past alone and never merged with
anything: nobody ever read a mixture of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge_runtime.text.lineage import Lineage, Written
from sync_protocol.ids import EntryHash, SessionId
from sync_protocol.verdicts import Reason


class Outside(StrEnum):
    """Why a view is no part of the base, where no verdict on its own entry says so."""

    FOLLOWS = "follows"
    """It was typed in sight of what does not count."""
    REPLACED = "replaced"
    """It was written into a text that somebody replaced without seeing it."""
    BESIDE = "beside"
    """Its text was started without knowledge of the one that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one author had before them when they wrote something that is not in the base, with what they wrote.

    Attributes:
        doc: the Doc that it belongs to, and with it the review.
        head: the author's entry.
        text: all of it, never merged with anything.
        session: the author's.
        sessions: everybody who wrote in it, by Lamport time, each once.
        lamport: logical time of the head.
        wall_ms: the author's clock in milliseconds since 1970; display only.
        reasons: why it is outside, its own first.
    """

    doc: bytes
    head: EntryHash
    text: str
    session: SessionId
    sessions: tuple[SessionId, ...]
    lamport: int
    wall_ms: int
    reasons: tuple[Reason | Outside, ...]


@dataclass(frozen=True, slots=True)
class Outer:
    """A view to be: its Doc, and the place of its head there."""

    lineage: Lineage
    place: int
    why: Outside

    @property
    def head(self) -> Written:
        """The author's entry."""
        return self.lineage.written[self.place]

    def view(self) -> View:
        """Put its text together."""
        lineage, head, past = self.lineage, self.head, self.lineage.past(self.place)
        own = lineage.reasons(1 << self.place)
        others = (reason for reason in lineage.reasons(past) if reason not in own)
        why = () if own and self.why is Outside.FOLLOWS else (self.why,)
        return View(
            doc=lineage.doc_id,
            head=head.text.entry,
            text=lineage.read_by(self.place),
            session=head.text.session,
            sessions=lineage.sessions(past),
            lamport=head.lamport,
            wall_ms=head.wall_ms,
            reasons=(*own, *why, *others),
        )
