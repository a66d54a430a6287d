"""Mutants of real updates through screen and admission, and what is let through also through pycrdt and Yjs.

Owns the comparison of the four: our order, pycrdt, Yjs, and the honest text before. A refused mutant must leave all as
it was, which is so because nothing else ever sees it; hence only what was let through goes to the engines.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from edge_runtime.text.changes import Admitted
from edge_runtime.text.draft import Effect, TextDraft
from edge_runtime.text.errors import UpdateRefusedError
from edge_runtime.text.order import ItemOrder
from edge_runtime.text.replica import IdleReplica, InProcessReplica
from tests.support.yjs import Yjs
from tests.unit.edge_runtime.text.histories import DOC
from tests.unit.edge_runtime.text.mutants import Case, cases, mutant

BATCH = 400


class Place:
    """One honest entry's place in its history: the draft of its past, against which a mutant of it is judged."""

    def __init__(self, case: Case) -> None:
        """Take in the past."""
        self.updates = [entry.update for entry in case.past]
        self.original = case.entry.update
        self._session = case.entry.session
        self._draft = TextDraft(DOC, make_replica=IdleReplica)
        for entry in case.past:
            assert self._draft.apply(entry).effect is Effect.APPLIED, "the past is honest"

    def judge(self, update: bytes) -> Admitted:
        """Screen and admit an update after the past.

        Raises:
            UpdateRefusedError: it breaks a rule.
        """
        return self._draft._judge(self._session, update, self._draft.history.everything)

    def text(self, admitted: Admitted) -> str:
        """The text of the past and one more update, by our own order."""
        order = ItemOrder()
        for _, each in self._draft._admitted:
            order.integrate(each)
        order.integrate(admitted)
        return order.text()


@dataclass(frozen=True, slots=True)
class _Accepted:
    number: int
    updates: list[bytes]
    ours: str


class MutantJudge:
    """Judges mutants of one seed's histories."""

    def __init__(self, yjs: Yjs, seed: int) -> None:
        """Write the histories."""
        self._yjs = yjs
        self._seed = seed
        self._cases = cases(seed)
        self._places: dict[int, Place] = {}
        self._waiting: list[_Accepted] = []

    def run(self, numbers: Iterable[int]) -> Counter[str]:
        """Judge mutants by number; count what became of them."""
        tally: Counter[str] = Counter()
        for number in numbers:
            tally[self._judge(number)] += 1
            if len(self._waiting) >= BATCH:
                self._compare()
        self._compare()
        return tally

    def _judge(self, number: int) -> str:
        rng = random.Random(f"{self._seed} {number}")
        place = self._place(rng.randrange(len(self._cases)))
        update = mutant(rng, self._cases, place.original)
        try:
            admitted = place.judge(update)
        except UpdateRefusedError as refusal:
            return refusal.reason
        self._waiting.append(_Accepted(number, [*place.updates, update], place.text(admitted)))
        return "applied"

    def _place(self, index: int) -> Place:
        if index not in self._places:
            self._places[index] = Place(self._cases[index])
        return self._places[index]

    def _compare(self) -> None:
        theirs = self._yjs.texts([one.updates for one in self._waiting])
        for one, text in zip(self._waiting, theirs, strict=True):
            where = f"mutant {one.number} of seed {self._seed}: {one.updates[-1].hex()}"
            replica = InProcessReplica()
            for update in one.updates:
                replica.apply(update)
            assert replica.text() == one.ours, f"pycrdt reads another text, {where}"
            assert text == one.ours, f"Yjs reads another text, {where}"
        self._waiting.clear()
