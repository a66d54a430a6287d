"""Whether a figure stands in a source beside the same things as in a draft.

Owns the question of a right figure at the wrong thing where no name of a measurement tells: "return in four weeks" is
not borne out by a cast that stays for four weeks. Only a note is asked so strictly: in talk a figure is often the bare
answer to what another speaker named. Pure.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.ai.checking.evidence import Evidence
from edge_runtime.ai.checking.figures import Figure, Form
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.things import FIGURE, things_of
from edge_runtime.ai.checking.units import UNITS
from edge_runtime.ai.checking.words import stem

SEEN_MAX: Final = 64
"""Places of one value in a source that are looked at."""
_UNITS: Final = frozenset(stem(word) for name in UNITS for word in name) | {"ago", "time", "old", "ag", "label:age"}


class Contexts:
    """The sentences of two texts, as sets of what they hold."""

    def __init__(self, source: Page, draft: Page) -> None:
        self._source, self._draft = source, draft
        self._theirs, self._mine = _lines(source), _lines(draft)

    def moved(self, figure: Figure, numbers: Evidence) -> bool:
        """Whether every place of a draft's plain figure in the source is about something else altogether."""
        if figure.form is not Form.PLAIN:
            return False
        mine = self._mine[self._draft.line_of[figure.first]]
        places = [place for value in figure.readings for place in numbers.places(value, figure.unit)]
        if not mine or not places or len(places) > SEEN_MAX:
            return False
        return all(self._apart(mine, self._source.line_of[place]) for place in places)

    def _apart(self, mine: frozenset[str], number: int) -> bool:
        theirs = self._theirs[number]
        return bool(theirs) and mine.isdisjoint(theirs) and (number == 0 or mine.isdisjoint(self._theirs[number - 1]))


def _lines(page: Page) -> list[frozenset[str]]:
    things = things_of(page)
    return [
        frozenset(
            thing
            for place in range(line.first, line.behind)
            for thing in things[place]
            if thing not in _UNITS and not thing.startswith(FIGURE)
        )
        for line in page.lines
    ]
