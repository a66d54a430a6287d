"""Searching ICD-10-CM, by the beginning of a code or by words as people type them: unfinished, and not the book's.

Owns the ranking. Every word has to be found, each as the beginning of a word of a title or of an inclusion term, of the
code itself or of what it belongs to. First comes what is said with fewest words beside those that were asked for; what
cannot be billed comes last; of a fracture's seventh characters the initial encounter first. Refuses what is no search.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from edge_runtime.codes.folding import FILLERS, LINKS, term, words
from edge_runtime.codes.icd10cm import written
from edge_runtime.codes.icd10cm_table import CATEGORY_CHARS, Icd10cmTable, Row
from edge_runtime.codes.plain_words import PLAIN, SAID_WORDS_MAX
from edge_runtime.errors import InputError

TEXT_CHARS_MAX: Final = 200
WORDS_MAX: Final = 12
LIMIT_MAX: Final = 100
"""Results of one search."""
_LOOKED_AT: Final = 160
"""Rows whose words are compared, the first by their standing: what bounds the time of a search."""
_BEGUN: Final = 0.9
"""What a word counts that was only begun, beside one that was written out."""
_PLAIN: Final = 0.95
"""What a word of ours counts, beside the release's own."""
_ABOVE: Final = 0.9
"""What a term of something above counts, beside a code's own."""
_TURN: Final = 0.2
"""What each later turn of a seventh character costs."""

_Way: TypeAlias = tuple[str, ...]


class Found(NamedTuple):
    """One result.

    Attributes:
        code: with its dot.
        display: its title.
        billable: whether it is complete, and so may be used.
        chapter: number of the chapter, from 1 to 22.
        chapter_title: in the words of the release.
    """

    code: str
    display: str
    billable: bool
    chapter: str
    chapter_title: str


def search(held: Icd10cmTable, text: str, *, limit: int) -> list[Found]:
    """What a text finds, the best first.

    Args:
        held: the table.
        text: words, or the beginning of a code with or without its dot.
        limit: so many results at most.

    Raises:
        InputError: there is no word in it, too many, or a limit out of range.
        RefusedError: the table is damaged.
    """
    asked = _asked(text, limit)
    rows = _by_code(held, text, limit)
    if len(rows) < limit:
        seen = {row.code for row in rows}
        rows += [row for row in _by_words(held, asked) if row.code not in seen]
    return [_found(held, row) for row in rows[:limit]]


def _asked(text: str, limit: int) -> list[str]:
    if not 1 <= limit <= LIMIT_MAX:
        raise InputError("limit_range", expected=f"1 to {LIMIT_MAX} results", got="another number", do="ask for fewer")
    asked = list(dict.fromkeys(words(text))) if len(text) <= TEXT_CHARS_MAX else []
    if not 1 <= len(asked) <= WORDS_MAX:
        raise InputError(
            "search_text",
            expected=f"one to {WORDS_MAX} words, of at most {TEXT_CHARS_MAX} characters in all",
            got=f"{len(asked)} words in {len(text)} characters",
            do="name the diagnosis in a few words, or give the beginning of a code",
        )
    return [word for word in asked if word not in LINKS] or asked


def _by_code(held: Icd10cmTable, text: str, limit: int) -> list[Row]:
    """What begins like a text that reads as the beginning of a code; nothing for any other text."""
    given = text.strip().rstrip(".").upper()
    if not any(char.isdigit() for char in given):
        return []
    form = written(given) or (given if len(given) < CATEGORY_CHARS and given.isascii() and given.isalnum() else None)
    return held.beginning(form, limit) if form is not None else []


def _by_words(held: Icd10cmTable, asked: Sequence[str]) -> list[Row]:
    groups = _groups(asked)
    query = " AND ".join(f"({' OR '.join(_all_of(way) for way in group)})" for group in groups)
    scores = _Scores(held, groups)
    rows = held.matching(query, _LOOKED_AT)
    return sorted(rows, key=lambda row: (not row.billable, -scores.of(row), row.rank))


def _all_of(way: _Way) -> str:
    whole = " AND ".join(f'"{word}" *' for word in way)
    return f"({whole})"


def _groups(asked: Sequence[str]) -> list[list[_Way]]:
    """Each word that was asked for, or several that mean one thing, with the ways in which it may be written."""
    found: list[list[_Way]] = []
    at = 0
    while at < len(asked):
        ends = range(min(at + SAID_WORDS_MAX, len(asked)), at, -1)
        said = next((tuple(asked[at:end]) for end in ends if tuple(asked[at:end]) in PLAIN), (asked[at],))
        found.append([said, *PLAIN.get(said, ())])
        at += len(said)
    return found


class _Scores:
    """How well rows answer one search. Terms are shared by many rows, so each is looked at once."""

    def __init__(self, held: Icd10cmTable, groups: Sequence[Sequence[_Way]]) -> None:
        self._held = held
        self._groups = groups
        self._terms: dict[str, float] = {}
        self._rows: dict[str, float] = {}

    def of(self, row: Row) -> float:
        """The best of a row's own terms and those above it, less what it costs to be a later turn."""
        return self._best(row) - _TURN * row.turn

    def _best(self, row: Row) -> float:
        if row.extension is None:
            return self._all(row)
        assert row.parent is not None, "a seventh character is added to something"
        base = self._held.row(row.parent)
        assert base is not None, "the build writes what is above with what is below"
        return max(self._all(base), self._term(f"{base.terms[0]} {_folded(row.extension)}"))

    def _all(self, row: Row) -> float:
        """Of the terms of a row and, for a little less, of those above it."""
        known = self._rows.get(row.code)
        if known is None:
            up = self._held.row(row.parent) if row.parent is not None else None
            known = max((self._term(one) for one in row.terms), default=0.0)
            known = self._rows[row.code] = max(known, _ABOVE * self._all(up) if up is not None else 0.0)
        return known

    def _term(self, said: str) -> float:
        known = self._terms.get(said)
        if known is None:
            known = self._terms[said] = _score(said.split(), self._groups)
        return known


@lru_cache(maxsize=256)
def _folded(extension: str) -> str:
    return term(extension)


def _score(said: Sequence[str], groups: Sequence[Sequence[_Way]]) -> float:
    """How much of a term a search names, times how much of the search the term answers, squared."""
    named: dict[str, float] = {}
    answered = 0
    for group in groups:
        for number, way in enumerate(group):
            hits = [hit for word in way if (hit := _hit(said, word)) is not None]
            if len(hits) == len(way):
                worth = 1.0 if number == 0 else _PLAIN
                named |= {word: max(worth * part, named.get(word, 0.0)) for word, part in hits}
                answered += 1
                break
    counted = sum(word in named or word not in FILLERS for word in said)
    return (sum(named.values()) / counted) * (answered / len(groups)) ** 2 if counted else 0.0


def _hit(said: Sequence[str], asked: str) -> tuple[str, float] | None:
    """The word of a term that a word of a search means, and what it counts."""
    if asked in said:
        return asked, 1.0
    begun = next((word for word in said if word.startswith(asked)), None)
    return (begun, _BEGUN) if begun is not None else None


def _found(held: Icd10cmTable, row: Row) -> Found:
    chapter = held.headings(row)[-1]
    return Found(row.code, row.display, row.billable, chapter.name, chapter.title)
