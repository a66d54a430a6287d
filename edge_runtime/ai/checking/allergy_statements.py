"""What a text states of allergies: to which substance, or that there is none.

Owns the forms of such statements: allergic to, an allergy or an intolerance, lists behind a heading, NKDA. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge_runtime.ai.checking.drugs import Mention
from edge_runtime.ai.checking.page import Line, Page
from edge_runtime.ai.checking.polarity import DENIED, Polarity
from edge_runtime.ai.checking.words import listed, matters, stem

LIST_WORDS_MAX: Final = 24
"""Words behind "allergic to" in which the substances stand."""
ALLERGY_STEMS: Final = ("allerg", "intoleran", "anaphyla", "hypersensitiv")
NO_ALLERGY: Final = frozenset({"nkda", "nka", "nkfa"})
"""Abbreviations that say that there is none."""
THINGS: Final = frozenset(
    stem(one)
    for one in listed(
        """
    latex sting stings peanut peanuts nut nuts shellfish shrimp egg eggs milk dairy lactose soy wheat gluten
    pollen dust mold grass ragweed cat cats dog dogs bee bees wasp iodine contrast dye adhesive tape nickel fish
    strawberry strawberries environmental seasonal food medication medications drug drugs
    """
    )
)
_GENERAL: Final = listed(
    """
    medication medications medicine medicines drug drugs food foods any known anything other
    """
)
_DESCRIBES: Final = listed(
    """
    severe mild known unknown new possible seasonal environmental multiple significant chronic food drug
    medication medications drugs confirmed suspected denies endorses no other history perennial spring summer fall
    winter all update updated review current patient's regarding bad nasal sinus allergic topical skin true
    """
)
"""Words before "allergy" that name no substance."""
_NO_SUBSTANCES: Final = frozenset({"heat", "cold", "exercise", "glucose", "activity", "temperature"})
_NOTHING: Final = frozenset({"none", "no", "nil", "denies", "denied", "negative", "nothing", *NO_ALLERGY})
_ENDS: Final = listed(
    """
    . ; ? ! ( : \u2022 but which with that causing causes cause she he they patient denies denied takes
    """
)
_JOINS: Final = listed(
    """
    , and or /
    """
)
_LEADS: Final = frozenset({"to", "of", ":", "-", "include", "includes", "including", "are"})


@dataclass(frozen=True, slots=True)
class Stated:
    """An allergy that a text states.

    Attributes:
        drug: the substance, where it is one.
        stems: its words, where it is none; empty where the text says that there is no allergy.
        denied: whether the text says that there is none.
        first: place of the statement's first word.
        behind: place of the word behind it.
    """

    drug: Mention | None
    stems: frozenset[str]
    denied: bool
    first: int
    behind: int


def stated(page: Page, drugs: list[Mention], signs: Polarity) -> list[Stated]:
    """The allergies that a text states, in order."""
    by_place = {one.first: one for one in drugs}
    ending = {one.behind: one for one in drugs}
    found: list[Stated] = []
    for place, word in enumerate(page.texts):
        if word in NO_ALLERGY:
            found.append(Stated(None, frozenset(), True, place, place + 1))  # noqa: FBT003 the field is named above
        elif word.startswith(ALLERGY_STEMS) and not _asked(page, place):
            found += _around(page, place, by_place, ending, signs)
    return found


def _asked(page: Page, place: int) -> bool:
    return page.texts[page.lines[page.line_of[place]].behind - 1] == "?"


def _around(
    page: Page, place: int, by_place: dict[int, Mention], ending: dict[int, Mention], signs: Polarity
) -> Iterator[Stated]:
    """The statements around a word of allergy."""
    line = page.lines[page.line_of[place]]
    if page.texts[place - 1 : place] and page.texts[place - 1] in _NO_SUBSTANCES:
        return
    denied = signs.signs[place] == DENIED
    listed = list(_listed(page, place, line, by_place))
    if listed:
        named = [one for one in listed if one.drug is not None or not one.stems <= _GENERAL_STEMS]
        if named and not (denied and len(named) < len(listed)):
            yield from (
                Stated(one.drug, one.stems, denied, place if number == 0 else one.first, one.behind)
                for number, one in enumerate(named)
            )
            return
    before = place - 1 if place > line.first else place
    if not denied and before < place:
        drug = ending.get(place)
        thing = page.stems[before]
        if drug is not None:
            yield Stated(drug, frozenset(), denied, drug.first, place + 1)
            return
        if thing in THINGS or (matters(page.texts[before]) and page.texts[before] not in _DESCRIBES):
            yield Stated(None, frozenset({thing}), denied, before, place + 1)
            return
    if not page.texts[place].startswith("allerg"):
        return
    if denied or page.texts[place + 1 : place + 3] in ([":", "none"], [":", "no"], [":", "denies"], [":", "nil"]):
        first = signs.cues[place] if 0 <= signs.cues[place] < place else place
        yield Stated(None, frozenset(), True, first, place + (1 if denied else 3))  # noqa: FBT003 the field is named above


_GENERAL_STEMS: Final = frozenset(stem(one) for one in _GENERAL)


def _listed(page: Page, place: int, line: Line, by_place: dict[int, Mention]) -> Iterator[Stated]:
    """The substances behind "allergic to", "allergies:" and the like."""
    at = place + 1
    if at >= line.behind or page.texts[at] not in _LEADS:
        return
    at += 1
    end = min(line.behind, at + LIST_WORDS_MAX)
    if at < end and page.texts[at] in _NOTHING:
        return
    while at < end and page.texts[at] not in _ENDS:
        drug = by_place.get(at)
        if drug is not None:
            yield Stated(drug, frozenset(), False, at, drug.behind)  # noqa: FBT003 the field is named above
            at = drug.behind
            continue
        first = at
        while at < end and page.texts[at] not in _JOINS and page.texts[at] not in _ENDS and at not in by_place:
            at += 1
        stems = frozenset(page.stems[one] for one in range(first, at) if matters(page.texts[one]))
        if stems and at - first <= 4:  # noqa: PLR2004 a substance has few words
            yield Stated(None, stems, False, first, at)  # noqa: FBT003 as above
        at += at < end and page.texts[at] in _JOINS
