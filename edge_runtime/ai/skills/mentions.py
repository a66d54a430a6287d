"""Where a text names one of many phrases, and whether it says so of this patient: denied, in doubt, or of the family.

Owns how phrases are found and how far a denial reaches. Words are compared as the code systems fold them, without case
and accents; a phrase's word with `*` at its end is a beginning. Refuses to understand more: what it cannot tell apart
reads as said of this patient, because a rule that sees too much asks a person, and one that sees too little is silent.

Source: Chapman et al., "A simple algorithm for identifying negated findings and diseases in discharge summaries",
J Biomed Inform 2001;34:301-310; Harkema et al., "ConText", J Biomed Inform 2009;42:839-851. Cue lists are our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Generic, NamedTuple, TypeVar

from edge_runtime.codes.folding import words

Told = TypeVar("Told")

_WORD: Final = re.compile(r"(?:[^\W_][\u0300-\u036f]*)+")
_END: Final = re.compile(r"[.!?](?:[\s\"')\]]|$)|[;\n]")
_REACH: Final = 10
"""Words over which a denial reaches; a list of symptoms after "denies" is seldom longer."""
_AFTER: Final = 4
"""Words after a phrase in which it may still be taken back."""
_DOUBT_REACH: Final = 4


def word_set(listed: str) -> frozenset[str]:
    """The words of a list that is written as text."""
    return frozenset(listed.split())


def _cues(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cue.split()) for cue in text.split("|"))


_DENIALS: Final = _cues("""
    no | not | never | none | denies | denied | deny | denying | without | negative for | free of |
    absence of | nor | neither | ruled out | rules out | resolved | isn t | doesn t | don t | didn t |
    hasn t | haven t | wasn t
""")
_NO_DENIALS: Final = _cues("""
    no change | no increase | no improvement | no doubt | no better | not only | not improved |
    not improving | not certain | not sure | not better | not relieved | not controlled | not responding |
    not resolved
""")
"""What begins like a denial and denies nothing of what follows."""
_TAKEN_BACK: Final = _cues("""
    ruled out | is negative | was negative | negative | absent | is absent | denied | is denied |
    not present | not seen | not found | unlikely
""")
_DOUBTS: Final = _cues("""
    possible | possibly | probable | probably | suspected | suspect | suspicion for | suspicion of |
    concern for | concerning for | likely | rule out | r o | versus | vs | query | differential |
    questionable | worried about | worries about | worry about | concerned about | afraid of | fear of | anxious about
