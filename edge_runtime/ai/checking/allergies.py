"""What a draft says of allergies, and whether its source says so.

Owns the statements: allergic to a substance, an allergy to it, an intolerance, and that there is none. Substances that
are drugs are compared as drugs; others by their words. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.ai.checking.cues import KIN
from edge_runtime.ai.checking.drugs import Mention, members
from edge_runtime.ai.checking.page import Line, Page
from edge_runtime.ai.checking.polarity import DENIED, OPEN, Polarity
from edge_runtime.ai.checking.words import FILLERS, matters, stem

LIST_WORDS_MAX: Final = 24
"""Words behind "allergic to" in which the substances stand."""
ANSWER_LINES_MAX: Final = 3
"""Sentences behind a question for allergies, or a heading, that belong to it."""
NEAR_LINES_MAX: Final = 1
"""Sentences around a reaction in which its substance may stand."""
_STEMS: Final = ("allerg", "intoleran", "anaphyla", "hypersensitiv")
_NONE: Final = frozenset({"nkda", "nka", "nkfa"})
_REACTIONS: Final = frozenset(
    stem(one)
    for one in "hives rash rashes reaction reactions swelling swells itching itchy anaphylaxis sensitive breakout swell "
    "swelled sick angioedema wheeze welts urticaria intolerant throat".split()
)
_THINGS: Final = frozenset(
    stem(one)
    for one in "latex sting stings peanut peanuts nut nuts shellfish shrimp egg eggs milk dairy lactose soy wheat gluten pollen dust "
    "mold grass ragweed cat cats dog dogs bee bees wasp iodine contrast dye adhesive tape nickel fish strawberry "
    "strawberries environmental seasonal food medication medications drug drugs".split()
)
_GENERAL: Final = frozenset("medication medications medicine medicines drug drugs food foods any known anything other".split())  # noqa: SIM905 a table
_DESCRIBES: Final = frozenset(
    "severe mild known unknown new possible seasonal environmental multiple significant chronic food drug medication "
    "medications drugs confirmed suspected denies endorses no other history perennial spring summer fall winter all "
    "update updated review current patient's regarding bad nasal sinus allergic topical skin true".split()
)
"""Words before "allergy" that name no substance."""
_NO_SUBSTANCES: Final = frozenset({"heat", "cold", "exercise", "glucose", "activity", "temperature"})
_ENDS: Final = frozenset(". ; ? ! ( : \u2022 but which with that causing causes cause she he they patient denies denied takes".split())  # noqa: SIM905 a table
_JOINS: Final = frozenset(", and or /".split())  # noqa: SIM905 as above
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
        if word in _NONE:
            found.append(Stated(None, frozenset(), True, place, place + 1))  # noqa: FBT003 the field is named above
        elif word.startswith(_STEMS) and not _asked(page, place):
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
        if thing in _THINGS or (matters(page.texts[before]) and page.texts[before] not in _DESCRIBES):
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


@dataclass(frozen=True, slots=True)
class Allergies:
    """What a source says of allergies, to be asked.

    Attributes:
        drugs: that stand where it speaks of reactions.
        stems: that stand there.
        words: stems of the whole source.
        denied_drugs: that it says there is no allergy to.
        speaks: whether it speaks of allergies at all.
        denies: whether it says that there is none, or leaves that open.
        affirms_drug: whether it names a drug as a cause.
    """

    drugs: frozenset[str] = field(repr=False)
    stems: frozenset[str] = field(repr=False)
    words: frozenset[str] = field(repr=False)
    denied_drugs: frozenset[str] = field(repr=False)
    speaks: bool
    denies: bool
    affirms_drug: bool

    def bears(self, one: Stated) -> bool:
        """Whether the source says what a draft states."""
        if one.drug is None and not one.stems:
            return self.speaks and self.denies and not self.affirms_drug
        if one.drug is not None:
            keys = {*one.drug.keys, *(name for key in one.drug.keys for name in members(key))}
            if one.denied:
                return not keys & self.drugs or bool(keys & self.denied_drugs)
            return bool(keys & self.drugs)
        if one.denied:
            return True
        return bool(one.stems & (self.stems if one.stems & _THINGS else self.words))


def allergies(page: Page, drugs: list[Mention], signs: Polarity) -> Allergies:
    """Lay out what a source says of allergies."""
    own = stated(page, drugs, signs)
    near = _near(page)
    speaks = any(word.startswith(_STEMS) or word in _NONE or word == "reaction" for word in page.texts)
    refused = {key for one in own if one.denied and one.drug is not None for key in one.drug.keys}
    blamed = {
        key
        for one in drugs
        if page.line_of[one.first] in near and signs.signs[one.first] != DENIED
        for key in one.keys
    } | {key for one in own if not one.denied and one.drug is not None for key in one.drug.keys}
    stems = {
        page.stems[place]
        for number in near
        for place in range(page.lines[number].first, page.lines[number].behind)
        if page.texts[place] not in FILLERS
    }
    denials = any(one.denied and one.drug is None for one in own) or any(
        word.startswith(_STEMS) and signs.signs[place] in {DENIED, OPEN} for place, word in enumerate(page.texts)
    )
    certain = any(not one.denied and one.drug is not None for one in own)
    words = frozenset(page.stems)
    denies = denials or not certain
    return Allergies(frozenset(blamed), frozenset(stems), words, frozenset(refused), speaks, denies, certain)


def _near(page: Page) -> set[int]:
    """The sentences that speak of reactions, with the answers to questions for them and what a heading heads."""
    found: set[int] = set()
    for number, line in enumerate(page.lines):
        words = page.texts[line.first : line.behind]
        allergic = any(word.startswith(_STEMS) for word in words)
        reacts = not _REACTIONS.isdisjoint(page.stems[line.first : line.behind])
        if not (allergic or reacts) or not KIN.isdisjoint(words):
            continue
        found.add(number)
        heads = len(words) <= 4 and (words[-1] == ":" or allergic)  # noqa: PLR2004 a heading is short
        if words[-1] == "?" or heads:
            found.update(range(number + 1, min(number + 1 + ANSWER_LINES_MAX, len(page.lines))))
        elif reacts:
            found.update(range(max(number - NEAR_LINES_MAX, 0), number))
    return found
