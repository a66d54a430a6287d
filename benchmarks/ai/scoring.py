"""How well a check finds planted fabrications, and how often it marks what is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from benchmarks.ai.encounters import Encounter
from benchmarks.ai.fabrications import Pair
from benchmarks.ai.planting import KINDS
from benchmarks.ai.statements import Span, overlaps, statements

FOUND_MIN: Final = 0.95
"""Share of planted fabrications that a check must find."""
MARKED_MAX: Final = 0.05
"""Share of true statements that it may mark."""


class Finding(Protocol):
    """What a check says of a draft; positions in code points, the end exclusive."""

    @property
    def kind(self) -> str:
        """Of what."""

    @property
    def start(self) -> int:
        """Of the words in the draft."""

    @property
    def end(self) -> int:
        """Of the words in the draft."""


Check: TypeAlias = Callable[[str, str], Sequence[Finding]]
"""From source and draft to findings."""


@dataclass(slots=True)
class Score:
    """What came of one set of drafts.

    Attributes:
        planted: fabrications by kind and way.
        found: those that a finding of any kind overlaps.
        right: those that a finding of their own kind overlaps.
        true: statements without a fabrication.
        marked: those of them that a finding overlaps.
        marks: kinds of these findings.
    """

    planted: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    true: int = 0
    marked: int = 0
    marks: Counter[str] = field(default_factory=Counter)

    @property
    def found_share(self) -> float:
        """Of the planted ones; 0 where none was planted."""
        return self.found.total() / self.planted.total() if self.planted else 0.0

    @property
    def marked_share(self) -> float:
        """Of the true statements; 0 where there are none."""
        return self.marked / self.true if self.true else 0.0

    @property
    def accepted(self) -> bool:
        """Whether both shares are what is asked of the check."""
        return self.found_share >= FOUND_MIN and self.marked_share <= MARKED_MAX

    def by_kind(self, counted: Mapping[tuple[str, str], int]) -> dict[str, int]:
        """A count by kind alone."""
        return {kind: sum(count for (one, _), count in counted.items() if one == kind) for kind in KINDS}


def score(pairs: Iterable[Pair], check: Check) -> Score:
    """Run a check over drafts whose fabrications are known."""
    total = Score()
    for pair in pairs:
        findings = check(pair.source, pair.draft)
        for plant in pair.plants:
            over = {one.kind for one in findings if overlaps((one.start, one.end), (plant.start, plant.end))}
            total.planted[plant.kind, plant.way] += 1
            total.found[plant.kind, plant.way] += bool(over)
            total.right[plant.kind, plant.way] += plant.kind in over
        _mark(total, pair.true, findings)
    return total


def score_references(encounters: Iterable[Encounter], check: Check) -> Score:
    """Run a check over reference notes as they are, each against its dialogue."""
    total = Score()
    for encounter in encounters:
        _mark(total, statements(encounter.reference), check(encounter.source, encounter.reference))
    return total


def _mark(total: Score, true: Iterable[Span], findings: Sequence[Finding]) -> None:
    for statement in true:
        over = [one.kind for one in findings if overlaps((one.start, one.end), statement)]
        total.true += 1
        total.marked += bool(over)
        total.marks.update(str(kind) for kind in set(over))
