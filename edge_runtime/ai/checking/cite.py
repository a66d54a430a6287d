"""Where in a source each sentence of a draft comes from.

Owns the alignment. It is deterministic: a sentence is laid beside windows of the source by what both hold (words that
matter, figures, drugs, symptoms by any of their names), rare things counting more; it may rest on several windows. A
citation says where to look and is no proof: `check` says what is not borne out. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import log
from typing import Final

from edge_runtime.ai.checking.findings import Citation
from edge_runtime.ai.checking.page import Page, page
from edge_runtime.ai.checking.things import things_of

WINDOW_WORDS_MAX: Final = 40
"""Words of the source that one citation points to; a longer sentence of it is cut into several windows."""
SPANS_MAX: Final = 4
"""Windows that one sentence of a draft may rest on."""
FIRST_SHARE: Final = 0.3
"""Share of a sentence, by weight, that its best window must have."""
NEXT_SHARE: Final = 0.18
"""Share that each further window must add."""
POSTINGS_MAX: Final = 200
"""Windows that one thing may lead to; what stands in more of them leads nowhere."""


@dataclass(frozen=True, slots=True)
class _Windows:
    """The windows of a source.

    Attributes:
        page: the source.
        spans: of each window, first word and the one behind it.
        things: in each window.
        places: for each thing, its windows.
    """

    page: Page = field(repr=False)
    spans: list[tuple[int, int]] = field(repr=False)
    things: list[set[str]] = field(repr=False)
    places: Mapping[str, list[int]] = field(repr=False)

    def weight(self, thing: str) -> float:
        """How much a thing says; figures, drugs and symptoms twice as much as words."""
        return (2 if ":" in thing else 1) / (1 + log(1 + len(self.places.get(thing, ()))))


def cite(source: str, draft: str) -> tuple[Citation, ...]:
    """Find the places of a source that a draft's sentences rest on.

    Args:
        source: what the draft was made from.
        draft: plain text, or JSON whose strings are the text.

    Returns:
        In the order of the draft's sentences, and for each in the order of the source; none for a sentence that shares
        nothing telling with the source.
    """
    theirs, mine = page(source), page(draft)
    windows = _windows(theirs)
    things = things_of(mine)
    found = []
    for line in mine.lines:
        wanted = set().union(*(things[place] for place in range(line.first, line.behind)))
        start, end = mine.folded.span(line.start, line.end)
        best = sorted(_best(windows, wanted))
        found += [Citation(start, end, *theirs.span(*windows.spans[window])) for window in best]
    return tuple(found)


def _best(windows: _Windows, wanted: set[str]) -> Iterator[int]:
    """The windows that together hold most of what a sentence holds, the best first."""
    total = sum(windows.weight(thing) for thing in wanted)
    left = set(wanted)
    for number in range(SPANS_MAX):
        gains: defaultdict[int, float] = defaultdict(float)
        for thing in sorted(left):
            places = windows.places.get(thing, ())
            if len(places) <= POSTINGS_MAX:
                for place in places:
                    gains[place] += windows.weight(thing)
        best = min(gains, key=lambda place: (-gains[place], place), default=None)
        if best is None or gains[best] < total * (NEXT_SHARE if number else FIRST_SHARE):
            return
        yield best
        left -= windows.things[best]


def _windows(source: Page) -> _Windows:
    things = things_of(source)
    spans: list[tuple[int, int]] = []
    held: list[set[str]] = []
    places: defaultdict[str, list[int]] = defaultdict(list)
    for line in source.lines:
        for first in range(line.first, line.behind, WINDOW_WORDS_MAX):
            behind = min(first + WINDOW_WORDS_MAX, line.behind)
            inside = set().union(*things[first:behind])
            for thing in inside:
                places[thing].append(len(spans))
            spans.append((first, behind))
            held.append(inside)
    return _Windows(source, spans, held, places)
