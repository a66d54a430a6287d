"""A section as people read it: the base, and beside it every view that may not be merged into it.

Owns which Doc of a section is read, what a start replaces, when a section is disputed, and what an edit of it is. A
section has a first Doc, and one more for each start. A start that counts replaces the entries that it names, with all
that they follow; what was written into a replaced Doc without being named is a view. Of several Docs that stand beside
each other the first by Lamport time is read, and the others are views. Source: `docs/protocol.md`, section Text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from edge_runtime.text.draft import TextDraft
from edge_runtime.text.errors import unavailable
from edge_runtime.text.history import members
from edge_runtime.text.lineage import Lineage, Written
from edge_runtime.text.replica import InProcessReplica, MakeReplica
from edge_runtime.text.sides import Contested, Side, contested
from edge_runtime.text.splices import check_characters
from edge_runtime.text.start import REPLACES_MAX, Start
from edge_runtime.text.telling import telling
from edge_runtime.text.typed import Typed, authorship
from edge_runtime.text.view import Outer, Outside, View
from sync_protocol.ids import EntryHash, SessionId
from sync_protocol.verdicts import Standing

VIEWS_MAX: Final = 16
"""Views shown of one section, the newest; the others are counted, and come when these were replaced."""


@dataclass(frozen=True, slots=True, order=True)
class StartName:
    """Names a start: its entry, and its place among the facts there."""

    entry: EntryHash
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Doc:
    """What was written into one Doc.

    Attributes:
        id: names it.
        start: the fact that opened it; None for a section's first.
        replaces: what that fact replaces.
        written: each entry after its parents; the start, where there is one, is the first.
    """

    id: bytes
    start: StartName | None
    replaces: tuple[EntryHash, ...]
    written: Sequence[Written]

    @property
    def counts(self) -> bool:
        """Whether anything in it can be in a base; of a started one, whether its start replaces anything."""
        return any(one.verdict.counts and not one.text.parents for one in self.written)


@dataclass(frozen=True, slots=True)
class Added:
    """Something that was written into a Doc after it was put together."""

    doc: bytes
    written: Written


class SectionText:
    """One section of a document. Not for use from several threads."""

    def __init__(
        self, section: str, first: bytes, docs: Iterable[Doc] = (), *, make_replica: MakeReplica = InProcessReplica
    ) -> None:
        """Sort out what was written.

        Args:
            section: its name.
            first: names its first Doc.
            docs: those in which something was written, in any order.
            make_replica: where the base is shown.
        """
        self.section = section
        known = sorted(docs, key=_order)
        replaced = frozenset(name for doc in known if doc.counts for name in doc.replaces)
        current = [doc for doc in known if doc.counts and not _names(replaced, doc)]
        fallback = [doc for doc in known if doc.start is None] or [Doc(id=first, start=None, replaces=(), written=())]
        read = (current or fallback)[0]
        others = [doc for doc in known if doc.id != read.id]
        self.doc = read.id
        """Names the Doc that is read."""
        self.start = read.start
        """The fact that opened it."""
        self.starts = tuple(doc.start for doc in known if doc.start is not None)
        """Every start of the section, by Lamport time."""
        self._base = Lineage(read.id, read.written, shown=True, make_replica=make_replica)
        self._whole = self._base.base  # as of now: see `grown`
        self._then: str | None = None
        """What it read, for who holds it after it grew."""
        self._lineages = [self._base]
        outer = list(_outer(self._base, self._base.base, Outside.FOLLOWS))
        for doc in others:
            lineage = Lineage(doc.id, doc.written, shown=False)
            self._lineages.append(lineage)
            why = Outside.REPLACED if _names(replaced, doc) else Outside.BESIDE if doc.counts else Outside.FOLLOWS
            outer += _outer(lineage, lineage.before(replaced), why)
        self._outer = sorted(outer, key=lambda one: (one.head.lamport, one.head.text.entry), reverse=True)

    @property
    def draft(self) -> TextDraft:
        """The replay of the base."""
        return self._base.base_draft

    @property
    def text(self) -> str:
        """The text of the base."""
        return self.draft.text() if self._then is None else self._then

    @property
    def complete(self) -> bool:
        """Whether the text engine shows all of the base; a local state, known for certain once the text was read."""
        return self.draft.complete

    @cached_property
    def heads(self) -> tuple[EntryHash, ...]:
        """The newest entries of the base."""
        return self.draft.heads

    @cached_property
    def sessions(self) -> tuple[SessionId, ...]:
        """Who wrote in the base, by Lamport time, each once; what was refused counts for nobody."""
        return self._base.sessions(self._whole, refused=frozenset(self._base.refused(self._whole)))

    @cached_property
    def epochs(self) -> frozenset[EntryHash]:
        """The epochs under which the Doc that is read lies: who lacks a key of one of them cannot show it."""
        return frozenset(one.epoch for one in self._base.written if one.epoch is not None)

    @cached_property
    def views(self) -> tuple[View, ...]:
        """What may not be merged into the base, newest first, at most VIEWS_MAX."""
        return tuple(one.view() for one in self._outer[:VIEWS_MAX])

    def quarantined(self, head: EntryHash) -> tuple[Written, ...]:
        """What a reviewer would have to adopt for a view to count: what is quarantined in its past, itself included."""
        for one in self._outer:
            if one.head.text.entry == head:
                past = (one.lineage.written[index] for index in members(one.lineage.past(one.place)))
                return tuple(found for found in past if found.verdict.standing is Standing.QUARANTINED)
        return ()

    @cached_property
    def newest(self) -> tuple[EntryHash, ...]:
        """The heads of the base and of every view: another set of entries has others."""
        return (*self.heads, *(one.head.text.entry for one in self._outer))

    @cached_property
    def newest_written(self) -> tuple[Written, ...]:
        """The same, as they were written."""
        base = (self._base.written[index] for index in members(self._base.newest(self._base.base)))
        return (*base, *(one.head for one in self._outer))

    @cached_property
    def more(self) -> int:
        """Views beyond those shown."""
        return max(0, len(self._outer) - VIEWS_MAX)

    @cached_property
    def torn(self) -> tuple[str, ...]:
        """Lines of the base with a number, unit or negation that none of its newest authors had before them."""
        sides, draft = self._sides, self.draft
        lines = dict.fromkeys(draft.text_of(draft.history.everything).split("\n") if sides else ())
        for side in sides:
            for line in draft.text_of(side.past).split("\n"):
                lines.pop(line, None)
        return tuple(line for line in lines if telling(line))

    @cached_property
    def contested(self) -> tuple[Contested, ...]:
        """Lines that authors changed without knowledge of each other, one of them a number, unit or negation."""
        return contested(self.draft, self._sides)

    @cached_property
    def _sides(self) -> tuple[Side, ...]:
        """The newest authors of the base where a merge shows what they wrote; nobody where one of them saw it all."""
        if len(self.draft.heads) < 2 and not self.refused:  # noqa: PLR2004 a merge takes two
            return ()
        return tuple(self._base.sides(self.refused))

    def authorship(self) -> tuple[Typed, ...]:
        """Who typed each character of the text; nothing where not all of it is shown here.

        What was typed in place of a disputed text is all its author's, as the text of a start is.
        """
        if self._then is None and not (self.text and self.complete):
            return ()
        return authorship(self.draft, self._whole if self._base.counts_whole else self.draft.history.everything)

    @cached_property
    def disputed(self) -> bool:
        """Whether a person must say what the section reads; until then nothing is written on in it."""
        return bool(self._outer or self.torn or self.contested)

    @cached_property
    def reviews(self) -> dict[bytes, tuple[Written, ...]]:
        """The entries that a person must choose from, by Doc: one review a Doc."""
        found: dict[bytes, list[Written]] = {}
        if self.torn or self.contested or any(one.lineage is self._base for one in self._outer):
            base = members(self._base.newest(self._base.base))
            found[self.doc] = [self._base.written[index] for index in base]
        for one in self._outer:
            found.setdefault(one.lineage.doc_id, []).append(one.head)
        return {doc: tuple(written) for doc, written in found.items()}

    @cached_property
    def refused(self) -> frozenset[EntryHash]:
        """Entries of what is shown whose updates no author can have typed."""
        shown = {one.lineage.doc_id: one.lineage for one in self._outer} | {self.doc: self._base}
        return frozenset(name for lineage in shown.values() for name in lineage.refused(lineage.everything))

    @cached_property
    def unreadable(self) -> frozenset[EntryHash]:
        """Entries that follow both branches of a fork: nobody can have read what they changed."""
        return frozenset(text.entry for one in self._lineages for text in one.texts(one.contested))

    def grown(self, added: Sequence[Added]) -> SectionText | None:
        """This section with what was written into the Doc that is read, without replaying what it holds.

        Only where all of it counts and nothing is kept apart. The draft goes over: from now on this object shows what
        it showed, and makes no edit.

        Args:
            added: what came after everything here, in causal order.

        Returns:
            None where the section must be put together anew.
        """
        simple = not self._outer and self._base.counts_whole
        if not simple or any(one.doc != self.doc or not one.written.verdict.counts for one in added):
            return None
        _ = (self.heads, self.epochs, self.disputed, self.reviews, self.unreadable)
        before, self._then = self.refused, self.text
        if not self._base.grow(one.written for one in added):
            return None
        made = copy(self)
        made.__dict__ = {name: value for name, value in self.__dict__.items() if name not in _WORKED_OUT}
        made._whole, made._then = self._base.base, None  # noqa: SLF001 its own kind
        made.__dict__["refused"] = before.union(self._base.refused(self._base.base & ~self._whole))
        return made

    def edit(
        self, session: SessionId, text: str, *, follows: frozenset[EntryHash], fresh: bool = False
    ) -> bytes | Start | None:
        """Make what turns the section into `text`.

        An update of the Doc that is read, or a start of a new one: where the section is disputed, where the author's
        entry would follow other text than the base, and where the author asks for it.

        Args:
            session: the author's.
            text: the whole text as it should read.
            follows: entries of the Doc that is read which the author's next entry would directly follow there.
            fresh: whether some reader of the compartment cannot open all of the Doc that is read.

        Returns:
            The update, or the start; None if the section reads so already and nothing is disputed.

        Raises:
            DraftUnavailableError: the base is incomplete here.
            UpdateRefusedError: an entry may not hold this edit.
        """
        check_characters(text)
        if self._then is not None:
            raise unavailable("a section as it read before somebody wrote on", "open the chart again")
        now = self.text
        if not self.complete:
            raise unavailable("an incomplete draft", "retry it first")
        if text == now and not self.disputed:
            return None
        known = frozenset(one.entry for one in self._base.texts(self._base.base))
        follows_base = known.issuperset(follows) and follows.issuperset(self.heads)
        if self.disputed or not follows_base or (fresh and known):
            shown = [*self.heads, *(one.head.text.entry for one in self._outer[:VIEWS_MAX])]
            return Start(section=self.section, text=text, replaces=tuple(sorted(set(shown[:REPLACES_MAX]))))
        return self.draft.edit(session, text)


_WORKED_OUT: Final = frozenset(name for name, value in vars(SectionText).items() if isinstance(value, cached_property))
"""What an object works out once, of what it held then."""


def _order(doc: Doc) -> tuple[int, bytes, int]:
    """Starts by Lamport time, then by name; the first Doc of a section before them."""
    return (-1, b"", 0) if doc.start is None else (doc.written[0].lamport, doc.start.entry, doc.start.index)


def _names(replaced: frozenset[EntryHash], doc: Doc) -> bool:
    return any(one.text.entry in replaced for one in doc.written)


def _outer(lineage: Lineage, settled: int, why: Outside) -> Iterator[Outer]:
    """The views of one Doc: what is newest of all that is not settled and can be shown."""
    unsettled = lineage.everything & ~settled & ~lineage.viewless
    for index in members(lineage.newest(unsettled)):
        yield Outer(lineage, index, why)
