"""Whatever three devices say of each other's casualties in whatever order they meet: a log beside them agrees."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from edge_runtime.clinical.layout import Triage
from edge_runtime.incidents.row import Presence
from tests.unit.edge_runtime.clinic import carry

if TYPE_CHECKING:
    from edge_runtime.facts import FactId
    from tests.unit.edge_runtime.incidents.conftest import Pier

ACTS = 40


def expected(said: dict[FactId, tuple[Triage, frozenset[FactId]]]) -> Triage | None:
    """What the log alone says: the most urgent of what nobody who saw it replaced; dead beside alive is red."""
    replaced = frozenset().union(*(saw for _, saw in said.values()))
    left = {to for fact, (to, _) in said.items() if fact not in replaced}
    if Triage.DECEASED in left and len(left) > 1:
        return Triage.IMMEDIATE
    return max(left, key=[*Triage].index, default=None)


@pytest.mark.parametrize("seed", range(4))
def test_nobody_is_lost_or_silently_downgraded(pier: Pier, seed: int):
    """Registered, triaged up and down, and met at random; in the end all show the same, and what the log says."""
    random = Random(seed)
    devices = [pier.kit, pier.one, pier.two]
    log: dict[str, dict[FactId, tuple[Triage, frozenset[FactId]]]] = {}
    for _ in range(ACTS):
        device = random.choice(devices)
        here = [row for row in pier.board(device).rows if row.presence is Presence.HERE]
        kind = random.choice(["add", "triage", "triage", "triage", "meet"])
        if kind == "meet":
            carry(device, random.choice([one for one in devices if one is not device]))
        elif kind == "add" or not here:
            (chart,) = pier.add(device, random.choice([None, *Triage]))
            own = pier.row(device, chart).own
            assert own is not None
            log[chart] = {fact.id: (Triage(str(fact.fact.payload["to"])), frozenset()) for fact in own.heads}
        else:
            row, to = random.choice(here), random.choice([*Triage])
            assert row.own is not None
            saw = frozenset(fact.id for fact in row.own.heads)
            pier.triage(device, row.chart, to, lower=True)
            after = pier.row(device, row.chart).own
            assert after is not None
            (new,) = after.heads
            log[row.chart][new.id] = (to, saw)
    for _ in range(2):
        for source in devices:
            for target in devices:
                if source is not target:
                    carry(source, target)
    board = pier.board(pier.kit)
    assert board == pier.board(pier.one) == pier.board(pier.two)
    assert {row.chart: row.shown for row in board.rows} == {chart: expected(said) for chart, said in log.items()}
    assert all(row.registered and row.presence is Presence.HERE for row in board.rows)
