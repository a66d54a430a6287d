"""Which phrases of a note may name a problem: those of its assessment, without headings, a list's numbers and filler.

Owns the cutting. A note with an assessment is read there alone, because that is where its author decided; any other
text is read from its beginning. What is denied, or said of a relative, is left out. Refuses to judge whether a phrase
names a disease: the index of the code system does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from edge_runtime.ai.skills.headings import Under, headings
from edge_runtime.ai.skills.mentions import Words, read_words, word_set

PHRASES_MAX: Final = 24
"""Of one note; what is beyond is not looked up."""
WORDS_MAX: Final = 7
"""Words of one phrase that are looked up."""
_DECIDED: Final = ("assessment", "assessment_plan")
_LEFT_OUT: Final = frozenset({"family", "plan", "medications", "allergies"})
_CUT: Final = re.compile(r"[,;:/()\n]|[.!?](?:\s|$)|\s[-\u2013\u2014]+\s")
_FILLER: Final = word_set("""
    a an the patient pt presents presenting presented complains complaining reports reported has have had having is are
    was were be been being he she they his her their him them it its this that these those who which with without and or
    but also some most likely probably possible possibly probable suspected suspect rule out r o versus vs query
    consistent concerning concern for given due secondary to of on in at by from since about very quite still now today
    yesterday new known history hx s p status post y o yo year years old male female man woman boy girl days day weeks
    week months month hours hour ago will would start started continue continued follow up plan likely diagnosis
    impression assessment feels feel feeling felt says said tells told describes noted seems appears i you we my your
    me us our yes okay ok so then there here well just like really bit got get gets does do did looks
    above below over under because
    no not never none denies denied without negative evidence free absence nor neither ruled resolved
    """)
"""Words at which a phrase ends: they name no part of a problem in the titles of the index."""
_KEPT_WITHIN: Final = frozenset({"of", "with", "in", "the", "a", "an"})
"""Fillers that may stand inside a phrase of an assessment, as in "fracture of the left radius"."""
_JOINING: Final = "with"
"""Joins two problems for which there may be one code, as in "diabetes with neuropathy"."""
_SIDES: Final = word_set("left right bilateral upper lower acute chronic mild moderate severe")
"""Words that belong to the phrase before them when they stand alone behind a comma."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A few words of a note that may name a problem.

    Attributes:
        words: folded, in order, without what links them.
        start: in the note.
        end: in the note.
        doubted: the note says that it may be so.
        decided: it stands in the note's assessment.
        joint: two problems in one, which are phrases by themselves too: only a title that has both is meant.
    """

    words: tuple[str, ...] = field(repr=False)
    start: int
    end: int
    doubted: bool
    decided: bool
    joint: bool = False


def problem_phrases(text: str) -> tuple[Phrase, ...]:
    """The phrases of a note, in order, each wording once."""
    parts = headings(text)
    decided = [part for part in parts if part.name in _DECIDED]
    read = read_words(text)
    found: dict[tuple[str, ...], Phrase] = {}
    for part in decided or [part for part in parts if part.name not in _LEFT_OUT]:
        for phrase in _phrases(read, part, decided=bool(decided)):
            found.setdefault(phrase.words, phrase)
    return tuple(found.values())[:PHRASES_MAX]


def _phrases(read: Words, part: Under, *, decided: bool) -> Iterator[Phrase]:
    for run in _joined(read, list(_runs(read, part, decided=decided))):
        pieces = list(_pieces(read, run))
        for piece in ([run] if len(pieces) > 1 else []) + pieces:
            mention = read.scoped(None, piece[0], piece[-1])
            said = tuple(read.words[place].text for place in piece if read.words[place].text not in _FILLER)[:WORDS_MAX]
            if mention.stands and any(len(one) > 1 and not one.isdigit() for one in said):
                joint = piece is run and len(pieces) > 1
                yield Phrase(said, mention.start, mention.end, mention.doubted, decided, joint)


def _pieces(read: Words, run: list[int]) -> Iterator[list[int]]:
    """A run, cut where it joins two problems."""
    piece: list[int] = []
    for place in run:
        if read.words[place].text == _JOINING:
            yield from _trimmed(read, piece)
            piece = []
        else:
            piece.append(place)
    yield from _trimmed(read, piece)


def _runs(read: Words, part: Under, *, decided: bool) -> Iterator[list[int]]:
    """Places of words that stand together, with nothing between them that ends a phrase."""
    run: list[int] = []
    places = [place for place, word in enumerate(read.words) if part.start <= word.start and word.end <= part.end]
    for before, place in pairwise([-1, *places]):
        word = read.words[place]
        if run and (before < 0 or _CUT.search(read.text, read.words[before].end, word.start + 1)):
            yield from _trimmed(read, run)
            run = []
        if word.text not in _FILLER or (decided and run and word.text in _KEPT_WITHIN):
            run.append(place)
        elif run:
            yield from _trimmed(read, run)
            run = []
    yield from _trimmed(read, run)


def _trimmed(read: Words, run: list[int]) -> Iterator[list[int]]:
    """A run without the links at its ends, if anything is left."""
    while run and read.words[run[-1]].text in _KEPT_WITHIN:
        run = run[:-1]
    while run and read.words[run[0]].text in _KEPT_WITHIN:
        run = run[1:]
    if run:
        yield run


def _joined(read: Words, runs: list[list[int]]) -> list[list[int]]:
    """Runs of which each that only says a side or a degree belongs to the one before it: "otitis media, left ear"."""
    found: list[list[int]] = []
    for run in runs:
        said = [read.words[place].text for place in run]
        near = found and read.words[run[0]].start - read.words[found[-1][-1]].end <= len(", ")
        if near and said[0] in _SIDES and len(said) <= 2:  # noqa: PLR2004 a side and what it is a side of
            found[-1] += run
        else:
            found.append(run)
    return found
