"""Decisions of reviews: what was shown is remembered, so that nobody decides about statements that they never saw.

Owns that memory and the order of work: found by the beginning of its id, compared with what was shown here, decided by
a role that may, recorded whole. Which facts say it, `clinical.deciding` says. The memory holds hashes alone, over the
entries of the statements: nobody guesses what a chart says by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.charts import Charts
from edge_runtime.clinical.deciding import decision_of, kept_of
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.reviews import Review
from edge_runtime.errors import RefusedError
from edge_runtime.facts import FactId, PlacedFact
from edge_runtime.opened import OpenChart
from edge_runtime.permissions import check_writable
from edge_runtime.recorder.naming import one_named
from sync_protocol.ids import Hash
from sync_protocol.limits import HASH_BYTES
from sync_protocol.roles import Compartment

SHOWN: Final = "review/shown"
"""Value of the store: what was shown, 32 bytes each, oldest first."""
SHOWN_MAX: Final = 2048
"""States of reviews that are remembered; one that was shown earlier is to be shown again before it is decided."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A review that was decided.

    Attributes:
        review: as it was before.
        decision: the fact that decides it.
        kept: the fact that states again what stands; None where nothing is stated again.
    """

    review: Review
    decision: FactId
    kept: FactId | None


def state_of(review: Review) -> Hash:
    """Names a review with the statements that it holds and the decisions about them: new evidence makes it another."""
    named = sorted(map(str, (*(value.fact for value in review.values), *review.decisions)))
    return Hash.of(review.id + "".join(named).encode())


def review_named(opened: OpenChart, text: str) -> Review:
    """The review of a chart whose id begins with `text`.

    Raises:
        RefusedError: none, or several.
    """
    known = {review.id: review for review in opened.state.reviews}
    name = one_named(text, known, "review", "list them with 'fieldward review list --all'")
    return known[name]


class Decisions:
    """What one device decides."""

    def __init__(self, charts: Charts) -> None:
        """Decide in these charts."""
        self._charts = charts

    def note_shown(self, reviews: Iterable[Review]) -> None:
        """Remember reviews that are about to be shown.

        Raises:
            StoreError: they cannot be remembered.
        """
        before = self._shown()
        new = dict.fromkeys(map(state_of, reviews))
        if not new.keys() <= set(before):
            kept = [one for one in before if one not in new]
            with self._charts.store.writing() as writer:
                writer.put_value(SHOWN, b"".join([*kept, *new][-SHOWN_MAX:]))

    def decide(
        self,
        opened: OpenChart,
        review: Review,
        *,
        decision: str,
        reason: str,
        keep: str | None = None,
        again: bool = False,
    ) -> Decided:
        """Decide a review, and state again what stands if that is wanted: in one change, whole or not at all.

        Args:
            opened: the chart, as it is now.
            review: of it.
            decision: in a few words.
            reason: why.
            keep: the statement that stands in place of all, by its id or by what it says; None to state nothing.
            again: whether a decision that stands is to be replaced.

        Raises:
            RefusedError: this device's role may not decide; the review was not shown here as it is now; it is decided
                already; or nothing can be kept so.
            InputError: the decision or its reason is too long, or `keep` names no statement of it.
        """
        check_writable(Kind.REVIEW_DECISION, self._charts.writable)
        self._check_shown(opened, review)
        if not review.open and not again:
            raise RefusedError(
                "review_decided",
                expected="an open review",
                got=f"review {review.id.short}, decided by {len(review.decisions)}",
                do="give --again to put your decision in the place of the one that stands",
            )
        facts = [decision_of(review, decision=decision, reason=reason)]
        if keep is not None:
            found = opened.found(review.document)
            state = opened.authored(review.document)
            facts.append(kept_of(review, state, found.facts, keep, reason=reason))
        places = _places(opened, review)
        where: Compartment | None = max(places, default=Compartment.CLINICAL)
        if keep is not None and places != {Compartment.SENSITIVE}:
            where = None  # what is stated again stands where its kind belongs, unless all of it was kept apart
        entries = self._charts.add_facts(opened.chart, review.document, facts, compartment=where)
        names = self._written(opened, review, [entry.hash for entry in entries])
        decided = next(fact.id for fact in names if fact.fact.kind == Kind.REVIEW_DECISION)
        return Decided(review, decided, next((fact.id for fact in names if fact.id != decided), None))

    def _check_shown(self, opened: OpenChart, review: Review) -> None:
        if state_of(review) in self._shown():
            return
        raise RefusedError(
            "review_not_shown",
            expected="a review as it was last shown on this device",
            got=f"review {review.id.short}, which holds {len(review.values)} statements that were not shown together",
            do=f"look at it: fieldward review show {opened.chart.short} {review.id.short}",
        )

    def _shown(self) -> list[Hash]:
        data = self._charts.store.get_value(SHOWN) or b""
        return [Hash(data[at : at + HASH_BYTES]) for at in range(0, len(data), HASH_BYTES)]

    def _written(self, opened: OpenChart, review: Review, entries: Sequence[Hash]) -> list[PlacedFact]:
        found = self._charts.open(opened.chart).found(review.document)
        return [fact for fact in found.facts if fact.id.entry in entries]


def _places(opened: OpenChart, review: Review) -> frozenset[Compartment]:
    """The compartments of what a review holds, in whichever document it stands."""
    names = {value.fact for value in review.values}
    facts = (fact for document in opened.documents.values() for fact in document.facts)
    return frozenset(fact.compartment for fact in facts if fact.id in names)
