"""The verdict on each entry of a content stream, and on each fact in it.

In this order, the first that applies:

1. *void*: by what it says it had seen, its author was no member that reads the compartment, or the patient had
   withdrawn the consent to treatment and its author had not broken the glass, or its author's role does not write this
   kind. What is void of one fact is void of that one alone.
2. *quarantined*: outside a cut of its author's revocation, or of that of whoever certified the author; by an author
   who belonged, or had its role, only by what somebody else said outside such a cut; of a wrong
   Lamport time; of older control heads than its chain named before. *Accepted* all the same once somebody adopts it who
   may write this kind, by what the adoption had seen, and is another user.
3. *flagged*: a change of role, grant or consent that it had not seen would make it void.
4. *accepted*.

Revocation acts by cuts on the whole set of records; the rest by causality, so that nobody's offline work is lost to a
change that nobody could tell them of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sync_protocol.chart_history import ChartHistory
from sync_protocol.control_entry import SealHistory, written
from sync_protocol.entries import Header, VerifiedEntry, next_lamport
from sync_protocol.ids import CertificateHash, EntryHash
from sync_protocol.limits import CONTROL_HEADS_MAX
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import ACCEPTED, Reason, Standing, Verdict

Authors = Callable[[VerifiedEntry], CertificateHash]
"""The principal who wrote an entry."""


Heads = tuple[EntryHash, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One entry, with why it is void, quarantined or flagged as a whole.

    Of its header only what later entries and adoptions ask for: there is one of these for each entry of a stream.
    """

    author: CertificateHash
    lamport: int
    organisation_heads: Heads
    chart_heads: Heads
    void: Reason | None
    quarantined: Reason | None
    flagged: bool


class Judge:
    """Judges the entries of one content stream."""

    def __init__(
        self,
        history: ChartHistory,
        compartment: Compartment,
        placed: Iterable[VerifiedEntry],
        *,
        authors: Authors,
        seals: SealHistory,
        held: Iterable[VerifiedEntry] = (),
    ) -> None:
        """Judge the entries as wholes.

        Args:
            history: of the chart to which the stream belongs.
            compartment: of the stream.
            placed: entries of the stream, parents first; those that lack one are left out.
            authors: who wrote each.
            seals: to find the seal of each.
            held: those that lack a parent, each after those of its parents that are here. They are judged as far as
                that goes: what is not here cannot show that a Lamport time is too late, or heads too old.
        """
        self._history: Final = history
        self._compartment: Final = compartment
        self._authors: Final = authors
        self._seals: Final = seals
        self._entries: dict[EntryHash, _Judged] = {}
        self._same: dict[Heads, Heads] = {}
        for entry in placed:
            self.take(entry)
        for entry in held:
            self.take(entry, held=True)

    def take(self, entry: VerifiedEntry, *, held: bool = False) -> None:
        """Judge one more entry as a whole; it changes nothing for those before it.

        Args:
            entry: after those of its parents that are here.
            held: whether it lacks a parent.
        """
        self._entries[entry.hash] = self._judged(entry, self._authors(entry), whole=not held)

    def verdict(self, entry: EntryHash, kind: str) -> Verdict:
        """What becomes of a fact of this kind, or of a change of text, in an entry.

        Args:
            entry: one of those given.
            kind: the fact's kind, or `roles.TEXT`.
        """
        judged = self._entries[entry]
        organisation = self._history.organisation
        if judged.void is not None:
            return Verdict(Standing.VOID, judged.void)
        heads = judged.organisation_heads
        if not organisation.at(heads).writes(judged.author, kind):
            return Verdict(Standing.VOID, Reason.ROLE)
        quarantined = judged.quarantined
        if quarantined is None and not organisation.under(organisation.now, heads).writes(judged.author, kind):
            quarantined = Reason.GRANT_REVOKED
        if quarantined is not None:
            if self._is_adopted(entry, judged, kind):
                return Verdict(Standing.ACCEPTED, Reason.ADOPTED)
            return Verdict(Standing.QUARANTINED, quarantined)
        if judged.flagged or not organisation.now.writes(judged.author, kind):
            return Verdict(Standing.FLAGGED, Reason.CONCURRENT)
        return ACCEPTED

    def vouched(self, entry: EntryHash, kind: str) -> bool:
        """Whether an adoption of it counts, whatever its verdict: text of a fork is quarantined beside that.

        Args:
            entry: one of those given.
            kind: the fact's kind, or `roles.TEXT`.
        """
        return self._is_adopted(entry, self._entries[entry], kind)

    def _judged(self, entry: VerifiedEntry, author: CertificateHash, *, whole: bool) -> _Judged:
        history, header = self._history, entry.header
        void = None
        if self._compartment not in history.reads(author, header.chart_heads, header.organisation_heads):
            void = Reason.NOT_A_MEMBER
        elif not history.may_treat(author, header.chart_heads, header.organisation_heads):
            void = Reason.CONSENT
        now = self._compartment in history.reads_now(author) and history.may_treat_now(author)
        view, excluded = history.organisation.now, None
        if author in view.revoked:  # otherwise its seal need not be looked up: that is a third of opening a document
            excluded = view.excludes(written(entry, author, self._seals))
        elif void is None and view.revoked and not self._still_read(author, header):
            excluded = Reason.GRANT_REVOKED
        quarantined = excluded or self._disorder(header, whole=whole)
        return _Judged(
            author=author,
            lamport=header.lamport,
            organisation_heads=self._shared(header.organisation_heads),
            chart_heads=self._shared(header.chart_heads),
            void=void,
            quarantined=quarantined,
            flagged=not now,
        )

    def _shared(self, heads: Heads) -> Heads:
        """The same heads as one object: thousands of entries name them."""
        return self._same.setdefault(heads, heads)

    def _still_read(self, author: CertificateHash, header: Header) -> bool:
        """Whether its author belonged, when what was granted outside the cuts known today is left away."""
        reads = self._history.reads_under_now(author, header.chart_heads, header.organisation_heads)
        return self._compartment in reads

    def _disorder(self, header: Header, *, whole: bool) -> Reason | None:
        """What an honest author's chain never shows; of an entry that lacks a parent, what the others show."""
        parents = (self._entries.get(name) for name in header.parents)
        least = next_lamport(parent.lamport for parent in parents if parent is not None)
        if header.lamport < least or (whole and header.lamport != least):
            return Reason.LAMPORT
        before = None if header.prev is None else self._entries.get(header.prev)
        if before is None:
            return None
        organisation = self._history.organisation
        follows = (  # whoever names as many as there may be cannot name all
            len(header.organisation_heads) == CONTROL_HEADS_MAX
            or organisation.follows(header.organisation_heads, before.organisation_heads)
        ) and (
            len(header.chart_heads) == CONTROL_HEADS_MAX
            or self._history.follows(header.chart_heads, before.chart_heads)
        )
        return None if follows else Reason.HEADS

    def _is_adopted(self, name: EntryHash, judged: _Judged, kind: str) -> bool:
        history, membership = self._history, self._history.now
        assert membership is not None, "content is judged in a chart that was created"
        for adoption in membership.adopters.get(name, ()):
            if history.user(adoption.author) == history.user(judged.author):
                continue
            reads = history.reads(adoption.author, adoption.predecessors, adoption.organisation_heads)
            writes = history.organisation.at(adoption.organisation_heads).writes(adoption.author, kind)
            if self._compartment in reads and writes:
                return True
        return False
