"""Drafts as a person works with them: recorded beside a document, taken over in one change of their own, or dismissed.

Owns the way from a decision to that change. What is taken over, `choosing` says; what it means, the rules of each kind.
Refuses a draft that somebody decided already, one whose source has changed unless the person says that they know, and a
section in which a person must first say what it reads. Nothing is ever half done: a change is written whole or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.ai.drafting import Drafted
from edge_runtime.audit.acts import Auditor
from edge_runtime.audit.showing import noting_refusals
from edge_runtime.charts import Charts
from edge_runtime.clinical.asking import questions
from edge_runtime.clinical.draft_payloads import DraftDecision, DraftPartKind
from edge_runtime.clinical.draft_reading import read_draft
from edge_runtime.clinical.layout import Kind
from edge_runtime.codes import asking as codes
from edge_runtime.drafts.auditing import discarded, entry_of, generated, write_recorded
from edge_runtime.drafts.choosing import Taken, Wish, choose
from edge_runtime.drafts.finding import Found, changed_since, drafts_of, frontier, places_of
from edge_runtime.drafts.making import check_proposal, draft_fact
from edge_runtime.drafts.written import written
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Fact, FactId
from edge_runtime.identity import Clock
from edge_runtime.opened import OpenChart
from edge_runtime.permissions import check_consent
from edge_runtime.recorder.batch import Batch
from sync_protocol.audit import AuditRecord, Purpose
from sync_protocol.encoding import Value
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId, EntryHash
from sync_protocol.roles import Compartment

_WISH: Final = Wish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A draft that was taken over, in whole or in part.

    Attributes:
        entries: what was written.
        decision: the fact that says so.
        taken: what became of each part.
        questions: what to ask the author about the facts that they stated, as when they type them.
    """

    entries: tuple[VerifiedEntry, ...]
    decision: FactId
    taken: Taken
    questions: tuple[str, ...]


