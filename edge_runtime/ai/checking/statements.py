"""What a text says of each matter that has a name: affirmed, denied, left open or supposed; of the patient or of kin.

Owns the recognition of symptoms, signs, conditions and habits by any of their names. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from edge_runtime.ai.checking.matters import AFFIXED, KEPT, matters_by_stems
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.polarity import Polarity, polarity
from edge_runtime.ai.checking.words import FILLERS


@dataclass(frozen=True, slots=True)
class Said:
    """A matter that a text mentions.

    Attributes:
        matter: which.
        sign: AFFIRMED, DENIED or OPEN.
        kin: whether of the patient's family.
        first: place of its first word.
        behind: place of the word behind it.
    """

    matter: str
    sign: int
    kin: bool
    first: int
    behind: int


@dataclass(frozen=True, slots=True)
class Statements:
    """What a text says of matters and words.

    Attributes:
        page: the text.
        polarity: of its words.
        said: matters, in order.
    """

    page: Page = field(repr=False)
    polarity: Polarity = field(repr=False)
    said: list[Said] = field(repr=False)


def statements(page: Page) -> Statements:
    """Lay out what a text affirms and denies."""
    signs = polarity(page)
    return Statements(page, signs, [one for place in range(len(page.lines)) for one in _said(page, place, signs)])


def _said(page: Page, number: int, signs: Polarity) -> Iterator[Said]:
    """The matters of a sentence, the longest names first."""
    names, longest = matters_by_stems()
    line = page.lines[number]
    kin = signs.others[number]
    places = [
        place
        for place in range(line.first, line.behind)
        if (page.texts[place] not in FILLERS or page.texts[place] in KEPT)
        and page.texts[place] not in {"'", '"', "-", "[", "]"}
    ]
    at = 0
    while at < len(places):
        place = places[at]
        affixed = AFFIXED.get(page.texts[place])
        if affixed is not None:
            yield Said(affixed, -signs.signs[place], kin, place, place + 1)
        for length in range(min(longest.get(page.stems[place], 0), len(places) - at), 0, -1):
            matter = names.get(tuple(page.stems[one] for one in places[at : at + length]))
            if matter is not None:
                last = places[at + length - 1]
                yield Said(matter, signs.signs[last], kin, place, last + 1)
                at += length - 1
                break
        at += 1
