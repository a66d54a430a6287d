"""Targets of text: updates through screen and admission, and what is let through in the engine.

Owns honest histories as pasts. What is let through must read alike in our order and in pycrdt; the comparison with Yjs
is in `tests/unit/edge_runtime/text/test_yjs.py`.
"""

from __future__ import annotations

import random
from typing import Final

from edge_runtime.text.errors import UpdateRefusedError
from edge_runtime.text.replica import InProcessReplica
from edge_runtime.text.screen import screen
from tests.fuzz.target import ACCEPTED, Target
from tests.unit.edge_runtime.text.mutants import cases, mutant
from tests.unit.edge_runtime.text.yjs_mutants import Place

_SEED: Final = 20261122
_PLACE_BYTES: Final = 2


def updates() -> Target:
    """An update after an honest past; the first two bytes choose which."""
    found = cases(_SEED)
    places = [Place(case) for case in found]
    seeds = [number.to_bytes(_PLACE_BYTES, "big") + case.entry.update for number, case in enumerate(found)]

    def make(rng: random.Random) -> bytes:
        number = rng.randrange(len(found))
        return number.to_bytes(_PLACE_BYTES, "big") + mutant(rng, found, found[number].entry.update)

    def run(data: bytes) -> str:
        place = places[int.from_bytes(data[:_PLACE_BYTES], "big") % len(places)]
        update = data[_PLACE_BYTES:]
        admitted = place.judge(update)
        replica = InProcessReplica()
        for each in (*place.updates, update):
            replica.apply(each)
        assert replica.text() == place.text(admitted), "pycrdt and our order read the same"
        return ACCEPTED

    return Target(seeds=seeds, decode=run, refusals=(UpdateRefusedError,), prefix=_PLACE_BYTES, make=make)


def screened() -> Target:
    """The screen alone, which reads whatever comes."""
    found = cases(_SEED)
    seeds = [case.entry.update for case in found]

    def run(data: bytes) -> str:
        screen(data)
        return ACCEPTED

    def make(rng: random.Random) -> bytes:
        return mutant(rng, found, rng.choice(seeds))

    return Target(seeds=seeds, decode=run, refusals=(UpdateRefusedError,), make=make)
