"""Lines from standard input, one JSON object each: never more than one is held, and none fills the memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from edge_runtime.clinical.scores.lines import LINE_BYTES_MAX
from edge_runtime.errors import InputError


def lines(example: str) -> Iterator[bytes]:
    """Lines, each cut soon after the limit, so that one without end fills no memory; the rest of it is skipped.

    Args:
        example: a command that gives it a file, for whoever gave none.

    Raises:
        InputError: standard input cannot be read.
    """
    whole = LINE_BYTES_MAX + 2  # with its end
    try:
        source = sys.stdin.buffer
        while line := source.readline(whole):
            rest = line
            while len(rest) == whole and not rest.endswith(b"\n"):
                rest = source.readline(whole)
            yield line
    except (OSError, ValueError, AttributeError):  # closed, a folder, or none at all
        raise InputError(
            "input_unreadable",
            expected="one JSON object a line on standard input",
            got="a standard input that cannot be read",
            do=f"give it a file or a pipe, as in '{example}'",
        ) from None
