"""The part of a long text that is held while it is read: from what is being read to as far as was needed.

Owns how much of a file is in memory, and where in the file something stands. Refuses to hold more than `HELD_MAX`
characters at once, however long the text is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from edge_runtime.errors import InputError

HELD_MAX: Final = 16 * 1024 * 1024
"""Characters of one value that is read whole: an entry of a Bundle, a line, a resource."""
_PART: Final = 32 * 1024
"""Characters that are taken in at once."""


class Window:
    """A text that comes in chunks.

    Attributes:
        text: what is held of it.
        position: the place in `text` where reading goes on.
        full: `more` said no because `HELD_MAX` characters are held, not because the text has ended.
    """

    __slots__ = (
        "_at", "_by_line", "_chunk", "_chunks", "_column",
        "_failure", "_line", "_line_over", "_mark", "full", "position", "text"
    )  # fmt: skip

    def __init__(self, chunks: Iterable[str]) -> None:
        """Start at the beginning; nothing is read until `more`."""
        self.text = ""
        self.position = 0
        self.full = False
        self._chunks = iter(chunks)
        self._chunk = ""
        self._at = 0
        self._mark: int | None = None
        self._failure: InputError | None = None
        self._by_line = False
        self._line_over = False
        self._line, self._column = 1, 1

    def more(self) -> bool:
        """Take in more text, as much as is held at least, so that reading a long value again stays cheap.

        What was read and is not marked is forgotten: places in `text` change.

        Returns:
            False at the end of the text, at the end of the line where lines are read, and where too much is held.

        Raises:
            InputError: what the chunks raised, once all that came before it is taken in.
        """
        self._forget()
        held = len(self.text)
        self.full = held > HELD_MAX
        if self.full:
            return False
        parts, got = [self.text], 0
        while got <= min(held, HELD_MAX - held) and (part := self._part()):
            parts.append(part)
            got += len(part)
        self.text = "".join(parts)
        if not got and self._failure is not None:
            raise self._failure
        return got > 0

    def find(self, pattern: re.Pattern[str], after: int = 0) -> int:
        """Find the first match from `position` + `after` on, taking in text as needed.

        Args:
            pattern: matches single characters.
            after: characters to leave out.

        Returns:
            Its distance from `position`; -1 if there is none in what can be held.
        """
        while True:
            found = pattern.search(self.text, self.position + after)
            if found:
                return found.start() - self.position
            after = max(after, len(self.text) - self.position)
            if not self.more():
                return -1

    def mark(self) -> None:
        """Hold the text from here on, so that `rewind` can come back."""
        self._mark = self.position

    def unmark(self) -> None:
        """Hold it no longer."""
        self._mark = None

    def rewind(self) -> None:
        """Go back to the mark, and take it away."""
        assert self._mark is not None, "there is a mark"
        self.position, self._mark = self._mark, None

    def place(self, position: int) -> tuple[int, int]:
        """Line and column of a place in `text`, both from 1."""
        lines = self.text.count("\n", 0, position)
        if lines:
            return self._line + lines, position - self.text.rfind("\n", 0, position)
        return self._line, self._column + position

    def read_by_line(self) -> None:
        """From here on, let the text end at the end of each line, until `next_line`."""
        self.put_back()
        self._by_line = True

    def put_back(self) -> None:
        """Hold nothing of what was looked at ahead: what is held is gone through again at each broken value."""
        if self._by_line:
            return  # the end of the line was taken off; a line is short enough
        self._line, self._column = self.place(self.position)
        self._chunk, self._at = self.text[self.position :] + self._chunk[self._at :], 0
        self.text, self.position = "", 0

    def next_line(self) -> bool:
        """Leave the line, whatever is left of it.

        Returns:
            False where no other follows.
        """
        while not self._line_over and self._part():
            pass
        self.text, self.position, self._line_over, self._mark, self.full = "", 0, False, None, False
        self._line, self._column = self._line + 1, 1
        return self._at < len(self._chunk) or self._load() or self._failure is not None

    def _forget(self) -> None:
        keep = self.position if self._mark is None else self._mark
        if not keep:
            return
        self._line, self._column = self.place(keep)
        self.text = self.text[keep:]
        self.position -= keep
        if self._mark is not None:
            self._mark = 0

    def _part(self) -> str:
        """What comes next: the rest of the chunk, or of the line."""
        if self._line_over or (self._at == len(self._chunk) and not self._load()):
            return ""
        start, end = self._at, min(self._at + _PART, len(self._chunk))
        if self._by_line and (found := self._chunk.find("\n", start, end)) >= 0:
            end, self._line_over = found, True
            self._at = found + 1
        else:
            self._at = end
        return self._chunk[start:end]

    def _load(self) -> bool:
        self._chunk, self._at = "", 0
        if self._failure is None:
            try:
                self._chunk = next(self._chunks, "")
            except InputError as error:
                self._failure = error
        return bool(self._chunk)
