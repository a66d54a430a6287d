"""A text laid out for the rules: its words, their stems, and its sentences.

Owns what every rule needs of a text, worked out once. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_runtime.ai.checking.folded import Folded, folded
from edge_runtime.ai.checking.sentences import spans
from edge_runtime.ai.checking.words import Word, stem, words


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence.

    Attributes:
        start: of it in the plain text.
        end: of it in the plain text.
        first: place of its first word.
        behind: place of the word behind it.
    """

    start: int
    end: int
    first: int
    behind: int


@dataclass(frozen=True, slots=True)
class Page:
    """A text laid out.

    Attributes:
        text: as it was handed in.
        folded: its plain form, with the way back.
        words: of the plain form.
        texts: the words alone.
        stems: of the words.
        lines: its sentences.
        line_of: for each word, the place of its sentence.
    """

    text: str = field(repr=False)
    folded: Folded = field(repr=False)
    words: list[Word] = field(repr=False)
    texts: list[str] = field(repr=False)
    stems: list[str] = field(repr=False)
    lines: list[Line] = field(repr=False)
    line_of: list[int] = field(repr=False)

    @property
    def plain(self) -> str:
        """The plain form."""
        return self.folded.plain

    def starts(self, place: int) -> int:
        """Where a word begins in the plain text."""
        return self.words[place].start

    def ends(self, place: int) -> int:
        """Where a word ends in the plain text."""
        return self.words[place].end

    def opens(self, place: int) -> bool:
        """Whether a word is the first of its sentence."""
        return place == 0 or self.line_of[place] != self.line_of[place - 1]

    def span(self, first: int, behind: int) -> tuple[int, int]:
        """Where words stood in the text that was handed in."""
        return self.folded.span(self.words[first].start, self.words[behind - 1].end)


def page(text: str) -> Page:
    """Lay out a text."""
    plain = folded(text)
    every = words(plain.plain)
    texts = [word.text for word in every]
    known = {text: stem(text) for text in set(texts)}
    lines: list[Line] = []
    line_of: list[int] = []
    place = 0
    for start, end in spans(plain, text):
        first = place
        while place < len(every) and every[place].start < end:
            line_of.append(len(lines))
            place += 1
        lines.append(Line(start, end, first, place))
    line_of += [max(len(lines) - 1, 0)] * (len(every) - place)
    return Page(text, plain, every, texts, [known[text] for text in texts], lines, line_of)