class Drafts:
    """The drafts of one device."""

    def __init__(self, charts: Charts, auditor: Auditor, clock: Clock) -> None:
        """Work in `charts`; `auditor` hears of refusals, and `clock` only asks questions about times."""
        self._charts = charts
        self._auditor = auditor
        self._clock = clock

    def frontier(self, opened: OpenChart, documents: Iterable[DocumentId] | None = None) -> tuple[EntryHash, ...]:
        """What a draft that is made from some documents of an opened chart, or from all, has seen: see `record`."""
        return frontier(opened, documents)

    def listed(self, opened: OpenChart, *, decided: bool = False) -> tuple[Found, ...]:
        """The drafts of an opened chart that wait for a decision; with `decided`, all of them."""
        return tuple(one for one in drafts_of(opened) if decided or one.open)

    def changed_since(self, opened: OpenChart, found: Found) -> int:
        """How many entries came to what a draft was made from, after it; 0 for one made from something else."""
        return changed_since(opened, found)

    def record(
        self,
        chart: ChartId,
        document: DocumentId,
        drafted: Drafted,
        *,
        seen: Iterable[EntryHash] = (),
        apart: bool = False,
        purpose: Purpose = Purpose.TREATMENT,
    ) -> FactId:
        """Keep a draft beside a document, and record that it was made, in one change.

        Args:
            chart: where.
            document: where in it; what is accepted goes there.
            drafted: what a skill made.
            seen: the newest entries of the chart that it was made from; none for a transcript or a typed text.
            apart: keep it in the sensitive compartment; what was made from anything there is kept there in any case.
            purpose: for what it was made.

        Returns:
            The draft's fact.

        Raises:
            InputError: it is too large for one entry, or of another form than a draft.
            RefusedError: no such document, this role records no drafts, the patient does not permit it, or a part
                proposes what would end something.
        """
        known = frozenset(seen)
        fact = draft_fact(drafted, known)
        text, made = read_draft(fact), list[FactId]()

        def fill(batch: Batch) -> AuditRecord:
            opened = self._charts.open(chart)
            kept = apart or Compartment.SENSITIVE in places_of(opened, known)
            where = Compartment.SENSITIVE if kept else Compartment.CLINICAL
            self._charts.put(batch, opened, document, [fact], compartment=where)
            made.append(FactId(entry_of(batch), 0))
            return generated(text, made[-1], document=document, compartment=where, purpose=purpose)

        with noting_refusals(self._auditor, chart, purpose=purpose):
            write_recorded(self._charts.recorder, chart, fill)
        self._charts.written(chart)
        return made[-1]

    def accept(
        self,
        chart: ChartId,
        document: DocumentId,
        draft: FactId,
        wish: Wish = _WISH,
        *,
        outdated: bool = False,
        demonstration: bool = False,
    ) -> Accepted:
        """Take over a draft, or parts of it, in one change by this person.

        Text is added to its sections as new lines, each fact is stated as the person's own, and the decision says
        which parts were taken. Parts that are marked unsupported are left out unless the person names them.

        Args:
            chart: where.
            document: where in it.
            draft: which.
            wish: what is wanted of it; by default all that is supported.
            outdated: the person knows that what it was made from has changed since.
            demonstration: the person knows that a toy drafted it, and that this is no patient's chart.

        Raises:
            RefusedError: somebody decided about it; a toy drafted it; what it was made from changed; a section is
                disputed; it is kept apart; this role may not state what it proposes; or as `choosing.choose`.
            InputError: as `choosing.choose`; too long a section; a fact that is not valid.
            DraftUnavailableError: a section cannot be edited now.
        """
        done: list[tuple[Taken, tuple[str, ...]]] = []

        def fill(batch: Batch) -> AuditRecord | None:
            opened = self._charts.open(chart)
            found = self._undecided(opened, document, draft)
            if found.text.demonstration and not demonstration:
                raise _toy()
            if not outdated and (changes := changed_since(opened, found)):
                raise _outdated(opened, found, changes)
            taken = choose(found.text, wish)
            for proposed in taken.facts:  # the draft may come from a device that judged nothing
                check_proposal(proposed)
            self._charts.put_texts(batch, opened, document, written(opened, found, taken, wish))
            where = Compartment.SENSITIVE if found.apart else None
            word = DraftDecision.ACCEPTED_IN_PART if taken.rejected else DraftDecision.ACCEPTED
            decision = _decision(draft, word, taken, reason=wish.reason)
            self._charts.put(batch, opened, document, [*taken.facts, decision], compartment=where)
            done.append((taken, self._questions(opened, document, taken.facts)))
            return self._discarded(found, taken.rejected, word) if taken.rejected else None

        with noting_refusals(self._auditor, chart):
            entries = write_recorded(self._charts.recorder, chart, fill)
        self._charts.written(chart)
        taken, asked = done[-1]
        return Accepted(entries=entries, decision=self._written(chart, document, entries), taken=taken, questions=asked)

    def dismiss(self, chart: ChartId, document: DocumentId, draft: FactId, *, reason: str) -> FactId:
        """Say that nothing of a draft is taken over, and why.

        Returns:
            The decision's fact.

        Raises:
            RefusedError: no such draft, somebody decided about it, or this role may not.
            InputError: no reason, or too long a one.
        """
        if not reason.strip():
            raise InputError("reason", expected="why the draft is dismissed", got="nothing", do="give --reason")

        def fill(batch: Batch) -> AuditRecord:
            opened = self._charts.open(chart)
            found = self._undecided(opened, document, draft)
            names = tuple(part.name for part in found.text.parts if part.kind is not DraftPartKind.ADVICE)
            nothing = Taken(texts={}, facts=(), accepted=(), rejected=names, included=(), edited=())
            decision = _decision(draft, DraftDecision.DISMISSED, nothing, reason=reason)
            where = found.draft.fact.compartment
            self._charts.put(batch, opened, document, [decision], compartment=where)
            every = tuple(part.name for part in found.text.parts)
            return self._discarded(found, every, DraftDecision.DISMISSED)

        with noting_refusals(self._auditor, chart):
            entries = write_recorded(self._charts.recorder, chart, fill)
        self._charts.written(chart)
        return self._written(chart, document, entries)

    def _undecided(self, opened: OpenChart, document: DocumentId, draft: FactId) -> Found:
        """The draft, which waits for a decision."""
        check_consent(opened.chart, opened.lacks)
        opened.found(document)
        found = next((one for one in drafts_of(opened) if (one.document, one.id) == (document, draft)), None)
        if found is None:
            raise RefusedError(
                "no_such_draft",
                expected="a draft of this document that this device reads",
                got="none of that name",
                do=f"list them with 'fieldward draft list {opened.chart.short}'",
            )
        if not found.open:
            raise RefusedError(
                "draft_decided",
                expected="a draft about which nobody decided",
                got=f"one that is {found.draft.status.replace('_', ' ')}",
                do=f"see who decided: fieldward draft show {opened.chart.short} {draft.entry.short}",
            )
        return found

    def _questions(self, opened: OpenChart, document: DocumentId, facts: Sequence[Fact]) -> tuple[str, ...]:
        """What to ask about facts that are stated, each beside those before it."""
        state, now_ms = opened.document(document), self._clock()
        asked: list[str] = []
        for number, fact in enumerate(facts):
            asked += questions(
                fact,
                now_ms=now_ms,
                state=state,
                identity=opened.state.identity,
                chart=opened.state,
                beside=facts[:number],
            )
            asked += codes.questions(fact)
        return tuple(dict.fromkeys(asked))

    def _discarded(self, found: Found, names: Iterable[str], word: DraftDecision) -> AuditRecord:
        chosen = frozenset(names)
        return discarded(
            found.text,
            found.id,
            [part for part in found.text.parts if part.name in chosen],
            decision=word.value,
            document=found.document,
            compartment=found.draft.fact.compartment,
        )

    def _written(self, chart: ChartId, document: DocumentId, entries: Sequence[VerifiedEntry]) -> FactId:
        """The decision among what was just written."""
        names = {entry.hash for entry in entries}
        facts = self._charts.open(chart).found(document).facts
        return next(one.id for one in facts if one.id.entry in names and one.fact.kind == Kind.DRAFT_DECISION)


def _decision(draft: FactId, word: DraftDecision, taken: Taken, *, reason: str | None) -> Fact:
    payload: dict[str, Value] = {"draft": str(draft), "decision": word.value}
    named: Mapping[str, tuple[str, ...]] = {
        "accepted": taken.accepted,
        "rejected": taken.rejected,
        "included": taken.included,
        "edited": taken.edited,
    }
    payload |= {key: list(names) for key, names in named.items() if names}
    if reason is not None and reason.strip():
        payload["reason"] = reason.strip()
    return Fact(kind=Kind.DRAFT_DECISION, payload=payload, supersedes=())


def _outdated(opened: OpenChart, found: Found, changes: int) -> RefusedError:
    return RefusedError(
        "draft_outdated",
        expected="a draft of what the chart says now",
        got=f"one after which {changes} entries came" if changes > 1 else "one after which an entry came",
        do=(
            f"look at both: fieldward draft show {opened.chart.short} {found.id.entry.short}; then draft anew, or "
            "accept it with --outdated"
        ),
    )


def _toy() -> RefusedError:
    return RefusedError(
        "draft_of_the_demonstration",
        expected="a draft by a model that is meant for patients",
        got="one by the demonstration model, which is a toy",
        do="dismiss it; to try acceptance in a made-up chart, give --demonstration",
    )
