"""A long text in chunks of whole sentences, so that each can be translated, translated back and compared by itself.

The chunks cover every sentence and overlap nowhere. A sentence longer than a chunk is parted at a space.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from edge_runtime.ai.checking.sentences import sentences

CHUNK_CHARS_MAX: Final = 400
"""Few enough for a small model to keep in mind, enough for a pronoun to find its noun."""

Span: TypeAlias = tuple[int, int]


def chunks(text: str) -> tuple[Span, ...]:
    """Where the chunks of a text stand."""
    found: list[Span] = []
    for start, end in _pieces(text):
        if found and end - found[-1][0] <= CHUNK_CHARS_MAX:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


def _pieces(text: str) -> Iterator[Span]:
    for begin, end in sentences(text):
        start = begin
        while end - start > CHUNK_CHARS_MAX:
            space = text.rfind(" ", start + CHUNK_CHARS_MAX // 2, start + CHUNK_CHARS_MAX)
            cut = space + 1 if space > 0 else start + CHUNK_CHARS_MAX
            yield start, cut
            start = cut
        yield start, end
