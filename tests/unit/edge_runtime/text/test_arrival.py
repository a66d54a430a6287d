"""Uptakes and text do not depend on what arrives when."""

from __future__ import annotations

import random

from hypothesis import given, settings

from edge_runtime.text.draft import TextDraft
from tests.unit.edge_runtime.text.drafts import APPLIED, FORKED, HELD
from tests.unit.edge_runtime.text.histories import DOC, seeds, shuffled, write_history
from tests.unit.edge_runtime.text.simulation import Simulation


@given(seeds)
def test_honest_entries_are_applied_in_any_order_of_arrival(seed: int) -> None:
    """What pycrdt's own authors type in any causal order is applied, and every delivery reads the same."""
    rng = random.Random(seed)
    written = write_history(rng, authors=rng.randint(1, 4), entries=rng.randint(1, 20))
    texts = set()
    for _ in range(3):
        draft = TextDraft(DOC)
        for each in shuffled(rng, written.entries):
            assert draft.apply(each) in (APPLIED, HELD)
        assert {draft.uptake(each.entry) for each in written.entries} <= {APPLIED}
        texts.add(draft.text())
        assert draft.complete
        assert not draft.forked
    assert len(texts) == 1


@given(seeds)
@settings(max_examples=150)
def test_uptakes_depend_on_entry_and_causal_past_alone(seed: int) -> None:
    """Every order of arrival gives the same uptakes and text, whatever an attacker among the authors sends.

    An entry alone with its causal past is judged as among all others.
    """
    simulation = Simulation(seed)
    entries = simulation.run(14)
    rng = random.Random(seed)
    outcomes = []
    for arrival in (entries, shuffled(rng, entries), shuffled(rng, entries)):
        draft = TextDraft(DOC)
        for each in arrival:
            draft.apply(each)
        outcomes.append((draft.text(), [draft.uptake(each.entry) for each in entries]))
        assert draft.complete
    assert outcomes[0] == outcomes[1] == outcomes[2]
    by_hash = {each.entry: each for each in entries}
    for each, among_all in zip(entries, outcomes[0][1], strict=True):
        alone, past = TextDraft(DOC), {each.entry}
        todo = [each]
        while todo:
            todo = [by_hash[parent] for one in todo for parent in one.parents if parent not in past]
            past |= {one.entry for one in todo}
        for one in entries:
            if one.entry in past:
                alone.apply(one)
        assert among_all == FORKED or alone.uptake(each.entry) == among_all
