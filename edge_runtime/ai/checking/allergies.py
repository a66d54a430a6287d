"""Whether a source says what a draft states of allergies and of the reactions to them.

Owns that judgement: a substance must stand where the source speaks of reactions. Substances that
are drugs are compared as drugs; others by their words. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.ai.checking.allergy_statements import ALLERGY_STEMS, NO_ALLERGY, THINGS, Stated, stated
from edge_runtime.ai.checking.cues import KIN
from edge_runtime.ai.checking.drugs import Mention, members
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.polarity import DENIED, OPEN
from edge_runtime.ai.checking.statements import Said, Statements
from edge_runtime.ai.checking.words import FILLERS, listed, stem

ANSWER_LINES_MAX: Final = 3
"""Sentences behind a question for allergies, or a heading, that belong to it."""
NEAR_LINES_MAX: Final = 1
"""Sentences around a reaction in which its substance may stand."""
_REACTIONS: Final = frozenset(
    stem(one)
    for one in listed(
        """
    hives rash rashes reaction reactions swelling swells itching itchy anaphylaxis sensitive breakout swell
    swelled sick angioedema wheeze welts urticaria intolerant throat
    """
    )
)
_STRONG: Final = frozenset(
    stem(one) for one in ["hives", "anaphylaxis", "anaphylactic", "angioedema", "urticaria", "reaction"]
)
_REACTING: Final = frozenset(
    {"hives", "rash", "itching", "swelling", "vomiting", "nausea", "wheezing", "shortness breath", "diarrhea", "cough"}
)
_PLAIN: Final = frozenset({"reaction", "reactions", "sick", "throat", "sensitive", "intolerant"})


@dataclass(frozen=True, slots=True)
class Allergies:
    """What a source says of allergies, to be asked.

    Attributes:
        drugs: that stand where it speaks of reactions.
        stems: that stand there.
        words: stems of the whole source.
        matters: symptoms that stand where it speaks of reactions.
        denied_drugs: that it says there is no allergy to.
        speaks: whether it speaks of allergies at all.
        denies: whether it says that there is none, or leaves that open.
        affirms_drug: whether it names a drug as a cause.
    """

    drugs: frozenset[str] = field(repr=False)
    stems: frozenset[str] = field(repr=False)
    words: frozenset[str] = field(repr=False)
    matters: frozenset[str] = field(repr=False)
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
        return bool(one.stems & (self.stems if one.stems & THINGS else self.words))


def reactions(page: Page, own: list[Stated], said: list[Said], known: Allergies) -> Iterator[tuple[int, int]]:
    """The reactions in a draft's statements of allergy that the source has no word of in its own."""
    lines = {page.line_of[one.first] for one in own if not one.denied}
    matter_of = {place: one.matter for one in said for place in range(one.first, one.behind)}
    for number in sorted(lines):
        for place in range(page.lines[number].first, page.lines[number].behind):
            named = page.stems[place] in _REACTIONS or page.texts[place].startswith("anaphyl")
            reacts = named or matter_of.get(place) in _REACTING
            known_word = page.stems[place] in known.stems or page.texts[place] in _PLAIN
            if reacts and not known_word and matter_of.get(place) not in known.matters:
                yield place, place + 1


def allergies(page: Page, drugs: list[Mention], text: Statements) -> Allergies:
    """Lay out what a source says of allergies."""
    signs = text.polarity
    own = stated(page, drugs, signs)
    near = _near(page)
    speaks = any(word.startswith(ALLERGY_STEMS) or word in NO_ALLERGY or word == "reaction" for word in page.texts)
    refused = {key for one in own if one.denied and one.drug is not None for key in one.drug.keys}
    blamed = {
        key for one in drugs if page.line_of[one.first] in near and signs.signs[one.first] != DENIED for key in one.keys
    } | {key for one in own if not one.denied and one.drug is not None for key in one.drug.keys}
    stems = {
        page.stems[place]
        for number in near
        for place in range(page.lines[number].first, page.lines[number].behind)
        if page.texts[place] not in FILLERS
    }
    denials = any(one.denied and one.drug is None for one in own) or any(
        word.startswith(ALLERGY_STEMS) and signs.signs[place] in {DENIED, OPEN} for place, word in enumerate(page.texts)
    )
    strong = {
        page.line_of[place] for place, one in enumerate(page.stems) if one in _STRONG and signs.signs[place] != DENIED
    }
    certain = any(not one.denied and one.drug is not None for one in own) or any(
        page.line_of[one.first] in strong and signs.signs[one.first] != DENIED for one in drugs
    )
    words = frozenset(page.stems)
    denies = denials or not certain
    felt = frozenset(one.matter for one in text.said if page.line_of[one.first] in near)
    return Allergies(frozenset(blamed), frozenset(stems), words, felt, frozenset(refused), speaks, denies, certain)


def _near(page: Page) -> set[int]:
    """The sentences that speak of reactions, with the answers to questions for them and what a heading heads."""
    found: set[int] = set()
    for number, line in enumerate(page.lines):
        words = page.texts[line.first : line.behind]
        allergic = any(word.startswith(ALLERGY_STEMS) for word in words)
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
