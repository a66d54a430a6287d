"""A page while it is put together: what is on it so far, and what is left off it, which the top of the page says.

Owns the one way in which anything is left off: whole, in view, and counted. A text or a list that would take too much
paper, as a hostile author may write one, keeps nobody from printing the rest; and no half of it is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from edge_runtime.printing.page import (
    TEXT_SHEETS_MAX,
    Block,
    Heading,
    Notice,
    Prose,
    Row,
    Rows,
    Span,
    Tone,
    Words,
    plain,
    sheets_of,
)

LISTED_MAX: Final = 200
"""Statements of one list on paper, the newest; the safety list is printed whole."""
TEXTS_SHEETS_MAX: Final = 200
"""Sheets that all texts of a page may take together."""
_Item = TypeVar("_Item")


class Draft:
    """The blocks of a page to be."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.blocks: list[Block] = []
        self.left_off: list[str] = []
        self._sheets = 0

    def heading(self, level: int, *words: Span) -> None:
        """Add a heading."""
        self.blocks.append(Heading(level, words))

    def rows(self, rows: Sequence[Row]) -> None:
        """Add rows, where there are any."""
        if rows:
            self.blocks.append(Rows(tuple(rows)))

    def notice(self, headline: str, *lines: Words, tone: Tone = Tone.WARNING) -> None:
        """Add what must not be overlooked."""
        self.blocks.append(Notice(tone, headline, lines))

    def text(self, text: str, place: str, *, apart: bool = False) -> None:
        """Add a text; where it would take too much paper, say so in its place and at the top instead."""
        sheets = sheets_of([text])
        if sheets <= TEXT_SHEETS_MAX and self._sheets + sheets <= TEXTS_SHEETS_MAX:
            self._sheets += sheets
            self.blocks.append(Prose(text, place, apart=apart))
            return
        reason = f"It is {len(text):,} characters long and would take {sheets:,} sheets of paper"
        self.notice("THIS TEXT IS NOT PRINTED", plain(f"{reason}. Nothing of it is lost: read it on the device."))
        self.left_off.append(f"{place}: {len(text):,} characters")

    def newest(self, items: Sequence[_Item], what: str) -> Sequence[_Item]:
        """The newest of a list, as many as are printed; the others are counted at the top."""
        if len(items) > LISTED_MAX:
            self.left_off.append(f"{what}: the {len(items) - LISTED_MAX:,} earliest of {len(items):,}")
        return items[-LISTED_MAX:]