""")
_FAMILY: Final = word_set(
    "mother father parents mum mom dad brother sister siblings aunt uncle grandmother grandfather cousin fhx"
)
_FAMILY_HISTORY: Final = ("family", "history")
_RESUMED: Final = word_set("has had have reports reported complains presents presented developed shows")
"""After one of these a new statement begins."""
_TURNS: Final = word_set("but however although though except yet nevertheless")


class Word(NamedTuple):
    """A word as it is compared, and where it stands.

    Attributes:
        text: folded.
        start: in the text.
        end: in the text.
        clause: number of the clause that it belongs to.
    """

    text: str
    start: int
    end: int
    clause: int


@dataclass(frozen=True, slots=True)
class Mention(Generic[Told]):
    """A place where a phrase is named.

    Attributes:
        told: what the phrase stands for.
        start: in the text.
        end: in the text.
        denied: the text says that it is not so.
        doubted: the text says that it may be so.
        family: the text says it of a relative.
    """

    told: Told
    start: int
    end: int
    denied: bool = False
    doubted: bool = False
    family: bool = False

    @property
    def stands(self) -> bool:
        """Whether it is said of this patient, in doubt or not."""
        return not self.denied and not self.family


@dataclass(frozen=True, slots=True)
class Words:
    """A text as words with their places."""

    text: str = field(repr=False)
    words: tuple[Word, ...] = field(repr=False)

    def scoped(self, told: Told, first: int, last: int) -> Mention[Told]:
        """A mention of the words from `first` to `last`, both counted in."""
        return Mention(
            told,
            self.words[first].start,
            self.words[last].end,
            denied=self._denied(first, last),
            doubted=self._doubted(first),
            family=self._family(first),
        )

    def _clause(self, first: int) -> int:
        """The first word of the clause of a word."""
        clause = self.words[first].clause
        while first > 0 and self.words[first - 1].clause == clause:
            first -= 1
        return first

    def _before(self, first: int, reach: int) -> list[str]:
        return [word.text for word in self.words[max(self._clause(first), first - reach) : first]]

    def _denied(self, first: int, last: int) -> bool:
        before = self._before(first, _REACH)
        for place in range(len(before) - 1, -1, -1):
            if _begins(before, place, _NO_DENIALS):
                return False
            if _begins(before, place, _DENIALS):
                return True
            if before[place] in _RESUMED and not (place and _begins(before, place - 1, _DENIALS)):
                break
        return self._taken_back(last)

    def _taken_back(self, last: int) -> bool:
        end = self.words[last]
        after = self.words[last + 1 : last + 1 + _AFTER]
        heard: list[str] = []
        for word in after:
            if word.clause != end.clause or "," in self.text[end.end : word.start]:
                break
            heard.append(word.text)
        skipped = 1 if heard and heard[0] in {"was", "is", "were", "are", "has", "been"} else 0
        return any(_begins(heard, place, _TAKEN_BACK) for place in {0, skipped})

    def _doubted(self, first: int) -> bool:
        before = self._before(first, _DOUBT_REACH)
        return any(_begins(before, place, _DOUBTS) for place in range(len(before)))

    def _family(self, first: int) -> bool:
        before = self._before(first, first)
        return not _FAMILY.isdisjoint(before) or _FAMILY_HISTORY in pairwise(before)


def _begins(heard: Sequence[str], place: int, cues: Iterable[tuple[str, ...]]) -> bool:
    return any(tuple(heard[place : place + len(cue)]) == cue for cue in cues)


def read_words(text: str) -> Words:
    """The words of a text, in clauses."""
    found: list[Word] = []
    clause, end = 0, 0
    for match in _WORD.finditer(text):
        if _END.search(text, end, match.start() + 1):
            clause += 1
        for one in words(match[0]):
            clause += one in _TURNS
            found.append(Word(one, match.start(), match.end(), clause))
        end = match.end()
    return Words(text, tuple(found))


class Phrases(Generic[Told]):
    """Phrases, and what each stands for."""

    def __init__(self, phrases: Iterable[tuple[str, Told]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], Told]]] = {}
        self._begun: list[tuple[tuple[str, ...], Told]] = []
        for phrase, told in phrases:
            said = tuple(one for part in phrase.split() for one in _folded(part))
            if said[0].endswith("*"):
                self._begun.append((said, told))
            else:
                self._by_first.setdefault(said[0], []).append((said, told))

    def within(self, text: Words) -> Iterator[Mention[Told]]:
        """Every mention, in the order of the text; of one place the longest phrase of each meaning."""
        for first, word in enumerate(text.words):
            found: dict[Told, int] = {}
            for said, told in (*self._by_first.get(word.text, ()), *self._begun):
                if _reads(text, first, said):
                    found[told] = max(found.get(told, 0), len(said))
            for told, length in found.items():
                yield text.scoped(told, first, first + length - 1)


def _folded(part: str) -> list[str]:
    said = words(part)
    return [*said[:-1], f"{said[-1]}*"] if part.endswith("*") else said


def _reads(text: Words, first: int, said: tuple[str, ...]) -> bool:
    here = text.words[first : first + len(said)]
    return (
        len(here) == len(said)
        and here[-1].clause == here[0].clause
        and all(
            word.text.startswith(one[:-1]) if one.endswith("*") else word.text == one
            for word, one in zip(here, said, strict=True)
        )
    )
