"""Which entries of one Doc are in its base, and which of the others are views.

Owns the sets that verdicts make of the causal graph; an entry is in the base when it and its whole past in the Doc
count. Nothing is ever left out of a past: text that was typed in sight of something is placed by it, and reads as
something else without it ("5000" left out under an honest correction to "250 mg" once read "500250 mg"). Hence also:

- A void entry is in no base, and has no view of its own. What was typed after it is shown as its author saw it.
- Branches of a fork that would meet in the base are outside, with all that follows them.
- What follows both branches of a fork was read by nobody, and has no view; what precedes it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from edge_runtime.text.draft import Effect, TextDraft, client_id
from edge_runtime.text.history import History, TextEntry, members
from edge_runtime.text.replica import IdleReplica, InProcessReplica, MakeReplica
from edge_runtime.text.sides import Side
from sync_protocol.ids import EntryHash, SessionId
from sync_protocol.verdicts import Reason, Standing, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry of a Doc, with what is known of it beyond its text.

    Attributes:
        text: the entry.
        lamport: its logical time.
        wall_ms: its author's clock in milliseconds since 1970; display only.
        epoch: the epoch that it is sealed under.
        verdict: what becomes of it.
    """

    text: TextEntry
    lamport: int
    wall_ms: int
    epoch: EntryHash | None
    verdict: Verdict


class Lineage:
    """The entries of one Doc as sets; entries are named by their place in `written`, as `History` does."""

    def __init__(
        self,
        doc_id: bytes,
        written: Sequence[Written],
        *,
        shown: bool,
        make_replica: MakeReplica = InProcessReplica,
    ) -> None:
        """Sort out what is written.

        Args:
            doc_id: names the Doc.
            written: each entry after its parents.
            shown: whether the base will be read; the text of a Doc that was replaced is not put together.
            make_replica: where the base is shown.
        """
        self.doc_id = doc_id
        self.written = list(written)
        self._make_replica = make_replica
        self._draft: TextDraft | None = None
        if shown and all(one.verdict.counts for one in written):
            self._draft = _drafted(self._empty(), (one.text for one in written))
        self.history = _placed(doc_id, written) if self._draft is None else self._draft.history
        self._set_apart()

    @property
    def everything(self) -> int:
        """All entries."""
        return self.history.everything

    @property
    def counts_whole(self) -> bool:
        """Whether everything is in the base, and is shown."""
        return self._draft is not None and self.everything != 0 and self.base == self.everything

    def grow(self, more: Iterable[Written]) -> bool:
        """Take in what comes after everything, where all of it counts; False where that makes a fork known.

        Then nothing here holds any more, and the Doc is to be put together anew.
        """
        assert self.counts_whole, "asked where it is so"
        draft = self.base_draft
        for one in more:
            self.written.append(one)
            draft.apply(one.text)
        self.base = self.everything
        return not draft.forked

    @cached_property
    def base_draft(self) -> TextDraft:
        """The replay of the base."""
        if self._draft is not None and self.base == self.everything:
            return self._draft
        return _drafted(self._empty(), self.texts(self.base))

    def texts(self, some: int) -> Iterator[TextEntry]:
        """Some entries, in causal order."""
        return (self.written[index].text for index in members(some))

    def past(self, index: int) -> int:
        """An entry and all that precedes it."""
        return self.history.past(index) | 1 << index

    def before(self, named: Iterable[EntryHash]) -> int:
        """The entries of this Doc among those named, and all that precede them."""
        found = 0
        for name in named:
            index = self.history.index(name)
            found |= 0 if index is None else self.past(index)
        return found

    def newest(self, some: int) -> int:
        """Those of some entries that none of the others follows."""
        followed = 0
        for index in members(some):
            followed |= self.history.past(index)
        return some & ~followed

    def read_by(self, index: int) -> str:
        """The text that the author of an entry had before them, with what the entry changed."""
        past = self.past(index)
        if past & self.history.forked:
            alone = _drafted(TextDraft(self.doc_id, make_replica=IdleReplica), self.texts(past))
            return alone.text_of(alone.history.everything)
        return self._wide.text_of(past)

    def sides(self, refused: frozenset[EntryHash]) -> Iterator[Side]:
        """The newest authors of the base, as sets of its draft; the refused vouch for nothing."""
        history = self.base_draft.history
        wrote = sum(1 << index for index in members(history.everything) if history[index].entry not in refused)
        followed = 0
        for index in members(wrote):
            followed |= history.past(index)
        for index in members(wrote & ~followed):
            yield Side(history[index], history.past(index) | 1 << index)

    def reasons(self, some: int) -> tuple[Reason, ...]:
        """Why some entries are outside, each reason once, in the order of `Reason`."""
        own = {self.written[index].verdict.reason for index in members(some & self.unaccepted)}
        if some & self.rivals:
            own.add(Reason.FORKED)
        return tuple(reason for reason in Reason if reason in own)

    def sessions(self, some: int, *, refused: frozenset[EntryHash] = frozenset()) -> tuple[SessionId, ...]:
        """Who wrote some entries but for those `refused`, by Lamport time, each once."""
        written = (self.written[index] for index in members(some))
        order = sorted(written, key=lambda one: (one.lamport, one.text.entry))
        return tuple(dict.fromkeys(one.text.session for one in order if one.text.entry not in refused))

    def refused(self, some: int) -> Iterator[EntryHash]:
        """Those of some entries whose updates no author can have typed."""
        for part, inside in ((some & self.base, True), (some & ~self.base, False)):
            for entry in self.texts(part):
                uptake = (self.base_draft if inside else self._wide).uptake(entry.entry)
                if uptake is not None and uptake.effect is Effect.REFUSED:
                    yield entry.entry

    @cached_property
    def _wide(self) -> TextDraft:
        """All entries that no fork touches, judged and ordered; from it the text of any past is read."""
        if self._draft is not None:
            return self._draft
        return _drafted(TextDraft(self.doc_id, make_replica=IdleReplica), self.texts(self.everything))

    def _empty(self) -> TextDraft:
        return TextDraft(self.doc_id, make_replica=self._make_replica)

    def _set_apart(self) -> None:
        history, unaccepted, void = self.history, 0, 0
        for index, one in enumerate(self.written):
            if not one.verdict.counts:
                unaccepted |= 1 << index
                void |= 1 << index if one.verdict.standing is Standing.VOID else 0
        inside = self.everything & ~self._followed(unaccepted)
        self.unaccepted = unaccepted
        """Entries that do not count by themselves."""
        self.rivals = history.rivals(inside)
        """Branches that would have met in the base."""
        self.base = inside & ~self._followed(self.rivals)
        """Entries that count with their whole past."""
        self.contested = history.contested()
        """Entries that follow both branches of a fork."""
        self.viewless = void | self.contested
        """Entries that have no view of their own."""

    def _followed(self, some: int) -> int:
        """Some entries, and all that follow one of them."""
        found = some
        for index in members(self.everything) if some else ():
            if self.history.past(index) & some:
                found |= 1 << index
        return found


def _placed(doc_id: bytes, written: Iterable[Written]) -> History:
    history = History()
    for one in written:
        history.place(one.text, client_id(one.text.session, doc_id))
    return history


def _drafted(draft: TextDraft, entries: Iterable[TextEntry]) -> TextDraft:
    for entry in entries:
        draft.apply(entry)
    return draft
