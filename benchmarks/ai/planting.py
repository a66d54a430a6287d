"""What a planted fabrication is, and where in a note one can stand.

Owns the values that every planter shares. A planter takes a page and a source of chance and proposes one change, or
none where this page offers no place. What it proposes contradicts the source, or says what the source does not.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from benchmarks.ai.statements import Span, statements

KINDS: Final = ("number", "drug", "dose", "allergy", "negation")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fabrication as an edit of a true note.

    Attributes:
        kind: one of `KINDS`.
        way: how, such as "amount changed".
        start: of what is replaced, in the note.
        end: of it; the same as `start` where words are only added.
        new: what stands there instead.
        mark: the fabricated words within `new`; None for all of them.
    """

    kind: str
    way: str
    start: int
    end: int
    new: str = field(repr=False)
    mark: Span | None = None


@dataclass(frozen=True, slots=True)
class Plant:
    """A fabrication in a draft: its kind, its way, and its words' place in code points."""

    kind: str
    way: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Page:
    """A true note, perhaps reworded, beside its source."""

    text: str = field(repr=False)
    source: str = field(repr=False)

    @property
    def statements(self) -> tuple[Span, ...]:
        """Where its statements stand."""
        return statements(self.text)


Planter: TypeAlias = Callable[[Page, random.Random], Change | None]


def apply(text: str, changes: Iterable[Change]) -> tuple[str, tuple[Plant, ...]]:
    """A draft with its fabrications; the changes must not overlap."""
    pieces: list[str] = []
    plants: list[Plant] = []
    at = length = 0
    for change in sorted(changes, key=lambda one: (one.start, one.end)):
        assert at <= change.start, "two changes share a place"
        before = text[at : change.start]
        start, end = change.mark or (0, len(change.new))
        place = length + len(before)
        plants.append(Plant(change.kind, change.way, place + start, place + end))
        pieces += [before, change.new]
        length = place + len(change.new)
        at = change.end
    return "".join([*pieces, text[at:]]), tuple(plants)


def shuffled(chance: random.Random, items: Iterable[T]) -> list[T]:
    """All of them, in an order of chance."""
    found = list(items)
    chance.shuffle(found)
    return found


def added(page: Page, chance: random.Random, kind: str, way: str, words: str, *, near: str = "") -> Change:
    """A new sentence after one of the note's statements, near a word where one is wished for."""
    places = [span for span in page.statements if page.text[span[1] - 1] in ".!?"] or list(page.statements)
    close = [span for span in places if near and re.search(near, page.text[slice(*span)], re.IGNORECASE)]
    _, at = chance.choice(close or places)
    stop = "" if page.text[at - 1 : at] in {".", "!", "?", ";"} else "."
    new = f"{stop} {words}"
    return Change(kind=kind, way=way, start=at, end=at, new=new, mark=(len(stop) + 1, len(new)))


def holds(text: str, words: str) -> bool:
    """Whether a text has these words, in any case."""
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE) is not None
