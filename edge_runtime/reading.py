"""One stream of a document being read: from opened entries, one by one, to placed facts and text sections.

Owns what an entry adds to a document, and whether a new one can be added to what was read before: one that comes after
all of it in the order, and contradicts none of it. What cannot be shown is counted and kept, never dropped: a missing
key, a missing dependency, a malformed body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Final

from edge_runtime.facts import Author, CausalGraph, Content, FactId, PlacedFact, TextUpdate
from edge_runtime.sections import TEXT, Sections, start_of
from edge_runtime.text.replica import MakeReplica
from edge_runtime.text.section import SectionText
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import DocumentId, EntryHash, SessionId
from sync_protocol.judge import Judge
from sync_protocol.roles import TEXT as WRITTEN
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import Reason, Standing, Verdict

_ADOPTED: Final = Verdict(Standing.ACCEPTED, Reason.ADOPTED)
AuthorOf = Callable[[VerifiedEntry], Author]
"""Who wrote an entry, with the role that binds it."""


class Unread(StrEnum):
    """Why an entry is kept but not shown."""

    NO_KEY = "no_key"
    FORGED = "does_not_open"
    MALFORMED = "malformed"
    HELD = "waits_for_earlier_entries"
    FORKED = "forked_history"
    VOID = "void"


class StreamReading:
    """What was read of one stream; grows entry by entry. Not for use from several threads.

    Attributes:
        graph: every entry that was placed, and after them those that came before what they follow.
        facts: those of the entries that were placed, in their order.
        early: those of entries that came before what they follow, marked.
        kinds: of the facts.
        void: facts that are kept and do not count, with the reason; the other facts of their entries stand.
        authors: whose each session is that wrote text.
        texts: the sections in which something was written, as of the last `settle`.
    """

    def __init__(
        self,
        document: DocumentId,
        compartment: Compartment,
        judge: Judge,
        *,
        author_of: AuthorOf,
        is_own: Callable[[VerifiedEntry], bool],
        make_replica: MakeReplica,
    ) -> None:
        """Start with nothing read.

        Args:
            document: whose stream it is.
            compartment: which of its streams.
            judge: of the stream; it is given each entry here.
            author_of: see AuthorOf.
            is_own: whether this device wrote an entry.
            make_replica: where text is shown that others wrote in.
        """
        self.graph = CausalGraph()
        self.facts: list[PlacedFact] = []
        self.early: list[PlacedFact] = []
        self.kinds: set[str] = set()
        self.void: dict[FactId, Reason | None] = {}
        self.authors: dict[SessionId, Author] = {}
        self.texts: dict[str, SectionText] = {}
        self.sections = Sections(document, self.graph, make_replica)
        self._document = document
        self._compartment = compartment
        self._judge = judge
        self._author_of = author_of
        self._is_own = is_own
        self._unplaced: dict[EntryHash, Unread] = {}
        self._untold: dict[EntryHash, Unread] = {}
        self._last: tuple[int, EntryHash] | None = None
        self._held = False

    @property
    def unread(self) -> dict[EntryHash, Unread]:
        """Entries that are kept and not shown, with the reason; of what texts refuse, as of the last `settle`."""
        return self._unplaced | self._untold

    def take(self, entry: VerifiedEntry, content: Content | Unread) -> None:
        """Place an entry; it comes after those that it follows, and in the order of `StreamOrder`."""
        header, name = entry.header, entry.hash
        self._judge.take(entry)
        self.graph.add(name, header.session, header.seq, header.parents)
        self._last = self.graph.depth(name), name
        if isinstance(content, Unread):
            self._unplaced[name] = content
        elif content.text is None:
            self.facts.extend(self._facts(entry, content))
        elif self._compartment is not TEXT or not self._write(entry, content.text):
            self._unplaced[name] = Unread.MALFORMED
        if self._compartment is TEXT:
            self.sections.step(entry, closed=content is Unread.NO_KEY)

    def take_early(self, entry: VerifiedEntry, content: Content | Unread) -> None:
        """Take an entry that came before what it follows: it is signed, and its facts may be needed now.

        Text waits, and so does an entry that starts one.
        """
        header, name = entry.header, entry.hash
        if not self._held:  # apart, because texts follow the other: nothing that was not placed is part of one
            self._held, self.graph = True, self.graph.copy()
        self._judge.take(entry, held=True)
        self.graph.add(name, header.session, header.seq, header.parents)
        facts = () if isinstance(content, Unread) or content.facts is None else content.facts
        if not facts or (self._compartment is TEXT and any(start_of(fact) for fact in facts)):
            self._unplaced[name] = Unread.HELD
            return
        self.early.extend(replace(fact, held=True) for fact in self._facts(entry, Content(facts=facts, text=None)))

    def can_take(self, entry: VerifiedEntry, depth: int) -> bool:
        """Whether an entry that came now stands after all that was read, as if it had been read with it.

        Otherwise the stream is read anew: what was held may wait for it; it makes a fork known, after which nothing of
        a session precedes anything; or it stands before what was read.

        Args:
            entry: which.
            depth: of it, see `CausalGraph.depth`.
        """
        free = self.graph.continues(entry.header.session, entry.header.seq)
        return free and not self._held and (self._last is None or (depth, entry.hash) > self._last)

    def settle(self) -> None:
        """Put the sections together in which something was written since the last time."""
        for name in self.sections.changed():
            written = self.sections.added(name)
            known = self.texts.get(name)
            grown = None if known is None or written is None else known.grown(written)
            self.texts[name] = self.sections.text(name) if grown is None else grown
        self.texts = dict(sorted(self.texts.items()))
        self._untold = {}  # anew: what was replaced meanwhile is shown no more, and none of it is missed
        for text in self.texts.values():
            self._untold.update((name, Unread.MALFORMED) for name in text.refused)
            self._untold.update((name, Unread.FORKED) for name in text.unreadable)

    def _facts(self, entry: VerifiedEntry, content: Content) -> Iterator[PlacedFact]:
        """The facts of an entry, each with its verdict; what is void is void alone, and a start is text."""
        header, author = entry.header, self._author_of(entry)
        for index, fact in enumerate(content.facts or ()):
            name, verdict = FactId(entry.hash, index), self._judge.verdict(entry.hash, fact.kind)
            start = start_of(fact) if self._compartment is TEXT else None
            if start is not None:
                on_text = _text_verdict(self._judge, entry.hash, fact.kind)
                self.sections.start(entry, index, start, on_text, own=self._is_own(entry))
                self.authors[header.session] = author
            if verdict.standing is Standing.VOID:
                self.void[name] = verdict.reason
            if start is not None or verdict.standing is Standing.VOID:
                continue
            self.kinds.add(fact.kind)
            yield PlacedFact(
                id=name,
                fact=fact,
                author=author,
                document=self._document,
                compartment=self._compartment,
                lamport=header.lamport,
                wall_ms=header.wall_ms,
                verdict=verdict,
            )

    def _write(self, entry: VerifiedEntry, update: TextUpdate) -> bool:
        """Put a text update into its section; False where it has no place there."""
        verdict = _text_verdict(self._judge, entry.hash, WRITTEN)
        if not self.sections.write(entry, update, verdict, own=self._is_own(entry)):
            return False
        if verdict.standing is Standing.VOID:
            self._unplaced[entry.hash] = Unread.VOID
        if entry.header.session not in self.authors:
            self.authors[entry.header.session] = self._author_of(entry)
        return True


def _text_verdict(judge: Judge, entry: EntryHash, kind: str) -> Verdict:
    """The verdict on a change of text. One that counts says so where somebody adopted it: a fork may be known later."""
    verdict = judge.verdict(entry, kind)
    return _ADOPTED if verdict.counts and judge.vouched(entry, kind) else verdict
