"""What a draft denies that its source affirms, and affirms that its source denies.

Owns the comparison, in two ways: matters of the list (symptoms, signs, conditions, habits) wherever they stand, and any
words at all where a sentence of the draft has a close match in the source. What the source leaves open or says both
ways is held against nobody, unless one sentence of it is plainly the one that was turned round. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import log
from typing import Final

from edge_runtime.ai.checking.cues import CLAIMS, CUES, GENERAL, KIN, NEGATORS, VAGUE
from edge_runtime.ai.checking.page import Line, Page
from edge_runtime.ai.checking.polarity import CERTAIN, DENIED, OPEN, SUPPOSED, Polarity
from edge_runtime.ai.checking.statements import Said, Statements
from edge_runtime.ai.checking.words import listed, matters

CLOSE_SHARE: Final = 0.72
"""Share of a draft's sentence, by weight, that a source's sentence must have to be its match."""
TALK_SHARE: Final = 0.85
"""The same where the source is a dialogue, whose long speeches hold many words."""
SAME_SHARE: Final = 0.9
"""The same for a sentence that was copied and changed in a word or two."""
CHANGED_WORDS_MAX: Final = 8
"""Words in which such a sentence may differ."""
RIVAL_SHARE: Final = 0.12
"""How much worse a sentence may match and still speak for the draft."""
POSTINGS_MAX: Final = 200
"""Sentences of a source that one stem may lead to; a stem in more of them says nothing."""
CUE_WORDS_MAX: Final = 12
"""Words from a denial to what it denies that a finding still spans."""
_AFFIRMING: Final = listed(
    """
    has had have reports endorses admits complains positive experiences experiencing reported endorsed is are was
    were does
    """
)


class Contradictions:
    """The places of a draft that turn a source round."""

    def __init__(self, source: Statements) -> None:
        self._source = source
        self._said: defaultdict[tuple[str, bool], set[int]] = defaultdict(set)
        self._mentioned = {one.matter for one in source.said}
        for one in source.said:
            if one.sign != SUPPOSED:
                self._said[one.matter, one.kin].add(one.sign)
        self._lines: defaultdict[str, list[int]] = defaultdict(list)
        self._stems = [_stems(source, place) for place in range(len(source.page.lines))]
        for place, stems in enumerate(self._stems):
            for stem in stems:
                self._lines[stem].append(place)

    def of(self, draft: Statements, skipped: set[int]) -> Iterator[tuple[int, int]]:
        """Each place, as the words from its first to behind its last; sentences that are `skipped` are left out."""
        turned: list[tuple[int, int]] = []
        for one in draft.said:
            number = draft.page.line_of[one.first]
            if number not in skipped and one.sign in CERTAIN and not _asks(draft.page, draft.page.lines[number]):
                signs = self._said.get((one.matter, one.kin), set())
                if signs == {-one.sign} or (not signs and self._invented(draft, one)):
                    turned.append((one.first, one.behind))
        for number, line in enumerate(draft.page.lines):
            if number not in skipped and not _asks(draft.page, line):
                turned += self._turned(draft, number, line)
                turned += self._phrases(draft, line)
        yield from _spans(draft, sorted(turned))

    def _invented(self, draft: Statements, one: Said) -> bool:
        """Whether a draft says outright that the patient has what the source has no word of."""
        if one.kin or one.matter in self._mentioned:
            return False
        stems = {draft.page.stems[place] for place in range(one.first, one.behind)}
        line = draft.page.lines[draft.page.line_of[one.first]]
        if one.sign == DENIED:
            said = stems.isdisjoint(self._lines) if self._source.polarity.talks else stems <= self._lines.keys()
            return not self._source.polarity.talks and not said
        return stems.isdisjoint(self._lines) and not CLAIMS.isdisjoint(draft.page.texts[line.first : one.first])

    def _turned(self, draft: Statements, number: int, line: Line) -> Iterator[tuple[int, int]]:
        """Words of a sentence that its closest match in the source says the other way round."""
        mine = _stems(draft, number)
        scores = self._scores(mine, kin=draft.polarity.others[number])
        best = max(scores.values(), default=0)
        talks = self._source.polarity.talks
        if best < (TALK_SHARE if talks else CLOSE_SHARE) or (talks and len(mine) <= 2):  # noqa: PLR2004 chance matches
            return
        rivals = [place for place, score in scores.items() if score >= best - RIVAL_SHARE]
        closest = [place for place in rivals if scores[place] >= best - 1e-9]
        if len(mine) == 1 and all(len(self._stems[one]) > 3 for one in closest):  # noqa: PLR2004 no match of a sentence
            return
        for stem, signs in mine.items():
            theirs = set().union(*(self._stems[one].get(stem, ()) for one in rivals)) - {SUPPOSED}
            if signs <= CERTAIN and theirs and theirs.isdisjoint({*signs, OPEN}):
                yield from (
                    (place, place + 1)
                    for place in range(line.first, line.behind)
                    if draft.page.stems[place] == stem and draft.page.texts[place] not in CUES
                )
        if best >= SAME_SHARE and not talks:
            yield from self._reworded(draft, line, len(mine), closest)

    def _reworded(self, draft: Statements, line: Line, size: int, closest: list[int]) -> Iterator[tuple[int, int]]:
        """Where a sentence differs from its twin in the source, if one of the two has a denial more."""
        mine = draft.page.texts[line.first : line.behind]
        source = self._source.page
        twins = [
            source.texts[source.lines[one].first : source.lines[one].behind]
            for one in closest
            if abs(len(self._stems[one]) - size) <= 1
        ]
        count = sum(word in NEGATORS for word in mine)
        if not twins or any(sum(word in NEGATORS for word in twin) == count for twin in twins):
            return
        first, last = _difference(mine, twins[0])
        if max(len(mine), len(twins[0])) - first - last <= CHANGED_WORDS_MAX:
            behind = max(line.behind - last, line.first + first + 1)
            yield min(line.first + first, line.behind - 1), min(behind, line.behind)

    def _scores(self, mine: Mapping[str, set[int]], *, kin: bool) -> Mapping[int, float]:
        """How much of a sentence each sentence of the source has that speaks of the same person, as a share."""
        total = sum(self._weight(stem) for stem in mine)
        scores: defaultdict[int, float] = defaultdict(float)
        for stem in mine:
            places = self._lines.get(stem, ())
            if len(places) <= POSTINGS_MAX:
                for place in (one for one in places if self._source.polarity.others[one] == kin):
                    scores[place] += self._weight(stem) / total
        return scores

    def _phrases(self, draft: Statements, line: Line) -> Iterator[tuple[int, int]]:
        """Phrases that every sentence of the source that has all their words says the other way round."""
        for places in _chunks(draft.page, line):
            if self._source.polarity.talks and _begin(draft, places[0]) == places[0]:
                continue
            if self._unasked(draft, places):
                yield places[0], places[-1] + 1
                continue
            stems = {draft.page.stems[place] for place in places}
            signs = {draft.polarity.signs[place] for place in places}
            rarest = min((self._lines.get(stem, []) for stem in stems), key=len)
            if len(stems) < 2 or len(signs) > 1 or not signs <= CERTAIN or not 0 < len(rarest) <= POSTINGS_MAX:  # noqa: PLR2004 more than one
                continue
            kin = draft.polarity.others[draft.page.line_of[places[0]]]
            same = (one for one in rarest if self._source.polarity.others[one] == kin)
            theirs = [self._stems[one] for one in same if stems <= self._stems[one].keys()]
            said = set().union(*(one[stem] for one in theirs for stem in stems)) - {SUPPOSED}
            if said == {-sign for sign in signs}:
                yield places[0], places[-1] + 1

    def _unasked(self, draft: Statements, places: list[int]) -> bool:
        """Whether a draft denies what a note has no word of; talk names things in too many other words to say so."""
        head = places[-1]
        return (
            not self._source.polarity.talks
            and draft.polarity.signs[head] == DENIED
            and draft.polarity.cues[head] >= 0
            and draft.page.texts[head] not in VAGUE
            and draft.page.stems[head] not in self._lines
            and not any(one.first <= head < one.behind for one in draft.said)
        )

    def _weight(self, stem: str) -> float:
        return 1 / (1 + log(1 + len(self._lines.get(stem, ()))))


def _difference(one: list[str], two: list[str]) -> tuple[int, int]:
    """How many words two sentences share at their beginning, and at their end."""
    shorter = min(len(one), len(two))
    first = next((place for place in range(shorter) if one[place] != two[place]), shorter)
    rest = shorter - first
    last = next((place for place in range(rest) if one[-1 - place] != two[-1 - place]), rest)
    return first, last


def _chunks(page: Page, line: Line) -> Iterator[list[int]]:
    """The words that matter of a sentence, apart at commas, cues and "or"."""
    places: list[int] = []
    for place in range(line.first, line.behind):
        word = page.texts[place]
        if word in CUES or word in {"or", "and", "with"} or not word[0].isalnum():
            if places:
                yield places
            places = []
        elif matters(word) and word not in KIN and word not in GENERAL:
            places.append(place)
    if places:
        yield places


def _stems(text: Statements, number: int) -> Mapping[str, set[int]]:
    """The stems of a sentence that say something, with what is said of each."""
    line = text.page.lines[number]
    found: defaultdict[str, set[int]] = defaultdict(set)
    for place in range(line.first, line.behind):
        word = text.page.texts[place]
        if matters(word) and word not in CUES and word not in KIN and word not in GENERAL:
            found[text.page.stems[place]].add(text.polarity.signs[place])
    return found


def _asks(page: Page, line: Line) -> bool:
    return page.texts[line.behind - 1] == "?"


def _spans(draft: Statements, turned: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The places, each with its denial or affirmation, those of one list as one."""
    page, signs = draft.page, draft.polarity
    first = behind = -1
    for one, end in turned:
        begin = _begin(draft, one)
        near = behind >= 0 and page.line_of[one] == page.line_of[first] and begin <= behind + 3
        if near or one < behind:
            behind = max(behind, end)
            continue
        if behind >= 0:
            yield first, behind
        first, behind = max(begin, behind), _behind(signs, one, end)
    if behind >= 0:
        yield first, behind


def _begin(draft: Statements, place: int) -> int:
    """Where the denial of a word stands, or its affirmation right before it."""
    cue = draft.polarity.cues[place]
    if draft.polarity.signs[place] == DENIED:
        if not 0 <= cue < place or place - cue > CUE_WORDS_MAX:
            return place
        return cue + 1 if draft.page.texts[cue] in {":", "-"} else cue
    for before in range(place - 1, max(place - 4, draft.page.lines[draft.page.line_of[place]].first - 1), -1):
        if draft.page.texts[before] in _AFFIRMING:
            return before
    return place


def _behind(signs: Polarity, place: int, end: int) -> int:
    """Behind a word, or behind the denial that follows it: "chest pain: denied"."""
    cue = signs.cues[place]
    return cue + 1 if end <= cue <= end + 3 else end
