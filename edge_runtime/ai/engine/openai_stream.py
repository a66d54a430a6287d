"""What an OpenAI-compatible program streams: server-sent events, read strictly and within bounds.

Source: the OpenAI chat completions API, streaming; WHATWG HTML, section 9.2 (server-sent events).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

LINE_BYTES_MAX: Final = 256 * 1024
"""Of one event: a token and what stands around it."""
STREAM_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of one answer with all that stands around its tokens."""
_DATA: Final = b"data:"
_END: Final = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the answer."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """What it cost, as the other side counts; 0 where it does not say."""

    prompt_tokens: int = 0
    answer_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer is over; `cut` by its length."""

    cut: bool


Event: TypeAlias = Piece | Usage | Ended


class Lines(Protocol):
    """What lines can be read from, such as an HTTP response."""

    def readline(self, limit: int = -1, /) -> bytes:
        """The next line, or as much of it as the limit allows; empty at the end."""


def read_stream(lines: Lines) -> Iterator[Event]:
    """The events of one answer, until its end.

    Raises:
        ValueError: what came is no such stream, or longer than it may be.
    """
    size = 0
    while line := lines.readline(LINE_BYTES_MAX + 1):
        size += len(line)
        if len(line) > LINE_BYTES_MAX or size > STREAM_BYTES_MAX:
            raise ValueError
        if not line.startswith(_DATA):
            continue  # a comment, the name of an event, or the empty line between two
        data = line.removeprefix(_DATA).strip()
        if data == _END:
            return
        yield from _events(data)


def _events(data: bytes) -> Iterator[Event]:
    try:
        chunk: Any = json.loads(data)
        choices: Any = chunk.get("choices") or ()
        usage: Any = chunk.get("usage")
        for choice in choices[:1]:
            text = (choice.get("delta") or {}).get("content")
            if isinstance(text, str) and text:
                yield Piece(text)
            if choice.get("finish_reason"):
                yield Ended(cut=choice["finish_reason"] == "length")
    except (AttributeError, TypeError, RecursionError):
        raise ValueError from None
    if isinstance(usage, dict):
        yield Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
