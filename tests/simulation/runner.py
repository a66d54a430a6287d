"""Runs worlds, one a seed, in as many processes as wanted, and says what came of them.

Owns the promise that a failure replays: a run's worlds depend on nothing but the seed, the number of steps and the
planted bug. Python's own hash seed is part of that, so the command line fixes it (see `__main__`).
"""

from __future__ import annotations

import gc
import json
import logging
import multiprocessing
import os
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.simulation.acts import ACTS
from tests.simulation.attaching import ATTACHING
from tests.simulation.checkers import check_all
from tests.simulation.faults import FAULTS
from tests.simulation.healing import heal
from tests.simulation.hostile import HOSTILE
from tests.simulation.plants import PLANTS
from tests.simulation.relay import migrated
from tests.simulation.stand_ins import installed
from tests.simulation.template import Template, make_template
from tests.simulation.theft import THEFT
from tests.simulation.world import World

STEPS: Final = 500
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 a folder in memory, where there is one


@dataclass(slots=True)
class Outcome:
    """What came of one seed.

    Attributes:
        digest: of everything that happened: the same seed gives the same, byte for byte.
        failures: pairs of checker and detail.
    """

    seed: int
    steps: int
    digest: str
    faults: dict[str, int]
    happened: dict[str, int]
    failures: list[tuple[str, str]]
    entries: int
    frames: int
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run.

    Attributes:
        first, count: the seeds.
        plant: the planted bug, by name; None for the program as it is.
        until_s: no further seed begins after so many seconds; None for no limit.
        stop: whether the first failure ends the run.
    """

    first: int
    count: int
    steps: int = STEPS
    plant: str | None = None
    jobs: int = 1
    until_s: float | None = None
    stop: bool = False
    keep_trace: bool = False


def run(order: Order, progress: Callable[[Outcome], None] = lambda _: None) -> list[Outcome]:
    """Run seeds, and give what came of them, in order of seed."""
    ends = None if order.until_s is None else time.monotonic() + order.until_s
    seeds = list(range(order.first, order.first + order.count))
    found: list[Outcome] = []
    with ExitStack() as stack:
        if order.jobs <= 1 or order.count == 1:
            stack.enter_context(_workshop(order.plant))
            outcomes: Iterator[Outcome] = (_apart(seed, order) for seed in _while(seeds, ends))
        else:
            pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(order.jobs, _begin, (order.plant,)))
            outcomes = pool.imap_unordered(_OneOf(order), _while(seeds, ends))
        for outcome in outcomes:
            found.append(outcome)
            progress(outcome)
            if order.stop and outcome.failures:
                break
            if ends is not None and time.monotonic() > ends:
                break
    return sorted(found, key=lambda outcome: outcome.seed)


def replay(order: Order, seed: int) -> str:
    """The command that replays one seed."""
    planted = "" if order.plant is None else f" --plant {order.plant}"
    return f"python -m tests.simulation run --seeds 1 --first {seed} --steps {order.steps}{planted} --json"


def report(order: Order, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The stable form: seeds, steps, faults by kind, failures with the command that replays each."""
    faults: Counter[str] = Counter()
    happened: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.faults)
        happened.update(outcome.happened)
    return {
        "seeds": len(outcomes),
        "first": order.first,
        "steps": order.steps,
        "plant": order.plant,
        "entries": sum(outcome.entries for outcome in outcomes),
        "frames": sum(outcome.frames for outcome in outcomes),
        "faults": dict(sorted(faults.items())),
        "happened": dict(sorted(happened.items())),
        "failures": [
            {"seed": outcome.seed, "checker": checker, "replay": replay(order, outcome.seed), "detail": detail}
            for outcome in outcomes
            for checker, detail in first_of_each(outcome.failures)
        ],
        "traces": {str(outcome.seed): outcome.digest for outcome in outcomes},
    }


def first_of_each(failures: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """One detail a checker."""
    found: dict[str, str] = {}
    for checker, detail in failures:
        found.setdefault(checker, detail)
    return list(found.items())


def _while(seeds: Sequence[int], ends: float | None) -> Iterator[int]:
    """Seeds, as long as there is time."""
    for seed in seeds:
        if ends is not None and time.monotonic() > ends:
            return
        yield seed


_HERE: list[tuple[Template, Path]] = []


@contextmanager
def _workshop(plant: str | None) -> Iterator[None]:
    """What every world of a process shares: stand-ins, the planted bug, the template."""
    logging.getLogger("fieldward").setLevel(logging.CRITICAL)
    place = str(_MEMORY) if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fieldward-simulation-", dir=place)))
        stack.enter_context(installed())
        template = make_template(folder / "template")
        if plant is not None:
            stack.enter_context(PLANTS[plant].planted())
        stack.enter_context(migrated())
        _HERE.append((template, folder))
        # A world's millions of objects live as long as it does: to look through them costs time and frees nothing.
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
            gc.unfreeze()
            _HERE.pop()


def _begin(plant: str | None) -> None:
    """Open the workshop of a pool's process; it ends with the process."""
    stack = ExitStack()
    stack.enter_context(_workshop(plant))
    _KEPT.append(stack)


_KEPT: list[ExitStack] = []


@dataclass(frozen=True, slots=True)
class _OneOf:
    """Runs one seed of an order in a pool's process."""

    order: Order

    def __call__(self, seed: int) -> Outcome:
        return _apart(seed, self.order)


def _apart(seed: int, order: Order) -> Outcome:
    """Run one world in a copy of this process, where there can be one: what it leaves in memory ends with it."""
    if not hasattr(os, "fork"):
        outcome = _one(seed, order)
        gc.collect()
        return outcome
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading, "rb") as told:
            data = told.read()
        os.waitpid(child, 0)
        assert data, f"the process of seed {seed} tells how it ended"
        fields = json.loads(data)
        fields["failures"] = [(checker, detail) for checker, detail in fields["failures"]]
        return Outcome(**fields)
    try:
        with os.fdopen(writing, "w") as tell:
            json.dump(asdict(_one(seed, order)), tell)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _one(seed: int, order: Order) -> Outcome:
    """Run one world from its beginning to its checks."""
    template, folder = _HERE[-1]
    random.seed(seed)  # nobody should ask it; whoever does gets the same each time
    world = World(template, folder / f"seed-{seed}", seed, keep_trace=order.keep_trace)
    try:
        world.acts, world.thieving = [*ACTS, *ATTACHING, *FAULTS, *THEFT], list(HOSTILE)
        books = world.oracle
        try:
            world.run(order.steps)
            if not books.failures:
                heal(world)
            if not books.failures:
                check_all(world)
        except Exception:  # whatever ends one world is told of it, and the others go on
            books.fail("no_bug", f"the world ends:\n{traceback.format_exc(limit=-14)}")
        return Outcome(
            seed=seed,
            steps=order.steps,
            digest=world.trace.hexdigest(),
            faults=dict(books.faults),
            happened=dict(books.happened),
            failures=[(one.checker, one.detail) for one in books.failures],
            entries=len(books.entries),
            frames=books.frames,
            lines=world.lines or [],
        )
    finally:
        world.close()
