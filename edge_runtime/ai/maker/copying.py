"""How truly a model copies: the numbers and drugs of its answers against those of what it was shown.

Owns the measure. It judges no meaning; a model that copies badly is of no use even as a demonstration.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.ai.maker.sample import Sample
from edge_runtime.clinical.fact_json import Json

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was counted.

    Attributes:
        answers: that were looked at.
        exact: that are what was wanted, to the character.
        wanted: numbers that they should hold.
        found: of these, how many they hold.
        held: numbers that they hold.
        invented: of these, how many stand nowhere in what was shown.
    """

    answers: int
    exact: int
    wanted: int
    found: int
    held: int
    invented: int

    @property
    def recall(self) -> float:
        """The share of the wanted numbers that came."""
        return self.found / self.wanted if self.wanted else 1.0

    @property
    def truth(self) -> float:
        """The share of the numbers that came which stand in what was shown."""
        return 1 - self.invented / self.held if self.held else 1.0


def measure(samples: Iterable[Sample], answer: Callable[[Sample], Json]) -> Copied:
    """Ask a model for each sample and count.

    Args:
        samples: that it was not taught.
        answer: what it says to one, as a JSON value.
    """
    answers = exact = wanted = found = held = invented = 0
    for sample in samples:
        said = answer(sample)
        right, given, shown = _numbers(dict(sample.answer)), _numbers(said), set(_numbers(sample.asked))
        answers, exact = answers + 1, exact + (said == sample.answer)
        wanted, found = wanted + right.total(), found + (right & given).total()
        held, invented = held + given.total(), invented + sum(many for one, many in given.items() if one not in shown)
    return Copied(answers=answers, exact=exact, wanted=wanted, found=found, held=held, invented=invented)


def _numbers(value: Json) -> Counter[str]:
    if isinstance(value, str):
        return Counter(_NUMBER.findall(value))
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum((_numbers(item) for item in items), Counter())
