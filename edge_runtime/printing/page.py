"""A page before it is HTML or PDF: headings, rows, tables, texts, notices and signatures.

Owns that form, its digest and its limits. Everything in it is text, and none of it is markup: what a patient or a
stranger wrote means nothing here, and means nothing in what is made of it. Refuses to leave anything out by itself: a
page over a limit is refused whole, with the place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from edge_runtime.errors import RefusedError

LINES_A_SHEET: Final = 48
COLUMNS: Final = 90
"""By these the length of a text is judged, so that empty lines count, too: they are few characters and much paper."""
TEXT_SHEETS_MAX: Final = 100
"""Sheets of one text: over 400,000 characters, or the longest text that anybody may sign in short lines."""
SHEETS_MAX: Final = 300
"""Sheets of a page: up to 1.3 million characters, which take about a second and 300 MB to set."""
TITLE_CHARS_MAX: Final = 200


class Tone(StrEnum):
    """How a word is set. No meaning hangs on it alone: a page is also read in black and white, and aloud."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    WARNING = "warning"
    DANGER = "danger"
    STRUCK = "struck"


@dataclass(frozen=True, slots=True)
class Span:
    """Some words in one tone. They run their own way, isolated: they do not turn what stands beside them."""

    text: str
    tone: Tone = Tone.PLAIN


Words: TypeAlias = tuple[Span, ...]
"""What stands in one line or one cell: from left to right, as the language of the page does."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 stands below the title of the page, 3 is the lowest."""

    level: int
    words: Words


@dataclass(frozen=True, slots=True)
class Row:
    """What something is, and under it, smaller, what there is to say about it."""

    label: str
    words: Words
    notes: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that belong together."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; every row has as many cells as there are columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]


@dataclass(frozen=True, slots=True)
class Prose:
    """A text as somebody wrote it, line by line.

    Attributes:
        text: the lines; each finds its own direction.
        place: what a refusal calls it; never a word of it.
        apart: whether it is set off by a bar, as what was not merged is.
        exact: whether spaces and digits keep their columns, as in a signed text.
    """

    text: str
    place: str
    apart: bool = False
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """What must not be overlooked: a frame with a headline, and lines in it."""

    tone: Tone
    headline: str
    lines: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, and what there is to say of it, in rows."""

    headline: str
    rows: tuple[Row, ...]


Block: TypeAlias = Heading | Rows | Table | Prose | Notice | Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is printed.

    Attributes:
        title: of the file; it stands in its properties too, so it names nobody.
        blocks: from the top down.
        footer: what stands at the foot of every sheet.
        made_ms: when it was made, in milliseconds since 1970; a page of the same content has the same digest.
        language: of the words that are ours, as BCP 47 says it.
    """

    title: str
    blocks: tuple[Block, ...]
    footer: str
    made_ms: int
    language: str = "en"

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, over what the page says; the time of its making left out."""
        blocks = [[type(block).__name__, asdict(block)] for block in self.blocks]
        whole = json.dumps([self.title, blocks, self.footer, self.language], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()


def plain(text: str) -> Words:
    """Words in the plain tone."""
    return (Span(text),)


def texts(page: Page) -> Iterator[str]:
    """Every text of a page, from the top down."""
    yield page.title
    for block in page.blocks:
        yield from _block_texts(block)
    yield page.footer


def check_page(page: Page) -> None:
    """Check the limits of a page, before anything is made of it.

    Raises:
        RefusedError: over one of them; the error names it and the place.
    """
    level = 0
    for block in page.blocks:
        if isinstance(block, Heading):
            assert 1 <= block.level <= level + 1, "a heading stands below the one above it, as PDF/UA requires"
            level = block.level
        if isinstance(block, Prose) and sheets_of([block.text]) > TEXT_SHEETS_MAX:
            raise too_long(block.place, TEXT_SHEETS_MAX, sheets_of([block.text]), "sheets of paper")
        if isinstance(block, Table):
            assert all(len(row) == len(block.columns) for row in block.rows), "a table has one cell for each column"
    if len(page.title) > TITLE_CHARS_MAX:
        raise too_long("the title", TITLE_CHARS_MAX, len(page.title), "characters")
    sheets = sheets_of(texts(page))
    if sheets > SHEETS_MAX:
        raise too_long("the whole page", SHEETS_MAX, sheets, "sheets of paper")


def too_long(place: str, limit: int, found: int, unit: str) -> RefusedError:
    """Make the refusal of what is too long to print."""
    return RefusedError(
        "too_long_to_print",
        expected=f"{place} of at most {limit:,} {unit}",
        got=f"{found:,}",
        do="read it on the device; nothing was written",
    )


def sheets_of(written: Iterable[str]) -> int:
    """Sheets of paper that texts take at most, each beginning a new line."""
    lines = sum(max(1, -(-len(line) // COLUMNS)) for text in written for line in text.split("\n"))
    return -(-lines // LINES_A_SHEET)


def _block_texts(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield _said(block.words)
    elif isinstance(block, Prose):
        yield block.text
    elif isinstance(block, Table):
        yield from block.columns
        for cells in block.rows:
            yield from map(_said, cells)
    elif isinstance(block, Notice):
        yield block.headline
        yield from map(_said, block.lines)
    else:
        if isinstance(block, Signature):
            yield block.headline
        for row in block.rows:
            yield row.label
            yield from map(_said, (row.words, *row.notes))


def _said(words: Words) -> str:
    return "".join(span.text for span in words)
