"""What each word of a text is said to be: affirmed, denied, left open or supposed; and of whom.

Owns the reach of denials, the answers that questions get in a dialogue, and what is only supposed ("return if fever").
Pure.

Source: Chapman et al. 2001 (NegEx) and Harkema et al. 2009 (ConText) for the idea of cues that reach to a boundary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from edge_runtime.ai.checking.cues import (
    ASKS,
    CUES,
    HEADS,
    IFS,
    KIN,
    LIST_WORDS_MAX,
    NO,
    QUESTION_WORDS_MAX,
    REACH_WORDS_MAX,
    SPEAKERS,
    YES,
    Cue,
)
from edge_runtime.ai.checking.page import Line, Page
from edge_runtime.ai.checking.words import listed, matters

AFFIRMED: Final = 1
DENIED: Final = -1
OPEN: Final = 0
SUPPOSED: Final = 2
CERTAIN: Final = frozenset({AFFIRMED, DENIED})
"""What a text says for sure."""
QUESTIONS_MAX: Final = 4
"""Lines from a question to its answer."""
TURNS_MIN: Final = 2
"""Speeches that make a dialogue."""
TALK_LINES: Final = 64
"""Sentences in which a dialogue shows itself as one."""
ANSWER_WORDS_MAX: Final = 8
"""Words at the beginning of an answer in which its yes or no stands."""
_STATES: Final = listed(
    """
    is are was were : clear normal regular soft supple intact has had no non with flat
    """
)
_STOPS: Final = frozenset({";", ".", "?", "!", "(", ")", "\u2022"})
_OPENERS: Final = listed(
    """
    um uh well oh so actually like okay ok i mean you know hmm honestly just , - . ...
    """
)
_NOT_ME: Final = listed(
    """
    n't not don't haven't didn't never doesn't hasn't isn't can't
    """
)
_ME: Final = listed(
    """
    do have am did has does is was would get got feel had
    """
)


@dataclass(frozen=True, slots=True)
class Polarity:
    """What is said of each word.

    Attributes:
        signs: AFFIRMED, DENIED, OPEN or SUPPOSED, by the place of the word.
        cues: the place of the cue that denies a word; -1 where none does.
        others: whether a sentence speaks of kin, by the place of the sentence.
        talks: whether the text is a dialogue.
    """

    signs: list[int] = field(repr=False)
    cues: list[int] = field(repr=False)
    others: list[bool] = field(repr=False)
    talks: bool


def polarity(page: Page) -> Polarity:
    """Work out what is said of each word of a text."""
    talks = sum(_speaks(page, line) is not None for line in page.lines[:TALK_LINES]) >= TURNS_MIN
    found = Polarity([AFFIRMED] * len(page.texts), [-1] * len(page.texts), [], talks)
    for line in page.lines:
        _read(page, line, found)
        inside = page.texts[line.first : line.behind]
        found.others.append(not KIN.isdisjoint(inside))
        _suppose(page, line, found)
    for place, line in enumerate(page.lines):
        if page.texts[line.behind - 1] == "?":
            _answered(page, place, line.first, found)
        elif talks:
            begins = _asks_from(page, line)
            if begins is not None:
                _answered(page, place, begins, found)
    return found


def _asks_from(page: Page, line: Line) -> int | None:
    """Where a question begins that no sign ends, in the last words of a speech."""
    speaks = _speaks(page, line)
    first = speaks if speaks is not None else line.first
    if first < line.behind and page.texts[first] == "any":
        return first
    for place in range(max(first, line.behind - QUESTION_WORDS_MAX), line.behind - 1):
        if f"{page.texts[place]}-{page.texts[place + 1]}" in ASKS:
            return place
    return None


def _cue(page: Page, place: int, end: int) -> tuple[Cue, int] | None:
    """The longest cue that begins at a word, and how many words it has."""
    for words, cue in CUES.get(page.texts[place], ()):
        if place + len(words) <= end and tuple(page.texts[place : place + len(words)]) == words:
            return cue, len(words)
    return None


def _read(page: Page, line: Line, found: Polarity) -> None:
    """Follow the cues through a sentence."""
    place, clause = line.first, line.first
    reach, began, listed, said = line.first, -1, False, False
    while place < line.behind:
        word = page.texts[place]
        cue, length = _cue(page, place, line.behind) or (None, 1)
        if word == "non":
            reach, began, listed, said = place + 3, place, False, False  # the hyphen and the word behind it
        behind = place + length
        cue = _in_place(cue, word, closes=_closes(page, behind, line))
        if cue is Cue.DENIES_BEFORE:
            _deny(found, clause, place, place)
        elif cue in {Cue.DENIES_LIST, Cue.DENIES_NEXT}:
            listed, said, began = cue is Cue.DENIES_LIST, False, place
            reach = behind + (LIST_WORDS_MAX if listed else REACH_WORDS_MAX)
        elif cue in {Cue.AFFIRMS, Cue.ENDS}:
            if place < reach and (not said or _goes_through(page, place)):
                _deny(found, place, behind, began)
                said = said or (cue is Cue.ENDS and matters(word))
            else:
                reach, clause = place, (place if cue is Cue.ENDS else clause)
        elif word in _STOPS or (cue is None and word == "," and _leaves(page, place, line, listed=listed)):
            reach, clause = place, behind
        elif cue is None and place < reach:
            _deny(found, place, behind, began)
            said = said or matters(word)
            reach = behind + REACH_WORDS_MAX if word == "," and not listed else reach
        place = behind


def _in_place(cue: Cue | None, word: str, *, closes: bool) -> Cue | None:
    """What a cue does where it stands: one that looks back denies what follows where its clause goes on."""
    if cue is not Cue.DENIES_BEFORE or closes:
        return cue
    if word == "negative":
        return Cue.DENIES_NEXT
    return Cue.DENIES_LIST if word in {"no", "none", "denied", "absent", ":", "-", "not"} else None


def _goes_through(page: Page, place: int) -> bool:
    """Whether a verb or pronoun belongs to what is denied: "not noted to have", "when she urinates"."""
    before, following = page.texts[place - 1 : place], page.texts[place + 1 : place + 2]
    if before in (["to"], ["when"], ["that"], ["as"], ["whether"]) or following in (["any"], ["a"]):
        return True
    return place > 1 and page.texts[place - 2] == "that"


def _deny(found: Polarity, first: int, behind: int, cue: int) -> None:
    for place in range(first, behind):
        found.signs[place] = DENIED
        found.cues[place] = cue


def _closes(page: Page, place: int, line: Line) -> bool:
    """Whether a clause is over."""
    return place >= line.behind or page.texts[place] in {".", ",", ";", ")", "\u2022", "today", "currently"}


def _leaves(page: Page, place: int, line: Line, *, listed: bool) -> bool:
    """Whether a denial ends at a comma: what follows is a statement of its own, and no part of a list."""
    behind = place + 1
    following = page.texts[behind] if behind < line.behind else ""
    if following in {"or", "nor"}:
        return False
    if following in HEADS and page.texts[behind + 1 : behind + 2] and page.texts[behind + 1] in _STATES:
        return True
    if not listed and not {"or", "nor"} & set(page.texts[behind : min(line.behind, place + LIST_WORDS_MAX)]):
        return True
    while behind < line.behind and page.texts[behind] not in {",", ";", "or"} and behind - place <= REACH_WORDS_MAX:
        one = _cue(page, behind, line.behind)
        if one is not None:
            return one[0] in {Cue.AFFIRMS, Cue.ENDS}
        behind += 1
    return False


def _suppose(page: Page, line: Line, found: Polarity) -> None:
    """Mark what is only supposed."""
    for place in range(line.first, line.behind):
        if page.texts[place] in IFS:
            found.signs[place : line.behind] = [SUPPOSED] * (line.behind - place)
            return


def _answered(page: Page, place: int, first: int, found: Polarity) -> None:
    """Give the words of a question what its answer says of them."""
    line = page.lines[place]
    answer = _answer(page, place)
    denied = DENIED in found.signs[first : line.behind]
    commas = page.texts[first : line.behind].count(",") + page.texts[first : line.behind].count("or")
    sign = OPEN
    if answer == DENIED or (answer == AFFIRMED and denied):
        sign = DENIED if answer == DENIED else OPEN
    elif answer == AFFIRMED:
        sign = OPEN if commas > 1 else AFFIRMED
    for word in range(first, line.behind):
        found.signs[word] = sign
        found.cues[word] = -1


def _answer(page: Page, place: int) -> int:
    """What the next speaker says to a question, as far as the first words tell."""
    for later in range(place + 1, min(place + 1 + QUESTIONS_MAX, len(page.lines))):
        line = page.lines[later]
        speaks = _speaks(page, line)
        first = speaks if speaks is not None else line.first
        if speaks is None and page.texts[line.behind - 1] == "?":
            continue
        sign = _yes_no(page.texts[first : min(line.behind, first + ANSWER_WORDS_MAX)])
        if speaks is not None or sign != OPEN:
            return sign
    return OPEN


def _speaks(page: Page, line: Line) -> int | None:
    """Where the words of a new speaker begin: behind "[patient]" or "Patient:"; None in the midst of a speech."""
    texts = page.texts[line.first : min(line.first + 6, line.behind)]
    if texts[:1] == ["["] and "]" in texts:
        return line.first + texts.index("]") + 1
    if ":" in texts[1:5] and not SPEAKERS.isdisjoint(texts[: texts.index(":")]):
        return line.first + texts.index(":") + 1
    return None


def _yes_no(texts: list[str]) -> int:
    place = 0
    while place < len(texts) and texts[place] in _OPENERS:
        place += 1
    rest = texts[place : place + 3]
    if not rest:
        return OPEN
    if rest[0] in NO or not _NOT_ME.isdisjoint(rest):
        return DENIED
    return AFFIRMED if rest[0] in YES or rest[0] in _ME else OPEN
