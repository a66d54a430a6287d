"""The text that the demonstration model learns from: samples of every skill, drawn from a seed.

Owns the shares of the skills. The same seed gives the same samples; a seed that was not trained on gives samples that
measure what was learnt.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.maker import chosen, phrases, summaries
from edge_runtime.ai.maker.sample import Sample

MAKERS: Final[Mapping[str, Callable[[random.Random], Sample]]] = MappingProxyType(
    {
        "soap": summaries.soap,
        "handover": summaries.handover,
        "instructions": summaries.instructions,
        "documentation": summaries.documentation,
        "differential": summaries.differential,
        "codes": chosen.codes,
        "protocol": chosen.protocol,
        "risk": chosen.risk,
        "quality": chosen.quality,
        "translate": phrases.translate,
    }
)
TEXT_CHARS_MAX: Final = 400
"""Of one text of an answer: what the skills' forms allow the demonstration model."""
ITEM_CHARS_MAX: Final = 80
"""Of a text in a list, likewise."""
TOLD_CHARS_MAX: Final = 240
"""Of an explanation, likewise."""
_SHARES: Final = (68, 7, 6, 3, 3, 3, 2, 2, 2, 4)
"""In a hundred, in the order of MAKERS."""


def samples(seed: int) -> Iterator[Sample]:
    """Samples without end."""
    draw = random.Random(seed)  # noqa: S311 made-up text, no secret
    names = tuple(MAKERS)
    while True:
        yield _fitting(MAKERS[draw.choices(names, weights=_SHARES)[0]], draw)


def samples_of(skill: str, seed: int) -> Iterator[Sample]:
    """Samples of one skill, without end."""
    draw = random.Random(seed)  # noqa: S311 made-up text, no secret
    while True:
        yield _fitting(MAKERS[skill], draw)


def _fitting(make: Callable[[random.Random], Sample], draw: random.Random) -> Sample:
    """One that the skill's form can hold; what is too long is drawn again."""
    while True:
        sample = make(draw)
        most = TOLD_CHARS_MAX if "explanation" in sample.answer else TEXT_CHARS_MAX
        texts = [text for text in sample.answer.values() if isinstance(text, str)]
        if all(len(text) <= most for text in texts) and all(len(text) <= ITEM_CHARS_MAX for text in _items(sample)):
            return sample


def _items(sample: Sample) -> Iterator[str]:
    """The texts of an answer's lists."""
    for items in sample.answer.values():
        for item in items if isinstance(items, list) else ():
            yield from map(str, item.values() if isinstance(item, dict) else (item,))
