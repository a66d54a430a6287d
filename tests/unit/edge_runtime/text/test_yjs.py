"""The same histories end in the same text here, in pycrdt and in Yjs; and hostile updates divide none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from edge_runtime.text.errors import Reason
from tests.conftest import require
from tests.support.yjs import HOW, Yjs, is_there
from tests.unit.edge_runtime.text.yjs_histories import compare
from tests.unit.edge_runtime.text.yjs_mutants import MutantJudge

pytestmark = pytest.mark.campaign

SEED = 20261122
HISTORIES = 1_000
MUTANTS = 20_000


@pytest.fixture(scope="module")
def yjs() -> Iterator[Yjs]:
    """Yjs under node."""
    require(is_there(), "Yjs under node", HOW)
    with Yjs() as running:
        yield running


def agree(yjs: Yjs, numbers: range) -> Counter[bool]:
    """Compare histories; count those in which somebody wrote beside somebody else."""
    found: Counter[bool] = Counter()
    for one in compare(yjs, SEED, numbers):
        assert one.ours == one.theirs, f"history {one.number} of seed {SEED} reads differently"
        followed = [parent for entry in one.entries for parent in entry.parents]
        found[len(followed) != len(set(followed))] += 1
    return found


def test_a_thousand_histories_end_in_the_same_text(yjs: Yjs) -> None:
    """Two to five authors, half of them on Yjs, concurrent edits and deletes in many scripts, any causal order."""
    found = agree(yjs, range(HISTORIES))
    assert sum(found.values()) == HISTORIES
    assert found[True] > HISTORIES // 2, "most histories hold concurrent edits"


@pytest.mark.soak
def test_twenty_thousand_more(yjs: Yjs) -> None:
    """The same for others; run by hand."""
    agree(yjs, range(HISTORIES, HISTORIES + 20_000))


def judged(yjs: Yjs, numbers: range) -> Counter[str]:
    """Judge mutants of real updates."""
    judge = MutantJudge(yjs, SEED)
    return judge.run(numbers)


def test_what_is_accepted_reads_alike_everywhere(yjs: Yjs) -> None:
    """An update that screen and admission let through makes one text in our order, in pycrdt and in Yjs."""
    tally = judged(yjs, range(MUTANTS))
    assert sum(tally.values()) == MUTANTS
    assert tally["applied"] > MUTANTS // 20
    assert set(tally) <= {"applied", *Reason}
    assert {Reason.MALFORMED, Reason.CONTENT, Reason.CLOCK, Reason.REFERENCE, Reason.NEIGHBOURS} <= set(tally)


@pytest.mark.soak
def test_more_mutants_read_alike(yjs: Yjs) -> None:
    """The same for others; run by hand."""
    judged(yjs, range(MUTANTS, MUTANTS + 1_000_000))
