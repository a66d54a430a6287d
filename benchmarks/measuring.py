"""How a benchmark measures: steps taken in turns, samples kept by round, a case beside its baseline.

A machine that does other work too is slower by a factor of two from one second to the next. So nothing is compared
across runs: every step takes its turn in every round, in an order that is turned round each time, and a ratio is the
median of the rounds' own ratios.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

Step: TypeAlias = Callable[[], float | Sequence[float]]
"""Does something and returns what it measured, once or several times, so that its preparation does not count."""

TAIL_SAMPLES: Final = 100
"""From so many samples on, a 99th percentile is more than the largest of them."""


class UnavailableError(Exception):
    """This machine lacks what a benchmark needs; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run was asked for.

    Attributes:
        rounds: how often every step takes its turn.
        quick: so little work that only the form of the result means anything.
        scratch: an empty folder on the disk to be measured, removed afterwards.
        build: where fetched data is kept.
        data: the user's own FHIR files or folders instead of the official examples.
        entries: how many to measure with, where a benchmark can say; None for its own number.
    """

    rounds: int
    quick: bool
    scratch: Path
    build: Path
    data: tuple[Path, ...] = ()
    entries: int | None = None

    def size(self, full: int, quick: int) -> int:
        """How much of something to measure."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one quantity, by round."""

    unit: str
    rounds: list[list[float]]

    @property
    def samples(self) -> list[float]:
        """All of them, in order."""
        return [sample for one in self.rounds for sample in one]

    @property
    def median(self) -> float:
        """Of all samples."""
        return statistics.median(self.samples)

    @property
    def p99(self) -> float | None:
        """The 99th percentile by nearest rank; None for too few samples."""
        ordered = sorted(self.samples)
        return ordered[-(-len(ordered) * 99 // 100) - 1] if len(ordered) >= TAIL_SAMPLES else None

    @property
    def medians(self) -> list[float]:
        """The median of each round: how far they lie apart shows the noise."""
        return [statistics.median(one) for one in self.rounds]

    def over(self, other: Series) -> float:
        """The median of the rounds' ratios to another series of the same rounds."""
        return statistics.median(a / b for a, b in zip(self.medians, other.medians, strict=True))

    def map(self, unit: str, change: Callable[[float], float]) -> Series:
        """The same rounds in another unit."""
        return Series(unit, [[change(sample) for sample in one] for one in self.rounds])


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One figure and what it is compared with.

    Attributes:
        name: what was measured.
        series: the figure.
        baseline: what the other series is.
        against: the other series, of the same rounds; None where the figure stands alone.
    """

    name: str
    series: Series
    baseline: str = ""
    against: Series | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a benchmark found.

    Attributes:
        cases: the first one is the headline.
        facts: what was measured on: sizes, counts, names.
        notes: what a reader must know, one line each.
    """

    cases: list[Case]
    facts: dict[str, str | int | float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def interleaved(
    steps: Mapping[str, Step],
    *,
    rounds: int,
    each: int = 1,
    before: Callable[[int], None] = lambda _: None,
) -> dict[str, list[list[float]]]:
    """Take every step in turn.

    Args:
        steps: by name.
        rounds: how many; the order of the steps is turned round from one to the next.
        each: how often every step takes its turn within a round.
        before: prepares a round; told its number.

    Returns:
        By step, the samples of each round.
    """
    found: dict[str, list[list[float]]] = {name: [] for name in steps}
    order = list(steps)
    for number in range(rounds):
        before(number)
        gc.collect()  # nobody pays for the garbage of another
        for name in order:
            found[name].append([])
        for _ in range(each):
            for name in order:
                measured = steps[name]()
                found[name][-1] += measured if isinstance(measured, Sequence) else [measured]
        order.reverse()
    return found


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def milliseconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    return seconds(work) * 1e3
