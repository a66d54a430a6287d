"""Whether a figure stands in a source beside the same things as in a draft.

Owns the question of a right figure at the wrong thing where no name of a measurement tells: "return in four weeks" is
not borne out by a cast that stays for four weeks. Only a note is asked so strictly: in talk a figure is often the bare
answer to what another speaker named. Pure.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

from edge_runtime.ai.checking.evidence import Evidence
from edge_runtime.ai.checking.figures import Figure, Form
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.things import FIGURE, things_of
from edge_runtime.ai.checking.units import UNITS
from edge_runtime.ai.checking.words import stem

SEEN_MAX: Final = 64
"""Places of one value in a source that are looked at."""
DRAFT_WORDS_MAX: Final = 7
"""Words around a figure of a draft that say what it is about."""
SOURCE_WORDS_MAX: Final = 10
"""The same in a source, where more is let count."""
HEADING_WORDS_MAX: Final = 6
"""Words of a heading, which tells what the sentence below it is about."""
_UNITS: Final = frozenset(stem(word) for name in UNITS for word in name) | {"ago", "time", "old", "ag", "label:age"}


class Contexts:
    """What stands around the figures of two texts."""

    def __init__(self, source: Page, draft: Page) -> None:
        self._source, self._draft = source, draft

    @cached_property
    def _theirs(self) -> list[set[str]]:
        return things_of(self._source)

    @cached_property
    def _mine(self) -> list[set[str]]:
        return things_of(self._draft)

    def moved(self, figure: Figure, numbers: Evidence) -> bool:
        """Whether every place of a draft's plain figure in the source is about something else altogether."""
        if figure.form is not Form.PLAIN:
            return False
        places = [place for value in figure.readings for place in numbers.places(value, figure.unit)]
        if not places or len(places) > SEEN_MAX:
            return False
        mine = _around(self._draft, self._mine, (figure.first, figure.behind), DRAFT_WORDS_MAX)
        return bool(mine) and all(self._apart(mine, place) for place in places)

    def _apart(self, mine: set[str], place: int) -> bool:
        theirs = _around(self._source, self._theirs, (place, place), SOURCE_WORDS_MAX)
        number = self._source.line_of[place]
        heading = self._source.lines[number - 1] if number else None
        if heading is not None and heading.behind - heading.first <= HEADING_WORDS_MAX:
            theirs |= _around(self._source, self._theirs, (heading.first, heading.first), HEADING_WORDS_MAX)
        return bool(theirs) and mine.isdisjoint(theirs)


def _around(page: Page, things: list[set[str]], figure: tuple[int, int], far: int) -> set[str]:
    """What stands near a figure in its sentence, less other figures and units."""
    first, behind = figure
    line = page.lines[page.line_of[first]]
    near = things[max(line.first, first - far) : first] + things[behind : min(line.behind, behind + far)]
    return {thing for one in near for thing in one if thing not in _UNITS and not thing.startswith(FIGURE)}
