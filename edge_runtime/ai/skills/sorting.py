"""A transcript or note sorted into subjective, objective, assessment and plan by rules, where no model is at hand.

Owns the rules: headings first, then who speaks, then the words that a plan, a measurement or a judgement is spoken
with, then the order in which a note is dictated. It changes no word: a statement is a sentence of the source, or a
question with its short answer. What a clinician says in a dialogue that no rule knows is left out and counted.

Source: the SOAP order after Weed LL, Medical records that guide and teach, N Engl J Med 1968; 278:593-600.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from edge_runtime.ai.checking.sentences import sentences
from edge_runtime.ai.skills.headings import Under, headings
from edge_runtime.ai.skills.sorting_words import DOSED, JUDGED, ORDERS, PLANS, SIGNS, TAKEN, TOLD, VITALS
from edge_runtime.ai.skills.speakers import Speaker, turns
from edge_runtime.clinical.layout import Section

_HEADED: Final[Mapping[str, Section]] = MappingProxyType(
    {
        "complaint": Section.SUBJECTIVE,
        "subjective": Section.SUBJECTIVE,
        "history": Section.SUBJECTIVE,
        "family": Section.SUBJECTIVE,
        "allergies": Section.SUBJECTIVE,
        "medications": Section.SUBJECTIVE,
        "objective": Section.OBJECTIVE,
        "assessment": Section.ASSESSMENT,
        "plan": Section.PLAN,
    }
)
_AFTER: Final[Mapping[Section, Section]] = MappingProxyType(
    {
        Section.SUBJECTIVE: Section.SUBJECTIVE,
        Section.OBJECTIVE: Section.OBJECTIVE,
        Section.ASSESSMENT: Section.PLAN,
        Section.PLAN: Section.PLAN,
    }
)
"""Where a sentence belongs that no rule knows, by the one before it: after a judgement comes what is done about it."""
_NO_HEADING: Final = Under("", 0, 0)
ANSWER_WORDS_MAX: Final = 4
"""Words of an answer that says little without its question."""
_UNPLACED_WORDS_MAX: Final = 3
"""A clinician's sentence of so few words is "Good." or "I see."."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a source, or a question with its answer.

    Attributes:
        section: where it belongs.
        spans: its places in the source.
    """

    section: Section
    spans: tuple[tuple[int, int], ...]

    def words(self, source: str) -> str:
        """The statement in the source's own words, with its lines joined."""
        return " ".join(" ".join(source[start:end].split()) for start, end in self.spans)


@dataclass(frozen=True, slots=True)
class Sorted:
    """A source, sorted.

    Attributes:
        statements: in the order of the source.
        unplaced: sentences that no rule knows.
    """

    statements: tuple[Statement, ...] = field(repr=False)
    unplaced: int

    def of(self, section: Section) -> tuple[Statement, ...]:
        """Those of one section."""
        return tuple(one for one in self.statements if one.section is section)


def sort(text: str) -> Sorted:
    """Sort the sentences of a transcript or note."""
    statements: list[Statement] = []
    unplaced = 0
    for spans, section in _placed(text):
        if section is None:
            unplaced += 1
        else:
            statements.append(Statement(section, spans))
    return Sorted(tuple(statements), unplaced)


class _Before(NamedTuple):
    """What stands before a sentence: turn, section and end of the last one that was placed."""

    turn: int
    section: Section
    end: int


def _placed(text: str) -> Iterator[tuple[tuple[tuple[int, int], ...], Section | None]]:
    said, under = turns(text), headings(text) or (_NO_HEADING,)
    opened = [part.start for part in under]
    before: _Before | None = None
    question: tuple[int, int] | None = None
    for begin, end in sentences(text):
        number, speaker = said.at(begin)
        heading = under[max(bisect_left(opened, end) - 1, 0)]
        start = min(max(begin, said.begins[number], heading.start), end)
        words = " ".join(text[start:end].lower().split())
        if not words:
            continue
        if speaker is Speaker.CLINICIAN and words.endswith("?"):
            question = (start, end)
            continue
        asked, question = question, None
        section = _HEADED.get(heading.name)
        if section is None and speaker is Speaker.TELLER:
            section = Section.SUBJECTIVE
        elif section is None and speaker is Speaker.CLINICIAN:
            section = _by_words(words) or _within_turn(words, before, number)
        elif section is None:
            section = _dictated(words, before, fresh=before is not None and "\n" in text[before.end : start])
        if section is not None:
            before = _Before(number, section, end)
        short = speaker is Speaker.TELLER and len(words.split()) <= ANSWER_WORDS_MAX
        yield ((start, end),) if asked is None or not short else (asked, (start, end)), section


def _by_words(words: str) -> Section | None:
    if ORDERS.search(words) or PLANS.search(words):
        return Section.PLAN
    if TOLD.search(words):
        return Section.SUBJECTIVE
    if DOSED.search(words) and not TAKEN.search(words):
        return Section.PLAN
    if VITALS.search(words):
        return Section.OBJECTIVE
    if JUDGED.search(words):
        return Section.ASSESSMENT
    return Section.OBJECTIVE if SIGNS.search(words) else None


def _within_turn(words: str, before: _Before | None, turn: int) -> Section | None:
    """Of what a clinician says in a dialogue and no word tells: as what they said just before."""
    if before is None or before.turn != turn or len(words.split()) <= _UNPLACED_WORDS_MAX:
        return None
    return _AFTER[before.section]


def _dictated(words: str, before: _Before | None, *, fresh: bool) -> Section:
    """Of a dictation: it begins with the story, goes forward, and names what it is at the head of a paragraph.

    Args:
        words: of the sentence.
        before: None for the first.
        fresh: the sentence begins a paragraph.
    """
    if before is None:
        return Section.SUBJECTIVE
    section = _by_words(words)
    late = before.section in {Section.ASSESSMENT, Section.PLAN}
    if section is Section.OBJECTIVE and late and not VITALS.search(words):
        section = None
    if section is None and fresh and before.section is Section.OBJECTIVE:
        return Section.ASSESSMENT
    return section or _AFTER[before.section]
