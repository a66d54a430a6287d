"""Finds the end of a value that is broken, so that what follows it can be read.

Owns the one place where reading is not strict: brackets are counted, texts are stepped over, and nothing is believed.
Whatever follows is read strictly again; where brackets or quotes do not match, no end is found and the file ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from edge_runtime.fhir.reading.strict_json import BrokenError, Cursor, FhirError
from edge_runtime.fhir.reading.window import Window

T = TypeVar("T")
_OUTSIDE: Final = re.compile(r'["{}\[\],]')
_INSIDE: Final = re.compile(r'["\\\n]')
_DEEPER: Final[Mapping[str, int]] = {"{": 1, "[": 1, "}": -1, "]": -1}


def read_or_skip(cursor: Cursor, read: Callable[[Cursor], T]) -> T | FhirError:
    """Read something that begins here; if it is broken, go to its end all the same.

    Returns:
        What was read, or what is wrong with it.

    Raises:
        BrokenError: where it ends cannot be told either.
    """
    window = cursor.window
    cursor.next()
    window.mark()
    try:
        found = read(cursor)
    except BrokenError as error:
        window.rewind()
        line, column = window.place(window.position)
        if not skip_value(cursor):
            got = f"none for what begins at line {line}, column {column}; {error.reason}"
            raise BrokenError(
                error.path, expected="an end after which reading goes on", got=got, issue=error.issue
            ) from None
        return error
    window.unmark()
    return found


def skip_value(cursor: Cursor) -> bool:
    """Go to the end of the value here, holding none of it.

    Returns:
        Whether there is an end: behind it stands what may follow a value.
    """
    if not cursor.next():
        return False
    depth = 0
    for mark in _marks(cursor.window):
        depth += _DEEPER.get(mark, 0)
        if depth < 0 or (depth == 0 and mark == ","):  # it belongs to what is around
            cursor.window.position -= 1
            return True
        if depth == 0:
            return True
    return False


def _marks(window: Window) -> Iterator[str]:
    """Go through brackets and commas that stand in no text, standing behind each."""
    inside = False
    while True:
        found = (_INSIDE if inside else _OUTSIDE).search(window.text, window.position)
        if found is None:
            window.position = len(window.text)
            if not window.more():
                return
            continue
        window.position = found.end()
        if found[0] == "\\":
            if window.position == len(window.text) and not window.more():
                return
            window.position += 1
        elif inside or found[0] == '"':
            inside = not inside  # no text holds a line break: one that seems to was never closed
        else:
            yield found[0]
