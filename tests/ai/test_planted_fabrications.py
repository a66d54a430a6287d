"""The unsupported-content check, as docs/ai.md reports it: planted fabrications found, true statements left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.ai.check import Outcome, lines, measure
from benchmarks.ai.scoring import FOUND_MIN, MARKED_MAX
from edge_runtime.ai.checking.check import unsupported
from tests.conftest import require

PLANTS = 200
DIALOGUE_FOUND_MIN = 0.80
"""Against a dialogue the same check has less to hold on to: what nobody denied in full sentences is hard to flip."""
SEEDS = range(2, 12)
DATA = os.environ.get("FIELDWARD_DIALOGUES")


def only(outcomes: tuple[Outcome, ...], corpus: str, against: str) -> Outcome:
    """One row of a measurement."""
    (found,) = [one for one in outcomes if (one.corpus, one.against) == (corpus, against)]
    return found


@pytest.mark.campaign
def test_planted_fabrications_are_found_and_true_statements_left():
    """Of 200 planted in the repository's notes at least 95 % are found; at most 5 % of true statements are marked."""
    outcomes = measure(unsupported, data=None, plants=PLANTS, seed=1)
    note = only(outcomes, "repository", "note")
    assert note.score.planted.total() == PLANTS
    assert note.score.accepted, "\n".join(lines(note))
    dialogue = only(outcomes, "repository", "dialogue")
    assert dialogue.score.found_share >= DIALOGUE_FOUND_MIN, "\n".join(lines(dialogue))
    assert dialogue.references is not None
    assert dialogue.references.marked_share <= MARKED_MAX, "\n".join(lines(dialogue))


@pytest.mark.soak
def test_other_fabrications_are_found_as_well():
    """The result is not one seed's luck: the same shares over two thousand other fabrications."""
    outcomes = [measure(unsupported, data=None, plants=PLANTS, seed=seed) for seed in SEEDS]
    scores = [only(one, "repository", "note").score for one in outcomes]
    assert sum(one.found.total() for one in scores) >= FOUND_MIN * sum(one.planted.total() for one in scores)
    assert sum(one.marked for one in scores) <= MARKED_MAX * sum(one.true for one in scores)


@pytest.mark.soak
def test_planted_fabrications_in_public_notes_are_found():
    """The same over ACI-BENCH and MTS-Dialog, whose folder FIELDWARD_DIALOGUES names."""
    require(DATA, "FIELDWARD_DIALOGUES", "the folder that holds aci-bench and mts-dialog")
    note = only(measure(unsupported, data=Path(str(DATA)), plants=PLANTS, seed=1), "public", "note")
    assert note.score.found_share >= FOUND_MIN, "\n".join(lines(note))
    assert note.score.marked_share <= MARKED_MAX, "\n".join(lines(note))
