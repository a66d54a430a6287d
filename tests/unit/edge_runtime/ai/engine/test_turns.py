"""The queue before an engine is fair, bounded, and forgets nobody."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.engine.turns import Turns
from edge_runtime.ai.errors import BudgetError

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])


def test_round_robin_over_keys_and_in_order_within_one() -> None:
    """One who asks for much waits for their own."""
    turns: Turns[str] = Turns()
    for key, item in ((b"a", "a1"), (b"a", "a2"), (b"a", "a3"), (b"b", "b1"), (b"c", "c1"), (b"b", "b2")):
        turns.add(key, item)
    assert len(turns) == 6
    assert [turns.take() for _ in range(7)] == ["a1", "b1", "c1", "a2", "b2", "a3", None]


def test_the_bounds() -> None:
    """The queue is full for all at one length, and for one key at a smaller one; the refusal says how many wait."""
    turns: Turns[int] = Turns(waiting_max=3, per_key_max=2)
    turns.add(b"a", 1)
    turns.add(b"a", 2)
    with pytest.raises(BudgetError, match="2 that wait") as caught:
        turns.add(b"a", 3)
    assert caught.value.code == "queue_full"
    turns.add(b"b", 4)
    with pytest.raises(BudgetError, match="3 that wait"):
        turns.add(b"c", 5)
    assert turns.empty() == [1, 4, 2]
    assert len(turns) == 0


def test_dropping() -> None:
    """What was dropped has no turn; dropping what does not wait is nothing."""
    turns: Turns[int] = Turns()
    turns.add(b"a", 1)
    turns.add(b"b", 2)
    assert turns.drop(b"a", 1)
    assert not turns.drop(b"a", 1)
    assert not turns.drop(b"b", 9)
    assert turns.empty() == [2]


@given(steps=st.lists(st.one_of(KEYS, st.none()), max_size=200))
def test_nobody_starves(steps: list[bytes | None]) -> None:
    """Whoever waits has a turn before any other key has two, whatever comes in meanwhile."""
    turns: Turns[tuple[bytes, int]] = Turns(waiting_max=1_000, per_key_max=1_000)
    waiting: defaultdict[bytes, list[int]] = defaultdict(list)
    since: defaultdict[bytes, dict[bytes, int]] = defaultdict(dict)
    for number, key in enumerate([*steps, *[None] * len(steps)]):
        if key is not None:
            if not waiting[key]:
                since[key] = {}
            turns.add(key, (key, number))
            waiting[key].append(number)
            continue
        taken = turns.take()
        if taken is None:
            assert not any(waiting.values())
            continue
        served, order = taken
        assert waiting[served].pop(0) == order, "first come, first served, within a key"
        since[served] = {}
        for other, line in waiting.items():
            if line and other != served:
                since[other][served] = since[other].get(served, 0) + 1
                assert since[other][served] <= 1, "a key had two turns while another waited"
    assert len(turns) == sum(map(len, waiting.values()))
